"""The official Anthropic SDK against the gateway, before endpoints of its own dialect and of the other."""

import json
from typing import Any

import anthropic
import pytest

from tests.gateway.sdk.desk import PIXEL, PROMPT, SPOKEN, Desk, anthropic_tools

ASKED: Any = [{"role": "user", "content": PROMPT}]
BOTH = pytest.mark.parametrize("spoken", SPOKEN)


@BOTH
def test_an_answer(office: Desk, spoken: str) -> None:
    with office.messages() as client:
        answer = client.messages.create(model=f"ok {spoken}", messages=ASKED, max_tokens=900)

    assert (answer.type, answer.role, answer.model) == ("message", "assistant", "north")
    assert [(block.type, getattr(block, "text", "")) for block in answer.content] == [
        ("text", office.words())
    ]
    assert (answer.stop_reason, answer.stop_sequence) == ("end_turn", None)
    assert answer.usage.input_tokens > 1 and answer.usage.output_tokens > 1
    assert office.tried() == [("answered", f"ok {spoken}/north", "ok")]


EVENTS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
          "message_stop"]  # fmt: skip


@BOTH
def test_an_answer_under_a_wrong_content_type_is_an_answer_all_the_same(office: Desk, spoken: str) -> None:
    with office.messages() as client:
        answer: Any = client.messages.create(model=f"wrong-type {spoken}", messages=ASKED, max_tokens=900)

    assert answer.content[0].text == office.words()


@BOTH
def test_a_stream(office: Desk, spoken: str) -> None:
    with office.messages() as client:
        stream = client.messages.create(model=f"ok {spoken}", messages=ASKED, max_tokens=900, stream=True)
        events: list[Any] = list(stream)

    deltas = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert list(dict.fromkeys(event.type for event in events)) == EVENTS
    assert "".join(deltas) == office.words()
    assert len(deltas) > 10, "a stream arrives in pieces"
    assert events[0].message.model == "north"
    assert events[-2].delta.stop_reason == "end_turn"
    assert events[-2].usage.output_tokens > 1
    assert office.tried() == [("answered", f"ok {spoken}/north", "ok")]


@BOTH
def test_the_stream_helper(office: Desk, spoken: str) -> None:
    with (
        office.messages() as client,
        client.messages.stream(model=f"ok {spoken}", messages=ASKED, max_tokens=900) as stream,
    ):
        said = "".join(stream.text_stream)
        whole = stream.get_final_message()

    assert said == stream.get_final_text() == office.words()
    assert (whole.stop_reason, whole.model) == ("end_turn", "north")
    assert whole.usage.input_tokens > 1 and whole.usage.output_tokens > 1


@BOTH
async def test_async_answers_and_streams(office: Desk, spoken: str) -> None:
    async with office.messages_async() as client:
        answer = await client.messages.create(model=f"ok {spoken}", messages=ASKED, max_tokens=900)
        stream = await client.messages.create(
            model=f"ok {spoken}", messages=ASKED, max_tokens=900, stream=True
        )
        kinds = list(dict.fromkeys([event.type async for event in stream]))
        async with client.messages.stream(model=f"ok {spoken}", messages=ASKED, max_tokens=900) as helper:
            said = "".join([piece async for piece in helper.text_stream])

    assert kinds == EVENTS
    assert [getattr(block, "text", "") for block in answer.content] == [said] == [office.words()]


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_two_tools_at_once_and_their_results(office: Desk, spoken: str, stream: bool) -> None:
    asked: Any = [{"role": "user", "content": "parallel and aloud, please"}]
    more: Any = {
        "model": f"ok {spoken}",
        "max_tokens": 900,
        "tools": anthropic_tools(),
        "system": "Be brief.",
    }
    with office.messages() as client:
        if stream:
            with client.messages.stream(messages=asked, **more) as helper:
                answer: Any = helper.get_final_message()
        else:
            answer = client.messages.create(messages=asked, **more)
        calls = [block for block in answer.content if block.type == "tool_use"]
        results = [
            {"type": "tool_result", "tool_use_id": calls[0].id, "content": "sunny"},
            {"type": "tool_result", "tool_use_id": calls[1].id, "content": "no clock", "is_error": True},
        ]
        history = [
            *asked,
            {
                "role": "assistant",
                "content": [block.model_dump(exclude_none=True) for block in answer.content],
            },
            {"role": "user", "content": results},
        ]
        last: Any = client.messages.create(messages=history, **more)

    assert (answer.stop_reason, answer.content[0].type) == ("tool_use", "text")
    assert [call.name for call in calls] == ["weather", "time"]
    assert calls[0].input.keys() == {"city", "days"}
    assert calls[1].input["zone"] in ("UTC", "CET")
    assert len({call.id for call in calls}) == 2
    assert last.stop_reason == "end_turn"
    assert "tool result: sunny" in last.content[0].text
    assert "no clock" in last.content[0].text


@BOTH
@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "auto"}, ["weather"]),
        ({"type": "any"}, ["weather"]),
        ({"type": "none"}, []),
        ({"type": "tool", "name": "time"}, ["time"]),
        ({"type": "auto", "disable_parallel_tool_use": True}, ["weather"]),
    ],
    ids=str,
)
def test_the_choice_of_tools(office: Desk, spoken: str, choice: Any, names: list[str]) -> None:
    with office.messages() as client:
        answer: Any = client.messages.create(
            model=f"ok {spoken}", messages=ASKED, max_tokens=900, tools=anthropic_tools(), tool_choice=choice
        )

    assert [block.name for block in answer.content if block.type == "tool_use"] == names


@BOTH
def test_system_prompts_and_images_arrive(office: Desk, spoken: str) -> None:
    sources = [
        {"type": "url", "url": "https://example.org/a.png"},
        {"type": "base64", "media_type": "image/png", "data": PIXEL},
    ]
    content = [
        {"type": "text", "text": "What is this?"},
        *({"type": "image", "source": source} for source in sources),
    ]
    asked: Any = [{"role": "user", "content": content}]
    with office.messages() as client:
        answer: Any = client.messages.create(
            model=f"echo {spoken}", messages=asked, max_tokens=4_000, system="Be brief."
        )

    understood = json.loads(answer.content[0].text)
    turn = understood["asked"]["turns"][0]
    assert (understood["dialect"], understood["asked"]["system"]) == (spoken, ["Be brief."])
    assert (turn["role"], turn["text"]) == ("user", "What is this?")
    assert turn["images"] == [
        {"url": "https://example.org/a.png"},
        {"media_type": "image/png", "base64_length": len(PIXEL)},
    ]


@BOTH
def test_settings_arrive(office: Desk, spoken: str) -> None:
    with office.messages() as client:
        answer: Any = client.messages.create(
            model=f"echo {spoken}", messages=ASKED, max_tokens=3_000, stop_sequences=["\n\n"],
            metadata={"user_id": "u1"}, extra_body={"temperature": 0.5, "top_p": 0.9},
        )  # fmt: skip

    told = json.loads(answer.content[0].text)
    assert (told["parameters"]["temperature"], told["parameters"]["top_p"]) == (0.5, 0.9)
    assert (told["asked"]["stop"], told["asked"]["tokens_max"]) == (["\n\n"], 3_000)


@BOTH
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "reason", "finding"),
    [
        ("refusal", "refusal", "refusal"),
        ("filtered", "refusal", "moderation"),
        ("length", "max_tokens", None),
    ],
)
def test_how_it_finished(
    office: Desk, spoken: str, stream: bool, fault: str, reason: str, finding: str | None
) -> None:
    with office.messages() as client:
        if stream:
            with client.messages.stream(model=f"{fault} {spoken}", messages=ASKED, max_tokens=900) as helper:
                answer: Any = helper.get_final_message()
        else:
            answer = client.messages.create(model=f"{fault} {spoken}", messages=ASKED, max_tokens=900)

    if fault == "filtered" and spoken == "messages":
        finding = "refusal"  # that dialect has no other word for it
    assert answer.stop_reason == reason
    assert [found.kind for found in office.house.exchanges()[-1].findings] == ([finding] if finding else [])
    assert [outcome for outcome, _, _ in office.tried()] == ["answered"]


def test_models(office: Desk) -> None:
    with office.messages() as client:
        listed = [model.id for model in client.models.list()]
        one = client.models.retrieve("ok chat")

    assert {"ok chat", "ok messages"} <= set(listed)
    assert (one.id, one.type, one.display_name) == ("ok chat", "model", "ok chat")


async def test_async_models(office: Desk) -> None:
    async with office.messages_async() as client:
        listed = [model.id async for model in client.models.list()]

    assert {"ok chat", "ok messages"} <= set(listed)


ERRORS: list[tuple[str, type[anthropic.APIStatusError], int, str]] = [
    ("400", anthropic.BadRequestError, 400, "invalid_request_error"),
    ("400-policy", anthropic.BadRequestError, 400, "invalid_request_error"),
    ("401", anthropic.InternalServerError, 502, "api_error"),
    ("404", anthropic.InternalServerError, 502, "api_error"),
    ("429=60", anthropic.RateLimitError, 429, "rate_limit_error"),
    ("500", anthropic.InternalServerError, 502, "api_error"),
    ("529", anthropic.InternalServerError, 502, "api_error"),
    ("reset", anthropic.InternalServerError, 502, "api_error"),
    ("silent", anthropic.InternalServerError, 504, "timeout_error"),
]


@BOTH
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fault", "kind", "status", "said"), ERRORS, ids=[row[0] for row in ERRORS])
def test_errors_are_the_sdks_own(
    office: Desk, *, spoken: str, stream: bool, fault: str, kind: type[anthropic.APIStatusError], status: int,
    said: str,
) -> None:  # fmt: skip
    with office.messages() as client, pytest.raises(kind) as caught:
        client.messages.create(model=f"{fault} {spoken}", messages=ASKED, max_tokens=900, stream=stream)

    body: Any = caught.value.body
    assert (caught.value.status_code, body["type"], body["error"]["type"]) == (status, "error", said)
    assert caught.value.response.headers["x-freehold-exchange"] == office.house.exchanges()[-1].id


def test_errors_of_the_callers_own_are_the_sdks_own(office: Desk) -> None:
    def error(key: str, model: str, messages: Any = ASKED) -> tuple[type[Exception], str]:
        with office.messages(key) as client, pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(model=model, messages=messages, max_tokens=900)
        body: Any = caught.value.body
        return type(caught.value), body["error"]["code"]

    assert error("wrong", "ok messages") == (anthropic.AuthenticationError, "invalid_key")
    assert error(office.narrow, "ok messages") == (anthropic.PermissionDeniedError, "key_not_allowed")
    assert error(office.secret, "nobody") == (anthropic.NotFoundError, "unknown_model")
    assert error(office.secret, "ok messages", []) == (anthropic.BadRequestError, "bad_request")


@BOTH
@pytest.mark.parametrize("fault", ["cut+slow-drip=20ms", "error-event+slow-drip=20ms", "stall"])
def test_a_stream_that_breaks_off_is_an_error(office: Desk, spoken: str, fault: str) -> None:
    said = ""
    with (
        office.messages() as client,
        pytest.raises(anthropic.APIStatusError) as caught,
        client.messages.stream(model=f"{fault} {spoken}", messages=ASKED, max_tokens=900) as stream,
    ):
        for piece in stream.text_stream:
            said += piece

    assert said and office.words().startswith(said) and said != office.words()
    body: Any = caught.value.body
    if fault.startswith("error-event") and spoken == "messages":
        assert body["error"]["type"] == "overloaded_error"  # the provider's own event, passed on
    else:
        assert body["error"]["code"] == "answer_cut"
    assert office.tried()[0][0] == "cut"
