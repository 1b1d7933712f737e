"""Orders to promote are kept whole, whoever writes at once, and taken back only while they hold."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from freehold.gateway.promotion_order import FILE, Promotion, Promotions, Stage, put, read, take_back
from freehold.vocabulary.errors import BadRequest

CANARY = Promotion("p1", "chat", "own/small", Stage.CANARY, share=0.05, who="alice")


def test_where_nothing_is_promoted_there_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == Promotions()


def test_a_step_takes_the_place_of_the_one_before_at_the_same_alias(tmp_path: Path) -> None:
    elsewhere = Promotion("p2", "code", "own/small", Stage.SHADOW)
    further = Promotion("p3", "chat", "own/small", Stage.DEFAULT)
    for one in (CANARY, elsewhere, further):
        put(tmp_path, one)
    assert read(tmp_path).promotions == (elsewhere, further)


def test_of_many_who_write_at_once_nothing_is_lost(tmp_path: Path) -> None:
    each = [Promotion(f"p{n}", f"alias-{n}", "own/small", Stage.SHADOW) for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: put(tmp_path, one), each))
    assert set(read(tmp_path).promotions) == set(each)


def test_what_is_taken_back_is_told_first_and_once(tmp_path: Path) -> None:
    put(tmp_path, CANARY)
    told: list[Promotion] = []
    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(lambda _: take_back(tmp_path, "p1", "too slow", told.append), range(8)))
    assert took.count(True) == len(told) == 1
    (left,) = read(tmp_path).promotions
    assert (left.stage, left.why, left.who) == (Stage.OFF, "too slow", "alice")


def test_a_step_that_came_since_is_not_taken_back(tmp_path: Path) -> None:
    put(tmp_path, Promotion("p9", "chat", "own/small", Stage.DEFAULT))
    assert not take_back(tmp_path, "p1", "too slow", lambda one: None)
    assert read(tmp_path).promotions[0].stage is Stage.DEFAULT


def test_where_it_cannot_be_told_it_is_not_taken_back(tmp_path: Path) -> None:
    put(tmp_path, CANARY)

    def untold(one: Promotion) -> None:
        raise OSError

    with pytest.raises(OSError):
        take_back(tmp_path, "p1", "too slow", untold)
    assert read(tmp_path).promotions == (CANARY,)


@pytest.mark.parametrize("text", [b"", b"{", b'{"promotions": 1}', b"\xff"])
def test_a_file_that_nobody_can_read_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / FILE).write_bytes(text)
    with pytest.raises(BadRequest, match=FILE):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_answers", 0),
        ("min_answers", 10**12),
        ("share", -0.1),
        ("errors_max", 2),
        ("endpoint", "own/new\r\nX: 1"),
    ],
)
def test_a_step_that_cannot_be_kept_is_none(tmp_path: Path, name: str, value: object) -> None:
    put(tmp_path, CANARY)
    said = json.loads((tmp_path / FILE).read_bytes())
    said["promotions"][0][name] = value
    (tmp_path / FILE).write_text(json.dumps(said))

    with pytest.raises(BadRequest, match=name):
        read(tmp_path)
