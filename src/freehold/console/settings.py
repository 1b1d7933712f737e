"""What of [console] cannot be used: faults of the file, and what this machine lacks. Imports nothing heavy."""

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from freehold.config.document import Document
from freehold.config.environment import Environment, is_loopback
from freehold.config.places import KeyPath
from freehold.config.schema import Console, Oidc
from freehold.vocabulary.errors import ConfigError


def problems(console: Console, document: Document) -> Iterator[ConfigError]:
    """Every fault of the file."""
    if console.url is not None and not _is_base(console.url):
        yield document.problem(
            ("console", "url"),
            f'"{console.url}" is not where people could reach the console',
            'Write scheme and host alone, like "https://freehold.example.com".',
        )
    if console.oidc is not None:
        yield from _oidc_problems(console.oidc, document)


def lacking(oidc: Oidc, env: Environment, document: Document | None = None) -> ConfigError | None:
    """Why nobody can sign in with OpenID Connect here, whatever the file says."""
    document = document or Document()
    path: KeyPath = ("console", "oidc")
    if find_spec("authlib") is None:
        remedy = 'Run `pip install "freehold[oidc]"`; until then tokens are the only way in.'
        return document.problem(path, "the library authlib is not installed", remedy)
    name = oidc.client_secret_env
    if name is not None and not env.get(name, "").strip():
        remedy = f"Set {name}; until then tokens are the only way in."
        return document.problem((*path, "client_secret_env"), f"{name} is not set", remedy)
    return None


def _oidc_problems(oidc: Oidc, document: Document) -> Iterator[ConfigError]:
    path: KeyPath = ("console", "oidc")
    parts = urlsplit(oidc.issuer)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not is_safe or not parts.hostname or parts.query or parts.fragment:
        yield document.problem(
            (*path, "issuer"),
            f'"{oidc.issuer}" cannot be an issuer',
            "Write it as the provider's own configuration names it, beginning with https://.",
        )
    if "openid" not in oidc.scopes:
        yield document.problem(
            (*path, "scopes"), '`scopes` lacks "openid", without which nobody is identified', 'Add "openid".'
        )
    if not (oidc.roles.viewer or oidc.roles.operator or oidc.roles.admin):
        yield document.problem(
            (*path, "roles"),
            "no role is given to anybody, so nobody could come in",
            'Add a table [console.oidc.roles], with viewer = ["*"] for everybody who can sign in there.',
        )


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and has_port
        and url == f"{parts.scheme}://{parts.netloc}"
        and "@" not in parts.netloc
    )
