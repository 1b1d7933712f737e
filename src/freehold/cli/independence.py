"""`freehold independence`: who depends on whom, and what one loss or two would leave."""

from argparse import Namespace
from collections.abc import Iterator, Sequence

from freehold.bench.results import qualities
from freehold.cli.as_json import print_json
from freehold.cli.output import OK, table
from freehold.cli.scenarios import Place, asked_by, place_of
from freehold.drills.independence import LEGS, LOSSES, Independence, Loss, Standing, independence
from freehold.vocabulary.report import Interval

_PAIRS_SHOWN = 3  # of each grouping, the worst
_WORDS = {
    "parent_jurisdiction": "country",
    "weights_family": "family of weights",
    "weights_origin": "origin of weights",
}


def run(args: Namespace) -> int:
    """Print on whom each alias can rely, what losses leave, and how concentrated it all is."""
    place = place_of(args)
    found = independence(place.world, qualities(place.state), place.traffic)
    if args.json:
        print_json(found)
        return OK
    over = (
        f"over {found.exchanges:,} recorded exchanges"
        if found.exchanges
        else "over the pools: no traffic yet"
    )
    print(f"policy {found.policy or '(none)'}, facts {found.facts}, {over}\n")
    print(*_standings(place, found.standings), sep="\n")
    print(f"\nhow many of {found.aliases} aliases are still served in full, and which share of all requests:")
    print(*_losses(found), sep="\n")
    if found.worst is not None:
        aliases = _range(found.worst.aliases, found.worst.aliases_at_best)
        left = f"{_requests(found.worst)} of the requests, and all of them for {aliases} of {found.aliases} aliases"
        print(f"\nhurts most: {_lost(found.worst)}, which leaves {left}")
    print("\nconcentration (HHI from 0 to 1; (unknown) counts as one):", *_spreads(found), sep="\n")
    return OK


def _standings(place: Place, found: Sequence[Standing]) -> Iterator[str]:
    rows = [
        (
            one.alias,
            asked_by(place, one),
            str(len(one.candidates)),
            *(_count(one, by) for by in LEGS),
            _quality(one.candidates[0].quality if one.candidates else None),
            _quality(one.elsewhere),
            "nobody" if not one.candidates else "one leg" if one.one_leg else "",
        )
        for one in found
    ]
    head = ("ALIAS", "ASKED BY", "ENDPOINTS", "PARENTS", "CLOUDS", "COUNTRIES", "FAMILIES")
    yield from table((*head, "QUALITY", "ELSEWHERE", "STANDS ON"), rows)
    if retired := sorted({name for one in found for name in one.retired}):
        yield f"no longer served, by the facts, and not counted: {', '.join(retired)}"


def _count(one: Standing, by: str) -> str:
    more = f" (+{one.unknown[by]} unknown)" if one.unknown[by] else ""
    return f"{len(one.known[by])}{more}"


def _quality(found: Interval | None) -> str:
    return "unknown" if found is None else f"{found.estimate:.2f} ({found.low:.2f}-{found.high:.2f})"


def _losses(found: Independence) -> Iterator[str]:
    pairs = [[one for one in found.without_two if one.by == by][:_PAIRS_SHOWN] for by in LOSSES]
    shown = (*found.without_one, *(one for some in pairs for one in some))
    rows = [(_lost(one), _range(one.aliases, one.aliases_at_best), _requests(one)) for one in shown]
    yield from table(("WITHOUT", "ALIASES", "REQUESTS"), rows)
    hidden = len(found.without_two) - sum(map(len, pairs))
    if hidden:
        yield f"{hidden} more pairs, which leave as much or more, with --json"


def _lost(one: Loss) -> str:
    return f"{_WORDS.get(one.by, one.by)} {' and '.join(one.lost)}"


def _range(sure: int, best: int) -> str:
    return f"{sure}" if sure == best else f"{sure} to {best}"


def _requests(one: Loss) -> str:
    sure, best = f"{one.requests:.1%}", f"{one.requests_at_best:.1%}"
    return sure if sure == best else f"{sure} to {best}"


def _spreads(found: Independence) -> Iterator[str]:
    rows = [
        (
            one.by,
            "-" if one.hhi is None else f"{one.hhi:.3f}",
            "-" if one.effective is None else f"{one.effective:.1f}",
            ", ".join(f"{name} {share:.0%}" for name, share in list(one.shares.items())[:3]),
        )
        for one in found.spreads
    ]
    yield from table(("BY", "HHI", "EFFECTIVE NUMBER", "LARGEST"), rows)
