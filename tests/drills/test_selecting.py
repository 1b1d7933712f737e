"""Whether a scenario's words hold of an endpoint: yes and no are final, whatever else becomes known."""

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.drills.scenario import Words
from freehold.drills.selecting import hit, settled
from freehold.vocabulary.facts import Basis, EndpointFacts, Fact, Value
from tests.drills.typical import NOW

VALUES: Mapping[str, st.SearchStrategy[Value]] = {
    "parent": st.sampled_from(["Amazon.com, Inc.", "OpenAI Foundation", "A"]),
    "cloud": st.sampled_from(["AWS", "Azure", "A"]),
    "entity_jurisdiction": st.sampled_from(["US", "DE", "FR"]),
    "storage_region": st.sampled_from(["US", "DE", "FR"]),
    "retention_days": st.sampled_from([0, 30]),
    "open_weights": st.booleans(),
    "deprecated_on": st.dates(date(2026, 11, 1), date(2027, 1, 1)),
    "subprocessors": st.sampled_from([("A",), ("A", "B")]),
}
FACTS = st.fixed_dictionaries(VALUES)
WORDS: st.SearchStrategy[Words] = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["hosted_by", "parent", "cloud", "subprocessors"]),
            st.lists(st.sampled_from(["A", "a*", "Amazon.com, Inc.", "AWS"]), min_size=1, max_size=2).map(
                tuple
            ),
        ),
        st.tuples(
            st.sampled_from(["jurisdiction", "entity_jurisdiction", "storage_region"]),
            st.lists(st.sampled_from(["US", "EU", "DE"]), min_size=1, max_size=2).map(tuple),
        ),
        st.tuples(st.just("retention_days"), st.just(("0",))),
        st.tuples(st.just("open_weights"), st.sampled_from([("true",), ("false",)])),
    ),
    max_size=3,
).map(tuple)


def of(values: Mapping[str, Value], endpoint: str = "a/b") -> EndpointFacts:
    facts = {name: Fact(name, value, Basis.CONTRACT, "", NOW.date()) for name, value in values.items()}
    return EndpointFacts(endpoint, facts)


@given(WORDS, FACTS, st.sets(st.sampled_from(sorted(VALUES))))
def test_to_learn_a_fact_never_turns_yes_into_no(
    where: Words, facts: dict[str, Value], known: set[str]
) -> None:
    before = hit(where, of({name: facts[name] for name in known}), NOW).holds

    after = hit(where, of(facts), NOW).holds

    assert before is None or before is after


@given(WORDS, FACTS, st.sets(st.sampled_from(sorted(VALUES))))
def test_more_words_never_hit_more(where: Words, facts: dict[str, Value], known: set[str]) -> None:
    about = of({name: facts[name] for name in known})

    if hit(where, about, NOW).holds is False:
        assert hit((*where, ("endpoint", ("a/*",))), about, NOW).holds is False


@given(FACTS)
def test_a_parent_hosts_what_its_own_name_or_its_cloud_says(facts: dict[str, Value]) -> None:
    where: Words = (("hosted_by", ("amazon.com, inc.",)),)

    holds = hit(where, of(facts), NOW).holds

    assert holds is (facts["parent"] == "Amazon.com, Inc." or facts["cloud"] == "AWS")


@pytest.mark.parametrize(("place", "holds"), [("DE", True), ("EU", True), ("global", None), ("US", False)])
def test_a_place_that_is_known_roughly_is_a_place_that_may_be_meant(place: str, holds: bool | None) -> None:
    assert hit((("inference_region", ("EU",)),), of({"inference_region": place}), NOW).holds is holds


def test_what_is_unknown_is_named() -> None:
    where: Words = (("jurisdiction", ("US",)), ("own", ("false",)))
    about = of({"entity_jurisdiction": "DE", "own": False, "storage_region": "FR"})

    assert hit(where, about, NOW).because == "unknown: parent_jurisdiction, inference_region"


def test_machines_of_this_company_have_no_other_parent_and_may_have_a_cloud() -> None:
    where: Words = (("hosted_by", ("Amazon.com, Inc.",)),)

    assert hit(where, of({"own": True}), NOW).holds is False
    assert hit(where, of({"own": True, "cloud": "AWS"}), NOW).holds is True
    assert hit(where, of({"entity": "A"}), NOW).holds is None
    assert hit((("region", ("eu-central-1",)),), of({"own": True}), NOW).holds is False
    assert hit((("region", ("eu-central-1",)),), of({"own": False}), NOW).holds is None


def test_an_endpoint_that_the_configuration_no_longer_names_is_told_as_such() -> None:
    found = hit((("parent", ("A",)),), of({}), NOW)

    assert (found.holds, found.because) == (None, "unknown: the configuration no longer names it")


def test_an_announced_retirement_counts_by_its_day_and_none_is_supposed() -> None:
    where: Words = (("retires_within_days", ("8",)),)

    assert hit(where, of({"deprecated_on": date(2026, 12, 1)}), NOW).holds is True
    assert hit(where, of({"deprecated_on": date(2026, 12, 2)}), NOW).holds is False
    assert hit(where, of({}), NOW).holds is False


def test_most_used_is_counted_among_those_whom_the_other_words_hold_of() -> None:
    where: Words = (("open_weights", ("true",)), ("parent", ("@most-used", "@second-most-used", "C")))
    ones = [
        of({"open_weights": False, "parent": "X"}, "x/1"),
        of({"open_weights": True, "parent": "A"}, "a/1"),
        of({"open_weights": True, "parent": "B"}, "b/1"),
        of({"open_weights": True, "parent": "B"}, "b/2"),
        of({"open_weights": True}, "d/1"),
    ]

    found = settled(where, ones, {"x/1": 100.0, "a/1": 5.0, "b/1": 3.0, "b/2": 3.0, "d/1": 50.0}, NOW)

    assert dict(found)["parent"] == ("B", "A", "C")
    assert dict(settled(where, [], {}, NOW))["parent"] == ("C",)
