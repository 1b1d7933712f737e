"""What all pages share: the frame, the menu, the templates and their filters, who asks, and what a form said."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from freehold.config import clock
from freehold.console.there import There
from freehold.console.tokens import ROLES
from freehold.ledger.search_rows import ON_PURPOSE
from freehold.vocabulary.errors import Fault

HERE = Path(__file__).parent
MENU = (
    ("Now", "/"),
    ("Exchanges", "/exchanges"),
    ("Endpoints", "/endpoints"),
    ("Policy", "/policy"),
    ("Audits", "/audits"),
    ("Cut-off", "/cutoff"),
    ("Standing", "/standing"),
    ("Keys and budgets", "/keys"),
)

_FAULTS = {
    Fault.CONNECT.value: "no connection",
    Fault.STATUS.value: "error status",
    Fault.COOLING.value: "told us to wait",
    Fault.LIMITED.value: "at its limit",
    Fault.POLICY.value: "not allowed by policy",
    ON_PURPOSE: "made to fail by a drill",
}
_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def compile_templates() -> None:
    """Compile all of them, so that nobody's first page waits for it."""
    for name in _templates.list_templates():
        _templates.get_template(name)


def there(request: Request) -> There:
    """What this console shows."""
    found: There = request.app.state.there
    return found


def page(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page, or where the template is a fragment, a part of one. Every value is escaped."""
    seen = request.state
    shown = _templates.get_template(template).render(
        menu=MENU,
        at=request.url.path,
        status=status,
        who=getattr(seen, "who", None),
        role=getattr(seen, "role", ""),
        csrf=getattr(seen, "csrf", ""),
        **values,
    )
    return HTMLResponse(shown, status)


def form(request: Request) -> Mapping[str, str]:
    """The fields of a form that was sent; of several with one name, the last."""
    fields: Mapping[str, str] = getattr(request.state, "form", {})
    return fields


def may(request: Request, role: str) -> bool:
    """Whether who asks has this role, or one that may more."""
    return ROLES.index(request.state.role) >= ROLES.index(role)


def need(request: Request, role: str) -> None:
    """Refuse who has not at least this role. Raises HTTPException (403)."""
    if not may(request, role):
        raise HTTPException(
            403, f"This is for the role {role}, and you are signed in as {request.state.role}."
        )


def moment(at_ms: int) -> str:
    """Unix milliseconds as people read them, in UTC."""
    return clock.utc(at_ms).strftime("%Y-%m-%d %H:%M:%S")


def percent(share: float | None) -> str:
    """A share, 0 to 1."""
    return "unknown" if share is None else f"{100 * share:.1f}\u00a0%"


def usd(amount: float | None) -> str:
    """An amount of money: to the cent where that is enough to tell amounts apart."""
    return "unknown" if amount is None else f"{amount:,.{2 if amount >= 10 else 4}f}\u00a0USD"


def several(count: int, noun: str) -> str:
    """So many of something, with a plural by "s"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def fault(name: str) -> str:
    """What went wrong in an attempt, as people read it."""
    return _FAULTS.get(name) or name.replace("_", " ")


def ago(days: int) -> str:
    """How long ago a day was."""
    return f"{several(days, 'day')} ago" if days else "today"


_templates.filters |= {
    "moment": moment,
    "percent": percent,
    "usd": usd,
    "several": several,
    "ago": ago,
    "fault": fault,
}
