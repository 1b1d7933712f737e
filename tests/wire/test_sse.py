"""Server-sent events: boundaries and contents."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.wire.sse import Joiner, events, whole_until

STREAM = b'event: a\ndata: {"x": 1}\n\n: a comment\n\ndata: two\ndata: lines\n\ndata:\n\n'


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_read_the_same_with_every_line_end(end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    assert list(events(stream)) == [(b"a", b'{"x": 1}'), (b"", b"two\nlines"), (b"", b"")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("cut", range(len(STREAM) + 12))
def test_only_whole_events_are_let_through(end: bytes, cut: int) -> None:
    stream = STREAM.replace(b"\n", end)
    until = whole_until(stream[:cut])
    rest = stream[until:cut]
    assert list(events(stream[:until])) + list(events(rest + stream[cut:])) == list(events(stream))
    assert list(events(rest.removesuffix(b"\r"))) == []  # a CR may be half of a line end


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))))
def test_what_was_written_as_events_is_read_back(texts: list[str]) -> None:
    stream = b"".join(b"data: " + text.encode() + b"\n\n" for text in texts)
    assert [data.decode() for _, data in events(stream)] == texts
    assert whole_until(stream) == len(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@given(st.data())
def test_pieces_join_into_the_same_whole_events_however_they_are_cut(end: bytes, data: st.DataObject) -> None:
    stream = STREAM.replace(b"\n", end)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    joiner, held = Joiner(), b""

    for begin, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        piece = stream[begin:stop]
        until = whole_until(held + piece)
        expected, held = (held + piece)[:until], (held + piece)[until:]
        assert joiner.feed(piece) == expected
        assert (joiner.rest(), joiner.held_bytes) == (held, len(held))


def test_a_long_event_in_small_pieces_costs_no_more_than_its_length() -> None:
    joiner = Joiner()
    began = time.process_time()
    for _ in range(60_000):
        joiner.feed(b"x" * 256)

    assert joiner.held_bytes == 60_000 * 256
    assert time.process_time() - began < 1.0  # minutes, if each piece meant to look at all before it
