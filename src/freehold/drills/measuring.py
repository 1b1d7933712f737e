"""From the ledger's records to what a rehearsal found. Pure: the same records give the same figures."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, inf

from freehold.drills.rehearsal import AFTER, BEFORE, DURING, NOBODY, Graded, Moment, Phase, Rehearsal
from freehold.gateway.drilling import OVER
from freehold.stats.intervals import Bounds, mean_interval, wilson
from freehold.stats.quantiles import binomial_quantile
from freehold.vocabulary.errors import Fault, NoEligibleEndpoint
from freehold.vocabulary.exchange import PASSED_OVER, Attempt, Event, Exchange, Outcome, asked
from freehold.vocabulary.report import Interval

FAILED = (Outcome.FAILED, Outcome.CUT)
ANSWERED = (Outcome.ANSWERED, Outcome.DECLINED)  # somebody answered, even if with a no
WAITED = (Fault.LIMITED, Fault.COOLING)
CONFIDENCE = 0.95
P95 = 0.95

# Whom policy let see an exchange's request, while the fault was there or not; None: its alias is not served.
Allowed = Callable[[Exchange, bool], frozenset[str] | None]


def measured(
    began: Event,
    records: Iterable[Exchange | Event],
    allowed: Allowed,
    ended: tuple[str, int],
    graded: Sequence[Graded] = (),
) -> Rehearsal:
    """What the records of a drill come to. `began` announced it; `ended`: why it ended, and when they were read."""
    about, (why, measured_ms) = began.about, ended
    drill, found = str(about["drill"]), list(records)
    over = [
        it.at_ms for it in found if isinstance(it, Event) and _is_over(it, drill) and it.at_ms <= measured_ms
    ]
    from_ms, until_ms = _whole(about["from_ms"]), _whole(about["until_ms"])
    until_ms = min(until_ms, max(over, default=until_ms))
    exchanges = sorted(
        (
            it
            for it in found
            if isinstance(it, Exchange) and it.drill == drill and ended_ms(it) <= measured_ms
        ),
        key=lambda it: it.id,
    )
    lost = _texts(about["lost"])
    parts = {
        name: [it for it in exchanges if phase(it, from_ms, until_ms) == name]
        for name in (BEFORE, DURING, AFTER)
    }
    return Rehearsal(
        drill,
        str(about["scenario"]),
        str(about["mode"]),
        float(str(about["share"])),
        str(about["who"]),
        began.at_ms,
        from_ms,
        until_ms,
        measured_ms,
        why,
        lost,
        _texts(about["changed"]),
        tuple(_phase(name, part, graded) for name, part in parts.items()),
        _detected(parts[DURING], lost, from_ms),
        _left_alone(parts[DURING], lost, from_ms),
        _restored(parts[DURING], parts[AFTER], from_ms),
        _returned(parts[AFTER], lost, until_ms),
        violations(exchanges, allowed, from_ms, until_ms),
        _texts(about["criteria"]),
        tuple(graded),
    )


def phase(exchange: Exchange, from_ms: int, until_ms: int) -> str:
    """In which part of a drill an exchange began; what the fault broke off is in it, whenever it began."""
    broken = exchange.outcome in FAILED and ended_ms(exchange) > from_ms
    if exchange.at_ms < from_ms and not broken:
        return BEFORE
    return DURING if exchange.at_ms < until_ms else AFTER


def ended_ms(exchange: Exchange) -> int:
    """When an exchange was over, Unix milliseconds."""
    return exchange.at_ms + -(-exchange.took_us // 1000)


def violations(
    exchanges: Iterable[Exchange], allowed: Allowed, from_ms: int, until_ms: int
) -> tuple[str, ...]:
    """The exchanges in which a prompt went where policy, asked again, does not allow it."""
    found = []
    for it in exchanges:
        went = {one.endpoint for one in it.attempts if one.outcome not in PASSED_OVER and it.reached(one)}
        if went and not went <= (allowed(it, from_ms <= it.at_ms < until_ms) or frozenset()):
            found.append(it.id)
    return tuple(found)


def counts(exchange: Exchange) -> bool:
    """Whether an exchange says something about who answers."""
    if exchange.outcome is Outcome.REJECTED:
        return exchange.code == NoEligibleEndpoint.code
    return exchange.outcome not in (Outcome.ABANDONED, Outcome.INTERRUPTED)


def p95(values: Sequence[float]) -> float:
    """The least of the values that 95 of 100 do not pass. Raises IndexError for none."""
    return sorted(values)[ceil(len(values) * P95) - 1]


def p95_interval(values: Sequence[float]) -> Interval | None:
    """The 95th percentile, between two order statistics (David & Nagaraja 2003, Order Statistics, sec. 7.1).

    None for fewer than 72 values: no two of them can be relied on to have it between them.
    """
    count, order = len(values), sorted(values)
    low, high = (binomial_quantile((1 + side) / 2, count, P95) for side in (-CONFIDENCE, CONFIDENCE))
    return None if high >= count else Interval(p95(values), order[low - 1], order[high], CONFIDENCE)


def _phase(name: str, exchanges: Sequence[Exchange], graded: Sequence[Graded]) -> Phase:
    part = [it for it in exchanges if counts(it)]
    good = [it for it in part if it.outcome is Outcome.ANSWERED]
    took = [it.took_us / 1000 for it in good]
    costs = [it.cost_usd for it in good if it.cost_usd is not None]
    ids = {it.id for it in good}
    marks = [one for one in graded if one.exchange in ids]
    return Phase(
        name,
        len(part),
        _share(sum(it.outcome in ANSWERED for it in part), len(part)),
        _share(sum(it.outcome in FAILED for it in part), len(part)),
        _share(sum(it.outcome is Outcome.REJECTED for it in part), len(part)),
        _share(sum(map(_is_degraded, good)), len(part)),
        sum(any(one.outcome in WAITED for one in it.attempts) for it in part),
        sum(it.outcome is Outcome.CUT for it in part),
        _by(part),
        _mean(took),
        _mean([it.first_byte_us / 1000 for it in good if it.first_byte_us is not None]),
        p95_interval(took),
        _mean(costs),
        len(good) - len(costs),
        dict(sorted(Counter(finding.kind for it in part for finding in it.findings).items())),
        _mean([one.score for one in marks], [one.cluster for one in marks], most=1.0),
        len(marks),
    )


def _by(part: Iterable[Exchange]) -> dict[str, dict[str, Interval]]:
    """Who answered each alias, and what share of it nobody did."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for it in part:
        found[it.alias][(it.endpoint if it.outcome in ANSWERED else None) or NOBODY] += 1
    return {alias: _shares(counted) for alias, counted in sorted(found.items())}


def _shares(counted: Mapping[str, int]) -> dict[str, Interval]:
    total = sum(counted.values())
    return {name: _interval(wilson(count, total, CONFIDENCE)) for name, count in sorted(counted.items())}


def _is_degraded(it: Exchange) -> bool:
    passed = any(one.outcome in (Fault.BREAKER_OPEN, *WAITED) for one in it.attempts)
    return passed or asked(it.attempts) > 1 or it.continued_by is not None


def _detected(exchanges: Iterable[Exchange], lost: Sequence[str], from_ms: int) -> Moment | None:
    """The first attempt at a lost endpoint that failed: between its beginning and its end."""
    found = [
        _moment(
            _ms(it, one, one.took_us) - from_ms,
            max(_ms(it, one) - from_ms, 0.0),
            _ms(it, one, one.took_us) - from_ms,
        )
        for it in exchanges
        for one in it.attempts
        if one.endpoint in lost and one.outcome != "ok" and one.outcome not in PASSED_OVER
    ]
    return min(found, key=lambda one: one.after_ms, default=None)


def _left_alone(exchanges: Iterable[Exchange], lost: Sequence[str], from_ms: int) -> Moment | None:
    found = [
        it.at_ms - from_ms
        for it in exchanges
        if any(one.endpoint in lost and one.outcome == Fault.BREAKER_OPEN for one in it.attempts)
    ]
    return _moment(min(found), 0.0, min(found)) if found else None


def _restored(during: Sequence[Exchange], after: Sequence[Exchange], from_ms: int) -> Moment | None:
    """The first answer to a request that came after the last that failed: between when that came, and the answer.

    How long the last one waited for its failure says nothing of those that came after it.
    """
    exchanges = [*during, *after]
    failed = [max(it.at_ms, from_ms) for it in exchanges if it.outcome in FAILED]
    if not failed:
        return _moment(0.0, 0.0, 0.0) if during else None
    again = [ended_ms(it) for it in exchanges if it.outcome in ANSWERED and it.at_ms > max(failed)]
    return _moment(min(again) - from_ms, max(failed) - from_ms, min(again) - from_ms) if again else None


def _returned(exchanges: Iterable[Exchange], lost: Sequence[str], until_ms: int) -> Moment | None:
    back = [it.at_ms - until_ms for it in exchanges if it.outcome in ANSWERED and it.endpoint in lost]
    return _moment(min(back), 0.0, min(back)) if back else None


def _moment(after_ms: float, low_ms: float, high_ms: float) -> Moment:
    """Broken numbers, also where they are whole: read again from a file, they are written the same."""
    return Moment(float(after_ms), float(low_ms), float(high_ms))


def _ms(it: Exchange, attempt: Attempt, after_us: int = 0) -> float:
    return it.at_ms + (attempt.began_us + after_us) / 1000


def _share(count: int, total: int) -> Interval | None:
    return _interval(wilson(count, total, CONFIDENCE)) if total else None


def _mean(
    values: Sequence[float], clusters: Sequence[str] | None = None, most: float = inf
) -> Interval | None:
    """Of what is never below 0, nor above `most`: nor are its bounds."""
    if len(values) < 2 or (clusters is not None and len(set(clusters)) < 2):
        return None
    estimate, low, high = mean_interval(values, clusters, CONFIDENCE)
    return Interval(estimate, max(low, 0.0), min(high, most), CONFIDENCE)


def _interval(bounds: Bounds) -> Interval:
    return Interval(*bounds, CONFIDENCE)


def _is_over(event: Event, drill: str) -> bool:
    return event.kind == OVER and event.about.get("drill") == drill


def _whole(value: object) -> int:
    return int(str(value))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
