"""What can be told of exchanges without opening them; a real gateway's are in tests/cli/test_own_corpus.py."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from freehold.ledger.bodies import Opened
from freehold.own.corpus.drops import Drops
from freehold.own.corpus.exchanges import asked, read
from freehold.own.corpus.knobs import Exchanges
from freehold.own.corpus.licences import Terms
from freehold.vocabulary.exchange import BodyRef, Exchange, Finding, Finish, Outcome, Part, Served

BODIES = tuple(BodyRef(part, "c/2026-11-23/n.sealed", 0, 9, "d") for part in (Part.REQUEST, Part.ANSWER))
WHOLE = Exchange("x1", 5, "desk", "chat", "team", Outcome.ANSWERED, 200, endpoint="free/one", bodies=BODIES)
ALLOWED = {"free/one": True, "free/two": True, "closed/one": False}


def terms(endpoint: str) -> Terms:
    return Terms(endpoint, ALLOWED.get(endpoint), "as written")


def outcome(exchange: Exchange, knobs: Exchanges | None = None) -> str:
    """Whether it is wanted, left out (and why), or not asked for."""
    drops = Drops()
    found = asked([exchange], knobs or Exchanges(), terms, drops)
    return "wanted" if found.wanted else next(iter(drops.counts), "not asked for")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "wanted"),
        ({"bodies": ()}, "body not kept"),
        ({"endpoint": "closed/one"}, "terms forbid training"),
        ({"endpoint": "other/one"}, "terms unknown"),
        ({"continued_by": "free/two"}, "wanted"),
        ({"continued_by": "closed/one"}, "terms forbid training"),
        ({"cached": True, "endpoint": "closed/one"}, "terms forbid training"),
        ({"findings": (Finding("refusal", "e"),)}, "answer with a finding"),
        ({"served": Served(finish=Finish.LENGTH)}, "answer with a finding"),
        ({"served": Served(finish=Finish.STOP)}, "wanted"),
        ({"outcome": Outcome.CUT}, "not asked for"),
        ({"endpoint": None}, "not asked for"),
        ({"dialect": "embeddings"}, "not asked for"),
    ],
)
def test_an_exchange_is_wanted_left_out_or_not_asked_for(change: dict[str, Any], said: str) -> None:
    assert outcome(replace(WHOLE, **change)) == said


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        (Exchanges(applications=("desk",)), "wanted"),
        (Exchanges(applications=("shop",)), "not asked for"),
        (Exchanges(aliases=("team", "fast")), "wanted"),
        (Exchanges(aliases=("fast",)), "not asked for"),
    ],
)
def test_it_must_be_of_the_named_applications_and_aliases(knobs: Exchanges, said: str) -> None:
    assert outcome(WHOLE, knobs) == said


def test_findings_may_be_wanted_and_other_terms_are_another_corpus() -> None:
    wrong = replace(WHOLE, findings=(Finding("slowness", "e"),))
    assert outcome(wrong, Exchanges(findings=True)) == "wanted"

    now = asked([WHOLE], Exchanges(), terms, Drops())
    later = asked([WHOLE], Exchanges(), lambda name: Terms(name, True, "as amended"), Drops())
    assert now.digest != later.digest
    assert now.digest == asked([WHOLE], Exchanges(), terms, Drops()).digest


def opened(request: object, answer: object, /, **trouble: str) -> tuple[Opened, ...]:
    bodies = (request, answer)
    return tuple(
        Opened(reference, json.dumps(body).encode(), trouble.get(reference.part.value, ""))
        for reference, body in zip(BODIES, bodies, strict=True)
    )


ASKS = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}
SAYS = {"choices": [{"message": {"content": "Good day."}}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("bodies", "why"),
    [
        (opened(ASKS, SAYS, answer="its key is gone"), "its answer: its key is gone"),
        (opened({"messages": 1}, SAYS), "its request cannot be read: bad_request"),
        (opened(ASKS | {"tools": [TOOL]}, SAYS), "its request is more than words"),
        (
            opened(ASKS | {"messages": [{"role": "user", "content": [IMAGE]}]}, SAYS),
            "its request is more than words",
        ),
        (opened(ASKS, {"choices": [{"message": {"tool_calls": [CALL]}}]}), "its answer is more than words"),
        (opened(ASKS, {"choices": [{"message": {"content": " "}}]}), "its answer is empty"),
        (opened(ASKS, "no answer"), "its answer is more than words"),
        (opened(ASKS, SAYS)[:1], "a body was not kept"),
    ],
)
def test_what_is_more_than_words_or_cannot_be_opened_is_named(bodies: tuple[Opened, ...], why: str) -> None:
    drops = Drops()

    assert read([(WHOLE, bodies)], lambda *_: None, None, drops) == []
    assert [(one.reason.value, one.detail) for one in drops] == [("unreadable", why)]


def test_a_conversation_becomes_turns_with_its_time_its_origin_and_its_terms() -> None:
    words = {"model": "m", "messages": [{"role": "developer", "content": "Be kind."}, *ASKS["messages"]]}

    (row,) = read([(WHOLE, opened(words, SAYS))], lambda *_: None, None, Drops())

    assert row.turns == (("system", "Be kind."), ("user", "Hello?"), ("assistant", "Good day."))
    assert (row.id, row.at_ms, row.origin, row.licence) == ("x1", 5, "x1", "terms of free/one")
