"""Errors in the caller's dialect, and what providers mean by theirs."""

import json

import openai
import pytest
from anthropic.types import ErrorResponse
from hypothesis import given
from hypothesis import strategies as st

from freehold.dialects.errors import (
    MESSAGE_CHARS,
    ProviderError,
    about_account,
    about_content,
    error_body,
    error_event,
    read_error,
)
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import (
    AllEndpointsBusy,
    AnswerCut,
    BadRequest,
    BodyTooLarge,
    DeadlineExceeded,
    Draining,
    FreeholdError,
    KeyNotAllowed,
    MissingKey,
    SlowClient,
    UnknownModel,
)

CHAT, MESSAGES = Dialect.CHAT, Dialect.MESSAGES


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("x"), "invalid_request_error"),
        (MissingKey("x"), "authentication_error"),
        (KeyNotAllowed("x"), "permission_error"),
        (UnknownModel("x"), "not_found_error"),
        (SlowClient("x"), "timeout_error"),
        (BodyTooLarge("x"), "request_too_large"),
        (AllEndpointsBusy("x"), "rate_limit_error"),
        (FreeholdError("x"), "api_error"),
        (AnswerCut("x"), "api_error"),
        (Draining("x"), "overloaded_error"),
        (DeadlineExceeded("x"), "timeout_error"),
    ],
)
def test_an_error_has_the_callers_form_and_our_code_and_remedy(error: FreeholdError, kind: str) -> None:
    ours = {"message": "x", "type": kind, "code": error.code, "remedy": error.remedy, "exchange": "ex1"}

    assert json.loads(error_body(CHAT, error, "ex1")) == {"error": ours | {"param": None}}
    assert json.loads(error_body(Dialect.EMBEDDINGS, error, "ex1")) == {"error": ours | {"param": None}}
    assert json.loads(error_body(MESSAGES, error, "ex1")) == {
        "type": "error",
        "error": ours,
        "request_id": "ex1",
    }
    if kind != "request_too_large":  # documented by Anthropic, though not in its SDK's list
        ErrorResponse.model_validate_json(error_body(MESSAGES, error, "ex1"))


def test_an_error_in_a_stream_is_one_event() -> None:
    error = AnswerCut("cut")

    assert error_event(CHAT, error, "e") == b"data: " + error_body(CHAT, error, "e") + b"\n\n"
    assert (
        error_event(MESSAGES, error, "e")
        == b"event: error\ndata: " + error_body(MESSAGES, error, "e") + b"\n\n"
    )


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (
            '{"error":{"message":"no","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}',
            ProviderError("insufficient_quota", "insufficient_quota", "no"),
        ),
        (
            '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}',
            ProviderError("overloaded_error", "", "Overloaded"),
        ),
        (
            '{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[]}}',
            ProviderError("INVALID_ARGUMENT", "400", "API key not valid."),
        ),
        ('[{"error":{"code":429,"message":"m","status":"S"}}]', ProviderError("S", "429", "m")),
        ('{"detail":"Not Found"}', ProviderError(message="Not Found")),
        (
            '{"detail":[{"loc":["body"],"msg":"bad"}]}',
            ProviderError(message='[{"loc":["body"],"msg":"bad"}]'),
        ),
        (
            '{"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}',
            ProviderError("BadRequestError", "400", "bad"),
        ),
        (
            '{"code":"Some requested entity was not found","error":"The model does not exist"}',
            ProviderError("", "Some requested entity was not found", "The model does not exist"),
        ),
        ("upstream connect error", ProviderError(message="upstream connect error")),
        ("", ProviderError()),
        ("null", ProviderError()),
        ("[]", ProviderError(message="[]")),
    ],
)
def test_any_providers_error_is_read(body: str, read: ProviderError) -> None:
    assert read_error(body.encode()) == read


@given(st.binary(max_size=200) | st.text(max_size=4_000).map(str.encode))
def test_reading_an_error_never_fails_and_is_bounded(body: bytes) -> None:
    assert len(read_error(body).message) <= MESSAGE_CHARS


@pytest.mark.parametrize(
    ("status", "error", "content", "account"),
    [
        (400, ProviderError("invalid_request_error", "content_policy_violation", "m"), True, False),
        (400, ProviderError("", "content_filter", "m"), True, False),
        (400, ProviderError("", "DataInspectionFailed", "m"), True, False),
        (400, ProviderError("", "", "triggering Azure OpenAI's content management policy"), True, False),
        (403, ProviderError("", "", "Content violates usage guidelines."), True, False),
        (403, ProviderError("permission_error", "", "Content violates usage guidelines."), True, False),
        (403, ProviderError("", "403", "Your input was flagged"), True, False),
        (403, ProviderError(message="Forbidden"), True, False),
        (403, ProviderError(), True, False),
        (403, ProviderError("permission_error", "", "Your API key does not have permission"), False, True),
        (403, ProviderError("request_forbidden", "unsupported_country_region_territory", "m"), False, True),
        (403, ProviderError("", "", "Country, region, or territory not supported"), False, True),
        (403, ProviderError("", "account_deactivated", "m"), False, True),
        (403, ProviderError("PERMISSION_DENIED", "403", "m"), False, True),
        (401, ProviderError("authentication_error", "", "invalid x-api-key"), False, True),
        (401, ProviderError(), False, True),
        (402, ProviderError("", "", "Insufficient Balance"), False, True),
        (400, ProviderError("INVALID_ARGUMENT", "400", "API key not valid. Please pass one."), False, True),
        (400, ProviderError("invalid_request_error", "", "Your credit balance is too low"), False, True),
        (400, ProviderError("invalid_request_error", "", "`messages`: billing of an api key"), False, False),
        (404, ProviderError("not_found_error", "", "model: x"), False, False),
        (429, ProviderError("rate_limit_error", "", "slow down"), False, False),
        (500, ProviderError("", "", "moderation is down"), False, False),
    ],
)
def test_refused_content_and_refused_accounts_are_told_apart(
    status: int, error: ProviderError, content: bool, account: bool
) -> None:
    assert (about_content(error, status), about_account(error, status)) == (content, account)


def test_the_openai_sdk_finds_the_code() -> None:
    body = json.loads(error_body(CHAT, MissingKey("no key"), "ex1"))["error"]

    known = openai.APIError("no key", request=None, body=body)  # type: ignore[arg-type]
    assert (known.code, known.type, known.param) == ("missing_key", "authentication_error", None)
