"""`freehold own train`: train a run's model, with what it says while it does so."""

import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from freehold.cli.as_json import print_json
from freehold.cli.output import OK
from freehold.own import artefact
from freehold.own.artefact import MODEL
from freehold.own.plan import load_plan
from freehold.own.train import progress
from freehold.own.train.progress import Progress
from freehold.own.train.training import PLOT, STAGE, train

EVERY_S = 10.0  # where nobody watches a terminal


def run(args: Namespace) -> int:
    """Train to the end, and say what came of it."""
    folder = Path(args.run)
    plan = load_plan(folder)
    again = f"freehold own train {args.run}"
    try:
        anew = train(folder, plan, _teller(sys.stderr.isatty()))
    except KeyboardInterrupt:
        print(f"interrupted; what came is kept: `{again}` goes on", file=sys.stderr)
        raise
    if anew is None:
        return OK
    made = artefact.read(folder / STAGE / MODEL)
    if args.json:
        print_json({"anew": anew, "model": made})
        return OK
    print(
        f"own/{made.name}: {made.parameters:,} parameters"
        + ("" if anew else ", trained before from the same")
    )
    log = folder / STAGE / progress.FILE
    last = list(progress.read(log))[-1:] if log.exists() else []
    for one in last:
        print(
            f"{one.step:,} steps, {one.tokens:,} tokens, {one.cpu_s:,.0f} s of processor time in {one.wall_s:,.0f} s, "
            f"{one.tokens / max(one.cpu_s, 1e-9):,.0f} tokens a CPU-second; loss {one.loss:.4f} nats"
        )
        print(f"its course: {folder / STAGE / PLOT}")
    print(f"the model:  {folder / STAGE / MODEL}")
    return OK


def _teller(watched: bool) -> Callable[[Progress], None]:
    """Says a step on one line that changes, where somebody watches, and otherwise as a line now and then."""
    spoke = [time.monotonic()]

    def tell(one: Progress) -> None:
        last = one.step >= one.steps
        if not last and time.monotonic() - spoke[0] < (0.2 if watched else EVERY_S):
            return
        spoke[0] = time.monotonic()
        line = (
            f"step {one.step:,} of {one.steps:,}  loss {one.loss:.4f}  {one.rate:,.0f} tokens a CPU-second  "
            f"{one.left_s:,.0f} s left"
        )
        sys.stderr.write(f"\r\x1b[K{line}" + ("\n" if last else "") if watched else line + "\n")
        sys.stderr.flush()

    return tell
