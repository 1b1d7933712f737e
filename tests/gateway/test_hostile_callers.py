"""Callers who mean harm: what they can make the gateway keep, repeat or wait for."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.vocabulary.exchange import Outcome
from tests.gateway.house import Partners, aliases, provider, question
from tests.gateway.process import Gateway, ask, caller, eventually, gateway, request

# A stream nobody reads is over at total_s, well before the connection is: its clock looks once a second.
LIMITS = "[server]\nhead_bytes_max = 8192\nkeep_alive_s = 6.0\n[timeouts]\ntotal_s = 3.0\n"
HEALTH = request(path="/healthz", method="GET")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, partners: Partners) -> Iterator[Gateway]:
    partner, endless = partners.open(), partners.open(chunks=40_000)
    config = LIMITS + provider("p", partner, "chat") + provider("endless", endless, "chat")
    config += aliases(m=["p/m"], endless=["endless/m"], slow=["p/slow-drip=100ms"])
    with gateway(tmp_path_factory.mktemp("hostile"), config) as running:
        yield running
        assert "Traceback" not in running.errors.read_text()


def memory_mib(running: Gateway) -> int:
    lines = Path(f"/proc/{running.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmRSS"))


async def test_who_asks_for_a_tunnel_is_told_that_this_is_no_proxy(house: Gateway) -> None:
    heard = await ask(house.port, b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n")

    assert (heard.status, heard.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("begin", "more"), [(b"", b"x: %b\r\n" % (b"y" * 26)), (b"x: ", b"y" * 32)], ids=["many", "one"]
)
async def test_trailers_without_end_are_refused(house: Gateway, begin: bytes, more: bytes) -> None:
    before = memory_mib(house)
    async with caller(house.port) as calling:
        head = request().replace(b"content-length: 0", b"transfer-encoding: chunked")
        await calling.say(head + b"0\r\n" + begin)
        for _ in range(1_000):
            await calling.say(more * 1_000)
        heard = await calling.hear()

    assert (heard.status, heard.json()["error"]["code"]) == (431, "headers_too_large")
    assert memory_mib(house) - before < 20


async def test_who_expects_to_go_on_and_is_refused_may_not_go_on_with_another_request(house: Gateway) -> None:
    headers = ["expect: 100-continue", "content-encoding: gzip"]
    async with caller(house.port) as calling:
        await calling.say(request(headers=headers).replace(b"length: 0", b"length: 60"))
        heard = await calling.hear()
        assert (heard.status, heard.headers.get("connection")) == (400, "close")
        assert await calling.hung_up()


async def test_a_refusal_of_a_whole_request_keeps_the_connection(house: Gateway) -> None:
    async with caller(house.port) as calling:
        await calling.say(request(question("chat", "nobody")))
        assert (await calling.hear()).status == 404
        await calling.say(HEALTH)
        assert (await calling.hear("GET")).status == 200


async def test_requests_are_not_taken_in_faster_than_they_are_answered(house: Gateway) -> None:
    asked = request(question("chat", "m"))
    async with caller(house.port) as calling:
        calling.writer.write(request(question("chat", "slow", stream=True)))
        for _ in range(3_000):
            calling.writer.write(asked)
        statuses = [(await calling.hear()).status for _ in range(300)]

    assert set(statuses) == {200}


async def test_nonsense_during_an_answer_does_not_end_up_in_it(house: Gateway) -> None:
    async with caller(house.port) as calling:
        await calling.say(request(question("chat", "slow", stream=True)))
        await calling.reader.readuntil(b"data: ")
        await calling.say(b"nonsense\r\n\r\n")
        try:
            left = await calling.reader.read()
        except ConnectionError:
            left = b""

    assert b"HTTP/1.1 400" not in left


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_who_reads_nothing_is_hung_up_on(house: Gateway, stream: bool) -> None:
    recorded = len(house.exchanges())
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect(("127.0.0.1", house.port))
        deaf.sendall(request(question("chat", "endless", stream=stream)))
        mine = deaf.getsockname()[1]
        await eventually(lambda: len(house.exchanges()) > recorded)
        await eventually(lambda: not held(house.port, mine))

    ends = {True: Outcome.CUT, False: Outcome.ANSWERED}
    assert house.exchanges()[-1].outcome is ends[stream]


def held(port: int, peer: int) -> bool:
    """Whether the gateway's side of a connection is still there."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = (f":{port:04X}", f":{peer:04X}")
    return any(one[1].endswith(ends[0]) and one[2].endswith(ends[1]) and one[3] == "01" for one in lines)
