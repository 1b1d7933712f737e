"""Checkpoints: folders with one file of tensors a process, and no code in them; there whole or not at all."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
import safetensors
import torch
from msgspec import Struct
from safetensors.torch import load_file
from safetensors.torch import save as as_bytes
from torch import Tensor

from freehold.ledger.durable import replace, sync
from freehold.own.train.distributed import World
from freehold.vocabulary.errors import BadRequest, TrainingStopped

KEPT = 2
UNFINISHED = ".unfinished"
_RANDOM = "random state"


class Progressed(Struct, frozen=True):
    """How far a training has come."""

    step: int = 0  # updates made
    tokens: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    size: int = 1  # processes


def save(scratch: Path, world: World, progressed: Progressed, tensors: Mapping[str, Tensor]) -> None:
    """Write one durably and let older ones go, but for the one before it.

    Raises TrainingStopped where there is no room; what was saved before is kept.
    """
    name = f"step-{progressed.step:09d}"
    unfinished = scratch / (name + UNFINISHED)
    unfinished.mkdir(parents=True, exist_ok=True)
    state = dict(tensors) | {_RANDOM: torch.get_rng_state()} | _random_of_device(world)
    about = {"progressed": msgspec.json.encode(progressed).decode()}
    try:
        replace(unfinished / _file(world.rank), as_bytes(state, about))
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise no_room(unfinished, scratch, error) from None
    world.wait()
    if world.first:
        shutil.rmtree(scratch / name, ignore_errors=True)
        unfinished.rename(scratch / name)
        sync(scratch)
        for old in _all(scratch)[:-KEPT]:
            shutil.rmtree(old)
    world.wait()


def load(scratch: Path, world: World, tensors: Mapping[str, Tensor]) -> Progressed:
    """Bring back the last one, into these tensors. Raises BadRequest where it was made by more or fewer processes."""
    found = _all(scratch)
    if not found:
        return Progressed()
    path = found[-1] / _file(world.rank)
    progressed = _progressed(found[-1] / _file(0))
    if progressed.size != world.size:
        raise BadRequest(
            f"{found[-1]} was made by {progressed.size} processes, and now there are {world.size}",
            remedy=f"Go on with `torchrun --nproc-per-node {progressed.size}`, or delete {scratch} to begin anew.",
        )
    state = load_file(path)
    if missing := set(tensors) - set(state):
        raise BadRequest(
            f"{path} lacks {sorted(missing)[0]}: it is of another model",
            remedy=f"Delete {scratch} to begin anew.",
        )
    with torch.no_grad():
        for key, tensor in tensors.items():
            tensor.copy_(state[key])
    torch.set_rng_state(state[_RANDOM])
    if world.device.type == "cuda":
        torch.cuda.set_rng_state(state[_RANDOM + " of the device"], world.device)
    return progressed


def _random_of_device(world: World) -> dict[str, Tensor]:
    if world.device.type != "cuda":
        return {}
    return {_RANDOM + " of the device": torch.cuda.get_rng_state(world.device)}


def last_step(scratch: Path) -> int | None:
    """The step of the last one; None where there is none."""
    found = _all(scratch)
    return int(found[-1].name.removeprefix("step-")) if found else None


def _all(scratch: Path) -> list[Path]:
    return sorted(path for path in scratch.glob("step-*") if path.suffix != UNFINISHED)


def _file(rank: int) -> str:
    return f"rank-{rank:04d}.safetensors"


def _progressed(path: Path) -> Progressed:
    with safetensors.safe_open(path, "pt") as opened:
        return msgspec.json.decode(opened.metadata()["progressed"], type=Progressed)


def no_room(path: Path, scratch: Path, error: OSError) -> TrainingStopped:
    """What is told when a file of a training cannot be written."""
    kept = last_step(scratch)
    return TrainingStopped(
        f"{path} cannot be written: {error.strerror}; "
        + ("no checkpoint was written before" if kept is None else f"the checkpoint of step {kept} is kept"),
        remedy="Make room there and run the same command again: it goes on from the last checkpoint.",
    )
