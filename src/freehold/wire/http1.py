"""One HTTP/1.1 connection's answers, from bytes. Parsing is httptools' (llhttp); the bounds are ours.

Does not judge: a status is a number, a header two byte strings. Answers to HEAD and upgrades are never asked
for, so they are not understood.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser


class BadAnswer(Exception):
    """The bytes are not an HTTP/1.1 answer, or its head is over the limit."""


class AnswerParser:
    """Parses the answers of one connection, one after another.

    After `feed`, look at `head_done`, `complete` and `take()`. Call `next()` before the next request is sent.
    """

    __slots__ = (
        "_head_bytes",
        "_head_bytes_max",
        "_parser",
        "_pieces",
        "_trailing",
        "buffered",
        "complete",
        "head_done",
        "headers",
        "reusable",
        "status",
    )

    def __init__(self, head_bytes_max: int) -> None:
        self._parser = HttpResponseParser(self)
        self._head_bytes_max = head_bytes_max
        self._pieces: list[bytes] = []
        self.reusable = True  # another request may follow on this connection
        self.next()

    def next(self) -> None:
        """Forget the last answer and expect another."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []  # names in lower case
        self.head_done = self.complete = False
        self.buffered = 0  # bytes of body that `take` would give
        self._head_bytes = (
            0  # received until the head was whole, with what came of the body in the same piece
        )
        self._trailing = False
        self._pieces.clear()

    def feed(self, data: bytes) -> None:
        """Take in what the connection received.

        Raises BadAnswer. Bytes after the answer's end only make the connection unfit for another request.
        """
        was_complete, buffered = self.complete, self.buffered
        if not self.head_done or self._trailing:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.reusable = False
            if not self.complete:
                raise BadAnswer(f"not an HTTP/1.1 answer: {_cause(error)}") from None
        if was_complete:
            self.reusable = False
        if self.buffered != buffered or self.complete:
            self._trailing = False
        elif self.head_done and not self._trailing:
            self._trailing, self._head_bytes = (
                True,
                len(data),
            )  # a piece without body: perhaps of the trailers
        if (not self.head_done or self._trailing) and self._head_bytes > self._head_bytes_max:
            raise BadAnswer(f"the answer's head is over {self._head_bytes_max} bytes")

    def eof(self) -> bool:
        """Whether the end of the connection is a lawful end of the answer."""
        self.reusable = False
        if not self.complete and self.head_done and self._ends_with_connection():
            self.complete = True
        return self.complete

    def take(self) -> bytes:
        """The body's bytes received since the last call."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered = 0
        return data

    def _head_size(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _ends_with_connection(self) -> bool:
        return not any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    # httptools calls these.

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_done:  # later ones are trailers, or the head of an answer that nobody asked for
            self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        if self._head_bytes > self._head_bytes_max and self._head_size() > self._head_bytes_max:
            raise ValueError(f"the head is over {self._head_bytes_max} bytes")
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self.head_done = True

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self._pieces.append(data)
            self.buffered += len(data)

    def on_message_complete(self) -> None:
        if self.complete:
            return
        if self.status < 200:  # 100 Continue, 103 Early Hints: the answer is still to come
            self.headers.clear()
            return
        self.complete = True
        self.reusable = self.reusable and self._parser.should_keep_alive()


def _cause(error: BaseException) -> str:
    return str(error.__context__ or error) or type(error).__name__
