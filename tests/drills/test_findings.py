"""Sentences and suggestions follow from numbers, by rules that can be read off here."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from freehold.drills import charts
from freehold.drills.dataside import Artefact, DataSide
from freehold.drills.findings import Finding, Weight, findings, percent
from freehold.drills.legs import Legs
from freehold.drills.mapping import YOURS, register, rows
from freehold.drills.rehearsal import BEFORE, DONE, DURING, Moment, Phase, Rehearsal
from freehold.drills.simulation import Concentration, Fate, Line, Load, Simulation
from freehold.ledger.exposure import Held
from freehold.vocabulary.report import Interval
from tests.drills.typical import typical

ALL = Line(
    "", "", 1_000, 1.0, 1.0, {"openai/gpt-5-mini": 1.0}, {"openai/gpt-5-mini": 1.0}, {}, 0.0, 0.0,
    10.0, 10.0, 0.0, 800.0, 800.0, Interval(0.0, 0.0, 0.0),
)  # fmt: skip
QUIET = Simulation(
    "gone", "p@1", "f", 0, 1, 1_000, (Fate("openai/gpt-5-mini", "kept"),), (ALL,), ALL, (),
    (Concentration("parent", 0.5, 0.5, 2.0, 2.0, {}, {}),), (),
)  # fmt: skip
NOTHING = DataSide(0, 0, (), ())
FIRM = Legs("chat", 3, 3, {"parent": 2}, {"parent": 2})


def said(
    found: Simulation = QUIET,
    data: DataSide = NOTHING,
    stands: Sequence[Legs] = (FIRM,),
    under: Sequence[Held] = (),
    rehearsal: Rehearsal | None = None,
) -> dict[str, Finding]:
    return {one.name: one for one in findings(found, rehearsal, data, under, stands)}


def total(**changed: object) -> Simulation:
    line = replace(ALL, **changed)
    return replace(QUIET, total=line, lines=(replace(line, application="app", alias="chat"),))


def test_where_nothing_changes_nothing_is_serious() -> None:
    assert {one.weight for one in said().values()} == {Weight.NOTED}
    assert next(iter(said())) == "served"


def test_who_has_nobody_left_is_named_with_share_rule_and_limit() -> None:
    found = said(total(served_after=0.4, lost=0.25, refused={"p/eu": 0.3}, limited=0.05))

    assert found["served"].weight is Weight.SERIOUS
    assert found["lost.app.chat"].says.startswith(
        "Application app would have nobody left for 25 % of its requests for chat"
    )
    assert found["lost.app.chat"].rests_on == "simulation.lines[application=app,alias=chat].lost"
    assert found["refused.p/eu"].says == "30 % of all requests are refused by p/eu."
    assert found["limited"].says.startswith("For 5 % of all requests")


def test_a_load_beyond_its_limit_is_told_in_times_of_it() -> None:
    loads = (Load("x/m", 10, 320, 100, 0, 900, 1_000), Load("y/m", 10, 320, None, 0, 900, None))

    found = said(replace(QUIET, loads=loads))

    assert "3.2 times its limit of 100 requests a minute" in found["load.x/m.requests"].says
    assert not {"load.x/m.tokens", "load.y/m.requests"} & found.keys()


@pytest.mark.parametrize(
    ("legs", "says"),
    [
        (Legs("chat", 3, 0, {"parent": 2}, {"parent": 0}), "Alias chat falls"),
        (Legs("chat", 3, 1, {"parent": 2}, {"parent": 1}), "a single endpoint is left; before, it stood on 3"),
        (Legs("chat", 1, 1, {"parent": 1}, {"parent": 1}), "before, it did already"),
        (Legs("chat", 3, 2, {"parent": 2}, {"parent": 1}), "2 endpoints left; only one company behind them"),
        (Legs("chat", 3, 2, {"parent": 0}, {"parent": 0}), "2 endpoints left; no company behind them"),
    ],
)  # fmt: skip
def test_an_alias_on_one_leg_is_named(legs: Legs, says: str) -> None:
    assert says in said(stands=(legs,))["leg.chat"].says


def test_what_is_not_known_is_said_and_is_not_none() -> None:
    unknown = Artefact("files", 0, 7, "")
    found = said(
        replace(total(quality=None, cost_after_usd=None), fates=(Fate("x/m", "unknown", "parent"),)),
        DataSide(7, 0, (Held("x", 9, 0, 0, 0, 9, 0, 0, {}, {}),), (unknown,)),
    )

    assert "not known" in found["quality"].says
    assert "not known" in found["cost"].says
    assert found["fates.unknown"].says.endswith("x/m.")
    assert found["held.x"].says == "x may still hold 9 prompts (9 nobody knows how long)."
    assert found["held.x"].weight is Weight.SERIOUS
    assert "nobody can tell of up to 7 of them" in found["behind.unknown"].says


def test_other_promises_are_told_beside_those_that_hold() -> None:
    held = Held("x", 9, 0, 9, 0, 0, 0, 0, {}, {})

    assert (
        "would still hold 9 prompts of the period, in place of 0" in said(under=(held,))["held_under.x"].says
    )


@given(st.floats(0, 1))
def test_rounding_makes_neither_nothing_of_something_nor_all_of_nearly_all(share: float) -> None:
    told = percent(share)

    assert (told == "0 %") == (share == 0)
    assert (told == "100 %") == (share == 1)


@pytest.mark.parametrize(
    ("served", "quality", "says"),
    [
        (1.0, Interval(0.0, 0.0, 0.0), "easily substitutable"),
        (1.0, None, "medium complexity"),  # nobody has measured what takes over
        (1.0, Interval(-0.1, -0.2, 0.0), "medium complexity"),
        (0.97, None, "medium complexity"),
        (0.5, None, "highly complex"),
        (0.0, None, "not substitutable"),
    ],
)
def test_substitutability_is_suggested_by_a_rule(
    served: float, quality: Interval | None, says: str, tmp_path: Path
) -> None:
    found = register(total(served_after=served, quality=quality), NOTHING, typical(tmp_path))

    fields = {one.field: one for one in found}
    assert fields["Substitutability of the provider"].value == says
    assert fields["Existence of an exit plan"].value == YOURS
    assert fields["Existence of an exit plan"].yours


def test_without_a_rehearsal_none_is_said_to_help() -> None:
    assert not any("rehearsal" in row.helps for row in rows(None))
    assert {"DORA", "PRA SS1/21", "PRA SS2/21", "NIST AI RMF"} == {row.framework for row in rows(None)}


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_a_bar_is_as_long_as_its_parts_and_each_is_filled_otherwise(parts: list[float]) -> None:
    whole = sum(parts) or 1.0
    shares = dict(zip(charts.FILLS, (part / whole for part in parts), strict=True))

    drawn = charts.stacks("title", [("<row>", shares)])

    assert len(set(charts.FILLS.values())) == len(charts.FILLS)
    bars = re.findall(r'<rect x="[\d.]+" y="20\.0" width="([\d.]+)"', drawn)
    assert sum(map(float, bars)) == pytest.approx(
        sum(shares.values()) * (charts.WIDTH - charts.LABELS - 10), abs=1
    )
    assert "&lt;row&gt;" in drawn


def phase_of(name: str, **values: Any) -> Phase:
    """A part of a rehearsal with 100 requests, of which nothing else is known."""
    empty: dict[str, Any] = {
        word: {}
        if word in ("by", "findings")
        else 0
        if word in ("queued", "streams_lost", "unpriced", "graded")
        else None
        for word in Phase.__struct_fields__
    }
    return Phase(**{**empty, "name": name, "exchanges": 100, **values})


def rehearsed(*phases: Phase, detected: Moment | None, restored: Moment | None) -> Rehearsal:
    return Rehearsal(
        "d1",
        "off",
        "share",
        0.1,
        "anna",
        0,
        0,
        0,
        0,
        DONE,
        ("x/m",),
        (),
        phases,
        detected,
        None,
        restored,
        None,
        (),
        (),
    )


def test_what_answers_had_more_often_while_the_fault_was_there_is_said() -> None:
    before, during = (
        phase_of(name, findings={"refusal": count, "slow": 3}) for name, count in ((BEFORE, 2), (DURING, 40))
    )

    found = said(rehearsal=rehearsed(before, during, detected=Moment(1, 0, 1), restored=Moment(0, 0, 0)))

    says = "40 % of the requests during the fault had the finding refusal; before, 2 %."
    assert found["rehearsal.finding.refusal"].says == says
    assert "rehearsal.finding.slow" not in found
    assert found["rehearsal.restored"].says == "No request failed in the rehearsal."


def test_requests_that_policy_refused_under_the_fault_are_told_though_none_failed() -> None:
    before, during = (
        phase_of(name, refused=Interval(share, share, share))
        for name, share in ((BEFORE, 0.0), (DURING, 0.4))
    )

    found = said(rehearsal=rehearsed(before, during, detected=Moment(1, 0, 1), restored=Moment(0, 0, 0)))

    assert (
        found["rehearsal.refused"].says
        == "Policy refused 40 % of the requests during the fault; before, 0 %."
    )


def test_a_rehearsal_whose_fault_nobody_met_does_not_say_that_nothing_failed() -> None:
    found = said(
        rehearsal=rehearsed(phase_of(BEFORE), phase_of(DURING), detected=None, restored=Moment(0, 0, 0))
    )

    assert found["rehearsal.unmet"].weight is Weight.SERIOUS
    assert "rehearsal.restored" not in found


def test_a_cost_of_other_requests_is_no_change_of_cost() -> None:
    known = said(total(cost_after_usd=20.0))["cost"].says
    partly = said(total(cost_after_usd=20.0, unpriced_before=0.4))["cost"].says

    assert "(+100%)" in known
    assert "(" not in partly
    assert "of 40 % of what was served it is not known, and left out" in partly
