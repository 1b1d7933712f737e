"""A company with a run that is evaluated and published, and a ledger that is filled by hand."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from freehold.config import schema
from freehold.gateway.promotion_order import Stage, read
from freehold.ledger.bodies import Body
from freehold.ledger.ledger import Ledger, event, noted
from freehold.own.artefact import Kind
from freehold.own.evaluate import report
from freehold.own.evaluate.report import Pair
from freehold.own.publish.manifest import Engine
from freehold.own.publish.registry import Entry, register
from freehold.own.stage import RECORD, Made, digest_of
from freehold.vocabulary.exchange import PEERS_ASKED, Attempt, Event, Exchange, Finding, Outcome, Part, Plain

SETTINGS = schema.Ledger(commit_s=0.01)
CONFIG = """
[providers.own]
[providers.rival]
base_url = "http://127.0.0.1:9/v1"
dialects = ["chat"]
[aliases]
assistant = ["rival/large"]
"""
PLAN = """
name = "small"
recipe = "text"
licence = "MIT"
[promote]
alias = "assistant"
pairs_min = 80
canary_min = 10
canary_share = 0.5
applications = ["claims"]
p95_ms_max = 500.0
"""
ASKED = b'{"model": "assistant", "messages": [{"role": "user", "content": "Which day is it?"}]}'
OWN, RIVAL = "own/small", "rival/large"


class Company:
    """In a folder of its own. What is recorded happens one millisecond after the other."""

    def __init__(self, folder: Path, state: str = ".freehold") -> None:
        self.state, self.run = folder / state, folder / "run"
        (folder / "freehold.toml").write_text(CONFIG)
        self.state.mkdir()
        self.run.mkdir()
        (self.run / "own.toml").write_text(PLAN)
        self._numbers = itertools.count(1)
        self._made("train", {}, {"model": "t1"})
        self.publish("ab" * 32)

    def publish(self, digest: str) -> None:
        """Files with this digest are served from now on."""
        self._made("publish", {"train/model": "t1"})
        folder = str(self.run / "publish")
        register(
            self.state,
            Entry(
                "small",
                folder,
                Kind.LANGUAGE,
                Engine.LLAMA_CPP,
                digest,
                digest,
                "MIT",
                at_ms=1_790_000_000_000,
                who="alice",
            ),
        )

    def evaluate(
        self, points: Sequence[tuple[float, float]], against: str = RIVAL, trained: str = "t1"
    ) -> None:
        """An evaluation with these points on tasks."""
        pairs = (Pair(f"t{at}", f"t{at}", against, "tasks", *each) for at, each in enumerate(points))
        path = self.run / "evaluate" / report.PAIRS
        path.parent.mkdir(exist_ok=True)
        report.write_pairs(path, pairs)
        self._made("evaluate", {"train/model": trained}, {report.PAIRS: digest_of(path)})
        self.note(report.EVALUATED, {"model": OWN, "pairs": digest_of(path)})

    def stage(self) -> Stage:
        """As the gateway reads it."""
        (one,) = read(self.state).promotions
        return one.stage

    def twins(
        self,
        count: int,
        *,
        copy: Outcome = Outcome.ANSWERED,
        findings: tuple[Finding, ...] = (),
        asked: str = RIVAL,
        outcome: Outcome = Outcome.ANSWERED,
        conversation: str = "",
    ) -> None:
        """Exchanges and their copies, under the step in force."""
        (step,) = read(self.state).promotions
        records: list[Exchange | Event] = []
        for _ in range(count):
            one = replace(self._exchange(asked), outcome=outcome)
            other = replace(self._exchange(OWN), outcome=copy, findings=findings)
            about: dict[str, Plain] = {
                "exchange": one.id,
                "peers": (OWN,),
                "exchanges": (other.id,),
                "promotion": step.id,
                "conversation": conversation,
            }
            records += [one, event(PEERS_ASKED, about), other]
        self._record(records)

    def said(self, count: int, mine: bytes, theirs: bytes, request: bytes = ASKED) -> None:
        """Exchanges and their copies whose bodies are kept."""
        (step,) = read(self.state).promotions
        ledger = Ledger.open(self.state, "node-0", SETTINGS)
        for _ in range(count):
            one, other = self._exchange(RIVAL), self._exchange(OWN)
            about: dict[str, Plain] = {"exchange": one.id, "peers": (OWN,), "exchanges": (other.id,)}
            ledger.append(event(PEERS_ASKED, about | {"promotion": step.id}))
            for it, answer in ((one, theirs), (other, mine)):
                bodies = (Body(Part.REQUEST, request), Body(Part.ANSWER, answer))
                ledger.bodies.ready("cases", it.at_ms)
                kept = ledger.bodies.keep(it.id, it.at_ms, "cases", bodies)
                ledger.append(replace(it, retention="cases", bodies=kept))
        ledger.close()

    def answers(self, count: int, *, outcome: str = "ok", took_us: int = 20_000) -> None:
        """Answers to callers, the own model being asked first."""
        found = []
        for _ in range(count):
            one = self._exchange(OWN)
            tries = (
                Attempt(OWN, outcome, took_us=took_us),
                *([Attempt(RIVAL, "ok")] if outcome != "ok" else []),
            )
            found.append(replace(one, attempts=tries, endpoint=tries[-1].endpoint, took_us=took_us))
        self._record(found)

    def note(self, kind: str, about: Mapping[str, Plain]) -> None:
        """An event on the ledger."""
        noted(self.state, SETTINGS, event(kind, about))

    def _exchange(self, endpoint: str) -> Exchange:
        now = event("", {})
        name = f"x{now.at_ms:011x}{next(self._numbers):016x}"
        tries = (Attempt(endpoint, "ok", took_us=20_000),)
        given = (name, now.at_ms, "claims", "chat", "assistant", Outcome.ANSWERED, 200)
        return Exchange(*given, endpoint=endpoint, attempts=tries)

    def _record(self, records: Sequence[Exchange | Event]) -> None:
        ledger = Ledger.open(self.state, "node-0", SETTINGS)
        for record in records:
            ledger.append(record)
        ledger.close()

    def _made(self, stage: str, inputs: dict[str, str], outputs: dict[str, str] | None = None) -> None:
        (self.run / stage).mkdir(exist_ok=True)
        (self.run / stage / RECORD).write_bytes(msgspec.json.encode(Made(stage, inputs, {}, outputs or {})))
