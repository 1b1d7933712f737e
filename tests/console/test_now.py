"""Now says who answers, who fails, what was found, and whether the ledger is signed; what is new comes by itself."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.console.searching import kept_up, search_of
from freehold.gateway import drill_order
from freehold.gateway.drill_order import Mode, Order
from tests.console.filled import fill
from tests.console.site import PATIENCE_S, Site, site


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("console")) as found:
        fill(found.state, time.time_ns() // 1_000_000)
        search_of(found.state).catch_up()
        yield found
        search_of(found.state).close()


def test_traffic_is_added_up_over_the_period(filled: Site) -> None:
    visitor = filled.signed_in("viewer")
    for period, count in (("hour", 8), ("day", 8), ("week", 8)):
        text = visitor.get(f"/?period={period}").text
        assert f'<dd>{count}</dd><dd class="more">in the last {period}</dd>' in text
        assert "75.0 %" in text  # six of eight
        assert "<dd>9,000</dd>" in text  # tokens
        rows = re.findall(r'<tr><th scope="row" data-value="(\d+)">.*?</tr>', text)
        whole = {"hour": 60, "day": 24, "week": 28}[period]
        assert len(rows) == len(set(rows))
        assert len(rows) in {whole, whole + (period != "hour")}  # one more, unless one ends with this minute
        columns = re.findall(r'data-value="\d+">[^<]*</th>((?:<td class="num">\d+</td>)+)', text)
        assert sum(int(cell) for row in columns for cell in re.findall(r"\d+", row)) == count


def test_the_live_part_tells_findings_failures_and_the_ledger(filled: Site) -> None:
    text = filled.signed_in("viewer").get("/now/live").text
    for part in (
        "deflection",
        "unlike its peers",
        "the model &lt;declined&gt;",
        "p/small",
        "node-0",
        "signed",
    ):
        assert part in text, part
    assert text.index("unlike its peers") < text.index("the model &lt;declined&gt;")
    assert "<html" not in text


def test_a_live_part_that_did_not_change_is_not_sent_again(filled: Site) -> None:
    """Signing in is on the ledger too, which is signed a moment later: until then it changes."""
    visitor, end = filled.signed_in("viewer"), time.monotonic() + PATIENCE_S
    page = visitor.get("/?period=day")
    while page.status == 200:
        (address,) = re.findall(r'hx-get="([^"]+)"', page.text)
        assert "/now/live?period=day&amp;seen=" in address
        page = visitor.get(address.replace("&amp;", "&"))
        assert time.monotonic() < end
    assert (page.status, page.text) == (204, "")


def test_a_drill_in_force_is_shown_until_its_lease_ends(filled: Site) -> None:
    now_ms = time.time_ns() // 1_000_000
    order = Order("d1", "run", "frontier-off", Mode.SHARE, 0.25, "", now_ms - 1_000, now_ms + 600_000, ())
    visitor = filled.signed_in("viewer")
    drill_order.put(filled.state, order)
    try:
        text = visitor.get("/").text
        assert "A drill is in force" in text
        assert "frontier-off" in text
        assert "25.0 %" in text
    finally:
        drill_order.remove(filled.state)
    assert "A drill is in force" not in visitor.get("/").text


def test_an_empty_ledger_is_told_how_to_send_a_first_request(tmp_path: Path) -> None:
    with site(tmp_path, gateway="http://127.0.0.1:4567") as found:
        visitor = found.signed_in("viewer")
        search_of(found.state).catch_up()
        text = visitor.get("/").text
        assert "curl http://127.0.0.1:4567/v1/chat/completions" in text
        assert "assistant" in text
        assert "No exchange is on the ledger" in visitor.get("/exchanges").text
        search_of(found.state).close()


def test_an_exchange_is_on_the_page_soon_after_it_ended(tmp_path: Path) -> None:
    with site(tmp_path) as found, kept_up(found.state):
        visitor = found.signed_in("viewer")
        exchanges = fill(found.state, time.time_ns() // 1_000_000)
        end = time.monotonic() + PATIENCE_S
        while exchanges[-1].id not in visitor.get("/exchanges").text:
            assert time.monotonic() < end


def test_what_is_not_indexed_yet_for_a_moment_is_no_word_worth(tmp_path: Path) -> None:
    """Signing in is on the ledger too: an empty installation must say what to do next, not how far an index is."""
    with site(tmp_path) as found:
        found.signed_in("viewer")
        search_of(found.state).catch_up()
        text = found.signed_in("viewer").get("/").text
        search_of(found.state).close()
    assert "No traffic yet" in text
    assert "Indexed" not in text
