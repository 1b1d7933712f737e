import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_a_predictor_goes_from_a_table_to_an_answer_and_is_promoted_over_a_worse_one_only() -> None:
    ran = subprocess.run(
        [sys.executable, "examples/predictor/run.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "own/splice-kernel: off -> shadow at junctions" in ran.stdout
    assert "refused: own/splice-bayes stays at off" in ran.stdout
    assert "'own/splice-kernel': 'shadow'" in ran.stdout
