"""How soon two models are told apart by their answers, one answer a prompt: `python -m benchmarks.audits_swaps`.

Settings of the learners were fixed on the pairs marked "settings"; the others had no part in the numbers. Which
kinds of features there are was decided looking at the tulu and the Llama pair. Nothing was fixed on the vicuna pair,
and it is no clean null: Together's host applied a prompt template of its own (alpaca_eval,
models_configs/vicuna-13b-v1.5-togetherai). `benchmarks.audits_null` swaps labels, which is one.
"""

import math
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.claims import as_done, claim, started
from benchmarks.recordings import completions, prompts
from benchmarks.replay import read, replay
from freehold.stats.pairswap import PairSwap

FLAG, ACCUSATION = math.log(20), math.log(1_000)
LIMIT = 100  # prompts, at the median order
SOON = 300  # prompts that are read of a pair that must be found soon


@dataclass(frozen=True)
class Swap:
    """Two models and what is expected of them."""

    a: str
    b: str
    kind: str  # "version", "sibling" or "same"
    fixed_here: bool  # whether the learners' settings were fixed on it


SWAPS = (
    Swap("gpt4_0314", "gpt4_0613", "version", True),
    Swap("claude-2", "claude-2.1", "version", False),
    Swap("gpt-4o-2024-05-13", "gpt-4o-mini-2024-07-18", "version", False),
    Swap("Mistral-7B-Instruct-v0.2", "Mistral-7B-Instruct-v0.3", "version", True),
    Swap("Meta-Llama-3.1-70B-Instruct-Turbo", "Meta-Llama-3.1-8B-Instruct-Turbo", "sibling", True),
    Swap("tulu-2-dpo-13b", "tulu-2-dpo-7b", "sibling", True),
    Swap("Meta-Llama-3.1-405B-Instruct-Turbo", "Meta-Llama-3.1-70B-Instruct-Turbo", "sibling", False),
    Swap("vicuna-13b-v1.5", "vicuna-13b-v1.5-togetherai", "same", False),
)


@dataclass(frozen=True)
class Found:
    """Over the orders: prompts to each threshold (infinite where never), and the evidence at the end."""

    flagged: list[float]
    accused: list[float]
    ends: list[float]
    prompts: int


def first(path: np.ndarray, threshold: float) -> float:
    """Prompts until a path reaches a threshold."""
    reached = np.flatnonzero(path >= threshold)
    return float(reached[0] + 1) if len(reached) else math.inf


def over_orders(job: tuple[Swap, int]) -> Found:
    swap, orders = job
    known = read(completions(swap.a), completions(swap.b), prompts())
    count = SOON if swap.kind == "version" else len(known)
    random = np.random.default_rng(20261123)
    paths = [replay(known, random.permutation(len(known))[:count].tolist()) for _ in range(orders)]
    flagged, accused = ([first(path, level) for path in paths] for level in (FLAG, ACCUSATION))
    return Found(flagged, accused, [float(path[-1]) for path in paths], count)


def told(swap: Swap, found: Found) -> None:
    """Print one pair, whatever was found."""
    settings = "settings" if swap.fixed_here else "left out"
    print(f"{swap.a} / {swap.b} ({swap.kind}, {settings})")
    for name, hits in (("e >= 20", found.flagged), ("e >= 1000", found.accused)):
        share = np.isfinite(hits).mean()
        middle = float(np.median(hits))
        spread = f"{min(hits):g} to {max(hits):g}"
        print(
            f"    {name}: median {middle:g} prompts ({spread}), {share:.0%} of orders within {found.prompts}"
        )
    print(f"    e after {found.prompts} prompts: {math.exp(np.median(found.ends)):.3g} (median)", flush=True)


def judged(swap: Swap, found: Found) -> None:
    """Print the claim that is made of a pair."""
    name, middle = f"{swap.a} / {swap.b}", float(np.median(found.flagged))
    if swap.kind == "version":
        claim(name, f"median {middle:g} prompts to e >= 20", f"<= {LIMIT}", middle <= LIMIT)
        return
    flagged, accused = (float(np.isfinite(hits).mean()) for hits in (found.flagged, found.accused))
    if swap.kind == "same":
        claim(name, f"e >= 20 in {flagged:.0%} of orders", "not flagged in 805", flagged == 0)
        claim(name, f"e >= 1000 in {accused:.0%} of orders", "no accusation in 805", accused == 0)
    else:
        figure = f"e >= 20 in {flagged:.0%} of orders, median {middle:g} prompts"
        claim(name, figure, "headway: at least half of orders in 805", flagged >= 0.5)


def cost() -> None:
    """Time of an update with 800 pairs learned, reading both answers included."""
    one, other = (completions(f"tulu-2-dpo-{size}") for size in ("13b", "7b"))
    bets, spent = PairSwap(), []
    for a, b, prompt in zip(one, other, prompts(), strict=True):
        start = time.process_time()
        bets.update(a, b, prompt)
        spent.append((time.process_time() - start) * 1e3)
    last = float(np.median(spent[-40:]))
    claim("an update at 800 pairs", f"{last:.1f} ms of CPU (median of the last 40)", "< 20 ms", last < 20)


def main() -> None:
    quick = started("Two models told apart, one answer a prompt, random orders of 805 prompts.")
    jobs = [(swap, 5 if quick else 20) for swap in SWAPS]
    results = []
    for swap, found in zip(SWAPS, as_done(over_orders, jobs), strict=True):
        told(swap, found)
        results.append(found)
    print()
    for swap, found in zip(SWAPS, results, strict=True):
        judged(swap, found)
    cost()


if __name__ == "__main__":
    main()
