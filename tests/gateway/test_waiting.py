"""Retry-After, the breaker and the deadlines: when an endpoint is asked, and for how long it is waited for."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from freehold.sparring.server import Sparring
from freehold.vocabulary.exchange import Outcome
from tests.gateway.house import PATIENCE_S, House, Partners, Said, aliases, house, provider

DIALECTS = ("chat", "messages")
STREAMED = (False, True)


@pytest.fixture
def first(partners: Partners) -> Sparring:
    return partners.open(seed=4)


@pytest.fixture
def second(partners: Partners) -> Sparring:
    return partners.open(seed=5)


@contextmanager
def served(folder: Path, settings: str, first: Sparring, second: Sparring | None = None) -> Iterator[House]:
    """A gateway with the alias `m`: the first endpoint, and perhaps a second."""
    config = settings + "\n" + provider("first", first, *DIALECTS)
    pool = ["first/m"]
    if second is not None:
        config += provider("second", second, *DIALECTS)
        pool.append("second/m")
    with house(folder, config + aliases(m=pool)) as running:
        yield running


def tried(running: House, said: Said) -> list[tuple[str, str]]:
    return [(attempt.endpoint, attempt.outcome) for attempt in running.exchange(said).attempts]


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.005)


PAUSES = ("429=60", "503=60")


class Pausing(NamedTuple):
    """A gateway with one endpoint for each alias, or with a second in reserve; and the partner of the first."""

    house: House
    partners: dict[str, Sparring]


@pytest.fixture(scope="module")
def pausing(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pausing]:
    first = {fault: partners.open(fault, seed=1) for fault in PAUSES}
    first |= {f"short-{stream}": partners.open("429=1.5", seed=1) for stream in STREAMED}
    first |= {f"long-{dialect}": partners.open("429=60", seed=1) for dialect in DIALECTS}
    config = provider("second", partners.open(seed=2), *DIALECTS)
    config += "".join(provider(alias, partner, *DIALECTS) for alias, partner in first.items())
    pools = {alias: [f"{alias}/m", *["second/m"] * (alias in PAUSES)] for alias in first}
    with house(tmp_path_factory.mktemp("pausing"), config + aliases(**pools)) as running:
        yield Pausing(running, first)


@pytest.mark.parametrize("fault", PAUSES)
def test_an_endpoint_that_asked_for_a_pause_is_left_alone(pausing: Pausing, fault: str) -> None:
    running = pausing.house
    said = [running.ask("chat", fault, stream=stream) for stream in (False, True, False)]

    assert [answer.headers["x-freehold-endpoint"] for answer in said] == ["second/m"] * 3
    assert tried(running, said[0]) == [(f"{fault}/m", "status"), ("second/m", "ok")]
    for answer in said[1:]:
        assert tried(running, answer) == [(f"{fault}/m", "cooling"), ("second/m", "ok")]
        assert answer.headers["x-freehold-attempts"] == "1"
    assert len(pausing.partners[fault].requests) == 1


@pytest.mark.parametrize("stream", STREAMED)
def test_a_short_pause_of_the_only_endpoint_is_waited_for(
    partners: Partners, pausing: Pausing, stream: bool
) -> None:
    running, alias = pausing.house, f"short-{stream}"
    only = pausing.partners[alias]
    with ThreadPoolExecutor() as caller:
        asked = caller.submit(running.ask, "chat", alias, stream=stream)
        until(lambda: len(only.requests) == 1)
        partners.tell(only, "ok")
        said = asked.result(PATIENCE_S)

    assert (said.status, said.headers["x-freehold-attempts"]) == (200, "2")
    assert tried(running, said) == [(f"{alias}/m", "status"), (f"{alias}/m", "ok")]
    assert running.exchange(said).attempts[1].began_us >= 1_490_000
    assert len(only.requests) == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_long_pause_of_the_only_endpoint_is_told_to_the_caller(pausing: Pausing, dialect: str) -> None:
    running, alias = pausing.house, f"long-{dialect}"
    said = [running.ask(dialect, alias) for _ in range(2)]

    for answer in said:
        assert (answer.status, answer.error()["code"]) == (429, "all_endpoints_busy")
        assert answer.error()["type"] == "rate_limit_error"
        assert 45 <= int(answer.headers["retry-after"]) <= 61
        assert running.exchange(answer).outcome is Outcome.FAILED
    assert [tried(running, answer) for answer in said] == [
        [(f"{alias}/m", "status")],
        [(f"{alias}/m", "cooling")],
    ]
    assert len(pausing.partners[alias].requests) == 1


def test_an_endpoint_that_failed_too_often_is_left_alone_until_it_works_again(
    partners: Partners, first: Sparring, second: Sparring, tmp_path: Path
) -> None:
    partners.tell(first, "500")
    with served(
        tmp_path, "breaker = { failures = 2, open_s = 1.5, open_s_max = 1.5 }", first, second
    ) as running:
        said = [running.ask("chat", "m") for _ in range(4)]

        assert [answer.headers["x-freehold-endpoint"] for answer in said] == ["second/m"] * 4
        assert [answer.headers["x-freehold-attempts"] for answer in said] == ["2", "2", "1", "1"]
        assert tried(running, said[2]) == [("first/m", "breaker_open"), ("second/m", "ok")]
        assert len(first.requests) == 2
        until(
            lambda: running.ask("chat", "m").headers["x-freehold-attempts"] == "2"
        )  # a probe, and it failed
        assert tried(running, running.ask("chat", "m")) == [("first/m", "breaker_open"), ("second/m", "ok")]
        partners.tell(first, "ok")
        until(lambda: running.ask("chat", "m").headers["x-freehold-endpoint"] == "first/m")
        assert tried(running, running.ask("chat", "m")) == [("first/m", "ok")]


def test_alone_an_endpoint_that_failed_too_often_is_an_error_at_once(
    partners: Partners, first: Sparring, tmp_path: Path
) -> None:
    partners.tell(first, "500")
    settings = "breaker = { failures = 2, open_s = 60 }\nretry = { rounds = 0 }"
    with served(tmp_path, settings, first) as running:
        said = [running.ask("chat", "m") for _ in range(3)]

        assert [answer.status for answer in said] == [502] * 3
        assert [tried(running, answer)[0][1] for answer in said] == ["status", "status", "breaker_open"]
        assert said[2].error()["code"] == "all_endpoints_failed"
        assert 55 <= int(said[2].headers["retry-after"]) <= 61
    assert len(first.requests) == 2


@pytest.mark.parametrize("fault", ["429-bare", "400", "400-policy", "refusal"])
def test_what_shows_that_an_endpoint_is_alive_does_not_open_its_breaker(
    partners: Partners, first: Sparring, tmp_path: Path, fault: str
) -> None:
    partners.tell(first, fault)
    with served(tmp_path, "breaker = { failures = 1, open_s = 60, wait_s_max = 0.05 }", first) as running:
        for _ in range(3):
            running.ask("chat", "m")
    assert len(first.requests) == 3


def test_streams_that_break_off_open_the_breaker(
    partners: Partners, first: Sparring, second: Sparring, tmp_path: Path
) -> None:
    partners.tell(first, "cut+slow-drip=20ms")
    with served(tmp_path, "breaker = { failures = 2, open_s = 60 }", first, second) as running:
        said = [running.ask("messages", "m", stream=True) for _ in range(3)]

        ends = [(running.exchange(answer).endpoint, str(running.exchange(answer).outcome)) for answer in said]
        assert ends == [("first/m", "cut"), ("first/m", "cut"), ("second/m", "answered")]


@pytest.fixture
def deaf() -> Iterator[str]:
    """The base URL of a listener whose queue is full: connections to it are neither taken nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        queued = []
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
            queued.append(waiting)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        for waiting in queued:
            waiting.close()


# Who lets a gateway wait, and what that gateway soon tires of; of nothing else, as a busy machine is slow, too.
# An answer that is not streamed must be whole when its first byte is due.
LATE = {
    "silent": "first_byte_s = 0.4",
    "stall": "first_byte_s = 1.0, idle_s = 0.4",
    "slow-drip=100ms": "total_s = 1.2",
}


@pytest.fixture(scope="module")
def late(
    partners: Partners, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[House, Sparring]]]:
    """For each fault a gateway, and the partner that lets it wait."""
    with ExitStack() as opened:
        found = {}
        for fault, timeout in LATE.items():
            partner = partners.open(fault, seed=4)
            config = f"timeouts = {{ {timeout} }}\nbreaker.failures = 100\n"
            config += provider(fault, partner, *DIALECTS) + aliases(**{fault: [f"{fault}/m"]})
            found[fault] = opened.enter_context(house(tmp_path_factory.mktemp("late"), config)), partner
        yield found


@pytest.mark.parametrize("stream", STREAMED)
def test_the_deadline_for_a_connection_is_kept(
    deaf: str, first: Sparring, tmp_path: Path, stream: bool
) -> None:
    config = (
        "timeouts = { connect_s = 1.5, total_s = 25 }"
        + f'\n[providers.deaf]\nbase_url = "{deaf}"\ndialects = ["chat"]\n'
    )
    config += provider("first", first, "chat") + aliases(pair=["deaf/m", "first/m"], alone=["deaf/m"])
    with house(tmp_path, config) as running:
        survived, alone = (running.ask("chat", name, stream=stream) for name in ("pair", "alone"))

        assert tried(running, survived) == [("deaf/m", "timeout_connect"), ("first/m", "ok")]
        assert (alone.status, alone.error()["code"]) == (504, "deadline_exceeded")
        assert 1_490_000 <= running.exchange(alone).took_us < 20_000_000


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "stream", "outcome", "least_us"),
    [
        ("silent", False, "timeout_first_byte", 390_000),
        ("silent", True, "timeout_first_byte", 390_000),
        ("stall", False, "timeout_idle", 390_000),
        ("slow-drip=100ms", False, "timeout_total", 1_190_000),
    ],
)
def test_a_deadline_before_the_first_byte_is_kept_and_told(
    late: dict[str, tuple[House, Sparring]],
    *,
    dialect: str,
    fault: str,
    stream: bool,
    outcome: str,
    least_us: int,
) -> None:
    running, waiting = late[fault]
    hangups = waiting.hangups
    said = running.ask(dialect, fault, stream=stream)

    told = said.error()
    assert (said.status, told["code"], told["type"]) == (504, "deadline_exceeded", "timeout_error")
    assert tried(running, said) == [(f"{fault}/m", outcome)]
    assert least_us <= running.exchange(said).took_us < least_us + 10_000_000
    until(lambda: waiting.hangups == hangups + 1)  # nobody pays for words nobody reads


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "outcome", "least_us"),
    [("stall", "timeout_idle", 390_000), ("slow-drip=100ms", "timeout_total", 1_190_000)],
)
def test_a_deadline_within_a_stream_is_kept_and_told(
    late: dict[str, tuple[House, Sparring]], *, dialect: str, fault: str, outcome: str, least_us: int
) -> None:
    running, waiting = late[fault]
    hangups = waiting.hangups
    said = running.ask(dialect, fault, stream=True)

    assert (said.status, said.whole, said.error()["code"]) == (200, True, "answer_cut")
    assert tried(running, said) == [(f"{fault}/m", outcome)]
    assert running.exchange(said).outcome is Outcome.CUT
    assert least_us <= running.exchange(said).took_us < least_us + 10_000_000
    until(lambda: waiting.hangups == hangups + 1)


def test_the_total_deadline_is_for_all_attempts_together(
    partners: Partners, first: Sparring, second: Sparring, tmp_path: Path
) -> None:
    partners.tell(first, "silent")
    partners.tell(second, "silent")
    with served(tmp_path, "timeouts = { first_byte_s = 1.0, total_s = 1.8 }", first, second) as running:
        said = running.ask("chat", "m")

        assert (said.status, said.error()["code"]) == (504, "deadline_exceeded")
        assert tried(running, said) == [("first/m", "timeout_first_byte"), ("second/m", "timeout_total")]
        assert 1_790_000 <= running.exchange(said).took_us < 20_000_000
