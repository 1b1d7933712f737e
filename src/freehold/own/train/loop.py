"""The loop that every recipe trains by: a batch, its loss, its gradient, an update; and nothing lost when it is ended.

A run is a function of its seed, its knobs and its data: a step's batch depends on the step alone, so a checkpoint
holds weights, optimisers and random state, and going on from it gives the same bits. More threads or processes add
numbers in another order, which changes last digits.
"""

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from msgspec import Struct
from torch import Tensor, nn

from freehold.own.stage import SCRATCH
from freehold.own.train import checkpoint, distributed
from freehold.own.train.checkpoint import Progressed
from freehold.own.train.distributed import World, own_part, whole
from freehold.own.train.knobs import Loop
from freehold.own.train.optimising import Group, optimisers, rate_at, set_rate
from freehold.own.train.progress import FILE, Log, Progress, Say, cpu_s, read
from freehold.vocabulary.errors import BadRequest, TrainingStopped

B = TypeVar("B")
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Task(Protocol[B]):
    """What is trained on what."""

    @property
    def model(self) -> nn.Module:
        """Its trainable weights are what a checkpoint holds; other buffers must follow from how it is built."""

    def batch(self, step: int, rows: range) -> B:
        """These rows of a step's batch (of 0 to `batch`): a pure function of step and rows, whoever asks."""

    def loss(self, batch: B) -> tuple[Tensor, int]:
        """The sum of the losses of a batch's targets in nats, and how many targets there are."""

    def group(self, name: str, weight: nn.Parameter) -> Group:
        """How a weight is changed; `optimising.usual` for what most models want."""


class Fitted(Struct, frozen=True):
    """What a training came to."""

    steps: int
    tokens: int  # targets
    loss: float  # mean of the last tenth of the steps, in nats a target
    cpu_s: float  # of all processes, over all sittings
    wall_s: float
    weights: Mapping[str, Tensor]  # all of them, whole, on the CPU, by name


def fit(task: Task[B], knobs: Loop, folder: Path, seed: int, say: Say) -> Fitted:
    """Train to the end, from the last checkpoint in `folder` on where there is one; writes log.jsonl beside it.

    Raises TrainingStopped where a loss or a gradient is no number, and where the disk is full; KeyboardInterrupt, after
    a checkpoint, when the process is told to end.
    """
    world = distributed.here()
    if knobs.batch < knobs.accumulate * world.size:
        raise BadRequest(
            f"a batch of {knobs.batch} cannot be worked in {knobs.accumulate} parts by {world.size} processes",
            remedy=f"Set train.batch to {knobs.accumulate * world.size} or more, or train.accumulate lower.",
        )
    if knobs.threads:
        torch.set_num_threads(knobs.threads)
    torch.manual_seed(seed + world.rank)
    distributed.share_out(task.model, world)
    task.model.train()
    if knobs.compile:
        task.model.compile()
    with _tiny_as_nothing():
        return _Course(task, knobs, folder, world, say).run()


class _Course(Generic[B]):
    """One training, from where it was to its end."""

    def __init__(self, task: Task[B], knobs: Loop, folder: Path, world: World, say: Say) -> None:
        self._task, self._knobs, self._folder, self._world, self._say = task, knobs, folder, world, say
        self._optimisers = optimisers(task.model, task.group)
        self._weights = [weight for weight in task.model.parameters() if weight.requires_grad]
        self._tensors = _named_tensors(task.model, self._optimisers)
        self._scratch = folder / SCRATCH
        self._at = checkpoint.load(self._scratch, world, self._tensors)
        self._parts = world.rows(knobs.batch, knobs.accumulate)
        self._saved_s = time.monotonic()

    def run(self) -> Fitted:
        """All steps that are left."""
        with ExitStack() as stack:
            ending = stack.enter_context(_told_to_end())
            log = stack.enter_context(Log(self._folder / FILE, self._at.step)) if self._world.first else None
            while self._done < 1:
                began = time.monotonic(), cpu_s()
                nats, targets, due, must_end = self._gradient(ending)
                norm = self._change(nats, targets)
                self._count(began, targets, log, (nats / max(1, targets), norm))
                if self._done < 1 and (due or must_end):
                    self._save(log)
                if self._done < 1 and must_end:
                    raise KeyboardInterrupt
        return self._fitted()

    @property
    def _done(self) -> float:
        """The share of the training that is done: of its steps, or of its processor time where that is further."""
        used = self._at.cpu_s / (60 * self._knobs.cpu_minutes) if self._knobs.cpu_minutes else 0.0
        return max(self._at.step / self._knobs.steps, used)

    def _gradient(self, ending: list[int]) -> tuple[float, int, bool, bool]:
        """Work a step's batch: the sum of its losses, its targets, whether to save, whether to end."""
        nats, targets = torch.zeros((), device=self._world.device), 0
        for rows in self._parts:
            distributed.last_part(self._task.model, rows == self._parts[-1])
            batch = self._task.batch(self._at.step, rows)
            with _precision(self._world.device):
                loss, count = self._task.loss(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            nats += loss.detach()
            targets += count
        due = self._world.first and time.monotonic() - self._saved_s >= self._knobs.save_s
        all_nats, all_targets, save, end = self._world.total((float(nats), targets, due, bool(ending)))
        return all_nats, int(all_targets), save > 0, end > 0

    def _change(self, nats: float, targets: int) -> float:
        """Update the weights by the mean gradient, clipped; its norm before. Nothing changes if that is no number."""
        gradients = [weight.grad for weight in self._weights if weight.grad is not None]
        mean = self._world.size / max(1, targets)  # the processes' gradients were averaged, the losses summed
        norm = distributed.norm_of(gradients) * mean
        if not (math.isfinite(nats) and math.isfinite(norm)):
            raise self._diverged(nats)
        factor = mean * min(1.0, self._knobs.clip / (norm + 1e-6))
        for gradient in gradients:
            own_part(gradient).mul_(factor)
        set_rate(self._optimisers, rate_at(self._done, self._knobs))
        for optimiser in self._optimisers:
            optimiser.step()
            optimiser.zero_grad()
        return norm

    def _diverged(self, nats: float) -> TrainingStopped:
        what = "the gradient" if math.isfinite(nats) else "the loss"
        kept = checkpoint.last_step(self._scratch)
        return TrainingStopped(
            f"{what} of step {self._at.step + 1} is no number; "
            + (
                "no checkpoint was written before"
                if kept is None
                else f"the checkpoint of step {kept} is kept"
            ),
            remedy="Lower train.learning_rate or train.clip, or raise train.warmup, and train again.",
        )

    def _count(
        self, began: tuple[float, float], targets: int, log: Log | None, measured: tuple[float, float]
    ) -> None:
        """Note a step, write it to the log and say it."""
        knobs, at = self._knobs, self._at
        rate_now = rate_at(self._done, knobs)
        wall = time.monotonic() - began[0]
        [cpu] = self._world.total((cpu_s() - began[1],))
        self._at = Progressed(
            at.step + 1, at.tokens + targets, at.cpu_s + cpu, at.wall_s + wall, self._world.size
        )
        if log is None:
            return
        left = self._at.wall_s / self._done * (1 - self._done) if self._done < 1 else 0.0
        step = Progress(
            step=self._at.step,
            steps=knobs.steps,
            loss=measured[0],
            norm=measured[1],
            learning_rate=rate_now,
            tokens=self._at.tokens,
            cpu_s=self._at.cpu_s,
            wall_s=self._at.wall_s,
            rate=targets / max(cpu, 1e-9),
            left_s=left,
        )
        with _room_for(self._folder / FILE, self._scratch):
            log.add(step)
        self._say(step)

    def _save(self, log: Log | None) -> None:
        if log is not None:
            with _room_for(self._folder / FILE, self._scratch):
                log.sync()
        checkpoint.save(self._scratch, self._world, self._at, self._tensors)
        self._saved_s = time.monotonic()

    def _fitted(self) -> Fitted:
        self._world.wait()  # until the log is whole
        losses = [one.loss for one in read(self._folder / FILE)]
        last = losses[-max(1, self._knobs.steps // 10) :]
        weights = {
            name: whole(tensor).detach().cpu() for name, tensor in self._task.model.state_dict().items()
        }
        return Fitted(
            steps=self._at.step,
            tokens=self._at.tokens,
            loss=sum(last) / max(1, len(last)),
            cpu_s=self._at.cpu_s,
            wall_s=self._at.wall_s,
            weights=weights,
        )


def _named_tensors(model: nn.Module, optimising: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """What a checkpoint holds: the trainable weights and the optimisers' state, as this process has them."""
    names = {weight: name for name, weight in model.named_parameters() if weight.requires_grad}
    found = {f"model.{name}": own_part(weight) for weight, name in names.items()}
    for optimiser in optimising:
        for group in optimiser.param_groups:
            for weight in group["params"]:
                state = optimiser.state[weight]
                found |= {f"{key}.{names[weight]}": own_part(tensor) for key, tensor in state.items()}
    return {name: tensor.detach() for name, tensor in found.items()}


def _precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 on GPUs; on CPUs without instructions for it, it is ten times slower than float32."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


@contextmanager
def _tiny_as_nothing() -> Iterator[None]:
    """Numbers below the smallest normal one count as 0: to work with them is many times as slow."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def _told_to_end() -> Iterator[list[int]]:
    """The signals that have told this process to end; a second one ends it at once. Only the main thread hears."""
    heard: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield heard
        return

    def hear(number: int, _frame: object) -> None:
        heard.append(number)
        signal.signal(number, signal.SIG_DFL)

    heeded = [number for number in ENDINGS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, hear) for number in heeded}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _room_for(path: Path, scratch: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise checkpoint.no_room(path, scratch, error) from None
