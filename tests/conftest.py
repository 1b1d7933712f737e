"""What holds for the whole suite."""

import gc
import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow]  # a slow machine is no finding

# What fails on one machine fails on each: the same examples in every run. `--hypothesis-profile=search` tries others,
# and twice as many.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=SLOW, derandomize=True, max_examples=50
)
settings.register_profile("search", deadline=None, suppress_health_check=SLOW, print_blob=True)
settings.load_profile("suite")

# Hundreds of processes start here: what one has compiled is there for the others.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Threads that wait for each other's share of small matrices, on cores that others use, cost many times what they save.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


# Who begins the suite in the background may have it ignore Ctrl-C, and everything that it starts with it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

gc.disable()  # what is collected stays, and to look for garbage among it again and again takes a tenth of the time


HEAVY = frozenset({"torch", "transformers", "peft"})  # seconds to import, in each process that runs tests
COLLECTED = pytest.StashKey[frozenset[str]]()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """From here on there may be garbage, but not in what stays."""
    session.config.stash[COLLECTED] = HEAVY & sys.modules.keys()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Neighbours run in one process, as far as the load allows: they share what their module starts."""
    if config.getoption("numprocesses", None) and config.getoption("dist") == "no":
        config.option.dist = "worksteal"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for processes, and two cores are to do in five minutes."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1
