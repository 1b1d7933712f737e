"""Exchanges are found by any of their words, and one exchange says everything that is on the ledger of it."""

import json
import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from freehold.console.searching import search_of
from freehold.ledger.notes import verifier
from freehold.ledger.proofs import parse_proof
from freehold.vocabulary.exchange import Exchange
from tests.console.filled import MINUTE_MS, fill
from tests.console.site import Page, Site, Visitor, site


class House:
    """A console over a filled ledger, and somebody who looks."""

    def __init__(self, site: Site) -> None:
        self.now_ms = time.time_ns() // 1_000_000
        self.state = site.state
        self.exchanges = fill(self.state, self.now_ms)
        self.visitor: Visitor = site.signed_in("viewer")
        search_of(self.state).catch_up()

    def get(self, path: str) -> Page:
        return self.visitor.get(path)

    def ids(self, path: str) -> list[str]:
        """The exchanges that a page lists, in its order."""
        page = self.get(path)
        assert page.status == 200, page.text
        return re.findall(r'<th scope="row"><a href="/exchanges/([^"]+)"', page.text)

    @property
    def newest_first(self) -> list[Exchange]:
        return self.exchanges[::-1]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with site(tmp_path_factory.mktemp("console")) as found:
        there = House(found)
        yield there
        search_of(there.state).close()


def test_all_exchanges_are_listed_the_newest_first(house: House) -> None:
    assert house.ids("/exchanges") == [one.id for one in house.newest_first]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("application=invoices", lambda it, _: it.application == "invoices"),
        ("endpoint=p/large", lambda it, _: it.endpoint == "p/large"),
        ("endpoint=(none)", lambda it, _: it.endpoint is None),
        ("alias=assistant&outcome=failed", lambda it, _: it.outcome == "failed"),
        ("finding=refusal", lambda it, _: it.findings),
        ("finding=deflection", lambda it, newest: it.id == newest),
        ("failed=p/small", lambda it, _: True),
        ("failed=q/dear", lambda it, _: False),  # it was passed over, not asked
        ("data_class=personal&dialect=chat", lambda it, _: it.data_class == "personal"),
        ("application=nobody", lambda it, _: False),
        ("purpose=(none)&drill=d1", lambda it, _: False),
    ],
)
def test_each_filter_finds_what_it_says(house: House, query: str, expected: object) -> None:
    assert callable(expected)
    newest = house.newest_first[0].id
    assert house.ids(f"/exchanges?{query}") == [it.id for it in house.newest_first if expected(it, newest)]


def test_a_time_range_is_read_in_utc(house: House) -> None:
    since = time.strftime("%Y-%m-%dT%H:%M", time.gmtime((house.now_ms - 24 * 60 * MINUTE_MS) / 1_000))
    assert house.ids(f"/exchanges?since={since}") == [one.id for one in house.newest_first[:-1]]
    assert house.ids(f"/exchanges?until={since}") == [house.newest_first[-1].id]
    page = house.get("/exchanges?since=yesterday")
    assert (page.status, "2026-11-22T18:30" in page.text) == (400, True)


def test_an_id_leads_to_its_exchange_and_a_beginning_of_several_lists_them(house: House) -> None:
    it = house.newest_first[2]
    assert house.get(f"/exchanges?id={it.id}").headers["location"] == f"/exchanges/{it.id}"
    assert house.ids("/exchanges?id=x") == [one.id for one in house.newest_first]
    assert "Nothing fits" in house.get("/exchanges?id=xff").text


def test_older_and_newer_are_plain_links(house: House) -> None:
    after = house.newest_first[3].id
    assert house.ids(f"/exchanges?after={after}") == [one.id for one in house.newest_first[4:]]
    assert (
        'href="/exchanges?alias=assistant" rel="prev"'
        in house.get(f"/exchanges?alias=assistant&after={after}").text
    )


def test_one_exchange_says_what_was_decided_tried_found_used_and_kept(house: House) -> None:
    it = next(one for one in house.exchanges if one.findings)
    text = unescape(re.sub(r"<[^>]+>", " ", house.get(f"/exchanges/{it.id}").text))
    said = re.sub(r"\s+", " ", text)

    for part in (
        "passed over: breaker open",
        "503",
        "no room",
        "the model <declined>",
        "at-home@3f9a61c2",
        "at-home/in-europe",
        "eu-sovereign@11111111",
        "1,200",
        "0.0125 USD",
        "large-0711",
        "sealed and kept in the class short: request",
        "freehold.local",
    ):
        assert part in said, part
    html = house.get(f"/exchanges/{it.id}").text
    assert "the model &lt;declined&gt;" in html
    assert "/policy/why?alias=assistant&amp;application=" in html
    assert 'href="/endpoints/p/large"' in html
    assert " style=" not in html


def test_a_finding_that_came_later_stands_with_its_exchange(house: House) -> None:
    text = house.get(f"/exchanges/{house.newest_first[0].id}").text
    assert "unlike its peers" in text
    assert "later," in text


def test_an_unfinished_exchange_has_a_page_too(house: House) -> None:
    page = house.get(f"/exchanges/{next(one.id for one in house.exchanges if one.endpoint is None)}")
    assert page.status == 200
    assert "nobody answered" in page.text


def test_the_proof_is_handed_out_and_holds_without_the_console(house: House) -> None:
    it = house.exchanges[4]
    text = house.get(f"/exchanges/{it.id}/proof.tlog-proof")
    assert f'filename="{it.id}.tlog-proof"' in text.headers["content-disposition"]
    proof = parse_proof(text.text.encode())
    found = proof.checked([verifier((house.state / "log" / "node-0" / "vkey").read_text())])
    assert json.loads(proof.record)["id"] == it.id

    plain = json.loads(house.get(f"/exchanges/{it.id}/proof.json").text)
    assert (plain["leaf"], plain["size"], plain["record"]["id"]) == (proof.index, found.size, it.id)


def test_an_id_that_nobody_has_is_answered_with_help(house: House) -> None:
    for path in ("/exchanges/x000", "/exchanges/x000/proof.json"):
        page = house.get(path)
        assert page.status == 404
        assert "x-freehold-exchange" in page.text
        assert "<title>Not here" in page.text
    event = house.get(f"/exchanges/e{house.now_ms:011x}")
    assert (event.status, "is no exchange but an event" in event.text) == (404, True)


def test_a_beginning_of_several_ids_is_told(house: House) -> None:
    assert house.get("/exchanges/x").status == 400


def test_before_the_index_is_there_pages_say_how_far_it_is(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        fill(found.state, time.time_ns() // 1_000_000)
        visitor = found.signed_in("viewer")
        assert "Indexed 0.0 %" in visitor.get("/exchanges").text
        assert "Indexed 0.0 %" in visitor.get("/").text
