"""What marked requests meet in a drill, and what all others do not, on one gateway."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from freehold.gateway.drill_order import Mode, Order, Struck, Way
from freehold.ledger.exposure import exposure
from freehold.vocabulary.errors import Fault
from tests.gateway.drilled import ask, drilled, outcomes
from tests.gateway.house import House, Partners, aliases, house, path, provider, question
from tests.gateway.ruled import fact, written

WAYS: tuple[Way, ...] = ("unreachable", "unavailable", "forbidden", "gone")
DIALECTS = ("chat", "messages", "responses", "gemini")
LATENCY = 4.0
POLICY = """\
name = "brief"
[rules.kept-briefly]
when = "data_class >= personal"
require = "retention_days <= 7"
reason = "Personal data is kept for a week at most."
"""
STRUCK = (
    *(Struck(f"alpha/{way}", way) for way in WAYS),
    Struck("alpha/refuses", refuses="NORTH"),
    Struck("alpha/replaced", replaced_by="weaker"),
    Struck("slow/m", latency=LATENCY),
    Struck("alpha/limited", requests_per_minute=2),
    Struck("alpha/keeps", facts={"retention_days": "inf"}),
    Struck("last/swapped", replaced_by="hoards"),
    Struck("keeper/promises", facts={"retention_days": 0.0}),  # it keeps for a month, whatever the drill says
)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("drilling")
    with Partners() as partners:
        slow = partners.open("slow-first-byte=50ms")
        tables = [provider(name, partners.open(), *DIALECTS) for name in ("alpha", "last", "keeper")]
        tables.append(provider("slow", slow, "chat"))
        facts = "".join(fact(name, retention_days=0) for name in ("alpha", "last", "slow"))
        facts += fact("keeper", retention_days=30)
        facts += fact("last", retention_days=30).replace('"last"', '"last"\nmodel = "hoards"', 1)
        pools = {one.endpoint.partition("/")[2]: [one.endpoint, "last/m"] for one in STRUCK}
        pools["all"] = [*(f"alpha/{way}" for way in WAYS), "last/m"]
        config = written(folder, policy=POLICY, facts=facts) + "".join(tables) + aliases(**pools)
        with house(folder, config) as up:
            yield up


@pytest.fixture(scope="module")
def drill(there: House) -> Iterator[Order]:
    with drilled(there.state, Mode.MARKED, *STRUCK) as order:
        yield order


def test_each_way_of_being_gone_is_met_as_it_would_be_in_life(there: House, drill: Order) -> None:
    said = ask(there, "all")
    found = there.exchange(said)

    assert said.status == 200
    assert said.headers["x-freehold-drill"] == found.drill == drill.id
    assert outcomes(found) == [
        ("alpha/unreachable", Fault.CONNECT, None),
        ("alpha/unavailable", Fault.STATUS, 503),
        ("alpha/forbidden", Fault.STATUS, 403),
        ("alpha/gone", Fault.STATUS, 404),
        ("last/m", "ok", None),
    ]


def test_who_was_only_struck_by_a_drill_holds_nothing_of_the_prompt(there: House, drill: Order) -> None:
    found = there.exchange(ask(there, "unavailable"))

    held = exposure([found], lambda endpoint, at: 30, datetime.now(UTC) + timedelta(days=1))

    assert [one.provider for one in held] == ["last"]


@pytest.mark.parametrize("header", [{}, {"x-freehold-drill": "another"}, {"x-freehold-drill": ""}])
def test_who_does_not_show_the_token_is_not_in_the_drill(
    there: House, drill: Order, header: dict[str, str]
) -> None:
    said = there.post(path("chat", "gone"), question("chat", "gone"), header)

    found = there.exchange(said)

    assert (said.status, found.endpoint, found.drill) == (200, "alpha/gone", None)
    assert "x-freehold-drill" not in said.headers


def test_the_breakers_of_all_others_learn_nothing_from_a_drill(there: House, drill: Order) -> None:
    inside = [there.exchange(ask(there, "unreachable")) for _ in range(7)]
    outside = there.exchange(ask(there, "unreachable", marked=False))

    assert outcomes(inside[-1])[0] == ("alpha/unreachable", Fault.BREAKER_OPEN, None)
    assert outcomes(outside) == [("alpha/unreachable", "ok", None)]


def test_a_refusal_is_one_in_every_dialect_whole_or_streamed(there: House, drill: Order) -> None:
    ways = [(dialect, stream) for dialect in DIALECTS for stream in (False, True)]
    found = {way: there.exchange(ask(there, "refuses", dialect=way[0], stream=way[1])) for way in ways}

    kinds = {way: {finding.kind for finding in it.findings} for way, it in found.items()}
    assert all(kinds[way] & {"refusal", "moderation"} for way in ways), kinds
    assert {it.endpoint for it in found.values()} == {"alpha/refuses"}


def test_another_model_is_asked_under_the_old_name(there: House, drill: Order) -> None:
    found = there.exchange(ask(there, "replaced"))

    assert found.endpoint == "alpha/replaced"
    assert found.served is not None
    assert found.served.model == "weaker"
    assert "substitution" in {finding.kind for finding in found.findings}


def test_an_answer_takes_so_many_times_as_long(there: House, drill: Order) -> None:
    inside = there.exchange(ask(there, "m"))

    assert inside.endpoint == "slow/m"
    assert inside.took_us >= LATENCY * 50_000


def test_beyond_a_rate_limit_it_asks_to_wait(there: House, drill: Order) -> None:
    found = [there.exchange(ask(there, "limited")) for _ in range(3)]

    assert [it.endpoint for it in found] == ["alpha/limited", "alpha/limited", "last/m"]
    assert outcomes(found[2])[0] == ("alpha/limited", Fault.STATUS, 429)


def test_policy_decides_by_the_facts_of_the_drill_and_only_for_what_is_in_it(
    there: House, drill: Order
) -> None:
    inside, outside = (
        there.exchange(ask(there, "keeps", marked=it, data_class="personal")) for it in (True, False)
    )

    assert (inside.endpoint, outside.endpoint) == ("last/m", "alpha/keeps")
    assert [(one.endpoint, one.rule) for one in inside.refused] == [("alpha/keeps", "kept-briefly")]
    assert not outside.refused
    assert inside.facts != outside.facts


def test_facts_of_a_drill_open_no_door_that_policy_holds_shut(there: House, drill: Order) -> None:
    strict = there.exchange(ask(there, "promises", data_class="personal"))
    open_ = there.exchange(ask(there, "promises", data_class="public"))

    assert [name for name, *_ in outcomes(strict)] == ["last/m"]
    assert [one.endpoint for one in strict.refused] == ["keeper/promises"]
    assert strict.drill == open_.drill == drill.id
    assert [name for name, *_ in outcomes(open_)] == ["keeper/promises"]


def test_another_model_is_not_asked_where_policy_would_refuse_it_under_its_own_name(
    there: House, drill: Order
) -> None:
    strict = there.exchange(ask(there, "swapped", data_class="personal"))
    open_ = there.exchange(ask(there, "swapped", data_class="public"))

    assert [name for name, *_ in outcomes(strict)] == ["last/m"]
    assert [name for name, *_ in outcomes(open_)] == ["last/swapped"]
