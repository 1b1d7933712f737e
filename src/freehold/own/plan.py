"""A run's plan, `RUN/own.toml`: what it learns from, how, and on what evidence it may serve.

Each stage has a table; each knob has its unit and its default here and nowhere else.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from freehold.config.document import Document, read
from freehold.config.shape import table_problems
from freehold.own.corpus.knobs import Corpus
from freehold.own.evaluate.knobs import Evaluate
from freehold.own.promote.knobs import Promote
from freehold.own.publish.knobs import Publish
from freehold.own.train.knobs import RECIPES
from freehold.vocabulary.errors import ConfigError

FILE = "own.toml"
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]


class Recipe(StrEnum):
    """What kind of model it becomes."""

    TEXT = "text"  # a causal language model from scratch
    ADAPT = "adapt"  # a local checkpoint, adapted to instructions
    GENOME = "genome"  # a causal language model of DNA
    PREDICT = "predict"  # a class, a number or tags for a sequence, a text or a row


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """All of a run's knobs. `train` is the table of its recipe (`train/knobs.py`)."""

    name: Name  # the model is the endpoint own/NAME
    recipe: Recipe
    licence: str  # of the weights, as SPDX names it; "proprietary" for the company's own
    seed: int = 0
    corpus: Corpus = Corpus()
    train: dict[str, Any] = {}
    evaluate: Evaluate = Evaluate()
    publish: Publish = Publish()
    promote: Promote = Promote()

    def training(self) -> Struct:
        """The recipe's knobs."""
        return msgspec.convert(self.train, RECIPES[self.recipe])


def load_plan(run: Path) -> Plan:
    """The plan in a run's folder. Raises ConfigError, with its place, for the first problem."""
    if not (run / FILE).exists():
        remedy = f"Write one with `freehold own init {run} --recipe ...`, or name another folder."
        raise ConfigError("there is no plan of an own model", remedy=remedy, file=str(run / FILE))
    document = read(run / FILE)
    problems = sorted(_problems(document), key=lambda one: (one.line, one.column))
    if problems:
        raise problems[0]
    return msgspec.convert(document.raw, Plan)


def _problems(document: Document) -> Iterator[ConfigError]:
    found = list(table_problems(document, (), document.raw, Plan))
    yield from found
    if not found:
        knobs = RECIPES[document.raw["recipe"]]
        yield from table_problems(document, ("train",), document.raw.get("train", {}), knobs)
