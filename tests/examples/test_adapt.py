import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_a_checkpoint_is_adapted_and_promoted_and_one_adapted_in_a_hurry_is_not() -> None:
    ran = subprocess.run(
        [sys.executable, "examples/adapt/run.py"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "own/mill -> The planer is in the workshop." in ran.stdout
    assert "own/mill: off -> shadow at helpdesk" in ran.stdout
    assert "refused: own/mill stays at shadow" in ran.stdout
    assert "refused: own/mill-in-a-hurry stays at off" in ran.stdout
