from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.corpus.knobs import Corpus, Split
from freehold.own.corpus.splitting import split
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest

GROUPS = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), max_size=60)


def rows_of(groups: list[tuple[int, int]]) -> list[Row]:
    return [Row(str(n), cluster=f"c{group}", at_ms=at) for n, (group, at) in enumerate(groups)]


@given(
    GROUPS,
    st.floats(0, 1),
    st.integers(0, 9),
    st.sampled_from([Split.CLUSTER, Split.IDENTITY, Split.DOCUMENT]),
)
def test_no_cluster_is_on_both_sides_and_no_row_is_lost(
    groups: list[tuple[int, int]], share: float, seed: int, by: Split
) -> None:
    rows = rows_of(groups)

    learnt, held = split(rows, Corpus(split=by, held_out=share), seed)

    assert sorted([*learnt, *held], key=rows.index) == rows
    assert all(side == sorted(side, key=rows.index) for side in (learnt, held))
    if by is not Split.DOCUMENT:
        assert {row.cluster for row in learnt}.isdisjoint(row.cluster for row in held)
    if 0 < share < 1 and len({row.cluster for row in rows}) > 1:
        assert learnt
        assert held


@given(st.integers(1, 400), st.floats(0, 1), st.integers(0, 9))
def test_documents_by_themselves_are_held_out_to_the_share(count: int, share: float, seed: int) -> None:
    rows = [Row(str(number)) for number in range(count)]

    _, held = split(rows, Corpus(split=Split.DOCUMENT, held_out=share), seed)

    assert abs(len(held) - share * count) <= 1


@given(GROUPS.filter(lambda groups: len({at for _, at in groups}) > 1), st.floats(0.05, 0.95))
def test_by_time_nothing_that_is_learnt_from_is_as_late_as_the_line(
    groups: list[tuple[int, int]], share: float
) -> None:
    rows = rows_of(groups)

    learnt, held = split(rows, Corpus(split=Split.TIME, held_out=share), 0)

    latest: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        latest[row.cluster] = max(latest[row.cluster], row.at_ms)
    assert {row.cluster for row in learnt}.isdisjoint(row.cluster for row in held)
    assert max((row.at_ms for row in learnt), default=0) < min(
        (latest[row.cluster] for row in held), default=9
    )
    assert held


def test_the_same_seed_gives_the_same_sides_and_another_gives_others() -> None:
    rows, knobs = [Row(str(number)) for number in range(200)], Corpus()

    assert split(rows, knobs, 1) == split(rows, knobs, 1)
    assert split(rows, knobs, 1) != split(rows, knobs, 2)


def test_a_corpus_that_grows_keeps_nearly_all_of_its_sides() -> None:
    rows, knobs = [Row(str(number)) for number in range(1100)], Corpus(held_out=0.2)

    before = {row.id for row in split(rows[:1000], knobs, 0)[1]}
    after = {row.id for row in split(rows, knobs, 0)[1]}

    assert len(before - after) <= 20


def test_a_cluster_too_large_for_what_is_held_out_is_learnt_from() -> None:
    rows = [Row(str(number), cluster="large" if number < 80 else "") for number in range(100)]

    learnt, held = split(rows, Corpus(held_out=0.1), 0)

    assert (len(learnt), len(held)) == (90, 10)
    assert all(not row.cluster for row in held)


@pytest.mark.parametrize(
    ("times", "said"), [((1, 0, 3), "1 rows have no time"), ((5, 5, 5), "all rows have the same time")]
)
def test_time_cannot_split_rows_without_any(times: tuple[int, ...], said: str) -> None:
    rows = [Row(str(number), at_ms=at) for number, at in enumerate(times)]

    with pytest.raises(BadRequest, match=said) as refused:
        split(rows, Corpus(split=Split.TIME), 0)
    assert 'split = "cluster"' in refused.value.remedy


def test_position_is_not_a_matter_of_groups() -> None:
    with pytest.raises(ValueError, match="position"):
        split([], Corpus(split=Split.POSITION), 0)
