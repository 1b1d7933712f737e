"""`freehold demo` as a process of its own: what it shows, that it can fail, that it leaves nothing behind."""

import http.client
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.console.visitor import Visitor

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0
HOSTILE = {  # none of which may matter
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "OPENAI_BASE_URL": "http://127.0.0.1:9",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "ANTHROPIC_AUTH_TOKEN": "somebody's",
    "FREEHOLD_CONFIG": "/nowhere.toml",
    "PYTHONIOENCODING": "ascii",
}
PLAIN = "import sys; sys.modules['openai'] = sys.modules['anthropic'] = None\n"
PROGRAM = """
import sys
import time
from functools import partial
from freehold.cli import demo
from freehold.cli.main import main
from freehold.cli.demo_scenery import PROVIDERS
from freehold.cli.demo_stage import Stage

class Watched(Stage):
    def __enter__(self):
        super().__enter__()
        names = ["gateway", *(one.name for one in PROVIDERS)]
        print("pids", *map(self.pid, names), file=sys.stderr, flush=True)
        return self
{methods}
demo.run = partial(demo.run, stage_type=Watched)
sys.exit(main({words}))
"""
SCENES = [
    ("north/atlas-2", "1", ""),
    ("north/atlas-2", "1", ""),
    ("south/atlas-2", "2", ""),
    ("south/atlas-2", "2", ""),
    ("west/meridian-1", "3", ""),
    ("north/atlas-2", "1", "refusal"),
    ("north/atlas-2", "1", "substitution"),
    ("north/atlas-2", "1", ""),  # another model, and nothing says so
    ("west/meridian-1", "1", ""),  # the only one that the policy allows
    ("", "2", ""),  # and when it is dead: nobody
]
PROOF = re.compile(
    r"headers +(?:x-freehold-endpoint: (\S+)  )?x-freehold-attempts: (\d)(?:  x-freehold-finding: (\S+))?"
    r"(?:\s+x-freehold-allowed: 1 of 3)?\s+x-freehold-exchange: (x[0-9a-f]{27})\n"
)


@contextmanager
def demo(temporary: Path, program: str) -> Iterator["subprocess.Popen[str]"]:
    """A demo whose temporary folders lie in `temporary`."""
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | HOSTILE | {"TMPDIR": str(temporary)},
        cwd=temporary,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()  # which ends what it has started
            running.communicate(timeout=240)


def program(methods: str = "", *, stay: bool = False, sdks: bool = False) -> str:
    return ("" if sdks else PLAIN) + PROGRAM.format(methods=methods, words=["demo", *["--stay"] * stay])


def read_until(running: "subprocess.Popen[str]", pattern: str) -> str:
    assert running.stdout is not None
    said = ""
    while not re.search(pattern, said):
        line = running.stdout.readline()
        assert line, said
        said += line
    return said


def left(temporary: Path, pids: str) -> tuple[list[Path], list[int]]:
    """What a demo that has ended has left behind: files, and processes."""
    started = [int(pid) for pid in pids.removeprefix("pids ").split()]
    assert len(started) == 4
    return list(temporary.iterdir()), [pid for pid in started if alive(pid)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_every_scene_is_shown_and_on_the_ledger(tmp_path: Path) -> None:
    with demo(tmp_path, program(sdks=True)) as running:
        out, err = running.communicate(timeout=240)

    assert running.returncode == 0, out + err
    shows_every_scene(out)
    assert ("plain HTTP: POST" in out, "OpenAI SDK" in out, "Anthropic SDK" in out) == (False, True, True)
    assert left(tmp_path, err) == ([], [])


def shows_every_scene(out: str) -> None:
    proofs = PROOF.findall(out)
    assert [proof[:3] for proof in proofs] == SCENES
    ledger = out.partition("\nAT (UTC)")[2]
    assert sorted(re.findall(r"(?m)^20.* (x[0-9a-f]{27})$", ledger)) == sorted(proof[3] for proof in proofs)
    assert sorted(re.findall(r"(?m)^20.* (answered|cut) ", ledger)) == ["answered"] * 8 + ["cut"]
    assert " ".join(out.split()).count("(code: answer_cut)") == 1
    assert "(from understudy-mini)" in out
    assert len(re.findall("x-freehold-allowed: 1 of 3", out)) == 2
    verified = out.partition("\n8. ")[2]
    assert verified.index("everything is as it was signed") < verified.index("edited: journal/node-0/")
    audited = verified.partition("\n9. ")[2]
    assert audited.index("DIFFERENT") < audited.index("Nothing in this pack contradicts its report.")
    assert len(re.findall(r"(?m)^   (?:north|south|west)/\S+  .* \d+\.\d%", audited)) == 3
    assert "hurts most: parent West Oy" in audited
    shows_a_drill(audited.partition("\n11. ")[2])
    assert re.search(
        r"\n10 requests, 15 attempts, 3 findings, \d+\.\d seconds\. Every scene was checked\.\n", out
    )
    assert "\x1b" not in out


def shows_a_drill(said: str) -> None:
    told = (
        "Provider north is gone; `freehold drill stop` ends it at once",
        "in force; nothing fails yet",
        "the fault is there",
        "an application asks meanwhile: north/atlas-2 answers, attempts: 1",
        "the fault is taken away: it ran to its end",
        "the first failed attempt at who is lost",
        "service restored",
        "back at who was lost, after the fault",
        "streams that broke off: 0; prompts where policy did not allow them: 0",
        "exit-plan/report.html: to read or print",
        "ok     drill-began ",
        "numbers were worked out again from ",
        "everything agrees",
    )
    assert sorted(told, key=said.index) == list(told)
    assert re.search(r"during +\d+ +100 % \(\d+ to 100\) +0 % ", said)


@pytest.mark.parametrize(
    ("methods", "missed"),
    [
        ("    def kill(self, *providers): pass", "x-freehold-endpoint is south/atlas-2; it is north/atlas-2"),
        ("    def tell(self, provider, fault): pass", "x-freehold-finding is refusal; it is absent"),
        ("    def rewritten(self, before, after): return self.state", "the change is found; it is not"),
        (
            "    def tell(self, provider, fault): fault.startswith('style') or super().tell(provider, fault)",
            "they differ; the verdict is same so far",
        ),
    ],
    ids=["nobody dies", "nobody refuses", "nobody rewrites", "nobody differs"],
)
def test_a_scene_that_does_not_hold_is_told_and_is_1(tmp_path: Path, methods: str, missed: str) -> None:
    with demo(tmp_path, program(methods)) as running:
        out, err = running.communicate(timeout=240)

    assert running.returncode == 1, out + err
    assert f"\nNOT SHOWN: {missed}\n" in out
    assert "Every scene was checked" not in out
    assert left(tmp_path, err) == ([], [])


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_it_midway_ends_everything(tmp_path: Path, sign: signal.Signals) -> None:
    with demo(tmp_path, program()) as running:
        read_until(running, "mid-sentence")
        running.send_signal(sign)
        out, err = running.communicate(timeout=240)

    assert running.returncode == 130
    assert "Every scene was checked" not in out
    assert left(tmp_path, err) == ([], [])


def test_a_gateway_that_does_not_start_is_told(tmp_path: Path) -> None:
    methods = (
        "    def _spawn(self, name, *words): super()._spawn(name, *words, *['--worse'] * (name == 'gateway'))"
    )

    with demo(tmp_path, program(methods)) as running:
        out, err = running.communicate(timeout=240)

    assert (running.returncode, out, list(tmp_path.iterdir())) == (3, "", [])
    assert err.startswith("error: the demo's gateway did not start\nremedy: usage: freehold")


def test_without_sdks_it_shows_the_same_and_where_it_stays_what_it_prints_works(tmp_path: Path) -> None:
    with demo(tmp_path, program(stay=True)) as running:
        said = read_until(running, "stop .*\n")
        shows_every_scene(said)
        assert "plain HTTP: POST" in said
        assert "OpenAI SDK" not in said and "Anthropic SDK" not in said
        command = re.search(r"(?m)^ +curl +(curl .*/v1/.*)$", said)
        assert command
        answer = curl(command[1])
        assert (answer.status, answer.headers["x-freehold-endpoint"]) == (200, "north/atlas-2")
        fault = re.search(r"(?m)^ +fault +(curl .*)$", said)
        assert fault
        assert curl(fault[1]).status == 200
        assert curl(command[1]).headers["x-freehold-finding"] == "refusal"
        console = re.search(r"(?m)^ +console +(http://\S+) .* sign in with (\S+)$", said)
        assert console
        visitor = Visitor(console[1])
        assert visitor.sign_in(console[2]).status == 303
        shows_it_on_pages(visitor)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=240)

    assert (running.returncode, out) == (0, "\nended; nothing is left behind\n")
    assert left(tmp_path, err) == ([], [])
    pid = re.search(r"console (\d+)", said)
    assert pid
    assert not alive(int(pid[1]))


def shows_it_on_pages(visitor: Visitor) -> None:
    """The demo's traffic, its audit, its bench and its drill."""
    for path, shown in (
        ("/exchanges?finding=truncation", 'href="/exchanges/x'),  # of the third scene: so the index is filled
        ("/", "north/atlas-2"),
        ("/audits", "different"),
        ("/standing", "tasks.jsonl"),
        ("/policy/shadow", "nothing-kept"),
        ("/keys", "at-home/a-day"),
        ("/cutoff", "Provider north is gone"),
        ("/cutoff", "failed then, too: 50.0 %"),
    ):
        waits_for(visitor, path, shown)
    report = re.search(r'href="(/cutoff/drills/d[0-9a-f]+)"', visitor.get("/cutoff").text)
    assert report
    page = visitor.get(report[1]).text
    assert "north may still hold" in page
    assert "Quality changes by" in page


def waits_for(visitor: Visitor, path: str, shown: str) -> None:
    """A page fills as the ledger is read; what it is to show comes, or this fails."""
    end = time.monotonic() + PATIENCE_S
    while shown not in (text := visitor.get(path).text):
        assert time.monotonic() < end, (path, text)
        time.sleep(0.1)


def curl(line: str) -> http.client.HTTPResponse:
    """Send what the line would have curl send."""
    words = shlex.split(line)
    url = next(word for word in words if word.startswith("http://"))
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("POST", parts.path, words[words.index("-d") + 1], headers)
    answer = connection.getresponse()
    json.loads(answer.read())
    connection.close()
    return answer
