"""What one provider takes and another turns down is not sent to the other."""

import json
from typing import Any

import pytest

from freehold.dialects.chat import reading as chat
from freehold.dialects.translate import LANGUAGES, StreamTranslator, translate_answer, translate_request
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.events import ArgumentsPiece, Finished, Started, ToolCallEnded, ToolCallStarted
from freehold.vocabulary.exchange import Finish

CHAT, MESSAGES, RESPONSES = Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES
GEMINI, CONVERSE = Dialect.GEMINI, Dialect.CONVERSE
CLAUDE = "anthropic.claude"
HI = {"role": "user", "content": "Hi"}
Body = dict[str, Any]


def said(source: Dialect, target: Dialect, body: Body, model: str = CLAUDE) -> tuple[Body, tuple[str, ...]]:
    there = translate_request(json.dumps({"model": "m"} | body).encode(), source, target, model)
    return json.loads(there.body), there.lost


def call(id_: str, name: str = "f") -> Body:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": "{}"}}


@pytest.mark.parametrize(("target", "kind"), [(MESSAGES, "type"), (CONVERSE, "toolResult")])
def test_results_stand_before_what_else_the_user_says(target: Dialect, kind: str) -> None:
    parts = [{"text": "Here:"}, {"functionResponse": {"name": "f", "response": {"output": "a"}}}]
    contents = [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
        {"role": "user", "parts": parts},
    ]
    body, _ = said(GEMINI, target, {"contents": contents})

    first, second = body["messages"][2]["content"]
    assert first.get(kind) in ("tool_result", {"toolUseId": "call_1", "content": [{"text": "a"}]})
    assert second["text"] == "Here:"


@pytest.mark.parametrize("target", [MESSAGES, CONVERSE])
@pytest.mark.parametrize(
    "empty", [{"content": None, "reasoning_content": "hm"}, {"content": ""}, {"content": " \n"}]
)
def test_a_turn_of_nothing_else_is_left_out_and_its_neighbours_are_one(target: Dialect, empty: Body) -> None:
    body, _ = said(CHAT, target, {"messages": [HI, {"role": "assistant"} | empty, HI]})

    [turn] = body["messages"]
    assert [block["text"] for block in turn["content"]] == ["Hi", "Hi"]


def test_an_assistant_without_words_or_calls_says_an_empty_text() -> None:
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}
    body, _ = said(MESSAGES, CHAT, {"max_tokens": 9, "messages": [HI, thought, HI]})

    assert body["messages"][1] == {"role": "assistant", "content": ""}


@pytest.mark.parametrize(
    ("asked", "wanted", "lost"),
    [
        ({"thinkingBudget": 8_000}, {"max_tokens": 12_096, "budget": 8_000}, ()),
        ({"thinkingBudget": 100}, {"max_tokens": 5_120, "budget": 1_024}, ("thinking.budget_tokens",)),
        ({"thinkingBudget": 8_000, "most": 2_000}, {"budget": 1_999}, ("thinking.budget_tokens",)),
        ({"thinkingBudget": 8_000, "most": 900}, {"budget": None}, ("thinking.budget_tokens", "thinking")),
        ({"thinkingBudget": 2_000, "temperature": 0.2, "topK": 3, "topP": 0.5},
         {"budget": 2_000, "temperature": None, "top_k": None, "top_p": None}, ("temperature", "top_p", "top_k")),
        ({"thinkingBudget": 2_000, "temperature": 1, "topP": 0.96},
         {"temperature": 1, "top_p": 0.96}, ()),
        ({"thinkingBudget": -1, "temperature": 0}, {"temperature": None}, ("temperature",)),
        ({"thinkingBudget": 0, "temperature": 0}, {"temperature": 0}, ()),
    ],
)  # fmt: skip
def test_thoughts_stay_within_the_answer_and_at_their_own_temperature(
    asked: Body, wanted: Body, lost: tuple[str, ...]
) -> None:
    config = asked | {"maxOutputTokens": asked.get("most")}
    config["thinkingConfig"] = {"thinkingBudget": config.pop("thinkingBudget")}
    config.pop("most", None)
    body, named = said(
        GEMINI, MESSAGES, {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": config}
    )

    held = body | {"budget": body.get("thinking", {}).get("budget_tokens")}
    assert {name: held.get(name) for name in wanted} == wanted
    assert named == lost


def test_claude_thinks_within_the_answer_elsewhere_too() -> None:
    thinking = {"type": "enabled", "budget_tokens": 9_000}
    body, lost = said(
        CHAT, CONVERSE, {"messages": [HI], "thinking": thinking, "max_tokens": 4_000, "temperature": 0}
    )

    assert body["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 3_999
    assert (body["inferenceConfig"], "temperature" in lost) == ({"maxTokens": 4_000}, True)


def test_no_thoughts_before_a_call_that_is_forced() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    asked = {"messages": [HI], "tools": [tool], "tool_choice": "required", "thinking": {"type": "enabled"}}
    body, lost = said(CHAT, MESSAGES, asked)

    assert (body["tool_choice"], "thinking" in body, lost) == ({"type": "any"}, False, ("thinking",))


@pytest.mark.parametrize("target", [CHAT, MESSAGES, GEMINI])
@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_choice_without_tools_asks_for_nothing(target: Dialect, choice: str) -> None:
    body, lost = said(RESPONSES, target, {"input": "Hi", "tools": [], "tool_choice": choice})

    assert (body.keys() & {"tool_choice", "toolConfig"}, lost) == (set(), ())


@pytest.mark.parametrize(("model", "role"), [("mistral-large", "system"), ("gpt-5", "developer")])
def test_only_openai_knows_a_developer(model: str, role: str) -> None:
    body, _ = said(RESPONSES, CHAT, {"input": [{"role": "developer", "content": "Be brief."}]}, model)

    assert body["messages"] == [{"role": role, "content": "Be brief."}]


def test_a_call_id_of_other_signs_stands_as_one_in_call_and_result() -> None:
    turns = [HI, {"role": "assistant", "tool_calls": [call("functions.f:0")]}]
    body, _ = said(
        CHAT,
        MESSAGES,
        {"messages": [*turns, {"role": "tool", "tool_call_id": "functions.f:0", "content": "a"}]},
    )

    [[used], [result]] = [turn["content"] for turn in body["messages"][1:]]
    assert used["id"] == result["tool_use_id"]
    assert used["id"].replace("_", "").isalnum()


@pytest.mark.parametrize("kind", ["image/jpg", "image/jpeg", "image/jpeg;charset=utf-8"])
def test_a_picture_by_value_is_told_by_its_right_type(kind: str) -> None:
    part = {"type": "image_url", "image_url": {"url": f"data:{kind};base64,AA=="}}
    body, _ = said(CHAT, MESSAGES, {"messages": [{"role": "user", "content": [part]}]})

    source = {"type": "base64", "media_type": "image/jpeg", "data": "AA=="}
    assert body["messages"][0]["content"] == [{"type": "image", "source": source}]


def test_text_of_any_kind_is_a_plain_document() -> None:
    file = {"type": "file", "file": {"file_data": "data:text/markdown;base64,IyBI", "filename": "a.md"}}
    body, _ = said(CHAT, MESSAGES, {"messages": [{"role": "user", "content": [file]}]})

    assert body["messages"][0]["content"][0]["source"] == {
        "type": "text",
        "media_type": "text/plain",
        "data": "# H",
    }


def test_an_answer_to_responses_has_room_for_the_least_there_is() -> None:
    body, lost = said(CHAT, RESPONSES, {"messages": [HI], "max_tokens": 1})

    assert (body["max_output_tokens"], lost) == (16, ("max_tokens",))


def test_notes_go_only_with_what_is_stored() -> None:
    body, lost = said(RESPONSES, CHAT, {"input": "Hi", "metadata": {"a": "b"}})

    assert ("metadata" in body, lost) == (False, ("metadata",))


def test_a_forced_call_ends_an_answer_as_any_call_does() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [call("a")]}
    whole = {"id": "x", "model": "m", "choices": [{"message": message, "finish_reason": "stop"}]}
    delta = {"tool_calls": [call("a") | {"index": 0}]}
    stream = [{"choices": [{"delta": delta}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]
    translator = StreamTranslator(CHAT, MESSAGES, include_usage=True)
    events = b"".join(translator.feed(b"data: %b\n\n" % json.dumps(chunk).encode()) for chunk in stream)

    assert (
        json.loads(translate_answer(json.dumps(whole).encode(), CHAT, MESSAGES).body)["stop_reason"]
        == "tool_use"
    )
    assert b'"stop_reason":"tool_use"' in events + translator.finish()


def test_an_empty_finish_reason_is_none_yet() -> None:
    assert chat.finish_of("", refused=False, called=False) is None
    assert chat.finish_of("stop", refused=True, called=True) is Finish.REFUSAL


MANY = 5_000
TOOLS = [{"type": "function", "function": {"name": f"f{n}"}} for n in range(MANY)]
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": TOOLS[::-1]}}
FILE = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}}
RESULT = {"type": "function_call_output", "call_id": "a", "output": "a"}
HOSTILE: dict[str, tuple[Dialect, Dialect, Body]] = {
    "documents of one name": (CHAT, CONVERSE, {"messages": [{"role": "user", "content": [FILE] * MANY}]}),
    "choice among tools": (CHAT, MESSAGES, {"messages": [HI], "tools": TOOLS, "tool_choice": ALLOWED}),
    "items of one turn": (RESPONSES, CHAT, {"input": [RESULT] * MANY * 3}),
    "texts of one turn": (
        GEMINI,
        CHAT,
        {"contents": [{"role": "model", "parts": [{"text": "word " * 9}] * MANY * 5}]},
    ),
    "calls without ids": (
        GEMINI,
        CHAT,
        {
            "contents": [
                {"role": "model", "parts": [{"functionCall": {"name": f"f{n}"}} for n in range(MANY)]},
                {"parts": [{"functionResponse": {"name": f"f{n}"}} for n in reversed(range(MANY))]},
            ]
        },
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_request_of_many_parts_is_translated(what: str) -> None:
    """In a moment: each of these once took time in square proportion to its length, up to minutes."""
    source, target, body = HOSTILE[what]
    there = said(source, target, body)

    assert len(json.dumps(there)) > len(json.dumps(body)) / 4


LATE = (
    ToolCallStarted(0, "a", "f"),
    ArgumentsPiece(0, "{}"),
    ToolCallEnded(0),
    ArgumentsPiece(0, "1"),
    ToolCallEnded(0),
    Finished(Finish.TOOL_CALLS),
)


@pytest.mark.parametrize("target", [GEMINI, RESPONSES])
def test_what_a_call_says_after_its_end_is_named_as_lost(target: Dialect) -> None:
    writer = LANGUAGES[target].writer(True, b"")
    told = b"".join(writer.write(event) for event in (Started("x", "m"), *LATE)) + writer.end()

    assert (told.count(b"call_id") > 0, b'"functionCall"' in told) == (target is RESPONSES, target is GEMINI)
    assert list(writer.lost) == ["answer.arguments"]


@pytest.mark.parametrize("target", [GEMINI, RESPONSES])
def test_a_blank_after_the_calls_end_breaks_no_stream(target: Dialect) -> None:
    deltas = [
        call("a") | {"index": 0},
        call("b") | {"index": 1},
        {"index": 0, "function": {"arguments": " "}},
    ]
    translator = StreamTranslator(CHAT, target, include_usage=True)
    for delta in deltas:
        chunk = {"choices": [{"delta": {"tool_calls": [delta]}}]}
        translator.feed(b"data: %b\n\n" % json.dumps(chunk).encode())

    assert translator.finish()
    assert translator.lost == ()
