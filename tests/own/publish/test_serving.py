"""Published models are served at one address, each by an engine of its own that is watched."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from freehold.own.publish import tending
from freehold.own.publish.registry import register
from freehold.own.publish.serving import named
from tests.gateway.house import PATIENCE_S, Said, aliases, house, post
from tests.gateway.house import _asked as asked
from tests.gateway.ruled import until
from tests.own.publish.published import broken, chatting, on_path, regressor
from tests.warm import Warm

BODY_BYTES_MAX = 32 << 20
ROWS = [str(number) for number in range(250)]
POLICY = (
    'name = "here"\n[rules.here]\nrequire = "own and retention_days == 0 and inference_region == \'FI\'"\n'
)
POLICY += 'reason = "Only our own machines in Finland."\n'


@dataclass(frozen=True, slots=True)
class Served:
    """A running front, and the folders behind it."""

    url: str  # with /v1
    state: Path
    runs: Path
    process: Warm

    def predict(self, name: str, *rows: object) -> Said:
        return post(f"{self.url}/own/{name}:predict", json.dumps({"inputs": rows}).encode())

    def value(self, name: str) -> float | None:
        """What it says of x = 3; None where it is not served."""
        said = self.predict(name, {"x": 3})
        return float(said.json()["predictions"][0]["value"]) if said.status == 200 else None

    def chat(self, name: str, words: str, **fields: object) -> Said:
        body = {"model": name, "messages": [{"role": "user", "content": words}], **fields}
        return post(f"{self.url}/chat/completions", json.dumps(body).encode())

    def states(self) -> dict[str, Any]:
        said = asked("GET", self.url.replace("/v1", "/healthz"), None, {})
        return dict(said.json()["models"])


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def configured(folder: Path, url: str) -> Path:
    file = folder / "freehold.toml"
    server = f"[server]\nbody_bytes_max = {BODY_BYTES_MAX}\n"
    file.write_text(f'state_dir = "{folder / "state"}"\n[providers.own]\nbase_url = "{url}"\n{server}')
    return file


@contextmanager
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A front with a regressor, a chatting model and a broken one."""
    state, runs = folder / "state", folder / "runs"
    for make, name in ((regressor, "double"), (chatting, "echo"), (broken, "broken")):
        register(state, make(runs, name))
    monkeypatch.setenv("PATH", f"{on_path(folder / 'bin')}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("OTHER_API_KEY", "sk-of-another")
    file = configured(folder, f"http://127.0.0.1:{free_port()}/v1")
    with (folder / "stderr").open("w") as stderr:
        process = Warm("freehold", "own", "serve", "--config", str(file), "--json", stderr=stderr)
    try:
        line = process.stdout.readline()
        assert line, (folder / "stderr").read_text()
        told = json.loads(line)
        ready = [name for name, one in told["models"].items() if one["state"] == "ready"]
        assert (ready, told["models"]["own/broken"]["why"] != "") == (["own/double", "own/echo"], True)
        yield Served(told["url"], state, runs, process)
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) in (0, -signal.SIGKILL)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch, served(tmp_path_factory.mktemp("served"), patch) as running:
        yield running


def test_a_predictor_answers(there: Served) -> None:
    said = there.predict("double", {"x": 3}, {"x": -1.5})

    told = said.json()
    assert [one["value"] for one in told["predictions"]] == [6.0, -3.0]
    assert (told["model"], told["kind"], told["usage"]) == ("double", "regressor", {"prompt_tokens": 2})


def test_a_language_model_answers_whole_and_streamed(there: Served) -> None:
    whole, stream = there.chat("echo", "north by east"), there.chat("echo", "north by east", stream=True)

    assert whole.text() == "north by east"
    assert stream.headers["content-type"] == "text/event-stream"
    assert (stream.text(), stream.events()[-1][1]) == ("northbyeast", "[DONE]")


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("own/double:predict", {"inputs": ["3"]}, 400, "input 0"),
        ("own/double:predict", {"inputs": [dict.fromkeys(ROWS, 0)] * 9_999}, 400, "of at most 2,000,000"),
        ("own/double:predict", {"inputs": []}, 400, "length >= 1"),
        ("own/double:embed", {"inputs": [{"x": 3}]}, 400, "double is a regressor, and has no embeddings"),
        ("embeddings", {"model": "double", "input": "3"}, 400, "has no embeddings"),
        ("own/echo:embed:embed", {"inputs": [1]}, 404, "echo:embed"),
        ("own/double:predict", {"input": 3}, 400, "inputs"),
        ("own/nobody:predict", {"inputs": [1]}, 404, "nobody"),
        ("own/echo:predict", {"inputs": [1]}, 400, "language"),
        ("chat/completions", {"model": "double", "messages": [{}]}, 400, "regressor"),
        ("chat/completions", {"messages": [{}]}, 400, "model"),
        ("own/broken:predict", {"inputs": [1]}, 503, "ended with 1"),
    ],
)
def test_what_cannot_be_answered_says_why(
    there: Served, path: str, body: dict[str, object], status: int, words: str
) -> None:
    said = post(f"{there.url}/{path}", json.dumps(body).encode())

    assert said.status == status
    assert words in said.error()["message"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b'{"model":"/runs/a/model@main"}', b'{"model":"a"}'),
        (b'data: {"model": "/runs/a/model"}\n\n', b'data: {"model":"a"}\n\n'),
        (b'{"model":"/runs/a/model2"}', b'{"model":"/runs/a/model2"}'),
        (rb'{"content":"\"model\":\"/runs/a/model\""}', rb'{"content":"\"model\":\"/runs/a/model\""}'),
    ],
)
def test_a_model_that_its_engine_calls_otherwise_answers_by_its_name(said: bytes, told: bytes) -> None:
    assert named(said, "/runs/a/model", "a") == told


def test_a_web_page_is_turned_down(there: Served) -> None:
    said = post(f"{there.url}/own/double:predict", b'{"inputs":[{"x":3}]}', {"origin": "https://example.com"})

    assert (said.status, said.error()["code"]) == (403, "cross_origin")


def test_a_web_page_whose_name_was_made_to_lead_here_is_turned_down(there: Served) -> None:
    body, strange = b'{"inputs":[{"x":3}]}', {"host": "example.com"}
    said = post(f"{there.url}/own/double:predict", body, strange)
    told = asked("GET", there.url.replace("/v1", "/healthz"), None, strange)

    assert (said.status, told.status) == (400, 400)


def test_a_body_is_no_longer_than_the_gateway_takes(there: Served) -> None:
    said = post(f"{there.url}/own/double:predict", b" " * (BODY_BYTES_MAX + 2048))

    assert (said.status, said.error()["code"]) == (413, "body_too_large")


def test_an_engine_answers_nobody_but_the_front_and_knows_no_secret_of_ours(there: Served) -> None:
    pid = there.states()["double"]["pid"]
    port = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-2].decode()
    said = post(f"http://127.0.0.1:{port}/v1/own/double:predict", b'{"inputs":[{"x":3}]}')

    assert (said.status, said.error()["code"]) == (401, "invalid_key")
    assert b"sk-of-another" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_only_its_owner_reads_what_an_engine_prints(there: Served) -> None:
    logs = there.state / "own" / "logs"

    assert {path.stat().st_mode & 0o777 for path in (logs, *logs.iterdir())} == {0o700, 0o600}


def test_only_what_is_ready_is_listed(there: Served) -> None:
    told = asked("GET", f"{there.url}/models", None, {}).json()

    assert {"double", "echo"} <= {one["id"] for one in told["data"]}
    assert "broken" not in {one["id"] for one in told["data"]}


def test_what_an_engine_prints_does_not_fill_the_disk(there: Served) -> None:
    log = there.state / "own" / "logs" / "double.log"
    with log.open("ab") as file:
        file.truncate(tending.LOG_BYTES_MAX + 1)

    until(lambda: log.stat().st_size == 0)


def test_why_an_engine_ended_is_in_its_log(there: Served) -> None:
    log = there.state / "own" / "logs" / "broken.log"

    assert "holds no predictor" in log.read_text()
    assert str(log) in there.states()["broken"]["why"]


def test_through_the_gateway_policy_knows_what_was_published(there: Served, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    own = f'[policy]\nenforce = ["policy.toml"]\n[providers.own]\nbase_url = "{there.url}"\n'
    with house(
        tmp_path / "up", own.replace('"policy', f'"{tmp_path}/policy') + aliases(d=["own/double"])
    ) as up:
        body = b'{"inputs": [{"x": 3}]}'
        refused = up.post("/v1/own/d:predict", body)
        register(up.state, regressor(tmp_path / "again", "double"))
        said = until(
            lambda: allowed if (allowed := up.post("/v1/own/d:predict", body)).status == 200 else None
        )
        found = up.exchange(said)

    assert refused.status == 403
    assert said.json()["predictions"][0]["value"] == 6.0
    assert (found.endpoint, found.cost_usd, found.findings) == ("own/double", 0.0, ())


def test_an_engine_that_is_killed_is_started_again(there: Served) -> None:
    before = there.states()["double"]["pid"]
    assert Path(f"/proc/{before}/oom_score_adj").read_text() == "500\n"  # first where memory is short
    os.kill(before, signal.SIGKILL)

    said = there.state.parent / "stderr"
    until(lambda: "own/double is not served: its engine was killed" in said.read_text())
    until(lambda: there.states()["double"]["pid"] not in (None, before) and there.value("double") == 6.0)


def test_an_engine_that_ends_in_the_middle_of_a_request_says_so(there: Served) -> None:
    said = there.chat("echo", "end")

    assert (said.status, said.error()["code"]) == (502, "all_endpoints_failed")
    until(lambda: there.chat("echo", "back").status == 200)


def test_changed_weights_are_refused_until_they_are_what_was_published(there: Served) -> None:
    register(there.state, regressor(there.runs, "treble", 3.0))
    until(lambda: there.value("treble") == 9.0)
    file = there.runs / "treble" / "publish" / "model" / "weights.npz"
    right = file.read_bytes()

    file.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    until(lambda: there.states()["treble"]["state"] == "refused")
    said = there.predict("treble", {"x": 3})
    assert said.status == 503
    assert f"{file} is not what was published" in said.error()["message"]

    file.write_bytes(right)
    until(lambda: there.value("treble") == 9.0)


@pytest.mark.parametrize("wrong", ["manifest", "link"])
def test_what_no_digest_of_a_file_tells_is_verified_as_well(there: Served, wrong: str) -> None:
    name = f"with-{wrong}"
    entry = regressor(there.runs, name)
    folder = there.runs / name / "publish"
    if wrong == "link":
        (folder / "model" / "more").symlink_to("/etc")
    else:
        file = folder / "manifest.json"
        file.write_text(file.read_text().replace('"region"', '"gguf": "/tmp/other.gguf", "region"'))

    register(there.state, entry)

    until(lambda: there.states().get(name, {}).get("state") == "refused")


def test_a_model_that_is_published_again_takes_the_place_of_the_old(there: Served) -> None:
    register(there.state, regressor(there.runs, "newer", 4.0))
    until(lambda: there.value("newer") == 12.0)
    register(there.state, regressor(there.runs / "second", "newer", 5.0))
    until(lambda: there.value("newer") == 15.0)


def test_until_its_successor_is_ready_the_old_one_answers(there: Served) -> None:
    register(there.state, chatting(there.runs, "herald"))
    until(lambda: there.chat("herald", "I").status == 200)
    old = there.states()["herald"]["pid"]
    shutil.rmtree(there.runs / "herald")  # by whoever publishes from the same run
    register(there.state, chatting(there.runs, "herald", slow=True))
    until(lambda: len(engines_of(there, "herald")) == 2)

    assert there.chat("herald", "I").status == 200
    assert there.states()["herald"]["pid"] == old

    register(there.state, chatting(there.runs / "newest", "herald"))  # the one between was never ready
    until(lambda: there.states()["herald"]["pid"] != old and len(engines_of(there, "herald")) == 1)
    assert engines_of(there, "herald") == [there.states()["herald"]["pid"]]
    assert there.chat("herald", "I").status == 200


def test_one_whose_successor_cannot_be_served_is_not_served_in_its_name(there: Served) -> None:
    register(there.state, regressor(there.runs, "lapsed"))
    until(lambda: there.value("lapsed") == 6.0)
    old = there.states()["lapsed"]["pid"]
    register(there.state, broken(there.runs / "second", "lapsed"))

    until(lambda: there.states()["lapsed"]["state"] == "failed" and not runs(old))
    assert there.value("lapsed") is None


def engines_of(there: Served, name: str) -> list[int]:
    """The processes that were started for a model."""
    words = (os.fsencode(there.state), b"--served-model-name\0" + name.encode() + b"\0")
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            said = path.read_bytes()
            if all(word in said for word in words):
                found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_front_that_is_killed_or_told_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: signal.Signals
) -> None:
    with served(tmp_path, monkeypatch) as running:
        states = running.states()
        pids = [states[name]["pid"] for name in ("double", "echo")]
        running.process.send_signal(sign)
        assert running.process.wait(PATIENCE_S) == (-sign if sign == signal.SIGKILL else 0)
        until(lambda: not any(map(runs, pids)))


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("http://127.0.0.1:{port}/v1", 3, "in use"),
        ("http://10.0.0.1:4144/v1", 2, "on 127.0.0.1 alone"),
    ],
)
def test_where_it_cannot_listen_it_says_so(tmp_path: Path, url: str, code: int, words: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        file = configured(tmp_path, url.format(port=taken.getsockname()[1]))
        command = [sys.executable, "-m", "freehold", "own", "serve", "--config", str(file)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == code
    assert words in ended.stderr
    assert "remedy:" in ended.stderr


def test_an_engine_that_says_no_longer_that_it_is_well_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{on_path(tmp_path)}{os.pathsep}{os.environ['PATH']}")
    for name, value in (("LOOK_S", 0.02), ("HEALTH_LOOKS", 1), ("BACKOFF_S", 0.02)):
        monkeypatch.setattr(tending, name, value)
    entry = chatting(tmp_path, "echo")
    sick, said = tmp_path / "sick", list[str]()

    async def watched() -> None:
        tended = tending.Tended(entry, tmp_path / "own", 0.5, said.append)
        task = asyncio.create_task(tended.tend())
        await tended.settled()
        first = tended.pid
        sick.touch()
        await asyncio.to_thread(until, lambda: "no longer" in tended.why)
        await asyncio.to_thread(until, lambda: "not ready after 0.5 s" in tended.why)
        sick.unlink()
        await asyncio.to_thread(until, lambda: tended.state is tending.State.READY)
        assert tended.pid != first
        task.cancel()

    asyncio.run(watched())
    assert len(said) >= 4
