"""The loop: nothing is lost, and going on is as if nothing had been."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.stage import SCRATCH
from freehold.own.train import progress
from freehold.own.train.progress import Progress
from freehold.vocabulary.errors import BadRequest, TrainingStopped
from tests.own.train.tiny import fit, task


class PulledPlug(Exception):
    """What no code foresees."""


def pulled_at(step: int) -> Any:
    def say(said: Progress) -> None:
        if said.step == step:
            raise PulledPlug

    return say


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / SCRATCH).iterdir())


def weights_of(fitted: Any) -> dict[str, list[float]]:
    return {name: tensor.flatten().tolist() for name, tensor in fitted.weights.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A training in one sitting, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    return fit(folder), folder


def test_it_learns(whole: Any) -> None:
    losses = [one.loss for one in progress.read(whole[1] / progress.FILE)]

    assert losses[-1] < 0.75 * losses[0]
    assert whole[0].loss == pytest.approx(losses[-1])


def test_what_is_gone_on_with_comes_to_the_same_bits(whole: Any, tmp_path: Path) -> None:
    with pytest.raises(PulledPlug):
        fit(tmp_path, pulled_at(7))

    again = fit(tmp_path)

    assert weights_of(again) == weights_of(whole[0])
    assert [one.step for one in progress.read(tmp_path / progress.FILE)] == list(range(1, 13))


def test_parts_of_a_batch_come_to_what_the_batch_does(tmp_path: Path) -> None:
    """Dropout draws other numbers for parts, so the model is not trained but asked for its first loss."""
    given = task()
    given.model.eval()
    whole = given.loss(given.batch(0, range(6)))
    parts = [given.loss(given.batch(0, rows)) for rows in (range(2), range(2, 6))]

    assert sum(nats.item() for nats, _ in parts) == pytest.approx(whole[0].item(), rel=1e-5)
    assert fit(tmp_path, accumulate=3).tokens == 12 * 6 * 9


def test_the_last_two_checkpoints_are_kept(whole: Any) -> None:
    assert checkpoints(whole[1]) == [
        "step-000000010",
        "step-000000011",
    ]  # after the last step comes the model


def test_a_loss_that_is_no_number_stops_it_before_a_weight_is_changed(tmp_path: Path) -> None:
    bad = task(no_number_at=5)

    with pytest.raises(
        TrainingStopped, match="loss of step 6 is no number; the checkpoint of step 5 is kept"
    ):
        fit(tmp_path, given=bad)

    assert all(weight.isfinite().all() for weight in bad.model.parameters())
    assert checkpoints(tmp_path)[-1] == "step-000000005"


def test_a_full_disk_is_named_and_what_was_saved_is_gone_on_from(whole: Any, tmp_path: Path) -> None:
    unfinished = tmp_path / SCRATCH / "step-000000004.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "rank-0000.safetensors.new").symlink_to("/dev/full")

    with pytest.raises(TrainingStopped, match=r"No space left on device; the checkpoint of step 3 is kept"):
        fit(tmp_path)

    assert checkpoints(tmp_path) == ["step-000000002", "step-000000003"]
    assert weights_of(fit(tmp_path)) == weights_of(whole[0])


def test_told_to_end_it_saves_first(whole: Any, tmp_path: Path) -> None:
    def say(said: Progress) -> None:
        if said.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, say, save_s=3600.0)

    assert checkpoints(tmp_path) == ["step-000000005"]
    assert signal.getsignal(signal.SIGTERM) is before
    assert weights_of(fit(tmp_path)) == weights_of(whole[0])


def test_processor_time_ends_it_with_the_rate_at_nothing(tmp_path: Path) -> None:
    fitted = fit(tmp_path, steps=10**9, cpu_minutes=0.002, warmup=0.0)
    last = list(progress.read(tmp_path / progress.FILE))[-1]

    assert 0 < fitted.steps < 10**9
    assert last.cpu_s >= 0.12
    assert last.learning_rate < 0.01


def test_a_checkpoint_of_more_processes_is_refused(tmp_path: Path) -> None:
    from freehold.own.train import checkpoint
    from freehold.own.train.distributed import here

    checkpoint.save(tmp_path / SCRATCH, here(), checkpoint.Progressed(step=3, size=4), {})

    with pytest.raises(BadRequest, match="made by 4 processes, and now there are 1"):
        fit(tmp_path)


def test_a_batch_that_cannot_be_parted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="a batch of 6 cannot be worked in 7 parts by 1 processes"):
        fit(tmp_path, accumulate=7)


@given(size=st.integers(1, 5), parts=st.integers(1, 4), further=st.integers(0, 20))
def test_processes_share_each_row_of_a_batch_once(size: int, parts: int, further: int) -> None:
    from freehold.own.train.distributed import World, here

    batch = size * parts + further
    shared = [World(rank, size, here().device).rows(batch, parts) for rank in range(size)]

    assert [row for ranks in shared for rows in ranks for row in rows] == list(range(batch))
    assert all(len(rows) > 0 for ranks in shared for rows in ranks)
