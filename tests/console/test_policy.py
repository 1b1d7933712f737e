"""Policy: what is in force, who may see what as a map, why not, what another policy would change, and shadows."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.console.site import Page, Site, Visitor
from tests.console.test_endpoints import row
from tests.console.waiting import ready


@pytest.fixture(scope="module")
def viewer(reported: Site) -> Visitor:
    return reported.signed_in("viewer", "policy")


def words(page: Page) -> str:
    """What a page says, as text."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", page.text)).split())


def test_policies_and_limits_in_force_are_told(viewer: Visitor) -> None:
    page = viewer.get("/policy")

    said = words(page)
    assert re.search(r"eu-sovereign@\w+ enforced", said) and re.search(r"zero-retention@\w+ shadow", said)
    assert "enforced What this house wants beside." in said
    assert "at most 20.00 USD a day for each application" in row(page, "day")


def test_the_map_tells_allowed_from_denied_from_unknown_by_word_and_shape(viewer: Visitor) -> None:
    page = viewer.get("/policy?alias=assistant")

    assert "✓ yes" in row(page, "own/llama")
    assert "✕ no under-european-law" in row(page, "openai/gpt-5")
    assert "? unknown runs-in-europe" in row(page, "mistral/mistral-large-latest")
    assert "small" not in re.findall(r'<th scope="row"><a href="/endpoints/([^"]+)"', page.text)


def test_each_place_on_the_map_leads_to_its_reason(viewer: Visitor) -> None:
    page = viewer.get("/policy?alias=assistant&application=claims")
    links = [unescape(one) for one in re.findall(r'href="(/policy/why\?[^"]+)"', page.text)]
    asked = [{key: value[0] for key, value in parse_qs(urlsplit(one).query).items()} for one in links]
    place = next(
        link
        for link, one in zip(links, asked, strict=True)
        if one["endpoint"] == "openai/gpt-5" and one.get("data_class") == "special"
    )

    said = words(viewer.get(place))
    assert "openai/gpt-5 ✕ refused" in said and "own/llama ✓" not in said
    assert "under-european-law (high, known to be so)" in said
    assert "parent_jurisdiction in EEA is false parent_jurisdiction US published default: https://" in said
    assert "no-trade-secrets (medium, known to be so)" in said
    assert "To be allowed" in said
    assert "freehold policy explain assistant --application claims --data-class special" in said


def test_an_application_without_settings_stays_the_one_that_is_asked_about(viewer: Visitor) -> None:
    for path in ("/policy?", "/policy/why?alias=assistant&"):
        assert "<option selected>payroll</option>" in viewer.get(f"{path}application=payroll").text


def test_words_of_a_policy_are_shown_and_not_taken_for_html(viewer: Visitor) -> None:
    page = viewer.get("/policy/why?endpoint=openai/gpt-5&data_class=special")

    assert "&lt;b&gt;our&lt;/b&gt; secrets" in page.text and "<b>our" not in page.text


def test_a_policy_that_is_not_enforced_can_be_asked_too(viewer: Visitor) -> None:
    said = words(viewer.get("/policy/why?policy=open-weights-first&alias=small"))

    assert "Policy open-weights-first@" in said and "openai/gpt-5-mini" in said


def test_limits_that_look_at_traffic_are_named_beside_the_reasons(viewer: Visitor) -> None:
    said = words(viewer.get("/policy/why?alias=assistant"))

    assert "At the moment of a request, these look too: day" in said


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("alias=assistent", 404, "Did you mean assistant?"),
        ("policy=/etc/passwd", 404, "no policy is called"),
        ("alias=small&endpoint=own/llama", 404, "in the pool of"),
        (f"alias=small&purpose={'a' * 513}", 400, "longer than 512 characters"),
        ("alias=small&data_class=secretive", 400, "no data class is called"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(viewer: Visitor, query: str, status: int, says: str) -> None:
    page = viewer.get(f"/policy/why?{query}")

    assert page.status == status and says in words(page)


def test_two_policies_are_compared_over_every_kind_of_request(viewer: Visitor) -> None:
    page = ready(viewer, "/policy/diff?before=eu-sovereign&after=us-federal")
    said = words(page)

    assert "Pairs compared" in said and "denied" in said
    assert "us-federal/" in said and "data class" in said


def test_the_same_policy_twice_is_no_comparison(viewer: Visitor) -> None:
    assert "Choose two that differ" in viewer.get("/policy/diff").text


def test_shadows_are_compared_on_the_last_exchanges(viewer: Visitor) -> None:
    page = ready(viewer, "/policy/shadow")

    assert "no longer in shadow" in page.text
    assert row(page, "claims").startswith("claims 20 0.0 % 25.0 % 75.0 % 0.0 % 0.0 % nothing-is-kept 15")


def test_without_a_policy_the_pages_say_how_one_is_enforced(bare: Site) -> None:
    visitor = bare.signed_in(name="none")

    for path in ("/policy", "/policy/why", "/policy/shadow"):
        assert "[policy]" in ready(visitor, path).text
    assert "freehold policy diff eu-sovereign policy.toml" in visitor.get("/policy/diff").text
    said = words(visitor.get("/policy?policy=zero-retention&alias=assistant"))
    assert "? unknown" in said and "p/small" in said
