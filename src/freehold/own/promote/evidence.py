"""Whether pairs say that an own model is not worse than who it would replace, by more than what is allowed.

The test is a bet on bounded differences (`stats.betting.PairedMean`), one difference a cluster, that may be looked at
as often as one likes: a model that is worse by the margin passes with chance alpha at most, however often it is tried
on more pairs. Clusters that are all there from the start are taken in an order that their digests draw, so that nobody
chooses it; what comes by and by is taken as it came.
"""

import math
from collections.abc import Iterable, Mapping
from hashlib import sha256
from statistics import fmean

import msgspec
from msgspec import Struct

from freehold.own.evaluate.report import Pair
from freehold.stats.betting import PairedMean
from freehold.vocabulary.report import AuditVerdict, Interval

LIVE = "live"  # pairs of an exchange and its copy


class Evidence(Struct, frozen=True, omit_defaults=True):
    """What some pairs come to."""

    source: str  # "held out", "tasks" or "live"
    against: str
    pairs: int
    clusters: int
    verdict: AuditVerdict
    difference: Interval | None  # of points from 0 to 1, own less incumbent; None: there are no pairs
    e_value: float  # against "worse by delta or more"; 1/alpha is enough
    delta: float
    alpha: float
    more: int | None = None  # about so many more clusters until it suffices; None: it points elsewhere
    digest: str = ""  # SHA-256 of the pairs, in hex

    @property
    def suffices(self) -> bool:
        """Whether the model is not worse."""
        return self.verdict is AuditVerdict.NOT_WORSE

    @property
    def words(self) -> str:
        """The verdict, with what is missing."""
        if self.verdict is AuditVerdict.CANT_TELL_YET:
            if not self.pairs:
                return "can't tell yet: there are no pairs"
            if self.more is None:
                return f"can't tell yet: the pairs so far point to worse by {self.delta:g} or more"
            unit = "pair" if self.clusters == self.pairs else "cluster"
            return (
                f"can't tell yet: about {self.more} more {unit}{'s' * (self.more != 1)} like these are needed"
            )
        return self.verdict.value


def judged(pairs: Iterable[Pair], delta: float, alpha: float, *, drawn: bool = True) -> Evidence:
    """What pairs of one source come to. `drawn`: they were all there from the start."""
    known = list(pairs)
    digest = sha256(b"".join(sorted(map(msgspec.json.encode, known)))).hexdigest()
    means = _differences(known)
    order = sorted(means, key=lambda name: sha256(f"{digest}/{name}".encode()).digest()) if drawn else means
    test = PairedMean(delta, alpha)
    for name in order:
        test.update(means[name])
    sources, against = ("+".join(sorted({part(one) for one in known})) for part in (_source, _against))
    assert test.not_worse is not None  # noqa: S101 - it has a margin
    return Evidence(
        sources,
        against,
        len(known),
        len(means),
        _verdict(test),
        Interval(test.estimate, *test.interval, 1 - alpha, True) if known else None,
        math.exp(min(test.not_worse.peak, 700.0)),
        delta,
        alpha,
        test.not_worse.more(alpha),
        digest,
    )


def _verdict(test: PairedMean) -> AuditVerdict:
    """Worse by the margin for sure comes first; a little worse for sure may still be not worse by the margin."""
    high = test.interval[1]
    if test.n and high < -(test.margin or 0.0):
        return AuditVerdict.WORSE
    if test.is_not_worse():
        return AuditVerdict.NOT_WORSE
    return AuditVerdict.WORSE if test.n and high < 0 else AuditVerdict.CANT_TELL_YET


def _differences(pairs: Iterable[Pair]) -> Mapping[str, float]:
    """By cluster, in the order in which they came."""
    found: dict[str, list[float]] = {}
    for one in pairs:
        found.setdefault(one.cluster, []).append(one.own - one.incumbent)
    return {name: fmean(inside) for name, inside in found.items()}


def _source(one: Pair) -> str:
    return one.source


def _against(one: Pair) -> str:
    return one.against
