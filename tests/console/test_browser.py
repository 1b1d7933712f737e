"""The console in Chromium: each page, the cut-off, signing in, a narrow screen, the keyboard, and who cannot see it."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from freehold.ledger.query import events
from tests.console.browser import PATIENCE_MS, Town, Visit, browser, chromium, town, visiting

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium here: apt-get install chromium, or set CHROMIUM"
)
PAGES = {  # what each is called, and something that it tells of this town
    "/": ("Now", "truncation"),
    "/exchanges": ("Exchanges", "website"),
    "/endpoints": ("Endpoints", "south/atlas-2"),
    "/policy": ("Policy", "at-home"),
    "/audits": ("Audits", "freehold audit"),
    "/cutoff": ("Cut-off", "Fjord AS"),
    "/standing": ("Standing", "freehold bench"),
    "/keys": ("Keys and budgets", "claims"),
}
NO_POLAR = """
title = "Polar is gone"
why = "It could be."
[[lost]]
parent = "Polar Group"
"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town")) as running:
        yield running


@pytest.fixture(scope="module")
def signed_in(chrome: Browser, here: Town) -> Iterator[Visit]:
    with visiting(chrome, here.url) as visit:
        visit.sign_in(here.token)
        yield visit


def barriers(page: Page, *rules: str) -> list[Any]:
    """What axe finds that keeps somebody from using the page, by some of its rules or all."""
    found = Axe().run(page, options={"runOnly": [*rules]} if rules else None).response["violations"]
    return [(one["id"], one["impact"], [node["html"][:160] for node in one["nodes"]]) for one in found]


def is_wider_than_the_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_there_without_a_fault_for_everybody_and_on_a_narrow_screen(
    signed_in: Visit, path: str
) -> None:
    signed_in.problems.clear()
    page, (heading, told) = signed_in.open(path), PAGES[path]

    expect(page.locator("h1")).to_have_text(heading)
    expect(page.locator("nav [aria-current=page]")).to_have_text(heading)
    expect(page.locator("main")).to_contain_text(told)
    assert barriers(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert not is_wider_than_the_window(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="dark")
    assert barriers(page, "color-contrast") == []
    page.emulate_media(color_scheme="light")
    assert signed_in.problems == []


def test_what_happens_is_on_the_first_page_by_itself_until_it_is_paused(signed_in: Visit, here: Town) -> None:
    page = signed_in.open("/")
    counted = page.locator(".card", has_text="Exchanges").locator("dd").first
    before = counted.inner_text()
    assert here.ask("website", "coder") == 200
    expect(page.locator(f'#live a[href="/exchanges/{here.exchanges[-1]}"]')).to_have_count(
        1, timeout=PATIENCE_MS
    )
    expect(counted).not_to_have_text(before)
    expect(page.locator(".chart canvas")).to_have_count(1)
    asks = """document.querySelector("[data-live]").dispatchEvent(
        new CustomEvent("htmx:beforeRequest", { bubbles: true, cancelable: true }))"""
    assert page.evaluate(asks) is True
    page.get_by_role("button", name="Pause").click()
    assert page.evaluate(asks) is False
    page.get_by_role("button", name="Go on").click()
    assert page.evaluate(asks) is True


def test_a_box_is_taken_away_with_the_keyboard_and_what_is_left_is_there_at_once(signed_in: Visit) -> None:
    signed_in.problems.clear()
    page = signed_in.open("/cutoff")
    polar = page.get_by_role("link", name="Polar Group, Parent companies")
    served = page.locator(".card", has_text="Still served").locator("dd").first
    before = served.inner_text()
    page.evaluate("window.isStillHere = true")

    page.locator("a.node").first.focus()
    while not polar.evaluate("node => node === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(polar).to_have_class("node lost chosen")

    assert page.url.endswith("/cutoff?lost=parent%3APolar+Group")
    assert page.evaluate("window.isStillHere"), "the whole page was loaded again"
    assert polar.evaluate("node => node === document.activeElement")
    assert served.inner_text() != before
    expect(page.get_by_role("link", name="north/atlas-2, Endpoints: lost")).to_be_visible()
    expect(page.get_by_role("row", name="notes nobody")).to_be_visible()
    assert barriers(page) == []

    page.keyboard.press("Enter")
    expect(polar).to_have_class("node kept")
    assert served.inner_text() == before
    page.go_back()
    expect(polar).to_have_class("node lost chosen")
    assert page.evaluate("sessionStorage.getItem('htmx-history-cache')") is None, "pages stay in the browser"
    assert signed_in.problems == []


def test_a_chart_is_drawn_from_a_table_that_can_still_be_read(signed_in: Visit) -> None:
    page = signed_in.open("/")
    chart, table = page.locator(".chart canvas"), page.locator("table[data-chart]")

    expect(chart).to_be_visible()
    expect(table).to_be_hidden()
    page.locator(".chart-table summary").focus()
    page.keyboard.press("Enter")
    expect(table).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator(".chart .uplot")).to_have_css(
        "width", f"{page.locator('.chart').evaluate('e => e.clientWidth')}px"
    )
    page.set_viewport_size({"width": 1280, "height": 900})


def test_what_is_away_can_be_saved_kept_and_read_again(signed_in: Visit, here: Town) -> None:
    signed_in.problems.clear()
    page = signed_in.open("/cutoff?lost=inference_region:US")

    page.fill("input[name=name]", "no-america")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("select[name=scenario]")).to_have_value("no-america")
    expect(page.get_by_role("link", name="north/atlas-2, Endpoints: lost")).to_be_visible()
    page.get_by_role("button", name="Simulate, and keep the report").click()
    expect(page.locator("h1")).to_contain_text("no-america")
    signed_in.open("/cutoff")
    expect(page.get_by_role("row", name="no-america").first).to_be_visible()
    assert (here.gateway.state / "scenarios" / "no-america.toml").is_file()
    assert signed_in.problems == []


def test_pages_can_be_read_without_javascript(chrome: Browser, here: Town) -> None:
    with visiting(chrome, here.url, javascript=False, width=360) as visit:
        visit.sign_in(here.token)
        for path, (heading, _) in PAGES.items():
            expect(visit.open(path).locator("h1")).to_have_text(heading)
        page = visit.open("/cutoff")
        page.get_by_role("link", name="Polar Group, Parent companies").click()
        expect(page.get_by_role("link", name="north/atlas-2, Endpoints: lost")).to_be_visible()


def test_whoever_signs_out_sees_nothing_more(chrome: Browser, here: Town) -> None:
    with visiting(chrome, here.url) as visit:
        page = visit.open("/cutoff")
        assert "/sign-in" in page.url
        assert barriers(page) == []
        page.fill("input[name=token]", here.token)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Cut-off")
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("input[name=token]")).to_be_visible()
        visit.open("/exchanges")
        assert "/sign-in" in page.url


def test_a_drill_is_run_for_real_and_stopped_with_the_button(signed_in: Visit, here: Town) -> None:
    signed_in.problems.clear()
    own = here.gateway.state / "scenarios"
    own.mkdir(exist_ok=True)
    (own / "no-polar.toml").write_text(NO_POLAR)
    page = signed_in.open("/cutoff?scenario=no-polar")

    page.get_by_role("link", name="Run it…").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    assert barriers(page) == []
    page.get_by_label("They ask for").select_option("assistant")
    page.get_by_role("button", name="Run it on test requests").click()
    expect(page.locator("pre")).to_contain_text("in force")
    assert barriers(page) == []
    page.get_by_role("button", name="Stop now").click()
    expect(page.get_by_text("has ended")).to_be_visible()

    page.get_by_role("link", name="Read the report").click()
    expect(page.locator("h1")).to_contain_text("Polar is gone")
    kinds = {one.kind: one.about for one in events(here.gateway.state)}
    assert (kinds["drill-asked-for"]["who"], kinds["drill-stopped"]["who"]) == ("admin", "admin")
    assert kinds["drill-ended"]["why"] == "it was stopped"
    assert signed_in.problems == []
