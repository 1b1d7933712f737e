"""An answer is right if every check holds, and else the first that does not is told."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.bench import grading
from freehold.bench.cases import Case, Check, Exact, Number, Regex, Schema
from freehold.bench.grading import first_block, grade, last_block, last_number
from freehold.vocabulary.probe import Turn

JSON = Schema({"type": "object", "required": ["total"]})


def case(*checks: Check) -> Case:
    return Case("c", (Turn("user", "?"),), checks, "c")


@pytest.mark.parametrize(
    ("check", "answer", "why"),
    [
        (Exact("42"), " 42\n", None),
        (Exact("42"), "It is 42", "it is 'It is 42'"),
        (Exact(("yes", "Yes.")), "Yes.", None),
        (Exact("straße", ignore_case=True), "STRASSE", None),
        (Regex(r"\b42\b"), "It is 42.", None),
        (Regex(r"\b42\b", whole=True), "It is 42.", "no match in 'It is 42.'"),
        (Regex("paris", ignore_case=True, whole=True), " Paris ", None),
        (JSON, '```json\n{"total": 1}\n```', None),
        (JSON, 'Here: {"total": 1}', "it is not JSON"),
        (JSON, "{}", "$ breaks `required`"),
        (Number(3.14, tolerance=0.005), "pi is 3.1416", None),
        (Number(3.14), "pi is 3.1416", "it is 3.1416"),
        (Number(1_000_000, relative=0.01), "about 1,009,000 in all", None),
        (Number(-5), "from 7 to \u22125", None),
        (Number(5), "none", "it holds no number"),
    ],
)
async def test_a_check_holds_or_says_why_not(check: Check, answer: str, why: str | None) -> None:
    found = await grade(case(check), answer)

    assert found.score == (1.0 if why is None else 0.0)
    assert (why or "") in found.why


async def test_all_checks_must_hold() -> None:
    both = case(Regex("4"), Regex("2"))

    assert (await grade(both, "42")).score == 1
    assert (await grade(both, "4")).why == "no match in '4'"


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_a_number_is_found_however_it_is_written(value: float) -> None:
    for text in (f"{value!r}", f"so it is {value!r} euros", f"{value:,.6f}"):
        found = last_number(text)
        assert found is not None and math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-6)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,234.5", 1234.5), ("2.5.", 2.5), ("v1x", None), ("$3", 3), ("1e3", 1000), ("-.5", -0.5), ("5-3", 3)],
)
def test_numbers_in_the_wild(text: str, number: float | None) -> None:
    assert last_number(text) == number


def test_blocks_are_what_stands_between_fences() -> None:
    text = "a\n```python\none\n```\nb\n```\ntwo\n```\nc"

    assert (first_block(text), last_block(text)) == ("one\n", "two\n")
    assert first_block("plain") == last_block("plain") == "plain"


@pytest.mark.parametrize(
    ("check", "answer"),
    [(Regex(r"(a+)+$"), "a" * 40 + "b"), (Schema({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}), "1")],
)
async def test_a_check_that_would_take_for_ever_comes_to_an_end(
    check: Check, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grading, "CHECK_SECONDS", 0.05)

    found = await grade(case(check), answer)

    assert found.score == 0 and "could not be checked within" in found.why
    assert (await grade(case(Regex("b")), answer + "b")).score == 1


async def test_ever_more_fences_do_not_take_ever_longer() -> None:
    assert "not JSON" in (await grade(case(JSON), "```x\n" * 200_000)).why


async def test_a_reason_is_no_longer_than_one_can_read() -> None:
    closed = Schema({"additionalProperties": False})

    assert len((await grade(case(closed), '{"%s": 1}' % ("a" * 100_000))).why) == 300
