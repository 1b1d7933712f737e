"""Every error of the project. Each has a stable code, an HTTP status and a remedy.

FreeholdError
├── CallerError             the request cannot be served as it stands (4xx)
│   ├── BadRequest, InvalidJSON, UnsupportedField, NotFound, MethodNotAllowed, UnknownModel
│   ├── MissingKey, InvalidKey, ExpiredKey, KeyNotAllowed, CrossOrigin
│   └── BodyTooLarge, HeadersTooLarge, SlowClient
├── ServiceError            the request was fine; we could not serve it (5xx, 429)
│   ├── AllEndpointsFailed, AllEndpointsBusy, DeadlineExceeded, NoEndpointSpeaks, NoEligibleEndpoint
│   ├── LedgerUnavailable, Draining, Overloaded
│   └── AnswerCut           after the first byte: told in the stream, not by a status
├── UpstreamFailed          one attempt failed; routing decides what follows
├── Unattested              a provider was asked how it treats us, and did not say
├── Unverified              a proof, a signature or a log is not what it should be
├── TrainingStopped         a training cannot go on; what it has saved is kept
└── ConfigError             with file, line and column
"""

from enum import StrEnum


class FreeholdError(Exception):
    """Root of the tree. The message says what happened; `remedy` says what to do about it."""

    code = "internal"
    status = 500
    remedy = "This is a defect in Freehold; please report it with the exchange id."

    def __init__(
        self, message: str, *, remedy: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        if remedy is not None:
            self.remedy = remedy


class CallerError(FreeholdError):
    """The request cannot be served as it stands."""

    code, status = "bad_request", 400
    remedy = "Correct the request and send it again."


class BadRequest(CallerError):
    """A field has a wrong type or value, or is missing."""


class InvalidJSON(CallerError):
    """The body is not JSON."""

    code = "invalid_json"
    remedy = "Send one JSON object, encoded as UTF-8."


class UnsupportedField(CallerError):
    """A field that changes the meaning cannot be carried to the endpoint's dialect."""

    code = "unsupported_field"
    remedy = "Leave the field out, or ask for an alias whose endpoints speak the same dialect."


class NoThread(UnsupportedField):
    """A conversation cannot be kept where it would be carried on."""

    code = "thread_unsupported_request"  # Anthropic's word: at this one, its SDK goes on without threads
    remedy = "Send the whole conversation with every request, without `thread`."


class NotFound(CallerError):
    """No such path."""

    code, status = "not_found", 404
    remedy = (
        "The paths are listed in docs/architecture.md; check the base URL ends in /v1 for OpenAI clients."
    )


class MethodNotAllowed(CallerError):
    """The path exists, the method does not."""

    code, status = "method_not_allowed", 405
    remedy = "Use the method the error names."


class UnknownModel(CallerError):
    """No alias has that name."""

    code, status = "unknown_model", 404
    remedy = "Ask for one of the names that GET /v1/models lists."


class MissingKey(CallerError):
    """No key was sent."""

    code, status = "missing_key", 401
    remedy = "Send `Authorization: Bearer KEY` or `x-api-key: KEY`; `freehold keys create` makes one."


class InvalidKey(CallerError):
    """The key is not one of ours, or was revoked."""

    code, status = "invalid_key", 401
    remedy = "Check the key, or create a new one with `freehold keys create`."


class ExpiredKey(CallerError):
    """The key's time is over."""

    code, status = "expired_key", 401
    remedy = "Create a new key with `freehold keys create`."


class KeyNotAllowed(CallerError):
    """The key may not use this alias."""

    code, status = "key_not_allowed", 403
    remedy = "Ask for an allowed alias, or create a key that names this one."


class CrossOrigin(CallerError):
    """A web page of another origin called a gateway that asks for no key."""

    code, status = "cross_origin", 403
    remedy = "Call from a program or from your own server: browsers are offered no cross-origin access."


class BodyTooLarge(CallerError):
    """The body is over the limit."""

    code, status = "body_too_large", 413
    remedy = "Send less, or raise `server.body_bytes_max`."


class HeadersTooLarge(CallerError):
    """The head of the request is over the limit."""

    code, status = "headers_too_large", 431
    remedy = "Send fewer or shorter headers, or raise `server.head_bytes_max`."


class SlowClient(CallerError):
    """The request did not arrive in time."""

    code, status = "request_timeout", 408
    remedy = "Send the whole request within `server.request_s`."


class ServiceError(FreeholdError):
    """The request was fine; it could not be served now."""

    code, status = "service_error", 502
    remedy = "Try again later; `freehold ledger show` with the exchange id tells what was tried."


class AllEndpointsFailed(ServiceError):
    """Every endpoint of the alias was tried, and none answered."""

    code, status = "all_endpoints_failed", 502


class AllEndpointsBusy(ServiceError):
    """Every endpoint of the alias has asked us to wait, or is at a limit."""

    code, status = "all_endpoints_busy", 429
    remedy = "Wait as long as Retry-After says, or add an endpoint to the alias."


class DeadlineExceeded(ServiceError):
    """No answer came within the exchange's deadline."""

    code, status = "deadline_exceeded", 504
    remedy = "Raise the deadlines under [timeouts], or add a faster endpoint to the alias."


class NoEndpointSpeaks(ServiceError):
    """No endpoint of the alias offers this kind of call."""

    code, status = "no_endpoint_speaks", 400
    remedy = "Ask for an alias with an endpoint that offers this route."


class NoEligibleEndpoint(ServiceError):
    """Policy allows none of the alias's endpoints to see the request."""

    code, status = "no_eligible_endpoint", 403
    remedy = "`freehold policy explain --exchange ID` tells what would have to change."


class LedgerUnavailable(ServiceError):
    """The journal cannot be written, and what cannot be recorded is not sent."""

    code, status = "ledger_unavailable", 503
    remedy = "Free disk space or repair the state directory; see /readyz for the reason."


class Draining(ServiceError):
    """The process is about to stop."""

    code, status = "draining", 503
    remedy = "Try again; another process answers, or this one is back in a moment."


class Overloaded(ServiceError):
    """More requests are in flight than allowed."""

    code, status = "overloaded", 503
    remedy = "Try again in a moment, or raise `server.in_flight_max`."


class AnswerCut(ServiceError):
    """The provider's stream broke off after its first byte was passed on."""

    code = "answer_cut"
    remedy = "Discard the partial answer and ask again."


class Fault(StrEnum):
    """What went wrong in one attempt. Part of the ledger's format: values are never reused."""

    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_FIRST_BYTE = "timeout_first_byte"
    TIMEOUT_FIRST_TOKEN = "timeout_first_token"  # noqa: S105 - a token of text
    TIMEOUT_IDLE = "timeout_idle"
    TIMEOUT_TOTAL = "timeout_total"
    RESET = "reset"  # the connection closed before the answer was whole
    GARBAGE = "garbage"  # bytes that are no answer in the endpoint's dialect
    TOO_LARGE = "too_large"
    STATUS = "status"  # an HTTP status that says: not now, not here
    ERROR_EVENT = "error_event"  # an error told inside a 200 answer
    EMPTY = "empty"
    UNFIT = "unfit"  # the request has a field that the endpoint's dialect cannot carry
    BREAKER_OPEN = "breaker_open"
    COOLING = "cooling"  # the provider asked us to wait (Retry-After)
    POLICY = "policy"  # not allowed by policy
    LIMITED = "limited"  # at a limit of its own
    HEDGED = "hedged"  # lost the race to another endpoint
    REFUSED = "refused"  # the provider refused, and policy lets the next one be asked


class UpstreamFailed(FreeholdError):
    """One attempt failed. `retry_after_s` is the provider's own wish, if it stated one.

    `summary` is in our words. `said` is in the provider's, or a parser's about what came: it may quote a prompt.
    """

    code, status = "upstream_failed", 502
    remedy = "See the attempt on the ledger."

    def __init__(
        self,
        fault: Fault,
        message: str,
        *,
        said: str = "",
        http_status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{message}: {said}" if said else message, retry_after_s=retry_after_s)
        self.summary, self.said = message, said
        self.fault = fault
        self.http_status = http_status


class Unattested(FreeholdError):
    """A provider did not say, in words that it documents, how an account or a model is treated."""

    code, status = "unattested", 502
    remedy = "Nothing was recorded; ask again later. What was attested before holds until its end."


class Unverified(FreeholdError):
    """A proof, a signature or a log is not what it should be."""

    code = "unverified"
    remedy = "Do not rely on it; `freehold ledger verify` names everything that does not fit."


class TrainingStopped(FreeholdError):
    """The training of an own model cannot go on: a loss that is no number, a full disk. What it has saved is kept."""

    code, status = "training_stopped", 500


class ConfigError(FreeholdError):
    """The configuration cannot be used; says where and what to do."""

    code = "config"
    remedy = "Correct the file and run `freehold check`."

    def __init__(
        self, message: str, *, remedy: str | None = None, file: str = "", line: int = 0, column: int = 0
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.file, self.line, self.column = file, line, column

    def __str__(self) -> str:
        place = (
            f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        )
        return f"{place}{self.message}"
