"""A model of DNA, from a bacterium's chromosome to likelihoods through the gateway, and a promotion by its evidence.

    python examples/genome/run.py

A company has a model of DNA behind the alias `dna`, that learnt for a few steps. It trains a better one on the first
half a million bases of E. coli K-12 MG1655, holds it against the other, and against Markov models, on the next hundred
thousand and on a stretch of Salmonella, and may promote it. The other way round it is refused.
"""

import gzip
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from examples.walk import Walk  # noqa: E402 - found by the line above, from wherever this is run

LEARNT, TRANSFER = "ecoli.fa.gz", "salmonella.fa.gz"
PLAN = """
name = "{name}"
recipe = "genome"
licence = "CC0-1.0"

[corpus]
sequences = ["../{learnt}"]
licence = "public domain"
split = "position"  # the end of the sequence is held out
held_out = 0.16667

[train]
steps = {steps}
layers = 2
width = 64
heads = 2
kmer_width = 64
context = 384
threads = 1

[evaluate]
transfer = {transfer}

[publish]
jurisdiction = "DE"
region = "DE"

[promote]
alias = "{alias}"
"""
FEW, MORE = 5, 90  # steps
ALIASES = {"dna": "own/dna-first", "dna-next": "own/dna-better"}
FRAME = slice(504_913, 505_513)  # the first 200 codons of a reading frame of 550, among the bases held out
STOP, SILENT = "292G>T", "294A>G"  # GAA becomes TAA, which ends the protein; or GAG, the same amino acid


def plan(name: str, steps: int, *, alias: str = "", transfer: str = "[]") -> str:
    """A run's own.toml."""
    return PLAN.format(name=name, steps=steps, alias=alias, learnt=LEARNT, transfer=transfer)


def gene() -> str:
    """Where the two substitutions are tried."""
    with gzip.open(HERE / LEARNT, "rt", encoding="ascii") as file:
        return "".join(line.strip() for line in file if line[0] != ">")[FRAME]


def main() -> None:
    """The whole walk."""
    with Walk("A model of DNA", ALIASES) as walk:
        for name in (LEARNT, TRANSFER):
            shutil.copy(HERE / name, walk.folder / name)
        walk.stages(walk.run("first", plan("dna-first", FEW)))
        walk.stages(walk.run("better", plan("dna-better", MORE, alias="dna", transfer=f'["../{TRANSFER}"]')))
        walk.freehold("own", "bases", "better", TRANSFER, "--to", "salmonella.npz")
        walk.up()
        asked = {"sequence": gene(), "substitutions": [STOP, SILENT]}
        for alias in ALIASES:
            [one] = walk.predict(alias, [asked])
            for name, ratio in one["log2_likelihood_ratios"].items():
                print(f"  {name}: {ratio:+.2f} bits")
        walk.promote("better")

        # The other way round: what has learnt little is not to replace what is better.
        walk.run("first", plan("dna-first", FEW, alias="dna-next"))
        walk.stages("first", "evaluate", "publish")
        walk.promote("first", expect_refusal="worse")


if __name__ == "__main__":
    main()
