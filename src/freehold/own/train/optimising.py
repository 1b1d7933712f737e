"""Which weights are changed how: matrices of hidden layers by Muon, all others by AdamW; the rate rises and falls."""

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from freehold.own.train.knobs import Loop
from freehold.own.train.muon import Muon

BETAS = (0.9, 0.95)


class Group(NamedTuple):
    """How a weight is changed."""

    muon: bool
    share: float  # of `learning_rate`
    weight_decay: float


Grouping = Callable[[str, nn.Parameter], Group]


def usual(name: str, weight: nn.Parameter, knobs: Loop) -> Group:
    """Matrices by Muon, but for embeddings and what gives the logits ("embed" or "head" in the name)."""
    muon = weight.ndim == 2 and "embed" not in name and "head" not in name
    decay = knobs.weight_decay if weight.ndim > 1 else 0.0
    return Group(muon, 1.0 if muon else knobs.adamw_share, decay)


def optimisers(model: nn.Module, grouping: Grouping) -> list[torch.optim.Optimizer]:
    """What changes the weights; each has its state from the start, so that one can be loaded into it."""
    groups: dict[Group, list[nn.Parameter]] = defaultdict(list)
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            groups[grouping(name, weight)].append(weight)
    tables = {
        muon: [
            {"params": weights, "share": group.share, "weight_decay": group.weight_decay}
            for group, weights in groups.items()
            if group.muon is muon
        ]
        for muon in (True, False)
    }
    found: list[torch.optim.Optimizer] = []
    if tables[True]:
        found.append(Muon(tables[True]))
    if tables[False]:
        found.append(torch.optim.AdamW(tables[False], betas=BETAS, fused=True))
    for optimiser in found:
        for group in optimiser.param_groups:
            for weight in group["params"]:
                optimiser.state[weight] = _fresh(optimiser, weight)
    return found


def _fresh(optimiser: torch.optim.Optimizer, weight: nn.Parameter) -> dict[str, Tensor]:
    if isinstance(optimiser, Muon):
        return {"momentum": torch.zeros_like(weight)}
    return {
        "step": torch.zeros((), device=weight.device),
        "exp_avg": torch.zeros_like(weight),
        "exp_avg_sq": torch.zeros_like(weight),
    }


def set_rate(optimisers: list[torch.optim.Optimizer], rate: float) -> None:
    """Set each group's rate, as its share of this one."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate * group["share"]


def rate_at(done: float, knobs: Loop) -> float:
    """The learning rate when this share of the training is done: up in a line, level, and down in a line to nothing."""
    rising = (done + 1 / knobs.steps) / knobs.warmup if knobs.warmup else 1.0
    falling = (1 - done) / knobs.decay if knobs.decay else 1.0
    return knobs.learning_rate * min(1.0, rising, falling)
