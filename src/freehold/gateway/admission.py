"""Who may come in: keys, and how many at once.

Does not protect: what a key's holder does with it, or a gateway without keys from other users of the machine.
"""

import time
from urllib.parse import urlsplit

from freehold.config.environment import is_loopback
from freehold.config.schema import Server
from freehold.gateway.client import Client
from freehold.gateway.draft import Draft
from freehold.gateway.keys import Key, KeyRing
from freehold.gateway.metrics import Metrics
from freehold.vocabulary.errors import CrossOrigin, KeyNotAllowed, MissingKey, Overloaded

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
        wanted = self._settings.keys
        return wanted if wanted is not None else not self._ring.empty

    def admit(self, client: Client, draft: Draft) -> Key | None:
        """Name the application of a request. Raises CallerError (key, origin) or Overloaded."""
        key = self.identify(client)
        draft.application = ANONYMOUS if key is None else key.name
        draft.key = None if key is None else key.id
        if self._metrics.in_flight > self._settings.in_flight_max:
            raise Overloaded(f"more than {self._settings.in_flight_max} requests are in flight")
        return key

    def identify(self, client: Client) -> Key | None:
        """The caller's key; None where none is asked for. Raises CallerError."""
        if not self.asks_for_keys:
            _refuse_strange_pages(client)
            return None
        return self._ring.find(_secret(client), time.time_ns() // 1_000_000)

    def allows(self, key: Key | None, alias: str) -> bool:
        """Whether an alias may be asked for."""
        return key is None or self._ring.allows(key, alias)

    def allow(self, key: Key | None, alias: str) -> None:
        """Raises KeyNotAllowed."""
        if key is not None and not self._ring.allows(key, alias):
            raise KeyNotAllowed(f"the key {key.id} of `{key.name}` may not ask for `{alias[:200]}`")


def _secret(client: Client) -> bytes:
    headers = client.headers
    bearer = headers.get(b"authorization")
    if bearer is not None and bearer[:7].lower() == b"bearer ":
        return bearer[7:].strip()
    secret = headers.get(b"x-api-key")
    if secret is None:
        raise MissingKey("the request carries no key")
    return secret


def _refuse_strange_pages(client: Client) -> None:
    """Without keys, any web page in a browser on this machine could spend the company's money."""
    origin = client.headers.get(b"origin")
    if origin is not None and not is_loopback(urlsplit(origin.decode("latin-1")).hostname or ""):
        raise CrossOrigin("a web page of another origin may not call a gateway that asks for no key")
