"""`freehold witness`, `freehold ledger anchor` and `freehold ledger compare`: more eyes than one on a log."""

import socket
from argparse import Namespace
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from freehold.cli.as_json import print_json, print_result
from freehold.cli.output import CANNOT_SERVE, OK, PROBLEMS, USAGE, Stop, progress, table
from freehold.cli.settings import config_of, state_dir
from freehold.gateway.witnessing import BACKLOG, serve
from freehold.ledger.anchor import anchor_all, targets_of
from freehold.ledger.anchoring import Anchoring
from freehold.ledger.checkpoint import read
from freehold.ledger.log_keys import VKEY, last_checkpoint
from freehold.ledger.notes import Verifier, verifier
from freehold.ledger.split_view import Views, compared
from freehold.ledger.tiles import Tiles
from freehold.ledger.verify import logs
from freehold.ledger.witness import Witness
from freehold.vocabulary.errors import BadRequest

_EXITS = {Views.CONSISTENT: OK, Views.CONTRADICTORY: PROBLEMS, Views.UNDECIDED: CANNOT_SERVE}


def run(args: Namespace) -> int:
    """Witness until interrupted, or print the keys."""
    known = _keys(args.log)
    with closing(Witness(Path(args.folder), args.name, known)) as witness:
        keys = [str(key) for key in witness.keys]
        if args.keys:
            print_json(keys) if args.json else print(*keys, sep="\n")
            return OK
        if not known:
            remedy = "Give `--log KEY`, as `freehold ledger checkpoint --keys` prints it there."
            raise BadRequest("there is no log to witness", remedy=remedy)
        with closing(_listen(args.host, args.port)) as listening:
            _announce(args, listening, keys, known)
            serve(witness, listening)
    return OK


def _announce(args: Namespace, listening: socket.socket, keys: list[str], known: list[Verifier]) -> None:
    host = f"[{args.host}]" if ":" in args.host else args.host
    url = f"http://{host}:{listening.getsockname()[1]}"
    origins = sorted({key.name for key in known})
    if args.json:
        print_json({"url": url, "keys": keys, "logs": origins}, indent=-1)
    else:
        print(*table(("LOG",), [(origin,) for origin in origins]), sep="\n", end="\n\n")
        print(
            f"listening on {url}; its keys, for those who ask it and those who verify:",
            *keys,
            sep="\n",
            flush=True,
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def anchor(args: Namespace) -> int:
    """Take every log's checkpoint to all targets, and say what became of it."""
    settings = config_of(args).ledger
    if not Anchoring.wanted(settings):
        remedy = "Set `anchor_file`, `anchor_git` or a table of `witnesses` under [ledger]."
        raise Stop(USAGE, BadRequest("there is nowhere to take checkpoints", remedy=remedy))
    with progress("asking witnesses"):
        outcomes = anchor_all(state_dir(args), targets_of(settings))
    rows = [(one.origin, str(one.size), one.target, one.trouble or "done") for one in outcomes]
    print_result(args, outcomes, table(("LOG", "RECORDS", "WHERE", "WHAT BECAME OF IT"), rows))
    return PROBLEMS if any(one.trouble for one in outcomes) else OK


def compare(args: Namespace) -> int:
    """Say whether two checkpoints contradict each other, with the proof if they do."""
    one, other = Path(args.one).read_bytes(), Path(args.other).read_bytes()
    folders = [Path(args.log)] if args.log else logs(state_dir(args))
    keys = _keys(args.vkey) or [verifier((folder / VKEY).read_text()) for folder in folders]
    if not keys:
        remedy = "Give --vkey with the log's key as its operator publishes it."
        raise BadRequest("checkpoints show nothing without a key that you trust", remedy=remedy)
    origin = read(one)[0].origin
    here = next((folder for folder in folders if last_checkpoint(folder).origin == origin), None)
    tiles = Tiles(here, last_checkpoint(here).size) if here else None
    found = compared(one, other, keys, tiles)
    if args.json:
        print_json(found)
    else:
        print(f"{found.views}: {found.why}", *found.proof, sep="\n")
        if found.views is Views.UNDECIDED:
            print("give a copy of the log with --log: a folder with its `checkpoint` and `tile`")
    return _EXITS[found.views]


def _keys(given: Iterable[str]) -> list[Verifier]:
    """Verifier keys of logs, as they are or from files."""
    found = list[Verifier]()
    for each in given:
        lines = (
            [each] if each.count("+") >= 2 and not Path(each).is_file() else Path(each).read_text().split()
        )
        found += map(verifier, lines)
    return found
