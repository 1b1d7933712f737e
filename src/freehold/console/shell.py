"""What all pages share: the frame, the menu, the templates and their filters."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from freehold.console.there import There

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

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def there(request: Request) -> There:
    """What this console shows."""
    found: There = request.app.state.there
    return found


def page(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page, or where the template is a fragment, a part of one. Every value is escaped."""
    who = getattr(request.state, "who", None)
    shown = _templates.get_template(template).render(
        menu=MENU, at=request.url.path, who=who, csrf=getattr(request.state, "csrf", ""), **values
    )
    return HTMLResponse(shown, status)


def moment(at_ms: int) -> str:
    """Unix milliseconds as people read them, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def percent(share: float | None) -> str:
    """A share, 0 to 1."""
    return "unknown" if share is None else f"{100 * share:.1f} %"


def usd(amount: float | None) -> str:
    """An amount of money."""
    return "unknown" if amount is None else f"{amount:,.4f} USD"


_templates.filters |= {"moment": moment, "percent": percent, "usd": usd}
