"""Places are compared with tomllib: what it finds, and only that, has a place, and the key stands there."""

import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.config.places import KeyPath, places

EVERYTHING = '''\
title = "a # is no comment here"
"quoted key" = 1
'literal.key' = 2
a.b . "c.d" = 3   # a comment with = and [
when = 1979-05-27 07:32:00
day = 1979-05-27
text = """one " two "" three \\"""
still = 'text'
"""
ends = """two quotes""""" # five in a row
literal = \'\'\'
[not.a.table]
\'\'\'
list = [ 1, # first ]
  "two, ]", [3, { four = 4 }], # nested
]
inline = { x = 1, y.z = 2, "q" = [1, 2] }
empty = []
none = {}

[server] # comment
port = 1

[ "dotted.table" . inner ]
value = true

[[pools]]
name = "first"
  [pools.limits]
  most = 1
[[pools]]
name = "second"
  [[pools.members]]
  id = 1
  [[pools.members]]
  id = 2
  [pools.members.more]
  deep = inf
'''


def paths_of(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every key path in what tomllib read."""
    found = {path} if path else set()
    if isinstance(value, dict):
        inner = [(key, item) for key, item in value.items()]
    elif isinstance(value, list):
        inner = [(index, item) for index, item in enumerate(value)]
    else:
        inner = []
    return found.union(*(paths_of(item, (*path, key)) for key, item in inner))


def text_at(text: str, line: int, column: int) -> str:
    return text.split("\n")[line - 1][column - 1 :]


def names_its_key(text: str, path: KeyPath, at: str) -> bool:
    """Whether the text at a place begins with the last key of the path, bare or quoted."""
    if isinstance(path[-1], int):
        return True
    return any(at.startswith(f"{quote}{path[-1]}{quote}") for quote in ("", '"', "'"))


def test_every_path_that_tomllib_finds_has_a_place_where_its_key_stands() -> None:
    found = places(EVERYTHING)

    assert set(found) == paths_of(tomllib.loads(EVERYTHING))
    for path, (line, column) in found.items():
        assert names_its_key(EVERYTHING, path, text_at(EVERYTHING, line, column)), path


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("title",), 1, 1),
        (("a", "b", "c.d"), 4, 7),
        (("list", 1), 15, 3),
        (("list", 2, 1, "four"), 15, 19),
        (("inline", "y", "z"), 17, 21),
        (("server",), 21, 2),
        (("server", "port"), 22, 1),
        (("dotted.table", "inner"), 24, 20),
        (("pools", 0), 27, 1),
        (("pools", 0, "limits", "most"), 30, 3),
        (("pools", 1, "name"), 32, 1),
        (("pools", 1, "members", 1, "id"), 36, 3),
        (("pools", 1, "members", 1, "more", "deep"), 38, 3),
    ],
)
def test_a_place_is_the_line_and_column_where_the_key_begins(path: KeyPath, line: int, column: int) -> None:
    assert places(EVERYTHING)[path] == (line, column)


_BLANKS = st.sampled_from(["", " ", "\t", "  "])
_GAPS = st.sampled_from(["", " ", "\n", " # a = [b]\n", "\n\n"])
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=6)
_KEYS = st.one_of(
    st.sampled_from("abc"),  # few, so that tables and arrays of tables meet again
    st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True),
    _TEXT.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    _TEXT.filter(lambda text: "'" not in text).map(lambda text: f"'{text}'"),
)
_SCALARS = st.one_of(
    st.integers(-999, 999).map(str),
    st.sampled_from(
        ["true", "1.5e3", "-inf", "0xff", "07:32:00", "1979-05-27 07:32:00", '"""a\n"b"""""', "'''\n]'''"]
    ),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    _TEXT.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
)


def _inline(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.builds(lambda key, blank, value: f"{key}{blank}={blank}{value}", _KEYS, _BLANKS, values)
    arrays = st.builds(
        lambda gap, items: f"[{gap}" + f"{gap},{gap}".join(items) + f"{gap}]",
        _GAPS,
        st.lists(values, max_size=3),
    )
    tables = st.lists(pair, max_size=3).map(lambda pairs: "{ " + ", ".join(pairs) + " }")
    return arrays | tables


_VALUES = st.recursive(_SCALARS, _inline, max_leaves=6)
_DOTTED = st.builds(
    lambda keys, blank: f"{blank}.{blank}".join(keys), st.lists(_KEYS, min_size=1, max_size=3), _BLANKS
)
_LINES = st.one_of(
    st.builds(lambda blank, key, value: f"{blank}{key} = {value}", _BLANKS, _DOTTED, _VALUES),
    st.builds(lambda blank, key: f"[{blank}{key}{blank}]", _BLANKS, _DOTTED),
    st.builds(lambda blank, key: f"[[{blank}{key}{blank}]] # end", _BLANKS, _DOTTED),
    st.just("# [comment] = 1"),
)


@settings(deadline=None)
@given(st.lists(_LINES, max_size=8))
def test_whatever_tomllib_accepts_has_all_its_places(lines: list[str]) -> None:
    kept: list[str] = []
    for line in lines:  # each line that would make the document invalid is left out
        try:
            tomllib.loads("\n".join([*kept, line]))
        except tomllib.TOMLDecodeError:
            continue
        kept.append(line)
    text = "\n".join(kept)

    assert set(places(text)) == paths_of(tomllib.loads(text))


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 30),
    st.integers(0, 8),
    st.sampled_from(["needle", '"needle"', "'needle'", "other . needle"]),
)
def test_a_key_is_found_on_its_own_line_and_column(above: int, indent: int, written: str) -> None:
    text = "# line\n" * above + " " * indent + written + " = [\n1,\n2]\nafter = 1"
    path: KeyPath = ("other", "needle") if "other" in written else ("needle",)

    assert places(text)[path] == (
        above + 1,
        indent + 1 + written.find(".") + 2 if "." in written else indent + 1,
    )
    assert places(text)[(*path, 1)] == (above + 3, 1)
    assert places(text)[("after",)] == (above + 4, 1)
