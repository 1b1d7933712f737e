"""The routing knobs through a whole gateway: refusals elsewhere, hedging, limits, strategies, deadlines."""

import http.client
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import pytest

from freehold.gateway.keys import KeyStore
from freehold.sparring.server import Sparring
from freehold.vocabulary.exchange import Exchange, Outcome
from tests.gateway.house import PATHS, PATIENCE_S, House, Partners, Said, aliases, house, provider, question
from tests.gateway.ruled import until

T = TypeVar("T")


def pool(
    partners: Partners, *faults: str, dialect: str = "chat", more: str = "", alias: str = "m"
) -> tuple[str, list[Sparring]]:
    """Endpoints of one alias, "ALIAS-a/m" and so on, each with its fault; and their partners."""
    names = [f"{alias}-{chr(ord('a') + index)}" for index in range(len(faults))]
    opened = [partners.open(fault, seed=index) for index, fault in enumerate(faults)]
    tables = "".join(provider(name, partner, dialect) for name, partner in zip(names, opened, strict=True))
    listed = json.dumps([f"{name}/m" for name in names])
    return f"{tables}[aliases.{alias}]\npool = {listed}\n{more}\n", opened


class Knobs(NamedTuple):
    """A gateway with many aliases, each with a knob turned, and the partners of each."""

    house: House
    partners: Partners
    of: dict[str, list[Sparring]]

    def tell(self, alias: str, *faults: str) -> None:
        for partner, fault in zip(self.of[alias], faults, strict=True):
            self.partners.tell(partner, fault)

    def ask(self, alias: str, dialect: str = "chat", **more: Any) -> tuple[Said, Exchange]:
        said = self.house.ask(dialect, alias, **more)
        return said, self.house.exchange(said)

    @contextmanager
    def held(self, alias: str, headers: Mapping[str, str] | None = None) -> Iterator[None]:
        """While the alias's first endpoint has a request that it does not answer; its caller leaves then."""
        first = self.of[alias][0]
        self.partners.tell(first, "silent")
        before = len(first.requests)
        with asking(self.house, alias, headers):
            until(lambda: len(first.requests) > before)
            yield
            self.partners.tell(first, "ok")

    def in_line(self, threads: ThreadPoolExecutor, ask: Callable[[], T]) -> "Future[T]":
        """Ask in a thread, and wait until the gateway has the request."""
        before = self.in_flight()
        asked = threads.submit(ask)
        until(lambda: self.in_flight() > before)
        return asked

    def in_flight(self) -> float:
        """How many requests are being served."""
        (found,) = re.findall(rb"\nfreehold_in_flight (\S+)", self.house.get("/metrics").body)
        return float(found)


@contextmanager
def asking(
    running: House, alias: str, headers: Mapping[str, str] | None = None, *, stream: bool = False
) -> Iterator[http.client.HTTPConnection]:
    """A caller who has asked, and who leaves at the end of the block."""
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=PATIENCE_S)
    try:
        connection.request("POST", PATHS["chat"], question("chat", alias, stream=stream), dict(headers or {}))
        yield connection
    finally:
        connection.close()


ALIASES: dict[str, tuple[tuple[str, ...], str]] = {
    "hedged": (("ok", "ok"), "hedge = true"),
    "limited": (("ok", "ok"), ""),
    "line": (("slow-first-byte=0.15",), ""),
    "streaming": (("slow-drip=100ms", "ok"), ""),
    "learnt": (("ratelimit-headers=60/0/6m0s", "ok"), ""),
    "weighted": (("ok", "ok"), 'strategy = "weighted"\nweights = [9, 1]'),
    "cheapest": (("ok", "ok"), 'strategy = "cheapest"'),
    "fastest": (("slow-first-byte=1.0", "ok"), 'strategy = "fastest"'),
    "sticky": (("ok",) * 4, 'strategy = "weighted"\nweights = [1, 1, 1, 1]'),
    "passing": (("503",), ""),
    "plain": (("ok",), ""),
}
SETTINGS = "[hedging]\nshare_max = 1.0\n" + "".join(
    f'[limits."{alias}-a/m"]\nconcurrency = 1\n' for alias in ("limited", "line", "streaming")
)
PRICES = """\
[prices."cheapest-a/m"]
input = 3
output = 15
[prices."cheapest-b/m"]
input = 1
output = 5
"""


@pytest.fixture(scope="module")
def knobs(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knobs]:
    config, of = SETTINGS + PRICES, dict[str, list[Sparring]]()
    for alias, (faults, more) in ALIASES.items():
        tables, of[alias] = pool(partners, *faults, more=more, alias=alias)
        config += tables
    tables, of["once"] = pool(partners, "reset", "ok", dialect="messages", alias="once")
    with house(tmp_path_factory.mktemp("knobs"), config + tables) as running:
        yield Knobs(running, partners, of)


# Refusals.


REFUSALS = [
    ("chat", "refusal", "refusal"),
    ("chat", "400-policy", "moderation"),
    ("messages", "refusal", "refusal"),
    ("responses", "refusal", "refusal"),
    ("gemini", "refusal", "moderation"),
]


@pytest.fixture(scope="module")
def naming(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, House]]:
    """A gateway for each kind of refusal that policy names, and one where it names none."""
    pools, tables = dict[str, list[str]](), ""
    for dialect, fault, _ in REFUSALS:
        alias = f"{dialect}-{fault}"
        tables += provider(f"{alias}-a", partners.open(seed=0), dialect, fault=fault)
        tables += provider(f"{alias}-b", partners.open(seed=1), dialect)
        pools[alias] = [f"{alias}-a/m", f"{alias}-b/m"]
    for alias, dialect, faults in (
        ("all", "chat", ("refusal", "refusal")),
        ("cut", "chat", ("refusal+cut=0.7+slow-drip=10ms", "500")),
        ("acting", "messages", ("reset", "ok")),
    ):
        pools[alias] = [f"{alias}-{letter}/m" for letter in "ab"]
        for name, fault in zip(pools[alias], faults, strict=True):
            tables += provider(name.removesuffix("/m"), partners.open(), dialect, fault=fault)
    tables += "[retry]\nrounds = 0\n"
    with ExitStack() as stack:
        running = dict[str, House]()
        for named in ("", "refusal", "moderation"):
            policy = "[policy]\nrepeat_acting = true\n"
            policy += f"refused_elsewhere = {json.dumps([named] if named else [])}\n"
            config = policy + tables + aliases(**pools)
            running[named] = stack.enter_context(house(tmp_path_factory.mktemp("named"), config))
        yield running


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("dialect", "fault", "word"), REFUSALS)
def test_a_refused_prompt_goes_elsewhere_only_where_policy_names_the_kind(
    naming: dict[str, House], dialect: str, fault: str, word: str, stream: bool
) -> None:
    alias = f"{dialect}-{fault}"
    other = {"refusal": "moderation", "moderation": "refusal"}[word]
    said: dict[str, Said] = {}
    for named, running in naming.items():
        said[named] = running.ask(dialect, alias, stream=stream)
        exchange = running.exchange(said[named])
        assert word in [finding.kind for finding in exchange.findings], (named, exchange)
        if named == word:
            assert [attempt.outcome for attempt in exchange.attempts] == ["refused", "ok"]

    assert said[word].headers["x-freehold-refused"].startswith(f"{alias}-a/m refused ({word})")
    assert said[word].headers["x-freehold-endpoint"] == f"{alias}-b/m"
    for named in ("", other):
        assert "x-freehold-refused" not in said[named].headers
        assert said[named].headers["x-freehold-attempts"] == "1"


def test_where_everybody_refuses_the_first_refusal_is_the_answer(naming: dict[str, House]) -> None:
    said = naming["refusal"].ask("chat", "all")
    exchange = naming["refusal"].exchange(said)

    assert said.status == 200
    assert said.json()["choices"][0]["message"]["refusal"]
    assert exchange.endpoint == "all-a/m"
    assert exchange.outcome is Outcome.ANSWERED
    assert [finding.kind for finding in exchange.findings] == ["refusal", "refusal"]


def test_a_refused_stream_is_hung_up_on_when_its_caller_leaves(partners: Partners, tmp_path: Path) -> None:
    settings = '[policy]\nrefused_elsewhere = ["refusal"]\n[upstream]\nconnections_max = 1\n'
    settings += "[timeouts]\nconnect_s = 5\n"
    tables, of = pool(partners, "refusal", "silent")
    with house(tmp_path, settings + tables) as running:
        with asking(running, "m", stream=True):
            until(lambda: of[1].requests)
        partners.tell(of[1], "ok")
        said = running.ask("chat", "m", stream=True)
        left, asked = running.exchanges()

    assert left.outcome is Outcome.ABANDONED
    assert [finding.kind for finding in left.findings] == ["refusal"]
    assert [attempt.outcome for attempt in asked.attempts] == ["refused", "ok"]
    assert said.headers["x-freehold-endpoint"] == "m-b/m"


def test_a_refusal_that_is_the_answer_and_breaks_off_is_told_of_who_gave_it(naming: dict[str, House]) -> None:
    exchange = naming["refusal"].exchange(naming["refusal"].ask("chat", "cut", stream=True))

    assert exchange.endpoint == "cut-a/m"
    assert [(one.endpoint, one.outcome) for one in exchange.attempts] == [
        ("cut-a/m", "reset"),
        ("cut-b/m", "status"),
    ]


# Hedging.


def test_a_second_endpoint_is_asked_when_the_first_is_slow_to_begin(knobs: Knobs) -> None:
    for _ in range(25):  # enough to know how fast this pool is
        knobs.ask("hedged")
    knobs.tell("hedged", "silent", "ok")
    said, exchange = knobs.ask("hedged")

    assert said.headers["x-freehold-endpoint"] == "hedged-b/m"
    assert {(one.endpoint, one.outcome) for one in exchange.attempts} == {
        ("hedged-a/m", "hedged"),
        ("hedged-b/m", "ok"),
    }


# Limits.


def test_an_endpoint_at_its_limit_is_passed_over(knobs: Knobs) -> None:
    with knobs.held("limited"):
        assert knobs.ask("limited")[0].headers["x-freehold-endpoint"] == "limited-b/m"


def test_who_finds_all_at_their_limit_waits_in_line(knobs: Knobs) -> None:
    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(lambda _: knobs.ask("line")[0], range(4)))

    assert [one.status for one in said] == [200] * 4


def test_a_line_that_is_full_is_told_when_to_come_again(partners: Partners, tmp_path: Path) -> None:
    limit = '[limits."m-a/m"]\nrequests_per_minute = 1\n[queue]\nmax = 0\n'
    with house(tmp_path, limit + pool(partners, "ok")[0]) as running:
        said = [running.ask("chat", "m") for _ in range(2)]

    assert [one.status for one in said] == [200, 429]
    assert said[1].error()["code"] == "all_endpoints_busy"
    assert 1 <= int(said[1].headers["retry-after"]) <= 61


def test_a_stream_holds_its_place_until_its_last_byte(knobs: Knobs) -> None:
    with asking(knobs.house, "streaming", stream=True) as caller:
        slow = caller.getresponse()  # it has begun, and takes two seconds
        meanwhile, _ = knobs.ask("streaming")
        slow.read()
        after, _ = knobs.ask("streaming")

    answered = [slow.headers["x-freehold-endpoint"]]
    answered += [one.headers["x-freehold-endpoint"] for one in (meanwhile, after)]
    assert answered == ["streaming-a/m", "streaming-b/m", "streaming-a/m"]


def test_what_a_provider_says_of_its_limits_is_learnt(knobs: Knobs) -> None:
    said = [knobs.ask("learnt")[0] for _ in range(2)]
    exchange = knobs.house.exchange(said[1])

    assert [one.headers["x-freehold-endpoint"] for one in said] == ["learnt-a/m", "learnt-b/m"]
    assert [(one.endpoint, one.outcome) for one in exchange.attempts] == [
        ("learnt-a/m", "cooling"),
        ("learnt-b/m", "ok"),
    ]


# Applications with keys.


@pytest.fixture(scope="module")
def keyed(
    partners: Partners, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Knobs, dict[str, tuple[str, dict[str, str]]]]]:
    """A gateway with one place at its endpoint, and each application's key and header."""
    made: dict[str, tuple[str, dict[str, str]]] = {}

    def keys(store: KeyStore) -> None:
        for name in ("batch", "desk", "doomed"):
            key, secret = store.create(name)
            made[name] = key.id, {"authorization": f"Bearer {secret}"}

    limit = '[limits."m-a/m"]\nconcurrency = 1\n[queue]\nwait_s = 60\n[applications.desk]\npriority = 5\n'
    tables, of = pool(partners, "ok")
    with house(tmp_path_factory.mktemp("keyed"), limit + tables, keys=keys) as running:
        yield Knobs(running, partners, {"m": of}), made


def test_applications_wait_by_their_priority(
    keyed: tuple[Knobs, dict[str, tuple[str, dict[str, str]]]],
) -> None:
    knobs, made = keyed

    def ask(name: str) -> tuple[str, int]:
        said = knobs.house.post(PATHS["chat"], question("chat", "m"), made[name][1])
        assert said.status == 200, said.body
        exchange = knobs.house.exchange(said)
        return name, exchange.at_ms * 1_000 + exchange.attempts[-1].began_us

    with ThreadPoolExecutor() as threads:
        with knobs.held("m", made["batch"][1]):
            waiting = [knobs.in_line(threads, partial(ask, name)) for name in ("batch", "batch", "desk")]
        began = dict(one.result(PATIENCE_S) for one in waiting)

    assert began["desk"] < began["batch"], "it goes before who waited longer"


def test_a_key_that_is_revoked_while_its_request_waits_is_sent_nowhere(
    keyed: tuple[Knobs, dict[str, tuple[str, dict[str, str]]]],
) -> None:
    knobs, made = keyed
    key_id, header = made["doomed"]

    def ask() -> Said:
        return knobs.house.post(PATHS["chat"], question("chat", "m"), header)

    with ThreadPoolExecutor() as threads, knobs.held("m", made["batch"][1]):
        sent = len(knobs.of["m"][0].requests)
        waiting = knobs.in_line(threads, ask)
        KeyStore(knobs.house.state).revoke(key_id)
        until(lambda: knobs.house.get("/v1/models", header).status == 401)
    said = waiting.result()

    assert (said.status, said.error()["code"]) == (403, "no_eligible_endpoint")
    assert len(knobs.of["m"][0].requests) == sent


# Strategies.


def test_weights_are_kept_to(knobs: Knobs) -> None:
    answered = [knobs.ask("weighted")[0].headers["x-freehold-endpoint"] for _ in range(60)]

    assert answered.count("weighted-a/m") > answered.count("weighted-b/m")


def test_the_cheapest_is_asked_first(knobs: Knobs) -> None:
    assert knobs.ask("cheapest")[0].headers["x-freehold-endpoint"] == "cheapest-b/m"


def test_the_fastest_is_asked_first(knobs: Knobs) -> None:
    answered = [knobs.ask("fastest")[0].headers["x-freehold-endpoint"] for _ in range(6)]

    assert answered[2:] == ["fastest-b/m"] * 4, "both were measured once"


def test_a_conversation_stays_with_who_answered_it(knobs: Knobs) -> None:
    turns = [{"role": "user", "content": "Hello"}]
    first = knobs.ask("sticky", messages=turns)[0].headers["x-freehold-endpoint"]
    for word in ("one", "two", "three", "four", "five", "six"):
        turns = [*turns, {"role": "assistant", "content": "Hi."}, {"role": "user", "content": word}]
        assert knobs.ask("sticky", messages=turns)[0].headers["x-freehold-endpoint"] == first


# Deadlines and what may be repeated.


@pytest.fixture(scope="module")
def tired(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway that waits for a first token, but not for long."""
    config = "[timeouts]\nfirst_token_s = 1.5\n"
    for dialect in ("chat", "responses", "messages"):
        config += pool(partners, "stall=0.05", "ok", dialect=dialect, alias=dialect)[0]
    config += pool(partners, "cut=0.05", "ok", dialect="messages", alias="dies")[0]
    with house(tmp_path_factory.mktemp("tired"), config) as running:
        yield running


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
def test_a_stream_without_a_token_is_left_for_the_next_endpoint(tired: House, dialect: str) -> None:
    said = tired.ask(dialect, dialect, stream=True)

    assert said.headers["x-freehold-endpoint"] == f"{dialect}-b/m"
    assert [one.outcome for one in tired.exchange(said).attempts] == ["timeout_first_token", "ok"]


def test_a_stream_that_dies_before_its_first_token_is_survived(tired: House) -> None:
    said = tired.ask("messages", "dies", stream=True)

    assert said.text()
    assert said.headers["x-freehold-endpoint"] == "dies-b/m"
    assert [one.outcome for one in tired.exchange(said).attempts] == ["reset", "ok"]


def test_a_request_that_lets_the_provider_act_is_sent_once(knobs: Knobs, naming: dict[str, House]) -> None:
    acting: dict[str, Any] = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    once, kept = knobs.ask("once", "messages", **acting)
    again = naming[""].ask("messages", "acting", **acting)  # policy lets it be repeated there

    assert (once.status, [one.endpoint for one in kept.attempts]) == (502, ["once-a/m"])
    tried = [one.endpoint for one in naming[""].exchange(again).attempts]
    assert tried == ["acting-a/m", "acting-b/m"]


def test_a_failure_that_may_pass_is_tried_again_after_a_while(knobs: Knobs) -> None:
    said, exchange = knobs.ask("passing")

    assert said.status == 502
    assert [one.outcome for one in exchange.attempts] == ["status", "status"]


def test_aliases_without_knobs_are_as_before(knobs: Knobs) -> None:
    said, _ = knobs.ask("plain", stream=True)

    assert not {"trailer", "x-freehold-cache", "x-freehold-refused"} & set(said.headers)
