import json
from datetime import UTC, datetime
from typing import Any

import pytest

from freehold.own.corpus.records import Unlabelled, Unusable, row_of
from freehold.own.rows import Row, Span, Turn

TALK = (Turn("system", "Be brief."), Turn("user", "Hello"), Turn("assistant", "Hi"))


def row(record: Any, label: str = "") -> Row:
    return row_of(json.dumps(record).encode(), label)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"text": "one"}, Row("", text="one")),
        ({"id": 7, "text": "one", "label": 1, "other": [1]}, Row("7", text="one", label=1.0)),
        ({"text": "one", "label": True}, Row("", text="one", label="true")),
        ({"text": "one", "cluster": "p7", "license": "MIT"}, Row("", text="one", cluster="p7", licence="MIT")),
        ({"prompt": "2+2?", "completion": "4"}, Row("", turns=(Turn("user", "2+2?"), Turn("assistant", "4")))),
        ({"turns": [["system", "Be brief."], ["human", "Hello"], ["gpt", "Hi"]]}, Row("", turns=TALK)),
        ({"text": "Jo", "spans": [{"begin": 0, "end": 2, "kind": "x"}]}, Row("", text="Jo", spans=(Span(0, 2, "x"),))),
        (
            {
                "messages": [
                    {"role": "developer", "content": "Be brief."},
                    {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
                    {"role": "assistant", "content": "Hi", "refusal": None},
                ]
            },
            Row("", turns=TALK),
        ),
    ],
)  # fmt: skip
def test_the_forms_that_a_line_may_have(record: Any, expected: Row) -> None:
    assert row(record) == expected


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, "it has none of `text`, `messages`, `turns`, or `prompt` and `completion`"),
        ({"text": "  "}, "it has none of"),
        ([1], "Expected `object`, got `array`"),
        ({"text": 5}, "Expected `str`, got `int` - at `text`"),
        ({"messages": [{"role": "user", "content": "a"}, {"content": "b"}]}, r"`role` - at `messages\[1\]`"),
        ({"messages": [{"role": "tool", "content": "a"}]}, r"the role at `messages\[0\]` is none of system"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            r"`messages\[0\]` holds more than text",
        ),
        (
            {"text": "ab", "spans": [{"begin": 1, "end": 3, "kind": "x"}]},
            r"`spans\[0\]` is not within the text of 2",
        ),
        ({"text": "ab", "label": ["x"]}, "`label` is neither a text nor a number"),
        ({"text": "ab", "label": 10**400}, "`label` is too large a number"),
        ({"text": "ab", "at": "yesterday"}, "`at` is neither milliseconds nor a time"),
    ],
)
def test_the_field_that_is_wrong_is_named(record: Any, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        row(record)


@pytest.mark.parametrize("line", [b'{"text": "cut of', b"\xff\xfe", b"not json", b"[" * 100_000])
def test_what_is_not_json_is_told_as_such(line: bytes) -> None:
    with pytest.raises(Unusable):
        row_of(line, "")


def test_a_label_may_have_any_name_and_must_be_there() -> None:
    assert row({"text": "one", "class": "x"}, "class").label == "x"
    assert row({"text": "one", "class": 0}, "class").label == 0.0
    with pytest.raises(Unlabelled, match="it has no `class`"):
        row({"text": "one", "label": "x"}, "class")


def test_a_time_is_milliseconds_or_as_iso_8601_has_it() -> None:
    noon = round(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp() * 1000)

    for at in (noon, "2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31T13:00:00+01:00"):
        assert row({"text": "one", "at": at}).at_ms == noon
