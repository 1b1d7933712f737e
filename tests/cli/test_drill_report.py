"""`freehold drill report` and `verify`: a report for each shipped scenario, and whatever is changed in it is found."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import msgspec
import pytest
from msgspec.structs import replace

from freehold.cli.drill_report import BYTES_MAX
from freehold.cli.main import main
from freehold.config.document import parse
from freehold.config.schema import Ledger
from freehold.drills import folder
from freehold.drills.inputs import PolicyText
from freehold.drills.inventing import example_files, recorded
from freehold.drills.loading import shipped
from freehold.drills.report import Report, made
from freehold.drills.verifying import OPEN, WRONG, checks, given_of
from freehold.gateway.running import Running, announce
from freehold.ledger.bodies import Bodies, Body
from freehold.ledger.query import events
from freehold.policy.source import load_policy
from freehold.vocabulary.exchange import Attempt, BodyRef, Exchange, Outcome, Part
from tests.drills.example import MISTRAL

MANY = 400
SCENARIOS = tuple(one.name for one in shipped())
ONE = "us-apis-gone"
VOID = ("meta", "br")
Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented traffic, a drill over it, and its report."""
    into = tmp_path_factory.mktemp("reports") / "example"
    assert main(["drill", "traffic", "--into", str(into), "--exchanges", str(MANY), "--days", "2"]) == 0
    reported(into, ONE)
    return into


def reported(example: Path, name: str) -> None:
    """A drill and its report."""
    assert main(["drill", "simulate", name, "--save", *config(example)]) == 0
    assert main(["drill", "report", name, "--out", str(out(example, name)), *config(example)]) == 0


def config(example: Path) -> tuple[str, str]:
    return "--config", str(example / "freehold.toml")


def out(example: Path, name: str) -> Path:
    return example.parent / "reports" / name


def verified(example: Path, file: Path, capsys: Printed, *more: str) -> tuple[int, list[tuple[str, str]]]:
    """The exit code, and what was said."""
    capsys.readouterr()
    code = main(["drill", "verify", str(file), "--json", *config(example), *more])
    return code, [(one["state"], one["says"]) for one in json.loads(capsys.readouterr().out)]


def wrong(said: list[tuple[str, str]]) -> list[str]:
    return [says for state, says in said if state == "WRONG"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_number_of_every_report_is_worked_out_again(example: Path, name: str, capsys: Printed) -> None:
    reported(example, name)

    code, said = verified(example, out(example, name) / "report.json", capsys)

    assert wrong(said) == []
    assert code == 0
    told = "\n".join(says for state, says in said if state == "ok")
    assert re.search(rf"\d{{3,}} numbers were worked out again from {MANY} exchanges", told)
    assert "the result is the one whose SHA-256 was put on the ledger" in told
    assert "report.html says what report.json says" in told
    whole_and_alone((out(example, name) / "report.html").read_text())


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all numbers."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from numbers(inner, (*path, at))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def changed(report: dict[str, Any], path: tuple[Any, ...], change: Any) -> None:
    for step in path[:-1]:
        report = report[step]
    report[path[-1]] = change(report[path[-1]])


def dotted(path: tuple[Any, ...]) -> str:
    return re.sub(r"\.\[", "[", ".".join(f"[{one}]" if isinstance(one, int) else one for one in path))


def test_a_number_that_was_changed_is_named_with_its_path(
    example: Path, tmp_path: Path, capsys: Printed
) -> None:
    whole = json.loads((out(example, ONE) / "report.json").read_text())
    found = [path for path in numbers(whole) if path[0] not in ("inputs", "announced", "version")]
    sections = {path[0]: path for path in found}
    assert {"simulation", "data_side", "legs", "worst_after", "ledger"} <= sections.keys()

    for path in sections.values():
        report = json.loads(json.dumps(whole))
        changed(report, path, lambda value: value + 1)
        (tmp_path / "report.json").write_text(json.dumps(report))
        code, said = verified(example, tmp_path / "report.json", capsys)

        assert code == 1
        assert any(says.startswith(f"{dotted(path)}: the report says") for says in wrong(said)), path


@pytest.mark.parametrize(
    ("path", "change", "says"),
    [
        (("inputs", "policies", 0, "text"), lambda text: f"{text}#", "the inputs are not those"),
        (("inputs", "facts", MISTRAL, 0, "source"), lambda said: "hearsay", "the inputs are not those"),
        (("scenario",), lambda text: f"{text}# not so", "the scenario is not the one"),
        (("drill",), lambda drill: f"{drill[:-1]}x", "are not those of the report"),
        (("announced",), lambda told: [], "are not those of the report"),
        (("announced",), lambda told: told * 2, "are not those of the report"),
        (("inputs", "policies", 0, "text"), lambda text: text.replace("at-home", "elsewhere"), "reads as"),
        (("inputs", "until_ms"), lambda at: at - 36 * 3_600_000, "simulation.exchanges"),
        (("scenario",), lambda text: text.replace("US", "FR"), "simulation.fates"),
        (("scenario",), lambda text: f"a = {'[' * 100_000}", "too deep"),
        (("scenario",), lambda text: f"{'a.' * 25_000}a = 1", "too deep"),
        (("findings", 0, "says"), lambda said: f"Not so: {said}", "findings[0].says"),
        (("register", 1, "value"), lambda said: "easily done", "register[1].value"),
        (("announced", 0, "event"), lambda name: "e" + "0" * 27, "that of another record"),
        (("announced", 0, "proof"), lambda proof: proof.replace("index ", "index 1"), "the proof of"),
        (("checkpoints", 0), lambda note: re.sub("\n.{44}\n", f"\n{'A' * 43}=\n", note, count=1), ""),
    ],
)
def test_whatever_else_was_changed_in_a_report_is_found(
    example: Path, tmp_path: Path, capsys: Printed, path: tuple[Any, ...], change: Any, says: str
) -> None:
    report = json.loads((out(example, ONE) / "report.json").read_text())
    before = json.dumps(report)
    changed(report, path, change)
    assert json.dumps(report) != before
    (tmp_path / "report.json").write_text(json.dumps(report))

    code, said = verified(example, tmp_path / "report.json", capsys)

    assert code == 1
    assert any(says in one for one in wrong(said))


def mutations(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The paths of all values, each with what changes it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from mutations(inner, (*path, key))
    elif isinstance(value, list):
        if value:
            yield path, lambda items: items[1:]
            yield path, lambda items: [*items, items[0]]
        if len(value) > 1 and value[0] != value[1]:
            yield path, lambda items: [items[1], items[0], *items[2:]]
        for at, inner in enumerate(value):
            yield from mutations(inner, (*path, at))
    elif isinstance(value, bool):
        yield path, lambda said: not said
    elif isinstance(value, str):
        yield path, lambda text: f"{text}x"
    elif value is not None:
        yield path, lambda number: number + 1


def test_any_change_of_any_part_of_a_report_is_found(example: Path) -> None:
    whole = json.loads((out(example, ONE) / "report.json").read_text())
    parts: dict[str, list[tuple[tuple[Any, ...], Any]]] = {}
    for path, change in mutations(whole):
        parts.setdefault(path[0], []).append((path, change))
    assert parts.keys() == {name for name, value in whole.items() if value is not None}
    random = Random(7)
    for name, all_of in parts.items():
        for path, change in random.sample(all_of, min(2, len(all_of))):
            report = json.loads(json.dumps(whole))
            changed(report, path, change)
            states = [line.state for line in checks(json.dumps(report).encode(), example)]
            assert WRONG in states or (name in ("freehold", "bodies") and states.count(OPEN) > 1), path


def test_a_report_that_was_worked_out_by_another_policy_is_not_the_one_that_was_announced(
    example: Path, tmp_path: Path, capsys: Printed
) -> None:
    report = msgspec.json.decode((out(example, ONE) / "report.json").read_bytes(), type=Report)
    (policy,) = report.inputs.policies
    text = policy.text.replace('require = "own"', 'require = "retention_days == 0"')
    label = load_policy(parse(text, "policy.toml"), report.inputs.data_classes).label
    inputs = replace(report.inputs, policies=(PolicyText(label, text),))
    forged = made(example, replace(given_of(report), inputs=inputs))
    assert forged.simulation.total.refused != report.simulation.total.refused
    (tmp_path / "report.json").write_bytes(folder.plain(forged))

    code, said = verified(example, tmp_path / "report.json", capsys)

    assert code == 1
    assert wrong(said) == [
        "the result is not the one whose SHA-256 was put on the ledger (drill-simulated)",
        "the inputs are not those whose SHA-256 was put on the ledger (drill-simulated)",
    ]


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"version": 1}', b"\xff", b'{"x":' * 100_000])
def test_what_is_no_report_is_said_to_be_none(
    example: Path, tmp_path: Path, capsys: Printed, data: bytes
) -> None:
    (tmp_path / "report.json").write_bytes(data)
    (tmp_path / "report.html").write_text("<p>All is well.</p>")

    code, said = verified(example, tmp_path / "report.json", capsys)

    assert code == 1
    assert [says.partition(":")[0] for says in wrong(said)] == [
        "it cannot be worked out again",
        "no page can be made of report.json",
    ]


def test_a_page_that_says_something_else_is_found(example: Path, tmp_path: Path, capsys: Printed) -> None:
    for name in ("report.json", "report.html"):
        shutil.copy(out(example, ONE) / name, tmp_path / name)
    page = tmp_path / "report.html"
    for changed_page in (page.read_bytes().replace(b"stands on one leg", b"stands firmly", 1), b"\xff\xfe"):
        page.write_bytes(changed_page)

        code, said = verified(example, tmp_path / "report.json", capsys)

        assert code == 1
        assert wrong(said) == ["report.html says something else than report.json"]


def test_what_cannot_be_a_report_is_not_read(example: Path, tmp_path: Path, capsys: Printed) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "long").open("wb") as file:
        file.truncate(BYTES_MAX + 1)

    for name, why in (("pipe", "no file"), ("long", "longer than"), ("nobody", "no file")):
        assert main(["drill", "verify", str(tmp_path / name), *config(example)]) == 2
        assert why in capsys.readouterr().err


def test_a_record_that_was_changed_on_the_ledger_is_found(
    example: Path, tmp_path: Path, capsys: Printed
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(example, copy)
    (copy / "ledger.sqlite").unlink()  # so that the journal is what is read
    segment = max((copy / "journal" / "node-0").glob("*.jsonl"), key=lambda path: path.stat().st_size)
    lines = segment.read_bytes().split(b"\n")
    at = next(place for place, line in enumerate(lines) if b'"outcome":"answered"' in line)
    body = lines[at][9:].replace(b'"endpoint":"', b'"endpoint":"x')
    lines[at] = b"%08x %b" % (crc32(body), body)  # by somebody who knows how lines are written
    segment.write_bytes(b"\n".join(lines))

    code, said = verified(example, out(example, ONE) / "report.json", capsys, "--ledger", str(copy))

    assert code == 1
    assert any("node-0" in one for one in wrong(said))
    assert any(one.startswith("ledger.digest") for one in wrong(said))
    assert any(one.startswith("simulation.") for one in wrong(said))


class Page(HTMLParser):
    """Whether every tag that opens closes, and what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [f"{name}={value}" for name, value in attrs if name in ("src", "href", "style")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def whole_and_alone(html: str) -> None:
    """It closes what it opens, and needs nothing from anywhere."""
    page = Page()
    page.feed(html)

    assert page.open == []
    assert page.fetched == []
    assert not page.tags & {"script", "link", "img", "iframe", "form", "a", "object"}
    assert "default-src 'none'" in html
    assert "@media print" in html
    assert "url(http" not in html
    assert {"svg", "table", "caption"} <= page.tags
    told = " ".join("".join(page.text).split())
    for words in ("Findings", "no legal advice", "2024/2956", "GOVERN 6.2", "What was not measured", "leaf "):
        assert words in told


def test_no_key_no_header_and_no_path_of_this_machine_is_in_a_report(example: Path) -> None:
    report = (out(example, ONE) / "report.json").read_text()

    assert str(example) not in report
    assert "key_env" not in report or '"key_env": null' in report
    assert "Bearer" not in report
    assert "http://10." not in report


def test_a_drill_is_found_by_its_scenario_and_by_its_id(example: Path, capsys: Printed) -> None:
    drill = folder.listed(example)[0]
    assert main(["drill", "report", drill[:14], "--json", *config(example)]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["drill"] == drill
    assert [Path(file).parent for file in told["files"]] == [folder.path_of(example, drill)] * 2
    assert all(Path(file).stat().st_mode & 0o077 == 0 for file in told["files"])
    assert main(["drill", "report", "no-such-thing", *config(example)]) == 1
    assert "freehold drill simulate no-such-thing --save" in capsys.readouterr().err


def test_bodies_are_opened_with_a_reason_only(example: Path, capsys: Printed) -> None:
    assert main(["drill", "report", ONE, "--bodies", *config(example)]) == 2

    assert "--reason" in capsys.readouterr().err


def answered(at_ms: int, number: int, bodies: tuple[BodyRef, ...] = ()) -> Exchange:
    """An exchange that an endpoint answered that is lost with its country."""
    return Exchange(
        f"x{at_ms:011x}{number:016x}",
        at_ms,
        "newsletter",
        "chat",
        "draft",
        Outcome.ANSWERED,
        200,
        endpoint="openai/gpt-5-nano",
        attempts=(Attempt("openai/gpt-5-nano", "ok", 200),),
        node="node-0",
        data_class="public",
        tools=False,
        retention="short" if bodies else None,
        bodies=bodies,
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The example's configuration, and no traffic yet."""
    state = tmp_path / "state"
    state.mkdir()
    for name, text in example_files().items():
        (state / name).write_text(text)
    return state


@pytest.fixture
def kept(bare: Path) -> Path:
    """A ledger with bodies: one that names a file, one that names nothing, and one of which none was kept."""
    bodies, exchanges = Bodies(bare, "node-0"), []
    at_ms = time.time_ns() // 1_000_000 - 60_000
    asked: tuple[object, ...] = ({"messages": [{"content": [{"file": {"file_id": "f"}}]}]}, {"messages": []})
    for number, said in enumerate(asked):
        body = Body(Part.REQUEST, json.dumps(said).encode())
        references = bodies.keep(answered(at_ms, number).id, at_ms, "short", [body])
        exchanges.append(answered(at_ms, number, references))
    bodies.close()
    recorded(bare, Ledger(), [*exchanges, answered(at_ms, len(asked))], {})
    assert main(["drill", "simulate", ONE, "--save", *config(bare)]) == 0
    return bare


def test_what_may_still_be_under_way_is_left_out_of_what_is_kept(
    bare: Path, tmp_path: Path, capsys: Printed
) -> None:
    now_ms = time.time_ns() // 1_000_000
    recorded(bare, Ledger(), [answered(now_ms - 1_200_000, 1), answered(now_ms - 60_000, 2)], {})
    announce(bare, Running("1", "http://127.0.0.1:1", 1))
    assert main(["drill", "simulate", ONE, "--json", *config(bare)]) == 0
    assert json.loads(capsys.readouterr().out)["exchanges"] == 2

    reported(bare, ONE)
    recorded(bare, Ledger(), [answered(now_ms - 90_000, 3)], {})  # began before the drill, and ended after it
    code, said = verified(bare, out(bare, ONE) / "report.json", capsys)

    assert (code, wrong(said)) == (0, [])
    assert json.loads((out(bare, ONE) / "report.json").read_text())["simulation"]["exchanges"] == 1


def test_bodies_tell_what_metadata_does_not_and_are_checked_with_them_only(
    kept: Path, tmp_path: Path, capsys: Printed
) -> None:
    file, reason = tmp_path / "out" / "report.json", ("--bodies", "--reason", "exit plan")

    def files() -> tuple[int, int]:
        (found,) = (
            one for one in json.loads(file.read_text())["data_side"]["artefacts"] if "files" in one["kind"]
        )
        return found["seen"], found["unknown"]

    assert main(["drill", "report", ONE, "--out", str(file.parent), *config(kept)]) == 0
    assert files() == (0, 3)
    assert main(["drill", "report", ONE, "--out", str(file.parent), *reason, *config(kept)]) == 0
    assert files() == (1, 1)

    (opened,) = events(kept, "body-opened")
    assert opened.about["reason"] == "exit plan"
    assert opened.about["for"] == folder.listed(kept)[0]
    code, said = verified(kept, file, capsys, *reason)
    assert (code, wrong(said)) == (0, [])
    code, said = verified(kept, file, capsys)
    assert code == 0
    assert any(state == "open" and "rest on sealed bodies" in says for state, says in said)
    shutil.rmtree(kept / "bodies")
    code, said = verified(kept, file, capsys, *reason)
    assert code == 0
    assert ("open", "of 2 bodies that were looked at, 0 can still be opened") in said
