"""A tiny task for the loop: what follows a number under a rule. PyTorch is imported by its functions alone."""

from importlib import import_module
from pathlib import Path
from typing import Any

KINDS, LENGTH = 16, 9


def task(*, no_number_at: int | None = None) -> Any:
    """A `loop.Task` with dropout, so that its random state matters; at a step its loss may be no number."""
    torch, optimising, knobs_of = (
        import_module("torch"),
        import_module("freehold.own.train.optimising"),
        knobs,
    )

    class Network(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(KINDS, 32)
            self.layers = torch.nn.ModuleList(torch.nn.Linear(32, 32) for _ in range(2))
            self.head = torch.nn.Linear(32, KINDS)

        def forward(self, numbers: Any) -> Any:
            found = torch.nn.functional.dropout(self.embed(numbers), 0.1, self.training)
            for layer in self.layers:
                found = found + layer(found).relu()
            return self.head(found)

    class Rule:
        def __init__(self) -> None:
            torch.manual_seed(0)
            self.model = Network()

        def batch(self, step: int, rows: range) -> Any:
            drawn = [torch.Generator().manual_seed(1000 * step + row) for row in rows]
            return step, torch.stack([torch.randint(0, KINDS, (LENGTH,), generator=one) for one in drawn])

        def loss(self, batch: Any) -> tuple[Any, int]:
            step, numbers = batch
            logits = self.model(numbers).flatten(0, 1)
            nats = torch.nn.functional.cross_entropy(
                logits, (numbers.flatten() * 7 + 3) % KINDS, reduction="sum"
            )
            return nats * (float("nan") if step == no_number_at else 1.0), numbers.numel()

        def group(self, name: str, weight: Any) -> Any:
            return optimising.usual(name, weight, knobs_of())

    return Rule()


def knobs(**changed: Any) -> Any:
    """Twelve steps, each with a checkpoint."""
    loop = import_module("freehold.own.train.knobs").Loop
    return loop(**{"steps": 12, "batch": 6, "threads": 1, "save_s": 1e-9} | changed)


def fit(folder: Path, say: Any = lambda step: None, given: Any = None, **changed: Any) -> Any:
    """What a training of it comes to."""
    fitting = import_module("freehold.own.train.loop").fit
    return fitting(given or task(), knobs(**changed), folder, 0, say)
