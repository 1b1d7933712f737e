"""Change detection for ever: small drifts are tolerated, and false alarms have a budget for each year.

Whoever watches for ever is sure to raise a false alarm some day, so the promise is a rate. A Shiryaev-Roberts
e-detector starts one unit of capital at every look, bets all of it on, and alarms when it owns c: M = (M + 1)
L, where L is an e-value of the look given those before (Shin, Ramdas & Rinaldo, "E-detectors: a nonparametric
framework for sequential change detection", New England Journal of Statistics in Data Science 2, 2024). While
nothing has changed, M minus the number of looks is a supermartingale, hence

- it takes c looks or more on average until a false alarm;
- the chance of a false alarm within the first n looks is n / c at most, for every n.

With c = looks per year / alarms per year, the chance of a false alarm grows by `alarms_per_year` a year at most. Looks
that are small and frequent find more: what is bet on in a look was learned before it.

M itself is no e-value. Beside it runs one, of a single unit of capital that is dealt out over all looks to come: the
t-th receives 1 / (t (t + 1)) of it. 1/e bounds the chance that it is ever so large while nothing changes.

"Nothing has changed" means: no more than a tolerated share of answers differs. What a server does to answers that were
nearly ties is no change of model.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from freehold.stats.multiple import log_mean
from freehold.stats.power import kl, values_needed

Vector = NDArray[np.float64]

FRACTIONS: Vector = np.array(
    [0.9, 0.6, 0.3, 0.15, 0.07, 0.03]
)  # of the largest bet; capital is spread evenly
LOOKS_PER_YEAR = 365.0
ALARMS_PER_YEAR = 0.01
BASELINE_RISK = 0.001  # that the baseline itself was less typical than is allowed for
MEMORY = 0.8  # of a look's answers at the next look, for the gambler that learns what is more frequent now


class ShiryaevRoberts:
    """Capital over several gamblers, each given a part of one unit at every look."""

    def __init__(self, gamblers: int, looks_per_year: float, alarms_per_year: float) -> None:
        """Raises ValueError where there is no budget, or more than one alarm for each look."""
        if not 0 < alarms_per_year <= looks_per_year:
            raise ValueError(
                f"no budget of {alarms_per_year:g} false alarms in {looks_per_year:g} looks a year"
            )
        self.looks_per_year, self.alarms_per_year = looks_per_year, alarms_per_year
        self.looks = 0
        self.alarmed_at: int | None = None  # the look, counted from 1
        self.peak = 0.0  # of log_e
        self.log_capitals = np.full(gamblers, -np.inf)
        self._dealt = np.full(gamblers, -np.inf)

    @property
    def log_threshold(self) -> float:
        """What the evidence must reach."""
        return math.log(self.looks_per_year / self.alarms_per_year)

    @property
    def log_evidence(self) -> float:
        """log M, at most about `log(looks)` while nothing changes."""
        return log_mean(self.log_capitals)

    @property
    def log_e(self) -> float:
        """Log-e-value, at any moment, against "nothing has ever changed"."""
        return float(np.logaddexp(log_mean(self._dealt), -math.log(self.looks + 1)))

    def update(self, log_increments: Vector) -> float:
        """One more look, given each gambler's log-e-value of it. Says the evidence."""
        self.looks += 1
        self.log_capitals = np.logaddexp(self.log_capitals, 0.0) + log_increments
        self._dealt = np.logaddexp(self._dealt, -math.log(self.looks * (self.looks + 1))) + log_increments
        self.peak = max(self.peak, self.log_e)
        evidence = self.log_evidence
        if self.alarmed_at is None and evidence >= self.log_threshold:
            self.alarmed_at = self.looks
        return evidence


class Detector:
    """Watches the answers to fixed questions, each answer one of few: a change of more than `tolerance` is an alarm.

    The tolerance is a share of answers: the distance in total variation between a look's answers and the baseline's,
    averaged over the look. Above it stands an allowance for the baseline's own sampling error. In each look, all
    answers are bet on with stakes that were set before it; by the inequality of the means their product is an e-value
    where the average answer is within tolerance, though single questions may be beyond.

    Three kinds of gamblers: on answers never seen in the baseline, on answers rare in it, and on those that have been
    more frequent of late.
    """

    def __init__(
        self,
        baseline: Mapping[str, Mapping[str, int]],
        tolerance: float = 0.1,
        looks_per_year: float = LOOKS_PER_YEAR,
        alarms_per_year: float = ALARMS_PER_YEAR,
    ) -> None:
        """`baseline`: for each question, how often each answer came. Raises ValueError where a question has none."""
        empty = [question for question, counts in baseline.items() if sum(counts.values()) < 1]
        if empty or not baseline:
            raise ValueError(
                f"the baseline holds no answer to {empty[0]!r}" if empty else "the baseline is empty"
            )
        if not 0 <= tolerance < 1:
            raise ValueError(f"the tolerance is {tolerance:g}, and must be a share from 0 to below 1")
        self.baseline = {question: dict(counts) for question, counts in baseline.items()}
        self.tolerance = tolerance
        self.evidence = ShiryaevRoberts(3 * len(FRACTIONS), looks_per_year, alarms_per_year)
        self.answers = 0
        self._shares = {question: _shares(counts) for question, counts in self.baseline.items()}
        self._errors = {question: _sampling_error(counts) for question, counts in self.baseline.items()}
        self._recent = {question: [0.0] * (len(shares) + 1) for question, shares in self._shares.items()}

    @property
    def alarmed(self) -> bool:
        """Whether there was ever an alarm; it stays."""
        return self.evidence.alarmed_at is not None

    def update(self, look: Mapping[str, Sequence[str]]) -> float:
        """Bet on all answers of one look, and say the evidence. A look without answers is none.

        Raises ValueError for a question that the baseline does not hold.
        """
        unknown = look.keys() - self.baseline.keys()
        if unknown:
            raise ValueError(f"the baseline does not hold {sorted(unknown)[0]!r}")
        asked = {question: answers for question, answers in look.items() if len(answers)}
        if not asked:
            return self.evidence.log_evidence
        limit = self.tolerance + self.allowance(
            {question: len(answers) for question, answers in asked.items()}
        )
        scored = [self._scores(question, answers) for question, answers in asked.items()]
        values, expected = (np.concatenate(parts, axis=1) for parts in zip(*scored, strict=True))
        increments = [_log_product(*pair, limit) for pair in zip(values, expected, strict=True)]
        self._remember(asked)
        self.answers += values.shape[1]
        return self.evidence.update(np.concatenate(increments))

    def allowance(self, counts: Mapping[str, int]) -> float:
        """How far the baseline may be from what it sampled, averaged over a look with this many answers each.

        Its expectation is bounded by the counts' standard errors and, for answers that did not come up, by Good and
        Turing's estimate; its deviation by McDiarmid's inequality.
        """
        total = sum(counts.values())
        parts = [(count / total, question) for question, count in counts.items()]
        expected = sum(part * self._errors[question] for part, question in parts)
        squares = sum(part * part / sum(self.baseline[question].values()) for part, question in parts)
        return expected + math.sqrt(math.log(1 / BASELINE_RISK) * squares / 2)

    def detectable(self, looks: int = 1, power: float = 0.8) -> float:
        """The share of answers new to the baseline that so many looks would have found; inf: none would."""
        shares = np.linspace(0, 1, 401)[1:].tolist()
        return next((share for share in shares if self.looks_needed(share, power) <= looks), math.inf)

    def looks_needed(self, share: float, power: float = 0.8) -> float:
        """How many looks like those so far find that share of answers new to the baseline; inf: none do."""
        limit = self.tolerance + self.allowance(dict.fromkeys(self.baseline, 1))
        if not self.evidence.looks or share <= limit:
            return math.inf
        answers = values_needed(kl(share, limit), self.evidence.log_threshold + math.log(3), power)
        return answers * self.evidence.looks / self.answers

    def _scores(self, question: str, answers: Sequence[str]) -> tuple[Vector, Vector]:
        """Each gambler's score of each answer, in [0, 1], and what the baseline expects it to be."""
        known = np.array([*self._shares[question].values(), 0.0])
        recent = np.array(self._recent[question])
        of_late = recent / max(float(recent.sum()), 1.0)
        new = np.zeros(len(known))
        new[-1] = 1.0
        table = np.stack([new, 1 - known, (of_late > known) * 1.0])
        columns = self._columns(question, answers)
        expected = np.repeat((table @ known)[:, None], len(columns), axis=1)
        return table[:, columns], expected

    def _remember(self, asked: Mapping[str, Sequence[str]]) -> None:
        for question, answers in asked.items():
            recent = [weight * MEMORY for weight in self._recent[question]]
            for column in self._columns(question, answers):
                recent[column] += 1.0
            self._recent[question] = recent

    def _columns(self, question: str, answers: Sequence[str]) -> list[int]:
        """Each answer's place among the baseline's; the last is for all that it did not hold."""
        places = {answer: place for place, answer in enumerate(self._shares[question])}
        return [places.get(answer, len(places)) for answer in answers]


def _log_product(values: Vector, expected: Vector, limit: float) -> Vector:
    """Log-e-values against "values exceed what is expected by the limit at most on average", for each fraction."""
    most = float(expected.max()) + limit
    return np.asarray(np.log1p(FRACTIONS[:, None] * (values - expected - limit) / most).sum(axis=1))


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {answer: count / total for answer, count in sorted(counts.items()) if count}


def _sampling_error(counts: Mapping[str, int]) -> float:
    """A bound on the expected distance in total variation between counts and what they sample."""
    total = sum(counts.values())
    errors = sum(math.sqrt(share * (1 - share) / total) for share in _shares(counts).values())
    return (errors + sum(count == 1 for count in counts.values()) / total) / 2
