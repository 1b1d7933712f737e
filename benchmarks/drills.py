"""How long it takes to simulate a scenario over recorded traffic, and how that grows, on one core.

    python -m benchmarks.drills [--quick] [--rounds 5]

Invents ledgers of the example company: ten thousand, a hundred thousand and a million exchanges in thirty days (a
tenth of each with --quick). Measures the whole command `freehold drill simulate`, from the start of its process to
its last line, held to one core; and within one process reading and simulating apart. The exponent is the slope of the
logarithm of the time (reading and simulating, least of the rounds) over the logarithm of the exchanges: 1 is linear.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import linear_regression, median
from typing import NamedTuple

from freehold.catalog.resolve import keyless
from freehold.config.load import load
from freehold.config.schema import Ledger
from freehold.drills.inventing import Inventing, Plan, example_files, recorded
from freehold.drills.loading import load_scenario
from freehold.drills.simulating import simulate
from freehold.drills.traffic import read_traffic
from freehold.drills.world import World, world

SIZES = (10_000, 100_000, 1_000_000)
DAYS = 30
GOAL_S = 5.0  # of the whole command over the largest
CONSOLE_MS = 50.0  # of a simulation where the traffic has been read
SCENARIO = "biggest-parent-and-its-cloud"
EVER = (0, 1 << 43)


class Round(NamedTuple):
    """One measurement; seconds."""

    command: float
    command_cpu: float
    reading: float
    simulating: float
    again: float  # the same simulation once more, as the console does it


def prepared(folder: Path, exchanges: int) -> World:
    """A ledger of so many."""
    folder.mkdir()
    for name, text in example_files().items():
        (folder / name).write_text(text)
    here = world(keyless(load(folder / "freehold.toml"), {}), folder, datetime.now(UTC))
    plan = Plan(exchanges, DAYS, 0, time.time_ns() // 1_000_000 // 86_400_000 * 86_400_000)
    recorded(folder, Ledger(tree=False), Inventing(here, plan).exchanges(), {"seed": 0})
    return here


def measured(folder: Path, here: World) -> Round:
    """One round. The page cache holds what was just written."""
    command = [
        sys.executable,
        "-m",
        "freehold",
        "drill",
        "simulate",
        SCENARIO,
        "--config",
        str(folder / "freehold.toml"),
    ]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    scenario, at = load_scenario(SCENARIO), [time.perf_counter()]
    traffic = read_traffic(folder, *EVER)
    at.append(time.perf_counter())
    for _ in range(2):
        simulate(here, scenario, traffic, {})
        at.append(time.perf_counter())
    return Round(took, cpu, *(end - begin for begin, end in pairwise(at)))


def row(exchanges: int, rounds: Sequence[Round]) -> str:
    """The middle of the rounds, with the least and the most of the whole command."""
    command = [one.command for one in rounds]
    parts = [median(values) for values in zip(*rounds, strict=True)]
    return (
        f"{exchanges:>10,}  {parts[0]:6.2f} s ({min(command):.2f} to {max(command):.2f})  CPU {parts[1]:5.2f} s   "
        f"reading {parts[2]:6.3f} s ({parts[2] / exchanges * 1e6:.2f} us each)   simulating {parts[3] * 1e3:6.1f} ms, "
        f"again {parts[4] * 1e3:5.1f} ms"
    )


def exponent(found: dict[int, list[Round]]) -> float:
    """How fast it grows."""
    times = {size: min(one.reading + one.simulating for one in rounds) for size, rounds in found.items()}
    return linear_regression([log(size) for size in times], [log(took) for took in times.values()]).slope


def main() -> None:
    """Invent, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a tenth of each size")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    machine = f"one core of {os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}; freehold drill simulate {SCENARIO}")
    found: dict[int, list[Round]] = {}
    with tempfile.TemporaryDirectory(prefix="freehold-drills-") as temporary:
        for size in (one // 10 if args.quick else one for one in SIZES):
            folder = Path(temporary) / str(size)
            here = prepared(folder, size)
            found[size] = [measured(folder, here) for _ in range(args.rounds)]
            print(row(size, found[size]), flush=True)
    largest = max(found)
    took, again = median(one.command for one in found[largest]), median(one.again for one in found[largest])
    print(
        f"growth: exponent {exponent(found):.2f} from {min(found):,} to {largest:,} exchanges (1 is linear)"
    )
    if not args.quick:
        verdict = "met" if took < GOAL_S else f"missed by {took / GOAL_S - 1:.0%}"
        print(f"goal: a million exchanges in under {GOAL_S:g} s: {took:.2f} s, {verdict}")
    print(
        f"console: a simulation where the traffic has been read: {again * 1e3:.0f} ms (goal {CONSOLE_MS:g} ms)"
    )


if __name__ == "__main__":
    main()
