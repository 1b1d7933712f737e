"""What `up` tells the console beside it, and what both print of it."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from freehold.cli.given import Given


class Shown(Struct):
    """What a console is to show, in one line of JSON."""

    gateway: str  # its URL
    path: str | None  # of the configuration
    text: str  # of one that stands in no file


def shown(found: Given, gateway: str) -> bytes:
    """The line for a console of this gateway."""
    path = None if found.path is None else str(found.path)
    return msgspec.json.encode(Shown(gateway, path, found.text)) + b"\n"


def console_told(url: str, token: str | None) -> dict[str, str]:
    """What is printed of a console: where it is, and the first token, which is shown this once."""
    return {"url": url} | ({} if token is None else {"token": token})


def console_lines(said: Mapping[str, object]) -> list[str]:
    """The same for people."""
    found = said.get("token")
    first = [] if found is None else [f"sign in to it with {found} (an admin's token, shown this once)"]
    return [f"console on {said['url']}", *first]
