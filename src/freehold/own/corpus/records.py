"""One line of a jsonl file as a row: a text, a conversation, a question with its answer; with a label, with spans."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from freehold.own.rows import Row, Span, Turn

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
}
_FORMS = "`text`, `messages`, `turns`, or `prompt` and `completion`"


class Unusable(Exception):
    """A line holds no row. The message names the field; it never quotes what is in it."""


class Unlabelled(Unusable):
    """It would be one, had it the label."""


class _Part(Struct):
    type: str = "text"
    text: str = ""


class _Message(Struct):
    role: str
    content: str | tuple[_Part, ...] | None = None
    text: str = ""


class _Span(Struct):
    begin: int
    end: int
    kind: str


class _Record(Struct):
    id: str | int | None = None
    text: str = ""
    messages: tuple[_Message, ...] = ()
    turns: tuple[_Message | tuple[str, str], ...] = ()
    prompt: str = ""
    completion: str | None = None
    spans: tuple[_Span, ...] = ()
    cluster: str | int = ""
    at: str | int | None = None
    licence: str = ""
    license: str = ""


def row_of(line: bytes, label: str) -> Row:
    """The row in a line, with the id, time, cluster and licence that it gives itself, or none.

    `label` is the field to be told; empty: `label`, where there is one. Raises Unusable, or Unlabelled where the
    field is missing.
    """
    try:
        raw = msgspec.json.decode(line, type=dict[str, Any])
        record = msgspec.convert(raw, _Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unusable(str(error).replace("$.", "")) from None
    turns = _turns(record)
    if not record.text.strip() and not turns:
        raise Unusable(f"it has none of {_FORMS}")
    return Row(
        id="" if record.id is None else str(record.id),
        text=record.text,
        turns=turns,
        label=_label(raw, label, bool(record.spans)),
        spans=_spans(record),
        cluster=str(record.cluster),
        at_ms=_at_ms(record.at),
        licence=record.licence or record.license,
    )


def _turns(record: _Record) -> tuple[Turn, ...]:
    if record.completion is not None:
        return (Turn("user", record.prompt), Turn("assistant", record.completion))
    field, given = ("messages", record.messages) if record.messages else ("turns", record.turns)
    return tuple(_turn(f"{field}[{number}]", one) for number, one in enumerate(given))


def _turn(place: str, given: _Message | tuple[str, str]) -> Turn:
    role, content = given if isinstance(given, tuple) else (given.role, given.content or given.text)
    if role not in _ROLES:
        raise Unusable(f"the role at `{place}` is none of {', '.join(_ROLES)}")
    if isinstance(content, tuple):
        if any(part.type != "text" for part in content):
            raise Unusable(f"`{place}` holds more than text")
        content = "\n".join(part.text for part in content)
    return Turn(_ROLES[role], content)


def _spans(record: _Record) -> tuple[Span, ...]:
    for number, one in enumerate(record.spans):
        if not 0 <= one.begin < one.end <= len(record.text):
            raise Unusable(f"`spans[{number}]` is not within the text of {len(record.text)} characters")
    return tuple(Span(one.begin, one.end, one.kind) for one in record.spans)


def _label(raw: Mapping[str, Any], name: str, has_spans: bool) -> str | float | None:
    found = raw.get(name or "label")
    if found is None:
        if name and not has_spans:
            raise Unlabelled(f"it has no `{name}`")
        return None
    if isinstance(found, bool):
        return str(found).lower()
    if not isinstance(found, str | int | float):
        raise Unusable(f"`{name or 'label'}` is neither a text nor a number")
    try:
        return found if isinstance(found, str) else float(found)
    except OverflowError:
        raise Unusable(f"`{name or 'label'}` is too large a number") from None


def _at_ms(given: str | int | None) -> int:
    if not isinstance(given, str):
        return given or 0
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise Unusable("`at` is neither milliseconds nor a time as 2026-01-31T12:00:00Z") from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
