"""Sampled prompts go to other labs' models once their callers have their answers, and what is unlike them is found."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from freehold.catalog.resolve import resolve
from freehold.config.load import Loaded, load_text
from freehold.config.schema import Alias
from freehold.dialects.peek import Head
from freehold.gateway.attempt import Asked
from freehold.gateway.client import Client
from freehold.gateway.draft import Draft
from freehold.gateway.governance import Governance
from freehold.gateway.metrics import Metrics
from freehold.gateway.rulebook import rulebook
from freehold.gateway.shadowing import FINDING, Again, Sample, Shadowing, Spending
from freehold.ledger import query
from freehold.routing.plan import Lane
from freehold.sparring.server import Sparring
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import PEERS_ASKED, Event, Exchange
from tests.gateway.house import House, Partners, Said, aliases, house, provider
from tests.gateway.ruled import fact, until, written

NAMES = ("north", "south", "east", "west")
POOL = [f"{name}/{name}-1" for name in NAMES]
UNPRICED = [POOL[0], "south/south-9", "east/east-9"]
WATCH = "[watch]\nshadow_share = 1.0\n"
PRICES = "[prices]\n" + "".join(f'"{one}" = {{ input = 1, output = 1 }}\n' for one in POOL)
COUNTED = re.compile(rb'freehold_peers_total\{endpoint="[^"]*",outcome="([a-z-]+)"\} (\d+)')
DIALECTS = ("chat", "messages", "responses", "gemini")


class Stage(NamedTuple):
    """A gateway with four endpoints of four labs; the first answers, unless it is told not to."""

    house: House
    first: Sparring
    partners: Partners

    def outcomes(self) -> dict[str, int]:
        """What came of putting answers beside their peers', and how often."""
        found = COUNTED.findall(self.house.get("/metrics").body)
        return {outcome.decode(): int(count) for outcome, count in found}

    def ask(
        self, fault: str, dialect: str = "chat", alias: str = "quick", *, stream: bool = False
    ) -> tuple[Said, str]:
        """Ask while the first does this; the answer, and what came of the comparison."""
        before = self.outcomes()
        self.partners.tell(self.first, fault)
        said = self.house.ask(dialect, alias, stream=stream)
        assert said.status == 200, said.body

        def changed() -> str | None:
            now = self.outcomes()
            return next((one for one, count in now.items() if count > before.get(one, 0)), None)

        return said, until(changed)

    def events(self, kind: str, said: Said) -> list[Event]:
        name = said.headers["x-freehold-exchange"]
        return [one for one in query.events(self.house.state, kind) if one.about["exchange"] == name]

    def asked_for(self, said: Said) -> list[Exchange]:
        """The exchanges of its peers."""
        found = [
            query.find(self.house.state, str(name))
            for event in self.events(PEERS_ASKED, said)
            for name in event.about["exchanges"]  # type: ignore[union-attr]
        ]
        assert all(isinstance(one, Exchange) for one in found)
        return [one for one in found if isinstance(one, Exchange)]


@contextmanager
def staged(
    partners: Partners, folder: Path, settings: str = WATCH + PRICES, fault: str | None = None
) -> Iterator[Stage]:
    first, others = partners.open(seed=5), partners.open(seed=5)
    tables = provider("north", first, *DIALECTS)
    tables += "".join(provider(name, others, *DIALECTS, fault=fault) for name in NAMES[1:])
    with house(folder, settings + tables + aliases(quick=POOL, pair=POOL[:2], unpriced=UNPRICED)) as running:
        yield Stage(running, first, partners)


@pytest.fixture(scope="module")
def stage(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(partners, tmp_path_factory.mktemp("shadowed")) as running:
        yield running


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_deflection_is_found_by_its_peers(stage: Stage, dialect: str, stream: bool) -> None:
    said, outcome = stage.ask("deflection", dialect, stream=stream)

    assert outcome == "unlike"
    (found,) = stage.events(FINDING, said)
    assert (found.about["kind"], found.about["endpoint"]) == ("unlike-peers", POOL[0])
    assert sorted(found.about["peers"]) == sorted(POOL[1:])  # type: ignore[arg-type]
    assert "where its 3 peers gave" in str(found.about["evidence"])
    metrics = stage.house.get("/metrics").body
    assert b'freehold_findings_total{endpoint="north/north-1",kind="unlike-peers"}' in metrics


def test_each_peer_is_an_exchange_of_the_same_application(stage: Stage) -> None:
    said, outcome = stage.ask("ok")

    asked = stage.asked_for(said)
    own = stage.house.exchange(said)
    assert outcome == "alike"
    assert stage.events(FINDING, said) == []
    assert sorted(str(one.endpoint) for one in asked) == sorted(POOL[1:])
    assert {(one.application, one.alias, one.dialect) for one in asked} == {
        (own.application, own.alias, own.dialect)
    }
    assert all(one.cost_usd for one in asked)
    assert all(one.at_ms >= own.at_ms for one in asked)


def test_a_caller_does_not_wait_for_peers_and_a_stop_does_neither(partners: Partners, tmp_path: Path) -> None:
    with staged(partners, tmp_path, fault="silent") as running:
        said = running.house.ask("chat", "quick")
        until(lambda: running.events(PEERS_ASKED, said) or None)

        assert said.status == 200

    asked = running.asked_for(said)
    assert [one.outcome for one in asked] == ["failed"] * 3  # broken off, and recorded


def test_no_more_than_the_days_money_is_spent(partners: Partners, tmp_path: Path) -> None:
    settings = WATCH + "shadow_usd_per_day = 0.0\n" + PRICES
    with staged(partners, tmp_path, settings) as running:
        said, outcome = running.ask("deflection")

        assert outcome == "too-few"
        assert running.events(PEERS_ASKED, said) == []
        assert len(running.house.exchanges()) == 1


@pytest.mark.parametrize("alias", ["unpriced", "pair"])
def test_without_a_price_or_outside_the_pool_nobody_is_asked(stage: Stage, alias: str) -> None:
    said, outcome = stage.ask("deflection", alias=alias)

    assert outcome == "too-few"
    assert stage.events(PEERS_ASKED, said) == []


ALLOWED = """\
name = "union"
[rules.stays-in-the-union]
require = "inference_region in EU"
reason = "Stays in the Union."
severity = "high"
"""


def test_a_prompt_goes_only_to_peers_that_policy_allows(partners: Partners, tmp_path: Path) -> None:
    """The pool is one endpoint; of the others, known by another alias, one is not known to be in the Union."""
    facts = "".join(fact(name, inference_region="DE") for name in NAMES[:3])
    first, others = partners.open(seed=5), partners.open(seed=5)
    tables = provider("north", first, "chat")
    tables += "".join(provider(name, others, "chat") for name in NAMES[1:])
    settings = WATCH + PRICES + written(tmp_path, policy=ALLOWED, facts=facts)
    with house(tmp_path, settings + tables + aliases(quick=POOL[:1], slow=POOL[1:])) as running:
        stage = Stage(running, first, partners)
        said, outcome = stage.ask("deflection")

        assert outcome == "unlike"
        assert sorted(str(one.endpoint) for one in stage.asked_for(said)) == sorted(POOL[1:3])
        assert all(one.policy for one in stage.asked_for(said))
        again = stage.house.exchange(stage.ask("ok")[0])
        assert again.endpoint == POOL[0]
        assert again.refused == ()  # what was decided for the peers is not the alias's own


def test_models_of_one_lab_are_no_peers(partners: Partners, tmp_path: Path) -> None:
    facts = "".join(fact(name, weights_lab="Northlab", inference_region="DE") for name in NAMES)
    with staged(
        partners, tmp_path, WATCH + PRICES + written(tmp_path, policy=ALLOWED, facts=facts)
    ) as running:
        assert running.ask("deflection")[1] == "too-few"


def test_unless_it_is_asked_for_nobody_is_asked(partners: Partners, tmp_path: Path) -> None:
    with staged(partners, tmp_path, PRICES) as running:
        for _ in range(5):
            running.house.ask("chat", "quick")

        assert running.outcomes() == {}
        assert len(running.house.exchanges()) == 5


def test_in_a_drain_a_prompt_is_dropped() -> None:
    async def never(client: Client, again: Again) -> None:
        raise AssertionError("a peer was asked")

    loaded = load_text(
        f"{WATCH}[providers.a]\nkind = 'ollama'\n[aliases]\nquick = ['a/one']\n", "freehold.toml"
    )
    assert isinstance(loaded, Loaded)
    resolved = resolve(loaded.config, {})
    metrics = Metrics()
    governance = Governance(resolved, Path(), rulebook(loaded.config, Path()))
    shadowing = Shadowing(resolved, governance, metrics, lambda kind, about: None)
    (endpoint,) = resolved.aliases["quick"]
    draft = Draft(Dialect.CHAT)
    draft.endpoint, draft.words = endpoint, "An answer."
    lane = Lane("quick", (endpoint,), Alias(("a/one",)))
    draft.sample = Sample(Asked(Dialect.CHAT, Head("quick"), b"{}"), lane, None, {})

    shadowing.until(lambda: True)
    shadowing.answered(draft, never)

    assert metrics.snapshot().counters["freehold_peers"] == [(("a/one", "dropped"), 1)]


def test_what_was_set_aside_comes_back_where_it_was_not_spent() -> None:
    spending = Spending(1.0)

    assert spending.reserve(0.9)
    assert not spending.reserve(0.2)
    spending.settle(0.9, 0.1)
    assert spending.reserve(0.8)
    spending.settle(0.8, None)  # nobody knows: all of it
    assert not spending.reserve(0.2)
    assert not spending.reserve(None)
