"""Put an answer into OpenAI's chat completions format."""

from typing import Any

import msgspec

from freehold.sparring.answer import Answer
from freehold.sparring.asked import Asked, ToolCall
from freehold.sparring.pieces import ARGUMENT_PIECES, sliced
from freehold.vocabulary.exchange import Finish

CREATED = 1_767_225_600  # a fixed time, so that the same request gets the same bytes
FINISHES = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
    Finish.REFUSAL: "stop",  # this dialect tells a refusal by its field, not by its finish
    Finish.FILTERED: "content_filter",
}
DONE = b"data: [DONE]\n\n"


def whole(answer: Answer) -> bytes:
    """Return the answer as one JSON object."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": answer.refusal}
    if answer.text == "" and not answer.calls and answer.refusal is None:
        message["content"] = ""
    if answer.calls:
        message["tool_calls"] = [_call(call) for call in answer.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISHES[answer.finish]}
    told = {"usage": _usage(answer)} if answer.usage_told else {}
    return msgspec.json.encode(_head(answer, "chat.completion") | {"choices": [choice]} | told)


def events(answer: Answer, asked: Asked, chunks: int) -> tuple[bytes, ...]:
    """Return the answer as server-sent events: role, pieces, finish, usage if it was asked for, end."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += ({"content": piece} for piece in sliced(answer.text, chunks))
    deltas += ({"refusal": piece} for piece in sliced(answer.refusal or "", chunks))
    for place, call in enumerate(answer.calls):
        deltas.append({"tool_calls": [{"index": place} | _call(call, arguments="")]})
        deltas += (
            {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}
            for piece in sliced(call.arguments, ARGUMENT_PIECES)
        )
    head = _head(answer, "chat.completion.chunk")
    usage = asked.include_usage and answer.usage_told
    nothing_yet = {"usage": None} if usage else {}
    said = [_event(head, nothing_yet, [_choice(delta, None)]) for delta in deltas]
    said.append(_event(head, nothing_yet, [_choice({}, FINISHES[answer.finish])]))
    if usage:
        said.append(_event(head, {"usage": _usage(answer)}, []))
    return (*said, DONE)


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    told = {"system_fingerprint": answer.fingerprint} if answer.fingerprint else {}
    return {"id": f"chatcmpl-{answer.id}", "object": kind, "created": CREATED, "model": answer.model} | told


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _event(head: dict[str, Any], usage: dict[str, Any], choices: list[dict[str, Any]]) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(head | {"choices": choices} | usage)


def _call(call: ToolCall, arguments: str | None = None) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments if arguments is None else arguments}
    return {"id": f"call_{call.id}", "type": "function", "function": function}


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
