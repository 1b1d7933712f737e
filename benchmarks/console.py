"""How long the console's pages take over a ledger of a million exchanges: `python -m benchmarks.console [--quick]`.

Invents a company's traffic (`freehold drill traffic`, with some findings added), starts the console over it, and asks
for pages one after the other on one connection: first while the index is being built, then when it is there. Times are
the client's, from the request to the last byte. `--quick` takes ten thousand exchanges, `--into DIR` keeps the ledger
there for the next run.
"""

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from msgspec.structs import replace

from freehold.catalog.resolve import keyless
from freehold.config.environment import environment
from freehold.config.load import Loaded, load_all
from freehold.console.tokens import Tokens
from freehold.drills.inventing import Inventing, Plan, example_files, recorded
from freehold.drills.world import world
from freehold.vocabulary.exchange import Exchange, Finding

DAY_MS = 86_400_000
DAYS = 30
TIMES = 20
FIRST_GOAL_MS, SEARCH_GOAL_MS = 100, 200
FOUND = {97: "refusal", 89: "truncation", 997: "substitution"}  # one in so many answers
PAGES = ("/endpoints", "/policy", "/audits", "/cutoff", "/standing", "/keys")
# Providers that are in use need a key, and nothing is ever sent to them.
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "AZURE_OPENAI_API_KEY")
AWS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
STATUS = Path("/proc/{}/status")


def invented(into: Path, exchanges: int) -> None:
    """A ledger that ends now, with the configuration it was decided with beside it."""
    into.mkdir(parents=True, exist_ok=True)
    for name, text in example_files().items():
        (into / name).write_text(text, encoding="utf-8")
    loaded = load_all(into / "freehold.toml")
    assert isinstance(loaded, Loaded), loaded
    resolved = keyless(loaded.config, environment())
    plan = Plan(exchanges, DAYS, 1, time.time_ns() // 1_000_000)
    inventing = Inventing(world(resolved, into, datetime.now(UTC)), plan)
    settings = replace(resolved.config.ledger, witnesses={})
    recorded(into, settings, with_findings(inventing.exchanges()), {"exchanges": exchanges})


def with_findings(exchanges: Iterator[Exchange]) -> Iterator[Exchange]:
    for number, it in enumerate(exchanges, start=1):
        kinds = [kind for every, kind in FOUND.items() if number % every == 0 and it.endpoint is not None]
        yield replace(it, findings=tuple(Finding(kind, "so it was drawn") for kind in kinds)) if kinds else it


class Console:
    """The console as a process of its own, and somebody who is signed in to it."""

    def __init__(self, into: Path) -> None:
        self.began = time.perf_counter()
        command = [sys.executable, "-m", "freehold", "console", "--port", "0", "--json"]
        config = ["--config", str(into / "freehold.toml")]
        environment = {**os.environ, **dict.fromkeys(KEYS, "none"), **AWS}
        token = Tokens(into).make("benchmark", "viewer")
        self.process = subprocess.Popen(
            [*command, *config], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self._connection = HTTPConnection(urlsplit(self.url).netloc, timeout=120)
        self._cookie = ""
        self._cookie = self._sign_in(token)

    def _sign_in(self, token: str) -> str:
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": self.url}
        self._connection.request("POST", "/sign-in", urlencode({"token": token, "then": "/"}), headers)
        answer = self._connection.getresponse()
        answer.read()
        return (answer.getheader("set-cookie") or "").partition(";")[0]

    def get(self, path: str) -> tuple[float, str]:
        """A page, and how many milliseconds it took."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers={"cookie": self._cookie})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        took = (time.perf_counter() - began) * 1_000
        if answer.status not in (200, 303):
            raise SystemExit(f"{path}: {answer.status} {text[:500]}")
        return took, text

    @property
    def peak_mib(self) -> float:
        """The most memory that it has held."""
        status = Path(str(STATUS).format(self.process.pid)).read_text()
        (found,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(found) / 1_024

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def options(text: str, name: str) -> list[str]:
    """What the search form offers of one word."""
    (select,) = re.findall(rf'<select name="{name}">(.*?)</select>', text, re.DOTALL)
    return [one for one in re.findall(r"<option(?: selected)?>([^<]+)</option>", select) if "(" not in one]


def questions(console: Console) -> dict[str, Callable[[], str]]:
    """The address of a search of each sort, with values drawn anew each time."""
    draw = random.Random(2)
    _, form = console.get("/exchanges")
    words = {
        name: options(form, name) for name in ("application", "endpoint", "finding", "failed", "data_class")
    }
    now = time.time()

    def moment() -> str:
        return time.strftime("%Y-%m-%dT%H:%M", time.gmtime(now - draw.random() * DAYS * 86_400))

    def some(*names: str, **more: str) -> str:
        return "/exchanges?" + urlencode({name: draw.choice(words[name]) for name in names} | more)

    def an_id() -> str:
        _, page = console.get(f"/exchanges?until={moment()}")
        found = re.findall(r'href="/exchanges/(x[0-9a-f]+)"', page)
        return draw.choice(found) if found else an_id()

    return {
        "newest": lambda: "/exchanges",
        "id": lambda: f"/exchanges?id={an_id()[:22]}",
        "application": lambda: some("application", until=moment()),
        "endpoint": lambda: some("endpoint"),
        "finding": lambda: some("finding"),
        "time range": lambda: f"/exchanges?since={moment()}",
        "time range, until": lambda: f"/exchanges?until={moment()}",
        "failed at, and time": lambda: some("failed", until=moment()),
        "all of them together": lambda: some(
            "application", "endpoint", "finding", "data_class", until=moment()
        ),
        "one exchange, with proof": lambda: f"/exchanges/{quote(an_id())}",
    }


def timed(console: Console, name: str, address: Callable[[], str], goal_ms: int | None) -> None:
    told(name, [console.get(address())[0] for _ in range(TIMES)], goal_ms)


def told(name: str, times: list[float], goal_ms: int | None) -> None:
    worst = max(times)
    kept = "" if goal_ms is None else "  goal kept" if worst < goal_ms else f"  GOAL OF {goal_ms} MISSED"
    print(f"  {name:34} median {statistics.median(times):7.1f} ms, worst {worst:7.1f} ms{kept}", flush=True)


def measured(into: Path, exchanges: int) -> None:
    (into / "search.sqlite").unlink(missing_ok=True)
    console = Console(into)
    try:
        ready = time.perf_counter() - console.began
        print(f"console ready to sign in after {ready:.1f} s")
        print(f"  first page, nothing indexed yet    {console.get('/')[0]:7.1f} ms")
        times = []
        while "Indexed" in (page := console.get("/"))[1]:
            times.append(page[0])
            time.sleep(0.2)
        built = time.perf_counter() - console.began
        size = sum(file.stat().st_size for file in into.glob("search.sqlite*")) / 1e6
        whole = sum(file.stat().st_size for file in into.glob("**/*.jsonl")) / 1e6
        print(
            f"index of {exchanges:,} exchanges in {built:.1f} s: {size:,.0f} MB beside a journal of {whole:,.0f} MB"
        )
        if times:
            told("first page, while it is built", times, None)
        for period in ("hour", "day", "week"):
            timed(console, f"first page (Now), last {period}", lambda: f"/?period={period}", FIRST_GOAL_MS)  # noqa: B023
        timed(console, "live part of it", lambda: "/now/live", FIRST_GOAL_MS)
        for name, address in questions(console).items():
            timed(console, f"search: {name}", address, SEARCH_GOAL_MS)
        print(f"peak memory of the console's process: {console.peak_mib:,.0f} MiB")
        for path in PAGES:
            timed(console, path, lambda: path, None)  # noqa: B023
        print(f"peak memory after all pages: {console.peak_mib:,.0f} MiB")
    finally:
        console.close()


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="ten thousand exchanges")
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument(
        "--into", type=Path, help="keep the ledger here, and use the one that is here already"
    )
    args = parser.parse_args()
    exchanges = 10_000 if args.quick else args.exchanges
    machine = f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}")
    with tempfile.TemporaryDirectory(prefix="freehold-console-") as folder:
        into = (args.into or Path(folder)).absolute()
        if not (into / "ledger.sqlite").exists():
            began = time.perf_counter()
            invented(into, exchanges)
            print(f"{exchanges:,} exchanges invented in {time.perf_counter() - began:.0f} s", flush=True)
        measured(into, exchanges)


if __name__ == "__main__":
    main()
