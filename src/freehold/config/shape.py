"""Compare a document with the schema and name every difference, not only the first."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, get_args, get_origin

import msgspec

from freehold.config.document import Document, dotted
from freehold.config.places import KeyPath
from freehold.config.schema import Alias, Config
from freehold.vocabulary.errors import ConfigError

_WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "a string",
    "`bool`": "true or false",
    "`array`": "an array",
    "`object`": "a table",
    "`bool | null`": "true or false",
    "`str | null`": "a string",
    "`int | null`": "a whole number",
    "`float | null`": "a number",
    "`array | null`": "an array",
    "`str | array`": "a string or an array of strings",
    "`float | array`": "a number or an array of numbers",
    "`date`": "a date",
    "Invalid RFC3339 encoded date": "a date",
    "`date | null`": "a date",
    "`date | array`": "a date or an array of dates",
    " matching regex '^[a-z0-9][a-z0-9.-]{0,62}$'": " of a-z, 0-9, dots and hyphens, at most 63",
    " of length >= 1": " that is not empty",
    " >= ": " of at least ",
    " <= ": " of at most ",
    " > ": " above ",
}


def shape_problems(document: Document) -> Iterator[ConfigError]:
    """Every unknown key, wrong type and value out of bounds."""
    return table_problems(document, (), document.raw, Config)


def nearest(word: str, known: Mapping[str, Any] | list[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.5)), None)


def table_problems(
    document: Document, path: KeyPath, value: Any, struct: type[msgspec.Struct]
) -> Iterator[ConfigError]:
    """The same of one table, and of any struct that says what belongs into it."""
    if not isinstance(value, dict):
        yield _mismatch(document, path, value, "Expected `object`")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, inner in value.items():
        if key in fields:
            yield from _value(document, (*path, key), inner, fields[key].type)
        else:
            yield _unknown(document, (*path, key), list(fields))
    for name, field in fields.items():
        if field.required and name not in value:
            whole = f"`{dotted(path)}`" if path else "the file"
            yield document.problem(path, f"{whole} lacks `{name}`", f"Add `{name} = ...` to it.")


def _value(document: Document, path: KeyPath, value: Any, expected: Any) -> Iterator[ConfigError]:
    if Alias in get_args(expected) and not isinstance(value, dict):
        expected = msgspec.structs.fields(Alias)[0].type
    elif isinstance(value, dict) and get_origin(expected) is not dict:  # of several types, it is the table
        expected = next(filter(_is_table, get_args(expected)), expected)
    if _is_table(expected):
        yield from table_problems(document, path, value, expected)
    elif get_origin(expected) is dict and isinstance(value, dict):
        for key, inner in value.items():
            yield from _value(document, (*path, key), inner, get_args(expected)[1])
    else:
        yield from _leaf(document, path, value, expected)


def _is_table(expected: Any) -> bool:
    return isinstance(expected, type) and issubclass(expected, msgspec.Struct)


def _leaf(document: Document, path: KeyPath, value: Any, expected: Any) -> Iterator[ConfigError]:
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        said, _, at = str(error).partition(" - at `$[")
        if said.startswith("Invalid enum value"):
            said = "Expected one of " + ", ".join(f'"{word}"' for word in _words(expected))
        if at:
            index = int(at.rstrip("]`"))
            yield _mismatch(document, (*path, index), value[index], said)
        else:
            yield _mismatch(document, path, value, said)


def _words(expected: Any) -> Iterator[str]:
    """The words of the enumeration that `expected` is, or holds."""
    if isinstance(expected, type) and issubclass(expected, StrEnum):
        yield from expected
    for inner in get_args(expected):
        yield from _words(inner)


def _unknown(document: Document, path: KeyPath, known: list[str]) -> ConfigError:
    key, table = str(path[-1]), dotted(path[:-1])
    meant = nearest(key, known)
    remedy = f"Write `{meant}`." if meant else f"Known here: {', '.join(known)}."
    return document.problem(path, f"unknown key `{key}`" + (f" in [{table}]" if table else ""), remedy)


def _mismatch(document: Document, path: KeyPath, value: Any, said: str) -> ConfigError:
    expected = said.removeprefix("Expected ").partition(", got ")[0]
    for code, word in _WORDS.items():
        expected = expected.replace(code, word)
    return document.problem(
        path, f"`{dotted(path)}` is {_shown(value)}, not {expected}", f"Give `{dotted(path)}` {expected}."
    )


def _shown(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"' if len(value) <= 40 else f'"{value[:37]}..."'
        case list():
            return "an array" if value else "an empty array"
        case dict():
            return "a table"
        case _:
            return str(value)
