"""A stage that is done is as it was made, or somebody is told."""

from pathlib import Path

import pytest
from msgspec import Struct

from freehold.own.stage import BEGUN, RECORD, inputs_of, working
from freehold.vocabulary.errors import BadRequest


class Knobs(Struct, frozen=True):
    width: int = 3


def make(run: Path, *, beside: bool = False) -> bool:
    """Whether the stage was made anew."""
    with working(run, "train", Knobs(), {}, beside=beside) as folder:
        if folder is not None:
            (folder / "model").mkdir(exist_ok=True)
            (folder / "model" / "weights").write_text("1 2 3")
        return folder is not None


def spoilt(run: Path, how: str) -> Path:
    weights = run / "train" / "model" / "weights"
    if how == "gone":
        weights.unlink()
    else:
        weights.write_text("1 2 4")
    return weights


@pytest.mark.parametrize(
    ("how", "said"), [("gone", "is gone"), ("changed", "is not what `freehold own train` made")]
)
def test_what_a_stage_made_and_is_changed_is_named_and_stays_until_somebody_says_so(
    how: str, said: str, tmp_path: Path
) -> None:
    assert make(tmp_path)
    assert not make(tmp_path)
    (tmp_path / "train" / "notes.txt").write_text("other files do not matter")
    assert not make(tmp_path)
    weights = spoilt(tmp_path, how)

    for again in (lambda: make(tmp_path), lambda: inputs_of(tmp_path, "train", whole=True)):
        with pytest.raises(BadRequest, match=said) as caught:
            again()
        assert str(weights) in str(caught.value)
    assert (tmp_path / "train" / "notes.txt").exists()

    record = tmp_path / "train" / RECORD
    assert f"remove {record} and run `freehold own train {tmp_path}`" in str(caught.value.remedy)
    record.unlink()
    assert make(tmp_path)
    assert weights.read_text() == "1 2 3"


def test_what_takes_the_place_of_an_earlier_one_is_made_anew_where_that_was_changed(tmp_path: Path) -> None:
    assert make(tmp_path, beside=True)
    weights = spoilt(tmp_path, "changed")

    assert make(tmp_path, beside=True)

    assert weights.read_text() == "1 2 3"
    assert not make(tmp_path, beside=True)


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    make(tmp_path)
    record = tmp_path / "train" / RECORD
    record.write_text("{")

    with pytest.raises(BadRequest, match=r"record\.json: Input data was truncated"):
        inputs_of(tmp_path, "train")
    with pytest.raises(BadRequest, match=r"record\.json"):
        make(tmp_path)

    record.unlink()
    (tmp_path / "train" / BEGUN).write_text("?")
    assert make(tmp_path)


@pytest.mark.parametrize("beside", [False, True])
def test_only_its_owner_looks_into_a_stage(tmp_path: Path, beside: bool) -> None:
    make(tmp_path, beside=beside)

    assert (tmp_path / "train").stat().st_mode & 0o777 == 0o700
