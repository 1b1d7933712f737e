"""How well an adapted model foretells held-out answers, beside the checkpoint that it was adapted from."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from freehold.own import artefact, rows
from freehold.own.artefact import MODEL
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.own.plan import Plan
from freehold.own.rows import Row
from freehold.own.train.checkpoints import checkpoint_of, load
from freehold.own.train.conversing import (
    NO_TARGET,
    Worked,
    batch_of,
    tokenizer_of,
    worked,
)

METRIC = "bits per byte of answers"
WORST = 8.0  # bits of a byte about which nothing is known
_AT_ONCE = 8


def scores(run: Path, plan: Plan) -> Iterator[Scores]:
    """The model's, then its base's. The mark that ends an answer is foretold, too, and is no byte."""
    held_out = [row for row in rows.read(run / "corpus" / rows.HELD_OUT) if row.turns]
    folder = run / "train" / MODEL
    yield _scores(f"own/{plan.name}", folder, held_out, baseline=False)
    source = checkpoint_of(
        run, plan
    )  # only now: of another's model in this place, the first scores are wanted
    yield _scores(f"{artefact.read(folder).base}, not adapted", source, held_out, baseline=True)


def _scores(subject: str, folder: Path, found: Sequence[Row], *, baseline: bool) -> Scores:
    return Scores(subject, METRIC, "lower", 0.0, WORST, tuple(bits(folder, found)), baseline=baseline)


def bits(folder: Path, found: Sequence[Row]) -> Iterator[RowScore]:
    """Bits of each conversation's answers in a checkpoint, and their bytes. What is beyond its context is left out."""
    model, tokenizer = load(folder).eval(), tokenizer_of(folder)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    longest = int(getattr(model.config, "max_position_embeddings", 0)) or None
    known = [(row, worked(row.turns, tokenizer)) for row in found]
    fitting = [(row, one) for row, one in known if longest is None or len(one.tokens) <= longest]
    fitting.sort(key=lambda it: (len(it[1].tokens), it[0].id))
    for begin in range(0, len(fitting), _AT_ONCE):
        some = fitting[begin : begin + _AT_ONCE]
        nats = _nats(model, [one for _, one in some])
        for (row, one), of_row in zip(some, nats, strict=True):
            if one.spoken:
                yield RowScore(row.id, row.cluster or row.id, of_row / math.log(2), one.spoken)


@torch.no_grad()
def _nats(model: PreTrainedModel, some: Sequence[Worked]) -> list[float]:
    batch = batch_of([(one,) for one in some], 0, model.device)
    logits = model(batch.tokens, position_ids=batch.positions, use_cache=False).logits.float()
    each = functional.cross_entropy(
        logits.transpose(1, 2), batch.targets, ignore_index=NO_TARGET, reduction="none"
    )
    return [float(nats) for nats in each.double().sum(1)]
