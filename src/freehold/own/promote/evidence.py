"""Whether pairs say that an own model is not worse than who it would replace, by more than what is allowed.

The test is a bet on bounded differences (`stats.betting.PairedMean`), one difference a cluster: a model that is worse
by the margin passes with chance alpha at most. Of clusters that are all there from the start the whole product counts,
in which their order is nothing. What comes by and by may be looked at as often as one likes, and is taken as it came.

Bits have no worst value that would be near to what is seen, and a bet must be able to pay its worst loss. So a
cluster's difference in bits counts up to `REACH` margins, in either sense. What that leaves out, and clusters of
different sizes, are held to another look: over all that was weighed the model must not be worse by the margin either.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from statistics import fmean

import msgspec
from msgspec import Struct

from freehold.own.evaluate.report import Pair
from freehold.stats.betting import PairedMean
from freehold.vocabulary.report import AuditVerdict, Interval

LIVE = "live"  # pairs of an exchange and its copy
REACH = 20.0  # margins that a cluster's difference in bits counts up to


class Evidence(Struct, frozen=True, omit_defaults=True):
    """What some pairs come to."""

    source: str  # "held out", "tasks" or "live"
    against: str
    pairs: int
    clusters: int
    verdict: AuditVerdict
    difference: Interval | None  # own less incumbent, in points or bits, a cluster; None: there are no pairs
    whole: float  # the same over all that was weighed, each byte alike; 0 without pairs
    e_value: float  # against "worse by delta or more"; 1/alpha is enough
    delta: float
    alpha: float
    unit: str = ""  # "bits"; "": points of 1
    more: int | None = None  # about so many more clusters until it suffices; None: it points elsewhere
    digest: str = ""  # SHA-256 of the pairs, in hex

    @property
    def suffices(self) -> bool:
        """Whether the model is not worse."""
        return self.verdict is AuditVerdict.NOT_WORSE

    @property
    def words(self) -> str:
        """The verdict, with what is missing."""
        if self.verdict is not AuditVerdict.CANT_TELL_YET:
            return self.verdict.value
        if not self.pairs:
            return "can't tell yet: there are no pairs"
        margin = f"{self.delta:g}{f' {self.unit}' if self.unit else ''}"
        if self.e_value >= 1 / self.alpha:
            over_all = f"{-self.whole:.3g}{f' {self.unit}' if self.unit else ''}"
            return (
                f"can't tell yet: by clusters it is not worse by {margin}, but over all of them by {over_all}"
            )
        if self.more is None:
            return f"can't tell yet: the pairs so far point to worse by {margin} or more"
        kind = "pair" if self.clusters == self.pairs else "cluster"
        return f"can't tell yet: about {self.more} more {kind}{'s' * (self.more != 1)} like these are needed"


def judged(pairs: Iterable[Pair], delta: float, alpha: float, *, drawn: bool = True) -> Evidence:
    """What pairs of one source come to, with a margin in points or in bits. `drawn`: they were all there at once."""
    known = list(pairs)
    bits = known[0].bits if known else 0.0
    scale = bits or 1.0
    margin = delta / scale
    limit = min(1.0, REACH * margin) if bits else 1.0
    means = _differences(known)
    test = PairedMean(margin, alpha, limit)
    for name in sorted(means) if drawn else means:
        test.update(min(limit, max(-limit, means[name])))
    sources, against = ("+".join(sorted({part(one) for one in known})) for part in (_source, _against))
    whole = _mean(known)
    assert test.not_worse is not None  # noqa: S101 - it has a margin
    log_e = test.not_worse.log_e if drawn else test.not_worse.peak
    low, high = test.interval
    return Evidence(
        sources,
        against,
        len(known),
        len(means),
        _verdict(test, passed=log_e >= math.log(1 / alpha) and whole >= -margin),
        Interval(test.estimate * scale, low * scale, high * scale, 1 - alpha, True) if known else None,
        whole * scale,
        math.exp(min(log_e, 700.0)),
        delta,
        alpha,
        "bits" if bits else "",
        test.not_worse.more(alpha),
        sha256(b"".join(sorted(map(msgspec.json.encode, known)))).hexdigest(),
    )


def spent(alpha: float, tries: int) -> float:
    """What is left of alpha for one more try, of any number: all of them together come to twice alpha at most."""
    return 2 * alpha / (tries * (tries + 1))


def _verdict(test: PairedMean, *, passed: bool) -> AuditVerdict:
    """Worse by the margin for sure comes first; a little worse for sure may still be not worse by the margin."""
    high = test.interval[1]
    if test.n and high < -(test.margin or 0.0):
        return AuditVerdict.WORSE
    if passed:
        return AuditVerdict.NOT_WORSE
    return AuditVerdict.WORSE if test.n and high < 0 else AuditVerdict.CANT_TELL_YET


def _differences(pairs: Iterable[Pair]) -> Mapping[str, float]:
    """By cluster, in the order in which they came."""
    found: dict[str, list[Pair]] = {}
    for one in pairs:
        found.setdefault(one.cluster, []).append(one)
    return {name: _mean(inside) for name, inside in found.items()}


def _mean(pairs: Sequence[Pair]) -> float:
    weights = [one.weight for one in pairs]
    return fmean([one.own - one.incumbent for one in pairs], weights) if pairs else 0.0


def _source(one: Pair) -> str:
    return one.source


def _against(one: Pair) -> str:
    return one.against
