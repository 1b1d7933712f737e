"""Tables line up, and nothing that comes from outside steers the terminal."""

import pytest

from freehold.cli.output import table, tell
from freehold.vocabulary.errors import ConfigError


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert list(table(("A", "LONG HEAD", "C"), [("first", "x", ""), ("b", "yy", "end")])) == [
        "A      LONG HEAD  C",
        "first  x",
        "b      yy         end",
    ]


def test_an_empty_table_is_its_head() -> None:
    assert list(table(("A", "B"), [])) == ["A  B"]


def test_control_characters_are_shown_not_sent() -> None:
    assert list(table(("A",), [("x\x1b[31m\ny\u202e",)]))[1] == r"x\x1b[31m\ny\u202e"


def test_an_error_is_two_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    code = tell(2, ConfigError("is\x07 wrong", remedy="Mend it.", file="f", line=3, column=4))

    assert code == 2
    assert capsys.readouterr() == ("", "error: f:3:4: is\\x07 wrong\nremedy: Mend it.\n")
