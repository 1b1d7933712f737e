"""Tasks are asked of the model and of who it would replace; who does not answer is no evidence."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from freehold.bench.cases import Tasks, read_tasks
from freehold.own.evaluate.against import Either, ask_tasks, joined
from freehold.own.plan import Plan, Recipe
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.probe import Question, Reply

PLAN = Plan("new", Recipe.ADAPT, "MIT")


class Right:
    """Answers right, or, as `broken` says, not at all."""

    def __init__(self, broken: bool = False) -> None:
        self.broken, self.asked = broken, list[str]()

    async def __call__(self, name: str, question: Question, /) -> Reply:
        self.asked.append(name)
        error = "upstream_failed: nobody is there" if self.broken else None
        return Reply("4", 0, 1, 502 if error else 200, error=error)


class Wrong(Right):
    """Answers wrong."""

    async def __call__(self, name: str, question: Question, /) -> Reply:
        return msgspec.structs.replace(await super().__call__(name, question), text="5")


def tasks(folder: Path, name: str = "tasks.jsonl") -> Tasks:
    lines = [
        f'{{"id": "{name}-{n}", "prompt": "2+2? {n}", "cluster": "c{n // 2}", "checks": [{{"exact": "4"}}]}}\n'
        for n in range(6)
    ]
    (folder / name).write_text("".join(lines))
    found = read_tasks(folder / name)
    assert isinstance(found, Tasks)
    return found


def test_each_is_asked_by_its_own_way_and_scored_alike(tmp_path: Path) -> None:
    mine, theirs = Right(), Wrong()
    call = Either("own/new", mine, theirs)
    found = asyncio.run(ask_tasks(tasks(tmp_path), PLAN, "rival/large", call, tmp_path))
    assert [(one.subject, [row.value for row in one.rows]) for one in found] == [
        ("own/new", [1.0] * 6),
        ("rival/large", [0.0] * 6),
    ]
    assert len({row.cluster for row in found[0].rows}) == 3
    assert (set(mine.asked), set(theirs.asked)) == ({"own/new"}, {"rival/large"})


def test_what_was_asked_before_the_end_came_is_not_asked_again(tmp_path: Path) -> None:
    for _ in range(2):
        mine, theirs = Right(), Right()
        call = Either("own/new", mine, theirs)
        asyncio.run(ask_tasks(tasks(tmp_path), PLAN, "rival/large", call, tmp_path))
    assert mine.asked == theirs.asked == []


def test_who_does_not_answer_is_named_and_asked_again_the_next_time(tmp_path: Path) -> None:
    call = Either("own/new", Right(), Right(broken=True))
    message = "rival/large gave no answer to 6 of 6 tasks: upstream_failed: nobody is there"
    with pytest.raises(BadRequest, match=message):
        asyncio.run(ask_tasks(tasks(tmp_path), PLAN, "rival/large", call, tmp_path))
    call = Either("own/new", Right(), Right())
    assert len(asyncio.run(ask_tasks(tasks(tmp_path), PLAN, "rival/large", call, tmp_path))[1].rows) == 6


def test_several_files_are_one_set_of_tasks(tmp_path: Path) -> None:
    call = Either("own/new", Right(), Wrong())
    found = [
        one
        for name in ("some.jsonl", "more.jsonl")
        for one in asyncio.run(ask_tasks(tasks(tmp_path, name), PLAN, "rival/large", call, tmp_path))
    ]
    assert [(one.subject, len(one.rows)) for one in joined(found)] == [("own/new", 12), ("rival/large", 12)]
