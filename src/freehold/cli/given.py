"""What `up` and `console` work with: a configuration file, or where there is none, what can be served here."""

from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from freehold.cli.settings import configured, read_or_stop
from freehold.config.environment import Environment
from freehold.config.load import Loaded, load_all, load_text

FOUND_HERE = "what was found here"


class Given(NamedTuple):
    """A configuration and where it came from."""

    loaded: Loaded
    path: Path | None  # None: it stands in no file
    text: str = ""  # of what was found


def given(args: Namespace, env: Environment) -> Given:
    """The configuration of a command; ends it, with every problem, where that cannot be read."""
    path = configured(args, env)
    if path is not None:
        return Given(read_or_stop(load_all(path)), path.absolute())
    looking = import_module("freehold.cli.init")  # worth its loading only here
    found = looking.found_or_stop(env)
    if not args.json:
        print("no freehold.toml; serving what is here (`freehold init` writes it down):")
        print(*looking.summary(found), sep="\n", end="\n\n")
    text = looking.scaffold(found)
    return Given(read_or_stop(load_text(text, FOUND_HERE)), None, text)
