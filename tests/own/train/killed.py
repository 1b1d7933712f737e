"""A training that is killed after a step: `python -m tests.own.train.killed RUN STEP`."""

import os
import signal
import sys
from pathlib import Path

from freehold.own.plan import load_plan
from freehold.own.train.progress import Progress
from freehold.own.train.training import train


def say(said: Progress) -> None:
    """No code of ours runs after this."""
    if said.step == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    train(Path(sys.argv[1]), load_plan(Path(sys.argv[1])), say)
