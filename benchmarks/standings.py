"""Standings on real item-level outcomes, by resampling: `python -m benchmarks.standings`.

Public runs of agents on Terminal-Bench, 80 tasks and up to 5 attempts each, are taken for the truth: the quality of one
is its mean pass rate over these tasks. From there samples are drawn as a bench would see them (tasks, then attempts,
each with replacement), and each report is held against the truth:

- *coverage*: how often an interval holds the true difference. One pair alone at 95 %; all 21 pairs of a report at once,
  which must hold together in 95 of 100 reports; the gap between the best of two groups. Beside them the interval of
  somebody who takes attempts for independent.
- *early stopping*: how many of the 80 tasks it takes until a difference is clear, in drawn orders; and how often equals
  are told apart (each task's two runs swapped by a coin), with a look after every task.

A run that answered 43 of 400 is left out.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims import claim, in_parallel, started
from benchmarks.recordings import DATA
from freehold.bench.comparing import Ended, report
from freehold.bench.results import Line, Plan, Sample
from freehold.bench.standing import BenchReport, Traits
from freehold.bench.stopping import ALPHA_EARLY, Race
from freehold.bench.values import Values
from freehold.stats.intervals import mean_interval

FILE = DATA / "standings" / "terminal_bench_trials.csv"
ATTEMPTS_MIN = 300
OPEN = ("qwen",)  # in the names of runs with open weights
Rates = Mapping[str, Sequence[Sequence[float]]]  # run -> task -> attempts
Random = np.random.Generator


@cache
def outcomes() -> Rates:
    """Passes and failures of each run, on the tasks that all runs tried."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with FILE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["run"]][row["task"]].append(float(row["ok"] == "True"))
    whole = {run: tasks for run, tasks in found.items() if sum(map(len, tasks.values())) >= ATTEMPTS_MIN}
    common = sorted(set.intersection(*(set(tasks) for tasks in whole.values())))
    return {run: [tasks[task] for task in common] for run, tasks in sorted(whole.items())}


def truth(run: str) -> float:
    """The mean over tasks of the share of attempts that passed."""
    return float(np.mean([np.mean(attempts) for attempts in outcomes()[run]]))


def drawn(runs: Sequence[str], random: Random) -> dict[str, NDArray[np.float64]]:
    """Tasks drawn with replacement, the same for all runs, and 5 attempts at each: one row a task."""
    tasks = random.integers(len(outcomes()[runs[0]]), size=len(outcomes()[runs[0]]))
    return {run: np.array([random.choice(outcomes()[run][task], 5) for task in tasks]) for run in runs}


def lines(points: Mapping[str, NDArray[np.float64]]) -> list[Line]:
    """As a bench with 5 repeats would have written them."""
    return [
        Sample(f"t{task}", f"t{task}", run, attempt, float(score), endpoint=run)
        for run, rows in points.items()
        for task, row in enumerate(rows)
        for attempt, score in enumerate(row)
    ]


def traits(run: str) -> Traits:
    """What is known of a run's model."""
    return Traits(any(word in run for word in OPEN), None)


def reported(points: Mapping[str, NDArray[np.float64]]) -> BenchReport:
    """The report of a bench that asked everything."""
    count = len(next(iter(points.values())))
    plan = Plan("b0", 0, "t", "d", tuple(points), count, repeats=5, early=False)
    ended = Ended("all", {f"t{task}": 1 for task in range(count)}, frozenset(points))
    return report(plan, lines(points), ended, traits)


def covered(job: tuple[str, str, int]) -> tuple[float, float]:
    """For one pair alone: how often the interval holds the truth, and how often one that ignores clusters does."""
    first, second, draws = job
    random, true = np.random.default_rng(len(first) * 31 + len(second)), truth(first) - truth(second)
    good = naive = 0
    for _ in range(draws):
        points = drawn((first, second), random)
        found = reported(points).differences[0]
        assert found.interval is not None
        sign = 1 if found.first == first else -1
        good += found.interval.low <= sign * true <= found.interval.high
        _, low, high = mean_interval(points[first].ravel() - points[second].ravel())
        naive += low <= true <= high
    return good / draws, naive / draws


def together(job: tuple[int, int]) -> tuple[int, int]:
    """Of `draws` reports on all runs: in how many every difference holds the truth, and in how many the gap does."""
    seed, draws = job
    random, runs = np.random.default_rng(seed), list(outcomes())
    best = {
        kind: max(truth(run) for run in runs if traits(run).open_weights is kind) for kind in (True, False)
    }
    every = gap = 0
    for _ in range(draws):
        found = reported(drawn(runs, random))
        every += all(
            one.interval is not None
            and one.interval.low <= truth(one.first) - truth(one.second) <= one.interval.high
            for one in found.differences
        )
        between = next(one.interval for one in found.gaps if one.by == "weights")
        gap += between.low <= best[False] - best[True] <= between.high
    return every, gap


def race(first: NDArray[np.float64], second: NDArray[np.float64]) -> int | None:
    """After how many tasks the difference is clear, with a look after each; None: it never is."""
    running = Race(("a", "b"), {str(task): 1 for task in range(len(first))}, early=True)
    for task, (one, other) in enumerate(zip(first, second, strict=True)):
        rows = [Sample("c", str(task), "a", 0, float(one)), Sample("c", str(task), "b", 0, float(other))]
        running.take(str(task), Values(rows))
        if running.decided:
            return task + 1
    return None


def stopped(job: tuple[str, str, int]) -> list[int | None]:
    """Tasks until the difference is clear, in `draws` orders of the real tasks; each asked with its attempts' mean."""
    first, second, draws = job
    random = np.random.default_rng(len(first) * 37 + len(second))
    means = [np.array([np.mean(one) for one in outcomes()[run]]) for run in (first, second)]
    orders = [random.permutation(len(means[0])) for _ in range(draws)]
    return [race(means[0][order], means[1][order]) for order in orders]


def to_the_end(job: tuple[str, str, int]) -> tuple[int, int]:
    """Of `draws` benches of two that stop where they can: how many intervals hold the truth, how many ended early."""
    first, second, draws = job
    random, true = np.random.default_rng(len(first) * 43 + len(second)), truth(first) - truth(second)
    good = early = 0
    for _ in range(draws):
        points = drawn((first, second), random)
        sizes = {f"t{task}": 1 for task in range(len(points[first]))}
        running, rows = Race((first, second), sizes, early=True), lines(points)
        found = list[Line]()
        for task in sizes:
            mine = [one for one in rows if one.case == task]
            found += mine
            running.take(task, Values(mine))
            if running.decided:
                break
        early += bool(running.decided)
        plan = Plan("b0", 0, "t", "d", (first, second), len(sizes), repeats=5)
        complete = frozenset[str]() if running.decided else frozenset((first, second))
        one = report(plan, found, Ended("end", sizes, complete, running.bounds), traits).differences[0]
        assert one.interval is not None
        sign = 1 if one.first == first else -1
        good += one.interval.low <= sign * true <= one.interval.high
    return good, early


def falsely(job: tuple[str, str, int]) -> int:
    """How often equals are told apart within 200 tasks: drawn tasks and attempts, the two runs swapped by a coin."""
    first, second, draws = job
    random, told = np.random.default_rng(len(first) * 41 + len(second)), 0
    for _ in range(draws):
        tasks = random.integers(len(outcomes()[first]), size=200)
        one = np.array([random.choice(outcomes()[first][task]) for task in tasks])
        other = np.array([random.choice(outcomes()[second][task]) for task in tasks])
        swap = random.random(200) < 0.5
        told += race(np.where(swap, other, one), np.where(swap, one, other)) is not None
    return told


def main() -> None:
    quick = started("Standings on recorded outcomes: 7 runs of agents, 80 tasks, up to 5 attempts each.")
    draws, reports, orders, nulls = (40, 40, 10, 20) if quick else (300, 600, 100, 150)
    pairs = list(combinations(outcomes(), 2))
    intervals(pairs, draws, reports)
    stopping(pairs, orders, nulls)


def intervals(pairs: Sequence[tuple[str, str]], draws: int, reports: int) -> None:
    """Print how often intervals hold what they should."""
    found = in_parallel(covered, [(*pair, draws) for pair in pairs])
    own, naive = ([one[side] for one in found] for side in (0, 1))
    count, error = draws * len(pairs), (0.05 * 0.95 / (draws * len(pairs))) ** 0.5
    claim(
        "one difference alone, paired and clustered by task",
        f"held by {np.mean(own):.1%} of {count:,} intervals at 95 %; worst pair {min(own):.1%}",
        ">= 95 % - 2 s.e.",
        bool(np.mean(own) >= 0.95 - 2 * error),
    )
    print(f"  taking attempts for independent: {np.mean(naive):.1%}; worst pair {min(naive):.1%}")
    parts = in_parallel(together, [(seed, reports // 4) for seed in range(4)])
    total = 4 * (reports // 4)
    slack = 2 * (0.05 * 0.95 / total) ** 0.5
    for name, place in (
        ("all 21 differences of a report at once", 0),
        ("the gap, best closed minus best open", 1),
    ):
        held = sum(part[place] for part in parts) / total
        claim(name, f"held by {held:.1%} of {total} reports", ">= 95 % - 2 s.e.", held >= 0.95 - slack)


def stopping(pairs: Sequence[tuple[str, str]], orders: int, nulls: int) -> None:
    """Print how soon a bench of two may stop, and how often it is wrong to."""
    count = len(next(iter(outcomes().values())))
    found = dict(zip(pairs, in_parallel(stopped, [(*pair, orders) for pair in pairs]), strict=True))
    print(f"{'true difference':>16}{'clear within ' + str(count):>17}{'median tasks':>14}  pair")
    for pair, after in sorted(found.items(), key=lambda one: -abs(truth(one[0][0]) - truth(one[0][1]))):
        clear = [one for one in after if one is not None]
        told = f"{median(clear):g}" if clear else "-"
        gap = f"{100 * (truth(pair[0]) - truth(pair[1])):+.1f}"
        print(f"{gap:>16}{len(clear) / len(after):>17.0%}{told:>14}  {pair[0]} - {pair[1]}")
    asked = [one or count for after in found.values() for one in after]
    large = [
        one or count
        for pair, after in found.items()
        for one in after
        if abs(truth(pair[0]) - truth(pair[1])) >= 0.2
    ]
    claim(
        "tasks that early stopping saves",
        f"{1 - np.mean(asked) / count:.0%} over all pairs; {1 - np.mean(large) / count:.0%} where the true "
        "difference is 20 points or more",
        "> 0, stated",
        bool(np.mean(asked) < count),
    )
    ends = in_parallel(to_the_end, [(*pair, orders) for pair in pairs])
    benches = orders * len(pairs)
    held, early = (sum(one[place] for one in ends) / benches for place in (0, 1))
    claim(
        "the difference that a bench reports, whether it ended early or not",
        f"held by {held:.1%} of {benches:,}; {early:.0%} ended early",
        ">= 95 % - 2 s.e.",
        held >= 0.95 - 2 * (0.05 * 0.95 / benches) ** 0.5,
    )
    wrong = sum(in_parallel(falsely, [(*pair, nulls) for pair in pairs]))
    total = nulls * len(pairs)
    slack = 2 * (ALPHA_EARLY * (1 - ALPHA_EARLY) / total) ** 0.5
    claim(
        "equals told apart, a look after every task",
        f"{wrong / total:.2%} of {total:,} null replays at a budget of {ALPHA_EARLY:.0%}",
        f"<= {ALPHA_EARLY:.0%} + 2 s.e.",
        wrong / total <= ALPHA_EARLY + slack,
    )


if __name__ == "__main__":
    main()
