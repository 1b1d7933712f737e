"""The rate's course, and Muon's steps."""

from hypothesis import given
from hypothesis import strategies as st

from freehold.own.train.knobs import Loop

SHARES = st.floats(0, 1, exclude_max=True)


@given(done=SHARES, warmup=SHARES, decay=st.floats(0, 1))
def test_the_rate_is_never_above_what_was_asked_nor_below_nothing(
    done: float, warmup: float, decay: float
) -> None:
    from freehold.own.train.optimising import rate_at

    assert 0 <= rate_at(done, Loop(warmup=warmup, decay=decay)) <= Loop().learning_rate


def test_the_rate_rises_stays_and_falls() -> None:
    from freehold.own.train.optimising import rate_at

    knobs = Loop(steps=100, learning_rate=1.0, warmup=0.1, decay=0.5)

    assert [round(rate_at(step / 100, knobs), 2) for step in (0, 4, 9, 50, 75, 99)] == [
        0.1,
        0.5,
        1,
        1,
        0.5,
        0.02,
    ]


@given(rows=st.integers(2, 24), columns=st.integers(2, 24), seed=st.integers(0, 99))
def test_a_step_of_muon_is_about_as_large_in_every_direction(rows: int, columns: int, seed: int) -> None:
    import torch

    from freehold.own.train.muon import orthogonal

    rank = min(rows, columns)
    drawn = torch.randn(2, rows, columns, generator=torch.Generator().manual_seed(seed))
    left, _, right = torch.linalg.svd(drawn, full_matrices=False)
    sizes = torch.linspace(1.0, 0.2, rank)

    found = orthogonal(left * sizes @ right)

    along = (left.mT @ found @ right.mT).diagonal(dim1=-2, dim2=-1)
    assert found.shape == drawn.shape
    assert ((along > 0.3) & (along < 1.3)).all()


def test_matrices_of_layers_are_muons_and_all_else_is_adamws() -> None:
    import torch

    from freehold.own.train.llama import Llama, Shape
    from freehold.own.train.optimising import usual

    with torch.device("meta"):
        model = Llama(Shape(300, 32, 1, 2, 16))
    groups = {name: usual(name, weight, Loop()) for name, weight in model.named_parameters()}

    assert {name for name, group in groups.items() if group.muon} == {
        name for name in groups if ".self_attn." in name or ".mlp." in name
    }
    assert groups["model.norm.weight"].weight_decay == 0
