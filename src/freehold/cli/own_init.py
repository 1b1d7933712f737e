"""`freehold own init`: a run's folder, with a plan that explains itself."""

import inspect
import json
import re
from argparse import Namespace
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct

from freehold.cli.as_json import print_result
from freehold.cli.output import OK, USAGE, Stop
from freehold.own import plan
from freehold.own.corpus.knobs import Corpus, Exchanges
from freehold.own.promote.knobs import BITS_A_BYTE
from freehold.own.train.knobs import RECIPES
from freehold.vocabulary.errors import ConfigError

_SENTENCE = re.compile(r"^    (\w+): [^#\n]+?(?:  # (.+))?$", re.MULTILINE)
_NOT_NAMED = re.compile(r"[^a-z0-9.-]+")
_HEAD = """\
# The plan of an own model. `freehold own corpus` reads it first, and names the line of every mistake.
# Paths are relative to this folder. Lines that begin with a # show a knob's default.
"""
_UNSET = {"exchanges", "checkpoint"}  # a table of its own, and what has no default
# Of what is unset; of a share it is a half.
_EXAMPLES = {"cpu_minutes": 30.0, "p95_ms_max": 2000.0, "delta_bits": BITS_A_BYTE}


def run(args: Namespace) -> int:
    """Write the plan; never over an existing one."""
    folder = Path(args.run)
    path = folder / plan.FILE
    if path.exists():
        remedy = "Change it with an editor, or name another folder."
        raise Stop(USAGE, ConfigError("the plan exists already", remedy=remedy, file=str(path)))
    folder.mkdir(parents=True, exist_ok=True)
    name = args.name or _NOT_NAMED.sub("-", folder.resolve().name.lower()).strip("-.") or "own"
    path.write_text("\n".join(_lines(name, args.recipe, args.licence)) + "\n", encoding="utf-8")
    try:
        plan.load_plan(folder)
    except ConfigError:  # a name that cannot be is told at once, and may be corrected
        path.unlink()
        raise
    told = f"wrote {path}; say in [corpus] what it is to learn from, then `freehold own corpus {folder}`"
    print_result(args, {"plan": str(path), "name": name}, [told])
    return OK


def _lines(name: str, recipe: str, licence: str) -> Iterator[str]:
    yield _HEAD
    yield f"name = {json.dumps(name)}  # the model is the endpoint own/{name}"
    yield f"recipe = {json.dumps(recipe)}  # {', '.join(plan.Recipe)}"
    yield f'licence = {json.dumps(licence)}  # of the weights, as SPDX names it; or "proprietary"'
    yield "# seed = 0"
    for field in msgspec.structs.fields(plan.Plan):
        table = RECIPES[recipe] if field.name == "train" else field.type
        if not (isinstance(table, type) and issubclass(table, Struct)):
            continue
        yield from ("", f"# {inspect.getdoc(table)}", f"[{field.name}]")
        if table is RECIPES["adapt"]:
            yield 'checkpoint = "checkpoint"  # a folder as Hugging Face writes it'
        yield from _knobs(table)
        if table is Corpus:
            yield from ("", f"# {inspect.getdoc(Exchanges)}", "# [corpus.exchanges]", *_knobs(Exchanges))


def _choices(type_: Any) -> Iterable[object]:
    """What a knob may be, where that is one of few words."""
    if isinstance(type_, type) and issubclass(type_, Enum):
        return type_
    return get_args(type_) if get_origin(type_) is Literal else ()


def _knobs(table: type[Struct]) -> Iterator[str]:
    """Each knob with its default and its sentence, as the table's own source states them."""
    sources = (
        inspect.getsource(one)
        for one in reversed(table.__mro__)
        if issubclass(one, Struct) and one is not Struct
    )
    sentences = dict(_SENTENCE.findall("\n".join(sources)))
    for field in msgspec.structs.fields(table):
        if field.name in _UNSET or field.default is NODEFAULT:
            continue
        unset = "unset; this is an example" if field.default is None else ""
        choices = ", ".join(map(str, _choices(field.type)))
        told = "; ".join(filter(None, (choices, sentences.get(field.name), unset)))
        example = json.dumps(_EXAMPLES.get(field.name, 0.5) if unset else field.default)
        yield f"# {field.name} = {example}" + (f"  # {told}" if told else "")
