"""A model of DNA learnt from most of a bacterium's chromosome: `python -m benchmarks.own_genome`.

The commands of `freehold own` run as anybody runs them, for half an hour: E. coli K-12 MG1655 but for its last 450,000
bases is learnt from, those are predicted, and so are the first 450,000 of Salmonella LT2. All in one thread; processor
time is that of the whole command, torch.compile included. Markov models that counted the same bases stand beside it.
What else is told:

- *phases*: a sequence is read as tokens of three bases, which can begin at three places; alone, and averaged.
- *hybrid*: the model and counts after 12, 16, 20 and 24 bases, weighed at each base by what they have been worth just
  before. It is another thing than the model, since it looks repeats up; so it is told apart.
- *strands*: the same stretch read in both directions.
- *substitutions*: in long open reading frames of the held-out bases, those that end a protein early and those that
  leave it as it is. How often the first are the less likely of a pair (area under the curve) was not trained for.

`--quick` trains a few steps: that it runs, not how low it goes.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.claims import claim, started
from benchmarks.recordings import DATA
from freehold.own import rows as corpus
from freehold.own.artefact import MODEL
from freehold.own.artefact import read as read_artefact
from freehold.own.corpus.sequences import records
from freehold.own.dna import BASES, Codes, codes
from freehold.own.evaluate.markov import Floats, Markov, mixed
from freehold.own.genome import Genome, Substitution
from freehold.own.genome_tables import write_bases
from freehold.own.rows import Row

LEARNT, TRANSFER = (
    DATA / "dna" / name for name in ("GCF_000005845.2_ASM584v2.fna.gz", "GCF_000006945.1_ASM694v1.fna.gz")
)
LENGTH, HELD_OUT = 4_641_652, 450_000
GOAL, PARAMETERS, CPU_S, GECO3 = 1.865, 2_000_000, 1_200, 1.895
STEPS, STEPS_QUICK = 1_250, 20
STRANDS, PHASES = 150_000, 150_000  # bases that are read for these
HYBRID = (12, 16, 20, 24)
FRAME_MIN, PAIRS = 900, 200  # bases; substitutions of each kind
PLAN = """
name = "ecoli"
recipe = "genome"
licence = "proprietary"
[corpus]
sequences = ["{learnt}"]
licence = "public domain"
split = "position"
held_out = {held_out!r}
[train]
steps = {steps}
cpu_minutes = 19.5
compile = true
threads = 1
[evaluate]
transfer = ["salmonella.fa"]
"""


def command(*words: str) -> float:
    """Run `freehold own` and give the processor time of it and of all that it started, in seconds."""
    print(f"\n$ freehold own {' '.join(words)}", flush=True)
    one = dict.fromkeys(("OMP_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS"), "1")
    process = subprocess.Popen([sys.executable, "-m", "freehold", "own", *words], env={**os.environ, **one})
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"freehold own {words[0]}: exit code {process.returncode}")
    cpu_s = used.ru_utime + used.ru_stime
    print(f"  {cpu_s:,.1f} s of processor time", flush=True)
    return cpu_s


def main() -> None:
    quick = started("A model of DNA: E. coli but for its last 450,000 bases, which it then predicts.")
    with TemporaryDirectory(prefix="freehold-genome-") as folder:
        run = Path(folder)
        plan = PLAN.format(learnt=LEARNT, held_out=HELD_OUT / LENGTH, steps=STEPS_QUICK if quick else STEPS)
        (run / "own.toml").write_text(plan, encoding="utf-8")
        other = next(records(TRANSFER)).text[:HELD_OUT]
        (run / "salmonella.fa").write_text(f">salmonella\n{other}\n", encoding="utf-8")
        command("corpus", folder)
        trained_s = command("train", folder)
        command("evaluate", folder)
        compared(run, trained_s)
        looked_into(run, HELD_OUT if not quick else 20_000)


def compared(run: Path, trained_s: float) -> None:
    """The report's figures, and whether the goals are met."""
    parameters = read_artefact(run / "train" / MODEL).parameters
    report = json.loads((run / "evaluate" / "report.json").read_bytes())
    print("\nbits per base, with 95 % intervals over blocks of 5,000 bases:")
    found = {}
    for one in report["measured"]:
        value = one["value"]
        found[one["subject"], one["on"]] = value["estimate"]
        print(
            f"  {one['subject']:30} {one['on']:16} {value['estimate']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
        )
    for one in report["compared"]:
        value = one["value"]
        print(
            f"  {one['first']} better than {one['second']}, {one['on']}: "
            f"{value['estimate']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
        )
    bits = found["own/ecoli", "held out"]
    print(f"  (GeCo3 on the same bases, given the rest: {GECO3})\n")
    claim("parameters", f"{parameters:,}", f"below {PARAMETERS:,}", parameters < PARAMETERS)
    claim("processor time of training", f"{trained_s:,.0f} s", f"<= {CPU_S:,} s", trained_s <= CPU_S)
    claim("bits per base, last 450,000", f"{bits:.4f}", f"<= {GOAL}", bits <= GOAL)


def looked_into(run: Path, length: int) -> None:
    """What the model says beyond its mean."""
    learnt = next(corpus.read(run / "corpus" / corpus.TRAIN))
    held = next(corpus.read(run / "corpus" / corpus.HELD_OUT))
    genome, sequence = Genome.load(run / "train" / MODEL), codes(held.text)[:length]
    began = time.process_time()
    written = run / "bases.npz"
    write_bases(written, genome, [Row(held.id, text=held.text[:length])])
    with np.load(written, allow_pickle=False) as file:
        bits = file["bits_0"].astype(np.float64)
    off = float(np.abs((2.0**-bits).sum(-1) - 1).max())
    print(
        f"\nlikelihoods of {length:,} bases: {written.stat().st_size / 1e6:.1f} MB as npz, "
        f"{time.process_time() - began:.0f} s of processor time; their probabilities sum to 1 within {off:.0e}"
    )
    by_phase(run, sequence[:PHASES])
    by_order(codes(learnt.text), sequence, bits[np.arange(length), sequence])
    strands(genome, sequence[:STRANDS])
    substitutions(genome, sequence)


def by_phase(run: Path, sequence: Codes) -> None:
    means = [Genome.load(run / "train" / MODEL, phases).bits(sequence).mean() for phases in (1, 2, 3)]
    print(
        f"read at one, two, three phases (first {len(sequence):,}): {', '.join(f'{one:.4f}' for one in means)}"
    )


def by_order(learnt: Codes, sequence: Codes, bits: Floats) -> None:
    likely = Markov([learnt], max(HYBRID)).by_order(sequence)
    print("Markov, orders from 1 mixed up to k:")
    for k in (2, 4, 6, 8, 10, 11, 12):
        print(f"  k {k:2}: {-np.log2(mixed(likely[1 : k + 1])).mean():.4f}")
    both = -np.log2(mixed(np.stack([2.0**-bits, *likely[list(HYBRID)]])))
    gain = (bits - both)[: len(bits) // 500 * 500].reshape(-1, 500).mean(-1)
    best = np.sort(gain)[-max(1, len(gain) // 20) :].sum() / gain.sum()
    print(
        f"hybrid with counts after {', '.join(map(str, HYBRID))} bases, told apart: {both.mean():.4f}; "
        f"{best:.0%} of what it gains lies in the best twentieth of windows of 500 bases: repeats"
    )


def strands(genome: Genome, sequence: Codes) -> None:
    one = genome.consistency(sequence)
    print(
        f"strands ({len(sequence):,} bases): forward {one.forward:.4f}, reverse {one.reverse:.4f} bits per base; "
        f"mean distance {one.per_base:.3f} a base, {one.per_hundred:.4f} over 100, {one.per_thousand:.4f} over 1,000; "
        f"correlation of single bases {one.correlation:.2f}"
    )


def substitutions(genome: Genome, sequence: Codes) -> None:
    """In each kind the same number, drawn from all that there are."""
    kinds: dict[bool, list[Substitution]] = {True: [], False: []}
    for begin, end in frames(sequence):
        for ends, one in in_frame(sequence, begin, end):
            kinds[ends].append(one)
    drawn = np.random.default_rng(0)
    took = time.process_time()
    ending, silent = (
        np.array(
            genome.effects(
                sequence, [some[at] for at in drawn.choice(len(some), min(PAIRS, len(some)), False)]
            )
        )
        for some in (kinds[True], kinds[False])
    )
    less = float((ending[:, None] < silent).mean())
    print(
        f"substitutions in reading frames of {FRAME_MIN} bases and more, "
        f"{len(ending)} that end the protein and {len(silent)} silent: "
        f"log2 likelihood ratio {np.median(ending):.2f} and {np.median(silent):.2f} in the middle; "
        f"area under the curve {less:.3f}; {(time.process_time() - took) / (len(ending) + len(silent)):.2f} s each"
    )


def frames(sequence: Codes) -> Iterator[tuple[int, int]]:
    """Open reading frames of the forward strand: from ATG to the first TAA, TAG or TGA in phase, which is left out."""
    text = "".join(BASES[base] for base in sequence)
    for phase in range(3):
        begin = -1
        for at in range(phase, len(text) - 2, 3):
            codon = text[at : at + 3]
            if codon in ("TAA", "TAG", "TGA"):
                if begin >= 0 and at - begin >= FRAME_MIN:
                    yield begin, at
                begin = -1
            elif codon == "ATG" and begin < 0:
                begin = at


def in_frame(sequence: Codes, begin: int, end: int) -> Iterator[tuple[bool, Substitution]]:
    """Single substitutions of its middle half that end the protein (True), or leave it as it is."""
    quarter = (end - begin) // 12 * 3
    for at in range(begin + quarter, end - quarter, 3):
        codon = [int(base) for base in sequence[at : at + 3]]
        for place in range(3):
            for base in range(4):
                changed = [*codon[:place], base, *codon[place + 1 :]]
                one = Substitution(at + place, BASES[codon[place]], BASES[base])
                if base == codon[place]:
                    continue
                if _amino(changed) == "*":
                    yield True, one
                elif _amino(changed) == _amino(codon):
                    yield False, one


def _amino(codon: list[int]) -> str:
    """The genetic code, NCBI's table 11, in the order of A, C, G, T."""
    table = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"
    return table[16 * codon[0] + 4 * codon[1] + codon[2]]


if __name__ == "__main__":
    main()
