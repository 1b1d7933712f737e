"""Endpoints: facts with what they rest on, health, exposure, whom they serve, and the bill of materials."""

import json
import re

import pytest
from msgspec.structs import replace

from freehold.console.recent import health
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import INJECTED, Attempt
from tests.console.conftest import exchange
from tests.console.site import Page, Site
from tests.console.waiting import ready


def row(page: Page, name: str) -> str:
    """What a table says in the row of a name, as text."""
    found = re.search(
        rf'<tr[^>]*><th scope="row">(?:<[^>]+>)*{re.escape(name)}<.*?</tr>', page.text, re.DOTALL
    )
    assert found, page.text
    return " ".join(re.sub("<[^>]+>", " ", found[0]).split())


def test_endpoints_in_use_are_listed_with_chief_facts_and_with_how_they_did(reported: Site) -> None:
    page = ready(reported.signed_in("viewer", "list"), "/endpoints")

    assert "5 endpoints" in page.text
    assert "100.0 % of 20" in row(page, "openai/gpt-5")
    assert "refusal 1" in row(page, "openai/gpt-5")
    assert "0.0 % of 5" in row(page, "mistral/mistral-large-latest")
    assert "not asked" in row(page, "own/llama")
    assert "1 in doubt" in row(page, "own/llama")


def test_the_list_can_be_narrowed_by_name(reported: Site) -> None:
    page = reported.signed_in("viewer", "find").get("/endpoints?find=LLAMA")

    assert "/endpoints/own/llama" in page.text and "/endpoints/openai" not in page.text


def test_what_providers_hold_is_told_by_their_promises(reported: Site) -> None:
    page = ready(reported.signed_in("viewer", "held"), "/endpoints")

    assert row(page, "openai").startswith("openai 20 ")
    assert "personal" in row(page, "openai")


@pytest.mark.parametrize(
    ("endpoint", "fact", "says"),
    [
        ("mistral/mistral-large-latest", "retention_days", "expired expired on 2026-11-01"),
        ("own/llama", "parent", "in conflict conflict: our holding"),
        ("own/llama", "inference_region", "DE known"),
        ("own/llama", "weights_origin", "unknown unknown nothing"),
        ("own/llama", "storage_region", "by ana: &lt;i&gt;signed&lt;/i&gt;"),
    ],
)
def test_each_fact_says_whether_it_is_known_and_what_it_rests_on(
    reported: Site, endpoint: str, fact: str, says: str
) -> None:
    page = reported.signed_in("viewer", f"fact-{fact}").get(f"/endpoints/{endpoint}")

    assert says in row(page, fact)


def test_a_source_that_is_an_address_is_a_link_and_another_is_not(reported: Site) -> None:
    visitor = reported.signed_in("viewer", "links")

    assert 'href="https://wiki.example.org/llama"' in visitor.get("/endpoints/own/llama").text
    assert 'href="annex' not in visitor.get("/endpoints/mistral/mistral-large-latest").text


def test_one_endpoint_tells_its_health_its_aliases_and_the_data_it_may_see(reported: Site) -> None:
    page = ready(reported.signed_in("viewer", "one"), "/endpoints/openai/gpt-5")

    assert "20 of 20 attempts" in page.text
    assert 'href="/policy?alias=assistant"' in page.text
    assert "whatever the application: public." in page.text


def test_an_endpoint_that_nobody_knows_is_said_to_be_none(reported: Site) -> None:
    page = reported.signed_in("viewer", "nobody").get("/endpoints/nobody/there")

    assert page.status == 404 and "no endpoint is called" in page.text


def test_the_bill_of_materials_names_every_endpoint_and_what_it_may_see(reported: Site) -> None:
    page = reported.signed_in("viewer", "bill").get("/endpoints/bom.json")

    assert "attachment" in page.headers["content-disposition"]
    bill = json.loads(page.text)
    services = {one["name"]: one for one in bill["services"]}
    assert bill["specVersion"] == "1.7" and len(services) == 5
    assert [one["classification"] for one in services["openai/gpt-5"]["data"]] == ["public"]
    assert [one["value"] for one in services["own/llama"]["properties"][:1]] == ["assistant"]


def test_without_traffic_the_page_says_how_to_get_some(bare: Site) -> None:
    page = ready(bare.signed_in(name="bare"), "/endpoints")

    assert "freehold demo --stay" in page.text


def test_health_counts_attempts_and_leaves_out_who_was_passed_over() -> None:
    found = health([exchange(number) for number in range(8)])

    assert (found["openai/gpt-5"].asked, found["openai/gpt-5"].answered) == (8, 8)
    assert found["openai/gpt-5"].median_ms == pytest.approx(4.5)
    assert found["openai/gpt-5"].cost_usd == pytest.approx(0.008)
    assert found["openai/gpt-5"].findings == (("refusal", 1),)
    assert found["mistral/mistral-large-latest"].faults == (("status", 2),)
    assert found["mistral/mistral-large-latest"].share == 0


def test_health_tells_how_often_an_endpoint_was_passed_over() -> None:
    waiting = (
        Attempt("mistral/mistral-large-latest", Fault.COOLING),
        Attempt("own/llama", Fault.BREAKER_OPEN),
    )
    found = health(
        [replace(exchange(1), attempts=waiting), replace(exchange(2), drill="d1", attempts=waiting)]
    )

    assert found["own/llama"].passed_over == (("breaker_open", 1),)
    assert (found["own/llama"].asked, found["own/llama"].share) == (0, None)


def test_what_a_drill_made_fail_says_nothing_of_an_endpoint() -> None:
    failed = Attempt("openai/gpt-5", "connect", detail=f"{INJECTED} d1")

    found = health([replace(exchange(1), drill="d1", attempts=(failed, *exchange(1).attempts))])
    assert (found["openai/gpt-5"].asked, found["openai/gpt-5"].answered) == (1, 1)
