"""Signing in with OpenID Connect, at a provider that checks and one that lies: over real HTTP."""

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from freehold.config.load import Loaded, load_text
from freehold.config.schema import Oidc, Roles
from freehold.console.oidc import KNOWN_S, PENDING_S, name_of, role_of
from freehold.console.settings import lacking, problems
from freehold.ledger import query
from tests.console.identity import CLIENT, SECRET, Identities, identities
from tests.console.site import CONFIG, Page, Site, Visitor, site


class Clock:
    """Seconds, as the test has them."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


@pytest.fixture(scope="module")
def provider() -> Iterator[Identities]:
    with identities() as running:
        yield running


@pytest.fixture(scope="module")
def here(provider: Identities, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    oidc = f"""{CONFIG}[console.oidc]
issuer = "{provider.issuer}"
client_id = "{CLIENT}"
client_secret_env = "OIDC_SECRET"
[console.oidc.roles]
viewer = ["*"]
operator = ["ops", "sre"]
admin = ["platform"]
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OIDC_SECRET", SECRET)
        with site(tmp_path_factory.mktemp("oidc"), oidc, now_s=CLOCK) as running:
            yield running


@pytest.fixture(autouse=True)
def _as_it_was(provider: Identities) -> None:
    CLOCK.now += 10 * KNOWN_S
    fresh = Identities(issuer=provider.issuer, key=provider.key)
    provider.claims, provider.lies, provider.sign = fresh.claims, {}, "own"
    provider.denies, provider.told = False, []


def at_provider(url: str) -> str:
    """Go where the console sends the browser; where the provider sends it then."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    location = answer.getheader("location")
    connection.close()
    assert location is not None, answer.status
    return location


def begun(visitor: Visitor, then: str = "/keys") -> str:
    """The path back, after the provider let them in."""
    page = visitor.get(f"/sign-in/oidc?then={then}")
    assert page.status == 303, page.text
    back = urlsplit(at_provider(page.headers["location"]))
    return f"{back.path}?{back.query}"


def through(visitor: Visitor) -> Page:
    return visitor.get(begun(visitor))


def last(here: Site, kind: str) -> Any:
    return query.events(here.state, kind)[-1].about


def test_somebody_signs_in_there_and_goes_on_here(here: Site) -> None:
    visitor = here.visitor()
    page = through(visitor)

    assert page.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/keys">' in page.text
    keys = visitor.get("/keys")
    assert keys.status == 200
    assert "ana@example.com <span" in keys.text
    assert "(operator)" in keys.text
    about = {"who": "ana@example.com", "role": "operator", "way": "oidc", "subject": "1", "from": "127.0.0.1"}
    assert last(here, "console-signed-in") == about


def test_the_sign_in_page_offers_it_and_where_to_go_on(here: Site) -> None:
    text = here.visitor().get("/sign-in?then=/keys").text

    assert '<a class="button main" href="/sign-in/oidc?then=/keys">Sign in with 127.0.0.1</a>' in text


def test_what_is_asked_has_a_state_a_nonce_and_a_challenge_of_its_own(here: Site) -> None:
    visitor = here.visitor()
    page = visitor.get("/sign-in/oidc?then=//evil.example")
    asked = [visitor.get("/sign-in/oidc").headers["location"] for _ in range(2)]

    assert "code_challenge_method=S256" in asked[0]
    for name in ("state", "nonce", "code_challenge"):
        assert len({part for url in asked for part in url.split("&") if part.startswith(f"{name}=")}) == 2
    assert "samesite=lax" in page.headers["set-cookie"].lower()
    assert "httponly" in page.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("lies", "why"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another"}, "aud"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"iss": "https://another.example"}, "iss"),
        ({"exp": 1}, "expired"),
        ({"iat": 4_000_000_000}, "issued in the future"),
        ({"sub": None}, "sub"),
    ],
)
def test_an_identity_that_does_not_hold_lets_nobody_in(
    here: Site, provider: Identities, lies: dict[str, Any], why: str
) -> None:
    provider.lies = lies
    visitor = here.visitor()
    page = through(visitor)

    assert page.status == 403
    assert why in page.text
    assert visitor.get("/keys").status == 303
    assert last(here, "console-sign-in-failed")["way"] == "oidc"


@pytest.mark.parametrize("sign", ["another", "secret", "none"])
def test_an_identity_that_others_could_have_signed_lets_nobody_in(
    here: Site, provider: Identities, sign: str
) -> None:
    provider.sign = sign

    assert through(here.visitor()).status == 403


@pytest.mark.parametrize(
    ("lies", "why"),
    [
        ({"issuer": "https://another.example"}, "calls itself"),
        ({"token_endpoint": "http://10.0.0.1/"}, "names"),
    ],
)
def test_a_provider_that_is_not_who_it_should_be_is_not_used(
    here: Site, provider: Identities, lies: dict[str, Any], why: str
) -> None:
    provider.lies = lies
    page = here.visitor().get("/sign-in/oidc")

    assert page.status == 500
    assert why in page.text


def test_a_way_back_that_began_in_another_browser_is_refused(here: Site) -> None:
    path = begun(here.visitor())
    page = here.visitor().get(path)

    assert page.status == 403
    assert "no sign-in that began in this browser" in page.text


def test_a_way_back_is_gone_once_and_in_time(here: Site, provider: Identities) -> None:
    visitor, late = here.visitor(), here.visitor()
    path = begun(visitor)
    first, second = visitor.get(path), visitor.get(path)
    slow = begun(late)
    CLOCK.now += PENDING_S + 1

    assert (first.status, second.status, late.get(slow).status) == (200, 403, 403)
    assert provider.told == []


def test_who_is_not_let_in_there_is_not_let_in_here(here: Site, provider: Identities) -> None:
    provider.denies = True

    assert "the provider did not let them in" in through(here.visitor()).text


def test_failed_sign_ins_are_throttled_here_too(here: Site) -> None:
    statuses = [here.visitor().get("/sign-in/oidc/back?state=x&code=y").status for _ in range(7)]

    assert statuses == [403] * 5 + [429] * 2


def test_failures_of_others_keep_nobody_out(here: Site) -> None:
    visitor = here.visitor()
    path = begun(visitor)
    for _ in range(7):
        here.visitor().get("/sign-in/oidc/back?state=x&code=y")

    assert visitor.get(path).status == 200


def test_another_web_page_begins_no_sign_in(here: Site) -> None:
    sites = ("cross-site", "same-site", "same-origin", "none")

    assert [here.visitor().get("/sign-in/oidc", sec_fetch_site=one).status for one in sites] == [
        403,
        403,
        303,
        303,
    ]


@pytest.mark.parametrize(
    ("claims", "who"),
    [
        ({"email": "ana@example.com", "sub": "7"}, "ana@example.com"),
        ({"email": "ana@example.com", "email_verified": False, "sub": "7"}, "7"),
        ({"email": "a\nb", "sub": "7"}, "7"),
        ({"email": {"ana": 1}, "sub": "7"}, "7"),
        ({"email": "a" * 101, "sub": "s" * 500}, "s" * 100),
    ],
)
def test_nobody_is_called_what_their_provider_does_not_vouch_for(claims: dict[str, Any], who: str) -> None:
    assert name_of(claims, "email") == who


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({}, "viewer"),
        ({"groups": ["ops"]}, "operator"),
        ({"groups": "platform"}, "admin"),
        ({"groups": ["ops", "platform"]}, "admin"),
        ({"groups": {"platform": True}}, "viewer"),
    ],
)
def test_the_role_that_may_most_is_theirs(claims: dict[str, Any], role: str) -> None:
    roles = Roles(viewer=("*",), operator=("ops",), admin=("platform",))

    assert role_of(claims, Oidc("https://a.example", "c", roles=roles)) == role


def test_a_claim_may_lie_deeper_and_who_has_no_role_stays_out() -> None:
    settings = Oidc("https://a.example", "c", roles_claim="realm_access.roles", roles=Roles(admin=("boss",)))

    assert role_of({"realm_access": {"roles": ["boss"]}}, settings) == "admin"
    assert role_of({"realm_access": ["boss"], "roles": ["boss"]}, settings) is None


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('url = "https://a.example/console"', 2, "is not where people could reach"),
        ('url = "a.example"', 2, "is not where people could reach"),
        (
            'oidc = { issuer = "http://a.example", client_id = "c", roles = { admin = ["a"] } }',
            2,
            "cannot be an issuer",
        ),
        ('oidc = { issuer = "https://a.example", client_id = "c" }', 2, "nobody could come in"),
        (
            'oidc = { issuer = "https://a.example", client_id = "c", scopes = ["email"], roles = { admin = ["a"] } }',
            2,
            'lacks "openid"',
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place(text: str, line: int, why: str) -> None:
    loaded = load_text(f"[console]\n{text}\n", "f.toml")
    assert isinstance(loaded, Loaded), loaded
    (problem,) = problems(loaded.config.console, loaded.document)

    assert why in problem.message
    assert problem.line == line


def test_a_secret_that_is_not_set_is_told_and_tokens_stay() -> None:
    settings = Oidc("https://a.example", "c", client_secret_env="NOT_SET")
    missing = lacking(settings, {})

    assert missing is not None
    assert "NOT_SET is not set" in missing.message
    assert lacking(settings, {"NOT_SET": "x"}) is None
