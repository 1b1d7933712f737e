"""One configured provider, turned into what a request to it needs: URLs, headers, trust, proxy."""

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from freehold.catalog.providers import PATHS, Row, providers
from freehold.config.document import Document
from freehold.config.environment import Environment, first_set, is_loopback, proxy_for
from freehold.config.schema import Provider
from freehold.config.shape import nearest
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import ConfigError

MESSAGES_VERSION = ("anthropic-version", "2023-06-01")

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]*")
_KEY = re.compile(r"[\x21-\x7e]+")
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account at one provider. `headers` carry its credentials, which a repr must never show."""

    name: str
    urls: Mapping[Dialect, str]  # the whole URL for each dialect, the preferred dialect first
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)  # may hold the proxy's password


@dataclass(frozen=True, slots=True)
class Draft:
    """A provider's table while it is being resolved. Errors and warnings gather; none stops the others."""

    name: str
    given: Provider
    env: Environment
    document: Document
    errors: list[ConfigError]
    warnings: list[ConfigError]

    def error(self, key: str, message: str, remedy: str) -> None:
        self.errors.append(self._problem(key, message, remedy))

    def warn(self, key: str, message: str, remedy: str) -> None:
        self.warnings.append(self._problem(key, message, remedy))

    def _problem(self, key: str, message: str, remedy: str) -> ConfigError:
        return self.document.problem(("providers", self.name, key), message, remedy)


def account(draft: Draft) -> Account | None:
    """The account that the table describes; None when an error keeps it from being one."""
    before = len(draft.errors)
    if "/" in draft.name or "*" in draft.name or not draft.name.strip():
        draft.error("", f'a provider cannot be called "{draft.name}"', "Choose a name without `/` and `*`.")
    row = _row(draft)
    if row is None:
        return None
    urls = _urls(draft, row)
    headers = dict(_headers(draft))
    key = _key(draft, row, urls)
    proxy = proxy_for(next(iter(urls.values()), ""), draft.env)
    if proxy and not proxy.startswith("http://"):
        draft.error(
            "", "HTTPS_PROXY is not an http:// address", 'Set it like "http://proxy.example.com:3128".'
        )
    if len(draft.errors) > before:
        return None
    if key is not None:
        credentials = ("authorization", f"Bearer {key}") if row.auth == "bearer" else ("x-api-key", key)
        headers.setdefault(*credentials)
    if Dialect.MESSAGES in urls:
        headers.setdefault(*MESSAGES_VERSION)
    return Account(draft.name, MappingProxyType(urls), tuple(headers.items()), draft.given.ca_file, proxy)


def _row(draft: Draft) -> Row | None:
    """The catalog's row, changed by what the table says; a kind that no row has needs a base_url."""
    given, kind = draft.given, draft.given.kind or draft.name
    row = providers().get(kind)
    if row is None and (given.kind is not None or given.base_url is None):
        meant = nearest(kind, providers())
        key = "base_url" if given.kind is None else "kind"
        draft.error(
            key,
            f'no provider "{kind}" is known' + ("" if given.kind else ", and it has no base_url"),
            (f'Write kind = "{meant}"' if meant else f"Write kind = one of {', '.join(providers())}")
            + ', or leave `kind` out and give base_url = "https://...".',
        )
        return None
    if row is None:
        row = Row(kind, "", (Dialect.CHAT, Dialect.EMBEDDINGS), source=draft.document.file, read=date.min)
    base_url = given.base_url or row.base_url
    return Row(
        name=row.name,
        base_url=base_url.rstrip("/"),
        dialects=given.dialects if given.dialects is not None else row.dialects,
        source=row.source,
        read=row.read,
        auth=row.auth,
        bases={} if given.base_url else row.bases,
        key_env=(given.key_env,) if given.key_env else row.key_env,
        local=row.local,
    )


def _urls(draft: Draft, row: Row) -> dict[Dialect, str]:
    if not row.dialects:
        draft.error("dialects", "`dialects` is empty", 'Name what it speaks, e.g. dialects = ["chat"].')
    if fault := _url_fault(row.base_url):  # the URL itself is not repeated: it may hold a password
        draft.error("base_url", f"base_url {fault}", 'Write it like "https://api.example.com/v1".')
    if draft.given.ca_file and not Path(draft.given.ca_file).is_file():
        draft.error("ca_file", f"there is no file {draft.given.ca_file}", "Name a file of PEM certificates.")
    return {dialect: row.bases.get(dialect, row.base_url) + PATHS[dialect] for dialect in row.dialects}


def _url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "does not begin with http:// or https:// and a host"
    if parts.username or parts.password:
        return "holds credentials, which belong into key_env or key_file"
    if parts.query or parts.fragment:
        return "holds a query or a fragment"
    for dialect, path in PATHS.items():
        if url.endswith(path):
            return f"is the URL of one call ({dialect}), not the base of all"
    return None


def _headers(draft: Draft) -> Iterator[tuple[str, str]]:
    for name, value in draft.given.headers.items():
        if name.lower() in _FRAMING:
            draft.error("headers", f'header "{name}" is set by the connection itself', "Leave it out.")
        elif not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            draft.error(
                "headers", f'header "{name}" is not a valid HTTP header', "Use one line of Latin text."
            )
        else:
            yield name.lower(), value


def _key(draft: Draft, row: Row, urls: Mapping[Dialect, str]) -> str | None:
    """The key, if there is one. Only a server on this machine, or one that no row knows, may go without."""
    if draft.given.key_env and draft.given.key_file:
        draft.error("key_file", "key_env and key_file are both given", "Keep one of them.")
        return None
    if draft.given.key_file:
        key, origin = _key_in_file(draft, Path(draft.given.key_file)), "key_file"
    else:
        name = first_set(row.key_env, draft.env)
        key, origin = (draft.env[name].strip() if name else None), name or "key_env"
    hosts = {urlsplit(url).hostname or "" for url in urls.values()}
    local = row.local or all(is_loopback(host) for host in hosts)
    if key is None:
        if row.key_env and not (local or draft.given.key_file or _brings_its_own(draft, row)):
            _report_missing(draft, row)
        return None
    if not _KEY.fullmatch(key):
        draft.error("key_env", f"the key in {origin} holds blanks or control characters", "Copy it again.")
    elif row.base_url.startswith("http://") and not local:
        draft.warn("base_url", "the key and all prompts travel unencrypted", "Use an https:// base_url.")
    return key


def _brings_its_own(draft: Draft, row: Row) -> bool:
    wanted = "authorization" if row.auth == "bearer" else "x-api-key"
    return any(name.lower() == wanted for name in draft.given.headers)


def _report_missing(draft: Draft, row: Row) -> None:
    names = " or ".join(row.key_env)
    draft.error(
        "key_env",
        f'provider "{draft.name}" has no key: {names} is not set',
        f"Set {row.key_env[0]}, or name a key_file in [providers.{draft.name}], or remove the table.",
    )


def _key_in_file(draft: Draft, path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not plain text"
        draft.error(
            "key_file", f"key_file {path} cannot be read: {why}", "Name a readable file with the key."
        )
        return None
    if not key:
        draft.error("key_file", f"key_file {path} is empty", "Put the key into it.")
    elif stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        draft.warn("key_file", f"key_file {path} can be read by others", f"Run `chmod 600 {path}`.")
    return key or None
