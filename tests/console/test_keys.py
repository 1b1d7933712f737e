"""Keys and budgets: over real HTTP, with real exchanges on a real ledger."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.config.document import parse
from freehold.console.budgets import spent
from freehold.gateway.keys import KeyStore
from freehold.ledger import query
from freehold.ledger.search import Sum
from freehold.policy.source import load_policy
from tests.console.site import CONFIG, Page, Site, site

SETTINGS = f"""{CONFIG}[applications.claims]
data_class = "personal"
purpose = "settle claims"
[limits."p/small"]
concurrency = 7
[policy]
enforce = ["budget.toml"]
"""
POLICY = """name = "frugal"
[limits.each]
budget_usd_per_day = 2
reason = "No application spends more than this."
[limits.personal]
budget_usd_per_day = 1
application = "claims"
when = "data_class == personal"
reason = "Claims on people are few."
"""
CLASSES = ("public", "internal", "confidential", "personal", "special")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "budget.toml").write_text(POLICY)
    with site(folder, SETTINGS) as running:
        yield running


def make(here: Site, role: str = "admin", **fields: str) -> Page:
    return here.signed_in(role).send("/keys", **{"name": "invoices"} | fields)


def secret_in(page: Page) -> str:
    found = re.search(r'class="secret">(fh_[^<]+)<', page.text)
    assert found, page.text
    return found[1]


def test_a_key_is_made_shown_once_and_noted_with_who_did_it(here: Site) -> None:
    made = make(here, aliases="assistant, gpt-*", data_class="personal", ends="30d")
    secret = secret_in(made)
    key = KeyStore(here.state).list()[-1]
    (event,) = query.events(here.state, "key-created")[-1:]

    assert (key.name, key.aliases, key.data_class) == ("invoices", ("assistant", "gpt-*"), "personal")
    assert key.expires_ms is not None
    assert event.about == {
        "key": key.id,
        "application": "invoices",
        "aliases": ("assistant", "gpt-*"),
        "who": "ana",
    }
    assert secret not in here.signed_in().get("/keys").text
    assert secret not in str(event)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"ends": "soon"}, "is no time"),
        ({"ends": "2020-01-01"}, "is over already"),
        ({"data_class": "secrt"}, "no data class is called"),
        ({"name": " "}, "1 to 100 printable characters"),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_the_form_keeps_what_was_written(
    here: Site, fields: dict[str, str], why: str
) -> None:
    before = KeyStore(here.state).list()
    page = make(here, **{"aliases": "kept-*"} | fields)

    assert page.status == 400
    assert why in page.text
    assert 'value="kept-*"' in page.text
    assert KeyStore(here.state).list() == before


def test_a_key_is_ended_by_an_admin_who_is_noted(here: Site) -> None:
    key, _ = KeyStore(here.state).create("old")
    asked = here.signed_in().get(f"/keys/{key.id}")
    done = here.signed_in().send(f"/keys/{key.id}/revoke")
    again = here.signed_in().send(f"/keys/{key.id}/revoke")

    assert "End this key" in asked.text
    assert (done.status, again.status) == (303, 303)
    told = [event for event in query.events(here.state, "key-revoked") if event.about["key"] == key.id]
    assert [event.about for event in told] == [{"key": key.id, "application": "old", "who": "ana"}]
    assert "revoked" in here.signed_in().get(f"/keys/{key.id}").text


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_see_keys_and_neither_make_nor_end_them(here: Site, role: str) -> None:
    key, _ = KeyStore(here.state).create("theirs")
    visitor = here.signed_in(role)
    page = visitor.get("/keys")

    assert key.id in page.text
    assert "Make the key" not in page.text
    assert visitor.send("/keys", name="mine").status == 403
    assert visitor.send(f"/keys/{key.id}/revoke").status == 403
    assert KeyStore(here.state).list()[-1].revoked_ms is None


def test_a_key_that_is_not_there_is_not_found(here: Site) -> None:
    assert here.signed_in().get("/keys/key_0").status == 404


def test_how_applications_and_endpoints_are_treated_is_shown(here: Site) -> None:
    text = here.signed_in("viewer").get("/keys").text

    assert "settle claims" in text
    assert re.search(r"p/small</th><td class=\"num\">7</td><td class=\"num\">no limit", text)


def test_a_page_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    with site(tmp_path) as empty:
        text = empty.signed_in().get("/keys").text

    assert "freehold keys create invoices --expires 90d" in text
    assert "No policy is enforced" in text


def used(application: str, data_class: str | None, usd: float, unpriced: int = 0) -> Sum:
    by = (application, "assistant", data_class, None, None, None)
    return Sum(None, by, 10, 0, 0, 0, usd, 10 - unpriced, 0, 0, 0)


def test_what_is_spent_is_counted_where_a_budget_looks() -> None:
    policy = load_policy(parse(POLICY, "budget.toml"), CLASSES)
    sums = [
        used("claims", "personal", 0.25),
        used("claims", "public", 0.5),
        used("claims", None, 0.125, unpriced=3),  # may be personal, and so counts
        used("search", "public", 4.0),
    ]
    found = {(one.limit.id, one.application): one for one in spent([policy], sums)}

    assert {name: one.usd for name, one in found.items()} == {
        ("each", "claims"): 0.875,
        ("each", "search"): 4.0,
        ("personal", "claims"): 0.375,
    }
    assert found["each", "search"].share == 2.0
    assert found["personal", "claims"].some
    assert found["each", "claims"].unpriced == 3
