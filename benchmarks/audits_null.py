"""False alarms of every sequential test where there is nothing to find: `python -m benchmarks.audits_null`.

Each test looks after every sample and stops at its first alarm, at a nominal 5 %. Replays are of two kinds:

- *synthetic*: laws drawn at random for each replay, at the edge of the hypothesis where it has one;
- *recorded*: real answers whose labels are swapped by a coin for each prompt (two versions of a model, prompts
in random
  order), or whose days are dealt anew at random.

For detectors, 5 % is the budget for the whole time watched.
"""

import math
from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np

from benchmarks.claims import as_done, claim, started
from benchmarks.recordings import change, completions
from freehold.stats import pairswap
from freehold.stats.betting import BoundedMean, ConfidenceSequence, PairedMean, Side
from freehold.stats.conformal import ConformalMartingale
from freehold.stats.detector import Detector
from freehold.stats.features import families
from freehold.stats.pairswap import PairSwap

ALPHA = 0.05
ALARM = math.log(1 / ALPHA)
LOOKS, PAIR_LOOKS, ANSWER_LOOKS, DEALT_LOOKS = 200, 50, 60, 36
CHARACTERS = 200  # of each recorded text that the pair-swap test reads here: its cost is in the texts
LONG = 4_000  # characters from which a text counts as longest
VERSIONS = (
    ("gpt4_0314", "gpt4_0613"),
    ("claude-2", "claude-2.1"),
    ("gpt-4o-2024-05-13", "gpt-4o-mini-2024-07-18"),
    ("Mistral-7B-Instruct-v0.2", "Mistral-7B-Instruct-v0.3"),
)
WORDS = tuple(f"w{index}" for index in range(60))

Random = np.random.Generator
vars(pairswap)["families"] = cache(families)  # the same texts come again in every replay


def swapped(random: Random, count: int) -> list[tuple[str, str]]:
    """Pairs of real answers whose labels a coin has swapped."""
    one, other = (completions(model) for model in VERSIONS[random.integers(len(VERSIONS))])
    order, coins = random.permutation(len(one))[:count].tolist(), random.random(count) < 0.5
    return [
        (other[place], one[place]) if coin else (one[place], other[place])
        for place, coin in zip(order, coins, strict=True)
    ]


def length(text: str) -> float:
    return min(len(text) / LONG, 1.0)


def law(random: Random, mean: float, count: int) -> list[float]:
    """Values in [0, 1] with this mean, by one of four laws; the last changes with what came before."""
    kind = random.integers(4)
    if kind == 0:
        return [float(drawn < mean) for drawn in random.random(count)]
    if kind == 1:
        return [float(drawn) for drawn in random.beta(mean * 3, (1 - mean) * 3, count)]
    if kind == 2:
        return [(1 + mean) / 2 * (drawn < 2 * mean / (1 + mean)) for drawn in random.random(count)]
    values, total = list[float](), 0.0
    for _ in range(count):
        sure = total > 0  # who is ahead waits, who is behind gambles
        values.append(mean if sure else float(random.random() < mean))
        total += values[-1] - mean
    return values


def bounded_mean(random: Random, recorded: bool) -> bool:
    mean, side = float(random.uniform(0.05, 0.6)), list(Side)[random.integers(3)]
    if recorded:
        mean, values = 0.5, [(1 + length(a) - length(b)) / 2 for a, b in swapped(random, LOOKS)]
    else:
        values = law(random, mean, LOOKS)
    test = BoundedMean(mean, side=side)
    return any(test.update(value) >= ALARM for value in values)


def confidence_sequence(random: Random, recorded: bool) -> bool:
    mean, bounds = float(random.uniform(0.05, 0.6)), ConfidenceSequence(alpha=ALPHA)
    if recorded:
        mean, values = 0.5, [(1 + length(a) - length(b)) / 2 for a, b in swapped(random, LOOKS)]
    else:
        values = law(random, mean, LOOKS)
    for value in values:
        bounds.update(value)
        if not bounds.covers(mean):
            return True
    return False


def paired_mean(random: Random, recorded: bool) -> bool:
    test = PairedMean()
    if recorded:
        pairs = [(length(a), length(b)) for a, b in swapped(random, LOOKS)]
    else:
        rates = random.beta(0.3, 1.2, (1, LOOKS)).repeat(2, axis=0)
        pairs = [(float(a), float(b)) for a, b in (random.random((2, LOOKS)) < rates).T]
    return any(test.update(a, b) >= ALARM for a, b in pairs)


def conformal_martingale(random: Random, recorded: bool) -> bool:
    seed = int(random.integers(1 << 30))
    if recorded:
        scores = [length(a) for a, _ in swapped(random, LOOKS)]
    else:
        scores = random.standard_t(2, LOOKS).tolist() if random.random() < 0.5 else law(random, 0.3, LOOKS)
    test = ConformalMartingale.after(scores[:20], 20, seed)
    return any(test.update(score) >= ALARM for score in scores[20:])


def detector(random: Random, recorded: bool) -> bool:
    if recorded:
        return dealt_anew(random)
    shares = {str(place): float(random.uniform(0.02, 0.98)) for place in range(3)}
    counts = {
        place: {"a": hits, "b": 100 - hits}
        for place, hits in ((place, int(random.binomial(100, share))) for place, share in shares.items())
    }
    watch = Detector(counts, looks_per_year=ANSWER_LOOKS, alarms_per_year=ALPHA)
    for _ in range(ANSWER_LOOKS):  # a tenth of the answers are new ones: the edge of the tolerance
        watch.update(
            {
                place: random.choice(["a", "b", "new"], 5, p=[share * 0.9, (1 - share) * 0.9, 0.1]).tolist()
                for place, share in shares.items()
            }
        )
        if watch.alarmed:
            return True
    return False


def dealt_anew(random: Random) -> bool:
    """Six questions of a stable endpoint, its days dealt anew at random; no drift is tolerated."""
    days = change("openai_gpt-4o-mini")
    questions = random.choice(sorted(days[0].answers), 6, replace=False).tolist()
    pools = {}
    for question in questions:
        answers = [answer for day in days for answer in day.answers[question]]
        pools[question] = [answers[place] for place in random.permutation(len(answers))]
    counts = {question: dict(Counter(pool[:100])) for question, pool in pools.items()}
    watch = Detector(counts, 0.0, looks_per_year=DEALT_LOOKS, alarms_per_year=ALPHA)
    for look in range(10, 10 + DEALT_LOOKS):
        watch.update({question: pool[look * 10 : look * 10 + 10] for question, pool in pools.items()})
    return watch.alarmed


def pair_swap(random: Random, recorded: bool) -> bool:
    test = PairSwap()
    if recorded:
        pairs = [(a[:CHARACTERS], b[:CHARACTERS]) for a, b in swapped(random, PAIR_LOOKS)]
    else:
        pairs = [(a, b) for a, b in zip(*(sentences(random, PAIR_LOOKS) for _ in "ab"), strict=True)]
    return any(test.update(a, b) >= ALARM for a, b in pairs)


def sentences(random: Random, count: int) -> list[str]:
    return [" ".join(random.choice(WORDS, random.integers(2, 12))) for _ in range(count)]


TESTS: dict[str, Callable[[Random, bool], bool]] = {
    "bounded mean": bounded_mean,
    "confidence sequence": confidence_sequence,
    "paired mean": paired_mean,
    "conformal martingale": conformal_martingale,
    "detector of answers": detector,
    "pair swap": pair_swap,
}
PARTS = 4


def alarms(job: tuple[str, bool, int, int]) -> int:
    """How many of some replays end in an alarm."""
    name, recorded, part, replays = job
    random = np.random.default_rng([list(TESTS).index(name), recorded, part])
    return sum(TESTS[name](random, recorded) for _ in range(replays))


def main() -> None:
    quick = started("False alarms at a nominal 5 %, a look after every sample, nothing to find.")
    replays = 200 if quick else 2_000
    kinds = [(name, recorded) for name in TESTS for recorded in (False, True)]
    jobs = [(*kind, part, replays // PARTS) for kind in kinds for part in range(PARTS)]
    counted = as_done(alarms, jobs)
    limit = ALPHA + 2 * math.sqrt(ALPHA * (1 - ALPHA) / replays)
    worst = 0.0
    for name, recorded in kinds:
        share = sum(next(counted) for _ in range(PARTS)) / replays
        worst = max(worst, share)
        claim(
            f"{name}, {'recorded' if recorded else 'synthetic'}",
            f"{share:.2%} of {replays:,}",
            "<= 5 %",
            share <= ALPHA,
        )
    claim(
        "the worst of them", f"{worst:.2%}", f"never above {limit:.2%}, two standard errors", worst <= limit
    )


if __name__ == "__main__":
    main()
