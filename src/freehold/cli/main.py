"""`freehold`: the commands, their arguments, and what their exit codes mean.

Only `argparse` is imported here; a command imports what it needs when it is run, so that `--help` is quick.
"""

import argparse
import errno
import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from freehold import __version__
from freehold.cli.audit_commands import AUDIT
from freehold.cli.bench_commands import BENCH
from freehold.cli.catalog_commands import CATALOG
from freehold.cli.commands import CONFIG as _CONFIG
from freehold.cli.commands import JSON as _JSON
from freehold.cli.commands import Command
from freehold.cli.commands import argument as _argument
from freehold.cli.console_commands import CONSOLE
from freehold.cli.drill_commands import DRILL, INDEPENDENCE
from freehold.cli.ledger_commands import LEDGER
from freehold.cli.output import CANNOT_SERVE, INTERRUPTED, OK, PROBLEMS, USAGE, Stop, tell
from freehold.cli.own_commands import OWN
from freehold.cli.policy_commands import POLICY
from freehold.cli.watch_commands import WATCH
from freehold.cli.witness_commands import WITNESS
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


_NO_ROOM = "Make room where it writes (a run's folder, the state directory), and run the same command again."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Expected errors take two lines, not a traceback."""
    words = sys.argv[1:] if argv is None else argv
    args = _parser(words).parse_args(words)
    try:
        return int(_loaded(args.runs)(args))
    except Stop as stop:
        return tell(stop.code, *stop.errors)
    except FreeholdError as error:
        code = next((code for kind, code in _EXITS if isinstance(error, kind)), CANNOT_SERVE)
        return tell(code, error)
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = _NO_ROOM if full else "See that the path or address can be used."
        return tell(CANNOT_SERVE, FreeholdError(str(error), remedy=remedy))
    except KeyboardInterrupt:
        return INTERRUPTED


def _loaded(runs: str) -> Callable[[argparse.Namespace], int]:
    """The function of a command. What is imported stays: to look for garbage in it would be a tenth of the time."""
    module, _, function = runs.partition(":")
    gc.disable()
    try:
        found: Callable[[argparse.Namespace], int] = getattr(
            import_module(f"freehold.cli.{module}"), function
        )
    finally:
        gc.enable()
    return found


def _parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="freehold",
        description="A self-hosted gateway between your applications and every AI model they use.",
        epilog=_EXIT_CODES + "\nexample:\n  freehold up",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"freehold {__version__}")
    _add(parser, _COMMANDS, words)
    return parser


def _add(
    parser: argparse.ArgumentParser,
    commands: Sequence[Command],
    words: Sequence[str],
    *,
    required: bool = True,
) -> None:
    """The command that the words name; all of them where they name none, so that help and errors can."""
    group = parser.add_subparsers(metavar="COMMAND", required=required)
    named = [command for command in commands if words and command.name == words[0]]
    for command in named or commands:
        sub = group.add_parser(
            command.name,
            help=command.help,
            description=f"{command.help[:1].upper()}{command.help[1:]}.",
            epilog=f"example:\n  {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for flags, how in command.arguments:
            sub.add_argument(*flags, **how)
        if command.runs:
            sub.set_defaults(runs=command.runs)
        if command.commands:
            _add(sub, command.commands, words[1:], required=not command.runs)


_KEYS = (
    Command(
        "create",
        "keys:create",
        "make a key and show it once",
        "freehold keys create invoices --alias 'gpt-*' --expires 90d",
        (
            _argument("name", metavar="NAME", help="the application that will use it"),
            _argument(
                "--alias",
                action="append",
                metavar="GLOB",
                help="an alias it may ask for; repeatable (default: all)",
            ),
            _argument(
                "--data-class",
                metavar="CLASS",
                help="how sensitive everything is that is sent with it, at least (default: nobody said)",
            ),
            _argument("--expires", metavar="30d|DATE", help="when it ends: 12h, 30d, 8w or 2027-01-31 (UTC)"),
            _CONFIG,
            _JSON,
        ),
    ),
    Command("list", "keys:listing", "list all keys", "freehold keys list --json", (_CONFIG, _JSON)),
    Command(
        "revoke",
        "keys:revoke",
        "end a key, or all keys of an application",
        "freehold keys revoke key_3f9a61c2",
        (_argument("id", metavar="ID|NAME", help="as `freehold keys list` shows it"), _CONFIG),
    ),
)
_COMMANDS = (
    Command(
        "up",
        "up:run",
        "serve",
        "OPENAI_API_KEY=... freehold up   # with no freehold.toml, serves what it finds",
        (
            _CONFIG,
            _argument("--host", help="the address to listen on (default: server.host)"),
            _argument("--port", type=int, help="the port to listen on; 0 takes a free one"),
            _argument("--workers", type=int, metavar="N", help="processes that share the port"),
            _argument(
                "--console-port",
                type=int,
                metavar="N",
                help="the web pages' port; 0: none (default: console.port)",
            ),
            _JSON,
        ),
    ),
    CONSOLE,
    Command(
        "init",
        "init:run",
        "write what `up` would find to freehold.toml",
        "freehold init",
        (
            _argument("file", nargs="?", default="freehold.toml", metavar="FILE"),
            _argument("--force", action="store_true", help="overwrite the file if it exists"),
            _JSON,
        ),
    ),
    Command(
        "check",
        "check:run",
        "validate a configuration, naming every problem",
        "freehold check prod.toml",
        (
            _argument(
                "file", nargs="?", metavar="FILE", help="the file to check (default: as `up` finds it)"
            ),
            _JSON,
        ),
    ),
    Command(
        "keys",
        "",
        "the keys that applications show to this gateway",
        "freehold keys create invoices",
        commands=_KEYS,
    ),
    Command(
        "demo",
        "demo:run",
        "see it work, without keys and without a network: providers fail, refuse and deceive",
        "freehold demo --stay",
        (
            _argument(
                "--stay",
                action="store_true",
                help="keep everything running afterwards, and print what to try",
            ),
        ),
    ),
    Command(
        "sparring",
        "sparring:run",
        "a provider that misbehaves on purpose",
        "freehold sparring --port 9001 --fault cut",
        (
            _argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)"),
            _argument(
                "--fault",
                default="ok",
                help="what goes wrong; a request can choose its own in the header x-sparring, or at the end of "
                "its model's name, as in m+cut=0.3 (default: ok)",
            ),
            _argument("--seed", type=int, default=0, help="the same seed misbehaves the same way"),
            _argument(
                "--zero-retention",
                action="store_true",
                help="tell `freehold catalog attest` that nothing is kept",
            ),
            _argument("--list", action="store_true", help="list the faults and end"),
            _JSON,
        ),
    ),
    Command("catalog", "", "what is known of endpoints", "freehold catalog list", commands=CATALOG),
    Command(
        "policy",
        "",
        "what may go where: written rules, and what follows from them",
        "freehold policy explain assistant --data-class personal",
        commands=POLICY,
    ),
    Command(
        "exposure",
        "exposure:run",
        "what providers hold of what was sent to them, and until when",
        "freehold exposure --assume 30 --provider openai",
        (
            _argument(
                "--from", dest="since", metavar="DATE", help="what was sent from here on (default: all)"
            ),
            _argument("--at", metavar="DATE", help="what is held then (default: now)"),
            _argument(
                "--facts",
                action="append",
                metavar="FILE",
                help="beside it: with these facts files; repeatable",
            ),
            _argument(
                "--assume", metavar="DAYS", help="beside it: if all were kept so long; 0, 30, inf or unknown"
            ),
            _argument("--provider", metavar="NAME", help="assume that of this provider only"),
            _CONFIG,
            _JSON,
        ),
    ),
    BENCH,
    AUDIT,
    DRILL,
    INDEPENDENCE,
    Command("ledger", "", "what was recorded", "freehold ledger tail", commands=LEDGER),
    OWN,
    WATCH,
    WITNESS,
)
