"""Content codings that nobody asked for."""

import gzip
import zlib

import pytest

from freehold.wire.coding import Decoder, UnknownCoding

TEXT = b"some text, " * 1_000


@pytest.mark.parametrize(
    ("coding", "data"),
    [(b"gzip", gzip.compress(TEXT)), (b"deflate", zlib.compress(TEXT))],
    ids=["gzip", "deflate"],  # gzip's bytes hold the time, and all who collect tests must call them the same
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_compressed_body_is_read_in_pieces_of_any_size(coding: bytes, data: bytes, size: int) -> None:
    decoder = Decoder(coding, 1 << 20)
    assert b"".join(decoder.decode(data[i : i + size]) for i in range(0, len(data), size)) == TEXT


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_gzip_files_may_follow_each_other(size: int) -> None:
    data, decoder = gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]), Decoder(b"gzip", 1 << 20)
    assert b"".join(decoder.decode(data[i : i + size]) for i in range(0, len(data), size)) == TEXT


@pytest.mark.parametrize("cut", [1, 8, 30])
def test_a_compressed_body_that_was_cut_off_is_not_whole(cut: int) -> None:
    data, decoder = gzip.compress(TEXT), Decoder(b"gzip", 1 << 20)
    decoder.decode(data[:-cut])
    assert not decoder.whole
    decoder.decode(data[-cut:])
    assert decoder.whole


def test_many_small_bombs_in_a_row_are_not_unpacked() -> None:
    with pytest.raises(ValueError, match="grows beyond 1000 bytes"):
        Decoder(b"gzip", 1_000).decode(gzip.compress(b"0" * 400) * 3)


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(ValueError, match="grows beyond 1000 bytes"):
        Decoder(b"gzip", 1_000).decode(gzip.compress(b"0" * 1_000_000))


def test_garbage_and_unknown_codings_are_refused() -> None:
    with pytest.raises(ValueError, match="corrupt content coding"):
        Decoder(b"gzip", 1_000).decode(b"not gzip at all")
    with pytest.raises(UnknownCoding, match="br"):
        Decoder(b"br", 1_000)
