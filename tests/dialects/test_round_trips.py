"""Any request, from one dialect to the other and back."""

import json
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.dialects.messages import reading as messages
from freehold.dialects.translate import translate_request
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import CallerError

CHAT, MESSAGES = Dialect.CHAT, Dialect.MESSAGES
Body = dict[str, Any]

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

WORDS = st.text(min_size=1, max_size=8)
JSON_OBJECT = st.dictionaries(WORDS, st.integers() | WORDS | st.lists(st.booleans(), max_size=2), max_size=3)
IMAGES = st.builds(lambda name: {"type": "image_url", "image_url": {"url": f"https://e.org/{name}"}}, WORDS)
TEXTS = st.builds(lambda text: {"type": "text", "text": text}, WORDS)
USER = st.builds(
    lambda content: {"role": "user", "content": content},
    WORDS | st.lists(TEXTS | IMAGES, min_size=2, max_size=4),
)


@st.composite
def rounds(draw: st.DrawFn) -> list[Body]:
    """A question, an answer with tool calls, their results, and a last word."""
    ids = [f"c{index}" for index in range(draw(st.integers(1, 3)))]
    calls = [
        {
            "id": id_,
            "type": "function",
            "function": {
                "name": draw(WORDS),
                "arguments": msgspec.json.encode(draw(JSON_OBJECT)).decode(),
            },
        }
        for id_ in ids
    ]
    results = [{"role": "tool", "tool_call_id": id_, "content": draw(WORDS)} for id_ in ids]
    words = draw(st.none() | WORDS)
    asked = {"role": "assistant", "content": words, "tool_calls": calls}
    return [draw(USER), asked, *results, {"role": "assistant", "content": draw(WORDS)}]


CHAT_REQUESTS = st.fixed_dictionaries(
    {
        "model": st.just("m"),
        "messages": st.builds(
            lambda system, turns: [*system, *(turn for group in turns for turn in group)],
            st.lists(st.builds(lambda text: {"role": "system", "content": text}, WORDS), max_size=1),
            st.lists(rounds(), min_size=1, max_size=3),
        ),
        "max_tokens": st.integers(1, 10_000),
    },
    optional={
        "temperature": st.floats(0, 1),
        "top_p": st.floats(0, 1),
        "stop": st.lists(WORDS, min_size=1, max_size=3),
        "reasoning_effort": st.sampled_from(["low", "medium", "high", "xhigh", "max"]),
        "stream": st.just(True),
        "user": WORDS,
        "tools": st.lists(
            st.builds(
                lambda name, words: {
                    "type": "function",
                    "function": {"name": name, "description": words, "parameters": SCHEMA},
                },
                WORDS,
                WORDS,
            ),
            min_size=1,
            max_size=2,
        ),
        "tool_choice": st.sampled_from(["auto", "none", "required"])
        | st.builds(lambda name: {"type": "function", "function": {"name": name}}, WORDS),
    },
)


@settings(max_examples=40, deadline=None)
@given(CHAT_REQUESTS)
def test_chat_to_messages_and_back_says_the_same(request: Body) -> None:
    body = json.dumps(request).encode()

    there = translate_request(body, CHAT, MESSAGES, "m")
    back = translate_request(there.body, MESSAGES, CHAT, "m")

    assert (there.lost, back.lost) == ((), ())
    streamed = {"stream_options": {"include_usage": True}} if request.get("stream") else {}
    assert json.loads(back.body) == request | streamed


@settings(max_examples=40, deadline=None)
@given(CHAT_REQUESTS)
def test_messages_to_chat_and_back_says_the_same(request: Body) -> None:
    body = translate_request(json.dumps(request).encode(), CHAT, MESSAGES, "m").body

    there = translate_request(body, MESSAGES, CHAT, "m")
    back = translate_request(there.body, CHAT, MESSAGES, "m")

    assert (there.lost, back.lost) == ((), ())
    assert json.loads(back.body) == json.loads(body)
    assert messages.read_request(back.body) == messages.read_request(body)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | WORDS,
        lambda v: (
            st.lists(v)
            | st.dictionaries(
                st.sampled_from(
                    ["role", "content", "type", "text", "tool_calls", "function", "source", "system"]
                ),
                v,
            )
        ),
    ),
    st.sampled_from([(CHAT, MESSAGES), (MESSAGES, CHAT)]),
)
def test_wrong_requests_raise_only_errors_for_the_caller(turn: object, way: tuple[Dialect, Dialect]) -> None:
    body = json.dumps({"model": "m", "max_tokens": 1, "messages": [turn], "tools": turn, "system": turn})

    with suppress(CallerError):  # some are right by chance
        assert json.loads(translate_request(body.encode(), *way, "m").body)["model"] == "m"
