"""What is made up fits its schema and is always the same."""

import json
from typing import Any

import pytest

from freehold.sparring.invention import fitting, vector, words
from freehold.sparring.pieces import sliced

NODE: dict[str, Any] = {
    "$defs": {
        "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "null"}}}
    },
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"const": 4}, lambda value: value == 4),
        ({"enum": ["a", "b"]}, lambda value: value in ("a", "b")),
        ({"type": "integer", "minimum": 3, "maximum": 3}, lambda value: value == 3),
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5}, lambda value: value == 4),
        ({"type": "integer", "minimum": 4, "multipleOf": 5}, lambda value: value >= 5 and value % 5 == 0),
        ({"type": "integer", "maximum": -2}, lambda value: value <= -2),
        ({"type": "number", "minimum": 0.5, "maximum": 1}, lambda value: value in (0.5, 1.0)),
        ({"type": "number", "minimum": 0.1, "maximum": 0.2}, lambda value: 0.1 <= value <= 0.2),
        (
            {"type": ["string", "null"], "maxLength": 3},
            lambda value: isinstance(value, str) and len(value) <= 3,
        ),
        ({"type": "string", "minLength": 60}, lambda value: len(value) >= 60),
        ({"type": "string", "format": "date"}, lambda value: value == "2026-01-02"),
        ({"type": "boolean"}, lambda value: isinstance(value, bool)),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, lambda value: len(value) == 3),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, lambda value: value is None),
        (
            {
                "allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}],
                "type": "object",
            },
            lambda value: value == {"a": 1, "b": 2},
        ),
        ({"type": "object", "required": ["a"]}, lambda value: value == {} or "a" in value),
        (NODE, lambda value: value["n"] is None and len(json.dumps(value)) < 1_000),
        ({}, lambda value: isinstance(value, str)),
    ],
)
def test_a_value_fits_its_schema(schema: Any, fits: Any) -> None:
    value = fitting(schema, "seed")

    assert fits(value), value
    assert fitting(schema, "seed") == value


@pytest.mark.parametrize("schema", [{"enum": []}, {"type": "integer", "minimum": "low"}, {"enum": 3}])
def test_a_schema_that_is_none_is_an_error(schema: Any) -> None:
    with pytest.raises(ValueError, match="no JSON schema"):
        fitting(schema, "seed")


def test_a_schema_cannot_ask_for_too_much() -> None:
    wide = {
        "type": "object",
        "properties": {f"p{place}": {"$ref": "#"} for place in range(8)},
        "required": ["p0"],
    }
    huge = {"type": "array", "minItems": 10**9, "items": {"type": "string", "minLength": 10**9}}

    assert len(json.dumps(fitting(wide, "seed"))) < 100_000
    assert len(json.dumps(fitting(huge, "seed"))) < 2_000_000


def test_a_longer_text_begins_with_the_shorter_one() -> None:
    assert words(50, 1, "a").startswith(words(20, 1, "a"))
    assert words(20, 1, "a") != words(20, 2, "a")


def test_a_vector_has_length_one() -> None:
    assert sum(value * value for value in vector(100, "a")) == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 5, 26, 40])
def test_pieces_join_to_the_whole(count: int) -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz"

    pieces = sliced(alphabet, count)

    assert "".join(pieces) == alphabet and all(pieces) and len(pieces) == min(count, 26)
    assert sliced("", count) == []
