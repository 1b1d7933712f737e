"""`--json`: apart from the tables, so that only a command that prints JSON imports a codec."""

from argparse import Namespace
from collections.abc import Iterable

import msgspec


def print_result(args: Namespace, value: object, lines: Iterable[str], *, indent: int = 2) -> None:
    """Print a value as JSON where `--json` asks for that, and the lines that tell it where not."""
    if args.json:
        print_json(value, indent=indent)
    else:
        print(*lines, sep="\n")


def print_json(value: object, *, indent: int = 2) -> None:
    """Print any value of the project as JSON; a negative `indent` puts one value on one line."""
    print(as_json(value, indent=indent), flush=True)


def as_json(value: object, *, indent: int = 2) -> str:
    """Any value of the project as JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=indent).decode()
