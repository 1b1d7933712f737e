"""`freehold ledger expire|hold|release|holds`, and `show --body`: sealed bodies, how they end, and who opened them."""

import base64
import os
import pwd
from argparse import Namespace
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

from freehold.cli.as_json import print_json, print_result
from freehold.cli.output import OK, PROBLEMS, progress, table
from freehold.cli.period import day_in
from freehold.cli.settings import config_and_state, state_dir
from freehold.config.schema import Config
from freehold.config.shape import nearest
from freehold.ledger import holds as legal
from freehold.ledger.bodies import Opened, day_of, opened, today
from freehold.ledger.day_keys import classes, days, key_to_open
from freehold.ledger.ledger import event, noted
from freehold.ledger.retention import Standing, State, When, end_of, expire, standings, turn
from freehold.vocabulary.errors import BadRequest, NotFound
from freehold.vocabulary.exchange import Exchange, Plain

OPENED = "body-opened"
_HEAD = ("CLASS", "DAY", "WHAT", "BODIES", "BYTES", "DUE", "HOLD")
_HOLDS_HEAD = ("HOLD", "APPLICATION", "FROM", "TO", "BY", "REASON", "EVENT")


def run_expire(args: Namespace) -> int:
    """Destroy the keys of days that are over, and their bodies; with --dry-run, say which."""
    config, state = config_and_state(args)
    only = _known_class(args.retention, config, state)
    now = today()
    when = When(now, day_in(args.now, "--now") if args.now else now)
    with progress("letting bodies expire"):
        if args.dry_run:
            found = list(standings(state, config.retention, when, only))
        else:
            note = partial(noted, state, config.ledger)
            found = expire(state, config.retention, when, who(), note, only)
    print_result(args, found, table(_HEAD, [_row(one, args.dry_run) for one in found]))
    return PROBLEMS if any(one.state is State.UNKNOWN for one in found) else OK


def run_hold(args: Namespace) -> int:
    """Keep an application's bodies of some days from expiring, whatever their class says."""
    config, state = config_and_state(args)
    since, until = day_in(args.since, "--from"), day_in(args.until, "--to") if args.until else None
    hold = legal.Hold(args.name, args.application, since, until, who(), args.reason)
    with turn(state):
        legal.new_hold(legal.holds(state), hold)
        found = [(name, day) for name in classes(state) for day in days(state, name)]
        kept = [day for day in found if legal.keeps(state, [hold], *day)]
        if not kept:
            _see_application(hold.application, config)
        written = noted(state, config.ledger, event(legal.HOLD, hold.about()))
    print(
        f"{hold.name} is in force, and keeps {len(kept)} {'day' if len(kept) == 1 else 'days'} so far: {written.id}"
    )
    return OK


def run_release(args: Namespace) -> int:
    """End a hold; what it kept expires at its class's time."""
    config, state = config_and_state(args)
    if not args.reason.strip():
        raise BadRequest("a release has a reason", remedy="Say it with --reason.")
    with turn(state):
        hold = legal.standing_hold(legal.holds(state), args.name)
        told = {"name": hold.name, "hold": hold.event, "by": who(), "reason": args.reason}
        written = noted(state, config.ledger, event(legal.RELEASE, told))
    print(f"{hold.name} is released: {written.id}")
    return OK


def run_holds(args: Namespace) -> int:
    """List the holds in force."""
    found = list(legal.holds(state_dir(args)).values())
    rows = [
        (it.name, it.application, str(it.since), str(it.until or "-"), it.by, it.reason, it.event)
        for it in found
    ]
    print_result(args, found, table(_HOLDS_HEAD, rows))
    return OK


def show_bodies(args: Namespace, exchange: Exchange) -> int:
    """Open an exchange's bodies, and note it on the ledger before anything is shown."""
    config, state = config_and_state(args)
    if not (args.reason and args.reason.strip()):
        raise BadRequest("who opens a body says why", remedy="Say it with --reason.")
    if exchange.retention is None or not exchange.bodies:
        raise NotFound(
            f"no bodies were kept of {exchange.id}",
            remedy="Bodies are kept for applications with a `retention` in the configuration.",
        )
    _see_key(state, exchange.retention, day_of(exchange.at_ms), exchange.id)
    about: dict[str, Plain] = {"exchange": exchange.id, "application": exchange.application}
    about["parts"] = tuple(reference.part.value for reference in exchange.bodies)
    noted(state, config.ledger, event(OPENED, {**about, "by": who(), "reason": args.reason}))
    found = list(opened(state, exchange))
    if args.json:
        print_json([_plain(one) for one in found])
    else:
        for one in found:
            print(*_told(one), sep="\n")
    return PROBLEMS if any(one.trouble for one in found) else OK


def who() -> str:
    """The user of the operating system who runs this."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _see_key(state: Path, retention: str, day: date, exchange: str) -> None:
    """Raises NotFound when the key is gone: nothing can be opened, so nothing need be noted."""
    if key_to_open(state, retention, day) is not None:
        return
    ended = end_of(state, retention, day)
    if ended is None:
        raise NotFound(
            f"the key of {retention} for {day} is gone, and nothing on the ledger says that it was destroyed",
            remedy=f"Restore bodies/keys/{retention}/{day}.key if there is a copy.",
        )
    raise NotFound(
        f"the bodies of {exchange} expired with {retention} of {day}, by {ended.id}",
        remedy=f"Nobody can bring them back; `freehold ledger show {ended.id}` tells who let them expire.",
    )


def _see_application(name: str, config: Config) -> None:
    """A hold on nobody would keep nothing, and nobody would notice. Raises BadRequest."""
    if name in config.applications:
        return
    meant = nearest(name, config.applications)
    known = (
        f"Did you mean {meant}?" if meant else f"Applications: {', '.join(config.applications) or 'none'}."
    )
    raise BadRequest(
        f"no application {name!r} has bodies on those days, or is in the configuration", remedy=known
    )


def _known_class(name: str | None, config: Config, state: Path) -> str | None:
    known = sorted({*config.retention, *classes(state)})
    if name is None or name in known:
        return name
    meant = nearest(name, known)
    remedy = f"Did you mean {meant}?" if meant else f"Classes: {', '.join(known) or 'none'}."
    raise BadRequest(f"no retention class is called {name!r}", remedy=remedy)


def _row(one: Standing, dry: bool) -> tuple[str, ...]:
    what = "expired" if one.state is State.DUE and not dry else one.state.value
    counts = ("-" if one.bodies is None else str(one.bodies), "-" if one.bytes is None else str(one.bytes))
    return (one.retention, str(one.day), what, *counts, str(one.due or "-"), one.hold or "-")


def _told(one: Opened) -> Iterator[str]:
    more = f", and {one.reference.cut} more that were not kept" if one.reference.cut else ""
    yield f"--- {one.reference.part.value}: {one.trouble or f'{len(one.data)} bytes{more}'}"
    for line in one.data.decode(errors="replace").splitlines():
        # What came from a provider must not be able to steer the terminal.
        yield "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)


def _plain(one: Opened) -> dict[str, object]:
    told: dict[str, object] = {"part": one.reference.part, "bytes": len(one.data), "cut": one.reference.cut}
    if one.trouble:
        return told | {"trouble": one.trouble}
    try:
        return told | {"text": one.data.decode()}
    except UnicodeDecodeError:
        return told | {"base64": base64.b64encode(one.data).decode()}
