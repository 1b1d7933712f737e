"""How the demo prints."""

from io import StringIO

import pytest

from freehold.cli.demo_page import MARGIN, Page


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "variables", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": ""}, True),  # https://no-color.org: when present and not empty
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    out: StringIO, variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    Page.on(out).scene("Something happens.")

    assert "1. Something happens." in out.getvalue()
    assert ("\x1b[" in out.getvalue()) is coloured


def test_lines_fit_and_no_header_is_broken() -> None:
    out = StringIO()
    page = Page(out, colour=False, width=64)

    page.scene("word " * 40)
    page.request("caller", "word " * 40)
    page.proof({"endpoint": "north/atlas-2", "attempts": "1", "finding": "", "exchange": "x" + "0" * 27})
    with page.words() as word:
        for _ in range(40):
            word("piece ")

    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 64
    assert f"{'':{MARGIN}}x-freehold-exchange: x{'0' * 27}" in lines
    assert "finding" not in out.getvalue()
