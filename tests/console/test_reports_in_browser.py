"""Pages that report, filled, in Chromium: what is being worked out comes by itself, and everybody can use them."""

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from freehold.console.tokens import Tokens
from tests.console.browser import Visit, browser, chromium, visiting
from tests.console.site import Site

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium here: apt-get install chromium, or set CHROMIUM"
)
Scheme = Literal["light", "dark"]
PAGES: tuple[tuple[str, Scheme, str], ...] = (  # with something that is there once all is worked out
    ("/endpoints", "light", "100.0 %"),
    ("/endpoints/own/llama", "dark", "in conflict"),
    ("/policy?alias=assistant", "dark", "under-european-law"),
    ("/policy/why?alias=assistant&application=claims&data_class=personal", "light", "To be allowed"),
    ("/policy/diff?before=eu-sovereign&after=us-federal", "light", "Pairs compared"),
    ("/audits/a0000", "dark", "prompts so far"),
    ("/standing", "light", "us1 is better"),
)


@pytest.fixture(scope="module")
def visit(reported: Site) -> Iterator[Visit]:
    with browser() as opened, visiting(opened, reported.url) as one:
        one.sign_in(Tokens(reported.state).make("browsing", "operator"))
        yield one


@pytest.mark.parametrize(("path", "scheme", "told"), PAGES)
def test_a_page_comes_to_its_end_by_itself_and_keeps_nobody_out(
    visit: Visit, path: str, scheme: Scheme, told: str
) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.open(path)

    expect(page.locator("main")).to_contain_text(told)
    expect(page.get_by_text("Look again")).to_have_count(0)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found] == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert visit.problems == []


def test_from_the_map_one_comes_to_the_reason_by_keyboard(visit: Visit) -> None:
    page = visit.open("/policy?alias=assistant&application=claims")

    place = (
        page.get_by_role("row", name="openai/gpt-5").get_by_role("link", name="no under-european-law").first
    )
    place.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("parent_jurisdiction")
