"""`freehold audit`, as its operators use it: against a partner in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from freehold.audits import running
from tests.cli.conftest import Run

CONFIG = """
[providers.a]
kind = "vllm"
base_url = "{url}"
[aliases]
team = ["a/one"]
styled = ["a/one+style=brisk"]
gone = ["a/one+500"]
away = ["a/two+500"]
shy = ["a/one+refusal-words"]
slow = ["a/one+slow-first-byte=200ms"]
strict = ["a/one+400-policy"]
[retry]
rounds = 0
[breaker]
failures = 1000
[prices."a/one"]
input = 1.0
output = 2.0
"""
VERDICTS = {"same so far", "different", "worse", "not worse", "can't tell yet"}
CASES = [
    {"id": f"c{number}", "prompt": f"Say the word number {number}.", "checks": [{"regex": "[a-m]"}]}
    for number in range(150)
]


@pytest.fixture(scope="module")
def partner() -> Iterator[str]:
    command = [sys.executable, "-m", "freehold", "sparring", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.terminate()


@pytest.fixture(autouse=True)
def config(folder: Path, partner: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(running, "pause_s", lambda failed: 0.0)
    path = folder / "freehold.toml"
    path.write_text(CONFIG.format(url=partner))
    return path


def found(run: Run, *words: str, code: int = 0) -> dict[str, Any]:
    """The report that a command printed; in no output is there a word for bad faith."""
    said = run("audit", *words, "--json")
    assert said.code == code, said.err
    assert "fake" not in said.out.lower()
    report: dict[str, Any] = json.loads(said.out)
    assert report["verdict"] in VERDICTS
    return report


def told(run: Run, *words: str, code: int = 0) -> str:
    said = run("audit", *words)
    assert said.code == code, said.err
    assert "fake" not in (said.out + said.err).lower()
    return said.out


def test_two_models_are_told_apart_and_a_stranger_can_follow_why(run: Run) -> None:
    report = found(run, "same", "team", "styled", "--seed", "1", code=1)

    assert report["verdict"] == "different"
    shown = told(run, "show", report["audit"][:16], code=1)
    for word in (
        "DIFFERENT",
        "where chance is 50",
        "placebo",
        "would have been found",
        "a router",
        report["protocol"],
    ):
        assert word in " ".join(shown.split())
    assert report["audit"] in told(run, "list")
    assert (
        found(run, "replay", f".freehold/audits/{report['audit']}/samples.jsonl", code=1)["verdict"]
        == "different"
    )


def test_the_same_model_behind_two_names_is_not(run: Run) -> None:
    assert found(run, "same", "team", "slow", "--prompts", "15")["verdict"] == "can't tell yet"


def test_killed_and_resumed_it_comes_to_the_verdict_of_a_run_that_was_not(run: Run, folder: Path) -> None:
    whole = found(run, "same", "slow", "styled", "--seed", "5", code=1)
    command = [sys.executable, "-m", "freehold", "audit", "same", "slow", "styled", "--seed", "5"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        name = running.stderr.readline().partition(":")[0]
        samples = folder / ".freehold" / "audits" / name / "samples.jsonl"
        while not samples.exists() or samples.read_bytes().count(b"\n") < 10:
            assert running.poll() is None
            time.sleep(0.02)
        running.kill()  # in a run of seconds
    asked = samples.read_bytes().count(b"\n")

    resumed = found(run, "resume", name, code=1)

    assert asked < resumed["calls"]
    same = ("verdict", "effect", "e_value", "placebo_e", "calls", "subject")
    assert [resumed[one] for one in same] == [whole[one] for one in same]


def test_an_endpoint_is_compared_with_its_baseline(run: Run, config: Path) -> None:
    assert "baseline" in found(run, "changed", "team", "--prompts", "80")["effect"]
    assert found(run, "changed", "team")["verdict"] != "different"
    config.write_text(config.read_text().replace('team = ["', 'team = ["a/one+style=brisk", "'))
    assert found(run, "changed", "team", code=1)["verdict"] == "different"


def test_first_tokens_are_watched_visit_by_visit(run: Run, config: Path) -> None:
    assert "400 of 400" in found(run, "changed", "team", "--tokens")["effect"]
    assert found(run, "changed", "team", "--tokens")["calls"] == 420
    config.write_text(config.read_text().replace('team = ["', 'team = ["a/one+style=brisk", "'))
    visits = (run("audit", "changed", "team", "--tokens", "--json") for _ in range(20))
    assert any(visit.code == 1 for visit in visits)
    report = found(run, "changed", "team", "--tokens", "--forever", code=1)
    assert report["verdict"] == "different"


def test_classes_of_users_are_compared(run: Run, folder: Path) -> None:
    (folder / "classes.toml").write_text('[classes.free]\nplan = "free"\n[classes.paid]\nplan = "gold"\n')
    words = ("parity", "team", "--classes", "classes.toml", "--as", "free", "--as", "paid")

    report = found(run, *words, "--prompts", "20", "--by", "refused")

    assert report["subject"] == "team as free and as paid"
    assert report["effect"].startswith("refused: free ")


def test_languages_are_compared_by_refusals(run: Run) -> None:
    report = found(run, "parity", "team", "--as", "language=en", "--as", "language=zh", "--prompts", "10")

    assert report["verdict"] == "can't tell yet"
    assert report["more_calls"]


def test_a_new_endpoint_is_not_worse_on_own_tasks(run: Run, folder: Path) -> None:
    (folder / "tasks.jsonl").write_text("".join(json.dumps(case) + "\n" for case in CASES))

    report = found(run, "notworse", "slow", "team", "--cases", "tasks.jsonl", "--delta", "0.15")

    assert report["verdict"] == "not worse"
    assert report["e_value"] >= 20


@pytest.mark.parametrize(
    ("check", "told"), [({"unit_test": "pass"}, "Add --run-code"), ({"judge": "Is it kind?"}, "Add --judge")]
)
def test_what_a_task_asks_for_beyond_reading_is_done_only_where_that_is_allowed(
    run: Run, folder: Path, check: dict[str, str], told: str
) -> None:
    (folder / "tasks.jsonl").write_text(json.dumps({"id": "c", "prompt": "Code.", "checks": [check]}))
    words = ("notworse", "slow", "team", "--cases", "tasks.jsonl")

    said = run("audit", *words)
    assert said.code == 2 and told in said.err
    assert not list(folder.glob("**/audits/*"))
    if "unit_test" in check:
        assert found(run, *words, "--run-code")["calls"] > 0


def test_a_judge_that_gives_no_points_decides_nothing(run: Run, folder: Path) -> None:
    cases = [{"id": "c", "prompt": "Tell me of harbours.", "checks": [{"judge": "Is it kind?"}]}]
    (folder / "tasks.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))

    report = found(run, "notworse", "slow", "team", "--cases", "tasks.jsonl", "--judge", "shy")

    assert report["verdict"] == "can't tell yet"
    assert "1 pairs of answers could not be scored" in report["notes"]


def test_a_fleet_has_one_budget(run: Run) -> None:
    first = found(run, "fleet", "--prompts", "30", "--calls", "200")
    report = found(run, "fleet", "--calls", "200")

    assert first["effect"] == "0 of 0 compared endpoints changed"
    assert report["effect"].startswith("0 of ")
    assert "e-BH" in report["notes"][-1]


def test_the_trip_wire_map_says_who_declines_what(run: Run) -> None:
    words = ("refusals", "team", "slow", "shy", "--probes", "china", "--prompts", "60")

    said = run("audit", *words, "--json")

    found = json.loads(said.out)
    assert (said.code, found["report"]["verdict"]) == (1, "different")
    assert found["report"]["effect"].startswith("shy declines ")
    assert {cell["endpoint"] for cell in found["map"] if cell["trips"]} == {"shy"}
    assert {rate.get("interval") for rate in found["rates"]} == {None}
    shown = told(run, *words[:3], "--probes", "china", "--prompts", "6")
    assert "ENDPOINT" in shown
    assert "a score is no rate; for rates, label some answers: freehold watch label --file " in shown


def test_the_answers_of_an_audit_can_be_labelled_for_rates(run: Run, folder: Path) -> None:
    told(run, "refusals", "team", "shy", "--probes", "china", "--prompts", "60", code=1)
    (samples,) = folder.glob("*/audits/*/samples.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    labels = folder / "labels.jsonl"
    labels.write_text(
        "".join(
            json.dumps({"text": row["answer"], "label": "ny"[row["arm"] == "shy"]}) + "\n" for row in rows
        )
    )

    said = run("watch", "label", "--file", str(samples), "--labels", str(labels), "-n", "100", "--json")

    rates = {rate["endpoint"]: rate for rate in json.loads(said.out)["rates"]}
    assert rates["a/one"]["interval"]["high"] < 0.2, rates


def test_who_rejects_prompts_with_an_error_declines_them(run: Run) -> None:
    said = run(
        "audit", "refusals", "team", "slow", "strict", "--probes", "china", "--prompts", "60", "--json"
    )

    report = json.loads(said.out)["report"]
    assert (said.code, report["verdict"], report.get("failed", 0)) == (1, "different", 0)
    assert report["effect"].startswith("strict declines ") and "in 100 of 100" in report["effect"]


def test_recorded_pairs_are_judged_and_accuse_nobody_without_a_placebo(run: Run, folder: Path) -> None:
    rows = [
        {"prompt_id": n, "prompt": f"p{n}", "a": f"well then {n % 7} a", "b": f"indeed so {n % 5} b"}
        for n in range(60)
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with_placebo = [row | {"a again": f"well then {n % 3} a"} for n, row in enumerate(rows)]
    (folder / "placebo.jsonl").write_text("".join(json.dumps(row) + "\n" for row in with_placebo))

    without = found(run, "replay", "pairs.jsonl")

    assert without["verdict"] == "can't tell yet"
    assert without["e_value"] > 1_000
    assert found(run, "replay", "placebo.jsonl", code=1)["verdict"] == "different"


def test_single_answers_are_judged(run: Run, folder: Path) -> None:
    rows = [
        {"arm": arm, "prompt": f"p{n}", "answer": f"{word} {turn * n % 7}"}
        for n in range(60)
        for arm, word, turn in (("x", "well then", 1), ("y", "indeed so", 1), ("x", "well then", 2))
    ]
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert found(run, "replay", "answers.jsonl", code=1)["subject"] == "x and y of answers.jsonl"


def test_who_cannot_be_reached_is_said(run: Run) -> None:
    report = found(run, "same", "gone", "away", "--prompts", "60", code=3)

    assert report["failed"] == report["calls"]
    assert any("gave no answer" in note for note in report["notes"])


def test_a_fleet_that_did_not_end_names_its_runs(run: Run) -> None:
    fleet = found(run, "fleet", "--prompts", "4")["audit"]
    assert told(run, "show", fleet)
    (Path(".freehold/audits") / fleet / "report.json").unlink()

    for command in ("show", "resume"):
        said = run("audit", command, fleet)
        assert (said.code, "did not end" in said.err) == (2, True)


def test_nowhere_in_it_is_a_word_for_bad_faith() -> None:
    room, commands = (Path(str(files(f"freehold.{name}"))) for name in ("audits", "cli"))
    sources = [*room.glob("*.py"), *commands.glob("audit*.py")]

    assert len(sources) > 20
    assert [one.name for one in sources if "fake" in one.read_text().lower()] == []


@pytest.mark.parametrize(
    ("words", "told_why"),
    [
        (("same", "team", "nobody"), "nothing is called 'nobody' here"),
        (("same", "team", "team"), "no two names"),
        (("same", "team", "styled", "--margin", "0.7"), "is no margin"),
        (("same", "team", "styled", "--over", "soon"), "is no length of time"),
        (("same", "team", "styled", "--usd", "nan"), "--usd nan is no limit"),
        (("fleet", "--usd", "-1"), "--usd -1 is no limit"),
        (("same", "team", "styled", "--prompts", "0"), "--prompts 0 is no limit"),
        (("same", "team", "styled", "--probes", "nothing.jsonl"), "cannot be read"),
        (("parity", "team", "--as", "name=Anna"), "two classes are compared"),
        (("parity", "team", "--as", "name=Anna", "--as", "shoe=42"), "is no class of users"),
        (("parity", "team", "--as", "language=en", "--as", "language=eo"), "no question is there in both"),
        (("parity", "team", "--as", "user_region=FI", "--as", "user_region=Finland"), "user_region=Finland"),
        (("notworse", "team", "styled", "--cases", "none.jsonl"), "cannot be read"),
        (("replay", "none.jsonl"), "cannot be read"),
        (("refusals", "team", "team"), "has no peers"),
    ],
)
def test_what_cannot_be_done_says_why_and_asks_nobody(
    run: Run, words: tuple[str, ...], told_why: str
) -> None:
    said = run("audit", *words)

    assert said.code == 2
    assert told_why in said.err
    assert not list(Path().glob(".freehold/audits/*"))


def test_a_run_that_nobody_knows_is_not_found(run: Run) -> None:
    assert run("audit", "show", "a0").code == 1
