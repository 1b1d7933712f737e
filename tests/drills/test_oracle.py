"""What is added up in groups is what comes out exchange by exchange, through the gateway's own decisions."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from freehold.catalog.resolve import keyless
from freehold.config.load import Loaded, load_all
from freehold.drills.deciding import AS_RECORDED
from freehold.drills.inventing import example_files
from freehold.drills.scenario import Change, Loss, Scenario
from freehold.drills.simulating import simulate
from freehold.drills.simulation import Line, Simulation
from freehold.drills.traffic import Traffic, grouped
from freehold.drills.world import World, world
from freehold.vocabulary.errors import NoEligibleEndpoint
from freehold.vocabulary.exchange import Exchange, Outcome, Served, Usage
from freehold.vocabulary.report import Interval
from tests.drills.example import AZURE, BEDROCK, CLAUDE, MINUTE, MISTRAL, NOW, OPENAI, OWN
from tests.drills.oracle import MEMORY, Oracle, Told, What

NANO, DEEPSEEK, CALLED = "openai/gpt-5-nano", "deepseek/deepseek-chat", "mistral/magistral-small"
MORE = """
"any/*" = ["openai/*", "mistral/*"]

[aliases.cheap]
pool = ["openai/gpt-5-nano", "mistral/mistral-small-latest", "deepseek/deepseek-chat"]
strategy = "cheapest"

[prices."openai/gpt-5-nano"]
input = 0.5
output = 0.5

[prices."deepseek/deepseek-chat"]
input = 0.4
output = 0.9

[limits."openai/gpt-5-mini"]
requests_per_minute = 2

[limits."mistral/mistral-small-latest"]
requests_per_minute = 1

[aliases.code]"""
ASKED = {  # alias: who may have answered
    "chat": (AZURE, OPENAI, MISTRAL, OWN),
    "code": (BEDROCK, CLAUDE, OWN),
    "cheap": (NANO, DEEPSEEK, "mistral/mistral-small-latest"),
    "any/magistral-small": ("openai/magistral-small", CALLED),
    "no-longer-there": (AZURE,),
}
EVERYBODY = sorted({name for names in ASKED.values() for name in names})
APPLICATIONS = ("support-desk", "newsletter", "nobody-knows-it")
QUALITIES = {
    name: Interval(0.1 * n, 0.1 * n - 0.05, 0.1 * n + 0.05) for n, name in enumerate(EVERYBODY[:6], 2)
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The example company with more ways to ask, and less room."""
    folder = tmp_path_factory.mktemp("asked")
    for name, text in example_files().items():
        changed = text.replace("\n[aliases.code]", MORE, 1).replace(
            "requests_per_minute = 40", "requests_per_minute = 3"
        )
        (folder / name).write_text(changed)
    loaded = load_all(folder / "freehold.toml")
    assert isinstance(loaded, Loaded), loaded
    return world(keyless(loaded.config, {}), folder, NOW)


@st.composite
def exchanges(draw: st.DrawFn) -> list[Exchange]:
    """Some minutes of an office, everything that a record can say in them."""
    aliases = draw(st.sampled_from([tuple(ASKED), ("chat",), ("chat", "cheap")]))
    return [_exchange(draw, number, aliases) for number in range(draw(st.integers(0, 25)))]


def _exchange(draw: st.DrawFn, number: int, aliases: tuple[str, ...]) -> Exchange:
    alias = draw(st.sampled_from(aliases))
    outcome = draw(st.sampled_from([*[Outcome.ANSWERED] * 6, *Outcome]))
    nobody = outcome in (Outcome.FAILED, Outcome.REJECTED, Outcome.INTERRUPTED)
    endpoint = None if nobody else draw(st.sampled_from(ASKED[alias]))
    answered = outcome is Outcome.ANSWERED
    refused = draw(st.sampled_from((NoEligibleEndpoint.code, "key_not_allowed")))
    at_ms = MINUTE * 60_000 + draw(st.sampled_from((0, 0, 0, 70_000))) + number
    return Exchange(
        f"x{at_ms:011x}{number:016x}",
        at_ms,
        draw(st.sampled_from(APPLICATIONS)),
        draw(st.sampled_from(("chat", "messages"))),
        alias,
        outcome,
        200,
        endpoint=endpoint,
        code=refused if outcome is Outcome.REJECTED else None,
        served=Served(usage=Usage(draw(st.integers(1, 9)) * 100, 200)) if answered else None,
        first_byte_us=1_000,
        took_us=draw(st.integers(1, 9)) * 100_000,
        node=draw(st.sampled_from((*["node-0"] * 9, "audit-1"))),
        cached=answered and draw(st.sampled_from((False, False, True))),
        data_class=draw(st.sampled_from(("public", "internal", "personal", "special"))),
        cost_usd=0.01 if answered and endpoint != CALLED else None,
        drill=draw(st.sampled_from((*[None] * 9, "d1"))),
    )


LOSSES = st.lists(
    st.sampled_from(
        [
            *(("endpoint", name) for name in EVERYBODY),
            ("parent", "Microsoft Corporation"),
            ("cloud", "AWS"),
            ("inference_region", "FR"),
            ("weights_origin", "CN"),
            ("entity_jurisdiction", "US"),
        ]
    ),
    max_size=2,
)
WHATS = st.builds(
    What,
    LOSSES.map(tuple),
    st.frozensets(st.sampled_from(EVERYBODY), max_size=3),
    st.sampled_from((1.0, 3.0)),
    st.sampled_from((1.0, 2.0)),
    st.sampled_from((None, 0.5)),
    st.sampled_from((None, 30.0)),
)


@settings(max_examples=80, deadline=None)
@given(exchanges(), WHATS)
def test_groups_come_to_what_exchanges_come_to(here: World, records: list[Exchange], what: What) -> None:
    found = simulate(here, scenario(what), traffic_of(records), QUALITIES)
    oracle = Oracle(here, what)
    told = oracle.told(records, QUALITIES)

    every = {(line.application, line.alias): line for line in found.lines}
    assert every.keys() == told.keys() - {("", "")}
    for key, one in told.items():
        agrees(every.get(key, found.total), one)
        if not oracle.spilled:  # else of what is alike the mean is taken
            costs_agree(every.get(key, found.total), one)
    assert found.total.exchanges == (told["", ""].exchanges if told else 0)
    spread_agrees(here, found)


def scenario(what: What) -> Scenario:
    lost = tuple(Loss(((name, (value,)),)) for name, value in what.lost)
    change = Change(
        (("endpoint", tuple(sorted(what.changed))),),
        price=what.price,
        latency=what.latency,
        limits=what.limits,
        retention_days=what.retention_days,
    )
    return Scenario("oracle", "An oracle", "", lost, (change,) if what.changed else ())


def traffic_of(records: Sequence[Exchange]) -> Traffic:
    return grouped(map(msgspec.json.encode, records), MINUTE * 60_000, (MINUTE + 3) * 60_000)


def agrees(line: Line, told: Told) -> None:
    count = told.exchanges
    assert line.exchanges == count
    same(line.by_before, told.before, count)
    same(line.by_after, told.after, count)
    assert sum(line.refused.values()) * count == pytest.approx(sum(told.refused.values()))
    assert line.refused.get(AS_RECORDED, 0.0) * count == pytest.approx(told.refused[AS_RECORDED])
    assert (line.lost * count, line.limited * count, line.failed * count) == pytest.approx(
        (told.lost, told.limited, told.failed), abs=1e-4
    )


def costs_agree(line: Line, told: Told) -> None:
    served = sum(told.after.values())
    if served:
        assert line.cost_after_usd == (None if told.unpriced == served else pytest.approx(told.usd))
        assert line.unpriced * served == pytest.approx(told.unpriced, abs=1e-6)
        assert line.untimed * served == pytest.approx(served - told.timed, abs=1e-6)
        assert line.latency_after_ms == (pytest.approx(told.ms / told.timed) if told.timed else None)
    assert line.unmeasured * told.exchanges == pytest.approx(told.unmeasured, abs=1e-6)
    if not told.compared or told.moved == pytest.approx(told.unmeasured) != 0:
        assert line.quality is None
        return
    assert line.quality is not None
    weights = {name: gain / told.compared for name, gain in told.gains.items()}
    change = sum(weight * QUALITIES[name].estimate for name, weight in weights.items())
    half = sum((weight * 0.05) ** 2 for weight in weights.values()) ** 0.5
    found = line.quality
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (change, change - half, change + half), abs=1e-9
    )


def same(shares: Mapping[str, float], counts: Mapping[str, float], total: int) -> None:
    found = {name: share * total for name, share in shares.items() if share * total > 1e-4}
    assert found == pytest.approx({name: count for name, count in counts.items() if count > 1e-4}, abs=1e-4)


def spread_agrees(here: World, found: Simulation) -> None:
    for one in found.concentration:
        for hhi, effective, by in (
            (one.hhi_before, one.effective_before, found.total.by_before),
            (one.hhi_after, one.effective_after, found.total.by_after),
        ):
            sums: dict[str, float] = {}
            for name, share in by.items():
                if name != MEMORY:
                    fact = here.facts(name).get(one.by)
                    value = name if one.by == "endpoint" else None if fact is None else fact.at(here.now)
                    sums[str(value)] = sums.get(str(value), 0.0) + share
            if not sums:
                assert hhi is effective is None
                continue
            assert hhi == pytest.approx(sum((share / sum(sums.values())) ** 2 for share in sums.values()))
            assert effective is not None
            assert 1 / effective == pytest.approx(hhi)


def test_who_only_takes_what_others_have_no_room_for_has_limits_too(here: World) -> None:
    at_ms = MINUTE * 60_000
    plain = Exchange("", at_ms, "support-desk", "chat", "chat", Outcome.ANSWERED, 200, endpoint=AZURE)
    records = [
        replace(plain, id=f"x{at_ms:011x}{n:016x}", node="node-0", data_class="internal") for n in range(20)
    ]
    what = What((("endpoint", AZURE), ("endpoint", MISTRAL)))

    found = simulate(here, scenario(what), traffic_of(records), {})

    agrees(found.total, Oracle(here, what).told(records, {})["", ""])
    assert found.total.by_after == pytest.approx({OPENAI: 2 / 20, OWN: 3 / 20})
