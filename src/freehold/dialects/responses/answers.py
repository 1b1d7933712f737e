"""The middle into responses: whole answers, and what their streams say as well."""

import msgspec
from msgspec import Raw

from freehold.dialects.looks import UNREADABLE
from freehold.dialects.responses.tools import Names, call_item
from freehold.dialects.responses.words import (
    REFUSED,
    Object,
    encrypted_content,
    incomplete_reason,
    logprobs_of,
    token_count,
)
from freehold.vocabulary.conversation import Answer, Part, Refusal, Text, Thinking, Token, ToolCall
from freehold.vocabulary.exchange import Finish, Usage

# Fields of the request that an answer repeats, with the API's defaults. Some are told as it was really done.
_REPEATED: Object = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "user": None,
}
_DONE: Object = {"background": False, "previous_response_id": None, "store": False, "truncation": "disabled"}
_fields = msgspec.json.Decoder(dict[str, Raw])


def repeated(asked: bytes) -> Object:
    """What every answer to a request repeats of it."""
    try:
        request = _fields.decode(asked)
    except UNREADABLE:
        request = {}
    said = {name: request[name] for name in _REPEATED if bytes(request.get(name, b"null")) != b"null"}
    return _REPEATED | said | _DONE


def response(base: Object, finish: Finish | None, word: str | None, output: list[Object]) -> Object:
    """A response that has ended. `base` is `begun`'s."""
    reason = incomplete_reason(finish, word)
    return base | {
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
    }


def begun(id_: str, model: str, created: int | None, asked: bytes) -> Object:
    """A response under way. A time that is not known is 0, because inventing one would be worse."""
    return {
        "id": id_,
        "object": "response",
        "created_at": created or 0,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
        "service_tier": None,
    } | repeated(asked)


def item_id(kind: str, answer_id: str, index: int) -> str:
    """A name for an item, of the form that the API asks for when it comes back."""
    return f"{kind}_{answer_id.removeprefix('resp_')}_{index}"


def message_item(id_: str, content: list[Object], status: str) -> Object:
    """What was said."""
    return {"type": "message", "id": id_, "status": status, "role": "assistant", "content": content}


def text_part(text: str, logprobs: list[Object]) -> Object:
    """Words."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def refusal_part(text: str) -> Object:
    """Words of a refusal."""
    return {"type": "refusal", "refusal": text}


def thought_item(id_: str, thought: Thinking, status: str) -> Object:
    """A thought, with the seal that an application hands back."""
    summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    sealed = encrypted_content(thought)
    said: Object = {"type": "reasoning", "id": id_, "status": status, "summary": summary}
    return said | ({"encrypted_content": sealed} if sealed else {})


def write_answer(answer: Answer, asked: bytes = b"") -> bytes:
    """A whole response; `asked` is the request that it repeats."""
    base = begun(answer.id, answer.model, answer.created, asked)
    base |= {"usage": token_count(answer.usage or Usage()), "service_tier": answer.service_tier}
    parts = list(answer.parts)
    if answer.finish is Finish.REFUSAL and not any(isinstance(part, Refusal) for part in parts):
        parts.append(Refusal(REFUSED))
    output = _output(answer.id, parts, answer.logprobs, Names(asked))
    said = response(base, answer.finish, answer.finish_word, output)
    if output and said["status"] == "incomplete":
        output[-1]["status"] = "incomplete"
    return msgspec.json.encode(said)


def _output(answer_id: str, parts: list[Part], logprobs: tuple[Token, ...], names: Names) -> list[Object]:
    """One item for each thought and each call; words that follow each other share one."""
    output = list[Object]()
    content: list[Object] | None = None
    texts = sum(isinstance(part, Text) for part in parts)
    for part in parts:
        index = len(output)
        if isinstance(part, Text | Refusal):
            if content is None:
                content = []
                output.append(message_item(item_id("msg", answer_id, index), content, "completed"))
            if isinstance(part, Text):
                texts -= 1
                mine, logprobs = _split(part.text, logprobs) if texts else (logprobs, ())
                content.append(text_part(part.text, logprobs_of(mine)))
            else:
                content.append(refusal_part(part.text))
            continue
        content = None
        if isinstance(part, Thinking):
            output.append(thought_item(part.id or item_id("rs", answer_id, index), part, "completed"))
        elif isinstance(part, ToolCall):
            output.append(call_item(item_id("fc", answer_id, index), part, "completed", names.of(part.name)))
    return output


def _split(text: str, logprobs: tuple[Token, ...]) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
    """The tokens of one text, and those of the texts after it."""
    seen = 0
    for index, token in enumerate(logprobs):
        if seen >= len(text):
            return logprobs[:index], logprobs[index:]
        seen += len(token.text)
    return logprobs, ()
