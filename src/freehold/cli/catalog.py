"""`freehold catalog`: what is known of endpoints, from where, until when, and what is not known."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from freehold.catalog.flaws import KNOWABLE
from freehold.catalog.inspection import gaps as find_gaps
from freehold.catalog.inspection import inspect, state_of, way_to_know
from freehold.catalog.knowledge import Knowledge, knowledge, sound_knowledge
from freehold.catalog.overview import known_models, known_providers
from freehold.catalog.precedence import shown
from freehold.catalog.subjects import Subject, in_use, subject_called
from freehold.cli.as_json import print_json, print_result
from freehold.cli.check import problem_row
from freehold.cli.output import OK, PROBLEMS, USAGE, Stop, table, tell
from freehold.cli.settings import config_of
from freehold.config.environment import Environment, environment
from freehold.config.schema import Catalog, Config
from freehold.config.shape import nearest
from freehold.vocabulary.errors import BadRequest, ConfigError, NotFound
from freehold.vocabulary.facts import REGISTRY, About, Fact, Facts, Value

_OF_PROVIDER = {
    "parent": "PARENT",
    "entity_jurisdiction": "LAW",
    "inference_region": "RUNS IN",
    "retention_days": "KEPT (DAYS)",
    "trains_on_inputs": "TRAINS",
}
_OF_MODEL = {"weights_lab": "LAB", "weights_origin": "WEIGHTS FROM", "licence": "LICENCE"}
_CHIEF = _OF_PROVIDER | {"weights_origin": "WEIGHTS FROM", "licence": "LICENCE"}
_ENDPOINTS_SHOWN = 3  # of a gap, in a table; JSON has them all


class _House(NamedTuple):
    """The configuration that a command works with, and what is known with it."""

    config: Config
    env: Environment
    known: Knowledge
    problems: tuple[ConfigError, ...]  # of facts files; only `check` goes on in spite of them
    now: datetime


def listing(args: Namespace) -> int:
    """List the endpoints in use with their chief facts; without any, or with --all, everything that is known."""
    house = _house(args)
    subjects = {} if args.all else in_use(house.config, house.env)
    if not subjects:
        return _list_all(args, house)
    known = {endpoint: house.known.facts(subject) for endpoint, subject in subjects.items()}
    rows = [
        (name, *_cells(facts, _CHIEF, house.now), str(len(_unknown(facts, house.now))))
        for name, facts in known.items()
    ]
    print_result(
        args,
        [{"endpoint": name} | _chief_json(facts, house.now) for name, facts in known.items()],
        table(("ENDPOINT", *_CHIEF.values(), "UNKNOWN"), rows),
    )
    return OK


def show(args: Namespace) -> int:
    """Show every fact of an endpoint with its evidence, and for those that are unknown, why."""
    house = _house(args)
    facts = house.known.facts(_subject(args.endpoint, house))
    names = [name for name, one in REGISTRY.items() if one.about is About.ENDPOINT]
    if args.json:
        print_json([_fact_json(name, facts.get(name), house.now) for name in names])
        return OK
    print(f"{args.endpoint} (knowledge {house.known.digest})")
    for name in names:
        print(*_fact_lines(name, facts.get(name), house.now), sep="\n")
    return OK


def gaps(args: Namespace) -> int:
    """Show which facts of the endpoints in use are unknown, or will be within --days."""
    for name in args.facts:
        if name not in KNOWABLE:
            meant = nearest(name, list(KNOWABLE))
            remedy = f"Write {meant}." if meant else f"Known are: {', '.join(KNOWABLE)}."
            raise BadRequest(f'no fact is called "{name}"', remedy=remedy)
    house = _house(args)
    subjects = in_use(house.config, house.env)
    if not subjects:
        raise Stop(USAGE, ConfigError("no endpoint is in use", remedy="Name a configuration with --config."))
    found = find_gaps(house.known, subjects, house.now, timedelta(days=args.days), args.facts)
    if args.json:
        print_json(found)
    elif not found:
        print(f"nothing is unknown of {len(subjects)} endpoints, nor will be within {args.days} days")
    else:
        head = ("FACT", "WHY", "OF", "ENDPOINTS")
        rows = [(gap.fact, gap.why, str(len(gap.endpoints)), _some(gap.endpoints)) for gap in found]
        print(*table(head, rows), sep="\n")
    return PROBLEMS if found else OK


def check(args: Namespace) -> int:
    """Validate the facts that come along and one's own, and print every problem; warnings are no failure."""
    house = _house(args, own=args.file, strict=False)
    subjects = in_use(house.config, house.env)
    found = inspect(house.known, subjects, house.now, timedelta(days=args.days))
    errors, warnings = (*house.problems, *found.errors), found.warnings
    if args.json:
        print_json(
            [problem_row("error", one) for one in errors] + [problem_row("warning", one) for one in warnings]
        )
    else:
        tell(PROBLEMS, *errors)
        tell(OK, *warnings, word="warning")
    if errors:
        return PROBLEMS
    if not args.json:
        print(f"good (records: {len(house.known.records)}, knowledge {house.known.digest})")
    return OK


def _house(args: Namespace, own: str | None = None, *, strict: bool = True) -> _House:
    env = environment()
    config = config_of(args)
    if own is not None:
        config = replace(config, catalog=Catalog((own,)))
    state, now = Path(config.state_dir).absolute(), datetime.now(UTC)
    if strict:
        return _House(config, env, knowledge(config, state, now.date()), (), now)
    return _House(config, env, *sound_knowledge(config, state, now.date()), now)


def _subject(endpoint: str, house: _House) -> Subject:
    """The endpoint of the configuration; without such a provider, that of the catalog's row of that name."""
    if found := subject_called(endpoint, house.config, house.env):
        return found
    name, slash, model = endpoint.partition("/")
    if not (slash and name and model):
        raise BadRequest(
            f'"{endpoint}" is not "provider/model"', remedy="`freehold catalog list` shows what is in use."
        )
    if name in house.config.providers or name not in known_providers(house.known):
        meant = nearest(name, [*house.config.providers, *known_providers(house.known)])
        remedy = f'Did you mean "{meant}/{model}"?' if meant else "`freehold catalog list --all` shows them."
        raise NotFound(f'no provider "{name}" is known', remedy=remedy)
    return replace(known_providers(house.known)[name], model=model)


def _list_all(args: Namespace, house: _House) -> int:
    known, now = house.known, house.now
    named = {name: known.facts(one) for name, one in known_providers(known).items()}
    models = {key: known.facts(one) for key, one in known_models(known).items()}
    if args.json:
        providers = [{"provider": name} | _chief_json(facts, now) for name, facts in named.items()]
        of_models = [
            {"provider": name or None, "model": model} | _chief_json(facts, now)
            for (name, model), facts in models.items()
        ]
        print_json({"knowledge": known.digest, "providers": providers, "models": of_models})
        return OK
    rows = [(name, *_cells(facts, _OF_PROVIDER, now)) for name, facts in named.items()]
    print(*table(("PROVIDER", *_OF_PROVIDER.values()), rows), "", sep="\n")
    cells = [
        (model, name or "any", *_cells(facts, _OF_MODEL, now)) for (name, model), facts in models.items()
    ]
    print(*table(("MODEL", "PROVIDER", *_OF_MODEL.values()), cells), sep="\n")
    return OK


def _cells(facts: Facts, names: Iterable[str], now: datetime) -> Iterator[str]:
    for name in names:
        fact = facts.get(name)
        yield shown(fact.at(now) if fact else None)


def _chief_json(facts: Facts, now: datetime) -> dict[str, object]:
    known = {name: fact.at(now) for name, fact in facts.items()}
    return {
        "facts": {name: _plain(value) for name, value in known.items() if value is not None},
        "unknown": _unknown(facts, now),
    }


def _plain(value: Value | None) -> Value | None:
    """A value for JSON, which has no infinity and would make it null."""
    return "inf" if value == inf else value


def _unknown(facts: Facts, now: datetime) -> list[str]:
    return [name for name in KNOWABLE if (fact := facts.get(name)) is None or fact.at(now) is None]


def _fact_json(name: str, fact: Fact | None, now: datetime) -> dict[str, object]:
    shape: dict[str, object] = {"fact": name, "value": None, "state": state_of(fact, now) or "known"}
    shape["remedy"] = way_to_know(fact, now)
    if fact is None:
        return shape
    return shape | {
        "value": _plain(fact.at(now)),
        "basis": fact.basis,
        "source": fact.source,
        "read": fact.read,
        "age_days": (now.date() - fact.read).days,
        "expires": fact.expires,
        "attached": fact.attached,
        "who": fact.who,
        "why": fact.why,
        "place": fact.place,
    }


def _fact_lines(name: str, fact: Fact | None, now: datetime) -> Iterator[str]:
    """A fact as a block of lines; its first says whether it is known."""
    value, state = shown(fact.at(now) if fact else None), state_of(fact, now)
    yield f"{name}: {value}" + (f" ({state})" if state else "")
    if fact is not None:
        yield from _evidence_lines(fact, state, now)
    if state:
        yield f"    to know it: {way_to_know(fact, now)}"


def _evidence_lines(fact: Fact, state: str, now: datetime) -> Iterator[str]:
    ends = f", holds until {fact.expires.date()}" if fact.expires and not state else ""
    age = (now.date() - fact.read).days
    yield f"    {fact.basis}, {fact.source}, read {fact.read} ({age} days ago){ends}"
    yield f"    for {fact.attached}" + (f", at {fact.place}" if fact.place else "")
    if fact.who:
        yield f"    by {fact.who}: {fact.why}"


def _some(endpoints: Sequence[str]) -> str:
    first = ", ".join(endpoints[:_ENDPOINTS_SHOWN])
    return first + (", ..." if len(endpoints) > _ENDPOINTS_SHOWN else "")
