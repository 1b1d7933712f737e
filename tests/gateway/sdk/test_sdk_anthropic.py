"""The official Anthropic SDK against the gateway, before endpoints of every dialect."""

import json
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from tests.gateway.sdk.desk import PIXEL, PROMPT, SPOKEN, Desk, anthropic_tools, found, kin, named, thinker

ASKED: Any = [{"role": "user", "content": PROMPT}]
EACH = pytest.mark.parametrize("spoken", SPOKEN)
BOTH = pytest.mark.parametrize("stream", [False, True])


@EACH
def test_an_answer(office: Desk, spoken: str) -> None:
    with office.messages() as client:
        answer = client.messages.create(model=f"ok {spoken}", messages=ASKED, max_tokens=900)

    assert (answer.type, answer.role, answer.model) == ("message", "assistant", named(spoken))
    assert [(block.type, getattr(block, "text", "")) for block in answer.content] == [
        ("text", office.words())
    ]
    assert (answer.stop_reason, answer.stop_sequence) == ("end_turn", None)
    assert answer.usage.input_tokens > 1 and answer.usage.output_tokens > 1
    assert office.tried() == [("answered", f"ok {spoken}/north", "ok")]


EVENTS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
          "message_stop"]  # fmt: skip


@EACH
def test_an_answer_under_a_wrong_content_type_is_an_answer_all_the_same(office: Desk, spoken: str) -> None:
    with office.messages() as client:
        answer: Any = client.messages.create(model=f"wrong-type {spoken}", messages=ASKED, max_tokens=900)

    assert answer.content[0].text == office.words()


@EACH
def test_a_stream(office: Desk, spoken: str) -> None:
    with office.messages() as client:
        stream = client.messages.create(model=f"ok {spoken}", messages=ASKED, max_tokens=900, stream=True)
        events: list[Any] = list(stream)

    deltas = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert list(dict.fromkeys(event.type for event in events)) == EVENTS
    assert "".join(deltas) == office.words()
    assert len(deltas) > 10, "a stream arrives in pieces"
    assert events[0].message.model == named(spoken)
    assert events[-2].delta.stop_reason == "end_turn"
    assert events[-2].usage.output_tokens > 1
    assert office.tried() == [("answered", f"ok {spoken}/north", "ok")]


@EACH
def test_the_stream_helper(office: Desk, spoken: str) -> None:
    with (
        office.messages() as client,
        client.messages.stream(model=f"ok {spoken}", messages=ASKED, max_tokens=900) as stream,
    ):
        said = "".join(stream.text_stream)
        whole = stream.get_final_message()

    assert said == stream.get_final_text() == office.words()
    assert (whole.stop_reason, whole.model) == ("end_turn", named(spoken))
    assert whole.usage.input_tokens > 1 and whole.usage.output_tokens > 1


@EACH
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


@EACH
@BOTH
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


@EACH
@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "auto"}, ["weather"]),
        ({"type": "any"}, ["weather"]),
        ({"type": "none"}, []),
        ({"type": "tool", "name": "time"}, ["time"]),
    ],
    ids=str,
)
def test_the_choice_of_tools(office: Desk, spoken: str, choice: Any, names: list[str]) -> None:
    with office.messages() as client:
        answer: Any = client.messages.create(
            model=f"ok {spoken}", messages=ASKED, max_tokens=900, tools=anthropic_tools(), tool_choice=choice
        )

    assert [block.name for block in answer.content if block.type == "tool_use"] == names


@EACH
def test_system_prompts_and_images_arrive(office: Desk, spoken: str) -> None:
    sources = [
        {"type": "base64", "media_type": "image/png", "data": PIXEL},
        {"type": "url", "url": "https://example.org/a.png"},
    ][: 1 if spoken == "converse" else 2]  # which takes images by value only
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
    assert (
        turn["images"]
        == [{"media_type": "image/png", "base64_length": len(PIXEL)}, {"url": "https://example.org/a.png"}][
            : len(sources)
        ]
    )


@EACH
def test_settings_arrive(office: Desk, spoken: str) -> None:
    stop = [] if spoken == "responses" else ["\n\n"]  # which has none
    with office.messages() as client:
        answer: Any = client.messages.create(
            model=f"echo {spoken}", messages=ASKED, max_tokens=3_000, stop_sequences=stop,
            metadata={"user_id": "u1"}, extra_body={"temperature": 0.5},
        )  # fmt: skip

    told = json.loads(answer.content[0].text)
    assert '"temperature":0.5' in json.dumps(told["parameters"], separators=(",", ":"))
    assert (told["asked"]["stop"], told["asked"]["tokens_max"]) == (stop, 3_000)


ONE_CALL = {"type": "auto", "disable_parallel_tool_use": True}
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("responses", {"stop_sequences": ["\n\n"]}),
    ("converse", {"tools": anthropic_tools(), "tool_choice": ONE_CALL}),
]


@pytest.mark.parametrize(("spoken", "asked"), REFUSED)
def test_what_an_endpoint_cannot_be_told_is_refused(office: Desk, spoken: str, asked: Any) -> None:
    with office.messages() as client, pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(model=f"ok {spoken}", messages=ASKED, max_tokens=900, **asked)

    body: Any = caught.value.body
    assert body["error"]["code"] == "unsupported_field"


class Place(BaseModel):
    """What the answer must look like."""

    city: str
    population: int


@EACH
@BOTH
def test_answers_of_a_given_shape(office: Desk, spoken: str, stream: bool) -> None:
    asked: Any = {"model": f"ok {spoken}", "messages": ASKED, "max_tokens": 900, "output_format": Place}
    with office.messages() as client:
        if stream:
            with client.messages.stream(**asked) as helper:
                answer: Any = helper.get_final_message()
        else:
            answer = client.messages.parse(**asked)

    assert isinstance(answer.parsed_output, Place)


@EACH
@BOTH
def test_the_tool_runner(office: Desk, spoken: str, stream: bool) -> None:
    told: list[tuple[str, int]] = []

    @anthropic.beta_tool
    def weather(city: str, days: int) -> str:
        """Say what the weather will be."""
        told.append((city, days))
        return "fog"

    asked: Any = {"model": f"ok {spoken}", "messages": ASKED, "max_tokens": 900, "tools": [weather]}
    with office.messages() as client:
        runner: Any = client.beta.messages.tool_runner(stream=stream, **asked)
        answers = [one.get_final_message() if stream else one for one in runner]

    assert len(told) == 1
    assert [answer.stop_reason for answer in answers] == ["tool_use", "end_turn"]
    assert "tool result: fog" in answers[-1].content[0].text


@EACH
@BOTH
def test_thoughts_are_taken_back_by_who_made_them_and_by_nobody_else(
    office: Desk, spoken: str, stream: bool
) -> None:
    more: Any = {
        "max_tokens": 4_000,
        "thinking": {"type": "enabled", "budget_tokens": 1_024, "display": "summarized"},
    }
    with office.messages() as client:
        if stream:
            with client.messages.stream(model=thinker(spoken), messages=ASKED, **more) as helper:
                answer: Any = helper.get_final_message()
        else:
            answer = client.messages.create(model=thinker(spoken), messages=ASKED, **more)
        history: Any = [
            *ASKED,
            {"role": "assistant", "content": [block.to_dict(mode="json") for block in answer.content]},
            {"role": "user", "content": "And south?"},
        ]
        said: Any = {
            other: client.messages.with_raw_response.create(model=f"echo {other}", messages=history, **more)
            for other in SPOKEN
        }
        count = client.messages.count_tokens(model="ok messages", messages=history)

    thoughts = [block for block in answer.content if block.type == "thinking"]
    # Gemini signs the end of a streamed text, where Messages has no place for it.
    signed = spoken != "chat" and not (stream and spoken == "gemini")
    assert "".join(thought.thinking for thought in thoughts).count(" ") > 5
    assert count.input_tokens > 1
    for other, raw in said.items():
        told = next(block.text for block in raw.parse().content if block.type == "text")
        taken = json.loads(told)["asked"]["turns"][1].get("thoughts", ())
        kept = signed and kin(other) == kin(spoken)
        assert any(thought.get("seal") for thought in taken) == kept, other
        # Gemini takes thoughts that nobody signed.
        carried = kept or (other == "gemini" and not signed)
        assert ("thinking" in raw.headers.get("x-freehold-lost", "").split(", ")) == (not carried), other


async def test_tokens_are_counted_by_who_can(office: Desk) -> None:
    async with office.messages_async() as client:
        count = await client.messages.count_tokens(
            model="ok messages", messages=ASKED, tools=anthropic_tools(), system="Be brief."
        )
        with pytest.raises(anthropic.BadRequestError) as caught:
            await client.messages.count_tokens(model="ok chat", messages=ASKED)

    body: Any = caught.value.body
    assert count.input_tokens > 5
    assert body["error"]["code"] == "no_endpoint_speaks"


@EACH
@BOTH
@pytest.mark.parametrize(
    ("fault", "reason"), [("refusal", "refusal"), ("filtered", "refusal"), ("length", "max_tokens")]
)
def test_how_it_finished(office: Desk, spoken: str, stream: bool, fault: str, reason: str) -> None:
    with office.messages() as client:
        if stream:
            with client.messages.stream(model=f"{fault} {spoken}", messages=ASKED, max_tokens=900) as helper:
                answer: Any = helper.get_final_message()
        else:
            answer = client.messages.create(model=f"{fault} {spoken}", messages=ASKED, max_tokens=900)

    finding = found(fault, spoken)
    assert answer.stop_reason == reason
    assert [found.kind for found in office.last().findings] == ([finding] if finding else [])
    assert [outcome for outcome, _, _ in office.tried()] == ["answered"]


def test_models(office: Desk) -> None:
    with office.messages() as client:
        listed = [model.id for model in client.models.list()]
        one, globbed = (client.models.retrieve(name) for name in ("ok chat", "any chat/thing"))

    assert {"ok chat", "any chat/*"} <= set(listed)
    assert (one.id, one.type, one.display_name, one.lifecycle) == ("ok chat", "model", "ok chat", "active")
    assert globbed.id == "any chat/thing"


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


@EACH
@BOTH
@pytest.mark.parametrize(("fault", "kind", "status", "said"), ERRORS, ids=[row[0] for row in ERRORS])
def test_errors_are_the_sdks_own(
    office: Desk, *, spoken: str, stream: bool, fault: str, kind: type[anthropic.APIStatusError], status: int,
    said: str,
) -> None:  # fmt: skip
    with office.messages() as client, pytest.raises(kind) as caught:
        client.messages.create(model=f"{fault} {spoken}", messages=ASKED, max_tokens=900, stream=stream)

    body: Any = caught.value.body
    assert (caught.value.status_code, body["type"], body["error"]["type"]) == (status, "error", said)
    assert caught.value.response.headers["x-freehold-exchange"] == office.last().id


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


@EACH
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
