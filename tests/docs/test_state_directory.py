"""Every file that lies in the state directory is in the table of docs/architecture.md, and the other way round."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from freehold.audits.folder import PROTOCOL, Folder
from freehold.audits.replaying import replayed
from freehold.bench.comparing import report
from freehold.bench.importing import ended
from freehold.bench.results import Plan, Results, Sample, write_report
from freehold.bench.standing import Traits
from freehold.catalog.attestations import write_attestation
from freehold.catalog.attesting import Told, record
from freehold.cli.audit_scores import TASKS
from freehold.console.tokens import Tokens
from freehold.gateway import promotion_order
from freehold.gateway.drill_order import Mode, Order, put
from freehold.gateway.keys import KeyStore
from freehold.gateway.metrics import Metrics, leave
from freehold.gateway.promotion_order import Promotion, Stage
from freehold.gateway.running import Running, announce
from freehold.ledger.anchor import Targets, anchor_all
from freehold.ledger.ledger import noted
from freehold.ledger.log_keys import CHECKPOINT, prepare_rotation
from freehold.ledger.notes import parse_note
from freehold.ledger.retention import Ending, When, expire
from freehold.ledger.witnessed import keep
from freehold.own.artefact import Kind
from freehold.own.promote.answers import SAME, Ruling
from freehold.own.promote.answers import keep as ruled
from freehold.own.publish.manifest import Engine
from freehold.own.publish.registry import Entry, register
from freehold.own.publish.tending import HELD, LOGS
from tests.audits.recordings import asked, plan
from tests.docs.pages import code, rows, sections, text_of
from tests.ledger.body_samples import CASES, kept
from tests.ledger.ledger_samples import SETTINGS

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GONE, ENDING, HERE = date(2026, 1, 1), date(2026, 11, 22), date(2026, 11, 23)
WORDS = {"N": r"\d+", "CLASS": "[a-z]+", "DAY": r"\d{4}-\d\d-\d\d", "*": "[^/]+"}
TABLE = sections(text_of("docs/architecture.md"))["The state directory"]
ONLY_WHILE_OPEN = {"ledger.sqlite-wal", "ledger.sqlite-shm"}


def pattern(written: str) -> re.Pattern[str]:
    """A path of the table; what ends in a slash stands for all below it."""
    parts = re.split(r"(CLASS|DAY|\*|(?<=-)N)", written)
    text = "".join(WORDS.get(part) or re.escape(part) for part in parts)
    return re.compile(text + (".+" if written.endswith("/") else ""))


def lived_in(state: Path) -> None:
    """Leave behind what a gateway and its commands do."""
    from freehold.own.publish import signing

    note = partial(noted, state, SETTINGS)
    for number, day in enumerate((GONE, ENDING, HERE)):
        kept(state, number, day)
    expire(state, CASES, When(HERE, HERE), "anna", note)
    Ending(state, "cases", ENDING, "anna", note).mark()
    KeyStore(state).create("claims")
    Tokens(state).first()
    told = Told("https://example.com", (("retention_days", 0),), "nothing is kept")
    write_attestation(state, record(told, "openai", NOW, NOW + timedelta(days=1)))
    leave(Metrics().snapshot(), state, 0)
    announce(state, Running("1", "http://127.0.0.1:1", 1))
    put(state, Order("d1", "1", "gone", Mode.SHARE, 1.0, "", 0, 0, ()))
    promotion_order.put(state, Promotion("p1", "chat", "own/small", Stage.SHADOW))
    register(
        state,
        Entry(
            "small", "/runs/small", Kind.LANGUAGE, Engine.LLAMA_CPP, "d", "m", "MIT", 1_790_000_000_000, "a"
        ),
    )
    signing.key_of(state)
    ruled(state, "own/small", Ruling("x2", "x1", SAME, 1.0, 1.0))
    (state / "own" / LOGS).mkdir()
    (state / "own" / HELD).mkdir()
    (state / "own" / HELD / "model.gguf").touch()
    (state / "own" / LOGS / "small.log").touch()
    folder = state / "log" / "node-0"
    keep(folder, "witness.example.com/w1", parse_note((folder / CHECKPOINT).read_bytes()))
    anchor_all(state, Targets())
    prepare_rotation(state, "node-0")
    benched(state)
    audited(state)


def benched(state: Path) -> None:
    plan, sample = Plan("b" + "0" * 19, 1, "tasks.jsonl", "d", ("a",), 1), Sample("c", "c", "a", 0, 1.0)
    with Results(state, plan) as kept:
        kept.add(sample)
    write_report(state, report(plan, [sample], ended([sample]), lambda endpoint: Traits()))


def audited(state: Path) -> None:
    folder = Folder.create(state, plan(1))
    with folder.appending() as samples:
        for one in asked(folder.protocol, lambda *_: "an answer"):
            samples.add(one)
    folder.write_report(replayed(folder.path / PROTOCOL, None, None))
    (folder.path / TASKS).touch()


def test_the_page_has_every_file_and_every_file_is_on_the_page(tmp_path: Path) -> None:
    state = tmp_path / "state"
    lived_in(state)

    files = {str(path.relative_to(state)) for path in state.rglob("*") if path.is_file()}
    told = {name: pattern(name) for row in rows(TABLE) for name in code(row[0])}
    assert [file for file in sorted(files) if not any(one.fullmatch(file) for one in told.values())] == []
    unseen = [name for name, one in told.items() if not any(map(one.fullmatch, files))]
    assert set(unseen) <= ONLY_WHILE_OPEN
