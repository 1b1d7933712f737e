"""Undo a content coding that a provider applied although identity was asked for.

Only gzip and deflate; anything else is reported as unreadable rather than passed on unread.
"""

import zlib


class UnknownCoding(ValueError):
    """The content coding is not one we can undo."""


class Decoder:
    """Decodes a body piece by piece; a piece never grows beyond `piece_bytes_max`."""

    def __init__(self, coding: bytes, piece_bytes_max: int) -> None:
        if coding not in (b"gzip", b"x-gzip", b"deflate"):
            raise UnknownCoding(coding.decode("latin-1"))
        self._inflate = _inflate()
        self._bytes_max = piece_bytes_max

    @property
    def whole(self) -> bool:
        """Whether what was decoded so far may be all; if not, it was cut off."""
        return self._inflate.eof

    def decode(self, data: bytes) -> bytes:
        """Raises ValueError when the data is corrupt or grows out of bounds."""
        plain = b""
        while data:
            if self._inflate.eof:
                self._inflate = _inflate()  # a gzip file may follow another (RFC 1952, section 2.2)
            try:
                plain += self._inflate.decompress(data, self._bytes_max - len(plain) + 1)
            except zlib.error as error:
                raise ValueError(f"corrupt content coding: {error}") from None
            if self._inflate.unconsumed_tail or len(plain) > self._bytes_max:
                raise ValueError(f"a compressed piece grows beyond {self._bytes_max} bytes")
            data = self._inflate.unused_data
        return plain


def _inflate() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: tell gzip from zlib by the header
