import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_a_model_of_dna_goes_from_a_chromosome_to_likelihoods_and_is_promoted_over_a_worse_one_only() -> None:
    ran = subprocess.run(
        [sys.executable, "examples/genome/run.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "wrote salmonella.npz: 60,000 bases" in ran.stdout
    assert "own/dna-first -> " in ran.stdout
    assert "own/dna-better: off -> shadow at dna" in ran.stdout
    assert "refused: own/dna-first stays at off" in ran.stdout
