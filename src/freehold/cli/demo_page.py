"""How the demo prints: plain lines that read well without colour, and colour on a terminal."""

import io
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from freehold.cli.demo_callers import Heard
from freehold.cli.output import table
from freehold.config.environment import environment

WIDTH_MIN, WIDTH_MAX = 64, 126  # no header is wider than the first
MARGIN = 13  # where labels end

PLAIN, BOLD, DIM, RED, GREEN = "", "1", "2", "31", "32"


class Page:
    """What is printed, from top to bottom."""

    def __init__(self, out: TextIO, *, colour: bool, width: int) -> None:
        self._out = out
        self._colour = colour
        self._width = width
        self._scenes = 0

    @classmethod
    def on(cls, out: TextIO) -> "Page":
        """A page for this output: colour for a terminal whose owner does not refuse it."""
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="replace")  # the partners know words that an old terminal does not
        env, terminal = environment(), out.isatty()
        colour = terminal and not env.get("NO_COLOR") and env.get("TERM") != "dumb"
        columns = shutil.get_terminal_size((WIDTH_MAX, 24)).columns if terminal else WIDTH_MAX
        return cls(out, colour=colour, width=min(max(columns, WIDTH_MIN), WIDTH_MAX))

    def scene(self, sentence: str, *, numbered: bool = True) -> None:
        """Begin a scene, or go on with it."""
        self._scenes += numbered
        number = f"{self._scenes}. " if numbered else "   "
        self._say("\n" * numbered, end="")
        self._say(textwrap.fill(sentence, self._width, initial_indent=number, subsequent_indent="   "), BOLD)

    def request(self, caller: str, shown: str) -> None:
        """What is sent, and by whom."""
        self._labelled("request", f"{caller}: {shown}")

    def answer(self, text: str) -> None:
        """The words of a whole answer."""
        self._labelled("answer", text)

    @contextmanager
    def words(self) -> Iterator[Heard]:
        """The words of an answer, as they come."""
        self._label("answer")
        column = MARGIN

        def word(piece: str) -> None:
            nonlocal column
            if column + len(piece) > self._width:
                self._say(f"\n{'':{MARGIN}}", end="")
                column = MARGIN
            column += len(piece)
            self._say(piece, end="")

        yield word
        self._say("")

    def error(self, told: str) -> None:
        """What the application was told."""
        self._labelled("error", told, RED)

    def proof(self, headers: Mapping[str, str]) -> None:
        """The gateway's headers; none is broken over two lines."""
        told = [f"x-freehold-{name}:\xa0{value}" for name, value in headers.items() if value]
        self._labelled("headers", "  ".join(told), GREEN)

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """Labelled lines, never broken, so that they can be copied."""
        for label, text in rows:
            self._label(label)
            self._say(text)

    def paragraph(self, text: str) -> None:
        """Running text."""
        self._say(textwrap.fill(text, self._width))

    def rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Lines whose columns stand below each other."""
        for line in table(rows[0], rows[1:]):
            self._say(f"   {line}")

    def line(self, text: str = "", style: str = PLAIN) -> None:
        """A line as it is."""
        self._say(text, style)

    def _labelled(self, label: str, text: str, style: str = PLAIN) -> None:
        self._label(label)
        lines = textwrap.wrap(text, self._width - MARGIN, break_long_words=False, break_on_hyphens=False) or [
            ""
        ]
        self._say(f"\n{'':{MARGIN}}".join(lines).replace("\xa0", " "), style)

    def _label(self, label: str) -> None:
        self._say(f"   {label:{MARGIN - 3}}", DIM, end="")

    def _say(self, text: str, style: str = PLAIN, *, end: str = "\n") -> None:
        styled = f"\x1b[{style}m{text}\x1b[0m" if self._colour and style and text else text
        print(styled, end=end, file=self._out, flush=True)
