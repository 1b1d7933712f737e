"""`freehold drill traffic`: a ledger of invented traffic, apart from any that is real."""

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from freehold.catalog.resolve import keyless
from freehold.cli.output import OK, progress
from freehold.cli.settings import config_of, configured
from freehold.config import clock
from freehold.config.environment import environment
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
    config = configured(args, environment())
    if config is None:
        args.config = str(_example(into))
    resolved = keyless(config_of(args), environment())
    before = world(resolved, into, datetime.now(UTC))
    plan = Plan(args.exchanges, args.days, args.seed, clock.now_ms() // DAY_MS * DAY_MS)
    about = {"exchanges": plan.exchanges, "days": plan.days, "seed": plan.seed, "until_ms": plan.until_ms}
    inventing = Inventing(before, plan)
    if not inventing.profiles:
        raise BadRequest(
            "the configuration has no alias by a name of its own", remedy="Add one to [aliases]."
        )
    with progress("inventing"):
        count = recorded(into, replace(resolved.config.ledger, witnesses={}), inventing.exchanges(), about)
    print(f"{count:,} invented exchanges of {plan.days} days in {into}")
    how = f"--config {config} --ledger {args.into}" if config else f"--config {args.config}"
    print(f"Next: freehold drill simulate us-apis-gone {how}")
    return OK


def _see_that_it_is_apart(into: Path, args: Namespace) -> None:
    """Raises BadRequest where something is there already, or where the configuration keeps what is real."""
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        remedy = "Name a folder that is new or empty: what is invented must not mix with what is real."
        raise BadRequest(f"{into} is not empty", remedy=remedy)
    state = Path(config_of(args).state_dir).absolute()
    if into == state or state in into.parents:
        remedy = "Name a folder outside of it: what is invented must not mix with what is real."
        raise BadRequest(f"{into} is in the state directory {state}", remedy=remedy)


def _example(into: Path) -> Path:
    for name, text in example_files().items():
        (into / name).write_text(text, encoding="utf-8")
    return into / "freehold.toml"
