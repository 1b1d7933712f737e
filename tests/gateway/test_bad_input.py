"""What is wrong with a request, a caller or a provider, and the exact error that says so, in each dialect."""

import asyncio
import json
import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from freehold.gateway.keys import KeyStore
from freehold.sparring.server import Sparring
from freehold.vocabulary import errors
from freehold.vocabulary.exchange import Outcome
from tests.gateway.house import Partners, aliases, path, provider, question
from tests.gateway.process import (
    PATIENCE_S,
    Caller,
    Gateway,
    Heard,
    ask,
    caller,
    eventually,
    gateway,
    request,
)

DIALECT = pytest.mark.parametrize("dialect", ["chat", "responses", "messages", "gemini"])
WITH_MESSAGES = pytest.mark.parametrize("dialect", ["chat", "messages"])
SPOKEN = ("chat", "responses", "messages", "gemini", "count-tokens", "gemini-embeddings")
LIMITS = "retry = { rounds = 0 }\nbreaker = { failures = 1_000 }\n[server]\n"
LIMITS += "head_bytes_max = 8192\nbody_bytes_max = 100000\nrequest_s = 1.0\n"
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def partner(partners: Partners) -> Sparring:
    return partners.open()


@pytest.fixture(scope="module")
def slow(partners: Partners) -> Sparring:
    return partners.open(chunks=200)


@pytest.fixture(scope="module")
def stranger(partners: Partners) -> Sparring:
    """A provider whose certificate nobody vouches for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return partners.open(ssl=context)  # type: ignore[call-arg]  # a persona's traits do not name it


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, partner: Sparring, slow: Sparring, stranger: Sparring
) -> Iterator[Gateway]:
    """A gateway without keys. Every fault of the partner is a model: "p/cut"."""
    drip = 'headers = { "x-sparring-gap-ms" = "20" }\n'
    config = (
        LIMITS
        + provider("p", partner, *SPOKEN)
        + provider("slow", slow, *SPOKEN)
        + drip
        + provider("stranger", stranger, *SPOKEN[:4])
        + aliases(**{"p/*": ["p/*"], "slow": ["slow/north"], "late": ["p/slow-first-byte=9"]})
        + 'stranger = ["stranger/north"]\n'
    )
    with gateway(tmp_path_factory.mktemp("house"), config) as running:
        yield running
        assert "Traceback" not in running.errors.read_text()


@pytest.fixture(scope="module")
def keyed(
    tmp_path_factory: pytest.TempPathFactory, partner: Sparring
) -> Iterator[tuple[Gateway, dict[str, str]]]:
    """A gateway with keys, and their texts."""
    folder = tmp_path_factory.mktemp("keyed")
    store, now_ms = KeyStore(folder / "state"), time.time_ns() // 1_000_000
    secrets = {
        "good": store.create("app")[1],
        "narrow": store.create("narrow", ("p/a*",))[1],
        "expired": store.create("late", (), now_ms - HOUR_MS)[1],
        "revoked": store.create("former")[1],
    }
    store.revoke("former")
    config = LIMITS + provider("p", partner, *SPOKEN) + aliases(**{"p/*": ["p/*"]})
    with gateway(folder, config) as running:
        yield running, secrets


TYPES = {
    401: ("authentication_error", "UNAUTHENTICATED"),
    403: ("permission_error", "PERMISSION_DENIED"),
    404: ("not_found_error", "NOT_FOUND"),
    408: ("timeout_error", "DEADLINE_EXCEEDED"),
    413: ("request_too_large", "INVALID_ARGUMENT"),
    502: ("api_error", "UNAVAILABLE"),
    503: ("overloaded_error", "UNAVAILABLE"),
}
OTHER = ("invalid_request_error", "INVALID_ARGUMENT")


def asking(dialect: str, model: str, *, stream: bool = False, headers: Sequence[str] = ()) -> bytes:
    """A plain question's bytes."""
    return request(question(dialect, model, stream=stream), path(dialect, model, stream), headers=headers)


def told(
    heard: Heard, dialect: str, error: type[errors.FreeholdError], message: str, status: int = 0
) -> None:
    """The whole error, in the dialect, and nothing else."""
    status = status or error.status
    exchange = heard.exchange
    kind, googles = TYPES.get(status, OTHER)
    ours = {"remedy": error.remedy, "exchange": exchange}
    said = {"message": message, "type": kind, "code": error.code, **ours}
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "domain": "freehold", "metadata": ours}
    detail = {"reason": error.code, **info}
    whole = {
        "messages": {"type": "error", "error": said, "request_id": exchange},
        "gemini": {"error": {"code": status, "message": message, "status": googles, "details": [detail]}},
    }.get(dialect, {"error": said | {"param": None}})
    assert (heard.status, heard.json(), heard.whole) == (status, whole, True)
    assert heard.headers["content-type"] == "application/json"
    assert error.remedy


def stable(error: dict[str, Any]) -> dict[str, Any]:
    """Code and remedy, which Google's form has in its details."""
    detail = error["details"][0] if "details" in error else None
    return {"code": detail["reason"], **detail["metadata"]} if detail else error


def rough(heard: Heard, status: int, code: str, message: str) -> None:
    """An error from before anything was known of the request but that it is wrong."""
    error = heard.json()["error"]
    assert (heard.status, error["code"], error["message"]) == (status, code, message)
    assert error["remedy"]
    assert heard.headers["connection"] == "close"


LENGTH = '"max_tokens":9,'
NO_JSON = errors.InvalidJSON
WRONG = errors.BadRequest
BODIES = [
    ("", NO_JSON, "the body is not JSON: Input data was truncated"),
    ("{", NO_JSON, "the body is not JSON: Input data was truncated"),
    ('{"model":"m",LENGTH"messages":[1]}}', NO_JSON, "the body is not JSON: trailing characters (byte AT)"),
    ("{'model':'m'}", NO_JSON, "the body is not JSON: object keys must be strings (byte 1)"),
    ('{"messages":[NaN]}', NO_JSON, "the body is not JSON: invalid character (byte 13)"),
    ("[]", WRONG, "the body: expected object, got array"),
    ('"hello"', WRONG, "the body: expected object, got str"),
    ('{"messages":[1],LENGTH"a":1}', WRONG, "`model`: required, but missing"),
    ('{"model":7,"messages":[1],LENGTH"a":1}', WRONG, "`model`: expected str, got int"),
    ('{"model":null,"messages":[1],LENGTH"a":1}', WRONG, "`model`: expected str, got null"),
    ('{"model":"","messages":[1],LENGTH"a":1}', WRONG, "`model`: expected str of length >= 1"),
    ('{"model":"m",LENGTH"a":1}', WRONG, "`messages`: required, but missing"),
    ('{"model":"m",LENGTH"messages":"hi"}', WRONG, "`messages`: expected array, got str"),
    ('{"model":"m",LENGTH"messages":[]}', WRONG, "`messages`: expected array of length >= 1"),
    ('{"model":"m",LENGTH"messages":[1],"stream":1}', WRONG, "`stream`: expected bool | null, got int"),
    ('{"model":"m","model":"n",LENGTH"messages":[1]}', WRONG, "`model`: given more than once"),
    ('{"model":"nobody",LENGTH"messages":[1]}', errors.UnknownModel, "no alias is called `nobody`"),
]


@WITH_MESSAGES
@pytest.mark.parametrize(("body", "error", "message"), BODIES, ids=[body for body, _, _ in BODIES])
async def test_a_body_that_is_wrong(
    house: Gateway,
    partner: Sparring,
    dialect: str,
    body: str,
    error: type[errors.FreeholdError],
    message: str,
) -> None:
    before = partner.asked
    written = body.replace("LENGTH", LENGTH if dialect == "messages" else "").encode()

    heard = await ask(house.port, request(written, path(dialect, "p/north")))

    told(heard, dialect, error, message.replace("AT", str(len(written))))
    assert (house.recorded(heard.exchange).outcome, partner.asked) == (Outcome.REJECTED, before)


@DIALECT
async def test_a_body_that_is_not_utf8(house: Gateway, dialect: str) -> None:
    heard = await ask(house.port, request(b'{"model":"\xff"}', path(dialect, "p/north")))

    told(heard, dialect, NO_JSON, "the body is not UTF-8 (byte 10)")


@DIALECT
async def test_a_body_nested_without_end(house: Gateway, dialect: str) -> None:
    heard = await ask(house.port, request(b'{"messages":' + b"[" * 50_000, path(dialect, "p/north")))

    told(heard, dialect, NO_JSON, "the body is nested too deeply")


async def test_a_messages_request_without_its_length(house: Gateway) -> None:
    heard = await ask(house.port, request(question("chat", "p/north"), path("messages", "")))

    told(heard, "messages", WRONG, "`max_tokens`: required, but missing")


ELSEWHERE_NAMED = [
    ("/v1/responses", '{"model":"m"}', "`input`: required, but missing"),
    ("/v1/responses", '{"model":"m","input":[]}', "`input`: expected array of length >= 1"),
    ("/v1/responses", '{"input":"x"}', "`model`: required, but missing"),
    ("/v1/responses", '{"model":"m","input":7}', "`input`: expected str | array, got int"),
    ("/v1/messages/count_tokens", '{"model":"m"}', "`messages`: required, but missing"),
    ("/v1/embeddings", '{"model":"m"}', "`input`: required, but missing"),
    ("/v1beta/models/m:generateContent", "{}", "`contents`: required, but missing"),
    ("/v1/models/m:generateContent", '{"contents":[]}', "`contents`: expected array of length >= 1"),
    ("/v1beta/models/m:streamGenerateContent?alt=sse", "[]", "the body: expected object, got array"),
    (
        "/v1beta/models/m:streamGenerateContent",
        '{"contents":[{}]}',
        "`alt`: a stream is served as server-sent events alone; ask with `?alt=sse`",
    ),
    ("/v1beta/models/m:embedContent", "{}", "`content`: required, but missing"),
    ("/v1beta/models/m:batchEmbedContents", '{"requests":[7]}', "`requests[0]`: expected object, got int"),
]


def spoken_at(where: str) -> str:
    if ":" in where:
        return "gemini"
    return "messages" if where.startswith("/v1/messages") else "chat"


@pytest.mark.parametrize(("where", "body", "message"), ELSEWHERE_NAMED)
async def test_a_body_that_is_wrong_for_its_path(
    house: Gateway, partner: Sparring, where: str, body: str, message: str
) -> None:
    before = partner.asked
    heard = await ask(house.port, request(body.encode(), where))

    told(heard, spoken_at(where), WRONG, message)
    assert (house.recorded(heard.exchange).outcome, partner.asked) == (Outcome.REJECTED, before)


NOBODY = [
    ("/v1/responses", '{"model":"nobody","input":"x"}'),
    ("/v1/messages/count_tokens", '{"model":"nobody","messages":[1]}'),
    ("/v1beta/models/nobody:generateContent", '{"contents":[{}]}'),
    ("/v1beta/models/nobo%64y:streamGenerateContent?alt=sse", '{"contents":[{}]}'),
    ("/v1beta/models/nobody:embedContent", '{"content":{}}'),
]


@pytest.mark.parametrize(("where", "body"), NOBODY)
async def test_a_name_that_no_alias_has(house: Gateway, where: str, body: str) -> None:
    heard = await ask(house.port, request(body.encode(), where))

    told(heard, spoken_at(where), errors.UnknownModel, "no alias is called `nobody`")
    assert house.recorded(heard.exchange).alias == "nobody"


@pytest.mark.parametrize(
    ("where", "body", "dialect", "offer"),
    [
        ("/v1/messages/count_tokens", '{"model":"stranger","messages":[1]}', "messages", "count-tokens"),
        ("/v1beta/models/stranger:embedContent", '{"content":{}}', "gemini", "gemini-embeddings"),
        ("/v1/embeddings", '{"model":"stranger","input":"x"}', "chat", "embeddings"),
    ],
)
async def test_what_no_endpoint_of_an_alias_offers(
    house: Gateway, where: str, body: str, dialect: str, offer: str
) -> None:
    """An estimate in place of a count would be taken for one, so there is none."""
    heard = await ask(house.port, request(body.encode(), where))

    told(heard, dialect, errors.NoEndpointSpeaks, f"no endpoint of `stranger` offers {offer}")


KEYS = [
    ([], errors.MissingKey, "the request carries no key"),
    (["authorization: Basic dTpw"], errors.MissingKey, "the request carries no key"),
    (["authorization: Bearer"], errors.MissingKey, "the request carries no key"),
    (["x-api-key:"], errors.MissingKey, "the request carries an empty key"),
    (["x-goog-api-key: fh_wrong"], errors.InvalidKey, "the key is not known here, or was revoked"),
    (["api-key: fh_wrong"], errors.InvalidKey, "the key is not known here, or was revoked"),
    (["x-api-key: fh_wrong"], errors.InvalidKey, "the key is not known here, or was revoked"),
    (["authorization: Bearer fh_wrong"], errors.InvalidKey, "the key is not known here, or was revoked"),
    (["x-api-key: REVOKED"], errors.InvalidKey, "the key is not known here, or was revoked"),
    (["authorization: Bearer EXPIRED"], errors.ExpiredKey, "the key ID has expired"),
    (["x-api-key: NARROW"], errors.KeyNotAllowed, "the key ID of `narrow` may not ask for `p/north`"),
]


@DIALECT
@pytest.mark.parametrize(("headers", "error", "message"), KEYS, ids=[str(headers) for headers, _, _ in KEYS])
async def test_a_key_that_is_wrong(
    keyed: tuple[Gateway, dict[str, str]],
    partner: Sparring,
    dialect: str,
    headers: list[str],
    error: type[errors.FreeholdError],
    message: str,
) -> None:
    house, secrets = keyed
    before, recorded = partner.asked, len(house.exchanges())
    ids = {key.name: key.id for key in KeyStore(house.state).list()}
    for kind, secret in secrets.items():
        headers = [header.replace(kind.upper(), secret) for header in headers]

    heard = await ask(house.port, asking(dialect, "p/north", headers=headers))

    message = message.replace("ID", ids["late" if error is errors.ExpiredKey else "narrow"])
    told(heard, dialect, error, message)
    assert partner.asked == before
    # Strangers leave no trace on the disk; an application that asked for too much does.
    assert len(house.exchanges()) - recorded == (error is errors.KeyNotAllowed)


async def test_a_revoked_key_of_a_running_gateway_is_refused_within_seconds(
    keyed: tuple[Gateway, dict[str, str]],
) -> None:
    house, _ = keyed
    key, secret = KeyStore(house.state).create("brief")
    asking = request(question("chat", "p/north"), headers=[f"x-api-key: {secret}"])
    await until(house.port, asking, 200)
    KeyStore(house.state).revoke(key.id)

    heard = await until(house.port, asking, 401)

    told(heard, "chat", errors.InvalidKey, "the key is not known here, or was revoked")


async def until(port: int, asking: bytes, status: int) -> Heard:
    async with asyncio.timeout(PATIENCE_S):
        while (heard := await ask(port, asking)).status != status:  # noqa: ASYNC110 - asks each time
            await asyncio.sleep(0.1)
    return heard


@DIALECT
async def test_a_body_over_the_limit_that_says_so_is_refused_before_it_is_sent(
    house: Gateway, dialect: str
) -> None:
    async with caller(house.port) as calling:
        await calling.say(request(path=path(dialect, "p/north")).replace(b"length: 0", b"length: 100001"))
        heard = await calling.hear()
        told(heard, dialect, errors.BodyTooLarge, "the body is over 100000 bytes")
        assert await calling.hung_up()


@DIALECT
async def test_a_body_over_the_limit_in_chunks(house: Gateway, dialect: str) -> None:
    async with caller(house.port) as calling:
        await calling.say(chunked_head(dialect) + (b"7530\r\n" + b"a" * 30_000 + b"\r\n") * 4)
        told(await calling.hear(), dialect, errors.BodyTooLarge, "the body is over 100000 bytes")
        assert await calling.hung_up()


def chunked_head(dialect: str) -> bytes:
    return request(path=path(dialect, "p/north")).replace(b"content-length: 0", b"transfer-encoding: chunked")


@DIALECT
async def test_who_sends_far_too_much_and_only_then_listens_hears_the_error_too(
    house: Gateway, dialect: str
) -> None:
    heard = await ask(house.port, request(b"a" * 5_000_000, path(dialect, "p/north")))

    told(heard, dialect, errors.BodyTooLarge, "the body is over 100000 bytes")


@DIALECT
async def test_a_body_at_the_limit_is_not_over_it(house: Gateway, dialect: str) -> None:
    asked = question(dialect, "p/north")
    heard = await ask(house.port, request(asked.ljust(100_000), path(dialect, "p/north")))

    assert heard.status == 200


BOMBS = {
    "one huge header": [f"x: {'a' * 9_000}"],
    "one enormous header": [f"x: {'a' * 900_000}"],
    "many headers": ["x: y"] * 3_000,
}


@DIALECT
@pytest.mark.parametrize("dripped", [False, True], ids=["in one packet", "dripped"])
@pytest.mark.parametrize("headers", BOMBS.values(), ids=BOMBS)
async def test_a_head_over_the_limit(house: Gateway, dialect: str, headers: list[str], dripped: bool) -> None:
    data = asking(dialect, "p/north", headers=headers)
    async with caller(house.port) as calling:
        if dripped:
            for begin in range(0, 8_400, 600):
                calling.writer.write(data[begin : begin + 600])
                await asyncio.sleep(0.005)
        else:
            calling.writer.write(data)
        rough(await calling.hear(), 431, "headers_too_large", "the request's head is over 8192 bytes")
        assert await calling.hung_up()


@DIALECT
async def test_a_head_just_below_the_limit_is_read(house: Gateway, dialect: str) -> None:
    headers = [f"x: {'a' * 7_500}"]
    heard = await ask(house.port, asking(dialect, "p/north", headers=headers))

    assert heard.status == 200


async def dripping(calling: Caller, data: bytes, pieces_max: int = 60) -> None:
    """Send a byte each 50 ms, until nobody wants them any more."""
    for begin in range(min(len(data), pieces_max)):
        calling.writer.write(data[begin : begin + 1])
        await asyncio.sleep(0.05)


@pytest.mark.slow
@DIALECT
async def test_a_head_that_drips(house: Gateway, dialect: str) -> None:
    async with caller(house.port) as calling:
        drip = asyncio.create_task(dripping(calling, request(path=path(dialect, "p/north"))))
        heard = await calling.hear()
        drip.cancel()
        rough(heard, 408, "request_timeout", "the request's head was not whole after 1 s")
        assert await calling.hung_up()


@pytest.mark.slow
@DIALECT
async def test_a_body_that_drips(house: Gateway, partner: Sparring, dialect: str) -> None:
    before = partner.asked
    data = asking(dialect, "p/north")
    at = data.index(b"\r\n\r\n") + 4
    async with caller(house.port) as calling:
        await calling.say(data[:at])
        drip = asyncio.create_task(dripping(calling, data[at:]))
        heard = await calling.hear()
        drip.cancel()
        told(heard, dialect, errors.SlowClient, "the request was not whole after 1 s")
        assert await calling.hung_up()
    assert partner.asked == before


@pytest.mark.slow
@DIALECT
async def test_a_body_that_never_comes(house: Gateway, dialect: str) -> None:
    async with caller(house.port) as calling:
        await calling.say(request(path=path(dialect, "p/north")).replace(b"length: 0", b"length: 50"))
        told(await calling.hear(), dialect, errors.SlowClient, "the request was not whole after 1 s")
        assert await calling.hung_up()


async def test_a_caller_who_leaves_in_the_middle_of_a_request_costs_nothing(
    house: Gateway, partner: Sparring
) -> None:
    before = partner.asked
    async with caller(house.port) as calling:
        await calling.say(request(question("chat", "p/north"))[:-5])
        await asyncio.sleep(0.05)
        calling.leave()
    heard = await ask(house.port, request(question("chat", "p/north")))

    assert (heard.status, partner.asked) == (200, before + 1)


@DIALECT
async def test_a_caller_who_leaves_midway_hangs_up_on_the_provider(
    house: Gateway, slow: Sparring, dialect: str
) -> None:
    before = slow.hangups
    async with caller(house.port) as calling:
        await calling.say(asking(dialect, "slow", stream=True))
        head = await calling.reader.readuntil(b"\r\n\r\n")
        await calling.reader.readuntil(b"\r\n\r\n" if dialect == "gemini" else b"\n\n")
        calling.leave()
    await eventually(lambda: slow.hangups == before + 1)

    exchange = await ended(house, identity_in(head))
    assert (exchange.outcome, exchange.status, exchange.endpoint) == (Outcome.ABANDONED, 499, "slow/north")
    assert exchange.stream
    assert exchange.answer_bytes > 0


@DIALECT
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_caller_who_leaves_before_the_first_byte_hangs_up_on_the_provider(
    house: Gateway, partner: Sparring, dialect: str, stream: bool
) -> None:
    before, requests = partner.hangups, partner.asked
    async with caller(house.port) as calling:
        await calling.say(asking(dialect, "late", stream=stream))
        await eventually(lambda: partner.asked == requests + 1)
        calling.leave()
    await eventually(lambda: partner.hangups == before + 1)
    await eventually(lambda: house.exchanges()[-1].outcome is Outcome.ABANDONED)

    exchange = house.exchanges()[-1]
    assert (exchange.alias, exchange.status, exchange.endpoint, exchange.stream) == (
        "late",
        499,
        None,
        stream,
    )


def identity_in(head: bytes) -> str:
    return head.partition(b"x-freehold-exchange: ")[2].partition(b"\r\n")[0].decode()


async def ended(house: Gateway, identity: str) -> Any:
    await eventually(lambda: any(one.id == identity for one in house.exchanges()))
    return house.recorded(identity)


@DIALECT
async def test_a_caller_who_has_the_last_byte_and_leaves_was_answered_and_is_recorded_once(
    tmp_path: Path, dialect: str
) -> None:
    """The provider keeps its side open after the last event, and the caller does not wait for that."""
    finished = b'{"type":"response.completed","response":{"status":"completed","output":[]}}'
    last = {
        "chat": b"data: [DONE]\n\n",
        "responses": b"event: response.completed\ndata: %b\n\n" % finished,
        "messages": b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        "gemini": b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n',
    }

    async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + last[dialect])
        await asyncio.sleep(2)
        writer.close()

    server = await asyncio.start_server(talkative, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = f'[providers.t]\nbase_url = "http://127.0.0.1:{port}/v1"\ndialects = ["{dialect}"]\n'
    with gateway(tmp_path, config + aliases(t=["t/t"])) as running:
        async with caller(running.port) as calling:
            await calling.say(asking(dialect, "t", stream=True))
            heard = await calling.hear()
            calling.leave()
        await asyncio.sleep(0.3)
        journal = b"".join(path.read_bytes() for path in running.state.glob("journal/*/*.jsonl"))
    server.close()

    assert heard.whole
    assert journal.count(heard.exchange.encode()) == 1
    assert running.recorded(heard.exchange).outcome is Outcome.ANSWERED


@DIALECT
async def test_a_provider_that_announces_more_than_it_sends(house: Gateway, dialect: str) -> None:
    heard = await ask(house.port, asking(dialect, "p/length-long"))

    message = "no endpoint answered: the provider closed the connection in the middle of its answer"
    told(heard, dialect, errors.AllEndpointsFailed, message)
    assert [attempt.outcome for attempt in house.recorded(heard.exchange).attempts] == ["reset"]


@DIALECT
async def test_a_provider_that_announces_less_than_it_sends(house: Gateway, dialect: str) -> None:
    """What is inside the announced length is no whole JSON text, and is not passed on as if it were."""
    heard = await ask(house.port, asking(dialect, "p/length-short"))

    error = heard.json()["error"]
    assert (heard.status, stable(error)["code"]) == (502, "all_endpoints_failed")
    assert [attempt.outcome for attempt in house.recorded(heard.exchange).attempts] == ["garbage"]


@DIALECT
@pytest.mark.parametrize("fault", ["cut", "cut-event", "cut-reset", "ends-early"])
async def test_a_stream_that_breaks_off_ends_with_the_dialects_error_event(
    house: Gateway, dialect: str, fault: str
) -> None:
    heard = await ask(house.port, asking(dialect, f"p/{fault}", stream=True))

    last = heard.events()[-1]
    assert (heard.status, heard.whole) == (200, True)
    said = stable(last["error"])
    assert (said["code"], said["remedy"]) == ("answer_cut", errors.AnswerCut.remedy)
    assert last.get("type") == ("error" if dialect in ("messages", "responses") else None)
    assert heard.body.endswith(b"data: " + json.dumps(last, separators=(",", ":")).encode() + b"\n\n")
    exchange = house.recorded(heard.exchange)
    assert (exchange.outcome, exchange.code) == (Outcome.CUT, "answer_cut")


@DIALECT
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_provider_with_a_bad_certificate(
    house: Gateway, stranger: Sparring, dialect: str, stream: bool
) -> None:
    heard = await ask(house.port, asking(dialect, "stranger", stream=stream))

    error = heard.json()["error"]
    assert (heard.status, stable(error)["code"]) == (502, "all_endpoints_failed")
    assert error["message"].startswith("no endpoint answered: the certificate of 127.0.0.1 does not hold: ")
    assert [attempt.outcome for attempt in house.recorded(heard.exchange).attempts] == ["tls"]
    assert len(stranger.requests) == 0


@pytest.mark.parametrize("where", ["/", "/v1", "/v2/chat/completions", "/v1/chat/completions/", "/v1/../x"])
async def test_an_unknown_path(house: Gateway, where: str) -> None:
    heard = await ask(house.port, request(b"{}", where))

    told(heard, "chat", errors.NotFound, f"there is nothing at {where}")


@pytest.mark.parametrize("method", ["countTokens", "predict"])
async def test_a_method_of_googles_that_is_not_served(house: Gateway, method: str) -> None:
    heard = await ask(house.port, request(b"{}", f"/v1beta/models/p/north:{method}"))

    told(heard, "gemini", errors.NotFound, f"there is nothing at /v1beta/models/p/north:{method}")


METHODS = [
    ("GET", "/v1/chat/completions", "POST", "chat"),
    ("DELETE", "/v1/messages", "POST", "messages"),
    ("PUT", "/v1/embeddings", "POST", "chat"),
    ("GET", "/v1/responses", "POST", "chat"),
    ("GET", "/v1/messages/count_tokens", "POST", "messages"),
    ("GET", "/v1beta/models/p/north:generateContent", "POST", "gemini"),
    ("PUT", "/v1/models/m:embedContent", "POST", "gemini"),
    ("POST", "/v1beta/models", "GET", "gemini"),
    ("POST", "/v1beta/models/m", "GET", "gemini"),
    ("POST", "/v1/models", "GET", "chat"),
    ("POST", "/metrics", "GET", "chat"),
    ("OPTIONS", "/v1/chat/completions", "POST", "chat"),
]


@pytest.mark.parametrize(("method", "where", "allowed", "dialect"), METHODS)
async def test_a_wrong_method(house: Gateway, method: str, where: str, allowed: str, dialect: str) -> None:
    heard = await ask(house.port, request(b"", where, method=method), method)

    told(heard, dialect, errors.MethodNotAllowed, f"{where} is asked with {allowed}, not {method}")
    assert heard.headers["allow"].split(", ")[0] == allowed


@DIALECT
@pytest.mark.parametrize("coding", ["gzip", "br", "Identity, gzip"])
async def test_a_compressed_request(house: Gateway, dialect: str, coding: str) -> None:
    asked = asking(dialect, "p/north", headers=[f"content-encoding: {coding}"])

    heard = await ask(house.port, asked)

    told(heard, dialect, WRONG, "`content-encoding`: compressed requests are not accepted")


NOT_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "words": b"hello\r\n\r\n",
    "a length and chunks": request(b"{}", headers=["transfer-encoding: chunked"]),
    "two lengths": request(b"{}", headers=["content-length: 1"]),
    "a length that is no number": request(b"{}").replace(b"length: 2", b"length: two"),
    "a chunk size that is no number": chunked_head("chat") + b"two\r\n{}\r\n",
    "a space before the colon": request(b"{}", headers=["x : y"]),
}


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_bytes_that_are_not_http(house: Gateway, data: bytes) -> None:
    async with caller(house.port) as calling:
        await calling.say(data)
        rough(await calling.hear(), 400, "bad_request", "the request is not valid HTTP/1.1")
        assert await calling.hung_up()


async def test_requests_in_one_packet_are_answered_in_turn(house: Gateway) -> None:
    models = ["p/slow-first-byte=200ms", "p/north", "nobody", "p/slow-first-token=50ms"]
    asked = [request(question("chat", model, stream=index == 3)) for index, model in enumerate(models)]
    async with caller(house.port) as calling:
        await calling.say(b"".join(asked))
        heard = [await calling.hear() for _ in models]

    assert [one.status for one in heard] == [200, 200, 404, 200]
    assert [house.recorded(one.exchange).alias for one in heard] == models


@DIALECT
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "file://", "http://[::1"]
)
async def test_a_page_of_another_origin(house: Gateway, partner: Sparring, dialect: str, origin: str) -> None:
    before = partner.asked
    asked = asking(dialect, "p/north", headers=[f"origin: {origin}"])

    heard = await ask(house.port, asked)

    told(
        heard,
        dialect,
        errors.CrossOrigin,
        "a web page of another origin may not call a gateway that asks for no key",
    )
    assert partner.asked == before


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080"])
async def test_a_page_of_this_machine_may_ask(house: Gateway, origin: str) -> None:
    heard = await ask(house.port, request(question("chat", "p/north"), headers=[f"origin: {origin}"]))

    assert heard.status == 200


@DIALECT
async def test_who_expects_to_be_told_to_go_on_is_told(house: Gateway, dialect: str) -> None:
    data = asking(dialect, "p/north", headers=["expect: 100-continue"])
    at = data.index(b"\r\n\r\n") + 4
    async with caller(house.port) as calling:
        await calling.say(data[:at])
        assert await calling.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await calling.say(data[at:])
        heard = await calling.hear()

    assert (heard.status, heard.whole) == (200, True)


@DIALECT
async def test_who_expects_to_send_too_much_is_refused_at_once(house: Gateway, dialect: str) -> None:
    head = request(path=path(dialect, "p/north"), headers=["expect: 100-continue"])
    async with caller(house.port) as calling:
        await calling.say(head.replace(b"length: 0", b"length: 100001"))
        heard = await calling.hear()

    told(heard, dialect, errors.BodyTooLarge, "the body is over 100000 bytes")
    assert heard.interim == ()


@DIALECT
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_caller_of_http_1_0_gets_an_answer_it_can_read(
    house: Gateway, dialect: str, stream: bool
) -> None:
    asked = question(dialect, "p/north", stream=stream)
    async with caller(house.port) as calling:
        await calling.say(request(asked, path(dialect, "p/north", stream), version="1.0"))
        heard = await calling.hear()
        assert await calling.hung_up()

    assert heard.status == 200
    assert "transfer-encoding" not in heard.headers  # HTTP/1.0 knows no chunks


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/v1/models"])
async def test_head_is_get_without_a_body(house: Gateway, path: str) -> None:
    async with caller(house.port) as calling:
        await calling.say(request(path=path, method="HEAD") + request(path="/healthz", method="GET"))
        head = await calling.hear("HEAD")
        after = await calling.hear("GET")

    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    assert after.json() == {"status": "ok"}


@DIALECT
async def test_an_offer_to_speak_another_protocol_is_not_taken_up(house: Gateway, dialect: str) -> None:
    """Java's own client makes it with every first request over plain HTTP."""
    offer = ["connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAEAAEAAAAIAAAAB"]

    heard = await ask(house.port, asking(dialect, "p/north", headers=offer))

    assert (heard.status, heard.whole) == (200, True)
