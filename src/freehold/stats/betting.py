"""Bets on the mean of bounded values: evidence that may be looked at after every value.

Whoever bets the fraction f of a capital against "the mean is at most m" multiplies it by 1 + f (x - m) / m for
a value x in [0, 1]. Where that hypothesis holds (for each value given those before; values need not be alike or
independent), the capital is a nonnegative supermartingale, so that it ever reaches 1/alpha with chance alpha at
most (Ville 1939). The capital is spread over several fractions from the start, so that nothing is tuned
(Cover 1991): Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86
(2024), section 4. Log-capital is in nats.
"""

import math
from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from freehold.stats.multiple import log_mean
from freehold.stats.power import Moments, detectable_shift, more_values

Vector = NDArray[np.float64]

FRACTIONS: Vector = np.array([0.98, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.006])
WEIGHTS: Vector = (
    np.array([10.0, 10, 10, 10, 10, 6, 4, 3, 2, 1]) / 66
)  # small effects take long: they can wait
LEANS: Vector = np.array(
    [0.05, 0.1, 0.2, 0.4, 0.6, 0.9, 1.5, 3.0, 6.0]
)  # log-odds by which a coin is held to lean
LEAN_WEIGHTS: Vector = np.array([1.0, 1, 2, 4, 4, 3, 2, 2, 1]) / 20
STEPS = 2_000  # of the grid on which a confidence sequence keeps its values
LOG2 = math.log(2)


class Side(StrEnum):
    """What evidence is sought for."""

    ABOVE = "above"  # against: the mean is at most m
    BELOW = "below"  # against: the mean is at least m
    EITHER = "either"  # against: the mean is m


def within(value: float, low: float, high: float) -> float:
    """The value's place in [0, 1]. Raises ValueError outside the bounds: clipping would make bets unfair."""
    if not low <= value <= high:
        raise ValueError(f"{value} is not between the bounds {low:g} and {high:g} that were promised")
    return (value - low) / (high - low)


class BoundedMean:
    """An e-process against one mean of values in [low, high].

    `log_e` is the evidence now, `peak` the most there ever was: exp(-peak) is a p-value that holds at any
    moment.
    """

    def __init__(self, mean: float, low: float = 0.0, high: float = 1.0, side: Side = Side.ABOVE) -> None:
        """Raises ValueError where the mean does not lie strictly between the bounds."""
        if not low < mean < high:
            raise ValueError(f"the mean {mean:g} must lie between {low:g} and {high:g}")
        self.mean, self.low, self.high, self.side = mean, low, high, Side(side)
        self.seen = Moments()
        self.peak = 0.0
        self._null = (mean - low) / (high - low)
        self._up = np.zeros(len(FRACTIONS))
        self._down = np.zeros(len(FRACTIONS))

    def update(self, value: float) -> float:
        """Bet on one more value, and say the evidence. Raises ValueError outside the bounds."""
        place = within(value, self.low, self.high)
        self.seen.add(place)
        shift = place - self._null
        if self.side is not Side.BELOW:
            self._up += np.log1p(FRACTIONS * (shift / self._null))
        if self.side is not Side.ABOVE:
            self._down += np.log1p(FRACTIONS * (-shift / (1 - self._null)))
        log_e = self.log_e
        self.peak = max(self.peak, log_e)
        return log_e

    @property
    def n(self) -> int:
        """Values seen."""
        return self.seen.n

    @property
    def estimate(self) -> float:
        """The mean of the values seen."""
        return self.low + self.seen.mean * (self.high - self.low)

    @property
    def log_e_above(self) -> float:
        """Evidence that the mean is above; 0 where that side is not bet on."""
        return log_mean(self._up, WEIGHTS)

    @property
    def log_e_below(self) -> float:
        """Evidence that the mean is below; 0 where that side is not bet on."""
        return log_mean(self._down, WEIGHTS)

    @property
    def log_e(self) -> float:
        """Evidence against the hypothesis; on either side, half of the capital is bet on each."""
        if self.side is Side.ABOVE:
            return self.log_e_above
        if self.side is Side.BELOW:
            return self.log_e_below
        return float(np.logaddexp(self.log_e_above, self.log_e_below)) - LOG2

    def detectable(self, alpha: float = 0.05, power: float = 0.8) -> float:
        """The distance from the mean in question that would have been found by now with this power, or inf."""
        sign = -1 if self.side is Side.BELOW else 1
        shift = detectable_shift(self.seen, self._null, sign, self._needed(alpha), power)
        return shift * (self.high - self.low)

    def more(self, alpha: float = 0.05) -> int | None:
        """How many more values until e reaches 1/alpha, should their mean stay; None: it points elsewhere."""
        sign = {Side.ABOVE: 1, Side.BELOW: -1}.get(self.side, 1 if self.seen.mean > self._null else -1)
        return more_values(self.seen, self._null, sign, self.log_e, math.log(1 / alpha))

    def _needed(self, alpha: float) -> float:
        return math.log(1 / alpha) + (LOG2 if self.side is Side.EITHER else 0.0)


class ConfidenceSequence:
    """Bounds on a mean that hold at every moment at once, with confidence 1 - alpha.

    A mean is kept while neither the bet that it is too low nor the bet that it is too high has won 2/alpha
    (hedged capital; Waudby-Smith & Ramdas 2024). With fixed fractions the capital depends only on how often
    each value was seen, and is monotone in the mean: so the bounds are exact roots, and counts are all there is
    to keep. Values between two points of the grid count as the worse of them, which costs at most a 2,000th of
    the range.
    """

    def __init__(self, low: float = 0.0, high: float = 1.0, alpha: float = 0.05) -> None:
        """Raises ValueError for an empty range, or an alpha outside (0, 1)."""
        if not low < high or not 0 < alpha < 1:
            raise ValueError(f"no confidence sequence on [{low:g}, {high:g}] with alpha {alpha:g}")
        self.low, self.high, self.alpha = low, high, alpha
        self.seen = Moments()
        self._floors: dict[int, int] = {}
        self._ceilings: dict[int, int] = {}

    def update(self, value: float) -> None:
        """Take one more value in. Raises ValueError outside the bounds."""
        place = within(value, self.low, self.high)
        self.seen.add(place)
        steps = round(place * STEPS, 9)
        for counts, step in ((self._floors, math.floor(steps)), (self._ceilings, math.ceil(steps))):
            counts[step] = counts.get(step, 0) + 1

    @property
    def n(self) -> int:
        """Values seen."""
        return self.seen.n

    @property
    def estimate(self) -> float:
        """The mean of the values seen."""
        return self.low + self.seen.mean * (self.high - self.low)

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and upper bound now."""
        threshold, span = math.log(2 / self.alpha), self.high - self.low
        lower = _rejected_up_to(_counted(self._floors), self.seen.mean, threshold)
        upper = 1 - _rejected_up_to(self._mirrored(), 1 - self.seen.mean, threshold)
        return self.low + lower * span, self.low + upper * span

    def covers(self, mean: float) -> bool:
        """Whether the mean is between the bounds now; quicker than they are."""
        place, threshold = within(mean, self.low, self.high), math.log(2 / self.alpha)
        if place in (0.0, 1.0):
            return mean in self.interval
        above = _log_capital(_counted(self._floors), place)
        return above < threshold and _log_capital(self._mirrored(), 1 - place) < threshold

    def _mirrored(self) -> tuple[Vector, Vector]:
        return _counted({STEPS - step: count for step, count in self._ceilings.items()})


def _counted(counts: Mapping[int, int]) -> tuple[Vector, Vector]:
    return np.array(list(counts), float) / STEPS, np.array(list(counts.values()), float)


def _log_capital(counted: tuple[Vector, Vector], null: float) -> float:
    """What the bet on more than this mean has won."""
    values, counts = counted
    return log_mean(np.log1p(FRACTIONS[:, None] * (values / null - 1)) @ counts, WEIGHTS)


def _rejected_up_to(counted: tuple[Vector, Vector], mean: float, threshold: float) -> float:
    """The largest mean in [0, 1] that the bet on more has refuted; the capital falls as the mean grows."""
    low, high = 0.0, min(max(mean, 0.0), 1.0)
    if high < 1e-9:
        return 0.0
    for _ in range(34):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_capital(counted, middle) >= threshold else (low, middle)
    return low


def mean_chance(total: float, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Bounds on the mean of the expectations that n values in [0, 1] with this sum had, each given those before it.

    They hold at every moment at once with confidence 1 - alpha, and the expectations may change in whatever way, as
    those of a learner do. For each lean l, exp(l * sum) over the product of 1 + m (e^l - 1) over the expectations m is
    a nonnegative supermartingale (Hoeffding 1963, inequality 4.16), and that product is largest where all are alike.
    """
    if not n:
        return 0.0, 1.0
    threshold = math.log(2 / alpha)
    return _too_low(total, n, threshold), 1 - _too_low(n - total, n, threshold)


def _too_low(total: float, n: int, threshold: float) -> float:
    """The largest mean that so large a sum refutes."""
    low, high = 0.0, total / n
    for _ in range(34):
        middle = (low + high) / 2
        capital = log_mean(LEANS * total - n * np.log1p(middle * np.expm1(LEANS)), LEAN_WEIGHTS)
        low, high = (middle, high) if capital >= threshold else (low, middle)
    return low


class PairedMean:
    """The mean of differences a - b of two scores of the same thing, each in [0, `limit`].

    Holds, each valid at any moment: evidence that the mean is not 0 (`log_e`), above 0 or below 0; with a
    margin, that it is above -margin (`not_worse`), and that it is between -margin and margin
    (`log_e_equivalent`: the lesser of two one-sided e-processes is one against the union of both; Schuirmann
    1987 for the two one-sided tests); and a confidence sequence. The margin is fixed before the first pair.
    """

    def __init__(self, margin: float | None = None, alpha: float = 0.05, limit: float = 1.0) -> None:
        """Raises ValueError where the margin is not between 0 and the limit."""
        if margin is not None and not 0 < margin < limit:
            raise ValueError(f"the margin {margin:g} must lie between 0 and {limit:g}")
        self.margin, self.alpha, self.limit = margin, alpha, limit
        self.zero = BoundedMean(0.0, -limit, limit, Side.EITHER)
        self.sequence = ConfidenceSequence(-limit, limit, alpha)
        self.not_worse = None if margin is None else BoundedMean(-margin, -limit, limit, Side.ABOVE)
        self.not_better = None if margin is None else BoundedMean(margin, -limit, limit, Side.BELOW)

    def update(self, a: float, b: float = 0.0) -> float:
        """One more pair; or one difference alone. Says `log_e`. Raises ValueError outside the bounds."""
        difference = a - b
        log_e = self.zero.update(difference)
        self.sequence.update(difference)
        for test in (self.not_worse, self.not_better):
            if test is not None:
                test.update(difference)
        return log_e

    @property
    def n(self) -> int:
        """Pairs seen."""
        return self.zero.n

    @property
    def estimate(self) -> float:
        """The mean difference so far."""
        return self.zero.estimate

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds on the mean difference that hold at every moment."""
        return self.sequence.interval

    @property
    def log_e(self) -> float:
        """Evidence that the mean difference is not 0."""
        return self.zero.log_e

    @property
    def log_e_equivalent(self) -> float:
        """Evidence that the mean difference lies within the margin. Raises ValueError without a margin."""
        return min(self._margin_test(self.not_worse).log_e, self._margin_test(self.not_better).log_e)

    def is_different(self, alpha: float | None = None) -> bool:
        """Whether evidence of a difference has ever sufficed."""
        return self.zero.peak >= self._threshold(alpha)

    def is_not_worse(self, alpha: float | None = None) -> bool:
        """Whether evidence against "worse by the margin" has ever sufficed."""
        return self._margin_test(self.not_worse).peak >= self._threshold(alpha)

    def is_equivalent(self, alpha: float | None = None) -> bool:
        """Whether both one-sided tests have ever sufficed; at once is not needed."""
        return self.is_not_worse(alpha) and self._margin_test(self.not_better).peak >= self._threshold(alpha)

    def detectable(self, power: float = 0.8) -> float:
        """The difference that would have been found by now with this power; inf: none."""
        return self.zero.detectable(self.alpha, power)

    def more(self) -> int | None:
        """How many more pairs until the difference so far is found."""
        return self.zero.more(self.alpha)

    def _threshold(self, alpha: float | None) -> float:
        return math.log(1 / (self.alpha if alpha is None else alpha))

    def _margin_test(self, test: BoundedMean | None) -> BoundedMean:
        if test is None:
            raise ValueError("there is no margin to hold the difference against")
        return test
