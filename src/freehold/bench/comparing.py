"""From lines to a report: differences that all hold at once, what each costs, and the gaps between groups.

Intervals of a report hold together with 95 %: each pair gets its share of the chance to be wrong (Bonferroni). So the
best of a group may be picked after looking, and a gap made from the pairs' bounds is as sure as they are: the best of
one group is ahead of the best of another by max over the one of min over the other of their differences, which only
grows with each.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import combinations, groupby
from statistics import fmean, median, quantiles
from typing import NamedTuple

import msgspec
import numpy as np

from freehold.bench.results import Judgement, Line, Plan, Sample
from freehold.bench.standing import UNKNOWN, BenchReport, Difference, Gap, Rank, Seat, Standing, Traits
from freehold.bench.stopping import ALPHA, ALPHA_EARLY, Clusters
from freehold.bench.values import Pair, Values, pairs
from freehold.stats.betting import ConfidenceSequence
from freehold.stats.bradley_terry import bradley_terry
from freehold.stats.intervals import clopper_pearson, mean_interval, wilson
from freehold.vocabulary.report import Interval

FIXED_CLUSTERS_MIN = (
    30  # fewer, or fewer that differ, and Student's t is not to be trusted: then a bet's bounds
)
DIFFERING_MIN = 10
TraitsOf = Callable[[str], Traits]


class Ended(NamedTuple):
    """How a bench came to its end."""

    why: str
    clusters: Mapping[str, int]  # the size of each in the plan
    complete: frozenset[str]  # subjects that were asked everything
    bounds: Callable[[Pair], tuple[float, float]] | None = (
        None  # what held at any moment; None: nobody looked
    )
    notes: tuple[str, ...] = ()


def report(plan: Plan, lines: Sequence[Line], ended: Ended, traits_of: TraitsOf) -> BenchReport:
    """What was found. `traits_of` says what is known of an endpoint."""
    values = Values(lines)
    samples = [line for line in lines if isinstance(line, Sample)]
    standings = [_standing(subject, samples, values, ended, traits_of) for subject in plan.subjects]
    standings.sort(key=lambda one: one.quality.estimate if one.quality else -1.0, reverse=True)
    names = [one.subject for one in standings]
    differences = tuple(_difference(pair, values, ended, len(pairs(names))) for pair in pairs(names))
    rulings = [line for line in lines if isinstance(line, Judgement)]
    ranks, notes = _ranks(names, rulings)
    return BenchReport(
        plan.id,
        plan.at_ms,
        plan.tasks,
        plan.digest,
        sha256(b"".join(msgspec.json.encode(line) + b"\n" for line in lines)).hexdigest(),
        len(values.cluster),
        max(plan.cases, sum(ended.clusters.values())),  # clusters are asked whole
        len(set(values.cluster.values())),
        plan.repeats,
        ended.why,
        tuple(standings),
        differences,
        tuple(_gaps(standings, differences)),
        ranks,
        _seat(plan.judge or "", rulings) if rulings else None,
        (*ended.notes, *notes, *_failures(plan, samples, rulings), *_notes(plan, standings)),
    )


def _standing(
    subject: str, samples: Sequence[Sample], values: Values, ended: Ended, traits_of: TraitsOf
) -> Standing:
    own = [one for one in samples if one.subject == subject]
    good = [one for one in own if one.error is None]
    endpoints = tuple(dict.fromkeys(one.endpoint for one in good if one.endpoint is not None))
    known = [traits_of(endpoint) for endpoint in endpoints]
    opened, origins = {one.open_weights for one in known}, {one.origin for one in known}
    words = {True: "open", False: "closed", None: UNKNOWN}
    costs = [one.cost_usd for one in own if one.cost_usd is not None]
    times = [one.took_us / 1000 for one in good if one.took_us is not None]
    points = values.quality(subject)
    return Standing(
        subject,
        endpoints,
        words[opened.pop()] if len(opened) == 1 else UNKNOWN,
        (origins.pop() if len(origins) == 1 else None) or UNKNOWN,
        len({one.case for one in good}),
        len(good),
        len(own) - len(good),
        _quality(values.clustered(points), subject in ended.complete, ended.clusters),
        sum(costs) if costs else None,
        sum(one.cost_usd is None for one in good),
        median(times) if times else None,
        quantiles(times, n=20)[-1] if len(times) > 1 else None,
        sum(bool(one.findings) for one in good),
    )


def _quality(
    points: Mapping[str, Sequence[float]], complete: bool, sizes: Mapping[str, int]
) -> Interval | None:
    """The mean over cases, by itself. Exact for single answers that are right or wrong."""
    if not points:
        return None
    flat = [value for inside in points.values() for value in inside]
    estimate = fmean(flat)
    if complete and len(flat) == len(points) and set(flat) <= {0.0, 1.0}:
        bounds = clopper_pearson(round(sum(flat)), len(flat))
        return Interval(estimate, bounds.low, bounds.high)
    if complete and _enough(points):
        _, low, high = mean_interval(flat, _labels(points))
        return Interval(estimate, max(0.0, low), min(1.0, high))
    low, high = _bets(points, sizes, (0.0, 1.0), ALPHA)
    return Interval(estimate, low, high, anytime=True)


def _difference(pair: Pair, values: Values, ended: Ended, among: int) -> Difference:
    found = values.differences(*pair)
    points = values.clustered(found)
    counts = (*pair, None, len(found), len(points))
    if not found:
        return Difference(*counts)
    complete = set(pair) <= ended.complete
    spent = 0.0 if ended.bounds is None else ALPHA_EARLY
    low, high = (-1.0, 1.0) if ended.bounds is None else ended.bounds(pair)
    anytime = True
    if complete or ended.bounds is None:
        closer, anytime = _at_the_end(points, ended.clusters, (ALPHA - spent) / among, complete)
        low, high = _both((low, high), closer)
    interval = Interval(fmean(found.values()), low, high, 1 - ALPHA, anytime)
    return Difference(*pair, interval, len(found), len(points))


def _at_the_end(
    points: Mapping[str, Sequence[float]], sizes: Mapping[str, int], alpha: float, complete: bool
) -> tuple[tuple[float, float], bool]:
    """Bounds for one look, and whether they would hold for more."""
    if complete and _enough(points):
        flat = [value for inside in points.values() for value in inside]
        _, low, high = mean_interval(flat, _labels(points), 1 - alpha)
        return (max(-1.0, low), min(1.0, high)), False
    return _bets(points, sizes, (-1.0, 1.0), alpha), True


def _both(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Where both hold; should they exclude each other, the second."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else other


def _enough(points: Mapping[str, Sequence[float]]) -> bool:
    means = [fmean(inside) for inside in points.values()]
    usual = max(means.count(one) for one in set(means))
    return len(means) >= FIXED_CLUSTERS_MIN and len(means) - usual >= DIFFERING_MIN


def _labels(points: Mapping[str, Sequence[float]]) -> list[int]:
    return [place for place, inside in enumerate(points.values()) for _ in inside]


def _bets(
    points: Mapping[str, Sequence[float]], sizes: Mapping[str, int], ends: tuple[float, float], alpha: float
) -> tuple[float, float]:
    sequence, clusters = ConfidenceSequence(*ends, alpha), Clusters(sizes)
    for name, inside in points.items():
        sequence.update(clusters.term(name, inside))
    return clusters.stretched(sequence.interval, *ends)


def _gaps(standings: Sequence[Standing], differences: Sequence[Difference]) -> list[Gap]:
    bounds: dict[Pair, Interval] = {}
    for one in differences:
        if one.interval is not None:
            bounds[one.first, one.second] = one.interval
            bounds[one.second, one.first] = _negated(one.interval)
    found = []
    for by, group_of in (("weights", lambda one: one.weights), ("origin", lambda one: one.origin)):
        rated = sorted((one for one in standings if one.quality is not None), key=group_of)
        groups = {name: [one.subject for one in inside] for name, inside in groupby(rated, key=group_of)}
        best = {
            name: max(groups[name], key=[one.subject for one in standings][::-1].index) for name in groups
        }
        for first, second in combinations(sorted(groups, key=lambda name: name == UNKNOWN), 2):
            interval = _gap(groups[first], groups[second], bounds)
            if interval is not None:
                found.append(Gap(by, first, second, best[first], best[second], interval))
    return found


def _gap(first: Sequence[str], second: Sequence[str], bounds: Mapping[Pair, Interval]) -> Interval | None:
    if any((one, other) not in bounds for one in first for other in second):
        return None

    def ahead(part: Callable[[Interval], float]) -> float:
        return max(min(part(bounds[one, other]) for other in second) for one in first)

    return Interval(ahead(lambda one: one.estimate), ahead(lambda one: one.low), ahead(lambda one: one.high))


def _negated(one: Interval) -> Interval:
    return Interval(-one.estimate, -one.high, -one.low, one.confidence, one.anytime)


def _ranks(names: Sequence[str], rulings: Sequence[Judgement]) -> tuple[tuple[Rank, ...], tuple[str, ...]]:
    """Bradley and Terry's strengths; a pair of verdicts that contradict each other is a tie."""
    decided = [one for one in rulings if one.preference is not None]
    met = [name for name in names if any(name in (one.first, one.second) for one in decided)]
    if len(met) < 2:
        return (), ()
    place = {name: number for number, name in enumerate(met)}
    wins, ties = np.zeros((len(met), len(met))), np.zeros((len(met), len(met)))
    for one in decided:
        first, second = place[one.first], place[one.second]
        if one.preference == 0:
            ties[first, second] += 1
            ties[second, first] += 1
        else:
            winner, loser = (first, second) if (one.preference or 0) > 0 else (second, first)
            wins[winner, loser] += 1
    notes: tuple[str, ...] = ()
    try:
        ratings = bradley_terry(wins, ties)
    except ValueError:
        ratings = bradley_terry(wins, ties, pseudo_wins=0.5)
        notes = ("somebody won or lost every comparison: half a win each way was added to every pair",)
    bounds = [ratings.interval(number) for number in range(len(met))]
    ranks = [Rank(name, Interval(*bound)) for name, bound in zip(met, bounds, strict=True)]
    ranks.sort(key=lambda one: one.strength.estimate, reverse=True)
    return tuple(ranks), notes


def _seat(judge: str, rulings: Sequence[Judgement]) -> Seat:
    """How often seat A won: in the straight order the first contestant sits there, in the swapped one the second."""
    seat_a = sum(one.straight == "first" for one in rulings) + sum(one.swapped == "second" for one in rulings)
    seat_b = sum(one.straight == "second" for one in rulings) + sum(one.swapped == "first" for one in rulings)
    both = [one for one in rulings if one.straight is not None and one.swapped is not None]
    agreed = sum(one.straight == one.swapped for one in both)
    missing = sum((one.straight is None) + (one.swapped is None) for one in rulings)
    costs = [one.cost_usd for one in rulings if one.cost_usd is not None]
    return Seat(
        judge,
        len(rulings),
        Interval(*wilson(seat_a, seat_a + seat_b)) if seat_a + seat_b else None,
        Interval(*wilson(agreed, len(both))) if both else None,
        missing,
        sum(costs) if costs else None,
    )


def _failures(plan: Plan, samples: Sequence[Sample], rulings: Sequence[Judgement]) -> Iterator[str]:
    """Who gave no answer, how often and why; the judge, too."""
    told = []
    for subject in plan.subjects:
        own = [one for one in samples if one.subject == subject]
        if errors := [one.error for one in own if one.error is not None]:
            told.append(f"{len(errors)} of {len(own)} by {subject} ({_reasons(errors)})")
    if told:
        yield f"calls without an answer: {', '.join(told)}; what they would have said is not known"
    if errors := [error for one in rulings for error in one.errors]:
        yield f"the judge gave no answer to {len(errors)} of {2 * len(rulings)} calls ({_reasons(errors)})"


def _reasons(errors: Sequence[str]) -> str:
    """The codes of errors, the most frequent first."""
    return ", ".join(code for code, _ in Counter(one.partition(":")[0] for one in errors).most_common(3))


def _notes(plan: Plan, standings: Sequence[Standing]) -> list[str]:
    notes = []
    several = [one.subject for one in standings if len(one.endpoints) > 1]
    if several:
        notes.append(f"several endpoints answered for {', '.join(several)}")
    judges = {endpoint for one in standings if one.subject == plan.judge for endpoint in one.endpoints}
    if judges or plan.judge in {endpoint for one in standings for endpoint in one.endpoints}:
        notes.append(f"the judge {plan.judge} is one of those compared, and may prefer its own words")
    return notes
