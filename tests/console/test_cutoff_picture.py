"""The drill as a picture: nothing is missing in it, and what it says of each box follows from the endpoints."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from freehold.console.cutoff import Wish, toggled, wish_of
from freehold.console.cutoff_picture import BOX, OWN, WIDTH, WORDS, Picture, Seen, State, Taken, picture

NAMES = st.sampled_from(("A", "B", "C"))
FACTS = st.fixed_dictionaries({word: st.none() | st.just(OWN) | NAMES for word in WORDS[1:]})
ALIASES = st.sets(st.sampled_from(("fast", "smart")), min_size=1).map(lambda found: tuple(sorted(found)))
FATES = st.sampled_from(("kept", "lost", "changed", "unknown"))


@st.composite
def drawn(draw: st.DrawFn) -> tuple[list[Seen], Taken]:
    seen = [Seen(f"p/{i}", draw(ALIASES), draw(FACTS)) for i in range(draw(st.integers(1, 6)))]
    return seen, Taken(frozenset(), {one.id: draw(FATES) for one in seen})


def boxes(shown: Picture) -> dict[tuple[str, str], tuple[int, int, State]]:
    return {
        (node.word, node.value): (node.left, node.all, node.state)
        for group in shown.groups
        for node in group.nodes
    }


@given(drawn())
def test_each_endpoint_is_counted_once_in_each_column_and_gone_where_it_is_lost(
    case: tuple[list[Seen], Taken],
) -> None:
    seen, taken = case

    shown = boxes(picture(seen, taken))

    gone = {name for name, fate in taken.fates.items() if fate in ("lost", "unknown")}
    for word in WORDS:
        of_word = [counts for (name, _), counts in shown.items() if name == word]
        assert sum(every for _, every, _ in of_word) == len(seen)
        assert sum(left for left, _, _ in of_word) == len(seen) - len(gone)
    for alias in {alias for one in seen for alias in one.aliases}:
        pool = {one.id for one in seen if alias in one.aliases}
        left, every, state = shown["alias", alias]
        assert (left, every) == (len(pool - gone), len(pool))
        assert (state in (State.LOST, State.UNSURE)) == (left == 0)


@given(drawn())
def test_no_box_covers_another_and_all_stand_within_the_picture(case: tuple[list[Seen], Taken]) -> None:
    shown = picture(*case)
    places = [(node.x, node.y) for group in shown.groups for node in group.nodes]

    assert len(set(places)) == len(places)
    assert all(0 <= x <= WIDTH - BOX and 0 < y < shown.height for x, y in places)
    assert len({node.id for group in shown.groups for node in group.nodes}) == len(places)


@given(drawn())
def test_what_was_clicked_twice_is_as_before_and_an_address_says_all_of_it(
    case: tuple[list[Seen], Taken],
) -> None:
    seen, taken = case
    wish = Wish("us-apis-gone", (("cloud", "A"),), 30)
    for node in (node for group in picture(seen, taken).groups for node in group.nodes if node.can_be_lost):
        once = wish_of(_pairs(toggled(wish, node)))
        assert once != wish
        assert set(wish_of(_pairs(toggled(once, node))).lost) == set(wish.lost)
    assert wish_of(_pairs(wish.query)) == wish


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parse_qsl(query)]


def test_what_nobody_knows_is_neither_kept_nor_a_name_to_click() -> None:
    facts: dict[str, str | None] = dict.fromkeys(WORDS[1:])
    shown = picture([Seen("p/one", ("fast",), facts)], Taken(frozenset(), {"p/one": "unknown"}))

    (parent,) = (node for group in shown.groups for node in group.nodes if node.word == "parent")
    assert (parent.state, parent.left, parent.can_be_lost) == (State.UNSURE, 0, False)
    assert parent.label == "✕ unknown"
