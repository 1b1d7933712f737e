"""What each endpoint has to do, minute by minute, and what becomes of what goes beyond its limits.

A calendar minute stands for the gateway's sliding 60 seconds. Within a minute everybody who wants the same endpoint is
let in in proportion, applications of a higher priority first. What finds no room goes to whoever is next; the gateway
would have it wait a few seconds before, which is left out here, and so is a limit on requests at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from freehold.config.schema import Limit
from freehold.drills.asking import Shares, Tiers, asked
from freehold.drills.deciding import Row, was_served
from freehold.drills.simulation import Load
from freehold.drills.traffic import Group, Traffic

Floats: TypeAlias = NDArray[np.float64]
_ROUNDING = 1e-6  # requests


class Series(NamedTuple):
    """Requests and tokens of each minute that has traffic."""

    requests: Floats
    tokens: Floats

    def add(self, at: Any, requests: Floats, tokens_each: float) -> None:
        """More requests in some minutes."""
        self.requests[at] += requests
        self.tokens[at] += requests * tokens_each


class Clock:
    """The traffic of a period by minutes, as it was answered. Made once for a period, used for any scenario."""

    def __init__(self, traffic: Traffic) -> None:
        counts = {kind: _pairs(minutes) for kind, minutes in traffic.minutes.items()}
        every = [at for at, _ in counts.values()]
        self.minutes = np.unique(np.concatenate(every)) if every else np.zeros(0, np.int64)
        self.of = {kind: (np.searchsorted(self.minutes, at), many) for kind, (at, many) in counts.items()}
        self.before: dict[str, Series] = {}
        for kind, group in traffic.groups.items():
            if kind.endpoint is not None and was_served(kind) and not kind.cached:
                self.series(self.before, kind.endpoint).add(*self.of[kind], tokens(group))

    def series(self, of: dict[str, Series], endpoint: str) -> Series:
        """An endpoint's minutes; of one that has none yet, without traffic."""
        if endpoint not in of:
            of[endpoint] = Series(np.zeros(len(self.minutes)), np.zeros(len(self.minutes)))
        return of[endpoint]

    def after(self, rows: Iterable[Row]) -> dict[str, Series]:
        """The same with everybody asked who would be, whatever the limits."""
        found = {name: Series(one.requests.copy(), one.tokens.copy()) for name, one in self.before.items()}
        alike: dict[tuple[tuple[str, float], ...], Series] = {}  # rows that move in the same way, added up
        for row in rows:
            if row.kind.cached or row.as_before:
                continue
            changes = dict(row.who)
            if row.was_served and row.kind.endpoint is not None:
                changes[row.kind.endpoint] = changes.get(row.kind.endpoint, 0.0) - 1.0
            key = tuple(changes.items())
            if key not in alike:
                alike[key] = Series(np.zeros(len(self.minutes)), np.zeros(len(self.minutes)))
            alike[key].add(*self.of[row.kind], tokens(row.group))
        for changes_of_all, series in alike.items():
            for endpoint, share in changes_of_all:
                known = self.series(found, endpoint)
                known.requests[:] += series.requests * share
                known.tokens[:] += series.tokens * share
        return found


class Ranks(NamedTuple):
    """What else matters where room is short."""

    priority: Callable[[str], int]  # of an application
    changed: Callable[[str], bool]  # whether the scenario changes an endpoint's limits


def within_limits(
    clock: Clock, rows: Sequence[Row], limits: Mapping[str, Limit], ranks: Ranks
) -> tuple[Load, ...]:
    """Let what goes beyond known limits go elsewhere, in `rows`; what everybody has to do then, the busiest first."""
    wanted = clock.after(rows)
    asked_for = {name for order in {row.order for row in rows} for tier in order for name, _ in tier}
    known = {name: limits[name] for name in sorted(wanted.keys() | asked_for) if name in limits}
    for name in known:  # also of who only takes what others have no room for
        clock.series(wanted, name)
    room = {name: _room(clock, name, limit, ranks) for name, limit in known.items()}
    full = [_beyond(wanted[name], one) for name, one in room.items()]
    over = {name: float(np.mean(_beyond(wanted[name], _stated(one)))) for name, one in known.items()}
    busy = np.flatnonzero(np.logical_or.reduce(full)) if full else np.zeros(0, np.int64)
    if len(busy):
        spilling = Spilling(
            {name: Series(*(part[busy] for part in one)) for name, one in room.items()}, len(busy)
        )
        sorts = _sorts(clock, [row for row in rows if row.who.keys() & room.keys()], busy, ranks)
        spilling.place(sorts)
        for sort in sorts:
            sort.tell()
        for name, now in spilling.load.items():
            series = clock.series(wanted, name)
            for part, new in zip(series, now, strict=True):
                part[busy] = new if name in room else part[busy] + new
    busy_ones = (name for name, one in wanted.items() if name in clock.before or one.requests.any())
    names = sorted(busy_ones, key=lambda name: (-_most(wanted[name].requests), name))
    return tuple(_load(name, clock, wanted[name], limits.get(name), over.get(name, 0.0)) for name in names)


class Sort:
    """Requests that want the same: in each busy minute so many, of so many tokens each."""

    def __init__(self, order: Tiers, who: Shares, priority: int, minutes: int) -> None:
        self.order, self.who, self.priority = order, who, priority
        self.many = np.zeros(minutes)
        self.given: Shares = {}  # how many each endpoint takes
        self.limited = 0.0  # how many nobody has room for
        self._rows: list[tuple[Row, float]] = []
        self._tokens = 0.0

    @property
    def tokens(self) -> float:
        """Of each request, on average."""
        return self._tokens / max(1.0, float(self.many.sum()))

    def join(self, row: Row, at: NDArray[np.int64], many: Floats) -> None:
        """These belong to it too."""
        self.many[at] += many
        self._rows.append((row, float(many.sum())))
        self._tokens += float(many.sum()) * tokens(row.group)

    def tell(self) -> None:
        """Write into its rows what has become of it."""
        total = float(self.many.sum())
        for row, busy in self._rows:
            share = busy / row.group.exchanges
            if not share:
                continue
            names = {**self.who, **self.given}
            row.who = {
                name: (1 - share) * self.who.get(name, 0.0) + share * self.given.get(name, 0.0) / total
                for name in names
            }
            row.limited = share * self.limited / total


class _Want(NamedTuple):
    """Some of a sort ask for one endpoint, having tried others."""

    sort: Sort
    tried: frozenset[str]
    many: Floats


class Spilling:
    """Room in the busy minutes, and who takes it. `load`: of whom has no limit, only what others had no room for."""

    def __init__(self, room: Mapping[str, Series], minutes: int) -> None:
        self._room, self._minutes = room, minutes
        self.load: dict[str, Series] = {}

    def place(self, sorts: Iterable[Sort]) -> None:
        """Let everybody in where there is room, each first where it wants to be, then at whoever is next."""
        wants: dict[str, list[_Want]] = defaultdict(list)
        for sort in sorts:
            for endpoint, share in sort.who.items():
                wants[endpoint].append(_Want(sort, frozenset(), sort.many * share))
        while wants:
            rejected = [one for name, all_of in wants.items() for one in self._let_in(name, all_of)]
            wants = defaultdict(list)
            for sort, tried, many in rejected:
                others = asked(sort.order, tried)
                sort.limited += 0.0 if others else float(many.sum())
                for endpoint, share in others.items():
                    wants[endpoint].append(_Want(sort, tried, many * share))

    def _let_in(self, name: str, wants: list[_Want]) -> Iterator[_Want]:
        """Those who find no room at an endpoint."""
        load = self.load.setdefault(name, Series(np.zeros(self._minutes), np.zeros(self._minutes)))
        for priority in sorted({one.sort.priority for one in wants}, reverse=True):
            alike = [one for one in wants if one.sort.priority == priority]
            share = self._share(name, load, alike)
            for sort, tried, many in alike:
                taken = many * share
                if tried or name in self._room:
                    load.add(slice(None), taken, sort.tokens)
                sort.given[name] = sort.given.get(name, 0.0) + float(taken.sum())
                left = many - taken
                if left.max() > _ROUNDING:
                    yield _Want(sort, tried | {name}, left)

    def _share(self, name: str, load: Series, wants: Sequence[_Want]) -> Floats:
        """Which share of those who want to be let in there is room for, in each minute."""
        share = np.ones(self._minutes)
        if (room := self._room.get(name)) is None:
            return share
        wanted = (sum(one.many for one in wants), sum(one.many * one.sort.tokens for one in wants))
        for most, has, more in zip(room, load, wanted, strict=True):
            with np.errstate(divide="ignore", invalid="ignore"):
                share = np.minimum(share, np.where(more > 0, np.maximum(0.0, most - has) / more, 1.0))
        return share


def _sorts(clock: Clock, rows: Iterable[Row], busy: NDArray[np.int64], ranks: Ranks) -> Sequence[Sort]:
    """Who wants what in the busy minutes."""
    found: dict[tuple[object, ...], Sort] = {}
    place = np.full(len(clock.minutes), -1)
    place[busy] = np.arange(len(busy))
    for row in rows:
        key = (row.kind.application, row.kind.alias, row.order, *row.who.items())
        if key not in found:
            found[key] = Sort(row.order, row.who, ranks.priority(row.kind.application), len(busy))
        at, many = clock.of[row.kind]
        here = place[at] >= 0
        found[key].join(row, place[at[here]], many[here])
    return tuple(found.values())


def tokens(group: Group) -> float:
    """Of each exchange, on average of those whose tokens were counted; none where nobody counted."""
    return (group.input_tokens + group.output_tokens) / group.counted if group.counted else 0.0


def _load(name: str, clock: Clock, after: Series, limit: Limit | None, over: float) -> Load:
    before = clock.before.get(name)
    return Load(
        name,
        0 if before is None else round(_most(before.requests)),
        round(_most(after.requests)),
        None if limit is None else limit.requests_per_minute,
        0 if before is None else round(_most(before.tokens)),
        round(_most(after.tokens)),
        None if limit is None else limit.tokens_per_minute,
        over,
    )


def _most(series: Floats) -> float:
    return float(series.max(initial=0.0))


def _stated(limit: Limit) -> Series:
    requests, tokens = limit.requests_per_minute, limit.tokens_per_minute
    return Series(
        np.asarray(inf if requests is None else requests), np.asarray(inf if tokens is None else tokens)
    )


def _room(clock: Clock, name: str, limit: Limit, ranks: Ranks) -> Series:
    """What was served in fact was within the limits, whatever they say, unless the scenario changes them."""
    before = (
        clock.series({}, name) if ranks.changed(name) else clock.before.get(name) or clock.series({}, name)
    )
    return Series(*(np.maximum(most, had) for most, had in zip(_stated(limit), before, strict=True)))


def _beyond(series: Series, room: Series) -> NDArray[np.bool_]:
    """The minutes in which more is asked than there is room for."""
    return (series.requests > room.requests + _ROUNDING) | (series.tokens > room.tokens + _ROUNDING)


def _pairs(minutes: Mapping[int, int]) -> tuple[NDArray[np.int64], Floats]:
    at = np.fromiter(minutes.keys(), np.int64, len(minutes))
    return at, np.fromiter(minutes.values(), np.float64, len(minutes))
