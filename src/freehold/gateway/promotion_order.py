"""Which own models answer in place of others: a file that commands write and the gateway reads, once a second.

A gateway writes into it, too: it takes back what breaks its limits. Writers wait for each other, and readers find the
file as it was or as it is meant to be.

How an own model's answers are known on the ledger:

- A shadow copy is an exchange of its own, answered by `endpoint` (or by nobody). Before it is sent, an event of kind
  `PEERS_ASKED` says {"exchange": the id of the one whose caller was answered, "peers": (endpoint,),
  "exchanges": (the copy's id,), "promotion": `Promotion.id`}, and "conversation" where it is a turn of one: a digest
  that is the same at each of its turns under this step. A copy that found no place has no event: it was not sent.
- From canary on, an exchange in which it was asked has an attempt with its endpoint as the first of its attempts.
- `IN_FORCE` says that a process of the gateway has taken a stage up (`about` is that of `about_of`); `TAKEN_BACK` that
  it took it back, with the reason. Who allowed a step is in the event of the command that took it.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from freehold.ledger import durable
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.exchange import Plain

FILE, LOCK = "promotions.json", "promotions.lock"
BYTES_MAX = 1 << 20
MIN_ANSWERS_MAX = 1_000_000  # they are remembered
IN_FORCE, TAKEN_BACK = "own-in-force", "own-rolled-back"  # kinds of events


_Share = Annotated[float, Meta(ge=0, le=1)]


class Stage(StrEnum):
    """How far an own model has come at an alias."""

    OFF = "off"
    SHADOW = "shadow"  # it answers copies, which nobody sees
    CANARY = "canary"  # it is asked first for a share; the alias's own pool stands behind it
    DEFAULT = "default"  # it is asked first for all


class Promotion(Struct, frozen=True):
    """One own model at one alias."""

    id: str  # of this step; another step has another
    alias: str  # as the configuration writes it, `*` and all
    endpoint: Annotated[str, Meta(pattern=r"^[!-~]+\Z")]  # own/NAME
    stage: Stage
    share: _Share = 1.0  # 0 to 1; of requests, copied in shadow; of conversations, answered in canary
    applications: tuple[str, ...] = ()  # only theirs, at whatever stage; empty: all
    # The limits below are on the share among its last so many answers, of one process.
    min_answers: Annotated[int, Meta(ge=1, le=MIN_ANSWERS_MAX)] = 200
    errors_max: _Share = 0.02  # share of its answers that failed
    findings_max: _Share = 0.05  # share of its answers with a finding
    p95_ms_max: float | None = None  # a whole answer; no more than 5 in 100 may take longer
    since_ms: int = 0  # Unix milliseconds
    who: str = ""  # allowed it
    why: str = ""


class Promotions(Struct, frozen=True):
    """All of them: one for each alias and endpoint."""

    promotions: tuple[Promotion, ...] = ()


def read(state: Path) -> Promotions:
    """What the file says; nothing where there is none. Raises BadRequest for one that cannot be read."""
    try:
        with (state / FILE).open("rb") as file:
            return msgspec.json.decode(file.read(BYTES_MAX), type=Promotions)
    except FileNotFoundError:
        return Promotions()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(
            f"{state / FILE}: {error}", remedy="Remove it: no own model is promoted then; promote anew."
        ) from None


def put(state: Path, promotion: Promotion) -> None:
    """Put one there, in place of what was said of the same alias and endpoint. Durable when this returns.

    Raises BadRequest for a file that cannot be read.
    """
    with durable.alone(state / LOCK):
        _write(state, promotion)


def take_back(state: Path, id: str, why: str, before: Callable[[Promotion], None]) -> bool:
    """Put a step's stage to OFF, unless it is over or another came since; whether it was put.

    `before` is told just before that, while no other process can write: what it raises leaves all as it is. A crash
    between the two leaves the step in force, and it is taken back again.
    """
    with durable.alone(state / LOCK):
        found = next((one for one in read(state).promotions if one.id == id), None)
        if found is None or found.stage is Stage.OFF:
            return False
        over = replace(found, stage=Stage.OFF, why=why)
        before(over)
        _write(state, over)
        return True


def about_of(promotion: Promotion) -> dict[str, Plain]:
    """What an event says of a step."""
    told = {"promotion": promotion.id, "alias": promotion.alias, "endpoint": promotion.endpoint}
    said = {"stage": promotion.stage.value, "who": promotion.who, "why": promotion.why}
    return {**told, **said, "share": promotion.share, "applications": promotion.applications}


def _write(state: Path, promotion: Promotion) -> None:
    place = (promotion.alias, promotion.endpoint)
    others = (one for one in read(state).promotions if (one.alias, one.endpoint) != place)
    whole = Promotions((*others, promotion))
    durable.replace(state / FILE, msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
