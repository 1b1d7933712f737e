"""`freehold drill traffic`: a ledger of invented traffic, apart from any that is real."""

import time
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from freehold.catalog.resolve import Resolved, keyless
from freehold.cli.output import OK, USAGE, Stop, progress
from freehold.cli.settings import configured
from freehold.config.environment import environment
from freehold.config.load import load_all
from freehold.drills.inventing import Inventing, Plan, example_files, recorded
from freehold.drills.world import world
from freehold.vocabulary.errors import BadRequest

DAY_MS = 86_400_000
EXCHANGES_MAX, DAYS_MAX = 20_000_000, 1_000


def run(args: Namespace) -> int:
    """Write it, and say what to do with it."""
    for name, value, most in (("exchanges", args.exchanges, EXCHANGES_MAX), ("days", args.days, DAYS_MAX)):
        if not 1 <= value <= most:
            raise BadRequest(f"--{name} {value} cannot be", remedy=f"Give 1 to {most:,}.")
    into = Path(args.into).absolute()
    _see_that_it_is_apart(into, args)
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    example = None if args.config else _example(into)
    resolved = load(example or Path(args.config))
    before = world(resolved, into, datetime.now(UTC))
    plan = Plan(args.exchanges, args.days, args.seed, time.time_ns() // 1_000_000 // DAY_MS * DAY_MS)
    about = {"exchanges": plan.exchanges, "days": plan.days, "seed": plan.seed, "until_ms": plan.until_ms}
    inventing = Inventing(before, plan)
    if not inventing.profiles:
        raise BadRequest(
            "the configuration has no alias by a name of its own", remedy="Add one to [aliases]."
        )
    with progress("inventing"):
        count = recorded(into, replace(resolved.config.ledger, witnesses={}), inventing.exchanges(), about)
    print(f"{count:,} invented exchanges of {plan.days} days in {into}")
    how = f"--config {example}" if example else f"--config {args.config} --ledger {args.into}"
    print(f"Next: freehold drill simulate us-apis-gone {how}")
    return OK


def load(path: Path) -> Resolved:
    """The configuration to decide with, without its keys. Ends the command where it cannot be read."""
    loaded = load_all(path)
    if isinstance(loaded, list):
        raise Stop(USAGE, *loaded)
    return keyless(loaded.config, environment())


def _see_that_it_is_apart(into: Path, args: Namespace) -> None:
    """Raises BadRequest where something is there already, or where the configuration keeps what is real."""
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        remedy = "Name a folder that is new or empty: what is invented must not mix with what is real."
        raise BadRequest(f"{into} is not empty", remedy=remedy)
    path = configured(args, environment())
    if path is not None:
        state = Path(load(path).config.state_dir).absolute()
        if into == state or state in into.parents:
            remedy = "Name a folder outside of it: what is invented must not mix with what is real."
            raise BadRequest(f"{into} is in the state directory of {path}", remedy=remedy)


def _example(into: Path) -> Path:
    for name, text in example_files().items():
        (into / name).write_text(text, encoding="utf-8")
    return into / "freehold.toml"
