"""`freehold watch`: findings as they happen, on a terminal drawn anew, elsewhere a line for each."""

import select
import shutil
import sys
import termios
import threading
import time
import tty
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue

from freehold.cli.as_json import print_json
from freehold.cli.output import OK, progress, table
from freehold.cli.settings import state_dir
from freehold.config import clock
from freehold.ledger import query
from freehold.vocabulary.exchange import Record
from freehold.watch.board import Board, Noticed, Row

DRAW_S = 0.5
LINE_WIDTHS = (8, 28, 14, 8, 0)  # for lines that are printed before the next is known

_ENDPOINTS = ("ENDPOINT", "ANSWERS", "FIRST BYTE MS", "95 IN 100", "FOUND IN 100 ANSWERS")
_NOTICED = ("AT (UTC)", "ENDPOINT", "FOUND", "STRENGTH", "IT RESTS ON")
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # another screen without a cursor, and back
_HOME, _END_OF_LINE, _END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


def run(args: Namespace) -> int:
    """Follow the ledger until the user has seen enough."""
    state = state_dir(args)
    if args.once:
        return _once(state, args)
    if not args.json and sys.stdout.isatty() and sys.stdin.isatty():
        return _live(state, args.n)
    board = Board()
    if not args.json:
        print(_padded(_NOTICED), flush=True)
    for record in query.follow(state, args.n, events=True):
        for noticed in board.take(record):
            if args.json:
                print_json(_as_told(noticed), indent=-1)
            else:
                print(_padded(_line(noticed)), flush=True)
    return OK


def _once(state: Path, args: Namespace) -> int:
    board = Board()
    with progress("reading the ledger"):
        for record in query.tail_records(state, args.n):
            board.take(record)
    if args.json:
        rows = [_as_row(row) for row in board.rows()]
        print_json(
            {"exchanges": board.exchanges, "endpoints": rows, "findings": [*map(_as_told, board.noticed)]}
        )
    else:
        print(*_page(board, len(board.noticed)), sep="\n")
    return OK


def _live(state: Path, count: int) -> int:
    """Draw until `q` or Ctrl-C."""
    board, came = Board(), SimpleQueue[Record | Exception]()
    threading.Thread(target=_follow, args=(state, count, came), daemon=True).start()
    with _screen(), suppress(KeyboardInterrupt):
        while not _wants_end():
            _take_all(board, came)
            _draw(board)
    return OK


def _draw(board: Board) -> None:
    size = shutil.get_terminal_size()
    lines = islice(_page(board, size.lines), size.lines - 1)
    drawn = "".join(f"{line[: size.columns]}{_END_OF_LINE}\r\n" for line in lines)
    sys.stdout.write(f"{_HOME}{drawn}q ends{_END_OF_LINE}{_END_OF_SCREEN}")
    sys.stdout.flush()


def _follow(state: Path, count: int, came: "SimpleQueue[Record | Exception]") -> None:
    try:
        for record in query.follow(state, count, events=True):
            came.put(record)
    except Exception as error:
        came.put(error)


def _take_all(board: Board, came: "SimpleQueue[Record | Exception]") -> None:
    """Everything that has come so far. Raises what the ledger could not be read for."""
    while True:
        try:
            one = came.get_nowait()
        except Empty:
            return
        if isinstance(one, Exception):
            raise one
        board.take(one)


@contextmanager
def _screen() -> Iterator[None]:
    """A screen of our own, on which keys come as they are pressed; the user's is there again afterwards."""
    keys = sys.stdin.fileno()
    before = termios.tcgetattr(keys)
    tty.setcbreak(keys)
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        termios.tcsetattr(keys, termios.TCSADRAIN, before)


def _wants_end() -> bool:
    """Whether the user wants to end, within the time until the next drawing."""
    until = time.monotonic() + DRAW_S
    while (left_s := until - time.monotonic()) > 0:
        if select.select([sys.stdin], [], [], left_s)[0] and sys.stdin.read(1) in ("q", "Q", ""):
            return True
    return False


def _page(board: Board, lines: int) -> Iterator[str]:
    """The endpoints, and as many of the last findings as there is room for."""
    rows = board.rows()
    found = sum(row.kinds.total() for row in rows)
    yield f"{board.exchanges} exchanges, {found} findings"
    yield ""
    yield from table(_ENDPOINTS, [_row(row) for row in rows])
    room = max(lines - len(rows) - 6, 5)
    latest = list(board.noticed)[-room:]
    if latest:
        yield ""
        yield from table(_NOTICED, [_line(noticed) for noticed in reversed(latest)])


def _row(row: Row) -> tuple[str, ...]:
    first = row.first_us
    times = ("-", "-") if first is None else (f"{first.middle / 1000:.0f}", f"{first.high / 1000:.0f}")
    kinds = (f"{kind} {100 * count / max(row.answers, count):.3g}" for kind, count in row.kinds.most_common())
    return (row.endpoint, str(row.answers), *times, ", ".join(kinds) or "-")


def _line(noticed: Noticed) -> tuple[str, ...]:
    at = clock.utc(noticed.at_ms).strftime("%H:%M:%S")
    finding = noticed.finding
    return (
        at,
        noticed.endpoint,
        finding.kind,
        f"{finding.strength:.2f}",
        f"{finding.evidence} ({noticed.exchange})",
    )


def _padded(row: Sequence[str]) -> str:
    return next(table([cell.ljust(width) for cell, width in zip(row, LINE_WIDTHS, strict=True)], []))


def _as_told(noticed: Noticed) -> dict[str, object]:
    finding = noticed.finding
    about = {"kind": finding.kind, "strength": finding.strength, "evidence": finding.evidence}
    return noticed._asdict() | {"finding": about}


def _as_row(row: Row) -> dict[str, object]:
    first = row.first_us
    times = None if first is None else {"middle": round(first.middle), "high": round(first.high)}
    return {"endpoint": row.endpoint, "answers": row.answers, "findings": dict(row.kinds), "first_us": times}
