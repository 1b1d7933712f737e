"""A run of the recipe `genome`, small enough for tests."""

from pathlib import Path

import numpy as np

from freehold.own import rows
from freehold.own.corpus.knobs import Corpus
from freehold.own.dna import Codes, letters
from freehold.own.plan import FILE
from freehold.own.rows import Row
from freehold.own.stage import working

PLAN = """name = "coli"
recipe = "genome"
licence = "CC0-1.0"
seed = 3
[train]
steps = 40
learning_rate = 0.1
batch = 8
layers = 1
width = 16
heads = 1
kmer_width = 8
context = 48
threads = 1
[evaluate]
transfer = ["other.fa"]
"""


def repeats(length: int, seed: int = 0) -> Codes:
    """The same 60 bases again and again, with one in thirty changed."""
    drawn = np.random.default_rng(seed)
    unit = np.random.default_rng(7).integers(0, 4, 60)
    found = np.resize(unit, length)
    changed = drawn.random(length) < 1 / 30
    return np.where(changed, drawn.integers(0, 4, length), found).astype(np.int8)


def make(run: Path, plan: str = PLAN) -> Path:
    """A run whose corpus is done."""
    run.mkdir(parents=True, exist_ok=True)
    (run / FILE).write_text(plan, encoding="utf-8")
    (run / "other.fa").write_text(
        f">other\n{letters(repeats(700, 2))}\n>short\nACGTNNNACGT\n", encoding="ascii"
    )
    with working(run, "corpus", Corpus(), {}) as folder:
        if folder is not None:
            rows.write(folder / rows.TRAIN, [Row("coli:1-6000", letters(repeats(6000)))])
            rows.write(
                folder / rows.HELD_OUT, [Row("coli:6001-9000", letters(repeats(3000, 1)), cluster="coli")]
            )
    return run
