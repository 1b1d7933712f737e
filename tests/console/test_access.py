"""Who comes in, for how long, and what the ledger is told of it: over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.console.sessions import FAILURE_S, FAILURES_MAX, SESSIONS_MAX, Sessions
from freehold.console.tokens import Tokens
from freehold.ledger import query
from freehold.vocabulary.exchange import Event
from tests.console.site import CONFIG, Page, Site, Visitor, site

IDLE_S, LONGEST_S = 100.0, 250.0
OUTSIDE = "freehold.example.com"
SETTINGS = f'{CONFIG}[console]\nidle_s = {IDLE_S}\nsession_s = {LONGEST_S}\nurl = "https://{OUTSIDE}"\n'
INSIDE = "/exchanges"  # any page that is for people who are signed in


class Clock:
    """Seconds, as the test has them."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("console"), SETTINGS, now_s=CLOCK) as running:
        yield running


@pytest.fixture(autouse=True)
def _later() -> None:
    """Nothing that another test did is remembered."""
    CLOCK.now += 10_000


def events(of: Site, kind: str) -> list[Event]:
    return query.events(of.state, kind)


def is_in(visitor: Visitor) -> bool:
    """Whether a visitor sees pages; who is not signed in is sent to the sign-in."""
    return visitor.get(INSIDE).status != 303


def refused(page: Page) -> bool:
    return page.status == 403 and "nothing was done" in page.text.lower()


def test_who_is_not_signed_in_is_asked_to_and_comes_back_to_where_they_wanted(here: Site) -> None:
    visitor = here.visitor()
    sent = visitor.get("/exchanges?application=a&finding=refusal")
    asked = visitor.get(sent.headers["location"])
    then = visitor.sign_in(Tokens(here.state).make("bo", "viewer"), "/exchanges?application=a")

    assert (sent.status, asked.status) == (303, 200)
    assert 'value="/exchanges?application=a&amp;finding=refusal"' in asked.text
    assert (then.status, then.headers["location"]) == (303, "/exchanges?application=a")
    assert is_in(visitor)


def test_a_part_of_a_page_that_is_open_sends_all_of_it_to_the_sign_in(here: Site) -> None:
    page = here.visitor().get(INSIDE, HX_Request="true")

    assert (page.status, page.headers["hx-redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize(
    "then",
    ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\nb", "javascript:alert(1)"],
)
def test_after_signing_in_it_leads_nowhere_else(here: Site, then: str) -> None:
    page = here.visitor().sign_in(Tokens(here.state).make("bo", "viewer"), then)

    assert (page.status, page.headers["location"]) == (303, "/")


def test_the_cookie_is_for_this_console_alone(here: Site) -> None:
    page = here.visitor().sign_in(Tokens(here.state).make("bo", "viewer"))
    name, *attributes = page.headers["set-cookie"].split("; ")

    assert name.startswith(f"freehold-{here.url.rpartition(':')[2]}=")
    assert {one.lower() for one in attributes} == {"httponly", "path=/", "samesite=strict"}


def test_behind_a_proxy_the_cookie_is_secure(here: Site) -> None:
    token = Tokens(here.state).make("bo", "viewer")
    page = here.visitor().post("/sign-in", {"token": token}, host=OUTSIDE, origin=f"https://{OUTSIDE}")

    assert page.status == 303
    assert page.headers["set-cookie"].startswith("__Host-freehold=")
    assert "; Secure" in page.headers["set-cookie"]


def test_each_sign_in_has_an_id_of_its_own_and_ends_the_one_before(here: Site) -> None:
    visitor = here.signed_in()
    before = dict(visitor.cookies)
    visitor.sign_in(Tokens(here.state).make("ana", "admin"))

    assert visitor.cookies != before
    assert is_in(visitor)
    assert not is_in(Visitor(here.url, before))


def test_signing_out_ends_the_session_and_not_only_the_cookie(here: Site) -> None:
    visitor = here.signed_in()
    kept = dict(visitor.cookies)
    left = visitor.send("/sign-out")

    assert (left.status, left.headers["location"]) == (303, "/sign-in")
    assert not is_in(Visitor(here.url, kept))


def test_a_token_that_was_replaced_or_ended_signs_out_whoever_came_in_with_it(here: Site) -> None:
    replaced, ended, other = here.signed_in(name="cy"), here.signed_in(name="di"), here.signed_in(name="ed")
    Tokens(here.state).make("cy", "viewer")
    Tokens(here.state).end("di")

    assert [is_in(one) for one in (replaced, ended, other)] == [False, False, True]


def test_who_does_nothing_is_signed_out_and_who_goes_on_stays_until_the_end(here: Site) -> None:
    idle, busy = here.signed_in(name="cy"), here.signed_in(name="di")
    seen = []
    for _ in range(3):
        CLOCK.now += IDLE_S - 1
        seen.append(is_in(busy))

    assert not is_in(idle)
    assert seen == [True, True, False]  # after 99, 198 and 297 of 250 seconds


def test_who_signs_in_again_and_again_puts_out_nobody_else() -> None:
    sessions = Sessions(CLOCK, IDLE_S, LONGEST_S)
    other = sessions.open("ana", "admin")
    CLOCK.now += 1
    own = [sessions.open("bo", "viewer") for _ in range(SESSIONS_MAX)]

    assert sessions.find(other.id) is other
    assert [sessions.find(one.id) is one for one in (own[0], own[-1])] == [False, True]


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(here: Site) -> None:
    visitor = here.signed_in(name="cy")
    CLOCK.now += IDLE_S - 1
    refreshed = visitor.get("/now/live", x_unattended="1")
    CLOCK.now += 2

    assert refreshed.status == 200
    assert not is_in(visitor)


def test_who_signed_in_is_on_the_ledger_and_who_failed_to_as_well(here: Site) -> None:
    here.signed_in(role="operator", name="fay")
    wrong = here.visitor().sign_in("fhc_nothing")
    came, failed = events(here, "console-signed-in")[-1], events(here, "console-sign-in-failed")[-1]

    assert wrong.status == 403
    assert "not known here" in wrong.text
    assert came.about == {"who": "fay", "role": "operator", "way": "token", "from": "127.0.0.1"}
    assert failed.about == {"way": "token", "why": "the token is not known", "from": "127.0.0.1"}
    assert came.node.startswith("node-console")


def test_after_some_failures_no_more_is_written_for_a_while_and_who_is_right_comes_in(here: Site) -> None:
    visitor, token = here.visitor(), Tokens(here.state).make("bo", "viewer")
    before = len(events(here, "console-sign-in-failed"))
    statuses = [visitor.sign_in("wrong").status for _ in range(FAILURES_MAX + 3)]
    refused = visitor.sign_in("wrong")
    told = len(events(here, "console-sign-in-failed")) - before

    assert statuses == [403] * FAILURES_MAX + [429] * 3
    assert told == FAILURES_MAX
    assert 0 < float(refused.headers["retry-after"]) <= FAILURE_S + 1
    assert visitor.sign_in(token).status == 303


def test_one_failure_more_is_heard_each_while(here: Site) -> None:
    visitor = here.visitor()
    for _ in range(FAILURES_MAX):
        visitor.sign_in("wrong")
    CLOCK.now += FAILURE_S + 0.1

    assert [visitor.sign_in("wrong").status for _ in range(2)] == [403, 429]


def test_nothing_of_a_token_is_kept_but_its_hash(here: Site) -> None:
    text = Tokens(here.state).make("gus", "viewer")
    file = here.state / "console.json"

    assert text.removeprefix("fhc_") not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_only_the_first_start_makes_a_token_by_itself(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    first, second = tokens.first(), tokens.first()

    assert first is not None
    assert second is None
    found = tokens.find(first)
    assert found is not None
    assert (found.name, found.role) == ("admin", "admin")
