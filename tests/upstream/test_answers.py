"""Answers as providers frame them, lawfully or not; each read in one go and piece by piece."""

import gzip
import tracemalloc
import zlib

import pytest

from freehold.config.schema import Timeouts, Upstream
from freehold.vocabulary.errors import Fault
from tests.upstream.outside import CHUNKED, HELLO, Wire, ask, door_to, failure, pieces, provider, saying, send

WHOLE = pytest.mark.parametrize("whole", [True, False], ids=["whole", "piecewise"])
QUICK = Timeouts(first_byte_s=0.8, idle_s=0.8)

LAWFUL = {
    "content-length": ([HELLO], "wait", 1),
    "content-length in bytes": ([HELLO[i : i + 1] for i in range(len(HELLO))], "wait", 1),
    "chunked": ([CHUNKED, b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n"], "wait", 1),
    "chunked, with an extension and a trailer": (
        [CHUNKED + b"5;a=b\r\nhello\r\n0\r\nx-checksum: 1\r\n\r\n"],
        "wait",
        1,
    ),
    "until the connection closes": ([b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"], "close", 2),
    "HTTP/1.0 until the connection closes": ([b"HTTP/1.0 200 OK\r\n\r\nhello"], "close", 2),
    "HTTP/1.0 with a length": ([b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello"], "wait", 2),
    "connection: close": (
        [b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"],
        "wait",
        2,
    ),
    "after a 103": ([b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", HELLO], "wait", 1),
}


@WHOLE
@pytest.mark.parametrize(("said", "then", "connections"), LAWFUL.values(), ids=LAWFUL)
async def test_every_lawful_framing_is_read_and_its_connection_used_again_where_that_is_allowed(
    said: list[bytes], then: str, connections: int, whole: bool
) -> None:
    async with provider(saying(*said, then=then)) as served, door_to(served.url()) as door:
        answers = [await ask(door, whole=whole), await ask(door, whole=whole)]

    assert answers == [b"hello", b"hello"]
    assert len(served.wires) == connections


CLOSED_MIDWAY = "the provider closed the connection in the middle of its answer"
STOOD_STILL = "the answer stood still for longer than `timeouts.idle_s`"
LIES = {
    "a length that is too long, then closed": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        "close",
        (Fault.RESET, CLOSED_MIDWAY),
    ),
    "a length that is too long, then silence": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        "wait",
        (Fault.TIMEOUT_IDLE, STOOD_STILL),
    ),
    "chunks without an end, then closed": (
        CHUNKED + b"5\r\nhello\r\n",
        "close",
        (Fault.RESET, CLOSED_MIDWAY),
    ),
    "chunks without an end, then silence": (
        CHUNKED + b"5\r\nhello\r\n",
        "wait",
        (Fault.TIMEOUT_IDLE, STOOD_STILL),
    ),
    "a head, then silence": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
        "wait",
        (Fault.TIMEOUT_FIRST_BYTE, "no answer began within `timeouts.first_byte_s`"),
    ),
    "a reset in the middle": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        "reset",
        (Fault.RESET, CLOSED_MIDWAY),
    ),
    "half a head, then closed": (
        b"HTTP/1.1 200 OK\r\ncont",
        "close",
        (Fault.RESET, "the provider closed the connection before it answered"),
    ),
    "half a head, then silence": (
        b"HTTP/1.1 200 OK\r\ncont",
        "wait",
        (Fault.TIMEOUT_FIRST_BYTE, "no answer began within `timeouts.first_byte_s`"),
    ),
}


@WHOLE
@pytest.mark.parametrize(("said", "then", "fails"), LIES.values(), ids=LIES)
async def test_an_answer_that_does_not_end_as_it_announced_is_a_failure(
    said: bytes, then: str, fails: tuple[Fault, str], whole: bool
) -> None:
    async with (
        provider(saying(said, then=then), saying(HELLO)) as served,
        door_to(served.url(), timeouts=QUICK) as door,
    ):
        got = await failure(ask(door, whole=whole))
        if said.endswith(b"9\r\n\r\n") and whole:
            fails = (Fault.TIMEOUT_IDLE, STOOD_STILL)  # the head was in time
        afterwards = await ask(door, whole=whole)

    assert got == fails
    assert (afterwards, len(served.wires)) == (b"hello", 2)


@WHOLE
async def test_what_comes_after_the_announced_length_is_nobodys_answer(whole: bool) -> None:
    liar = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello, world")
    async with provider(liar, saying(HELLO)) as served, door_to(served.url()) as door:
        answers = [await ask(door, whole=whole), await ask(door, whole=whole)]

    assert answers == [b"hello", b"hello"]
    assert len(served.wires) == 2


GARBAGE = {
    "not HTTP": b"220 mail.example.org ESMTP\r\n",
    "HTTP/2": b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "a length that is no number": b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello",
    "a negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
    "a length beside chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\n",
    "a chunk size that is no number": CHUNKED + b"five\r\nhello\r\n",
    "a head with a NUL": b"HTTP/1.1 200 OK\r\nx: \x00\r\n\r\n",
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
async def test_bytes_that_are_no_answer_are_garbage(said: bytes) -> None:
    async with provider(saying(said)) as served, door_to(served.url(), timeouts=QUICK) as door:
        fault, message = await failure(ask(door))

    assert fault is Fault.GARBAGE
    assert message.startswith("not an HTTP/1.1 answer: ")


def bomb(kind: str) -> bytes:
    """Two megabytes of it."""
    return {
        "one huge header": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 2_000_000,
        "many headers": b"HTTP/1.1 200 OK\r\n" + b"x-header: and its value\r\n" * 80_000,
        "a huge reason": b"HTTP/1.1 200 " + b"O" * 2_000_000,
        "many interim answers": b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * 60_000,
        "whole, in one packet": b"HTTP/1.1 200 OK\r\n"
        + b"x: y\r\n" * 400
        + b"content-length: 5\r\n\r\nhello",
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["one huge header", "many headers", "a huge reason", "many interim answers", "whole, in one packet"],
)
async def test_a_head_over_the_limit_is_not_read_to_its_end(kind: str) -> None:
    limit = Upstream(head_bytes_max=1_024)
    async with provider(saying(bomb(kind))) as served, door_to(served.url(), upstream=limit) as door:
        fault, message = await failure(ask(door))

    assert fault is Fault.GARBAGE
    assert message.removeprefix("not an HTTP/1.1 answer: ") in (
        "the answer's head is over 1024 bytes",
        "the head is over 1024 bytes",
    )


async def test_trailers_over_the_limit_are_not_gathered() -> None:
    async def play(wire: Wire) -> None:
        await wire.request()
        await wire.say(CHUNKED + b"5\r\nhello\r\n0\r\nx: ")
        for _ in range(200):
            await wire.say(b"a" * 100_000)
        await wire.say(b"\r\n\r\n")

    async with provider(play) as served, door_to(served.url()) as door:
        incoming = await send(door, whole=False)
        tracemalloc.start()
        try:
            fault, _ = await failure(last_of(incoming))
            most_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert fault is Fault.GARBAGE
    assert most_bytes < 4 << 20


async def last_of(incoming: object) -> bytes:
    last = b""
    async for piece in pieces(incoming):  # type: ignore[arg-type]
        last = piece
    return last


TOO_MUCH = {
    "announced": b"HTTP/1.1 200 OK\r\ncontent-length: 400000\r\n\r\n" + b"a" * 400_000,
    "announced, a little": b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + b"a" * 2_000,
    "announced, and not yet there": b"HTTP/1.1 200 OK\r\ncontent-length: 400000\r\n\r\n" + b"a" * 2_000,
    "chunked": CHUNKED + (b"3e8\r\n" + b"a" * 1_000 + b"\r\n") * 400,
    "until the connection closes": b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 400_000,
    "compressed": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
    % len(gzip.compress(b"a" * 400_000, mtime=0))
    + gzip.compress(b"a" * 400_000, mtime=0),
}


@pytest.mark.parametrize("said", TOO_MUCH.values(), ids=TOO_MUCH)
async def test_an_answer_over_the_limit_is_hung_up_on(said: bytes) -> None:
    limit = Upstream(answer_bytes_max=1_024)
    async with (
        provider(saying(said)) as served,
        door_to(served.url(), upstream=limit) as door,
    ):
        fault, message = await failure(ask(door))

    assert fault in (Fault.TOO_LARGE, Fault.GARBAGE)
    assert message in (
        "the answer is over `upstream.answer_bytes_max`",
        "a compressed piece grows beyond 1024 bytes",
    )


def coded(coding: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n%b" % (
        coding,
        len(body),
        body,
    )


CODINGS = {
    "gzip": coded(b"gzip", gzip.compress(b"hello")),
    "GZIP": coded(b"GZIP", gzip.compress(b"hello")),
    "x-gzip": coded(b"x-gzip", gzip.compress(b"hello")),
    "deflate": coded(b"deflate", zlib.compress(b"hello")),
    "identity": coded(b"identity", b"hello"),
    "gzip in two members": coded(b"gzip", gzip.compress(b"hel") + gzip.compress(b"lo")),
}


@WHOLE
@pytest.mark.parametrize("said", CODINGS.values(), ids=CODINGS)
async def test_a_coding_that_nobody_asked_for_is_undone(said: bytes, whole: bool) -> None:
    async with provider(saying(*(said[i : i + 1] for i in range(len(said))))) as served:  # noqa: SIM117
        async with door_to(served.url()) as door:
            assert await ask(door, whole=whole) == b"hello"
    assert b"accept-encoding: identity\r\n" in served.requests[0]


UNREADABLE = {
    "unknown": (coded(b"br", b"hello"), "unknown content coding br"),
    "two at once": (coded(b"gzip, br", b"hello"), "unknown content coding gzip, br"),
    "corrupt": (coded(b"gzip", b"hello"), "corrupt content coding: "),
    "cut off": (coded(b"gzip", gzip.compress(b"hello" * 99)[:-9]), "corrupt content coding: "),
}


@WHOLE
@pytest.mark.parametrize(("said", "words"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_coding_that_cannot_be_undone_is_garbage(said: bytes, words: str, whole: bool) -> None:
    async with provider(saying(said)) as served, door_to(served.url()) as door:
        fault, message = await failure(ask(door, whole=whole))

    assert fault is Fault.GARBAGE
    assert message.startswith(words)
