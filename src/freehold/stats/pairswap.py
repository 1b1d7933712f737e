"""Can two sources of texts be told apart? A bet on which of two answers to one prompt came from which.

Hypothesis tested: given the prompt and all that came before, the two answers are exchangeable. Then the pair (a, b)
and the pair (b, a) are equally likely, and for any score s that changes sign when the pair is turned around,
2 * Phi(s) has expectation 1, whatever past pairs taught s. The product over pairs is a nonnegative martingale
(a test supermartingale, Ville 1939): it exceeds 1/alpha with probability at most alpha, however often one looks.
No coin has to be flipped, so a verdict can be recomputed from the answers alone.

Does not say why two sources differ, nor which is better. It presumes that both were asked alike: in random
order, at mixed times, with equal settings; whatever differs between the two ways of asking is a difference, too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from freehold.stats.betting import mean_chance
from freehold.stats.differences import Array, Rows, difference, total
from freehold.stats.ensemble import USUAL, Ensemble, Pair
from freehold.stats.features import SHAPES, families

MOST_SCORES = 8  # kinds of bounded scores
Scores = Mapping[str, tuple[float, float]]
NO_SCORES: Scores = {}


@dataclass(frozen=True, slots=True)
class Effect:
    """The share of pairs put in the right order, learning included, with bounds that hold at any moment."""

    accuracy: float
    low: float
    high: float
    n: int


class PairSwap:
    """An e-process against "a and b answer alike". log_e is in nats, `peak` is the most it ever was."""

    def __init__(self, capacity: int = 1_000) -> None:
        """`capacity`: pairs to learn from; beyond it, betting goes on with what was learned."""
        self.capacity, self.right, self.log_e, self.peak = capacity, 0.0, 0.0, 0.0
        self.history: list[float] = []
        self._rows = {family: Rows() for family in USUAL}
        self._sums = Rows()
        self._score_names: dict[str, int] = {}
        self._ensemble = Ensemble(len(SHAPES), MOST_SCORES, capacity)

    @property
    def n(self) -> int:
        """Pairs seen."""
        return len(self.history)

    def update(self, a: str, b: str, prompt: str = "", scores: Scores = NO_SCORES) -> float:
        """Bet on one more pair; gives log_e. A prompt may come again: each of its pairs is one more bet.

        `scores`: what else is known of both answers, as numbers of about unit size (a judge's, a length in
        proportion to its limit); they must come from something that does not know which is which. Raises ValueError
        where there are more kinds of scores than MOST_SCORES.
        """
        gain = self._ensemble.bet(self._pair(a, b, prompt, scores))
        # The mixture's bet pays more than it cost exactly where it held the true order for the likelier one.
        self.right += 0.5 * (1.0 + float(np.sign(gain)))
        self.log_e += gain
        self.peak = max(self.peak, self.log_e)
        self.history.append(self.log_e)
        return self.log_e

    def effect(self, alpha: float = 0.05) -> Effect:
        """Accuracy so far; its bounds cover the mean of the chances to be right, whatever learning does to them."""
        if not self.n:
            return Effect(0.5, 0.0, 1.0, 0)
        return Effect(self.right / self.n, *mean_chance(self.right, self.n, alpha), self.n)

    def detectable(self, alpha: float = 0.05) -> float:
        """The accuracy at which pairs as many as these would by now have reached e = 1/alpha, about.

        A bet with a known chance p gains log 2 - H(p) nats a pair; learning one chance costs log(n)/2 (Krichevsky &
        Trofimov 1981). Learning to tell two texts apart costs more, so this is the least that could be seen.
        """
        needed = (math.log(1 / alpha) + 0.5 * math.log(max(self.n, 1))) / max(self.n, 1)
        if needed >= math.log(2):
            return 1.0
        low, high = 0.5, 1.0
        for _ in range(40):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if gain_per_pair(middle) > needed else (middle, high)
        return high

    def more(self, alpha: float = 0.05) -> int | None:
        """About how many further pairs until e = 1/alpha, at the pace of the later half; None: no end in sight."""
        missing = math.log(1 / alpha) - self.peak
        if missing <= 0:
            return 0
        half = self.n // 2
        if self.n < 10:
            return None
        pace = (self.history[-1] - self.history[half - 1]) / (self.n - half)
        return math.ceil((math.log(1 / alpha) - self.log_e) / pace) if pace > 0 else None

    def _pair(self, a: str, b: str, prompt: str, scores: Scores) -> Pair:
        seen_a, seen_b = families(a, prompt), families(b, prompt)
        rows = {
            family: kept.numbered(difference(seen_a[family], seen_b[family]))
            for family, kept in self._rows.items()
        }
        words = difference(seen_a["words"], seen_b["words"])
        found = Pair(
            past={family: self._rows[family].products(row) for family, row in rows.items()},
            own={family: float(values @ values) for family, (_, values) in rows.items()},
            sums=self._sums.products(self._sums.numbered(words)),
            shape=np.array([seen_a["shape"][name] - seen_b["shape"][name] for name in SHAPES]),
            scores=self._scores(scores),
        )
        if self.n < self.capacity:
            self._sums.append(self._sums.numbered(total(seen_a["words"], seen_b["words"])))
            for family, row in rows.items():
                self._rows[family].append(row)
        return found

    def _scores(self, scores: Scores) -> Array:
        numbers = np.zeros(MOST_SCORES)
        for name, (first, second) in scores.items():
            place = self._score_names.setdefault(name, len(self._score_names))
            if place >= MOST_SCORES:
                raise ValueError(
                    f"{name!r} is one kind of score too many: no more than {MOST_SCORES} can be used"
                )
            numbers[place] = first - second
        return numbers


def gain_per_pair(accuracy: float) -> float:
    """What a bet of the known chance gains, in nats: log 2 less the entropy of the order."""
    return math.log(2) + sum(p * math.log(p) for p in (accuracy, 1 - accuracy) if p > 0)
