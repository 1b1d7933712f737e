"""A replay gives the very path of the bet itself, for any order and any pairs turned around."""

import numpy as np
import pytest
from benchmarks.replay import read, replay
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.stats.pairswap import PairSwap

TEXT = st.text(alphabet="abc Xy,.\n-*1'", max_size=60)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_a_replay_is_the_bet_itself(triples: list[tuple[str, str, str]], seed: int) -> None:
    chance = np.random.default_rng(seed)
    order, turned = chance.permutation(len(triples)).tolist(), chance.random(len(triples)) < 0.5
    known = read(*(list(texts) for texts in zip(*triples, strict=True)))
    bets = PairSwap()
    for place, turn in zip(order, turned.tolist(), strict=True):
        a, b, prompt = triples[place]
        bets.update(*((b, a) if turn else (a, b)), prompt)

    assert replay(known, order, turned) == pytest.approx(np.array(bets.history), abs=1e-8)


def test_both_must_have_answered_every_prompt() -> None:
    with pytest.raises(ValueError, match="shorter"):
        read(["one", "two"], ["one"])
