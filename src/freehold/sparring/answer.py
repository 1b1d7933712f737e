"""Make up the answer to a request: what a well-behaved model would say. No dialect, no clock, no chance."""

from dataclasses import dataclass

import msgspec

from freehold.sparring.asked import Asked, Tool, ToolCall, tokens
from freehold.sparring.invention import digest, fitting, words
from freehold.vocabulary.exchange import Finish

QUOTED_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, ready to be put into a dialect."""

    id: str  # sixteen characters; each dialect puts its own prefix before it
    model: str
    fingerprint: str | None
    text: str
    input_tokens: int
    output_tokens: int
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = Finish.STOP
    stop_sequence: str | None = None
    refusal: str | None = None  # what is said in the field for it
    refusal_category: str | None = None
    usage_told: bool = True


def answered(asked: Asked, *, seed: int, name: str, chunks: int, text: str | None = None) -> Answer:
    """Answer with a tool call where tools are offered, else in about `chunks` words, or with `text`.

    `name` is the model that the words are derived from; the answer claims to be the one that was asked for.
    """
    prompt = msgspec.json.encode(asked.turns).decode()
    key = digest(seed, name, prompt, asked.system).hex()
    calls = _calls(asked, key)
    if text is None:
        text = "" if calls and "aloud" not in asked.prompt else _said(asked, chunks, key)
    text, finish, stopped_by = _stopped(asked, text)
    if calls:
        finish = Finish.TOOL_CALLS
    return Answer(
        id=key[:16],
        model=asked.model,
        fingerprint=f"fp_{digest(seed, name).hex()[:10]}",
        text=text,
        input_tokens=asked.input_tokens(),
        output_tokens=max(tokens(text) + sum(tokens(call.name + call.arguments) for call in calls), 1),
        calls=calls,
        finish=finish,
        stop_sequence=stopped_by,
    )


def _calls(asked: Asked, key: str) -> tuple[ToolCall, ...]:
    """Call the tool that was named, or the first; two of them when the prompt says "parallel"."""
    if not asked.tools or asked.tool_choice == "none" or asked.results:
        return ()
    if asked.tool_choice.startswith("="):
        chosen = [tool for tool in asked.tools if tool.name == asked.tool_choice[1:]] or list(asked.tools[:1])
    else:
        chosen = list(asked.tools[:2])
    wanted = 2 if asked.parallel and "parallel" in asked.prompt else 1
    chosen = (chosen * 2)[:wanted]
    return tuple(_call(tool, key, place) for place, tool in enumerate(chosen))


def _call(tool: Tool, key: str, place: int) -> ToolCall:
    arguments = fitting({"type": "object"} | tool.schema, key, place)
    return ToolCall(digest(key, "call", place).hex()[:24], tool.name, msgspec.json.encode(arguments).decode())


def _said(asked: Asked, chunks: int, key: str) -> str:
    if asked.schema is not None:
        return msgspec.json.encode(fitting(asked.schema, key)).decode()
    seen = _seen(asked)
    return f"[{seen}] {words(chunks, key)}" if seen else words(chunks, key)


def _seen(asked: Asked) -> str:
    """Say what came besides a plain prompt, so that a test of a translation can tell whether it arrived."""
    images = sum(len(turn.images) for turn in asked.turns)
    seen = []
    if asked.system:
        seen.append(f"system: {sum(map(len, asked.system))} chars")
    if images:
        seen.append(f"{images} image{'s' if images > 1 else ''}")
    if len(asked.turns) > 1:
        seen.append(f"{len(asked.turns)} turns")
    seen += [
        f"tool {'error' if result.error else 'result'}: {result.text[:QUOTED_CHARACTERS_MAX]}"
        for result in asked.results
    ]
    return "; ".join(seen)


def _stopped(asked: Asked, text: str) -> tuple[str, Finish, str | None]:
    """End the text where a stop sequence or the token limit ends it, whichever comes first."""
    finish, stopped_by = Finish.STOP, None
    for sequence in asked.stop:
        if sequence and (place := text.find(sequence)) >= 0:
            text, stopped_by = text[:place], sequence
    if asked.tokens_max is not None and tokens(text) > asked.tokens_max:
        text, finish, stopped_by = text[: asked.tokens_max * 4], Finish.LENGTH, None
    return text, finish, stopped_by
