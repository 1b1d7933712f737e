"""Who may come in: keys, and how many at once.

Does not protect: what a key's holder does with it, or a gateway without keys from other users of the machine.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from freehold.config import clock
from freehold.config.environment import is_loopback
from freehold.config.schema import Server
from freehold.gateway.draft import Draft
from freehold.gateway.keys import Key, KeyRing
from freehold.gateway.metrics import Metrics
from freehold.vocabulary.errors import CrossOrigin, MissingKey, Overloaded

KEY_HEADERS = (b"x-api-key", b"x-goog-api-key", b"api-key")  # of Anthropic's, Google's and Azure's clients
ANONYMOUS = "local"  # the application's name where no keys are asked for


class Admission:
    """Decides on a request's head alone, before its body is read."""

    def __init__(self, settings: Server, ring: KeyRing, metrics: Metrics) -> None:
        self._settings = settings
        self._ring = ring
        self._metrics = metrics

    @property
    def asks_for_keys(self) -> bool:
        """Set by `server.keys`; where it is unset, as soon as a key exists."""
        return not self._ring.empty if self._settings.keys is None else self._settings.keys

    @property
    def trouble(self) -> str:
        """Why the keys on disk are not those in force; "" when they are."""
        return self._ring.trouble

    def admit(self, headers: Mapping[bytes, bytes], draft: Draft) -> Key | None:
        """Name the application of a request. Raises CallerError (key, origin) or Overloaded."""
        key = self.identify(headers)
        if key is None:
            draft.application = ANONYMOUS
        else:
            draft.application, draft.key = key.name, key.id
        if self._metrics.in_flight > self._settings.in_flight_max:
            raise Overloaded(f"more than {self._settings.in_flight_max} requests are in flight")
        return key

    def identify(self, headers: Mapping[bytes, bytes]) -> Key | None:
        """The caller's key; None where none is asked for. Raises CallerError."""
        if not self.asks_for_keys:
            _refuse_strange_pages(headers)
            return None
        secret = _secret(headers)
        if secret is None:
            raise MissingKey("the request carries no key")
        return self._ring.find(secret, clock.now_ms())

    def in_force(self, key: Key) -> bool:
        """Whether a key that was good when its request came in still is."""
        return self._ring.in_force(key, clock.now_ms())

    def allows(self, key: Key | None, alias: str) -> bool:
        """Whether an alias may be asked for."""
        return key is None or not key.aliases or self._ring.allows(key, alias)


def _secret(headers: Mapping[bytes, bytes]) -> bytes | None:
    bearer = headers.get(b"authorization", b"")
    if bearer[:7].lower() == b"bearer ":
        return bearer[7:].strip()
    return next((headers[name] for name in KEY_HEADERS if name in headers), None)


def _refuse_strange_pages(headers: Mapping[bytes, bytes]) -> None:
    """Without keys, any web page in a browser on this machine could spend the company's money."""
    origin = headers.get(b"origin")
    if origin is not None and not is_loopback(_host(origin.decode("latin-1"))):
        raise CrossOrigin("a web page of another origin may not call a gateway that asks for no key")


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""
