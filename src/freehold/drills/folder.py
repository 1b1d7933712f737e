"""Where a drill lies: `<state>/drills/<ID>`, with scenario.toml, inputs.json, simulation.json, rehearsal.json.

Metadata only: no prompt, no answer, no key. Readable by the state directory's user alone.
"""

import re
import secrets
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from freehold.config import clock
from freehold.drills.scenario import Scenario
from freehold.ledger.durable import replace, sync
from freehold.vocabulary.errors import BadRequest, NotFound, Unverified

SCENARIO, INPUTS = "scenario.toml", "inputs.json"
SIMULATION, REHEARSAL, REPORT = "simulation.json", "rehearsal.json", "report.json"
CANDIDATES_SHOWN = 5
_ID = re.compile(r"d[0-9a-f]{19}")

T = TypeVar("T")


def new(state: Path, scenario: Scenario) -> str:
    """A folder for a drill, with the text of its scenario; the drill's id, which sorts by time."""
    drill = f"d{clock.now_ms():011x}{secrets.token_hex(4)}"
    place(state).mkdir(parents=True, exist_ok=True, mode=0o700)
    path_of(state, drill).mkdir(mode=0o700)
    sync(place(state))
    write(state, drill, SCENARIO, scenario.source)
    return drill


def write(state: Path, drill: str, name: str, value: object) -> str:
    """Put a text, bytes, or a value as JSON into the folder, durably; SHA-256 of the file, in hex."""
    data = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else plain(value)
    replace(path_of(state, drill) / name, data)
    return sha256(data).hexdigest()


def plain(value: object) -> bytes:
    """A value as JSON; what is read from it as the same type gives the same bytes again."""
    data = msgspec.json.encode(value)
    if isinstance(value, msgspec.Struct):  # a whole number where any number may stand is read as another
        data = msgspec.json.encode(msgspec.json.decode(data, type=type(value)))
    return msgspec.json.format(data, indent=1) + b"\n"


def text(state: Path, drill: str, name: str) -> str:
    """A file of the folder. Raises NotFound where it is not there."""
    path = path_of(state, drill) / name
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        has = ", ".join(sorted(one.name for one in path.parent.glob("*.*")))
        raise NotFound(f"the drill {drill} has no {name}", remedy=f"It has: {has}.") from None


def read(state: Path, drill: str, name: str, kind: type[T]) -> T:
    """A file of the folder as a value. Raises NotFound where it is not there, Unverified where it is damaged."""
    try:
        return msgspec.json.decode(text(state, drill, name).encode(), type=kind)
    except msgspec.DecodeError as error:
        remedy = "Restore the folder from a backup, or run the drill anew."
        raise Unverified(f"{path_of(state, drill) / name} cannot be read: {error}", remedy=remedy) from None


def has(state: Path, drill: str, name: str) -> bool:
    """Whether the folder holds a file."""
    return (path_of(state, drill) / name).is_file()


def listed(state: Path) -> tuple[str, ...]:
    """The ids of all drills, the oldest first."""
    if not place(state).is_dir():
        return ()
    return tuple(sorted(one.name for one in place(state).iterdir() if _ID.fullmatch(one.name)))


def find(state: Path, prefix: str) -> str:
    """The id of the drill whose id begins so. Raises NotFound, and BadRequest where several do."""
    found = [drill for drill in listed(state) if drill.startswith(prefix)]
    if not found:
        remedy = "`freehold drill simulate SCENARIO --save` makes one."
        raise NotFound(f"no drill has the id {prefix!r}", remedy=remedy)
    if len(found) > 1:
        shown = ", ".join(found[:CANDIDATES_SHOWN])
        raise BadRequest(f"{prefix!r} begins several ids: {shown}", remedy="Give more of the id.")
    return found[0]


def place(state: Path) -> Path:
    """Where all drills lie."""
    return state / "drills"


def path_of(state: Path, drill: str) -> Path:
    """A drill's folder."""
    return place(state) / drill
