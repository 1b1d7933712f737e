"""Signed requests: what arrives is what botocore would have signed, and nobody hears of the credentials."""

import asyncio
import hmac
import json
import struct
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote
from zlib import crc32

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from freehold.catalog.accounts import Signing
from freehold.catalog.resolve import Account
from freehold.config.schema import Timeouts, Upstream
from freehold.upstream import signing, sigv4
from freehold.upstream.addressing import Target
from freehold.upstream.door import Door, Incoming
from freehold.upstream.google import GoogleKeyring
from freehold.upstream.signing import Signer, signer
from freehold.upstream.sigv4 import AwsKeyring
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import ConfigError, Fault, UpstreamFailed
from tests.answering import Answering, answering
from tests.upstream.outside import HELLO, Provider, pieces, provider, saying

CONVERSE = Dialect.CONVERSE
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session-token-that-is-secret"
PATH = "/model/{model}/{method}"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


@asynccontextmanager
async def bedrock(there: Provider) -> AsyncIterator[Door]:
    url = f"http://127.0.0.1:{there.port}{PATH}"
    account = Account("bedrock", {CONVERSE: url}, (), signing=Signing("sigv4", "us-east-1"))
    door = Door({"bedrock": account}, Upstream(), Timeouts())
    try:
        yield door
    finally:
        door.close()
        await asyncio.sleep(0)


async def ask(door: Door, body: bytes = b"{}", *, stream: bool = False) -> Incoming:
    target = Target(MODEL, stream)
    deadline = time.monotonic() + 10
    return await door.send("bedrock", CONVERSE, body, target=target, extra=b"", deadline=deadline)


def lines_of(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """A request's path, its headers and its body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first.split(" ")[1], dict(line.split(": ", 1) for line in lines), body


def signature(path: str, headers: dict[str, str], body: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    """What botocore signs for a request that arrived like this, on the date that it names."""
    date = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: date)
    request = AWSRequest("POST", f"http://{headers['host']}{path}", data=body)
    SigV4Auth(Credentials(KEY, SECRET, headers.get("x-amz-security-token")), "bedrock", "us-east-1").add_auth(
        request
    )
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("body", [b"{}", b'{"messages":[]}' * 10_000])
async def test_what_arrives_is_what_was_signed(
    aws: None, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with provider(saying(HELLO)) as there, bedrock(there) as door:
        assert await (await ask(door, body)).whole() == b"hello"

    path, headers, arrived = lines_of(there.requests[0])
    assert path == f"/model/{MODEL.replace(':', '%3A')}/converse"
    assert arrived == body
    assert headers["x-amz-security-token"] == TOKEN
    assert headers["authorization"] == signature(path, headers, arrived, monkeypatch)


def by_the_book(host: str, path: str, body: bytes) -> str:
    """Signature Version 4 as its documentation writes it down, at noon on 2026-11-23."""
    canonical = (
        f"POST\n{quote(path)}\n\nhost:{host}\nx-amz-date:20261123T120000Z\n\nhost;x-amz-date\n"
        f"{sha256(body).hexdigest()}"
    )
    scope = ("20261123", "us-east-1", "bedrock", "aws4_request")
    digest = sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n20261123T120000Z\n{'/'.join(scope)}\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def test_a_signature_on_a_fixed_date_is_the_one_by_the_book(monkeypatch: pytest.MonkeyPatch) -> None:
    date = datetime(2026, 11, 23, 12, 0, 0)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: date)
    host, path = "bedrock-runtime.us-east-1.amazonaws.com", "/model/m%3A0/converse"
    url, signed = f"https://{host}{path}", by_the_book(host, path, b"{}")

    lines = AwsKeyring("us-east-1", Credentials(KEY, SECRET)).lines(url, b"{}").decode()

    assert lines == (
        "x-amz-date: 20261123T120000Z\r\n"
        f"authorization: AWS4-HMAC-SHA256 Credential={KEY}/20261123/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signed}\r\n"
    )


async def test_a_token_that_a_provider_repeats_is_hidden(aws: None) -> None:
    async with provider(saying(HELLO)) as there, bedrock(there) as door:
        await (await ask(door)).whole()

        said = door.without_secrets("bedrock", f"bad token {TOKEN}, {SECRET}".encode())

    assert TOKEN.encode() not in said
    assert said.startswith(b"bad token [hidden]")


async def test_without_credentials_the_attempt_fails_and_says_only_that(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")
    async with provider(saying(HELLO)) as there, bedrock(there) as door:
        with pytest.raises(UpstreamFailed) as failed:
            await ask(door)

    assert failed.value.fault is Fault.CONNECT
    assert failed.value.message == 'no credentials for provider "bedrock": NoCredentialsError'
    assert there.requests == []


class Slow:
    """A keyring that waits for somebody, and then tells too much."""

    def __init__(self) -> None:
        self.free = threading.Event()

    def lines(self, url: str, body: bytes, method: str = "POST") -> bytes:
        self.free.wait(5)
        raise RuntimeError(f"could not renew {TOKEN}")

    def secrets(self) -> tuple[str, ...]:
        return ()


async def test_nobody_else_waits_for_credentials_and_they_are_not_in_the_error() -> None:
    keyring = Slow()
    signing_ = Signer(keyring, "p")
    asked = asyncio.ensure_future(signing_.lines("https://x.example", b"", time.monotonic() + 10))

    for _ in range(3):
        await asyncio.sleep(0)  # the loop goes on while the keyring blocks a thread
    assert not asked.done()
    keyring.free.set()
    with pytest.raises(UpstreamFailed) as failed:
        await asked

    assert TOKEN not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


async def test_credentials_that_do_not_come_are_not_waited_for() -> None:
    keyring = Slow()
    slow = Signer(keyring, "p")

    with pytest.raises(UpstreamFailed) as failed:
        await slow.lines("https://x.example", b"", time.monotonic() + 0.01)

    assert failed.value.fault is Fault.TIMEOUT_CONNECT
    keyring.free.set()
    slow.close()


def test_a_library_that_is_not_there_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name}", name="botocore")

    monkeypatch.setattr(signing, "import_module", nothing)

    with pytest.raises(ConfigError, match="needs the library botocore") as error:
        signer(Signing("sigv4", "us-east-1"), "bedrock")

    assert error.value.remedy == 'Run `pip install "freehold[bedrock]"`.'


async def test_the_keyring_of_an_account_is_loaded_by_its_kind() -> None:
    keyring = signer(Signing("sigv4", "eu-west-1"), "bedrock")._keyring

    assert isinstance(keyring, sigv4.AwsKeyring)


class Tokens(Answering):
    """A token service."""

    asked = 0
    status = 200

    def answer(self) -> None:
        Tokens.asked += 1
        self.sent()
        said = {"access_token": f"ya29.token-{Tokens.asked}", "expires_in": 3_600, "token_type": "Bearer"}
        self.tell(Tokens.status, said if Tokens.status == 200 else {"error": "invalid_grant"})


@pytest.fixture
def service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """A service account's file whose token service is on this machine."""
    monkeypatch.setattr(Tokens, "asked", 0)
    monkeypatch.setattr(Tokens, "status", 200)
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "account.json"
    held = {
        "type": "service_account",
        "client_email": "a@p.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "private_key_id": "1",
    }
    with answering(Tokens) as url:
        file.write_text(json.dumps(held | {"token_uri": f"{url}/token"}))
        yield str(file)


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_google_token_is_fetched_once_and_renewed_when_it_expires(
    service_account: str, by_variable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_variable:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account)
    keyring = GoogleKeyring(None if by_variable else service_account)

    first = [keyring.lines("https://x.example", b"") for _ in range(2)]
    keyring._credentials.expiry = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=1)
    then = keyring.lines("https://x.example", b"")

    assert first == [b"authorization: Bearer ya29.token-1\r\n"] * 2
    assert then == b"authorization: Bearer ya29.token-2\r\n"
    assert keyring.secrets() == ("ya29.token-1", "ya29.token-2")


async def test_a_token_that_is_denied_fails_the_attempt(service_account: str) -> None:
    Tokens.status = 400

    with pytest.raises(UpstreamFailed, match='no credentials for provider "vertex": RefreshError'):
        await Signer(GoogleKeyring(service_account), "vertex").lines("https://x", b"", time.monotonic() + 10)


def frame(name: bytes, payload: bytes) -> bytes:
    headers = b"\x0b:event-type\x07" + struct.pack("!H", len(name)) + name
    prelude = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    body = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return body + struct.pack("!I", crc32(body))


FRAMED = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\nconnection: close\r\n\r\n"
STREAM = frame(b"messageStart", b'{"role":"assistant"}') + frame(b"messageStop", b'{"stopReason":"end_turn"}')


@pytest.mark.parametrize("cut", [1, 20, 60, len(STREAM) - 1])
async def test_an_event_stream_is_read_as_text(aws: None, cut: int) -> None:
    async with (
        provider(saying(FRAMED, STREAM[:cut], STREAM[cut:], then="close")) as there,
        bedrock(there) as door,
    ):
        incoming = await ask(door, stream=True)
        assert (b"content-type", b"text/event-stream") in list(incoming.headers)
        text = b"".join([piece async for piece in pieces(incoming)])

    assert text == (
        b'event: messageStart\ndata: {"role":"assistant"}\n\n'
        b'event: messageStop\ndata: {"stopReason":"end_turn"}\n\n'
    )
    assert lines_of(there.requests[0])[0].endswith("/converse-stream")


async def test_an_event_stream_that_is_cut_in_a_frame_is_a_fault(aws: None) -> None:
    async with provider(saying(FRAMED, STREAM[:-5], then="close")) as there, bedrock(there) as door:
        incoming = await ask(door, stream=True)
        with pytest.raises(UpstreamFailed) as failed:
            _ = [piece async for piece in pieces(incoming)]

    assert failed.value.fault is Fault.GARBAGE
