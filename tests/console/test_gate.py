"""What every answer carries, and what is refused before a page sees it: over real HTTP."""

import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from freehold.console import app
from freehold.console.gate import FORM_BYTES_MAX
from freehold.console.shell import form, need
from freehold.vocabulary.errors import BadRequest
from tests.console.site import Site, site


def run_drill(request: Request) -> Response:
    need(request, "operator")
    return PlainTextResponse(f"{request.state.who}: {form(request)['scenario']}")


def broken(_: Request) -> Response:
    raise RuntimeError("a secret that nobody may see")


def bad(_: Request) -> Response:
    raise BadRequest("<b>no</b> such thing", remedy="Ask for another.")


TRIED = (
    Route("/tried/run", run_drill, methods=["POST"]),
    Route("/tried/broken{more:path}", broken),
    Route("/tried/bad", bad),
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "PAGES", (*app.PAGES, *TRIED))
        with site(tmp_path_factory.mktemp("gate")) as running:
            yield running


@pytest.mark.parametrize(
    "path", ["/sign-in", "/nothing", "/static/console.css", "/static/nothing", "/tried/broken", "/tried/bad"]
)
def test_every_answer_carries_what_protects_it(here: Site, path: str) -> None:
    headers = here.signed_in().get(path).headers
    csp = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))

    assert csp["default-src"] == "'none'"
    assert csp["script-src"] == csp["style-src"] == csp["connect-src"] == csp["form-action"] == "'self'"
    assert csp["frame-ancestors"] == csp["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "evil.example:4142",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "",
        "[",
        "localhost#.evil.example",
        "127.0.0.1/evil.example",
        "evil@127.0.0.1:4142",
        "127.0.0.1:1;a=b",
    ],
)
def test_a_name_that_is_not_ours_is_refused(here: Site, name: str) -> None:
    assert here.signed_in().get("/sign-in", host=name).status == 421


@pytest.mark.parametrize("name", ["localhost", "localhost:9999", "127.0.0.1:1", "[::1]:4142"])
def test_each_name_of_this_machine_is_ours(here: Site, name: str) -> None:
    assert here.visitor().get("/sign-in", host=name).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": "https://127.0.0.1"},
    ],
)
@pytest.mark.parametrize("path", ["/tried/run", "/sign-in"])
def test_a_form_of_another_page_is_refused(here: Site, path: str, headers: dict[str, str]) -> None:
    visitor = here.signed_in("operator")
    fields = {"csrf": visitor.get("/sign-in").csrf, "scenario": "x", "token": "x"}

    assert visitor.post(path, fields, **headers).status == 403


@pytest.mark.parametrize("csrf", ["", "x", "\u00e9"])
def test_a_form_without_the_token_of_its_session_is_refused(here: Site, csrf: str) -> None:
    page = here.signed_in("operator").post("/tried/run", {"csrf": csrf, "scenario": "x"})

    assert page.status == 403
    assert "Nothing was done" in page.text


def test_the_token_of_another_session_is_none(here: Site) -> None:
    other = here.signed_in(name="other").get("/sign-in").csrf

    assert here.signed_in("operator").post("/tried/run", {"csrf": other, "scenario": "x"}).status == 403


def test_who_is_not_signed_in_changes_nothing(here: Site) -> None:
    assert here.visitor().post("/tried/run", {"csrf": "", "scenario": "x"}).status == 403


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 200), ("admin", 200)])
def test_a_role_may_what_it_may(here: Site, role: str, status: int) -> None:
    page = here.signed_in(role).send("/tried/run", scenario="one & two")

    assert page.status == status
    assert ("ana: one & two" in page.text) == (status == 200)


def test_a_form_that_is_too_long_is_refused(here: Site) -> None:
    assert here.signed_in().send("/tried/run", scenario="x" * FORM_BYTES_MAX).status == 413


def test_a_form_that_breaks_off_is_no_defect_of_ours(here: Site, caplog: pytest.LogCaptureFixture) -> None:
    visitor = here.visitor()
    head = f"POST /sign-in HTTP/1.1\r\nhost: {visitor.host}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
    with caplog.at_level(logging.ERROR):
        for length in (10, 11):
            with socket.create_connection(("127.0.0.1", urlsplit(here.url).port or 0)) as connection:
                connection.sendall(f"{head}content-length: {length}\r\n\r\nab".encode())
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass

    assert caplog.text == ""


def test_what_is_no_form_is_refused(here: Site) -> None:
    visitor = here.signed_in()
    csrf = visitor.get("/sign-in").csrf

    assert visitor.post("/tried/run", {"csrf": csrf}, content_type="text/plain").status == 415
    assert visitor.post("/tried/run", {str(n): "" for n in range(2_000)}).status == 400


def test_other_methods_are_refused(here: Site) -> None:
    page = here.signed_in()._ask("PUT", "/sign-in", urlencode({}), {})

    assert page.status == 405


def test_what_is_not_there_and_what_cannot_be_done_is_said_on_a_page(here: Site) -> None:
    visitor = here.signed_in()
    gone, bad = visitor.get("/nothing"), visitor.get("/tried/bad")

    assert (gone.status, bad.status) == (404, 400)
    assert "There is no such page." in gone.text
    assert "&lt;b&gt;no&lt;/b&gt; such thing" in bad.text
    assert "Ask for another." in bad.text


def test_what_nobody_foresaw_is_told_by_an_id_alone(here: Site, caplog: pytest.LogCaptureFixture) -> None:
    page = here.signed_in().get("/tried/broken%1b[2J")
    name = page.text.partition("<code>")[2].partition("</code>")[0]

    assert page.status == 500
    assert "secret" not in page.text
    assert "Traceback" not in page.text
    assert f"({name}): GET '/tried/broken" in caplog.text
    assert "\x1b" not in caplog.text


def test_no_page_of_ours_has_code_or_style_of_its_own_in_it(here: Site) -> None:
    page = here.signed_in().get("/sign-in").text

    assert "style=" not in page
    assert page.count("<script") == page.count('<script src="/static/') == 1
