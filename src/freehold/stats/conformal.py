"""Whether scores keep coming from one source: bets on the ranks of each new score among all before.

While scores are exchangeable, their smoothed ranks are independent and uniform, so that capital bet on them is
a martingale that ever reaches 1/alpha with chance alpha at most (Vovk, Gammerman & Shafer, "Algorithmic
Learning in a Random World", 2nd ed. 2022, part III). Scores are put into bins that were fixed beforehand, and
ranked by bin, ties broken at random: then counts are all there is to keep, and ranks are still exactly uniform.
The slightest drift is a change here; where small drifts are to be tolerated, see detector.py.
"""

import hashlib
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from freehold.stats.multiple import log_mean

Vector = NDArray[np.float64]

BINS = 256
CELLS = 10  # of the histogram of ranks that one gambler learns
PRIOR = 1.0  # ranks assumed in each cell beforehand (Laplace)
SLOPES: Vector = np.array(
    [-1.8, -1.0, 0.0, 1.0, 1.8]
)  # of what the jumpers bet; 1 + s (p - 1/2) stays positive
JUMPS: Vector = np.array([0.001, 0.01, 0.1])  # how often a jumper changes its mind, each a gambler of its own


def tie_break(seed: int, place: int) -> float:
    """A number in (0, 1) that looks random, and is the same whenever it is asked for again."""
    word = hashlib.blake2b(f"{seed}:{place}".encode(), digest_size=7).digest()
    return (int.from_bytes(word, "big") + 0.5) / (1 << 56)


class ConformalMartingale:
    """Evidence that scores have ceased to be exchangeable; `log_e` now, `peak` the most there ever was.

    Gamblers: simple jumpers (Vovk, Petej, Nouretdinov, Ahlberg, Carlsson & Gammerman, "Retrain or not retrain",
    COPA 2021), who follow a drift up or down at three tempers, and a learner of the histogram of ranks, who
    finds any other shape.
    """

    def __init__(self, edges: Sequence[float], seed: int = 0) -> None:
        """`edges` rise, were chosen without the scores to come, and part them into len(edges) + 1 bins.

        Raises ValueError where they do not rise.
        """
        if any(a >= b for a, b in pairwise(edges)):
            raise ValueError("the edges of the bins must rise")
        self.edges, self.seed = np.array(edges, float), seed
        self.peak = 0.0
        self._counts = np.zeros(len(self.edges) + 1, dtype=np.int64)
        self._ranks = np.zeros(CELLS)
        self._learner = 0.0
        self._jumpers = np.full((len(JUMPS), len(SLOPES)), -math.log(len(SLOPES)))

    @classmethod
    def between(cls, low: float, high: float, bins: int = BINS, seed: int = 0) -> Self:
        """Even bins over a range that is known beforehand; what lies outside falls into the first or last."""
        return cls(np.linspace(low, high, bins + 1)[1:-1].tolist(), seed)

    @classmethod
    def after(cls, earlier: Sequence[float], bins: int = BINS, seed: int = 0) -> Self:
        """Bins that earlier scores would fill evenly. They serve for this only: do not `learn` them again."""
        quantiles = np.quantile(np.asarray(earlier, float), np.linspace(0, 1, bins + 1)[1:-1])
        return cls(sorted({float(edge) for edge in quantiles}), seed)

    @property
    def n(self) -> int:
        """Scores seen, those of the baseline included."""
        return int(self._counts.sum())

    def learn(self, score: float) -> None:
        """Take a score of the baseline in, without a bet."""
        self._rank(score)

    def update(self, score: float) -> float:
        """Bet on one more score's rank, and say the evidence. Raises ValueError for nan."""
        self._bet(self._rank(score))
        log_e = self.log_e
        self.peak = max(self.peak, log_e)
        return log_e

    @property
    def log_e(self) -> float:
        """Evidence now: each gambler began with an equal share."""
        jumpers = np.logaddexp.reduce(self._jumpers, axis=1)
        return log_mean([*jumpers.tolist(), self._learner])

    def detectable(self, alpha: float = 0.05) -> float:
        """The share of scores that, were they beyond all earlier ones since bets began, would have been found by now.

        With a chance of about four in five, by simulation; inf: none would. That such scores soon rank among their own
        kind is counted in.
        """
        bets = int(self._ranks.sum())
        enough = math.log(1 / alpha) + math.log(len(JUMPS) + 1)
        for share in np.linspace(0.02, 1, 50):
            if _gain_of_the_best_jumper(float(share), self.n - bets, bets) >= enough:
                return float(share)
        return math.inf

    def more(self, alpha: float = 0.05) -> int | None:
        """How many more scores at the pace so far; None: there is none."""
        bets, log_e = int(self._ranks.sum()), self.log_e
        if log_e >= math.log(1 / alpha):
            return 0
        return math.ceil((math.log(1 / alpha) - log_e) * bets / log_e) if bets and log_e > 0 else None

    def _rank(self, score: float) -> float:
        """The smoothed share of scores, this one among them, that are above it."""
        if math.isnan(score):
            raise ValueError("a score that is not a number has no rank")
        place = int(np.searchsorted(self.edges, score, side="right"))
        self._counts[place] += 1
        above, ties, n = int(self._counts[place + 1 :].sum()), int(self._counts[place]), self.n
        return (above + tie_break(self.seed, n) * ties) / n

    def _bet(self, rank: float) -> None:
        jumping = np.log(JUMPS / len(SLOPES))[:, None] + np.logaddexp.reduce(self._jumpers, axis=1)[:, None]
        staying = np.log1p(-JUMPS)[:, None] + self._jumpers
        self._jumpers = np.logaddexp(staying, jumping) + np.log1p(SLOPES * (rank - 0.5))
        cell = min(int(rank * CELLS), CELLS - 1)
        share = (self._ranks[cell] + PRIOR) / (self._ranks.sum() + PRIOR * CELLS)
        self._learner += math.log(share * CELLS)
        self._ranks[cell] += 1


def _gain_of_the_best_jumper(share: float, before: int, bets: int) -> float:
    """Nats that one slope gains where that share of scores is above all earlier ones but those of its kind."""
    if not bets:
        return 0.0
    places = np.linspace(0, bets, min(bets, 200))
    above = share * places / (before + places + 1)  # the share of all scores so far that are of the new kind
    ranks = (np.arange(20) + 0.5) / 20
    gains = []
    for slope in SLOPES[SLOPES < 0]:
        new = np.log1p(slope * (above[:, None] * ranks - 0.5)).mean(axis=1)
        old = np.log1p(slope * (above[:, None] + (1 - above[:, None]) * ranks - 0.5)).mean(axis=1)
        gains.append(float((share * new + (1 - share) * old).mean()) * bets)
    return max(gains)
