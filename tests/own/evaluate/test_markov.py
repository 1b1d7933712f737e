"""Markov models of all orders, mixed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.dna import codes, letters, reverse_complement
from freehold.own.evaluate.markov import Markov, mixed

TEXTS = st.text("ACGTN", min_size=1, max_size=60)


def counted(text: str, order: int) -> Counter[str]:
    """Words of a context and the base that follows, on both strands."""
    strands = (text, letters(reverse_complement(codes(text))))
    words = (one[at - order : at + 1] for one in strands for at in range(order, len(one)))
    return Counter(word for word in words if "N" not in word)


@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS, st.integers(0, 4))
def test_each_order_gives_what_counting_by_hand_gives(learnt: list[str], asked: str, order: int) -> None:
    found = Markov([codes(text) for text in learnt], order).by_order(codes(asked))

    words = [sum((counted(text, k) for text in learnt), Counter[str]()) for k in range(order + 1)]
    for at, base in enumerate(asked):
        expected = 0.25
        for k in range(order + 1):
            context = asked[max(0, at - k) : at]
            seen = {b: words[k][context + b] for b in "ACGT"} if len(context) == k else {}
            expected = (seen.get(base, 0) + expected) / (sum(seen.values()) + 1)
            if base != "N":
                assert found[k, at] == pytest.approx(expected)
    assert np.isnan(found[:, [base == "N" for base in asked]]).all()


@given(TEXTS, st.text("ACGT", min_size=1, max_size=30))
def test_probabilities_of_the_four_bases_sum_to_one(learnt: str, before: str) -> None:
    model = Markov([codes(learnt)], 4)

    ways = [2.0 ** -model.bits(codes(before + base))[-1] for base in "ACGT"]

    assert sum(ways) == pytest.approx(1)


def test_what_follows_a_base_changes_nothing_of_it() -> None:
    model = Markov([codes("ACGTTGCAACGGT" * 5)])

    assert np.array_equal(model.bits(codes("ACGTTGCAAAAAA"))[:9], model.bits(codes("ACGTTGCAA" + "CCCC"))[:9])


def test_a_repeat_costs_less_and_less() -> None:
    drawn = np.random.default_rng(0).integers(0, 4, 3000).astype(np.int8)
    model = Markov([drawn])

    copied = model.bits(drawn[1000:1400])

    assert copied[:5].mean() > 1.8
    assert copied[100:].mean() < 1.2  # a context of twelve bases was seen once, and is mixed with none
    assert model.bits(reverse_complement(drawn[1000:1400]))[100:].mean() < 1.2


def test_many_bases_are_mixed_at_once_as_they_would_be_one_by_one() -> None:
    likely = np.random.default_rng(0).uniform(0.01, 1, (3, 700))
    likely[:, [0, 300]] = np.nan
    weights = np.zeros(3)

    found = mixed(likely)

    for at in range(700):
        if at in (0, 300):
            assert np.isnan(found[at])
            continue
        shares = np.exp(weights) / np.exp(weights).sum()
        assert found[at] == pytest.approx(shares @ likely[:, at])
        weights = 0.95 * (weights + np.log(likely[:, at]))


def test_the_better_of_two_models_is_found_and_a_mixture_is_never_far_behind_it() -> None:
    good, bad = np.full(200, 0.9), np.full(200, 0.1)

    both = mixed(np.stack([bad, good]))

    assert both[0] == pytest.approx(0.5)
    assert both[50:].min() > 0.89
