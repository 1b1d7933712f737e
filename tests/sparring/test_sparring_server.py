"""A partner as a server: how it is told what to do, what it remembers, and where its limits are."""

import asyncio
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from freehold.sparring.connection import BODY_BYTES_MAX, HEAD_BYTES_MAX
from freehold.sparring.server import Sparring

from .sparring_client import PROMPT, ask, words

CHAT = "/v1/chat/completions"
STREAM = {"model": "north", "messages": [PROMPT], "stream": True}
GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


async def reading(port: int, sent: bytes, size: int = 65_536) -> bytes:
    """Send bytes and return the first that come back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(size), 20)
    finally:
        writer.close()


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a counter tells nobody that it has changed
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("default", "model", "header", "status"),
    [
        ("ok", "m", None, 200),
        ("503", "m", None, 503),
        ("503", "m+404", None, 404),
        ("503", "404", None, 404),
        ("503", "ok", None, 200),
        ("503", "m+404", "401", 401),
        ("503", "m+404", "ok", 200),
    ],
)
async def test_the_header_wins_over_the_model_and_that_over_the_partner(
    default: str, model: str, header: str | None, status: int
) -> None:
    headers = {"x-sparring": header} if header else {}
    async with Sparring(fault=default) as partner:
        seen = await ask(partner.port, CHAT, {"model": model, "messages": [PROMPT]}, headers)

    assert seen.status == status
    assert status != 200 or seen.model() == model


async def test_a_fault_can_be_set_over_http_while_the_partner_runs(partner: Sparring) -> None:
    told = await ask(partner.port, "/sparring", {"fault": "500"})
    assert told.json()["fault"] == partner.fault == "500"
    assert (await ask(partner.port, CHAT, STREAM)).status == 500

    await ask(partner.port, "/sparring", {"fault": "ok"})
    assert (await ask(partner.port, CHAT, STREAM)).status == 200


@pytest.mark.parametrize(
    ("order", "headers", "status"),
    [
        ({"fault": "cutt"}, {}, 400),
        ({"fault": "cut", "rate": 2}, {}, 400),
        ({"falt": "cut"}, {}, 400),
        ({"fault": "cut"}, {"origin": "https://example.org"}, 403),
    ],
)
async def test_the_control_refuses_what_it_should(
    partner: Sparring, order: Any, headers: dict[str, str], status: int
) -> None:
    seen = await ask(partner.port, "/sparring", order, headers)

    assert (seen.status, partner.fault) == (status, "ok")


async def test_a_rate_makes_only_some_requests_fail_and_always_the_same() -> None:
    async def statuses() -> list[int]:
        async with Sparring(seed=7, fault="500") as partner:
            partner.rate = 0.5
            return [(await ask(partner.port, CHAT, STREAM)).status for _ in range(30)]

    first = await statuses()

    assert await statuses() == first
    assert 5 < first.count(500) < 25


async def test_down_resets_what_is_under_way_refuses_the_rest_and_can_come_back(partner: Sparring) -> None:
    port = partner.port
    under_way = asyncio.create_task(words(port, "chat", "slow-drip=50ms", stream=True))
    await until(lambda: partner.requests)

    partner.fault = "down"

    assert (await under_way).ending == "reset"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    partner.fault = "ok"
    assert (await words(port, "chat")).status == 200
    assert partner.hangups == 0


async def test_down_for_a_while_ends_by_itself(partner: Sparring) -> None:
    told = await ask(partner.port, "/sparring", {"fault": "down=500ms"})
    assert told.status == 200

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", partner.port)
    await until(lambda: partner.fault == "ok")
    assert (await words(partner.port, "chat")).status == 200


async def test_whoever_orders_down_keeps_a_connection_to_order_up(partner: Sparring) -> None:
    def order(fault: bytes) -> bytes:
        body = b'{"fault":"%b"}' % fault
        return b"POST /sparring HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)

    reader, writer = await asyncio.open_connection("127.0.0.1", partner.port)
    for fault in (b"down", b"ok"):
        writer.write(order(fault))
        assert b'"fault":"%b"' % fault in await reader.readuntil(b"}")
        assert partner.fault == fault.decode()
    assert (await words(partner.port, "chat")).status == 200
    writer.close()


async def test_a_partner_remembers_what_it_was_asked(partner: Sparring) -> None:
    await ask(partner.port, CHAT, STREAM, {"Authorization": "Bearer k"})

    (received,) = partner.requests
    assert (received.method, received.target, received.headers["authorization"]) == ("POST", CHAT, "Bearer k")
    assert b"Which way is north?" in received.body


@pytest.mark.parametrize("fault", ["slow-drip=50ms", "stall", "silent", "slow-first-byte=1s"])
async def test_a_client_that_leaves_midway_is_counted(partner: Sparring, fault: str) -> None:
    leaving = asyncio.create_task(words(partner.port, "chat", fault, stream=True))
    await until(lambda: partner.requests)
    leaving.cancel()
    await until(lambda: partner.connections == 0)

    assert partner.hangups == 1


async def test_a_client_that_leaves_after_a_whole_answer_is_not(partner: Sparring) -> None:
    await words(partner.port, "chat", stream=True)
    await until(lambda: partner.connections == 0)

    assert partner.hangups == 0


@pytest.mark.parametrize("chunks", [1, 7, 300])
async def test_a_header_says_how_many_pieces_and_how_far_apart(partner: Sparring, chunks: int) -> None:
    headers = {"x-sparring-chunks": str(chunks), "x-sparring-gap-ms": "1"}

    seen = await ask(partner.port, CHAT, STREAM, headers)

    deltas = [event["choices"][0]["delta"] for event in seen.parsed()]
    assert len([delta for delta in deltas if delta.get("content")]) == chunks
    assert seen.took_s > 0.9 * chunks / 1_000


async def test_a_connection_serves_one_request_after_another(partner: Sparring) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", partner.port)
    for _ in range(3):
        writer.write(GET)
        assert (await reader.readuntil(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200 OK\r\n")
    assert partner.connections == 1
    writer.write(GET.replace(b"host: x", b"connection: close"))
    assert (await reader.read()).endswith(b'{"status":"ok"}')
    writer.close()


async def test_an_offer_to_speak_another_protocol_is_not_taken_up(partner: Sparring) -> None:
    offer = GET.replace(b"host: x", b"host: x\r\nconnection: upgrade\r\nupgrade: h2c")

    assert (await reading(partner.port, offer)).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_stalled_answer_too_large_to_send_at_once_stays_stalled(partner: Sparring) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", partner.port, limit=1_024)
    body = b'{"model":"big-headers=9000000+stall","messages":[]}'
    writer.write(b"POST %b HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (CHAT.encode(), len(body), body))
    arrived = 0
    while arrived < 9_000_000:
        arrived += len(await asyncio.wait_for(reader.read(1 << 20), 20))

    with pytest.raises(TimeoutError):
        while await asyncio.wait_for(reader.read(1 << 20), 0.3):
            pass

    assert partner.connections == 1
    writer.close()


async def test_pipelined_requests_are_answered_in_order(partner: Sparring) -> None:
    models = GET.replace(b"/healthz", b"/v1/models")
    reader, writer = await asyncio.open_connection("127.0.0.1", partner.port)
    writer.write(models + GET + models + GET.replace(b"host: x", b"connection: close"))

    answers = (await reader.read()).split(b"HTTP/1.1 ")[1:]

    assert [b"status" in answer for answer in answers] == [False, True, False, True]
    writer.close()


async def test_a_body_is_waited_for_when_the_client_waits_too(partner: Sparring) -> None:
    head = b"POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"

    assert await reading(partner.port, head) == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 what is this\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nx: " + b"x" * HEAD_BYTES_MAX, 431),
        (b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1), 413),
    ],
    ids=["not HTTP", "head too long", "body too long"],
)
async def test_what_is_no_request_or_too_much_of_one_is_turned_away(
    partner: Sparring, sent: bytes, status: int
) -> None:
    assert (await reading(partner.port, sent)).startswith(b"HTTP/1.1 %d " % status)
    await until(lambda: partner.connections == 0)


async def test_a_large_body_is_taken_though_its_head_comes_in_two(partner: Sparring) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"%b"}]}' % (b"x" * 900_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", partner.port)
    writer.write(b"POST %b HTTP/1.1\r\ncontent-length: %d\r\n" % (CHAT.encode(), len(body)))
    await asyncio.sleep(0.01)
    writer.write(b"host: x\r\n\r\n" + body)

    assert (await reader.read(64)).startswith(b"HTTP/1.1 200 OK")
    writer.close()


async def test_a_client_that_does_not_read_is_waited_for(partner: Sparring) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", partner.port, limit=1_024)
    head = b"POST %b HTTP/1.1\r\nhost: x\r\nx-sparring: big-headers=9000000\r\nx-sparring-chunks: 900\r\n"
    body = b'{"model":"m","stream":true,"messages":[]}'
    writer.write(
        head % CHAT.encode() + b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    )
    await asyncio.sleep(0.05)

    answer = await reader.read()

    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n") and len(answer) > 9_000_000
    writer.close()


async def test_a_partner_speaks_tls_when_given_a_certificate() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)

    async with Sparring(ssl=server) as partner:
        reader, writer = await asyncio.open_connection("127.0.0.1", partner.port, ssl=client)
        writer.write(GET)
        assert (await reader.readuntil(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200 OK\r\n")
        assert partner.base_url == f"https://127.0.0.1:{partner.port}/v1"
        writer.close()


async def status_once_up(port: int) -> int:
    """The status of an answer, as soon as there is somebody who answers."""
    async with asyncio.timeout(20):
        while True:
            try:
                return (await words(port, "messages")).status
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)


@pytest.fixture
def served() -> Iterator[subprocess.Popen[str]]:
    program = "from freehold.sparring.server import run; run(seed=3, fault='refusal-words', name='beta')"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


async def test_run_prints_its_address_serves_and_stops_when_told(served: subprocess.Popen[str]) -> None:
    assert served.stdout is not None
    base_url = served.stdout.readline().strip()
    port = int(base_url.removesuffix("/v1").rpartition(":")[2])

    plain = await ask(port, CHAT, {"model": "m", "messages": [PROMPT]})
    resets = [
        (await words(port, "chat", fault, stream=True)).ending for fault in ("reset", "cut-reset", "cut")
    ]

    assert plain.text().startswith("I'm sorry") and plain.headers["server"] == "beta"
    assert resets == ["reset", "reset", "closed"]
    await ask(port, "/sparring", {"fault": "down=1s"})
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    assert await status_once_up(port) == 200
    served.send_signal(signal.SIGTERM)
    assert served.wait(30) == 0
