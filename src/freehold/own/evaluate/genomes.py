"""How many bits a model of DNA needs for each base of what was held out and of transfer sets, beside Markov models."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from freehold.own import rows as corpus
from freehold.own.artefact import MODEL
from freehold.own.corpus.sequences import records
from freehold.own.dna import Codes, codes
from freehold.own.evaluate.comparing import HELD_OUT
from freehold.own.evaluate.markov import ORDER, Floats, Markov
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.own.genome import Genome
from freehold.own.plan import Plan
from freehold.own.rows import Row

METRIC = "bits per base"
MARKOV = f"Markov, orders to {ORDER} mixed"
BLOCKS, BLOCK_MIN, BLOCK_MAX = 90, 1_000, 5_000  # of a long sequence, and their bases: taken for independent
CLUSTERS_ENOUGH = 30  # of whole sequences, so that they need not be cut
WORST = 2.0  # bits: four bases, each as likely


def scores(run: Path, plan: Plan) -> Iterator[Scores]:
    """The model on the held-out rows and on each transfer set; then Markov models that counted the same rows.

    Raises BadRequest where there is no such model, and ConfigError for a transfer set that is not whole.
    """
    sets = {HELD_OUT: list(corpus.read(run / "corpus" / corpus.HELD_OUT))}
    sets |= {Path(name).name: list(records(run / name)) for name in plan.evaluate.transfer}
    genome = Genome.load(run / "train" / MODEL)
    for on, rows in sets.items():
        yield _scored(f"own/{plan.name}", on, rows, genome.bits)
    markov = Markov([codes(row.text) for row in corpus.read(run / "corpus" / corpus.TRAIN)])
    for on, rows in sets.items():
        yield _scored(MARKOV, on, rows, markov.bits)


def _scored(subject: str, on: str, rows: Sequence[Row], bits: Callable[[Codes], Floats]) -> Scores:
    kept = _whole(rows)
    found = tuple(one for row in rows for one in _blocks(row, bits(codes(row.text)), kept))
    baseline = subject == MARKOV
    return Scores(subject, METRIC, "lower", best=0.0, worst=WORST, rows=found, on=on, baseline=baseline)


def _whole(rows: Sequence[Row]) -> frozenset[str]:
    """Clusters that blocks of a sequence stay in: all where there are enough, else those of several sequences."""
    sizes = Counter(row.cluster or row.id for row in rows)
    return frozenset(name for name, count in sizes.items() if count > 1 or len(sizes) >= CLUSTERS_ENOUGH)


def _blocks(row: Row, bits: Floats, kept: frozenset[str]) -> Iterator[RowScore]:
    family = row.cluster or row.id
    size = min(BLOCK_MAX, max(BLOCK_MIN, len(bits) // BLOCKS))
    for begin in range(0, len(bits), size):
        block = bits[begin : begin + size]
        name = f"{row.id}@{begin + 1}"
        alone = len(bits) > size and family not in kept
        known = int(np.count_nonzero(~np.isnan(block)))
        yield RowScore(name, name if alone else family, float(np.nansum(block)), known)
