"""Gaps and contradictions are told, each where somebody can do something about it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from freehold.catalog.inspection import Gap, gaps, inspect, state_of, way_to_know
from freehold.catalog.knowledge import Knowledge
from freehold.catalog.records import Layer, reading
from freehold.catalog.subjects import Subject
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.facts import Basis, Fact

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
SUBJECTS = {name: Subject("p", "p", name.partition("/")[2], (Dialect.CHAT,)) for name in ("p/a", "p/b")}


def block(selectors: str, values: str, rest: str = "") -> str:
    head = (
        f'[[fact]]\n{selectors}\nbasis = "contract"\nsource = "s"\nread = 2026-11-01\nwho = "w"\nwhy = "y"\n'
    )
    return f"{head}{rest}\nvalues = {{ {values} }}\n"


def known(*blocks: str) -> Knowledge:
    found = reading("".join(blocks), "f", Layer.OPERATOR)
    assert found.problems == ()
    return Knowledge(found.records, NOW.date())


def errors(*blocks: str) -> list[str]:
    return [str(one) for one in inspect(known(*blocks), SUBJECTS, NOW, MONTH).errors]


def warnings(*blocks: str) -> list[str]:
    found = inspect(known(*blocks), {"p/a": Subject("p", "p", "a", (Dialect.CHAT,), own=True)}, NOW, MONTH)
    return [str(one) for one in found.warnings]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('provider = "p"', 'provider = "P"'),
        ('model = ["a*", "b*"]', 'model = "b*"'),
        ('provider = "p"\nmodel = "a"', 'model = "a"\nprovider = "p"'),
    ],
)
def test_equals_that_differ_are_an_error_that_names_both(one: str, other: str) -> None:
    assert errors(block(one, "retention_days = 0"), block(other, "retention_days = 1")) == [
        f"f:{len(block(one, '').splitlines()) + 1}:1: `retention_days` is 1 here and 0 at f:1, "
        "for the same endpoints: it is unknown"
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('provider = "p"', 'provider = "q"'),
        ('provider = "p"', 'model = "p"'),
        ('model = "a*"', 'model = "ab*"'),
        ('model = "ab*"', 'model = "ac*"'),
        ('provider = "p"\nmodel = "a"', 'provider = "q"\nmodel = "a"'),
    ],
)
def test_records_of_which_one_wins_or_that_never_meet_are_no_conflict(one: str, other: str) -> None:
    assert errors(block(one, "retention_days = 0"), block(other, "retention_days = 1")) == []


def test_equals_that_differ_about_an_endpoint_in_use_are_told_though_their_patterns_differ() -> None:
    pair = (block('model = "a*"', "retention_days = 0"), block('model = "*a"', "retention_days = 1"))

    assert errors(*pair) == ["f:10:1: `retention_days` of p/a is unknown: conflict: 0 (f:1) and 1 (f:10)"]
    assert inspect(known(*pair), {}, NOW, MONTH).errors == ()


def test_equals_that_agree_are_no_conflict() -> None:
    assert (
        errors(block('provider = "p"', "retention_days = 0"), block('provider = "p"', "retention_days = 0.0"))
        == []
    )


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("expires = 2026-11-10", ["f:1:1: retention_days of provider=p expired on 2026-11-10"]),
        ("expires = 2026-12-20", ["f:1:1: retention_days of provider=p expires on 2026-12-20"]),
        ("expires = 2027-01-20", []),
    ],
)
def test_what_has_expired_or_soon_will_is_told(rest: str, told: list[str]) -> None:
    assert warnings(block('provider = "p"', "retention_days = 0", rest)) == told


def test_a_day_to_come_is_told() -> None:
    text = block('provider = "p"', "retention_days = 0").replace("2026-11-01", "2026-12-24")

    assert warnings(text) == ["f:1:1: `read` is 2026-12-24, a day to come"]


@pytest.mark.parametrize("selectors", ['provider = "q"', 'model = "b*"', 'entity = "E"\nprovider = "p"'])
def test_a_block_about_nothing_in_use_is_told(selectors: str) -> None:
    entity = block('provider = "p"', 'entity = "F"')
    line = len(entity.splitlines()) + 1
    (told,) = warnings(entity, block(selectors, "retention_days = 0"))

    assert told.startswith(f"f:{line}:1: ")
    assert told.endswith(" is no endpoint in use")


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        (Subject("openai", "openai", "m", (), at_home=False), ["its base_url does not lead to openai"]),
        (Subject("mine", "mine", "m", (), at_home=False), ["no row of the catalog is about it"]),
        (Subject("mine", "mine", "m", (), at_home=False, own=True), []),
        (Subject("mine", "openai", "m", ()), []),
    ],
)
def test_a_provider_of_which_nothing_can_be_known_is_told(subject: Subject, told: Sequence[str]) -> None:
    found = inspect(Knowledge([], NOW.date()), {"x/m": subject}, NOW, MONTH).warnings

    assert [one.message.partition(": ")[2] for one in found] == told


def fact(value: int | None, expires: datetime | None = None, why: str = "") -> Fact:
    return Fact("retention_days", value, Basis.CONTRACT, "s", date(2026, 11, 1), expires, why=why)


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (None, "missing"),
        (fact(None), "looked for, not verified"),
        (fact(None, why="conflict: x"), "conflict: x"),
        (fact(0), ""),
        (fact(0, NOW), "expired on 2026-11-23"),
        (fact(0, NOW + MONTH), "expires on 2026-12-23"),
        (fact(0, NOW + MONTH + timedelta(seconds=1)), ""),
    ],
)
def test_the_state_of_a_fact_says_why_it_is_unknown(given: Fact | None, state: str) -> None:
    assert state_of(given, NOW, MONTH) == state


@pytest.mark.parametrize(
    ("given", "way"),
    [
        (fact(0, NOW + MONTH), ""),
        (None, "state it in"),
        (fact(None), "look again at its source"),
        (fact(0, NOW), "look again at its source"),
        (replace(fact(0, NOW), basis=Basis.ATTESTATION), "ask again"),
        (replace(fact(None, why="mode: inherit"), basis=Basis.ATTESTATION), "ask again"),
        (replace(fact(None, why="conflict: x"), basis=Basis.ATTESTATION), "correct one of them"),
        (fact(None, why="conflict: x"), "correct one of them"),
        (fact(None, why="its base_url leads elsewhere"), "give the table a name of its own"),
        (fact(None, why="differs by surface: x"), "leave surfaces out"),
        (fact(None, why="cannot be told whether it applies: x"), "state what is not known"),
    ],
)
def test_of_what_is_unknown_it_says_what_would_make_it_known(given: Fact | None, way: str) -> None:
    said = way_to_know(given, NOW)

    assert said.startswith(way)
    assert bool(said) == bool(way)


def test_gaps_begin_with_what_is_needed_and_then_with_what_most_endpoints_lack() -> None:
    records = known(
        block('provider = "p"', 'retention_days = 0, parent = "P"', "expires = 2026-12-01"),
        block('model = "a"', "trains_on_inputs = false"),
    )
    needed = ("trains_on_inputs", "parent", "entity", "own")

    assert gaps(records, SUBJECTS, NOW, MONTH, needed) == [
        Gap("trains_on_inputs", "missing", False, ("p/b",)),
        Gap("parent", "expires on 2026-12-01", True, ("p/a", "p/b")),
        Gap("entity", "missing", False, ("p/a", "p/b")),
        Gap("own", "missing", False, ("p/a", "p/b")),
    ]
    everything = gaps(records, SUBJECTS, NOW, MONTH)
    assert [gap.fact for gap in everything][-3:] == ["trains_on_inputs", "parent", "retention_days"]
    assert everything[0] == Gap("entity", "missing", False, ("p/a", "p/b"))
