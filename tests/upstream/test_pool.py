"""Connections kept, found dead, waited for, swept and hung up, against real sockets."""

import asyncio
import socket
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from freehold.config.schema import Timeouts, Upstream
from freehold.upstream.connect import Origin, connect
from freehold.upstream.connection import Connection
from freehold.upstream.pool import Pool
from freehold.vocabulary.errors import Fault, UpstreamFailed
from tests.upstream.outside import (
    CHUNKED,
    HELLO,
    Provider,
    Wire,
    ask,
    door_to,
    eventually,
    failure,
    provider,
    saying,
    send,
)


def pool_to(served: Provider, *, connections_max: int = 2) -> Pool:
    origin = Origin("127.0.0.1", served.port, None, None)
    return Pool(
        partial(connect, origin, head_bytes_max=65_536, connect_s=20),
        connections_max=connections_max,
        idle_s=60,
        clock=time.monotonic,
    )


async def test_requests_one_after_another_share_a_connection() -> None:
    async with provider(saying(HELLO)) as served, door_to(served.url()) as door:
        answers = [await ask(door, b'{"n":%d}' % number) for number in range(5)]

    assert answers == [b"hello"] * 5
    assert len(served.wires) == 1
    assert [request.partition(b"\r\n\r\n")[2] for request in served.requests] == [
        b'{"n":%d}' % number for number in range(5)
    ]


async def test_requests_at_the_same_time_each_have_a_connection_and_leave_it_to_later_ones() -> None:
    async with provider(saying(HELLO)) as served, door_to(served.url()) as door:
        first = await asyncio.gather(*(ask(door) for _ in range(8)))
        second = await asyncio.gather(*(ask(door) for _ in range(8)))

    assert first == second == [b"hello"] * 8
    assert len(served.wires) == 8


async def test_a_large_request_arrives_whole_and_its_head_is_as_it_should_be() -> None:
    body = b'{"a":"' + b"x" * 3_000_000 + b'"}'
    async with provider(saying(HELLO)) as served, door_to(served.url()) as door:
        await ask(door, body)

    head, _, arrived = served.requests[0].partition(b"\r\n\r\n")
    assert arrived == body
    assert head.split(b"\r\n") == [
        b"POST /v1/chat/completions HTTP/1.1",
        b"host: 127.0.0.1:%d" % served.port,
        b"authorization: Bearer k",
        b"content-type: application/json",
        b"accept-encoding: identity",
        b"user-agent: freehold",
        b"content-length: %d" % len(body),
    ]


async def test_a_connection_whose_request_is_still_on_its_way_is_not_used_again() -> None:
    """Some answer before they have read it all; the next request would wait behind the rest of this one."""
    wires = 0

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal wires
        wires += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HELLO)
        await asyncio.sleep(5)

    server = await asyncio.start_server(hasty, "127.0.0.1", 0, limit=1_024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with door_to(url) as door:
        answers = [await ask(door, b"x" * 20_000_000), await ask(door)]
    server.close()

    assert (answers, wires) == ([b"hello", b"hello"], 2)


class Fickle:
    """A provider in a thread of its own, which closes after each answer as `goodbye` says."""

    def __init__(self, goodbye: bytes | None) -> None:
        self.requests: list[list[bytes]] = []  # of each connection
        self._goodbye = goodbye  # said after the answer; None: reset
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            received: list[bytes] = []
            self.requests.append(received)
            received.append(accepted.recv(65_536))
            accepted.sendall(HELLO)
            time.sleep(0.03)
            if self._goodbye is None:
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            else:
                with suppress(OSError):  # the other side may be gone already
                    accepted.sendall(self._goodbye)
                    accepted.shutdown(socket.SHUT_WR)
                accepted.settimeout(2)
                threading.Thread(target=self._drain, args=(accepted, received), daemon=True).start()
                self.closed.set()
                continue
            accepted.close()
            self.closed.set()

    def _drain(self, accepted: socket.socket, received: list[bytes]) -> None:
        with accepted:
            try:
                while data := accepted.recv(65_536):
                    received.append(data)
            except OSError:
                return

    def stop(self) -> None:
        self._listening.close()


@pytest.mark.parametrize("notices", [True, False], ids=["the loop has noticed", "the loop was busy"])
@pytest.mark.parametrize(
    "goodbye",
    [b"", None, b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"],
    ids=["closed", "reset", "a word of goodbye"],
)
async def test_a_kept_connection_that_died_is_found_before_a_byte_is_sent(
    goodbye: bytes | None, notices: bool
) -> None:
    fickle = Fickle(goodbye)
    try:
        async with door_to(f"http://127.0.0.1:{fickle.port}/v1") as door:
            first = await ask(door)
            if notices:
                await asyncio.to_thread(fickle.closed.wait, 2)
                await asyncio.sleep(0.02)
            else:
                fickle.closed.wait(2)  # the loop stands still meanwhile, and cannot hear of it
                time.sleep(0.02)  # noqa: ASYNC251 - as above
            second = await ask(door)
    finally:
        fickle.stop()

    assert (first, second) == (b"hello", b"hello")
    assert [len(received) for received in fickle.requests] == [1, 1]


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "the provider closed the connection before it answered"),
        (b"HTTP/1.1 20", "the provider closed the connection before it answered"),
        (HELLO[:-2], "the provider closed the connection in the middle of its answer"),
    ],
    ids=["nothing said", "half a head", "half a body"],
)
async def test_what_dies_after_the_request_was_sent_is_not_sent_again(
    said: bytes, words: str, how: str, kept: bool
) -> None:
    async def play(wire: Wire) -> None:
        if kept:
            await wire.request()
            await wire.say(HELLO)
        await wire.request()
        await wire.say(said)
        if how == "reset":
            await asyncio.sleep(0.02)  # a reset may overtake what was said just before
            wire.writer.transport.abort()

    async with provider(play) as served, door_to(served.url()) as door:
        if kept:
            assert await ask(door) == b"hello"
        got = await failure(ask(door))
        await asyncio.sleep(0.05)

    assert got == (Fault.RESET, words)
    assert len(served.requests) == 1 + kept
    assert len(served.wires) == 1


async def hung_up_on(served: Provider, asking: "asyncio.Task[bytes]") -> None:
    """Cancel, and see the provider notice."""
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert asking.cancelled()
    await eventually(served.wires[0].closed.is_set)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "piecewise"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200", CHUNKED, CHUNKED + b"5\r\nhello\r\n"])
async def test_giving_up_hangs_up_on_the_provider_at_once(said: bytes, whole: bool) -> None:
    async def play(wire: Wire) -> None:
        await wire.request()
        await wire.say(said)
        await wire.until_hung_up()

    async with provider(play) as served, door_to(served.url()) as door:

        async def read() -> bytes:
            incoming = await send(door, whole=whole)
            try:
                return await incoming.whole()
            finally:
                incoming.close()

        asking = asyncio.create_task(read())
        await eventually(lambda: len(served.requests) == 1)
        await asyncio.sleep(0.03)
        await hung_up_on(served, asking)


async def test_an_answer_closed_half_way_hangs_up_and_one_closed_at_its_end_does_not() -> None:
    async def play(wire: Wire) -> None:
        await wire.request()
        await wire.say(HELLO)
        await wire.request()
        await wire.say(CHUNKED + b"5\r\nhello\r\n")
        await wire.until_hung_up()

    async with provider(play) as served, door_to(served.url()) as door:
        first = await send(door)
        assert await first.whole() == b"hello"
        first.close()
        second = await send(door, whole=False)
        assert await second.piece() == b"hello"
        second.close()
        await eventually(served.wires[0].closed.is_set)

    assert len(served.wires) == 1


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True], ids=["head awaited", "whole awaited"])
async def test_a_provider_that_talks_faster_than_its_reader_is_left_waiting(whole: bool) -> None:
    size, sent = 200_000_000, 0

    def talk(listening: socket.socket) -> None:
        nonlocal sent
        accepted, _ = listening.accept()
        with accepted:
            accepted.recv(65_536)
            accepted.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            piece = b"a" * 1_000_000
            while sent < size:
                accepted.sendall(piece)
                sent += len(piece)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=talk, args=(listening,), daemon=True)
        thread.start()
        async with door_to(f"http://127.0.0.1:{listening.getsockname()[1]}/v1") as door:
            before = resident_bytes()
            incoming = await send(door, whole=whole)
            await asyncio.sleep(0.3)  # nobody reads
            sent_unread, grown = sent, resident_bytes() - before
            largest = received = 0
            while piece := await incoming.piece():
                received += len(piece)
                largest = max(largest, len(piece))
                grown = max(grown, resident_bytes() - before)
        thread.join()

    print(f"sent unread {sent_unread:,}, largest piece {largest:,}, resident memory grew by {grown:,} bytes")
    assert received == size
    assert sent_unread < 64_000_000  # what the kernel holds for both sides, and one buffer of ours
    assert largest < 1 << 20
    assert grown < 16 << 20


async def test_who_finds_every_connection_in_use_waits_in_line() -> None:
    order: list[int] = []

    async with (
        provider(saying(HELLO)) as served,
        door_to(served.url(), upstream=Upstream(connections_max=2)) as door,
    ):

        async def numbered(number: int) -> None:
            await ask(door)
            order.append(number)

        await asyncio.gather(*(numbered(number) for number in range(20)))

    assert len(served.wires) == 2
    assert sorted(order) == list(range(20))
    assert len(served.requests) == 20


async def test_who_waits_in_line_for_too_long_is_told_which_knob_it_was() -> None:
    async def play(wire: Wire) -> None:
        await wire.request()
        await wire.until_hung_up()

    settings = Upstream(connections_max=1)
    async with (
        provider(play) as served,
        door_to(served.url(), upstream=settings, timeouts=Timeouts(connect_s=0.5)) as door,
    ):
        hanging = asyncio.create_task(ask(door))
        await eventually(lambda: len(served.requests) == 1)
        got = await failure(ask(door))
        hanging.cancel()

    assert got == (Fault.TIMEOUT_CONNECT, "all 1 connections were in use (`upstream.connections_max`)")
    assert len(served.requests) == 1


async def test_who_leaves_the_line_hands_the_turn_on() -> None:
    async with provider(saying(HELLO)) as served:
        pool = pool_to(served, connections_max=1)
        held = await pool.acquire(time.monotonic() + 20)
        leaves = asyncio.create_task(pool.acquire(time.monotonic() + 20))
        stays = asyncio.create_task(pool.acquire(time.monotonic() + 20))
        await asyncio.sleep(0.01)
        pool.release(held)  # the turn is now that of the first in line ...
        leaves.cancel()  # ... who is not there any more
        async with asyncio.timeout(20):
            got = await stays
        pool.release(got)
        pool.close()

    assert leaves.cancelled()


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_turn_that_comes_as_the_patience_ends_is_not_lost() -> None:
    async with provider(saying(HELLO)) as served:
        pool = pool_to(served, connections_max=1)
        held = await pool.acquire(time.monotonic() + 20)
        impatient = asyncio.create_task(pool.acquire(time.monotonic() + 0.05))
        patient = asyncio.create_task(pool.acquire(time.monotonic() + 20))
        await asyncio.sleep(0.01)
        time.sleep(0.06)  # noqa: ASYNC251 - the loop stands still until the first in line gives up
        await asyncio.sleep(0)
        pool.release(held)  # in the same turn of the loop in which its alarm goes off
        async with asyncio.timeout(20):
            for waiting in (impatient, patient):
                try:
                    pool.release(await waiting)
                except UpstreamFailed as failed:
                    assert failed.fault is Fault.TIMEOUT_CONNECT
        pool.close()


async def test_a_connection_that_cannot_be_opened_hands_its_place_on() -> None:
    opened = 0

    async def refused_once() -> Connection:
        nonlocal opened
        opened += 1
        if opened == 1:
            await asyncio.sleep(0.02)
            raise UpstreamFailed(Fault.CONNECT, "refused")
        return await connect(
            Origin("127.0.0.1", served.port, None, None), head_bytes_max=65_536, connect_s=20
        )

    async with provider(saying(HELLO)) as served:
        pool = Pool(refused_once, connections_max=1, idle_s=60, clock=time.monotonic)
        first = asyncio.create_task(pool.acquire(time.monotonic() + 20))
        second = asyncio.create_task(pool.acquire(time.monotonic() + 20))
        got = await failure(first)
        async with asyncio.timeout(20):
            connection = await second
        pool.release(connection)
        pool.close()

    assert got == (Fault.CONNECT, "refused")


async def test_idle_connections_are_swept_and_the_busy_one_is_not() -> None:
    async def play(wire: Wire) -> None:
        body = (await wire.request()).partition(b"\r\n\r\n")[2]
        await wire.say(HELLO if body == b"{}" else HELLO[:-1])
        await wire.until_hung_up()

    async with provider(play) as served, door_to(served.url(), upstream=Upstream(idle_s=1.5)) as door:
        slow = await send(door, b"{ }", whole=False)
        await asyncio.gather(ask(door), ask(door))
        door.sweep()
        await asyncio.sleep(0.02)
        young = [wire.closed.is_set() for wire in served.wires]
        await asyncio.sleep(1.5)
        door.sweep()
        await eventually(lambda: sum(wire.closed.is_set() for wire in served.wires) == 2)
        old = [wire.closed.is_set() for wire in served.wires]
        slow.close()

    assert young == [False, False, False]
    assert old.count(False) == 1


async def test_small_packets_are_not_held_back() -> None:
    async with provider(saying(HELLO)) as served:
        pool = pool_to(served)
        connection = await pool.acquire(time.monotonic() + 20)
        no_delay = connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        pool.release(connection)
        pool.close()

    assert no_delay


DEADLINES = [
    (b"", Timeouts(first_byte_s=0.4), 20.0, (Fault.TIMEOUT_FIRST_BYTE, "`timeouts.first_byte_s`")),
    (b"", Timeouts(), 0.4, (Fault.TIMEOUT_TOTAL, "`timeouts.total_s`")),
    (HELLO[:-1], Timeouts(idle_s=0.4), 20.0, (Fault.TIMEOUT_IDLE, "`timeouts.idle_s`")),
    (HELLO[:-1], Timeouts(), 0.4, (Fault.TIMEOUT_TOTAL, "`timeouts.total_s`")),
]


@pytest.mark.parametrize(("said", "timeouts", "deadline_s", "fails"), DEADLINES)
async def test_each_deadline_is_told_by_name_and_hangs_up(
    said: bytes, timeouts: Timeouts, deadline_s: float, fails: tuple[Fault, str]
) -> None:
    async def play(wire: Wire) -> None:
        await wire.request()
        await wire.say(said)
        await wire.until_hung_up()

    async with provider(play) as served, door_to(served.url(), timeouts=timeouts) as door:
        fault, message = await failure(ask(door, whole=False, deadline_s=deadline_s))
        await eventually(served.wires[0].closed.is_set)

    assert fault is fails[0]
    assert fails[1] in message


async def test_an_answer_that_keeps_moving_is_not_idle() -> None:
    async def play(wire: Wire) -> None:
        for _ in range(2):
            await wire.request()
            await wire.say(CHUNKED)
            for _ in range(8):
                await asyncio.sleep(0.25)
                await wire.say(b"1\r\na\r\n")
            await wire.say(b"0\r\n\r\n")

    timeouts = Timeouts(first_byte_s=1.8, idle_s=1.8)
    async with provider(play) as served, door_to(served.url(), timeouts=timeouts) as door:
        assert await ask(door, whole=False) == b"a" * 8
        assert await ask(door, whole=True) == b"a" * 8
