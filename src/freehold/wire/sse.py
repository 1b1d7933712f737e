"""Server-sent events: where one ends, and what one says.

Line ends may be LF, CRLF or CR, but a blank line made of LF and a lone CR is not seen as one: no provider
sends it, and telling it from half a CRLF would mean to hold every event back.
"""

from collections.abc import Iterator


def whole_until(data: bytes) -> int:
    """The length of the part of `data` that is whole events; 0 if the first has not ended yet."""
    if data.endswith(b"\n\n"):
        return len(data)
    lf, crlf, cr = data.rfind(b"\n\n"), data.rfind(b"\n\r\n"), data.rfind(b"\r\r")
    return max(lf + 2 if lf >= 0 else 0, crlf + 3 if crlf >= 0 else 0, cr + 2 if cr >= 0 else 0)


class Joiner:
    """Joins pieces into whole events. What an event's end could be is looked for once in each byte."""

    __slots__ = ("_held", "_last", "held_bytes")

    def __init__(self, begun: bytes = b"") -> None:
        self._held = [begun] if begun else []  # the beginning of an event
        self._last = begun[-2:]  # its last bytes: an end may have begun there
        self.held_bytes = len(begun)

    def feed(self, piece: bytes) -> bytes:
        """The events that are whole now; b"" if none is."""
        if not self._held:
            until = whole_until(piece)
            if until == len(piece):
                return piece
            whole, rest = piece[:until], piece[until:]
        else:
            seen = len(self._last)
            until = whole_until(self._last + piece) - seen
            if until <= 0:
                self._held.append(piece)
                self.held_bytes += len(piece)
                self._last = (self._last + piece)[-2:]
                return b""
            whole, rest = b"".join([*self._held, piece[:until]]), piece[until:]
        self._held = [rest] if rest else []
        self._last, self.held_bytes = rest[-2:], len(rest)
        return whole

    def rest(self) -> bytes:
        """The beginning of an event whose end has not come."""
        return b"".join(self._held)


def events(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (name, data) of each whole event; the name is b"" where none was given.

    Comments and events without data are passed over, as the standard says.
    """
    name, lines = b"", list[bytes]()
    for line in data.splitlines():
        if not line:
            if lines:
                yield name, b"\n".join(lines)
            name, lines = b"", []
        elif line.startswith(b"data:"):
            lines.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip()
