"""The demo's applications, each asking a sparring partner directly."""

import asyncio
from collections.abc import Callable

import pytest

from freehold.cli.demo_callers import AnthropicCaller, Caller, OpenAICaller, PlainCaller
from freehold.sparring.server import Sparring

Make = Callable[[str], Caller]
MAKES: dict[str, Make] = {
    "OpenAI SDK": lambda url: OpenAICaller(url, "key", "atlas"),
    "Anthropic SDK": lambda url: AnthropicCaller(url, "key", "atlas"),
    "plain chat": lambda url: PlainCaller(url, "/v1/chat/completions", {}, {"model": "atlas"}),
    "plain messages": lambda url: PlainCaller(url, "/v1/messages", {}, {"model": "atlas", "max_tokens": 200}),
}


@pytest.fixture(params=MAKES)
def make(request: pytest.FixtureRequest) -> Make:
    return MAKES[request.param]


async def test_words_come_whole_or_one_by_one(make: Make) -> None:
    pieces: list[str] = []
    async with Sparring() as partner:
        caller = make(partner.base_url.removesuffix("/v1"))
        whole = await asyncio.to_thread(caller.ask, "Hello")
        streamed = await asyncio.to_thread(caller.listen, "Hello", pieces.append)

    assert (whole.model, whole.error, whole.code) == ("atlas", "", "")
    assert (whole.text, whole.model, whole.error) == (streamed.text, streamed.model, streamed.error)
    assert len(pieces) > 1
    assert "".join(pieces) == streamed.text


async def test_an_error_inside_a_stream_is_told_with_the_words_before_it(make: Make) -> None:
    async with Sparring(fault="error-event") as partner:
        caller = make(partner.base_url.removesuffix("/v1"))
        said = await asyncio.to_thread(caller.listen, "Hello", lambda _: None)

    assert said.text
    assert "overloaded" in said.error.lower()


@pytest.mark.parametrize("fault", ["500", "reset"])
async def test_a_failure_is_told_and_not_tried_again(make: Make, fault: str) -> None:
    async with Sparring(fault=fault) as partner:
        caller = make(partner.base_url.removesuffix("/v1"))
        whole = await asyncio.to_thread(caller.ask, "Hello")
        streamed = await asyncio.to_thread(caller.listen, "Hello", lambda _: None)
        asked = len(partner.requests)

    assert (whole.text, streamed.text) == ("", "")
    assert whole.error
    assert streamed.error
    assert asked == 2


async def test_a_cut_without_a_word_has_no_code(make: Make) -> None:
    """Which is how the demo can tell a gateway that keeps silent."""
    async with Sparring(fault="cut") as partner:
        caller = make(partner.base_url.removesuffix("/v1"))
        said = await asyncio.to_thread(caller.listen, "Hello", lambda _: None)

    assert said.text
    assert said.code == ""


def test_what_is_shown_names_the_alias_and_the_prompt(make: Make) -> None:
    caller = make("http://127.0.0.1:9")

    assert all(word in caller.shown("Hello?") for word in ("atlas", "Hello?"))
    assert "stream" in caller.shown("Hello?", stream=True)
