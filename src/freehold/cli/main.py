"""`freehold`: the commands, their arguments, and what their exit codes mean.

Only `argparse` is imported here; a command imports what it needs when it is run, so that `--help` is quick.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

from freehold import __version__
from freehold.cli.output import CANNOT_SERVE, INTERRUPTED, OK, PROBLEMS, USAGE, Stop, tell
from freehold.vocabulary.errors import CallerError, ConfigError, FreeholdError, NotFound

_EXIT_CODES = """\
exit codes:
  0  done
  1  done, and there is something to look at: `check` found problems, nothing has that id,
     a scene of `demo` did not hold
  2  the command or the configuration is wrong
  3  cannot serve or reach: port taken, nothing found to serve, state not readable
  130  interrupted
"""

_EXITS: tuple[tuple[type[FreeholdError], int], ...] = (
    (NotFound, PROBLEMS),
    (CallerError, USAGE),
    (ConfigError, USAGE),
)

Arguments = Callable[[argparse.ArgumentParser], None]


class Command(NamedTuple):
    """One subcommand; `runs` is "module:function" below `freehold.cli`, imported when it is run."""

    name: str
    runs: str
    help: str
    example: str
    arguments: Arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Expected errors take two lines, not a traceback."""
    args = _parser().parse_args(argv)
    try:
        module, _, function = args.runs.partition(":")
        return int(getattr(import_module(f"freehold.cli.{module}"), function)(args))
    except Stop as stop:
        return tell(stop.code, *stop.errors)
    except FreeholdError as error:
        code = next((code for kind, code in _EXITS if isinstance(error, kind)), CANNOT_SERVE)
        return tell(code, error)
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        return tell(
            CANNOT_SERVE, FreeholdError(str(error), remedy="See that the path or address can be used.")
        )
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="freehold",
        description="A self-hosted gateway between your applications and every AI model they use.",
        epilog=_EXIT_CODES + "\nexample:\n  freehold up",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"freehold {__version__}")
    _add(parser, _COMMANDS)
    return parser


def _add(parser: argparse.ArgumentParser, commands: Sequence[Command]) -> None:
    group = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        sub = group.add_parser(
            command.name,
            help=command.help,
            description=f"{command.help[:1].upper()}{command.help[1:]}.",
            epilog=f"example:\n  {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if command.runs:
            sub.set_defaults(runs=command.runs)
        command.arguments(sub)


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", metavar="FILE", help="the configuration (default: $FREEHOLD_CONFIG, then ./freehold.toml)"
    )


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _up(parser: argparse.ArgumentParser) -> None:
    _config(parser)
    parser.add_argument("--host", help="the address to listen on (default: server.host)")
    parser.add_argument("--port", type=int, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the port")
    _json(parser)


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="freehold.toml", metavar="FILE")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")
    _json(parser)


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="the file to check (default: as `up` finds it)"
    )
    _json(parser)


def _keys(parser: argparse.ArgumentParser) -> None:
    _add(parser, _KEYS)


def _keys_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the application that will use it")
    parser.add_argument(
        "--alias", action="append", metavar="GLOB", help="an alias it may ask for; repeatable (default: all)"
    )
    parser.add_argument(
        "--expires", metavar="30d|DATE", help="when it ends: 12h, 30d, 8w or 2027-01-31 (UTC)"
    )
    _config(parser)
    _json(parser)


def _keys_list(parser: argparse.ArgumentParser) -> None:
    _config(parser)
    _json(parser)


def _keys_revoke(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID|NAME", help="as `freehold keys list` shows it")
    _config(parser)


def _sparring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)")
    parser.add_argument(
        "--fault", default="ok", help="what goes wrong unless a request chooses (default: ok)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed misbehaves the same way")
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    _json(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stay", action="store_true", help="keep everything running afterwards, and print what to try"
    )


def _ledger(parser: argparse.ArgumentParser) -> None:
    _add(parser, _LEDGER)


def _ledger_tail(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", type=int, default=20, metavar="COUNT", help="how many exchanges (default: 20)")
    parser.add_argument("-f", "--follow", action="store_true", help="keep printing new ones")
    _config(parser)
    _json(parser)


def _ledger_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the value of the x-freehold-exchange header")
    _config(parser)
    _json(parser)


_KEYS = (
    Command(
        "create",
        "keys:create",
        "make a key and show it once",
        "freehold keys create invoices --alias 'gpt-*' --expires 90d",
        _keys_create,
    ),
    Command("list", "keys:listing", "list all keys", "freehold keys list --json", _keys_list),
    Command(
        "revoke",
        "keys:revoke",
        "end a key, or all keys of an application",
        "freehold keys revoke key_3f9a61c2",
        _keys_revoke,
    ),
)
_LEDGER = (
    Command(
        "tail", "ledger:tail", "the latest exchanges", "freehold ledger tail -n 50 --follow", _ledger_tail
    ),
    Command(
        "show", "ledger:show", "everything recorded of one exchange", "freehold ledger show ID", _ledger_show
    ),
)
_COMMANDS = (
    Command(
        "up",
        "up:run",
        "serve",
        "OPENAI_API_KEY=... freehold up   # with no freehold.toml, serves what it finds",
        _up,
    ),
    Command("init", "init:run", "write what `up` would find to freehold.toml", "freehold init", _init),
    Command(
        "check",
        "check:run",
        "validate a configuration, naming every problem",
        "freehold check prod.toml",
        _check,
    ),
    Command(
        "keys", "", "the keys that applications show to this gateway", "freehold keys create invoices", _keys
    ),
    Command(
        "demo",
        "demo:run",
        "see it work, without keys and without a network: providers fail, refuse and deceive",
        "freehold demo --stay",
        _demo,
    ),
    Command(
        "sparring",
        "sparring:run",
        "a provider that misbehaves on purpose",
        "freehold sparring --port 9001 --fault cut",
        _sparring,
    ),
    Command("ledger", "", "what was recorded", "freehold ledger tail", _ledger),
)
