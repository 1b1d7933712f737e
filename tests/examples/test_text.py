import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_a_language_model_goes_from_files_to_an_answer_and_is_promoted_over_a_worse_one_only() -> None:
    pytest.importorskip("llama_cpp", reason="llama.cpp's server, which serves the model, is not installed")

    ran = subprocess.run(
        [sys.executable, "examples/text/run.py", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "own/notes-better: off -> shadow at notes" in ran.stdout
    assert "refused: own/notes-first stays at off" in ran.stdout
