"""The drill as a picture: aliases, endpoints, the companies behind them and their countries, and what is lost of them.

Four columns of nodes with lines between neighbours. Everything is plain numbers, for attributes of an SVG: the
console's pages carry no style of their own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

WIDTH, BOX, STEP, TOP, AIR = 1120, 214, 34, 34, 24  # in units of the picture, about CSS pixels
BOX_HEIGHT = 26
LETTERS, LETTERS_COUNTED = 24, 18  # of a name, without a count beside it and with one
UNKNOWN = ""  # stands for a value that nobody knows
OWN = "(this company)"  # whose machines they are where no other company is behind an endpoint


class State(StrEnum):
    """How much of a node is left."""

    KEPT = "kept"
    CHANGED = "changed"  # still there, and not what it was
    PARTLY = "partly lost"
    LOST = "lost"
    UNSURE = "unknown, so counted as lost"


class Seen(Struct, frozen=True):
    """An endpoint as the picture needs it. None: not known."""

    id: str
    aliases: tuple[str, ...]
    facts: Mapping[str, str | None]


class Node(Struct, frozen=True):
    """A box. `word` and `value` are what a loss of it is called; what nobody knows has no value."""

    id: str
    word: str
    value: str
    x: int
    y: int
    left: int  # endpoints of it that are still there
    all: int
    state: State
    is_chosen: bool  # somebody took this very box away

    @property
    def can_be_lost(self) -> bool:
        """Whether there is a name to lose it by."""
        return self.value not in (UNKNOWN, OWN)

    @property
    def label(self) -> str:
        """As much of its name as fits, behind the mark of its state."""
        mark = "✕ " if self.state in (State.LOST, State.UNSURE) else "" if self.value else "? "
        name, letters = mark + (self.value or "unknown"), LETTERS_COUNTED if self.all > 1 else LETTERS
        return name if len(name) <= letters else f"{name[: letters - 1]}…"


class Group(Struct, frozen=True):
    """The boxes of one kind, below their heading."""

    word: str
    x: int
    y: int
    nodes: tuple[Node, ...]


class Line(Struct, frozen=True):
    """Between two boxes: an SVG path, and whether what it stands for is gone."""

    path: str
    is_lost: bool


class Picture(Struct, frozen=True):
    """All of it."""

    width: int
    height: int
    groups: tuple[Group, ...]
    lines: tuple[Line, ...]


class Taken(NamedTuple):
    """What is away: what somebody clicked, and what that does to each endpoint."""

    chosen: frozenset[tuple[str, str]]
    fates: Mapping[str, str]  # endpoint: lost, changed, kept or unknown


_COLUMNS = (("alias",), ("endpoint",), ("parent", "cloud"), ("entity_jurisdiction", "inference_region"))
WORDS = ("endpoint", "parent", "cloud", "entity_jurisdiction", "inference_region")  # what can be taken away
_NEXT = (
    ("alias", "endpoint"),
    ("endpoint", "parent"),
    ("endpoint", "cloud"),
    ("parent", "entity_jurisdiction"),
    ("cloud", "inference_region"),
)

_Key = tuple[str, str]  # word and value


def picture(seen: Sequence[Seen], taken: Taken) -> Picture:
    """Where everything stands. The order of aliases and endpoints is kept; the rest stands near what leads to it."""
    members = _members(seen)
    groups: list[Group] = []
    for column, words in enumerate(_COLUMNS):
        x, y = column * (WIDTH - BOX) // (len(_COLUMNS) - 1), TOP
        for word in words:
            keys = [key for key in members if key[0] == word]
            if word not in ("alias", "endpoint"):
                keys.sort(key=lambda key: (key[1] in (UNKNOWN, OWN), _middle(members[key])))
            nodes = tuple(
                _node(f"{word}-{i}", key, (x, y + i * STEP), members[key], taken)
                for i, key in enumerate(keys)
            )
            groups.append(Group(word, x, y, nodes))
            y += len(nodes) * STEP + AIR + BOX_HEIGHT
    height = max((node.y + STEP for group in groups for node in group.nodes), default=TOP)
    boxes = {(node.word, node.value): node for group in groups for node in group.nodes}
    return Picture(WIDTH, height, tuple(groups), tuple(_lines(seen, boxes, taken)))


def _members(seen: Sequence[Seen]) -> dict[_Key, list[tuple[int, str]]]:
    """The endpoints behind each box, with their places."""
    found: dict[_Key, list[tuple[int, str]]] = defaultdict(list)
    for alias in dict.fromkeys(alias for one in seen for alias in one.aliases):
        found["alias", alias] = []
    for place, one in enumerate(seen):
        for word in ("alias", *WORDS):
            for value in _values(one, word):
                found[word, value].append((place, one.id))
    return found


def _values(one: Seen, word: str) -> tuple[str, ...]:
    if word == "alias":
        return one.aliases
    return (one.id,) if word == "endpoint" else (one.facts.get(word) or UNKNOWN,)


def _middle(members: Iterable[tuple[int, str]]) -> float:
    places = [place for place, _ in members]
    return sum(places) / len(places)


def _node(
    name: str, key: _Key, at: tuple[int, int], members: Sequence[tuple[int, str]], taken: Taken
) -> Node:
    fates = [taken.fates.get(endpoint, "kept") for _, endpoint in members]
    left = sum(fate in ("kept", "changed") for fate in fates)
    return Node(name, *key, *at, left, len(fates), _state(fates, left), key in taken.chosen)


def _state(fates: Sequence[str], left: int) -> State:
    if left == 0 and fates:
        return State.LOST if "lost" in fates else State.UNSURE
    if left < len(fates):
        return State.PARTLY
    return State.CHANGED if "changed" in fates else State.KEPT


def _lines(seen: Sequence[Seen], boxes: Mapping[_Key, Node], taken: Taken) -> Iterable[Line]:
    """One for each pair of neighbours; it is lost where every endpoint is that makes it."""
    pairs: dict[tuple[_Key, _Key], bool] = {}
    for one in seen:
        lost = taken.fates.get(one.id, "kept") not in ("kept", "changed")
        for first, second in _NEXT:
            for start in _values(one, first):
                for end in _values(one, second):
                    pair = ((first, start), (second, end))
                    pairs[pair] = pairs.get(pair, True) and lost
    for (start_key, end_key), lost in sorted(
        pairs.items(), key=lambda item: not item[1]
    ):  # what is left, above
        yield Line(_path(boxes[start_key], boxes[end_key]), lost)


def _path(start: Node, end: Node) -> str:
    """From the right side of one box to the left side of another."""
    x1, y1, x2, y2 = start.x + BOX, start.y + BOX_HEIGHT // 2, end.x, end.y + BOX_HEIGHT // 2
    half = (x1 + x2) // 2
    return f"M{x1} {y1}C{half} {y1} {half} {y2} {x2} {y2}"
