"""Cut-off: take an endpoint, a company or a country away, see at once what is left, and try it for real.

What is away stands in the address of the page (`/cutoff?scenario=NAME&lost=parent:NAME&days=7`), so each box of the
picture is a plain link to the page with it taken away, or brought back.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct
from msgspec.structs import asdict, replace
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from freehold.console.cutoff_picture import WORDS, Node, Seen, Taken, picture
from freehold.console.shell import form, need, page, there
from freehold.vocabulary.errors import BadRequest

DAYS = (1, 7, 30, 90)
DAYS_USUAL = 7
DAYS_MAX = 366
WAYS = ("marked", "shadow", "share")  # requests made for it, copies of live ones, live ones
LASTS_S_MAX = 600
LINES_SHOWN = 100
LOST_MAX, VALUE_CHARS_MAX = 100, 512
# A report brings its own style and runs nothing; it is read as if it came from elsewhere.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
)

HEADINGS = {
    "alias": "Aliases",
    "endpoint": "Endpoints",
    "parent": "Parent companies",
    "cloud": "Clouds",
    "entity_jurisdiction": "Law of the contract",
    "inference_region": "Where it runs",
}


class Wish(Struct, frozen=True):
    """What is supposed: a scenario by its name, and what is lost beside it, over the traffic of the last days."""

    scenario: str = ""
    lost: tuple[tuple[str, str], ...] = ()  # word and value: ("parent", "OpenAI")
    days: int = DAYS_USUAL
    alias: str = ""  # show this one alone; the sums are of all

    @property
    def query(self) -> str:
        """As it stands in an address."""
        named = [("scenario", self.scenario)] if self.scenario else []
        lost = [("lost", f"{word}:{value}") for word, value in self.lost]
        days = [("days", str(self.days))] if self.days != DAYS_USUAL else []
        alias = [("alias", self.alias)] if self.alias else []
        return urlencode([*named, *lost, *days, *alias])

    @property
    def is_empty(self) -> bool:
        """Whether nothing is supposed at all."""
        return not (self.scenario or self.lost)


class Order(Struct, frozen=True):
    """How a drill is to be run for real."""

    scenario: str
    way: str  # one of WAYS
    lasts_s: int  # with the fault
    alias: str = ""  # what marked requests ask for
    share: float = 0.0  # of live traffic, 0 to 1, for real or as copies


class Outcome(Protocol):
    """What a simulation found. The templates read the rest of it by the names of its values."""

    @property
    def fates(self) -> Sequence[Any]:
        """What becomes of each endpoint: `endpoint`, `fate`, `because`."""


class Drills(Protocol):
    """What the drills' room lends. Errors are FreeholdErrors that tell what to do."""

    def scenarios(self) -> Sequence[Any]:
        """All of them: `name`, `title`, `why`, `is_own`."""

    def endpoints(self) -> Sequence[Seen]:
        """The endpoints of all pools, and what they hang on."""

    def simulate(self, wish: Wish) -> tuple[Outcome, Sequence[Any], bool]:
        """The outcome, the legs of each alias, and whether there was traffic; without any, each alias counts once."""

    def save(self, wish: Wish, name: str, title: str, note: Callable[[str], None]) -> None:
        """Write it down as a scenario, once `note` has recorded its file. Raises BadRequest for an unfit name."""

    def keep(self, wish: Wish) -> str:
        """Simulate, and keep the result with its report; the drill's id."""

    def past(self) -> Sequence[Any]:
        """The drills that were kept, the newest first: `id`, `at_ms`, `scenario`, `kind`, `said`."""

    def report(self, drill: str) -> str:
        """A drill's report as a page. Raises NotFound."""

    def start(self, order: Order) -> None:
        """Begin to run a scenario. Raises BadRequest where one runs already."""

    def running(self) -> Any:
        """What runs or has ended last since this console began: `scenario`, `is_over`, `said`, `drill`; or None."""

    def stop(self) -> None:
        """End what runs, at once."""


def drills(request: Request) -> Drills:
    """What the drills' room lends to this console."""
    lent: Any = there(request).ports["drills"]
    found: Drills = lent
    return found


def wish_of(pairs: Sequence[tuple[str, str]]) -> Wish:
    """What an address says. Raises BadRequest."""
    fields = dict(pairs)
    lost = dict.fromkeys(_loss(value) for name, value in pairs if name == "lost")
    if len(lost) > LOST_MAX:
        raise BadRequest(
            f"more than {LOST_MAX} losses", remedy="Take a company or a country away as a whole."
        )
    days = fields.get("days", str(DAYS_USUAL))
    if not (re.fullmatch(r"[0-9]{1,3}", days) and 1 <= int(days) <= DAYS_MAX):
        raise BadRequest(f"days is {days[:20]!r}", remedy=f"Write a number of days, from 1 to {DAYS_MAX}.")
    return Wish(_name(fields, "scenario"), tuple(lost), int(days), _name(fields, "alias"))


def _name(fields: Mapping[str, str], field: str) -> str:
    """The name of a scenario or an alias: it may come to stand on the ledger before anybody looks for it."""
    if len(fields.get(field, "")) > VALUE_CHARS_MAX:
        said = f"`{field}` is longer than {VALUE_CHARS_MAX} characters"
        raise BadRequest(said, remedy="Choose one that the page offers.")
    return fields.get(field, "")


def _loss(written: str) -> tuple[str, str]:
    word, _, value = written.partition(":")
    if word not in WORDS or not 0 < len(value) <= VALUE_CHARS_MAX:
        said = f'"{written[:100]}" is nothing that can be lost here'
        raise BadRequest(said, remedy=f"Write WORD:VALUE with one of these words: {', '.join(WORDS)}.")
    return word, value


def toggled(wish: Wish, node: Node) -> str:
    """Where a click on a box leads: an alias is shown alone, anything else taken away or brought back."""
    key = (node.word, node.value)
    if node.word == "alias":
        return replace(wish, alias="" if wish.alias == node.value else node.value).query
    return without(wish, key) if key in wish.lost else replace(wish, lost=(*wish.lost, key)).query


def without(wish: Wish, key: tuple[str, str]) -> str:
    """The address at which something is brought back."""
    return replace(wish, lost=tuple(one for one in wish.lost if one != key)).query


def cutoff(request: Request) -> Response:
    """The picture, and what is left."""
    wish = wish_of(request.query_params.multi_items())
    port = drills(request)
    outcome, legs, has_traffic = port.simulate(wish)
    seen = [one for one in port.endpoints() if not wish.alias or wish.alias in one.aliases]
    if wish.alias:
        seen = [Seen(one.id, (wish.alias,), one.facts) for one in seen]
    taken = Taken(frozenset(wish.lost), {fate.endpoint: fate.fate for fate in outcome.fates})
    choices = port.scenarios()
    return page(
        request,
        "cutoff.html",
        wish=wish,
        picture=picture(seen, taken),
        headings=HEADINGS,
        toggled=lambda node: toggled(wish, node),
        without=lambda key: without(wish, key),
        found=outcome,
        legs=legs,
        has_traffic=has_traffic,
        lines_shown=LINES_SHOWN,
        choices=choices,
        chosen=next((one for one in choices if one.name == wish.scenario), None),
        days=DAYS,
        past=port.past()[:20],
        running=port.running(),
    )


def save(request: Request) -> Response:
    """Write down what is away as a scenario of one's own."""
    need(request, "operator")
    fields = form(request)
    wish, name = _sent_wish(request), fields.get("name", "").strip()

    def note(file: str) -> None:
        there(request).note("scenario-saved", {"scenario": name, "file": file, "who": request.state.who})

    drills(request).save(wish, name, fields.get("title", "").strip() or name, note)
    return _to(f"/cutoff?{Wish(name, days=wish.days).query}")


def keep(request: Request) -> Response:
    """Simulate, and keep the report."""
    need(request, "operator")
    wish = _sent_wish(request)
    there(request).note("simulation-asked-for", {"of": wish.query, "who": request.state.who})
    drill = drills(request).keep(wish)
    return _to(f"/cutoff/drills/{drill}")


def _sent_wish(request: Request) -> Wish:
    return wish_of(parse_qsl(form(request).get("query", "")))


def confirm(request: Request) -> Response:
    """What would happen if this scenario were run, and the button that runs it."""
    need(request, "operator")
    wish, port = wish_of(request.query_params.multi_items()), drills(request)
    chosen = next((one for one in port.scenarios() if one.name == wish.scenario), None)
    if chosen is None:
        raise BadRequest("only a scenario that is written down can be run", remedy="Save it first.")
    aliases = dict.fromkeys(alias for one in port.endpoints() for alias in one.aliases if "*" not in alias)
    return page(request, "cutoff_run.html", chosen=chosen, aliases=list(aliases), running=port.running())


def run(request: Request) -> Response:
    """Begin. A share of live traffic takes an admin, who has typed the scenario's name."""
    fields, who = form(request), request.state.who
    way, scenario = fields.get("way", ""), _name(fields, "scenario")
    need(request, "admin" if way == "share" else "operator")
    if way not in WAYS:
        raise BadRequest(f"{way[:20]!r} is no way to run a drill", remedy=f"It is one of {', '.join(WAYS)}.")
    if way == "share" and fields.get("typed", "").strip() != scenario:
        raise BadRequest("the scenario's name was not typed", remedy="Type it as it is written on the page.")
    lasts_s = int(_number(fields.get("lasts", ""), LASTS_S_MAX))
    share = 0.0 if way == "marked" else _number(fields.get("share", ""), 100) / 100
    order = Order(scenario, way, lasts_s, _name(fields, "alias"), share)
    there(request).note(
        "drill-asked-for", {**asdict(order), "who": who}
    )  # what cannot be recorded is not begun
    drills(request).start(order)
    return _to("/cutoff/running")


def _number(written: str, most: int) -> float:
    """A number from a form. Raises BadRequest."""
    found = float(written) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", written.strip()) else 0.0
    if not 0 < found <= most:
        remedy = f"Write one that is more than 0 and at most {most}."
        raise BadRequest(f"{written[:20]!r} is no number that fits here", remedy=remedy)
    return found


def running(request: Request) -> Response:
    """The drill that runs, with the button that stops it."""
    return page(request, "cutoff_running.html", running=drills(request).running())


def stop(request: Request) -> Response:
    """The kill switch."""
    need(request, "operator")
    drills(request).stop()  # first: it must work where nothing can be recorded any more
    there(request).note("drill-stopped", {"who": request.state.who})
    return _to("/cutoff/running")


def report(request: Request) -> Response:
    """A kept drill's report, as it is printed."""
    shown = drills(request).report(request.path_params["drill"])
    return HTMLResponse(shown, headers={"content-security-policy": REPORT_POLICY})


def _to(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303)


ROUTES = (
    Route("/cutoff", cutoff),
    Route("/cutoff/save", save, methods=["POST"]),
    Route("/cutoff/keep", keep, methods=["POST"]),
    Route("/cutoff/rehearse", confirm),
    Route("/cutoff/rehearse", run, methods=["POST"]),
    Route("/cutoff/running", running),
    Route("/cutoff/stop", stop, methods=["POST"]),
    Route("/cutoff/drills/{drill}", report),
)
