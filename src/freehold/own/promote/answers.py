"""Live answers held against each other by what they say, where the bodies of both are kept.

A judge says which of two is better, in both orders, as in a bench; or predictions are to be the same. What was said of
a copy is kept, without its words, so that nobody is asked twice.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from freehold.bench.cases import Case, Judged
from freehold.bench.judging import rule
from freehold.ledger.bodies import Opened
from freehold.own.corpus.exchanges import conversation
from freehold.own.evaluate.report import Pair
from freehold.own.promote.evidence import LIVE
from freehold.own.promote.live import Twin
from freehold.own.rows import Turn
from freehold.vocabulary import probe
from freehold.vocabulary.exchange import Part
from freehold.vocabulary.probe import Call

SAME = "same"  # in place of a judge: predictions that are as the incumbent's
CRITERIA = "The better answer is correct, does what was asked, and leaves out nothing that is needed."
FOLDER = "rulings"  # in STATE/own
_SPOKEN = ("user", "assistant")


class Ruling(Struct, frozen=True):
    """What was said of one copy."""

    copy: str  # exchange ids
    exchange: str
    by: str
    own: float | None = None  # points, 0 to 1; None: nothing could be said
    incumbent: float | None = None


def rulings(state: Path, model: str, by: str) -> dict[str, Ruling]:
    """What was said of copies, by the copy's id."""
    path = _path(state, model)
    lines = path.read_bytes().splitlines() if path.exists() else []
    found = (msgspec.json.decode(line, type=Ruling) for line in lines)
    return {one.copy: one for one in found if one.by == by}


def keep(state: Path, model: str, ruling: Ruling) -> None:
    """Keep one more."""
    path = _path(state, model)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(ruling) + b"\n")


def pairs(found: Sequence[Twin], known: dict[str, Ruling], against: str) -> Iterator[Pair]:
    """Those that were ruled, in the order in which the copies were made."""
    for one in found:
        ruling = known.get(one.copy.id)
        if ruling is not None and ruling.own is not None and ruling.incumbent is not None:
            points = ruling.own, ruling.incumbent
            yield Pair(one.exchange.id, one.conversation, against, f"{LIVE}, {ruling.by}", *points)


def same(twin: Twin, answers: Sequence[Sequence[Opened]]) -> Ruling:
    """The share of inputs whose prediction is the same, probabilities aside."""
    theirs, mine = (_predictions(bodies) for bodies in answers)
    if not theirs or mine is None or len(mine) != len(theirs):
        return Ruling(twin.copy.id, twin.exchange.id, SAME)
    share = sum(one == other for one, other in zip(theirs, mine, strict=True)) / len(theirs)
    return Ruling(twin.copy.id, twin.exchange.id, SAME, share, 1.0)


async def judged(twin: Twin, answers: Sequence[Sequence[Opened]], call: Call, judge: str) -> Ruling:
    """What a judge says; nothing where there is more than words, or no verdict."""
    nothing = Ruling(twin.copy.id, twin.exchange.id, judge)
    both = twin.exchange, twin.copy
    theirs, mine = (conversation(one, bodies) for one, bodies in zip(both, answers, strict=True))
    if isinstance(theirs, str) or isinstance(mine, str):
        return nothing
    case = Case(twin.exchange.id, _turns(theirs[:-1]), (Judged(judge=CRITERIA),), twin.exchange.id)
    preference = (await rule(call, judge, case, (mine[-1].text, theirs[-1].text))).preference
    if preference is None:
        return nothing
    return Ruling(twin.copy.id, twin.exchange.id, judge, (1 + preference) / 2, (1 - preference) / 2)


def _turns(turns: Sequence[Turn]) -> tuple[probe.Turn, ...]:
    return tuple(probe.Turn(one.role, one.text) for one in turns if one.role in _SPOKEN)


def _predictions(bodies: Sequence[Opened]) -> list[dict[str, Any]] | None:
    for one in bodies:
        if one.reference.part is Part.ANSWER and not one.trouble and not one.reference.cut:
            try:
                told = msgspec.json.decode(one.data)["predictions"]
                return [{name: it[name] for name in it if name != "probabilities"} for it in told]
            except (msgspec.DecodeError, LookupError, TypeError):
                return None
    return None


def _path(state: Path, model: str) -> Path:
    return state / "own" / FOLDER / f"{model.partition('/')[2]}.jsonl"
