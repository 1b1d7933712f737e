"""One process or many: what `torchrun` started, and how weights are shared out among it (FSDP2).

A checkpoint has one file a process, so all of them must see the same run folder.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Replicate


class World(NamedTuple):
    """This process's place among those that train together."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether it is the one that writes and speaks."""
        return self.rank == 0

    def rows(self, batch: int, parts: int) -> list[range]:
        """The rows of a step's batch that this process works, in so many parts."""
        cuts = [batch * part // (parts * self.size) for part in range(parts * self.size + 1)]
        begin = self.rank * parts
        return [range(cuts[at], cuts[at + 1]) for at in range(begin, begin + parts)]

    def total(self, numbers: Sequence[float]) -> list[float]:
        """Each number, summed over all processes."""
        if self.size == 1:
            return list(numbers)
        summed = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        distributed.all_reduce(summed)
        return [float(number) for number in summed.tolist()]

    def told(self, word: str) -> str:
        """What the first process says, in all of them."""
        if self.size == 1:
            return word
        said = [word]
        distributed.broadcast_object_list(said, device=self.device)
        return said[0]

    def wait(self) -> None:
        """Until all have come here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def together() -> Iterator[World]:
    """Join the processes that `torchrun` started; alone where it did not."""
    if not distributed.is_torchelastic_launched():
        yield here()
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield here()
    finally:
        distributed.destroy_process_group()


def here() -> World:
    """This process's place now."""
    joined = distributed.is_initialized()
    local = distributed.get_node_local_rank(fallback_rank=0) if joined else 0
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return (
        World(distributed.get_rank(), distributed.get_world_size(), device) if joined else World(0, 1, device)
    )


def share_out(model: nn.Module, world: World) -> None:
    """Give each process its part of the weights; the layers of each list are gathered one after the other."""
    model.to(world.device)
    if world.size == 1:
        return
    mesh = init_device_mesh(world.device.type, (world.size,))
    for module in list(model.modules()):
        if isinstance(module, nn.ModuleList):
            for layer in module:
                fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)


def last_part(model: nn.Module, last: bool) -> None:
    """Gradients are summed over processes only after the last part of a step."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(last)


def own_part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor: the same memory."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor, in every process."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def cut_like(tensor: Tensor, shared: Tensor) -> Tensor:
    """The part of a whole tensor, which every process has, that belongs beside this process's part of `shared`."""
    if not isinstance(shared, DTensor):
        return tensor
    mesh = shared.device_mesh
    replica = DTensor.from_local(tensor, mesh, [Replicate()] * mesh.ndim, run_check=False)
    return replica.redistribute(mesh, shared.placements).to_local()


def norm_of(gradients: Iterable[Tensor]) -> float:
    """The Euclidean norm of all gradients together."""
    norm = nn.utils.get_total_norm(list(gradients))
    return float(whole(norm))
