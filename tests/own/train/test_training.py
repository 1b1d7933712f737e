"""`freehold own train`, in processes that are killed and in processes that work together."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from freehold.cli.main import main
from freehold.own.artefact import Kind, read
from freehold.own.plan import load_plan
from freehold.own.train import progress
from freehold.vocabulary.errors import BadRequest
from tests.own.train.writing import PLAN, make
from tests.warm import Warm

MODEL = Path("train/model/model.safetensors")
LIMIT_S = 240
IMPORTED = ("freehold.cli.main", "freehold.own.train.text")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained in one sitting."""
    from freehold.own.train.training import train

    folder = make(tmp_path_factory.mktemp("run"))
    assert train(folder, load_plan(folder), lambda step: None) is True
    return folder


def losses(run: Path) -> list[float]:
    return [one.loss for one in progress.read(run / "train" / progress.FILE)]


def free_port() -> int:
    """Below those that the system gives to whoever asks for any, so that nobody has it before it is used."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as asking, suppress(OSError):
            asking.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def as_torchrun_does(size: int) -> Iterator[dict[str, str]]:
    """What it tells each of the processes that it starts."""
    shared = {"TORCHELASTIC_RUN_ID": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    for rank in range(size):
        own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
        yield shared | {name: str(number) for name, number in own.items()}


def test_the_model_says_what_it_is_and_its_course_is_drawn(run: Path) -> None:
    made = read(run / "train/model")

    assert (made.name, made.kind, made.context, made.seed) == ("notes", Kind.LANGUAGE, 32, 3)
    assert made.parameters > 2 * 300 * 16
    assert set(made.inputs) == {"corpus/train.jsonl", "corpus/held_out.jsonl"}
    assert losses(run)[-1] < losses(run)[0]
    assert "<polyline" in (run / "train/plot.svg").read_text()
    assert not (run / "train/scratch").exists()


def test_what_is_done_is_not_done_again_and_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run / MODEL).stat().st_mtime_ns

    assert main(["own", "train", str(run), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["anew"], told["model"]["name"]) == (False, "notes")
    assert main(["own", "train", str(run)]) == 0
    assert "16 steps, 2,048 tokens" in capsys.readouterr().out
    assert (run / MODEL).stat().st_mtime_ns == before


@pytest.mark.slow  # a process that imports PyTorch
def test_training_killed_and_gone_on_with_comes_to_the_same_bits(run: Path, tmp_path: Path) -> None:
    from freehold.own.train.training import train

    killed = make(tmp_path / "killed")
    assert (
        Warm("tests.own.train.killed", str(killed), "7", imported=IMPORTED).wait(LIMIT_S) == -signal.SIGKILL
    )
    assert len(losses(killed)) == 7
    assert not (killed / MODEL).exists()

    assert train(killed, load_plan(killed), lambda step: None) is True

    assert (killed / MODEL).read_bytes() == (run / MODEL).read_bytes()
    assert losses(killed) == losses(run)


@pytest.mark.slow  # two processes work together
def test_two_processes_come_to_the_losses_of_one(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = make(tmp_path / "two")
    started = []
    with (tmp_path / "errors").open("w+") as errors:
        try:
            for names in as_torchrun_does(2):
                for name, value in names.items():
                    monkeypatch.setenv(name, value)
                started.append(Warm("freehold", "own", "train", str(two), stderr=errors, imported=IMPORTED))
            codes = [one.wait(LIMIT_S) for one in started]
        finally:
            for one in started:
                one.kill()
        told = [one.communicate() for one in started]

    assert codes == [0, 0], (tmp_path / "errors").read_text()
    assert losses(two) == pytest.approx(losses(run), abs=1e-4)
    assert "own/notes:" in told[0]
    assert told[1] == ""  # it has helped, and says nothing
    assert (two / MODEL).stat().st_size == (run / MODEL).stat().st_size


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("width = 16", "width = 18", "train.width 18 cannot be shared by 2 heads of an even size"),
        ("vocabulary = 300", "vocabulary = 256", "train.vocabulary 256 is too small"),
        ("context = 32", "context = 9999", "tokens, less than one row of 9999"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    from freehold.own.train.training import train

    folder = make(tmp_path, PLAN.replace(old, new))

    with pytest.raises(BadRequest, match=words):
        train(folder, load_plan(folder), lambda step: None)
