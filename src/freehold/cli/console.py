"""`freehold console`: the web pages in a process of their own."""

import os
import socket
from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from freehold.cli.as_json import print_json
from freehold.cli.beside import Shown, console_lines, console_told
from freehold.cli.console_doing import Drilling
from freehold.cli.given import FOUND_HERE, given
from freehold.cli.output import OK
from freehold.cli.settings import read_or_stop
from freehold.config.environment import environment
from freehold.config.load import load_all, load_text
from freehold.console.child import listen
from freehold.console.current import Current
from freehold.console.cutoff import Drills
from freehold.console.serving import serve
from freehold.console.tokens import Tokens
from freehold.gateway.running import running

INPUT = 0  # the file that `up` writes what is to be shown to, and whose end is the end of `up`


def run(args: Namespace) -> int:
    """Serve the console until told to stop."""
    if args.beside is not None:
        return _beside(args.beside)
    found = given(args, environment())
    current = Current(found.loaded, found.path)
    port = found.loaded.config.console.port if args.port is None else args.port
    listening = listen(port)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    said = console_told(url, Tokens(current.state).first())
    say = (
        partial(print_json, said, indent=-1)
        if args.json
        else partial(print, *console_lines(said), sep="\n", flush=True)
    )
    beside = running(current.state)
    gateway = None if beside is None else beside.url
    serve(current, listening, gateway, _ports(current, found.path), say)
    return OK


def _beside(descriptor: int) -> int:
    read = b""
    while not read.endswith(b"\n") and (more := os.read(INPUT, 65_536)):
        read += more
    shown = msgspec.json.decode(read, type=Shown)
    path = None if shown.path is None else Path(shown.path)
    loaded = read_or_stop(load_text(shown.text, FOUND_HERE) if path is None else load_all(path))
    current = Current(loaded, path)
    serve(
        current,
        socket.socket(fileno=descriptor),
        shown.gateway,
        _ports(current, path),
        lambda: None,
        parent=INPUT,
    )
    return OK


def _ports(current: Current, path: Path | None) -> Mapping[str, object]:
    """What the console's pages are lent by rooms beside it."""
    drills: Drills = Drilling(current, path)
    return {"drills": drills}
