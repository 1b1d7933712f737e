"""Every caller's dialect onto every endpoint's: tools that are called and answer, and thoughts that are handed back."""

import http.client
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest

from freehold.sparring.asked import ToolResult
from tests.gateway.hearing import Heard
from tests.gateway.house import Partners, Said
from tests.gateway.speaking import (
    BRIEFLY,
    CALLERS,
    OFFERED,
    PIXEL,
    SPOKEN,
    THINKING,
    TOOLS,
    picture,
    request,
    results,
    user,
)
from tests.gateway.stage import FINISHES, GAP_MS, Stage, every_pair, lost, stage, whole_and_streamed

UNSIGNED = "chat"  # no signature there, and thoughts without one go to no other dialect's endpoint
ARGUMENT_PIECES = 5  # in which a partner says them


@pytest.fixture(scope="module")
def built(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(partners, tmp_path_factory.mktemp("stage")) as running:
        yield running


def check_calls(built: Stage, caller: str, heard: Heard) -> None:
    """The calls are those that the partner made, each under an id of its own."""
    made = built.answer().calls
    assert [name for _, name, _ in heard.calls()] == [call.name for call in made]
    assert [json.loads(arguments) for *_, arguments in heard.calls()] == [
        json.loads(call.arguments) for call in made
    ]
    for (id_, _, _), call in zip(heard.calls(), made, strict=True):
        assert id_.endswith(call.id)
    assert heard.finish == FINISHES[caller]["tool_calls"]


def check_history(built: Stage, heard: Heard, outputs: dict[str, tuple[str, str]]) -> None:
    """The partner got its calls back, and beside each what the tool said."""
    understood = built.understood()
    _, called, answered = understood.turns
    assert [(call.id, call.name) for call in called.calls] == [call[:2] for call in heard.calls()]
    assert [json.loads(call.arguments) for call in called.calls] == [
        json.loads(arguments) for *_, arguments in heard.calls()
    ]
    assert called.text == heard.words()
    assert answered.results == tuple(ToolResult(id_, words) for id_, (_, words) in outputs.items())


@whole_and_streamed
@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        ("How is it in Ulm?", ["call"]),
        ("Say it aloud.", ["text", "call"]),
        ("Ask both in parallel.", ["call", "call"]),
        ("Ask both in parallel, aloud.", ["text", "call", "call"]),
    ],
    ids=["tools", "tools and words", "parallel tools", "parallel tools and words"],
)
@every_pair
def test_tools_are_called_and_answer(
    built: Stage, caller: str, spoken: str, prompt: str, kinds: list[str], stream: bool
) -> None:
    turns = user(caller, prompt)
    first = built.heard(caller, spoken, built.ask(caller, spoken, turns, TOOLS[caller], stream=stream))
    assert {tool.name: tool.schema for tool in built.understood().tools} == OFFERED
    assert [
        kind for kind, after in pairwise([*first.kinds(), ""]) if (kind, after) != ("text", "text")
    ] == kinds
    assert first.words() == built.answer().text
    check_calls(built, caller, first)

    outputs = {id_: (name, f"{name} {place}") for place, (id_, name, _) in enumerate(first.calls())}
    turns = [*turns, *first.turn, *results(caller, outputs)]
    said = built.ask(caller, spoken, turns, TOOLS[caller], stream=stream)
    second = built.heard(caller, spoken, said)

    check_history(built, first, outputs)
    assert lost(said) == []
    assert second.kinds()[0] == "text" and not second.calls()
    told = "; ".join(f"tool result: {words}" for _, words in outputs.values())
    assert second.words().startswith(f"[system: {len(BRIEFLY)} chars; 3 turns; {told}] ")


@pytest.mark.parametrize("spoken", SPOKEN)
def test_a_tool_may_fail_and_show_a_picture(built: Stage, spoken: str) -> None:
    turns = user("messages", "How is it in Ulm?")
    first = built.heard("messages", spoken, built.ask("messages", spoken, turns, TOOLS["messages"]))
    ((id_, _, _),) = first.calls()
    said: list[dict[str, Any]] = [{"type": "text", "text": "no such city"}, picture("messages", PIXEL)]
    block = {"type": "tool_result", "tool_use_id": id_, "content": said, "is_error": True}

    turns = [*turns, *first.turn, {"role": "user", "content": [block]}]
    answer = built.ask("messages", spoken, turns, TOOLS["messages"])

    built.heard("messages", spoken, answer)
    openai, turn = spoken in ("chat", "responses"), built.understood().turns[-1]
    shown = 0 if spoken == "chat" else 1  # where tools have no pictures, and the user shows them
    assert turn.results == (ToolResult(id_, "no such city", error=not openai, images=shown),)
    assert len(turn.images) == 1 - shown
    assert lost(answer) == (["is_error"] if openai else [])


@pytest.mark.parametrize(
    ("caller", "spoken"),
    [
        pytest.param(caller, spoken, id=f"{caller} onto {spoken}")
        for caller in CALLERS
        for spoken in SPOKEN
        if "gemini" not in (caller, spoken)  # which says a call only whole
    ],
)
def test_arguments_arrive_as_they_are_written(built: Stage, caller: str, spoken: str) -> None:
    target, body = request(
        caller, f"slowly {spoken}", user(caller, "How is it in Ulm?"), TOOLS[caller], stream=True
    )
    arrivals = timed(built.house.url, target, body)

    began = built.answer().calls[0].arguments[:3]
    written = [at for at, told in arrivals if any(mark in told for mark in ARGUMENTS[caller])]
    assert began and len(written) >= ARGUMENT_PIECES
    assert written[-1] - written[0] > 0.6 * (ARGUMENT_PIECES - 1) * GAP_MS / 1_000


ARGUMENTS = {
    "chat": ('"arguments":',),
    "responses": ("response.function_call_arguments.delta",),
    "messages": ("input_json_delta",),
}


def timed(url: str, target: str, body: bytes) -> list[tuple[float, str]]:
    """The events of a stream, and when each came."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    connection.request("POST", target, body, {"content-type": "application/json"})
    answer = connection.getresponse()
    arrivals, held = list[tuple[float, str]](), ""
    while piece := answer.read1():
        held += piece.decode()
        *events, held = held.split("\n\n")
        arrivals += [(time.perf_counter(), event) for event in events]
    connection.close()
    return arrivals


def dropped(said: Said, spoken: str) -> list[str]:
    """What is lost of a turn. How thoughts are to be shown cannot be said to everybody."""
    names = lost(said)
    assert "reasoning.summary" not in names or spoken in ("chat", "converse")
    return [name for name in names if name != "reasoning.summary"]


def signs_late(caller: str, spoken: str, heard: Heard, *, stream: bool) -> bool:
    """Gemini signs the end of a streamed text, where Messages has no place for it."""
    return stream and (caller, spoken) == ("messages", "gemini") and not heard.calls()


def check_thought(built: Stage, spoken: str, heard: Heard, *, late: bool = False) -> None:
    assert built.understood().thinks
    answer = built.answer()
    assert heard.words("thought") == answer.thought != ""
    assert bool(heard.signatures()) == (spoken != UNSIGNED and not late)
    assert heard.kinds()[0] == "thought"
    assert heard.words() == answer.text
    reasoning = 0 if spoken == "converse" else answer.thought_tokens  # converse does not count them apart
    assert (heard.usage["output"], heard.usage["reasoning"]) == (answer.output_tokens, reasoning)


def check_thought_is_back(built: Stage, caller: str, spoken: str, seal: str | None, said: Said) -> None:
    """The partner has checked the signature; here, that there was one."""
    thoughts = built.understood().turns[1].thoughts
    if spoken == UNSIGNED:
        assert bool(thoughts) == (caller == UNSIGNED)
        assert dropped(said, spoken) == ([] if caller == UNSIGNED else ["thinking"])
    else:
        assert [thought.seal for thought in thoughts if thought.seal] == ([seal] if seal else [])
        assert dropped(said, spoken) == []


@whole_and_streamed
@every_pair
def test_thoughts_come_back_and_are_taken_back(built: Stage, caller: str, spoken: str, stream: bool) -> None:
    turns = user(caller, "Think.")
    first = built.heard(caller, spoken, built.ask(caller, spoken, turns, THINKING[caller], stream=stream))
    late = signs_late(caller, spoken, first, stream=stream)
    check_thought(built, spoken, first, late=late)
    seal = None if late else built.seal()

    turns = [*turns, *first.turn, *user(caller, "Again.")]
    said = built.ask(caller, spoken, turns, THINKING[caller], stream=stream)
    check_thought_is_back(built, caller, spoken, seal, said)
    check_thought(built, spoken, built.heard(caller, spoken, said), late=late)


@whole_and_streamed
@every_pair
def test_thoughts_before_calls_are_taken_back_with_the_results(
    built: Stage, caller: str, spoken: str, stream: bool
) -> None:
    wishes: dict[str, Any] = TOOLS[caller] | THINKING[caller]
    turns = user(caller, "Think aloud, and ask both in parallel.")
    first = built.heard(caller, spoken, built.ask(caller, spoken, turns, wishes, stream=stream))
    check_thought(built, spoken, first)
    check_calls(built, caller, first)
    seal = built.seal()

    outputs = {id_: (name, f"{name} {place}") for place, (id_, name, _) in enumerate(first.calls())}
    turns = [*turns, *first.turn, *results(caller, outputs)]
    said = built.ask(caller, spoken, turns, wishes, stream=stream)
    check_thought_is_back(built, caller, spoken, seal, said)
    check_history(built, first, outputs)
    answer = built.heard(caller, spoken, said)
    check_thought(built, spoken, answer, late=signs_late(caller, spoken, answer, stream=stream))


@pytest.mark.parametrize("second", [spoken for spoken in SPOKEN if spoken != UNSIGNED])
@pytest.mark.parametrize("first", [spoken for spoken in SPOKEN if spoken != UNSIGNED])
@pytest.mark.parametrize("caller", CALLERS)
def test_a_thought_goes_to_no_other_maker(built: Stage, caller: str, first: str, second: str) -> None:
    turns = user(caller, "Think.")
    heard = built.heard(caller, first, built.ask(caller, first, turns, THINKING[caller], stream=True))

    turns = [*turns, *heard.turn, *user(caller, "Again.")]
    said = built.ask(caller, second, turns, THINKING[caller])

    built.heard(caller, second, said)
    same = first == second or {first, second} == {
        "messages",
        "converse",
    }  # Anthropic's, wherever it is served
    assert dropped(said, second) == ([] if same else ["thinking"])
    taken = same and not signs_late(caller, first, heard, stream=True)
    assert bool([thought for thought in built.understood().turns[1].thoughts if thought.seal]) == taken
    assert built.understood().turns[1].text == heard.words()
