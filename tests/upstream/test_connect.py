"""Ways to a provider: several addresses, TLS, a proxy. Certificates, proxies and sockets are real.

The one thing that is made up is what a name stands for: no test may depend on a name server.
"""

import asyncio
import base64
import gc
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from freehold.catalog.resolve import resolve
from freehold.config.load import Loaded, load_text
from freehold.config.schema import Timeouts, Upstream
from freehold.upstream import connect
from freehold.upstream.door import Door
from freehold.vocabulary.errors import Fault
from tests.upstream.outside import HELLO, Provider, Wire, ask, door_to, eventually, failure, provider, saying

HOST = "provider.test"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


def certified(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


@contextmanager
def name_stands_for(*addresses: tuple[str, int]) -> Iterator[list[tuple[str, int]]]:
    """On the running loop, HOST stands for these addresses, and every other name is looked up as ever.

    Gives the addresses that are tried, in their order.
    """
    loop = asyncio.get_running_loop()
    look_up, knock = loop.getaddrinfo, loop.sock_connect
    tried: list[tuple[str, int]] = []

    async def getaddrinfo(host: Any, port: Any, **options: Any) -> Any:
        if host != HOST:
            return await look_up(host, port, **options)
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address, _ in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", address)
            for family, address in zip(families, addresses, strict=True)
        ]

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        tried.append(address)
        await knock(sock, address)

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    loop.sock_connect = sock_connect  # type: ignore[method-assign]
    try:
        yield tried
    finally:
        del loop.getaddrinfo, loop.sock_connect


def refusing(stack: ExitStack) -> tuple[str, int]:
    """An address where nobody listens."""
    held = stack.enter_context(socket.socket())
    held.bind(("127.0.0.2", 0))
    return "127.0.0.2", held.getsockname()[1]


def silent(stack: ExitStack) -> tuple[str, int]:
    """An address that answers no knock: its queue of connections is full."""
    listening = stack.enter_context(socket.socket())
    listening.bind(("127.0.0.3", 0))
    listening.listen(0)
    for _ in range(4):
        knocking = stack.enter_context(socket.socket())
        knocking.setblocking(False)
        knocking.connect_ex(listening.getsockname())
    return "127.0.0.3", listening.getsockname()[1]


NEVER_S = 3_600.0
RACES = [  # the addresses, and after how many delays the one that lives is tried
    ("the only one alive", ["live"], 0),
    ("the first refuses", ["refusing", "live"], 0),
    ("the first is silent", ["silent", "live"], 1),
    ("the second is silent", ["live", "silent"], 0),
    ("two are silent", ["silent", "silent", "live"], 2),
    ("one silent, one refusing", ["silent", "refusing", "live"], 1),
]


@pytest.mark.parametrize(("addresses", "delays"), [race[1:] for race in RACES], ids=[r[0] for r in RACES])
async def test_of_several_addresses_one_that_lives_is_enough(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], delays: int
) -> None:
    """Where no delay is due it is longer than anybody waits, so that one would be noticed."""
    delay_s = 0.25 if delays else NEVER_S
    monkeypatch.setattr(connect, "RACE_DELAY_S", delay_s)
    async with provider(saying(HELLO)) as served:
        with ExitStack() as stack:
            made = {"live": ("127.0.0.1", served.port), "refusing": refusing(stack), "silent": silent(stack)}
            with name_stands_for(*(made[kind] for kind in addresses)):
                async with door_to(served.url(HOST)) as door:
                    began = time.monotonic()
                    assert await ask(door) == b"hello"
                    took_s = time.monotonic() - began

    assert took_s >= delays * delay_s - 0.05
    assert len(served.wires) == 1


async def test_families_take_turns() -> None:
    """With three dead addresses of the first family, the other one's is tried second."""
    async with provider(saying(HELLO), host="::1") as served:
        with ExitStack() as stack:
            dead, alive = silent(stack), ("::1", served.port)
            with name_stands_for(dead, dead, dead, alive) as tried:
                async with door_to(served.url(HOST)) as door:
                    assert await ask(door) == b"hello"

    assert tried[:2] == [dead, alive]


async def test_losers_of_the_race_are_closed() -> None:
    async with provider(saying(HELLO)) as served, provider(saying(HELLO)) as slower:
        with name_stands_for(("127.0.0.1", served.port), ("127.0.0.1", slower.port)):
            async with door_to(served.url(HOST)) as door:
                answers = await asyncio.gather(*(ask(door) for _ in range(20)))
                await eventually(lambda: all(wire.reader.at_eof() for wire in slower.wires))

    assert answers == [b"hello"] * 20
    assert len(served.wires) == 20


async def test_an_address_by_number_of_the_newer_kind() -> None:
    async with provider(saying(HELLO), host="::1") as served, door_to(served.url("[::1]")) as door:
        assert await ask(door) == b"hello"
    assert b"\r\nhost: [::1]:%d\r\n" % served.port in served.requests[0]


NOWHERE = [
    (["refusing"], Fault.CONNECT, "cannot connect to provider.test:80: Connection refused"),
    (["refusing", "refusing"], Fault.CONNECT, "cannot connect to provider.test:80: Connection refused"),
    (["silent"], Fault.TIMEOUT_CONNECT, "no connection to provider.test:80 within 0.4 s"),
    (["silent", "refusing"], Fault.TIMEOUT_CONNECT, "no connection to provider.test:80 within 0.4 s"),
]


@pytest.mark.parametrize(("addresses", "fault", "message"), NOWHERE)
async def test_where_nobody_answers_the_fault_says_so(
    addresses: list[str], fault: Fault, message: str
) -> None:
    with ExitStack() as stack:
        made = {"refusing": refusing(stack), "silent": silent(stack)}
        patience = Timeouts(connect_s=0.4 if "silent" in addresses else 20)
        with name_stands_for(*(made[kind] for kind in addresses)):
            async with door_to(f"http://{HOST}/v1", timeouts=patience) as door:
                assert await failure(ask(door)) == (fault, message)


async def test_a_name_that_stands_for_nothing_is_a_fault_of_connecting() -> None:
    async with door_to("http://nothing.invalid/v1") as door:
        fault, message = await failure(ask(door))

    assert fault is Fault.CONNECT
    assert message.startswith("cannot connect to nothing.invalid:80: ")


async def test_giving_up_while_connecting_leaves_nothing_open() -> None:
    with ExitStack() as stack, name_stands_for(silent(stack), silent(stack)):
        async with door_to(f"http://{HOST}/v1") as door:
            gc.collect()  # sockets of earlier tests would otherwise go in the middle of this one
            before = open_sockets()
            asking = asyncio.create_task(ask(door))
            await eventually(lambda: open_sockets() == before + 2)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await eventually(lambda: open_sockets() == before)


def open_sockets() -> int:
    links = [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sum(path.readlink().name.startswith("socket:") for path in links)


# TLS.


@asynccontextmanager
async def secured(certificate: trustme.LeafCert) -> AsyncIterator[Provider]:
    async with provider(saying(HELLO), tls=certified(certificate)) as served:
        with name_stands_for(("127.0.0.1", served.port)):
            yield served


async def test_a_private_authority_is_trusted_where_it_is_named(authority: trustme.CA, ca_file: str) -> None:
    async with (
        secured(authority.issue_cert(HOST)) as served,
        door_to(served.url(HOST), ca_file=ca_file) as door,
    ):
        assert [await ask(door) for _ in range(3)] == [b"hello"] * 3
    assert len(served.wires) == 1


async def test_a_certificate_may_name_an_address(authority: trustme.CA, ca_file: str) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    async with secured(certificate) as served, door_to(served.url(), ca_file=ca_file) as door:
        assert await ask(door) == b"hello"


LONG_AGO = datetime.now(UTC) - timedelta(days=90)
BAD_CERTIFICATES = {
    "a certificate of an unknown authority": (None, "unable to get local issuer certificate"),
    "a certificate for another name": (
        {"identities": ["other.test"]},
        "Hostname mismatch, certificate is not valid for 'provider.test'.",
    ),
    "an expired certificate": (
        {"identities": [HOST], "not_before": LONG_AGO, "not_after": LONG_AGO + timedelta(days=1)},
        "certificate has expired",
    ),
    "a certificate of the future": (
        {"identities": [HOST], "not_before": datetime.now(UTC) + timedelta(days=9)},
        "certificate is not yet valid",
    ),
}


@pytest.mark.parametrize(("wanted", "problem"), BAD_CERTIFICATES.values(), ids=BAD_CERTIFICATES)
async def test_a_certificate_that_does_not_hold_stops_the_attempt_before_any_word(
    authority: trustme.CA, ca_file: str, wanted: dict[str, Any] | None, problem: str
) -> None:
    certificate = (
        trustme.CA().issue_cert(HOST)
        if wanted is None
        else authority.issue_cert(
            *wanted["identities"], not_before=wanted.get("not_before"), not_after=wanted.get("not_after")
        )
    )
    async with secured(certificate) as served, door_to(served.url(HOST), ca_file=ca_file) as door:
        got = await failure(ask(door))

    assert got == (Fault.TLS, f"the certificate of provider.test does not hold: {problem}")
    assert served.requests == []


async def test_the_systems_authorities_do_not_know_a_private_one(authority: trustme.CA) -> None:
    async with secured(authority.issue_cert(HOST)) as served, door_to(served.url(HOST)) as door:
        fault, message = await failure(ask(door))

    assert fault is Fault.TLS
    assert message.startswith("the certificate of provider.test does not hold: ")
    assert "issuer" in message or "self-signed" in message


async def test_a_provider_that_speaks_no_tls_is_a_fault_of_tls(ca_file: str) -> None:
    async def play(wire: Wire) -> None:
        await wire.reader.read(1)
        await wire.say(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    async with (
        provider(play) as served,
        door_to(served.url().replace("http:", "https:"), ca_file=ca_file) as door,
    ):
        fault, message = await failure(ask(door))

    assert fault is Fault.TLS
    assert message.startswith("TLS with 127.0.0.1 failed: ")


async def test_a_provider_that_never_shakes_hands_runs_into_the_deadline(ca_file: str) -> None:
    async def play(wire: Wire) -> None:
        await wire.until_hung_up()

    async with provider(play) as served:
        url = served.url().replace("http:", "https:")
        async with door_to(url, ca_file=ca_file, timeouts=Timeouts(connect_s=0.2)) as door:
            fault, _ = await failure(ask(door))

    assert fault is Fault.TIMEOUT_CONNECT


# Proxies.


class Proxy:
    """A small CONNECT proxy. It knows where HOST is; `answer` is what it says to a request for a tunnel."""

    def __init__(self, target: int, answer: bytes, then_hang_up: bool = False) -> None:
        self.heads: list[bytes] = []
        self.port = 0
        self._target, self._answer, self._then_hang_up = target, answer, then_hang_up

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self._answer)
            if b" 200" in self._answer and not self._then_hang_up:
                there, back = await asyncio.open_connection("127.0.0.1", self._target)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._copy(reader, back))
                    both.create_task(self._copy(there, writer))
        finally:
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def proxied(
    served: Provider,
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
    then_hang_up: bool = False,
) -> AsyncIterator[Proxy]:
    proxy = Proxy(served.port, answer, then_hang_up)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()


@asynccontextmanager
async def door_in(env: dict[str, str], url: str, ca_file: str) -> AsyncIterator[Door]:
    """A door as the gateway makes it from a configuration and an environment."""
    base = url.removesuffix("/chat/completions")
    loaded = load_text(
        f'[providers.p]\nbase_url = "{base}"\nca_file = "{ca_file}"\n[aliases]\na = ["p/m"]', "f"
    )
    assert isinstance(loaded, Loaded), loaded
    door = Door(resolve(loaded.config, env).accounts, Upstream(), Timeouts(connect_s=20))
    try:
        yield door
    finally:
        door.close()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("credentials", [None, ("clerk", "p@ss:word")], ids=["open", "with a password"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
async def test_an_https_provider_is_reached_through_the_proxy_and_nobody_between_reads_along(
    authority: trustme.CA, ca_file: str, name: str, credentials: tuple[str, str] | None
) -> None:
    certificate = authority.issue_cert(HOST)
    async with provider(saying(HELLO), tls=certified(certificate)) as served, proxied(served) as proxy:
        userinfo = "clerk:p%40ss%3Aword@" if credentials else ""
        env = {name: f"http://{userinfo}127.0.0.1:{proxy.port}"}
        async with door_in(env, served.url(HOST), ca_file) as door:
            assert [await ask(door) for _ in range(2)] == [b"hello"] * 2

    lines = [b"CONNECT provider.test:%d HTTP/1.1" % served.port, b"Host: provider.test:%d" % served.port]
    if credentials:
        lines.append(b"Proxy-Authorization: Basic " + base64.b64encode(":".join(credentials).encode()))
    assert proxy.heads == [b"\r\n".join([*lines, b"", b""])]
    assert len(served.requests) == 2
    assert b"proxy-authorization" not in served.requests[0].lower()


@pytest.mark.parametrize("exempt", [HOST, "test", ".test", "*", "other.test, provider.test"])
async def test_no_proxy_means_straight_there(authority: trustme.CA, ca_file: str, exempt: str) -> None:
    async with secured(authority.issue_cert(HOST)) as served, proxied(served) as proxy:
        env = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": exempt}
        async with door_in(env, served.url(HOST), ca_file) as door:
            assert await ask(door) == b"hello"

    assert proxy.heads == []


REFUSALS = {
    "the tunnel": (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy refused the tunnel: HTTP/1.1 403 Forbidden"),
    "the password": (
        b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n",
        "the proxy refused the tunnel: HTTP/1.1 407 Proxy Authentication Required",
    ),
    "to speak": (b"", "the proxy closed the connection or talked nonsense"),
    "to speak HTTP": (b"hello\r\n\r\n", "the proxy refused the tunnel: hello"),
    "to come to an end": (
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 99_999,
        "the proxy closed the connection or talked nonsense",
    ),
}


@pytest.mark.parametrize(("answer", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_a_proxy_that_refuses_is_a_fault_of_connecting(
    authority: trustme.CA, ca_file: str, answer: bytes, message: str
) -> None:
    certificate = authority.issue_cert(HOST)
    async with (
        provider(saying(HELLO), tls=certified(certificate)) as served,
        proxied(served, answer, then_hang_up=True) as proxy,
        door_in({"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}, served.url(HOST), ca_file) as door,
    ):
        got = await failure(ask(door))

    assert got == (Fault.CONNECT, message)
    assert served.requests == []


async def test_a_proxy_that_is_not_there_is_named(ca_file: str) -> None:
    with ExitStack() as stack:
        host, port = refusing(stack)
        async with door_in(
            {"HTTPS_PROXY": f"http://u:secret@{host}:{port}"}, f"https://{HOST}/v1", ca_file
        ) as door:
            fault, message = await failure(ask(door))

    assert fault is Fault.CONNECT
    assert "proxy" in message
    assert f"{host}:{port}" in message
    assert "secret" not in message


async def test_the_certificate_is_verified_behind_a_proxy_too(ca_file: str) -> None:
    certificate = trustme.CA().issue_cert(HOST)
    async with (
        provider(saying(HELLO), tls=certified(certificate)) as served,
        proxied(served) as proxy,
        door_in({"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}, served.url(HOST), ca_file) as door,
    ):
        fault, _ = await failure(ask(door))

    assert fault is Fault.TLS
    assert served.requests == []
