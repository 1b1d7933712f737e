"""Open a connection: addresses raced as RFC 8305 says (happy eyeballs), a proxy if one is set, TLS verified.

Certificate verification cannot be switched off; a private authority is named with `ca_file`.
"""

import asyncio
import base64
import contextlib
import os
import socket
import ssl
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote, urlsplit

from freehold.upstream.connection import Connection
from freehold.vocabulary.errors import Fault, UpstreamFailed

RACE_DELAY_S = 0.25  # RFC 8305, section 8: "Connection Attempt Delay"
PROXY_HEAD_BYTES_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections of one pool lead."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: str | None  # "http://[user:password@]host:port"


async def connect(origin: Origin, *, head_bytes_max: int, connect_s: float) -> Connection:
    """Raises UpstreamFailed (connect, tls, timeout_connect)."""
    try:
        async with asyncio.timeout(connect_s):
            return await _connect(origin, head_bytes_max)
    except TimeoutError:
        raise UpstreamFailed(
            Fault.TIMEOUT_CONNECT, f"no connection to {origin.host}:{origin.port} within {connect_s:g} s"
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise UpstreamFailed(
            Fault.TLS, f"the certificate of {origin.host} does not hold: {error.verify_message}"
        ) from None
    except ssl.SSLError as error:
        raise UpstreamFailed(Fault.TLS, f"TLS with {origin.host} failed: {error.reason or error}") from None
    except OSError as error:
        raise UpstreamFailed(
            Fault.CONNECT, f"cannot connect to {origin.host}:{origin.port}: {_why(error)}"
        ) from None


async def _connect(origin: Origin, head_bytes_max: int) -> Connection:
    loop = asyncio.get_running_loop()
    if origin.proxy:
        sock = await _through_proxy(loop, origin.proxy, f"{_bracketed(origin.host)}:{origin.port}")
    else:
        sock = await _race(loop, origin.host, origin.port)
    try:
        _, connection = await loop.create_connection(
            lambda: Connection(loop, sock, head_bytes_max),
            sock=sock,
            ssl=origin.tls,
            server_hostname=origin.host if origin.tls else None,
        )
    except BaseException:
        sock.close()
        raise
    return connection


async def _race(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """Try addresses one RACE_DELAY_S after the other, families in turn; the first to connect wins."""
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first_family = found[0][0]
    same = [info for info in found if info[0] == first_family]
    other = [info for info in found if info[0] != first_family]
    addresses = [info for pair in zip_longest(same, other) for info in pair if info is not None]
    tries: set[asyncio.Task[socket.socket]] = set()
    failure: OSError = OSError(f"{host} has no address")
    try:
        while addresses or tries:
            if addresses:
                family, _, _, _, address = addresses.pop(0)
                tries.add(loop.create_task(_try(loop, family, address)))
            done, tries = await asyncio.wait(
                tries, timeout=RACE_DELAY_S if addresses else None, return_when=asyncio.FIRST_COMPLETED
            )
            connected = [task.result() for task in done if task.exception() is None]
            for spare in connected[1:]:
                spare.close()
            if connected:
                return connected[0]
            for task in done:
                error = task.exception()
                failure = error if isinstance(error, OSError) else failure
    finally:
        for task in tries:
            task.cancel()
            task.add_done_callback(_close_loser)
    raise failure


def _close_loser(task: "asyncio.Task[socket.socket]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _try(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _through_proxy(loop: asyncio.AbstractEventLoop, proxy: str, target: str) -> socket.socket:
    """A tunnel by CONNECT (RFC 9110, section 9.3.6)."""
    where = urlsplit(proxy)
    host, port = where.hostname or "", where.port or 8080
    try:
        sock = await _race(loop, host, port)
    except OSError as error:
        raise UpstreamFailed(
            Fault.CONNECT, f"cannot connect to the proxy {host}:{port}: {_why(error)}"
        ) from None
    with contextlib.ExitStack() as undo:
        undo.callback(sock.close)
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if where.username is not None:
            pair = f"{unquote(where.username)}:{unquote(where.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
        await loop.sock_sendall(sock, ("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            # One byte at a time: what follows the head belongs to TLS, and must not be swallowed.
            piece = await loop.sock_recv(sock, 1)
            if not piece or len(head) > PROXY_HEAD_BYTES_MAX:
                raise UpstreamFailed(Fault.CONNECT, "the proxy closed the connection or talked nonsense")
            head += piece
        status_line = head.split(b"\r\n", 1)[0].decode("latin-1")
        if not status_line.startswith("HTTP/1.") or status_line.split()[1:2] != ["200"]:
            raise UpstreamFailed(Fault.CONNECT, f"the proxy refused the tunnel: {status_line[:80]}")
        undo.pop_all()
    return sock


def _why(error: OSError) -> str:
    """The reason in the system's words; asyncio's repeat the address."""
    if error.errno is None or error.errno <= 0 or isinstance(error, socket.gaierror):
        return error.strerror or str(error) or type(error).__name__
    return os.strerror(error.errno)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
