"""The MMD test beside PyPI's `model-equality-testing`: same statistic, and how much faster.

    python -m benchmarks.audits_mmd [--install] [--quick] [--permutations N] [--length N]

25 prompts, 50 answers each from two sides. The peer (Gao, Liang & Guestrin 2024) runs as its README says, in a virtual
environment of its own under `benchmarks/.peers/`; both get the same answers, one thread and the same number of
permutations. Its permutations shuffle answers together with their prompts; ours stay within a prompt. So that nothing
but speed is left to compare, its own permutations are also handed to our statistic, and all must agree.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims import claim, in_parallel
from benchmarks.mmd import Floats, MmdResult, encode, gram_test, hamming_gram, statistics
from benchmarks.subjects import PEERS_DIR

VENV = PEERS_DIR / "model-equality-testing"
PACKAGE, VERSION = "model-equality-testing", "0.0.2"
# A CPU build by its version: the package alone would pull gigabytes that no CPU uses. Two that it imports, it does not
# ask for.
INSTALL = (
    (sys.executable, "-m", "venv", "--clear", str(VENV)),
    (str(VENV / "bin/pip"), "install", "-q", "torch==2.13.0"),
    (str(VENV / "bin/pip"), "install", "-q", f"{PACKAGE}=={VERSION}", "tqdm==4.70.1", "transformers==4.57.1"),
)
PROMPTS, ANSWERS = 25, 50
SPEED_GOAL, STATISTIC_GOAL = 1000, 1e-6

# Runs in the peer's environment. The calls are its README's; beside them its statistic at its own permutations,
# each drawn again from the same seed.
PEER = """
import json, sys, time
import numpy as np, torch
from model_equality_testing.algorithm import run_two_sample_test
from model_equality_testing.distribution import CompletionSample
from model_equality_testing.tests import mmd_hamming
folder, permutations, prompts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
sides = [CompletionSample(prompts=np.load(f"{folder}/prompts.npy"), completions=np.load(f"{folder}/{side}.npy"),
                          m=prompts) for side in "xy"]
torch.manual_seed(1)
began = time.perf_counter()
p_value, statistic = run_two_sample_test(
    *sides, pvalue_type="permutation_pvalue", stat_type="mmd_hamming", b=permutations)
seconds = time.perf_counter() - began
torch.manual_seed(1)
pooled = torch.cat([one.sequences for one in sides])
orders, permuted = [], []
for _ in range(min(permutations, 5)):
    order = torch.randperm(len(pooled))
    orders.append(order.numpy())
    halves = pooled[order][: sides[0].N], pooled[order][sides[0].N :]
    permuted.append(float(mmd_hamming(*(CompletionSample(one[:, 0], one[:, 1:], prompts) for one in halves))))
np.save(f"{folder}/orders.npy", np.array(orders))
with open(f"{folder}/peer.json", "w") as file:
    json.dump({"p": float(p_value), "statistic": float(statistic), "seconds": seconds, "permuted": permuted}, file)
"""


def answers(length: int, shift: float) -> list[list[str]]:
    """Made-up answers of uneven length: a shared text for each prompt, with places changed, `shift` of them more."""
    random = np.random.default_rng(int(shift * 1000) + 7)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz ,.äé中"))
    shared = np.random.default_rng(3).choice(letters, size=(PROMPTS, length))
    made = []
    for text in shared:
        rows = np.where(
            random.random((ANSWERS, length)) < 0.5 + shift, random.choice(letters, (ANSWERS, length)), text
        )
        ends = random.integers(length // 2, length + 1, ANSWERS)
        made.append(["".join(row[:end]) for row, end in zip(rows, ends, strict=True)])
    return made


class Ours(NamedTuple):
    """What our own test says, how long it took, and the Gram matrices it made."""

    found: MmdResult
    seconds: float
    grams: list[Floats]


def ours(job: tuple[int, int]) -> Ours:
    """The slower of two runs, each from texts to the p-value."""
    length, permutations = job
    x, y = answers(length, 0.0), answers(length, 0.01)
    runs = []
    for _ in range(2):
        began = time.perf_counter()
        grams = [hamming_gram(encode([*one, *other], length)) for one, other in zip(x, y, strict=True)]
        found = gram_test(grams, [ANSWERS] * PROMPTS, permutations, seed=1)
        runs.append(Ours(found, time.perf_counter() - began, grams))
    return max(runs, key=lambda run: run.seconds)


def peer(x: list[list[str]], y: list[list[str]], length: int, permutations: int) -> dict[str, Any]:
    """What the package says and how long it takes; `orders` are its first permutations of all answers."""
    with tempfile.TemporaryDirectory() as folder:
        for name, side in (("x", x), ("y", y)):
            codes = np.concatenate([encode(texts, length) for texts in side]).astype(np.int64)
            np.save(f"{folder}/{name}.npy", codes)
        np.save(f"{folder}/prompts.npy", np.repeat(np.arange(PROMPTS), ANSWERS))
        words = [str(VENV / "bin/python"), "-c", PEER, folder, str(permutations), str(PROMPTS)]
        ended = subprocess.run(words, check=False, capture_output=True, text=True, env=one_thread())
        if ended.returncode:
            raise SystemExit(f"{PACKAGE} failed:\n{ended.stderr}")
        found: dict[str, Any] = json.loads((Path(folder) / "peer.json").read_text())
        found["orders"] = np.load(f"{folder}/orders.npy")
    return found


def one_thread() -> dict[str, str]:
    return os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def at_its_orders(grams: list[Floats], orders: NDArray[np.int64]) -> Floats:
    """Our statistic where its permutations put the answers: the first half of each order is the first side."""
    count = PROMPTS * ANSWERS
    first = np.zeros((len(orders), 2, PROMPTS, ANSWERS), dtype=bool)
    for row, order in enumerate(orders):
        first.reshape(len(orders), -1)[row, order[:count]] = True
    return statistics(
        grams, [np.concatenate([first[:, 0, p], first[:, 1, p]], axis=1) for p in range(PROMPTS)]
    )


def compare(length: int, permutations: int) -> bool:
    """Print both sides and the two claims; whether both hold."""
    [(found, seconds, grams)] = in_parallel(ours, [(length, permutations)])
    theirs = peer(answers(length, 0.0), answers(length, 0.01), length, permutations)
    off = abs(found.statistic - float(theirs["statistic"]))
    off_permuted = float(np.abs(at_its_orders(grams, theirs["orders"]) - theirs["permuted"]).max())
    faster = float(theirs["seconds"]) / seconds
    print(
        f"{PROMPTS} prompts x {ANSWERS} answers x 2, {length} characters, {permutations} permutations, one thread"
    )
    print(
        f"  {PACKAGE}: {theirs['seconds']:9.2f} s, statistic {theirs['statistic']:.9f}, p {theirs['p']:.4f}"
    )
    print(
        f"  freehold.stats.mmd:     {seconds:9.4f} s, statistic {found.statistic:.9f}, p {found.p_value:.4f}"
    )
    equal = claim(
        "statistic equal to the package's",
        f"off by {off:.1e}, and by {off_permuted:.1e} at its own permutations",
        f"<= {STATISTIC_GOAL:g}",
        max(off, off_permuted) <= STATISTIC_GOAL,
    )
    fast = claim(
        "times faster, from texts to p-value", f"{faster:,.0f}", f"> {SPEED_GOAL:,}", faster > SPEED_GOAL
    )
    return equal and fast


def install() -> None:
    PEERS_DIR.mkdir(exist_ok=True)
    for command in INSTALL:
        subprocess.run(command, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audits_mmd")
    parser.add_argument("--install", action="store_true", help="install the peer (torch's CPU build with it)")
    parser.add_argument("--quick", action="store_true", help="50 permutations")
    parser.add_argument(
        "--permutations", type=int, default=100, help="100, as in its README; its default is 1000"
    )
    parser.add_argument("--length", type=int, default=200, help="characters compared; 200, as in its README")
    arguments = parser.parse_args()
    if arguments.install:
        install()
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} x {platform.machine()}, {versions}", flush=True)
    if not (VENV / "bin/python").exists():
        print(f"{PACKAGE} {VERSION} is not installed: python -m benchmarks.audits_mmd --install")
        return 2
    return 0 if compare(arguments.length, 50 if arguments.quick else arguments.permutations) else 1


if __name__ == "__main__":
    sys.exit(main())
