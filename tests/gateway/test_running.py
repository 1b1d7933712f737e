"""Which gateway serves from a state directory, as a command beside it sees it."""

import subprocess
import sys
from pathlib import Path

from freehold.gateway.running import FILE, Running, announce, running

HERE = Running("1795429966196", "http://127.0.0.1:8080", 2)
IN_ITS_OWN_PROCESS = """
import sys
from pathlib import Path
from freehold.gateway.running import Running, announce
announce(Path(sys.argv[1]), Running("1", "http://127.0.0.1:1", 1))
print("ready", flush=True)
sys.stdin.read()
"""


def test_where_none_has_run_none_runs(tmp_path: Path) -> None:
    assert running(tmp_path) is None


def test_a_gateway_is_found_as_it_announced_itself(tmp_path: Path) -> None:
    announce(tmp_path, HERE)

    assert running(tmp_path) == HERE
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_one_that_was_killed_no_longer_runs_and_another_takes_its_place(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_ITS_OWN_PROCESS, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    before = running(tmp_path)
    process.kill()
    process.communicate()

    after = running(tmp_path)
    announce(tmp_path, HERE)

    assert (before, after) == (Running("1", "http://127.0.0.1:1", 1), None)
    assert running(tmp_path) == HERE


def test_a_file_that_says_nothing_is_no_gateway(tmp_path: Path) -> None:
    announce(tmp_path, HERE)
    (tmp_path / FILE).write_text("{")

    assert running(tmp_path) is None
