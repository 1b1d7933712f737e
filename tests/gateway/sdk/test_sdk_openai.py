"""The official OpenAI SDK against the gateway, before endpoints of every dialect."""

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.gateway.sdk.desk import PIXEL, PROMPT, SPOKEN, Desk, found, kin, named, openai_tools, thinker

ASKED: Any = [{"role": "user", "content": PROMPT}]
EACH = pytest.mark.parametrize("spoken", SPOKEN)
BOTH = pytest.mark.parametrize("stream", [False, True])


@EACH
def test_an_answer(office: Desk, spoken: str) -> None:
    with office.chat() as client:
        answer = client.chat.completions.create(model=f"ok {spoken}", messages=ASKED)

    choice = answer.choices[0]
    assert (answer.object, answer.model) == ("chat.completion", named(spoken))
    assert (choice.message.role, choice.message.content, choice.finish_reason) == (
        "assistant",
        office.words(),
        "stop",
    )
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 2
    assert (answer.system_fingerprint is not None) == (spoken == "chat")
    assert office.tried() == [("answered", f"ok {spoken}/north", "ok")]


@EACH
def test_an_answer_under_a_wrong_content_type_is_an_answer_all_the_same(office: Desk, spoken: str) -> None:
    with office.chat() as client:
        answer = client.chat.completions.create(model=f"wrong-type {spoken}", messages=ASKED)

    assert answer.choices[0].message.content == office.words()


@EACH
def test_a_stream(office: Desk, spoken: str) -> None:
    with office.chat() as client:
        stream = client.chat.completions.create(
            model=f"ok {spoken}", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)

    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert "".join(said) == office.words()
    assert len([piece for piece in said if piece]) > 10, "a stream arrives in pieces"
    assert [finish for finish in finishes if finish] == ["stop"]
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens > 1
    assert len({chunk.id for chunk in chunks}) == 1
    assert office.tried() == [("answered", f"ok {spoken}/north", "ok")]


@EACH
def test_the_stream_helper(office: Desk, spoken: str) -> None:
    with (
        office.chat() as client,
        client.chat.completions.stream(model=f"ok {spoken}", messages=ASKED) as stream,
    ):
        said = "".join(event.delta for event in stream if event.type == "content.delta")
        whole = stream.get_final_completion()

    assert said == whole.choices[0].message.content == office.words()


@EACH
async def test_async_answers_and_streams(office: Desk, spoken: str) -> None:
    async with office.chat_async() as client:
        answer = await client.chat.completions.create(model=f"ok {spoken}", messages=ASKED)
        stream = await client.chat.completions.create(model=f"ok {spoken}", messages=ASKED, stream=True)
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        async with client.chat.completions.stream(model=f"ok {spoken}", messages=ASKED) as helper:
            whole = await helper.get_final_completion()

    assert answer.choices[0].message.content == said == whole.choices[0].message.content == office.words()


@EACH
@BOTH
def test_two_tools_at_once_and_their_results(office: Desk, spoken: str, stream: bool) -> None:
    asked: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "parallel, please"}]
    with office.chat() as client:
        if stream:
            with client.chat.completions.stream(
                model=f"ok {spoken}", messages=asked, tools=openai_tools()
            ) as helper:
                answer: Any = helper.get_final_completion()
        else:
            answer = client.chat.completions.create(
                model=f"ok {spoken}", messages=asked, tools=openai_tools()
            )
        calls = answer.choices[0].message.tool_calls
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name}: fine"}
            for call in calls
        ]
        history = [
            *asked,
            answer.choices[0].message.model_dump(exclude_none=True, exclude={"parsed"}),
            *results,
        ]
        last = client.chat.completions.create(model=f"ok {spoken}", messages=history, tools=openai_tools())

    assert answer.choices[0].finish_reason == "tool_calls"
    assert [call.function.name for call in calls] == ["weather", "time"]
    assert json.loads(calls[0].function.arguments).keys() == {"city", "days"}
    assert json.loads(calls[1].function.arguments)["zone"] in ("UTC", "CET")
    assert len({call.id for call in calls}) == 2
    assert "tool result: weather: fine; tool result: time: fine" in (last.choices[0].message.content or "")
    assert last.choices[0].finish_reason == "stop"


@EACH
@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", ["weather"]),
        ("required", ["weather"]),
        ("none", []),
        ({"type": "function", "function": {"name": "time"}}, ["time"]),
    ],
)
def test_the_choice_of_tools(office: Desk, spoken: str, choice: Any, names: list[str]) -> None:
    with office.chat() as client:
        answer: Any = client.chat.completions.create(
            model=f"ok {spoken}", messages=ASKED, tools=openai_tools(), tool_choice=choice
        )

    assert [call.function.name for call in answer.choices[0].message.tool_calls or ()] == names


@EACH
def test_system_prompts_and_images_arrive(office: Desk, spoken: str) -> None:
    images = [
        {"type": "image_url", "image_url": {"url": url}}
        for url in (f"data:image/png;base64,{PIXEL}", "https://example.org/a.png")
    ][: 1 if spoken == "converse" else 2]  # which takes images by value only
    asked: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, *images]},
    ]
    with office.chat() as client:
        answer = client.chat.completions.create(model=f"echo {spoken}", messages=asked, max_tokens=4_000)

    understood = json.loads(answer.choices[0].message.content or "")
    turn = understood["asked"]["turns"][0]
    assert (understood["dialect"], understood["asked"]["system"]) == (spoken, ["Be brief."])
    assert (turn["role"], turn["text"]) == ("user", "What is this?")
    assert (
        turn["images"]
        == [{"media_type": "image/png", "base64_length": len(PIXEL)}, {"url": "https://example.org/a.png"}][
            : len(images)
        ]
    )


@EACH
def test_settings_arrive(office: Desk, spoken: str) -> None:
    stop = [] if spoken == "responses" else ["\n\n"]  # which has none
    with office.chat() as client:
        answer = client.chat.completions.create(
            model=f"echo {spoken}", messages=ASKED, max_completion_tokens=3_000, temperature=0.5, stop=stop,
            user="u1",
        )  # fmt: skip

    told = json.loads(answer.choices[0].message.content or "")
    assert '"temperature":0.5' in json.dumps(told["parameters"], separators=(",", ":"))
    assert (told["asked"]["stop"], told["asked"]["tokens_max"]) == (stop, 3_000)


class Place(BaseModel):
    """What the answer must look like."""

    city: str
    population: int


@EACH
def test_answers_of_a_given_shape(office: Desk, spoken: str) -> None:
    asked: Any = {"model": f"ok {spoken}", "messages": ASKED, "response_format": Place}
    with office.chat() as client:
        answer = client.chat.completions.parse(**asked)
        with client.chat.completions.stream(**asked) as stream:
            streamed: Any = stream.get_final_completion()

    assert isinstance(answer.choices[0].message.parsed, Place)
    assert streamed.choices[0].message.parsed == answer.choices[0].message.parsed


@EACH
@BOTH
def test_thoughts_are_shown_and_taken_back_by_who_made_them(office: Desk, spoken: str, stream: bool) -> None:
    asked: Any = {"model": thinker(spoken), "messages": ASKED, "reasoning_effort": "high"}
    with office.chat() as client:
        if stream:
            with client.chat.completions.stream(**asked) as helper:
                answer: Any = helper.get_final_completion()
        else:
            answer = client.chat.completions.create(**asked)
        history: Any = [*ASKED, answer.choices[0].message.to_dict(mode="json"), *ASKED]
        said: Any = {
            other: client.chat.completions.with_raw_response.create(model=f"echo {other}", messages=history)
            for other in SPOKEN
        }

    for other, raw in said.items():
        taken = json.loads(raw.parse().choices[0].message.content)["asked"]["turns"][1].get("thoughts", ())
        kept = spoken in ("responses", "gemini") and kin(other) == kin(spoken)  # the others do not think yet
        assert any(thought.get("seal") for thought in taken) == kept, other


@pytest.mark.parametrize("spoken", ["chat", "responses", "gemini"])
@BOTH
def test_log_probabilities(office: Desk, spoken: str, stream: bool) -> None:
    asked: Any = {"model": f"ok {spoken}", "messages": ASKED, "logprobs": True, "top_logprobs": 2}
    with office.chat() as client:
        if stream:
            with client.chat.completions.stream(**asked) as helper:
                answer: Any = helper.get_final_completion()
        else:
            answer = client.chat.completions.create(**asked)

    told = answer.choices[0].logprobs.content
    assert "".join(token.token for token in told) == office.words()
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in told)


@pytest.mark.parametrize("spoken", ["messages", "converse"])
def test_log_probabilities_that_cannot_be_had_are_refused(office: Desk, spoken: str) -> None:
    with office.chat() as client, pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=f"ok {spoken}", messages=ASKED, logprobs=True)

    assert caught.value.code == "unsupported_field"


@EACH
@pytest.mark.parametrize("fault", ["refusal", "filtered", "length"])
@BOTH
def test_how_it_finished(office: Desk, spoken: str, fault: str, stream: bool) -> None:
    with office.chat() as client:
        if stream:
            chunks = list(
                client.chat.completions.create(model=f"{fault} {spoken}", messages=ASKED, stream=True)
            )
            finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
            refusal = "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks if chunk.choices)
        else:
            answer = client.chat.completions.create(model=f"{fault} {spoken}", messages=ASKED)
            finishes, refusal = [answer.choices[0].finish_reason], answer.choices[0].message.refusal or ""

    finding = found(fault, spoken)
    finish = {"refusal": "stop", "moderation": "content_filter", None: "length"}[finding]
    assert [word for word in finishes if word] == [finish]
    assert bool(refusal) == (finding == "refusal")
    assert [found.kind for found in office.last().findings] == ([finding] if finding else [])
    assert [outcome for outcome, _, _ in office.tried()] == ["answered"]


@pytest.mark.parametrize("spoken", ["chat", "gemini"])
@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_embeddings(office: Desk, spoken: str, encoding: Any) -> None:
    more = {"encoding_format": encoding} if encoding else {}
    with office.chat() as client:
        answer = client.embeddings.create(model=f"ok {spoken}", input=["one", "two"], dimensions=8, **more)

    assert [place.index for place in answer.data] == [0, 1]
    if encoding != "base64":
        assert [len(place.embedding) for place in answer.data] == [8, 8]
    assert office.tried() == [("answered", f"ok {spoken}/north", "ok")]


async def test_async_embeddings_and_models(office: Desk) -> None:
    async with office.chat_async() as client:
        answer = await client.embeddings.create(model="ok chat", input="one")
        names = [model.id async for model in client.models.list()]

    assert len(answer.data) == 1
    assert {"ok chat", "ok messages"} <= set(names)


def test_an_alias_without_embeddings_says_so(office: Desk) -> None:
    with office.chat() as client, pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="ok messages", input="one")

    assert caught.value.code == "no_endpoint_speaks"


def test_models(office: Desk) -> None:
    with office.chat() as client:
        listed = [model.id for model in client.models.list()]
        one, globbed = (client.models.retrieve(name) for name in ("ok chat", "any chat/thing"))

    assert {"ok chat", "any chat/*"} <= set(listed)
    assert globbed.id == "any chat/thing"
    assert (one.id, one.object, one.owned_by) == ("ok chat", "model", "freehold")


ERRORS: list[tuple[str, type[openai.APIStatusError], int, str | None]] = [
    ("400", openai.BadRequestError, 400, None),
    ("400-policy", openai.BadRequestError, 400, "content_policy_violation"),
    ("401", openai.InternalServerError, 502, "all_endpoints_failed"),
    ("404", openai.InternalServerError, 502, "all_endpoints_failed"),
    ("429=60", openai.RateLimitError, 429, "all_endpoints_busy"),
    ("500", openai.InternalServerError, 502, "all_endpoints_failed"),
    ("529", openai.InternalServerError, 502, "all_endpoints_failed"),
    ("reset", openai.InternalServerError, 502, "all_endpoints_failed"),
    ("silent", openai.InternalServerError, 504, "deadline_exceeded"),
]


@EACH
@BOTH
@pytest.mark.parametrize(("fault", "kind", "status", "code"), ERRORS, ids=[row[0] for row in ERRORS])
def test_errors_are_the_sdks_own(
    office: Desk, *, spoken: str, stream: bool, fault: str, kind: type[openai.APIStatusError], status: int,
    code: str | None,
) -> None:  # fmt: skip
    with office.chat() as client, pytest.raises(kind) as caught:
        client.chat.completions.create(model=f"{fault} {spoken}", messages=ASKED, stream=stream)

    assert (type(caught.value), caught.value.status_code) == (kind, status)
    if status != 400 or spoken in ("chat", "responses"):  # a provider's own, and the others have other codes
        assert caught.value.code == code
    assert caught.value.response.headers["x-freehold-exchange"] == office.last().id


def test_errors_of_the_callers_own_are_the_sdks_own(office: Desk) -> None:
    def error(key: str, model: str, messages: Any = ASKED) -> tuple[type[Exception], str | None]:
        with office.chat(key) as client, pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model=model, messages=messages)
        return type(caught.value), caught.value.code

    assert error("wrong", "ok chat") == (openai.AuthenticationError, "invalid_key")
    assert error(office.narrow, "ok chat") == (openai.PermissionDeniedError, "key_not_allowed")
    assert error(office.secret, "nobody") == (openai.NotFoundError, "unknown_model")
    assert error(office.secret, "ok chat", []) == (openai.BadRequestError, "bad_request")


@EACH
@pytest.mark.parametrize("fault", ["cut+slow-drip=20ms", "error-event+slow-drip=20ms", "stall"])
def test_a_stream_that_breaks_off_is_an_error(office: Desk, spoken: str, fault: str) -> None:
    said = ""
    with office.chat() as client, pytest.raises(openai.APIError) as caught:
        stream = client.chat.completions.create(model=f"{fault} {spoken}", messages=ASKED, stream=True)
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""

    assert said and office.words().startswith(said) and said != office.words()
    assert caught.value.message
    if not (
        fault.startswith("error-event") and spoken == "chat"
    ):  # there the provider's own event is passed on
        assert caught.value.code == "answer_cut"
    assert office.tried()[0][0] == "cut"
