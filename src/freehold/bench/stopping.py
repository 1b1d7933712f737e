"""When enough is known: a bench that looks after every cluster and stops asking where a difference is clear.

Each pair has a confidence sequence, which holds however often one looks (`stats/betting.py`). The chance that any of
them is ever wrong is ALPHA_EARLY at most, shared out over the pairs; what is left of ALPHA is for intervals at the
planned end.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from freehold.bench.values import Pair, Values, pairs
from freehold.stats.betting import BoundedMean, ConfidenceSequence, Side

ALPHA, ALPHA_EARLY = 0.05, 0.01
FAILURES_MAX = 10  # calls that failed, one after the other and from the beginning: nobody answers there


class Clusters:
    """Brings clusters of different sizes to one scale.

    The mean over cases is the mean over clusters of (size / mean size) times the cluster's mean. Divided by the largest
    size in place of the mean one, each term stays within the bounds of its values.
    """

    def __init__(self, sizes: Mapping[str, float]) -> None:
        self.sizes = sizes
        self._largest = max(sizes.values(), default=1)
        self._stretch = self._largest / fmean(sizes.values()) if sizes else 1.0

    def term(self, cluster: str, values: Sequence[float]) -> float:
        """What a cluster is worth, between the bounds of its values and 0."""
        return fmean(values) * self.sizes[cluster] / self._largest

    def stretched(self, bounds: tuple[float, float], low: float, high: float) -> tuple[float, float]:
        """Bounds on the mean of terms as bounds on the mean over cases."""
        return max(low, bounds[0] * self._stretch), min(high, bounds[1] * self._stretch)


class Race:
    """Which pairs are still open, and so who is still to be asked."""

    def __init__(self, subjects: Sequence[str], sizes: Mapping[str, int], *, early: bool) -> None:
        self._subjects = tuple(subjects)
        self._clusters = Clusters(sizes)
        self._early = early
        alpha = ALPHA_EARLY / max(1, len(pairs(subjects)))
        self._needed = math.log(2 / alpha)
        self._bets = {pair: BoundedMean(0.0, -1.0, 1.0, Side.EITHER) for pair in pairs(subjects)}
        self._sequences = {pair: ConfidenceSequence(-1.0, 1.0, alpha) for pair in pairs(subjects)}
        self._in_a_row = dict.fromkeys(subjects, 0)
        self._silent: set[str] = set()
        self.decided: set[Pair] = set()

    def take(self, cluster: str, values: Values) -> None:
        """Look at one more cluster, of which everybody who was to be asked has been asked."""
        for pair, bet in self._bets.items():
            points = values.differences(*pair)
            if not points:
                continue
            term = self._clusters.term(cluster, list(points.values()))
            bet.update(term)
            self._sequences[pair].update(term)
            if max(bet.log_e_above, bet.log_e_below) >= self._needed and not self._sequences[pair].covers(
                0.0
            ):
                self.decided.add(pair)

    def called(self, subject: str, *, failed: bool) -> None:
        """A call is over. Who never answers is not asked for ever."""
        count = self._in_a_row[subject]
        if count >= 0:
            self._in_a_row[subject] = count + 1 if failed else -1
        if self._in_a_row[subject] >= FAILURES_MAX:
            self._silent.add(subject)

    @property
    def silent(self) -> tuple[str, ...]:
        """Subjects that never answered."""
        return tuple(one for one in self._subjects if one in self._silent)

    @property
    def active(self) -> tuple[str, ...]:
        """Who is still to be asked: whoever has an open difference with somebody who answers."""
        left = [one for one in self._subjects if one not in self._silent]
        if not self._early or len(left) < 2:
            return tuple(left)
        still = {one for pair in pairs(left) if pair not in self.decided for one in pair}
        return tuple(one for one in left if one in still)

    def bounds(self, pair: Pair) -> tuple[float, float]:
        """What is known of a pair's mean difference over cases, at any moment; in either order."""
        if pair not in self._sequences:
            low, high = self.bounds(pair[::-1])
            return -high, -low
        return self._clusters.stretched(self._sequences[pair].interval, -1.0, 1.0)
