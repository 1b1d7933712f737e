"""A scenario's file: read, checked to the last key, and written.

[[lost]] and [[changed]] hold selectors beside what they do. Where a change has the name of a fact, `where` selects by
the fact: `where = { retention_days = 0 }`.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, defstruct

from freehold.config.document import Document, dotted, parse, text_of
from freehold.config.places import KeyPath
from freehold.config.shape import nearest, table_problems
from freehold.drills.scenario import CHEAPEST, Change, Loss, Scenario, Way, Words
from freehold.drills.selecting import JURISDICTION, MOST_USED, RETIRES, SELECTORS
from freehold.vocabulary.countries import PLACE_FACTS, PLACES
from freehold.vocabulary.errors import ConfigError
from freehold.vocabulary.facts import GROUPS, REGISTRY, Kind

SUFFIX = ".toml"
SCENARIOS = "scenarios"  # the folder of the state directory with one's own
_SHIPPED = Path(__file__).parent / "shipped"

_Text = Annotated[str, Meta(min_length=1)]
_Factor = Annotated[float, Meta(gt=0)]
_Some = Meta(min_length=1)
_TYPES: Mapping[Kind, Any] = {
    Kind.BOOLEAN: bool,
    Kind.NUMBER: float | Annotated[tuple[float, ...], _Some],
    Kind.DATE: date | Annotated[tuple[date, ...], _Some],
}
_TEXTS = _Text | Annotated[tuple[_Text, ...], _Some]
_DAYS = Annotated[float, Meta(ge=0)]


class _File(Struct, frozen=True):
    title: _Text
    why: _Text
    begins: date | None = None
    days: _Factor | None = None
    retest_days: Annotated[int, Meta(ge=1)] = 365
    lost: Annotated[tuple[dict[str, Any], ...], _Some] = ()
    changed: Annotated[tuple[dict[str, Any], ...], _Some] = ()


# Each of a change's effects, as files write it.
_EFFECTS: Mapping[str, Any] = {
    "price": _Factor,
    "latency": _Factor,
    "limits": _Factor,
    "retention_days": _DAYS,
    "deprecated_on": date,
    "replaced_by": _Text,
    "refuses": _Text,
    "refuses_share": Annotated[float, Meta(gt=0, le=1)],
}


def _type_of(word: str) -> Any:
    if word == RETIRES:
        return _DAYS
    return _TYPES.get(REGISTRY[word].kind, _TEXTS) if word in REGISTRY else _TEXTS


_UNSET: Any = None
_WORDS = [(word, _type_of(word), _UNSET) for word in SELECTORS]
_Where = defstruct("_Where", _WORDS)
_Losing = defstruct("_Losing", [*_WORDS, ("way", Way, _UNSET), ("where", _Where, _UNSET)])
_Changing = defstruct(
    "_Changing",
    [
        *(word for word in _WORDS if word[0] not in _EFFECTS),
        *((name, type_, _UNSET) for name, type_ in _EFFECTS.items()),
        ("where", _Where, _UNSET),
    ],
)


def shipped() -> tuple[Scenario, ...]:
    """The scenarios that come along, by name."""
    return scenarios(_SHIPPED)


def scenarios(folder: Path) -> tuple[Scenario, ...]:
    """The scenarios in a folder, by name; none where there is no folder. Raises ConfigError for the first problem."""
    return tuple(_in_file(path) for path in sorted(folder.glob(f"*{SUFFIX}")))


def load_scenario(written: str, own: Path | None = None) -> Scenario:
    """The scenario of a name, or in a file; a file is written with its ending or folder.

    `own`: a folder with more, which win over those that come along. Raises ConfigError for the first problem.
    """
    if written.endswith(SUFFIX) or "/" in written:
        path = Path(written).expanduser()
        if not path.exists():
            remedy = "Name another file, or a scenario that `freehold drill list` shows."
            raise ConfigError("there is no such file", remedy=remedy, file=str(path))
        return _in_file(path)
    folders = [_SHIPPED] if own is None else [own, _SHIPPED]
    found = {path.stem: path for folder in reversed(folders) for path in folder.glob(f"*{SUFFIX}")}
    if written in found:
        return _in_file(found[written])
    meant = nearest(written, list(found))
    raise ConfigError(
        f'no scenario is called "{written}"',
        remedy=(f'Write "{meant}", or ' if meant else "See `freehold drill list`, or ")
        + f'name a file, like "{written}{SUFFIX}".',
    )


def _in_file(path: Path) -> Scenario:
    return parsed(text_of(path), str(path))


def parsed(text: str, file: str) -> Scenario:
    """The scenario that a text is; `file` is what errors call it. Raises ConfigError for the first problem."""
    document = parse(text, file)
    problems = sorted(_problems(document), key=lambda one: (one.line, one.column))
    if problems:
        raise problems[0]
    raw = msgspec.convert(document.raw, _File)
    return Scenario(
        Path(file).stem,
        raw.title,
        raw.why,
        tuple(Loss(_words(one, ("way",)), Way(one.get("way", Way.UNREACHABLE))) for one in raw.lost),
        tuple(_change(one) for one in raw.changed),
        raw.begins,
        raw.days,
        raw.retest_days,
        text,
    )


def _change(block: Mapping[str, Any]) -> Change:
    effects = {name: block[name] for name in _EFFECTS if name in block}
    return msgspec.convert({"where": _words(block, tuple(_EFFECTS)), **effects}, Change)


def _words(block: Mapping[str, Any], effects: tuple[str, ...]) -> Words:
    flat = {name: value for name, value in block.items() if name not in (*effects, "where")}
    return tuple(sorted((name, _texts(value)) for name, value in {**flat, **block.get("where", {})}.items()))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list) else (_text(value),)


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _problems(document: Document) -> Iterator[ConfigError]:
    for name in ("lost", "changed"):
        if isinstance(document.raw.get(name), dict):
            yield document.problem((name,), f"there may be several `{name}`", f"Write [[{name}]].")
            return
    found = list(table_problems(document, (), document.raw, _File))
    for name in ("lost", "changed"):
        blocks = document.raw.get(name)
        for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
            if isinstance(block, dict):
                found += _block_problems(document, (name, index), block)
    yield from found
    if not found and not {"lost", "changed"} & set(document.raw):
        remedy = "Add [[lost]] or [[changed]], and name whom it hits."
        yield document.problem((), "nothing is lost and nothing changes", remedy)


def _block_problems(document: Document, path: KeyPath, block: dict[str, Any]) -> Iterator[ConfigError]:
    loses = path[0] == "lost"
    other, known = ("changed", _Losing) if loses else ("lost", _Changing)
    flaws = list(_misplaced(document, path, block, other, known.__struct_fields__))
    flaws = flaws or list(table_problems(document, path, block, known))
    yield from flaws
    if flaws:
        return
    does = ("way",) if loses else tuple(_EFFECTS)
    flat = [name for name in block if name not in (*does, "where")]
    inside = block.get("where", {})
    if not flat and not inside:
        remedy = 'Add a fact, like parent = "...", or endpoint = "*" for all.'
        yield document.problem(path, f"`{dotted(path)}` does not say whom it hits", remedy)
    if not loses and not set(block) & set(_EFFECTS):
        remedy = f"Add one of {', '.join(_EFFECTS)}."
        yield document.problem(path, f"`{dotted(path)}` does not say what changes", remedy)
    if (model := block.get("replaced_by", "")).startswith("@") and model != CHEAPEST:
        said = f'`replaced_by` cannot be "{model}"'
        yield document.problem((*path, "replaced_by"), said, f'Write "{CHEAPEST}", or a model.')
    for name in flat:
        yield from _value_problems(document, (*path, name), name, block[name])
    for name, value in inside.items():
        if name in flat:
            yield document.problem((*path, "where", name), f"`{name}` stands twice", "Remove one of them.")
        yield from _value_problems(document, (*path, "where", name), name, value)


def _misplaced(
    document: Document, path: KeyPath, block: dict[str, Any], other: str, known: tuple[str, ...]
) -> Iterator[ConfigError]:
    """What a block of the other sort could say."""
    for name in block:
        if name not in known and name in ("way", *_EFFECTS):
            said = f"[[{path[0]}]] cannot say `{name}`"
            yield document.problem((*path, name), said, f"Say it in a [[{other}]] of its own.")


def _value_problems(document: Document, path: KeyPath, word: str, value: Any) -> Iterator[ConfigError]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, float) and isnan(one):
            yield document.problem(path, f"`{word}` is not a number", "Give it one.")
        if isinstance(one, str) and (allowed := _allowed(word, one)) and one not in allowed:
            meant = None if one.isupper() else nearest(one, allowed)  # codes of places resemble one another
            remedy = f'Write "{meant}".' if meant else f"Known are {_some(allowed)}."
            yield document.problem(path, f'`{word}` cannot be "{one}"', remedy)


def _some(allowed: list[str]) -> str:
    if "global" in allowed:
        return "the codes of ISO 3166, like GB and DE, and EU, EEA and global"
    return ", ".join(allowed)


def _allowed(word: str, text: str) -> list[str]:
    """The texts of which `text` must be one; none: any will do."""
    if text == "*":
        return []
    if text.startswith("@"):
        return list(MOST_USED)
    if word in PLACE_FACTS or word == JURISDICTION:
        return sorted({*PLACES, *GROUPS})
    return list(REGISTRY[word].words) if word in REGISTRY else []


def written(scenario: Scenario) -> str:
    """The scenario as a file that reads as the same one; its name is that of the file, and its `source` goes."""
    head: dict[str, Any] = {"title": scenario.title, "why": scenario.why}
    head |= {"begins": scenario.begins, "days": scenario.days, "retest_days": scenario.retest_days}
    blocks = [_lines(head)]
    blocks += (f"[[lost]]\n{_selected(loss.where, ())}{_lines({'way': loss.way})}" for loss in scenario.lost)
    blocks += (
        f"[[changed]]\n{_selected(change.where, tuple(_EFFECTS))}"
        + _lines({name: getattr(change, name) for name in _EFFECTS})
        for change in scenario.changed
    )
    return "\n".join(blocks)


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_toml(value)}\n" for name, value in values.items() if value is not None)


def _selected(where: Words, effects: tuple[str, ...]) -> str:
    said = [(name, _toml_words(name, texts)) for name, texts in where]
    inside = ", ".join(f"{name} = {value}" for name, value in said if name in effects)
    flat = "".join(f"{name} = {value}\n" for name, value in said if name not in effects)
    return flat + (f"where = {{ {inside} }}\n" if inside else "")


def _toml_words(name: str, texts: tuple[str, ...]) -> str:
    plain = _type_of(name) != _TEXTS  # numbers, dates and booleans are kept as TOML writes them
    shown = [text if plain else _toml(text) for text in texts]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def _toml(value: str | float | date) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return _text(value)
