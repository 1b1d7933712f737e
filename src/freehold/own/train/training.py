"""The stage `train`: a recipe on RUN/corpus, by one process or by those that `torchrun` started.

A recipe is a module with `train(run, plan, folder, say)`, which writes `folder`/model and may keep unfinished work in
its scratch folder; one that is made from more than the corpus has `inputs(run, plan)`. Where many processes train, each
runs the recipe, and the first alone writes the model and speaks.
"""

import shutil
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
from msgspec import Struct

from freehold.audits.plots import curve
from freehold.ledger.durable import replace
from freehold.own.plan import Plan, Recipe
from freehold.own.stage import SCRATCH, inputs_of, working
from freehold.own.train import progress
from freehold.own.train.progress import Say

STAGE, PLOT = "train", "plot.svg"


class _World(Protocol):
    """What is asked of `distributed.World`, which only recipes of PyTorch need."""

    first: bool

    def told(self, word: str) -> str: ...


class _Alone:
    first = True

    def told(self, word: str) -> str:
        return word


class _Knobs(Struct, frozen=True):
    """All in a plan that makes a difference to the model."""

    name: str
    recipe: Recipe
    licence: str
    seed: int
    train: dict[str, Any]


def train(run: Path, plan: Plan, say: Say) -> bool | None:
    """Train, or go on where an earlier sitting ended. False: the same was done before; None: this process has helped.

    Raises BadRequest for a corpus, knobs or a checkpoint that cannot be, TrainingStopped where it cannot go on.
    """
    recipe = import_module(f"freehold.own.train.{plan.recipe.value}")
    knobs = _Knobs(plan.name, plan.recipe, plan.licence, plan.seed, msgspec.to_builtins(plan.training()))
    with _together(plan.recipe) as world:
        if not world.first:
            folder = world.told("")
            if folder:
                recipe.train(run, plan, Path(folder), say)
            return None
        further = recipe.inputs(run, plan) if hasattr(recipe, "inputs") else {}
        with working(run, STAGE, knobs, inputs_of(run, "corpus", whole=True) | further) as working_in:
            world.told(str(working_in or ""))
            if working_in is None:
                return False
            recipe.train(run, plan, working_in, say)
            _draw(plan, working_in)
        # Only now: a stage that is killed before it is done goes on from there.
        _clear(run / STAGE / SCRATCH)
        return True


def _together(recipe: Recipe) -> AbstractContextManager[_World]:
    if recipe is Recipe.PREDICT:
        return nullcontext(_Alone())
    return cast(AbstractContextManager[_World], import_module("freehold.own.train.distributed").together())


def _draw(plan: Plan, folder: Path) -> None:
    log = folder / progress.FILE
    points = [(one.step, one.loss) for one in progress.read(log)] if log.exists() else []
    if points:
        replace(folder / PLOT, curve(f"own/{plan.name}", points, ("steps", "loss, nats")).encode())


def _clear(scratch: Path) -> None:
    if scratch.exists():
        shutil.rmtree(scratch)
