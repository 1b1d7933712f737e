"""Muon: steps of equal size in every direction of a weight matrix.

Jordan, 2024, https://kellerjordan.github.io/posts/muon/: momentum whose singular values are brought near 1 by five
Newton-Schulz steps of an odd polynomial of degree five, with the coefficients given there.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from freehold.own.train.distributed import cut_like, own_part, whole

A, B, C = 3.4445, -4.7750, 2.0315
STEPS = 5
TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """Groups have `lr`, `momentum` and `weight_decay` (decoupled, times `lr`). For matrices alone."""

    def __init__(self, groups: Iterable[dict[str, Any]], momentum: float = 0.95) -> None:
        super().__init__(groups, {"lr": 0.02, "momentum": momentum, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change the weights by their gradients. Matrices of one shape are worked together."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    shapes[weight.shape].append(weight)
            for (rows, columns), weights in shapes.items():
                ahead = [whole(self._ahead(weight, group["momentum"])) for weight in weights]
                change = orthogonal(torch.stack(ahead))
                rate = group["lr"] * max(1.0, rows / columns) ** 0.5
                for weight, one in zip(weights, change, strict=True):
                    held = own_part(weight)
                    held.mul_(1 - group["lr"] * group["weight_decay"]).sub_(cut_like(one, weight), alpha=rate)

    def _ahead(self, weight: nn.Parameter, momentum: float) -> Tensor:
        """Nesterov's momentum: where the gradient's running mean will be after one more of this gradient."""
        gradient = weight.grad if weight.grad is not None else torch.zeros_like(weight)
        mean: Tensor = self.state[weight]["momentum"]
        mean.lerp_(gradient, 1 - momentum)
        return gradient.lerp(mean, momentum)


def orthogonal(matrices: Tensor) -> Tensor:
    """For each of a stack of matrices one with the same singular vectors, and singular values near 1."""
    tall = matrices.size(-2) > matrices.size(-1)
    found: Tensor = matrices.mT if tall else matrices
    found = found / (found.norm(dim=(-2, -1), keepdim=True) + TINY)
    for _ in range(STEPS):
        square = found @ found.mT
        found = A * found + (B * square + C * square @ square) @ found
    return found.mT if tall else found
