"""A rehearsal on a real gateway: the fault comes, service goes on, the fault goes; and whatever ends it, it is gone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import msgspec
import pytest

from freehold.catalog.resolve import resolve
from freehold.cli.main import main
from freehold.cli.output import CANNOT_SERVE, OK, PROBLEMS, USAGE
from freehold.config.environment import environment
from freehold.config.load import load
from freehold.drills import folder
from freehold.drills.loading import load_scenario
from freehold.drills.measuring import measured
from freehold.drills.rehearsal import AFTER, BEFORE, DURING, Phase, Rehearsal
from freehold.drills.simulating import expected, simulate
from freehold.drills.striking import allowed
from freehold.drills.traffic import read_traffic
from freehold.drills.world import World, world
from freehold.gateway import drill_order
from freehold.gateway.drill_order import Mode, Struck
from freehold.gateway.drilling import OVER
from freehold.ledger import query
from freehold.vocabulary.exchange import Event, Exchange
from freehold.vocabulary.probe import Question, Reply
from tests.gateway.drilled import LONG_MS, hold, order, wait_for
from tests.gateway.house import PATIENCE_S, House, Partners, Said, aliases, house, path, provider, question
from tests.gateway.process import Gateway, gateway
from tests.gateway.ruled import fact, written

POLICY = """\
name = "brief"
[rules.kept-briefly]
require = "retention_days <= 7"
reason = "Everything is kept for a week at most."
"""
LOST = 'title = "Alpha is gone"\nwhy = "It may."\n[[lost]]\nprovider = "alpha"\nway = "unavailable"\n'
ALL = 'title = "All are gone"\nwhy = "They may."\n[[lost]]\nendpoint = "*"\n'
NONE = 'title = "Nobody is gone"\nwhy = "Why not."\n[[lost]]\nendpoint = "nobody/*"\n'
QUICK = "[breaker]\nopen_s = 0.2\nopen_s_max = 0.2\n"  # so that who is back is seen to be back
SURE = 0.999_999  # of intervals here: one false alarm in a million runs
RECORDED = 160
CASES = [
    {"id": f"{right}{number}", "prompt": "Speak.", "checks": [{"regex": "." if right else "^$"}]}
    for right in (True, False)
    for number in range(2)
]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    place = tmp_path_factory.mktemp("rehearsing")
    with Partners() as partners:
        tables = "".join(
            provider(name, partners.open(), "chat") for name in ("alpha", "beta", "gamma", "nosy")
        )
        facts = "".join(fact(name, retention_days=0) for name in ("alpha", "beta", "gamma"))
        facts += fact("nosy", retention_days=30)
        even = '[aliases.even]\npool = ["nosy/m", "alpha/m", "beta/m", "gamma/m"]\nstrategy = "weighted"\n'
        even += "weights = [1, 6, 1, 3]\nsticky = false\n"
        config = (
            QUICK + written(place, policy=POLICY, facts=facts) + tables + aliases(one=["alpha/m", "beta/m"])
        )
        for name, text in (("lost", LOST), ("all", ALL), ("none", NONE)):
            (place / f"{name}.toml").write_text(text, encoding="utf-8")
        with house(place, config + even) as up:
            yield up


def words(there: House, scenario: str, *more: str) -> list[str]:
    place = there.state.parent
    return [
        "drill",
        "rehearse",
        str(place / f"{scenario}.toml"),
        "--config",
        str(place / "freehold.toml"),
        *more,
    ]


def ask(there: House, alias: str) -> Said:
    return there.post(path("chat", alias), question("chat", alias))


@pytest.fixture(scope="module")
def traffic(there: House) -> Sequence[Exchange]:
    """What was recorded before any drill."""
    return [there.exchange(ask(there, "even")) for _ in range(RECORDED)]


@pytest.fixture(scope="module")
def bystanders() -> list[Said]:
    return []


@pytest.fixture(scope="module")
def found(there: House, traffic: Sequence[Exchange], bystanders: list[Said]) -> Rehearsal:
    """A whole rehearsal, with others asking meanwhile."""
    over = Flag()

    def others() -> None:
        while not over.wait(0.05):
            bystanders.append(ask(there, "one"))

    thread = Thread(target=others)
    thread.start()
    times = ("--before", "3s", "--for", "5s", "--after", "3s")
    try:
        tasks = there.state.parent / "tasks.jsonl"
        tasks.write_text("".join(json.dumps(case) + "\n" for case in CASES), encoding="utf-8")
        asked = ("--alias", "even", "--requests", "160", "--tasks", str(tasks))
        code = main(words(there, "lost", *asked, *times))
    finally:
        over.set()
        thread.join(PATIENCE_S)
    assert code == OK
    (drill,) = folder.listed(there.state)
    return folder.read(there.state, drill, folder.REHEARSAL, Rehearsal)


def part(found: Rehearsal, name: str) -> Phase:
    return next(one for one in found.phases if one.name == name)


def test_another_answers_while_one_is_lost_and_it_comes_back(found: Rehearsal) -> None:
    shares = {name: part(found, name).by["even"] for name in (BEFORE, DURING, AFTER)}

    assert found.lost == ("alpha/m",)
    assert "alpha/m" in shares[BEFORE]
    assert shares[DURING].keys() == {"beta/m", "gamma/m"}
    assert "alpha/m" in shares[AFTER]


def test_it_measures_when_the_fault_was_noticed_and_when_service_was_back(found: Rehearsal) -> None:
    lasted_ms = found.until_ms - found.from_ms

    assert found.detected is not None
    assert 0 <= found.detected.low_ms <= found.detected.after_ms < lasted_ms
    assert found.left_alone is not None
    assert found.detected.after_ms < found.left_alone.after_ms < lasted_ms
    assert found.restored is not None
    assert found.restored.after_ms == 0  # nobody failed: others answered at once
    assert found.returned is not None
    during = part(found, DURING)
    assert during.degraded is not None
    assert during.degraded.low > 0
    assert during.failed is not None
    assert during.failed.estimate == 0


def test_quality_is_measured_before_during_and_after(there: House, found: Rehearsal) -> None:
    qualities = {one.name: one.quality.estimate for one in found.phases if one.quality is not None}

    assert qualities == {BEFORE: 0.5, DURING: 0.5, AFTER: 0.5}
    assert {one.exchange for one in found.graded} <= {
        it.id for it in there.exchanges() if it.drill == found.id
    }


def test_callers_outside_the_drill_notice_nothing(
    there: House, found: Rehearsal, bystanders: list[Said]
) -> None:
    seen = [there.exchange(said) for said in bystanders]

    assert {(it.endpoint, it.drill) for it in seen} == {("alpha/m", None)}
    assert {len(it.attempts) for it in seen} == {1}


def test_no_prompt_goes_where_policy_does_not_allow_it(there: House, found: Rehearsal) -> None:
    drilled = [it for it in there.exchanges() if it.drill == found.id]

    assert found.violations == ()
    assert {one.endpoint for it in drilled for one in it.refused} == {"nosy/m"}


def test_it_is_announced_before_and_its_result_after(there: House, found: Rehearsal) -> None:
    (began,), (ended,) = (query.events(there.state, kind) for kind in ("drill-began", "drill-ended"))
    file = folder.path_of(there.state, found.id) / folder.REHEARSAL

    assert began.at_ms < found.from_ms < found.until_ms < ended.at_ms
    assert (began.about["drill"], began.about["text"], began.about["mode"]) == (found.id, LOST, "marked")
    assert (ended.about["drill"], ended.about["why"]) == (found.id, "it ran to its end")
    assert ended.about["sha256"] == sha256(file.read_bytes()).hexdigest()


def test_every_figure_follows_again_from_the_ledger(there: House, found: Rehearsal) -> None:
    before, scenario = _world(there), load_scenario(str(there.state.parent / "lost.toml"))
    (began,) = query.events(there.state, "drill-began")
    records: list[Exchange | Event] = [
        *query.between(there.state, 0, found.measured_ms + LONG_MS),
        *query.events(there.state, OVER),
    ]

    again = measured(
        began,
        records,
        allowed(before, before.under(scenario)),
        (found.ended, found.measured_ms),
        found.graded,
    )

    assert again == found


def test_simulation_and_rehearsal_agree(there: House, traffic: Sequence[Exchange], found: Rehearsal) -> None:
    since, until = traffic[0].at_ms, traffic[-1].at_ms + 1
    scenario = load_scenario(str(there.state.parent / "lost.toml"))

    (line,) = simulate(_world(there), scenario, read_traffic(there.state, since, until), {}).lines

    during = part(found, DURING)
    measured_shares = {name: it.estimate for name, it in during.by["even"].items()}
    assert line.by_after.keys() == measured_shares.keys()
    for name, share in line.by_after.items():
        bounds = expected(share, line.exchanges, during.exchanges, SURE)
        assert bounds.low <= measured_shares[name] <= bounds.high, (name, share, measured_shares)


def _world(there: House) -> World:
    resolved = resolve(load(there.state.parent / "freehold.toml"), environment())
    return world(resolved, there.state, datetime.now(UTC))


def begun(there: House, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "freehold", *words(there, *more)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


def in_force(state: Path) -> str:
    """The id of the drill that a command has begun, once the gateway has taken it up."""
    until = time.monotonic() + PATIENCE_S
    while (order := drill_order.read(state)) is None:
        assert time.monotonic() < until, "no drill begins"
        time.sleep(0.05)
    wait_for(state, "drill-in-force", order.id)
    return order.id


def test_its_report_can_be_worked_out_again(
    there: House,
    traffic: Sequence[Exchange],
    found: Rehearsal,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = ("--config", str(there.state.parent / "freehold.toml"))

    assert main(["drill", "report", found.id, "--out", str(tmp_path), *config]) == OK
    assert main(["drill", "verify", str(tmp_path / "report.json"), *config]) == OK

    assert "everything agrees" in capsys.readouterr().out
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["rehearsal"]["id"] == found.id
    assert told["simulation"]["exchanges"] >= len(traffic)  # of before, and none of the drill
    assert [one["kind"] for one in told["announced"]] == ["drill-began", "drill-ended"]
    assert "Service restored" in (tmp_path / "report.html").read_text()
    told["rehearsal"]["phases"][1]["streams_lost"] += 1
    (tmp_path / "report.json").write_text(json.dumps(told))
    assert main(["drill", "verify", str(tmp_path / "report.json"), *config]) == PROBLEMS
    said = capsys.readouterr().out
    assert "rehearsal.phases[1].streams_lost: the report says" in said
    assert "not the one whose SHA-256 was put on the ledger (drill-ended)" in said


def test_a_killed_command_takes_its_fault_with_it(there: House, found: Rehearsal) -> None:
    process = begun(there, "lost", "--share", "1", "--yes", "--before", "0s")
    drill = in_force(there.state)

    process.kill()
    process.communicate()

    assert wait_for(there.state, "drill-over", drill).about["why"] == "its command was not heard of any more"
    assert there.exchange(ask(there, "one")).endpoint == "alpha/m"


def test_stop_ends_a_rehearsal_whoever_began_it(there: House, found: Rehearsal) -> None:
    process = begun(there, "lost", "--share", "1", "--yes", "--before", "0s", "--json")
    drill = in_force(there.state)

    assert main(words(there, "lost", "--alias", "one", "--requests", "1")) == USAGE  # one at a time
    assert main(["drill", "stop", "--config", str(there.state.parent / "freehold.toml")]) == OK
    told = json.loads(process.communicate(timeout=PATIENCE_S)[0])

    assert process.returncode == PROBLEMS
    assert (told["id"], told["ended"]) == (drill, "it was stopped")
    assert wait_for(there.state, "drill-over", drill).about["why"] == "it was taken away"


def test_an_interrupted_command_takes_its_fault_away_and_tells_what_there_is(
    there: House, found: Rehearsal
) -> None:
    process = begun(there, "lost", "--share", "1", "--yes", "--before", "0s", "--json")
    drill = in_force(there.state)

    process.send_signal(signal.SIGINT)
    told = json.loads(process.communicate(timeout=PATIENCE_S)[0])

    assert (told["id"], told["ended"]) == (drill, "it was interrupted")
    assert wait_for(there.state, "drill-over", drill).about["why"] == "it was taken away"


def test_a_test_request_that_is_turned_down_ends_it_and_it_was_no_drill(
    there: House, found: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def turned_down(name: str, question: Question) -> Reply:
        return Reply("", 0, 0, 401, error="invalid_key: it was revoked")

    monkeypatch.setattr("freehold.cli.rehearse.Calling", lambda *of: turned_down)
    own = there.state / "scenarios" / "unmet.toml"
    own.parent.mkdir(exist_ok=True)
    own.write_text(LOST)
    config = ("--config", str(there.state.parent / "freehold.toml"))

    asked = ("drill", "rehearse", "unmet", "--alias", "one", "--requests", "9", "--before", "1s", *config)
    assert main(asked) == PROBLEMS
    said = capsys.readouterr().out
    assert "turned a test request down: invalid_key" in said
    assert "no request met the fault" in said
    assert "service restored                         not seen" in said
    assert main(["drill", "due", "--json", *config]) == PROBLEMS
    due = {one["scenario"]: one for one in json.loads(capsys.readouterr().out)}
    assert due["unmet"]["last"] is None


def test_where_keys_are_asked_for_a_test_request_needs_one(
    there: House, capsys: pytest.CaptureFixture[str]
) -> None:
    config = there.state.parent / "keyed.toml"
    text = (there.state.parent / "freehold.toml").read_text()
    config.write_text(f"{text}\n[server]\nkeys = true\n")

    asked = words(there, "lost", "--alias", "one", "--requests", "9", "--config", str(config))
    assert main(asked) == USAGE
    assert "--key-env" in capsys.readouterr().err


def test_too_many_failures_break_it_off(there: House, found: Rehearsal) -> None:
    process = begun(there, "all", "--share", "1", "--yes", "--before", "0s", "--abort-failed", "5%", "--json")
    drill = in_force(there.state)

    while process.poll() is None:
        ask(there, "one")
    told = msgspec.json.decode(process.communicate()[0].encode(), type=Rehearsal)

    assert process.returncode == PROBLEMS
    assert told.id == drill
    assert told.ended.endswith("exchanges failed")
    assert told.until_ms - told.from_ms < 60_000
    assert there.exchange(ask(there, "one")).endpoint == "alpha/m"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    place = tmp_path_factory.mktemp("killed")
    with Partners() as partners:
        config = provider("alpha", partners.open(), "chat") + provider("beta", partners.open(), "chat")
        with gateway(place, config + aliases(one=["alpha/m", "beta/m"])) as running:
            yield running


def test_after_a_restart_a_killed_gateway_knows_nothing_of_the_fault(town: Gateway) -> None:
    lost = Struck("alpha/m", "unavailable")
    asked = order(town.state, "d00000000000000000fd", Mode.SHARE, lost)
    drill_order.put(town.state, asked)
    hold(town.state)  # as if its command went on
    wait_for(town.state, "drill-in-force", asked.id)

    town.kill()
    town.start()

    over = wait_for(town.state, "drill-over", asked.id)
    assert over.about["why"] == "it was meant for an earlier run of the gateway"
    assert drill_order.read(town.state) is None


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("none", "--alias", "one", "--requests", "1"), USAGE, "hits no endpoint"),
        (("lost", "--share", "0.6"), USAGE, "most of the traffic"),
        (("lost", "--share", "0"), USAGE, "no share"),
        (("lost",), USAGE, "which requests"),
        (("lost", "--share", "0.1", "--shadow", "0.1"), USAGE, "which requests"),
        (("lost", "--requests", "1"), USAGE, "test requests of what"),
        (("lost", "--alias", "one", "--requests", "9999"), USAGE, "too many"),
        (("lost", "--alias", "nobody", "--requests", "9"), USAGE, "no alias is called"),
        (("lost", "--share", "0.1", "--for", "long"), USAGE, "no time"),
        (("lost", "--share", "0.1", "--for", "0s"), USAGE, "never comes"),
        (("lost", "--share", "0.1", "--abort-failed", "5"), USAGE, "no share"),
        (("lost", "--share", "0.1", "--abort-usd", "-1"), USAGE, "no limit"),
        (("lost", "--share", "0.1", "--abort-p95-ms", "nan"), USAGE, "no limit"),
        (("lost", "--alias", "one", "--requests", "1", "--key-env", "NOT_SET"), USAGE, "not set"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(
    there: House, capsys: pytest.CaptureFixture[str], more: Sequence[str], code: int, said: str
) -> None:
    scenario, *rest = more

    assert main(words(there, scenario, *rest)) == code
    assert said in capsys.readouterr().err


def test_without_a_gateway_there_is_nothing_to_rehearse_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, scenario = tmp_path / "freehold.toml", tmp_path / "lost.toml"
    file.write_text(
        '[providers.a]\nbase_url = "http://127.0.0.1:9"\ndialects = ["chat"]\n[aliases]\none = ["a/m"]\n'
    )
    scenario.write_text(LOST)

    assert main(["drill", "rehearse", str(scenario), "--config", str(file), "--share", "0.1"]) == CANNOT_SERVE
    assert "no gateway runs" in capsys.readouterr().err
