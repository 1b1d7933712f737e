"""Every caller's dialect onto every endpoint's: words, pictures, shapes, ends and counts."""

import json
from collections.abc import Iterator

import pytest

from freehold.sparring.asked import Image, Turn
from freehold.vocabulary.exchange import Usage
from tests.gateway.hearing import hear
from tests.gateway.house import Partners
from tests.gateway.speaking import BRIEFLY, PIXEL, PLAN, SHAPED, user
from tests.gateway.stage import CACHED, FINISHES, Stage, every_pair, lost, stage, whole_and_streamed

ASKED = "Which way is north?"


@pytest.fixture(scope="module")
def built(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(partners, tmp_path_factory.mktemp("stage")) as running:
        yield running


@every_pair
def test_words_arrive_whole(built: Stage, caller: str, spoken: str) -> None:
    said = built.ask(caller, spoken, user(caller, ASKED))

    heard = built.heard(caller, spoken, said)
    understood = built.understood()
    assert (understood.turns, understood.system) == ((Turn("user", ASKED),), (BRIEFLY,))
    assert heard.kinds() == ["text"]
    assert heard.words() == built.answer().text
    assert heard.finish == FINISHES[caller]["stop"]
    assert lost(said) == []


@every_pair
def test_words_arrive_as_they_are_said(built: Stage, caller: str, spoken: str) -> None:
    said = built.ask(caller, spoken, user(caller, ASKED), stream=True)

    heard = built.heard(caller, spoken, said)
    assert said.streamed and built.understood().stream
    assert set(heard.kinds()) == {"text"}
    assert heard.words() == built.answer().text
    assert heard.deltas["text"] == 20
    assert heard.finish == FINISHES[caller]["stop"]
    assert lost(said) == []


@whole_and_streamed
@every_pair
def test_the_next_turn_brings_the_answer_back(built: Stage, caller: str, spoken: str, stream: bool) -> None:
    first = built.heard(caller, spoken, built.ask(caller, spoken, user(caller, ASKED), stream=stream))

    turns = [*user(caller, ASKED), *first.turn, *user(caller, "And south?")]
    second = built.heard(caller, spoken, built.ask(caller, spoken, turns, stream=stream))

    said = tuple((turn.role, turn.text) for turn in built.understood().turns)
    assert said == (("user", ASKED), ("assistant", first.words()), ("user", "And south?"))
    assert second.words() == built.answer().text != first.words()


@whole_and_streamed
@every_pair
def test_a_picture_arrives(built: Stage, caller: str, spoken: str, stream: bool) -> None:
    said = built.ask(caller, spoken, user(caller, "What is this?", PIXEL, PIXEL), stream=stream)

    heard = built.heard(caller, spoken, said)
    picture = Image(media_type="image/png", base64_length=len(PIXEL))
    assert built.understood().turns == (Turn("user", "What is this?", (picture, picture)),)
    assert heard.words().startswith(f"[system: {len(BRIEFLY)} chars; 2 images] ")


@whole_and_streamed
@every_pair
def test_a_shape_arrives_and_the_answer_has_it(built: Stage, caller: str, spoken: str, stream: bool) -> None:
    said = built.ask(caller, spoken, user(caller, "Plan a trip."), SHAPED[caller], stream=stream)

    heard = built.heard(caller, spoken, said)
    assert built.understood().schema == PLAN
    plan = json.loads(heard.words())
    assert {name: type(value) for name, value in plan.items()} == {"city": str, "days": int}


@whole_and_streamed
@pytest.mark.parametrize("fault", ["length", "filtered"])
@every_pair
def test_why_an_answer_ends_is_told(built: Stage, caller: str, spoken: str, fault: str, stream: bool) -> None:
    said = built.ask(caller, spoken, user(caller, ASKED), fault=fault, stream=stream)

    heard = built.heard(caller, spoken, said, fault=fault)
    full = built.answer().text
    word = "refusal" if (fault, spoken) == ("filtered", "messages") else fault  # one word for both there
    words = heard.words().removesuffix(" ")
    assert full.startswith(words) and 0 < len(words) < len(full)
    assert heard.finish == FINISHES[caller][word]


@whole_and_streamed
@every_pair
def test_tokens_are_counted_alike(built: Stage, caller: str, spoken: str, stream: bool) -> None:
    said = built.ask(caller, spoken, user(caller, ASKED), fault="cached", stream=stream)

    heard, answer = built.heard(caller, spoken, said, fault="cached"), built.answer()
    cached = int(answer.input_tokens * CACHED)
    counts = {"input": answer.input_tokens, "output": answer.output_tokens, "cached": cached, "reasoning": 0}
    assert heard.usage == counts
    served = built.house.exchange(said).served
    assert served is not None and served.usage is not None
    assert Usage(served.usage.input_tokens, served.usage.output_tokens, served.usage.cached_tokens) == Usage(
        answer.input_tokens, answer.output_tokens, cached
    )


@pytest.mark.parametrize(
    ("spoken", "names"),
    [("chat", []), ("responses", ["seed"]), ("messages", ["seed"]), ("gemini", []), ("converse", ["seed"])],
)
@whole_and_streamed
def test_a_field_that_is_lost_is_named(built: Stage, spoken: str, names: list[str], stream: bool) -> None:
    said = built.ask("chat", spoken, user("chat", ASKED), {"seed": 7}, stream=stream)

    assert lost(said) == names
    assert set(names) <= set(built.house.exchange(said).lost)
    assert hear("chat", said).words() == built.answer().text
