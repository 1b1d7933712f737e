"""Evidence that a model is not worse holds however often one looks, and says how much more is needed."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from freehold.own.evaluate.report import Pair
from freehold.own.promote.evidence import Evidence, judged, spent
from freehold.vocabulary.report import AuditVerdict

DELTA, ALPHA = 0.05, 0.05
POINTS = st.sampled_from([0.0, 0.5, 1.0])
RUNS = 100
FEW = settings(max_examples=25)


def pair(number: int, own: float, incumbent: float, cluster: str = "") -> Pair:
    return Pair(str(number), cluster or str(number), "rival/large", "tasks", own, incumbent)


def pairs(points: Sequence[tuple[float, float]]) -> list[Pair]:
    return [pair(number, *each) for number, each in enumerate(points)]


def coins(chance: random.Random, count: int, own: float, incumbent: float) -> list[Pair]:
    return pairs([(float(chance.random() < own), float(chance.random() < incumbent)) for _ in range(count)])


@pytest.mark.parametrize(("own", "incumbent"), [(0.45, 0.5), (0.92, 0.97)])
def test_a_model_that_is_worse_by_the_margin_passes_with_chance_alpha_at_most_under_peeking(
    own: float, incumbent: float
) -> None:
    chance = random.Random(f"{own}")
    passed = sum(
        judged(coins(chance, 80, own, incumbent), DELTA, ALPHA, drawn=False).e_value >= 1 / ALPHA
        for _ in range(RUNS)
    )
    # 5 are expected at a chance of exactly alpha, more than 11 once in 200.
    assert passed <= 11


def bits(differences: Sequence[float], weights: Sequence[float] = ()) -> list[Pair]:
    """Documents on which a model takes so many bits a byte less than 2."""
    told = zip(differences, weights or [1.0] * len(differences), strict=True)
    return [
        Pair(str(at), str(at), "own/old", "held out", (6 + more) / 8, 6 / 8, weight, 8.0)
        for at, (more, weight) in enumerate(told)
    ]


def test_a_language_model_that_is_worse_by_the_margin_in_bits_passes_with_chance_alpha_at_most() -> None:
    chance = random.Random(8)
    found = [judged(bits([chance.gauss(-0.02, 0.1) for _ in range(300)]), 0.02, ALPHA) for _ in range(RUNS)]
    assert sum(one.suffices for one in found) <= 11
    assert found[0].difference is not None and abs(found[0].difference.estimate + 0.02) < 0.05


def test_a_language_model_is_judged_in_bits_and_not_in_shares_of_eight_of_them() -> None:
    chance = random.Random(9)
    alike, worse, much = (bits([chance.gauss(mean, 0.05) for _ in range(200)]) for mean in (0, -0.04, -0.3))
    found = [judged(each, 0.02, ALPHA) for each in (alike, worse, much)]
    assert [one.verdict.value for one in found] == ["not worse", "worse", "worse"]
    assert found[0].unit == "bits"
    assert "worse by 0.02 bits or more" in judged(worse[:20], 0.02, ALPHA).words


def test_what_a_large_document_loses_is_not_outweighed_by_many_small_ones() -> None:
    found = judged(bits([0.05] * 200 + [-2.0], [1.0] * 200 + [50.0]), 0.02, ALPHA)
    assert found.e_value > 1 / ALPHA and not found.suffices
    assert (
        found.words
        == "can't tell yet: by clusters it is not worse by 0.02 bits, but over all of them by 0.36 bits"
    )


def test_no_order_is_luckier_than_another() -> None:
    known = coins(random.Random(10), 60, 0.8, 0.8)
    found = {
        round(judged([one._replace(id=f"{seed}{one.id}") for one in known], DELTA, ALPHA).e_value, 9)
        for seed in range(20)
    }
    assert len(found) == 1


def test_all_tries_together_come_to_twice_alpha_at_most() -> None:
    each = [spent(ALPHA, tries) for tries in range(1, 10_000)]
    assert each[0] == ALPHA and sum(each) <= 2 * ALPHA


def test_whoever_looks_early_and_passes_has_passed_for_good() -> None:
    known = coins(random.Random(6), 60, 0.9, 0.7)
    found = [judged(known[:end], DELTA, ALPHA, drawn=False) for end in range(0, 61, 5)]
    assert [one.e_value for one in found] == sorted(one.e_value for one in found)
    assert [one.suffices for one in found] == sorted(one.suffices for one in found)
    assert found[-1].suffices


def test_a_better_model_passes_soon() -> None:
    chance = random.Random(3)
    assert all(judged(coins(chance, 100, 0.9, 0.6), DELTA, ALPHA).suffices for _ in range(5))


def test_equal_answers_pass_with_about_a_hundred_pairs() -> None:
    assert not judged(pairs([(1.0, 1.0)] * 40), DELTA, ALPHA).suffices
    assert judged(pairs([(1.0, 1.0)] * 120), DELTA, ALPHA).suffices


@FEW
@given(st.lists(st.tuples(POINTS, POINTS), min_size=1, max_size=25), st.data())
def test_a_point_more_never_makes_a_model_fail(
    points: list[tuple[float, float]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(points) - 1))
    better = [*points[:at], (1.0, points[at][1]), *points[at + 1 :]]
    before = judged(pairs(points), DELTA, ALPHA, drawn=False)
    after = judged(pairs(better), DELTA, ALPHA, drawn=False)
    assert after.suffices or not before.suffices
    assert after.e_value >= before.e_value * (1 - 1e-9)


@FEW
@given(st.lists(st.tuples(POINTS, POINTS), max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_file_is_nothing(points: list[tuple[float, float]], chance: random.Random) -> None:
    known = pairs(points)
    mixed = known[:]
    chance.shuffle(mixed)
    assert judged(mixed, DELTA, ALPHA) == judged(known, DELTA, ALPHA)


@FEW
@given(st.lists(st.tuples(POINTS, POINTS), min_size=1, max_size=20), st.integers(2, 5))
def test_pairs_of_one_cluster_count_as_one(points: list[tuple[float, float]], copies: int) -> None:
    once = [pair(number, *each, cluster=f"c{number}") for number, each in enumerate(points)]
    often = [one._replace(id=f"{one.id}/{copy}") for one in once for copy in range(copies)]
    single, several = (judged(each, DELTA, ALPHA, drawn=False) for each in (once, often))
    assert several.pairs == copies * single.pairs
    assert replace(several, pairs=0, digest="") == replace(single, pairs=0, digest="")


@FEW
@given(
    st.floats(0.01, 0.3), st.floats(0.01, 0.3), st.lists(st.tuples(POINTS, POINTS), min_size=5, max_size=25)
)
def test_a_wider_margin_is_passed_by_whatever_passes_a_narrower_one(
    one: float, other: float, points: list[tuple[float, float]]
) -> None:
    narrow, wide = (judged(pairs(points), delta, ALPHA) for delta in sorted((one, other)))
    assert wide.suffices or not narrow.suffices or narrow.verdict is AuditVerdict.WORSE


def test_without_pairs_nothing_can_be_told() -> None:
    found = judged([], DELTA, ALPHA)
    assert (found.verdict, found.difference) == (AuditVerdict.CANT_TELL_YET, None)
    assert found.words == "can't tell yet: there are no pairs"


def test_it_is_said_how_many_more_pairs_are_needed_and_so_many_suffice() -> None:
    known = pairs([(1.0, 1.0)] * 40)
    found = judged(known, DELTA, ALPHA)
    assert found.more is not None
    assert f"about {found.more} more pairs like these are needed" in found.words
    assert judged(pairs([(1.0, 1.0)] * (40 + found.more)), DELTA, ALPHA).suffices


def test_pairs_that_point_to_worse_are_not_asked_for_more() -> None:
    found = judged(pairs([(0.0, 1.0), (1.0, 1.0), (1.0, 1.0)]), DELTA, ALPHA)
    assert found.words == "can't tell yet: the pairs so far point to worse by 0.05 or more"


def test_a_model_that_is_much_worse_is_called_worse() -> None:
    found = judged(pairs([(0.0, 1.0)] * 60), DELTA, ALPHA)
    assert (found.verdict, found.words) == (AuditVerdict.WORSE, "worse")
    assert found.difference is not None
    assert found.difference.high < -DELTA


def test_what_was_compared_is_named() -> None:
    found: Evidence = judged([pair(1, 1.0, 1.0)], DELTA, ALPHA)
    assert (found.source, found.against, len(found.digest)) == ("tasks", "rival/large", 64)
