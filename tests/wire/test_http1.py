"""Our answer parser beside h11, on the same bytes, cut at every position."""

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.wire.http1 import AnswerParser, BadAnswer

LIMIT = 65_536

ANSWERS = {
    "content-length": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\nhello world",
    "no body": b"HTTP/1.1 204 No Content\r\nX-Nothing: to see\r\n\r\n",
    "empty body": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n",
    "chunked with trailers": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    "continue first": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "early hints first": b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno",
    "close": b"HTTP/1.1 429 Too Many\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
    "old protocol": b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "no reason": b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx",
    "same header twice": b"HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nContent-Length: 1\r\n\r\nx",
    "space around value": b"HTTP/1.1 200 OK\r\nA:   1  \r\nContent-Length: 1\r\n\r\nx",
}
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nas long as it lasts"


def by_h11(
    pieces: list[bytes], *, closed: bool = False
) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    status, headers, body, complete = 0, list[tuple[bytes, bytes]](), b"", False
    for piece in [*pieces, *([b""] if closed else [])]:
        connection.receive_data(piece)
        while not complete:
            event = connection.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                break
            if isinstance(event, h11.Response):
                status, headers = event.status_code, list(event.headers)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                complete = True
    return status, headers, body, complete


def by_ours(
    pieces: list[bytes], *, closed: bool = False
) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    parser = AnswerParser(LIMIT)
    body = b""
    for piece in pieces:
        parser.feed(piece)
        body += parser.take()
    if closed:
        parser.eof()
    return parser.status, parser.headers, body, parser.complete


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_reads_as_h11_reads_it_wherever_it_is_cut(name: str) -> None:
    data = ANSWERS[name]
    whole = by_h11([data])
    assert whole[3]
    for cut in range(len(data) + 1):
        assert by_ours([piece for piece in (data[:cut], data[cut:]) if piece]) == whole, cut


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_reads_the_same_byte_by_byte(name: str) -> None:
    data = ANSWERS[name]
    assert by_ours([data[i : i + 1] for i in range(len(data))]) == by_h11([data])


def test_a_body_without_length_ends_with_the_connection() -> None:
    for cut in range(1, len(UNTIL_CLOSE)):
        pieces = [UNTIL_CLOSE[:cut], UNTIL_CLOSE[cut:]]
        assert by_ours(pieces, closed=True) == by_h11(pieces, closed=True)


@pytest.mark.parametrize("name", ["content-length", "chunked", "chunked with trailers"])
def test_an_answer_cut_short_is_never_complete(name: str) -> None:
    data = ANSWERS[name]
    for cut in range(len(data)):
        parser = AnswerParser(LIMIT)
        if cut:
            parser.feed(data[:cut])
        assert not parser.eof(), cut


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    st.lists(st.integers(min_value=0, max_value=400), max_size=8),
)
def test_any_chunked_body_survives_any_cuts(chunks: list[bytes], cuts: list[int]) -> None:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(places)]

    status, _, body, complete = by_ours(pieces)

    assert (status, body, complete) == (200, b"".join(chunks), True)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: twelve\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nBad Header: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n",
        b'{"id": "not http"}',
    ],
)
def test_what_is_no_answer_is_refused_as_h11_refuses_it(data: bytes) -> None:
    with pytest.raises(h11.RemoteProtocolError):
        by_h11([data], closed=True)
    with pytest.raises(BadAnswer):
        by_ours([data])


def test_a_head_over_the_limit_is_refused_in_one_piece_and_in_many() -> None:
    data = b"HTTP/1.1 200 OK\r\nA: " + b"x" * 2_000 + b"\r\nContent-Length: 0\r\n\r\n"
    for size in (len(data), 100, 1):
        parser = AnswerParser(1_024)
        with pytest.raises(BadAnswer, match="1024 bytes"):
            for start in range(0, len(data), size):
                parser.feed(data[start : start + size])


def test_a_connection_serves_one_answer_after_another() -> None:
    parser = AnswerParser(LIMIT)
    for name in ("content-length", "chunked", "no body"):
        parser.next()
        parser.feed(ANSWERS[name])
        assert (parser.complete, parser.reusable) == (True, True)
    parser.next()
    parser.feed(ANSWERS["close"])
    assert (parser.complete, parser.reusable) == (True, False)


def test_bytes_after_the_answer_spoil_the_connection_but_not_the_answer() -> None:
    for extra in (b"x", ANSWERS["content-length"], b"HTTP/1.1 200 OK\r\n"):
        parser = AnswerParser(LIMIT)
        parser.feed(ANSWERS["content-length"] + extra)
        assert (parser.complete, parser.take(), parser.reusable) == (True, b"hello world", False)
