"""Send one request to one account and read the answer as it comes.

The door does not decide: it sends what it is given and reports what came. Which statuses are worth another
try is routing's table; whether the bytes are an answer is the dialect's.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from urllib.parse import urlsplit

from freehold.catalog.accounts import Account, Headers
from freehold.config.schema import Timeouts, Upstream
from freehold.upstream.addressing import Target, filled, is_template
from freehold.upstream.connect import Origin, connect
from freehold.upstream.connection import Connection, Sink
from freehold.upstream.pool import Pool
from freehold.upstream.signing import Signer, signer
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.errors import Fault, UpstreamFailed
from freehold.wire.coding import Decoder, UnknownCoding
from freehold.wire.eventstream import EVENT_STREAM, SERVER_SENT_EVENTS, EventStreamDecoder

SECRET_NAME = re.compile(r"auth|key|token|secret|cookie")  # of a header whose value is a credential
SECRET_BYTES_MIN = 8  # a shorter one could be any word
HEADS_MAX = 256  # kept for each way: callers may choose the model's name
OUR_HEADERS = b"content-type: application/json\r\naccept-encoding: identity\r\nuser-agent: freehold\r\n"


class Incoming:
    """An answer on its way. Read it to its end or `close()` it, or the connection is lost."""

    __slots__ = ("_connection", "_decoders", "_door", "_pool", "_unreadable", "deadline", "headers", "status")

    def __init__(self, connection: Connection, pool: Pool, door: "Door", total_deadline: float) -> None:
        self._connection: Connection | None = connection
        self._pool = pool
        self._door = door
        self.deadline = total_deadline  # of the whole exchange
        self.status = connection.parser.status
        self.headers = connection.parser.headers
        self._unreadable: UpstreamFailed | None = (
            None  # told when the body is asked for: a status stands for itself
        )
        self._decoders = self._find_decoders()

    async def whole(self) -> bytes:
        """The rest of the body. Raises UpstreamFailed, also when it is over `upstream.answer_bytes_max`."""
        connection = self._connection
        if connection is not None and connection.parser.complete and not (self._decoders or self._unreadable):
            body = connection.take()  # nearly always: it was waited for as a whole
            self._finish()
            if len(body) > self._door.settings.answer_bytes_max:
                raise _too_large()
            return body
        pieces, size = [], 0
        while piece := await self.piece():
            pieces.append(piece)
            size += len(piece)
            if size > self._door.settings.answer_bytes_max:
                self.close()
                raise _too_large()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def piece(self) -> bytes:
        """The next piece of the body as it comes; b"" at its end. Raises UpstreamFailed."""
        while self._connection is not None:
            if self._unreadable is not None:
                self.close()
                raise self._unreadable
            connection = self._connection
            if not connection.parser.buffered and not connection.parser.complete:
                await self._door.wait_for_piece(connection, self.deadline)
            data, complete = connection.take(), connection.parser.complete
            if complete:
                self._finish()
            for decoder in self._decoders:
                data = self._decoded(decoder, data, complete=complete)
            if data:
                return data
        return b""

    async def forward(self, sink: Sink) -> bool:
        """Hand the rest of the body to `sink`, piece by piece as it comes. Raises UpstreamFailed.

        True: the body has ended. False: the sink wants no more for now; call again to go on.
        """
        if self._decoders or self._unreadable is not None or self._connection is None:
            while piece := await self.piece():
                if not sink(piece):
                    return False
            return True
        over = await self._door.forward(self._connection, sink, self.deadline)
        if over:
            self._finish()
        return over

    def close(self) -> None:
        """Hang up if the answer is not over yet."""
        self._finish()

    def break_off(self, failure: UpstreamFailed) -> None:
        """Hang up, so that whoever waits for more is told this failure."""
        if self._connection is not None:
            self._connection.fail(failure)

    def _finish(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)

    def _decoded(self, decoder: Decoder | EventStreamDecoder, data: bytes, *, complete: bool) -> bytes:
        try:
            plain = decoder.decode(data) if data else b""
            if complete and not decoder.whole:
                raise ValueError("corrupt content coding: it ends too early")
            return plain
        except ValueError as error:
            self.close()
            raise UpstreamFailed(Fault.GARBAGE, str(error)) from None

    def _find_decoders(self) -> list[Decoder | EventStreamDecoder]:
        """What stands between the bytes on the wire and the answer; nearly always nothing."""
        decoders = list[Decoder | EventStreamDecoder]()
        framed = False
        for name, value in self.headers:
            if name == b"content-encoding" and value.lower() != b"identity":
                try:
                    decoders.append(Decoder(value.strip().lower(), self._door.settings.answer_bytes_max))
                except UnknownCoding as error:
                    self._unreadable = UpstreamFailed(Fault.GARBAGE, f"unknown content coding {error}")
            elif name == b"content-type" and value.startswith(EVENT_STREAM):
                framed = True
        if framed:
            decoders.append(EventStreamDecoder())
            self.headers = _as_text(self.headers)
        return decoders


def _as_text(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an event stream as those of what is made of it."""
    return [(name, SERVER_SENT_EVENTS if name == b"content-type" else value) for name, value in headers]


class _Way:
    """How one account is reached in one dialect: a pool, and a head that is ready but for its length.

    A head whose first line depends on the request is kept for the next request of its kind.
    """

    __slots__ = ("_dialect", "_heads", "_lines", "_url", "head", "pool", "signer")

    def __init__(self, pool: Pool, dialect: Dialect, url: str, lines: bytes, signer: Signer | None) -> None:
        self.pool, self.signer = pool, signer
        self._dialect, self._url, self._lines = dialect, url, lines
        self._heads: dict[Target, bytes] = {}
        self.head = b"" if is_template(url) else self._written(url)

    def head_for(self, target: Target) -> bytes:
        """The head for what is asked, where `head` is empty."""
        head = self._heads.get(target)
        if head is None:
            if len(self._heads) >= HEADS_MAX:
                self._heads.clear()
            head = self._heads[target] = self._written(self.url_for(target))
        return head

    def url_for(self, target: Target) -> str:
        """The whole URL for what is asked."""
        return filled(self._url, self._dialect, target)

    def _written(self, url: str) -> bytes:
        return b"POST %b HTTP/1.1\r\n%b" % (_path(url), self._lines)


class Door:
    """All ways out."""

    def __init__(self, accounts: Mapping[str, Account], settings: Upstream, timeouts: Timeouts) -> None:
        self.settings = settings
        self.timeouts = timeouts
        self._pools: dict[tuple[str, int, bool, str | None, str | None], Pool] = {}
        self._secrets = {account.name: tuple(_secrets(account)) for account in accounts.values()}
        self._prefilling = {account.name for account in accounts.values() if account.prefill}
        self._signers = {
            account.name: signer(account.signing, account.name)
            for account in accounts.values()
            if account.signing
        }
        self._ways = {
            (account.name, dialect): self._way(account, dialect, url)
            for account in accounts.values()
            for dialect, url in account.urls.items()
        }

    def prefills(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint goes on by itself with a turn of the model that is not finished."""
        return endpoint.provider in self._prefilling

    async def send(
        self, account: str, dialect: Dialect, body: bytes, *, target: Target, extra: bytes, deadline: float
    ) -> Incoming:
        """Send a request and wait for its answer's head, or where no stream was asked for, for all of it.

        `extra` is header lines that end in CRLF; `deadline` is the end of the exchange in loop time.
        Raises UpstreamFailed.
        """
        way = self._ways[account, dialect]
        head = way.head or way.head_for(target)
        began = time.monotonic()
        if way.signer is not None:
            signed_by = min(began + self.timeouts.first_byte_s, deadline)
            extra += await way.signer.lines(way.url_for(target), body, signed_by)
        message = b"%s%scontent-length: %d\r\n\r\n" % (head, extra, len(body))
        return await self._sent(way.pool, (message, body), began, deadline, whole=not target.stream)

    async def ask(self, account: Account, url: str, deadline: float) -> Incoming:
        """Send a GET with an account's credentials and wait for the whole answer. Raises UpstreamFailed."""
        began = time.monotonic()
        own = next(iter(account.own_headers.values()), ())
        lines = _lines(url, (*account.headers, *own))
        if (signing := self._signers.get(account.name)) is not None:
            lines += await signing.lines(url, b"", min(began + self.timeouts.first_byte_s, deadline), "GET")
        head = b"GET %b HTTP/1.1\r\n%b\r\n" % (_path(url), lines)
        return await self._sent(self._pool_to(account, url), (head, b""), began, deadline, whole=True)

    async def _sent(
        self, pool: Pool, message: tuple[bytes, bytes], began: float, deadline: float, *, whole: bool
    ) -> Incoming:
        """Send a head and a body that are ready, and wait for the answer's head, or for all of it."""
        connection = pool.idle_one()
        if connection is None:
            connection = await self._connected(pool, began, deadline)
        limit, fault = began + self.timeouts.first_byte_s, Fault.TIMEOUT_FIRST_BYTE
        if deadline <= limit:
            limit, fault = deadline, Fault.TIMEOUT_TOTAL
        try:
            connection.send(*message)
            await connection.progress(limit, fault, whole=whole)
        except BaseException:
            connection.close()
            pool.release(connection)
            raise
        return Incoming(connection, pool, self, deadline)

    def without_secrets(self, account: str, said: bytes) -> bytes:
        """What a provider said, less the credentials we sent it: some repeat a key that they do not like."""
        for secret in self._secrets[account]:
            said = said.replace(secret, b"[hidden]")
        if account in self._signers:
            for token in self._signers[account].secrets():
                said = said.replace(token.encode(), b"[hidden]")
        return said

    async def _connected(self, pool: Pool, began: float, deadline: float) -> Connection:
        try:
            async with asyncio.timeout_at(deadline):
                return await pool.acquire(min(began + self.timeouts.connect_s, deadline))
        except TimeoutError:
            raise UpstreamFailed(
                Fault.TIMEOUT_TOTAL, "no connection before the exchange's deadline"
            ) from None

    async def wait_for_piece(self, connection: Connection, total_deadline: float) -> None:
        """Wait for the next piece of an answer that has begun."""
        idle_at = time.monotonic() + self.timeouts.idle_s
        fault = Fault.TIMEOUT_IDLE if idle_at < total_deadline else Fault.TIMEOUT_TOTAL
        await connection.progress(min(idle_at, total_deadline), fault, whole=False)

    async def forward(self, connection: Connection, sink: Sink, total_deadline: float) -> bool:
        """Pour an answer that has begun into `sink`."""
        return await connection.forward(sink, self.timeouts.idle_s, total_deadline)

    def sweep(self) -> None:
        """Close connections that nobody has used for a while."""
        for pool in self._pools.values():
            pool.sweep()

    def close(self) -> None:
        """Hang up everywhere."""
        for pool in self._pools.values():
            pool.close()
        for signing in self._signers.values():
            signing.close()

    def _way(self, account: Account, dialect: Dialect, url: str) -> _Way:
        own = account.own_headers.get(dialect, ())
        ready = _lines(url, (*account.headers, *own))
        return _Way(self._pool_to(account, url), dialect, url, ready, self._signers.get(account.name))

    def _pool_to(self, account: Account, url: str) -> Pool:
        """The connections over which an account reaches the host of a URL."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        host = parts.hostname or ""
        key = (host, port, secure, account.ca_file, account.proxy)
        if key not in self._pools:
            origin = Origin(host, port, _tls(account.ca_file) if secure else None, account.proxy)
            self._pools[key] = self._pool(origin)
        return self._pools[key]

    def _pool(self, origin: Origin) -> Pool:
        head_bytes_max, connect_s = self.settings.head_bytes_max, self.timeouts.connect_s
        return Pool(
            partial(connect, origin, head_bytes_max=head_bytes_max, connect_s=connect_s),
            connections_max=self.settings.connections_max,
            idle_s=self.settings.idle_s,
            clock=time.monotonic,
        )


def _path(url: str) -> bytes:
    parts = urlsplit(url)
    return (parts.path + (f"?{parts.query}" if parts.query else "")).encode("latin-1")


def _lines(url: str, headers: Headers) -> bytes:
    """The header lines of every request to a URL."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    lines = "".join([f"{name}: {value}\r\n" for name, value in (("host", host), *headers)])
    return lines.encode("latin-1") + OUR_HEADERS


def _secrets(account: Account) -> Iterator[bytes]:
    for name, value in dict.fromkeys(chain(account.headers, *account.own_headers.values())):
        secret = value.rpartition(" ")[2].encode("latin-1")
        if SECRET_NAME.search(name) and len(secret) >= SECRET_BYTES_MIN:
            yield secret


def _too_large() -> UpstreamFailed:
    return UpstreamFailed(Fault.TOO_LARGE, "the answer is over `upstream.answer_bytes_max`")


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context
