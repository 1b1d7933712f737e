"""Which models are published: STATE/own/models.json, by which they are served, and facts.toml, by which they are known.

The facts are true by construction, as far as they can be: an own model keeps nothing and trains on nothing. Where it is
served, and under whose law, is the operator's word in the plan; what the plan does not say stays unknown. Of a model
that was adapted, what its base's terms allow stays unknown, too.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

from freehold.catalog.attestations import as_toml
from freehold.catalog.providers import OWN
from freehold.catalog.records import FactRecord, Layer, reading
from freehold.catalog.shelves import PUBLISHED
from freehold.config import clock
from freehold.ledger import durable
from freehold.own.artefact import Kind
from freehold.own.plan import Name
from freehold.own.publish.manifest import Engine, Manifest, digest_of_all
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.facts import Basis, Value

PROVIDER = OWN
FILE, LOCK = "models.json", "models.lock"  # in STATE/own
_HEAD = "# Written by `freehold own publish` from models.json beside it. Write your own into other files.\n"


class Entry(Struct, frozen=True):
    """One published model: what is served, and what its digest must be."""

    name: Name  # the endpoint is own/NAME
    folder: str  # RUN/publish, absolute: with manifest.json, and the folder `model`
    kind: Kind
    engine: Engine  # that serves it
    digest: str  # the manifest's, of all files
    manifest: str  # the digest of all that it says
    licence: str
    at_ms: int
    who: str  # published it
    base: str = ""
    context: int = 0
    jurisdiction: str = ""
    region: str = ""

    @property
    def endpoint(self) -> str:
        """Its id in pools and on the ledger."""
        return f"{PROVIDER}/{self.name}"


def entry_of(folder: Path, manifest: Manifest, engine: Engine, who: str) -> Entry:
    """What is to be registered of a folder RUN/publish."""
    return Entry(
        manifest.name,
        str(folder.resolve()),
        manifest.kind,
        engine,
        manifest.digest,
        digest_of_all(manifest),
        manifest.licence,
        clock.now_ms(),
        who,
        manifest.base,
        manifest.context,
        manifest.jurisdiction,
        manifest.region,
    )


def register(state: Path, entry: Entry) -> None:
    """Put a model there, in place of what had its name. Durable when this returns; any number may write at once.

    Raises BadRequest where what is there cannot be read, and ConfigError where its facts are none.
    """
    folder = state / PROVIDER
    with durable.alone(folder / LOCK):
        entries = {**registered(state), entry.name: entry}
        facts = _HEAD + _facts(entries.values())
        if problems := reading(facts, str(state / PUBLISHED), Layer.OPERATOR).problems:
            raise problems[0]
        whole = msgspec.json.format(msgspec.json.encode(list(entries.values())), indent=1)
        # The facts come first: a model that is served without them could be refused, and no more than that.
        durable.replace(state / PUBLISHED, facts.encode())
        durable.replace(folder / FILE, whole + b"\n")


def registered(state: Path) -> dict[str, Entry]:
    """All of them, by name. Raises BadRequest where the file cannot be read."""
    path = state / PROVIDER / FILE
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[Entry])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"{path}: {error}", remedy="Remove it, and publish each run again.") from None
    return {entry.name: entry for entry in entries}


def _facts(entries: Iterable[Entry]) -> str:
    return "".join(as_toml(_record(entry)) for entry in sorted(entries, key=lambda one: one.name))


def _record(entry: Entry) -> FactRecord:
    return FactRecord(
        Layer.OPERATOR,
        (("model", (entry.name,)), ("provider", (PROVIDER,))),
        Basis.ACCOUNT_SETTING,
        f"{entry.folder}/manifest.json",
        _day(entry.at_ms),
        tuple(sorted(_values(entry).items())),
        who=entry.who,
        why=f"published here, with the digest {entry.digest[:16]}",
    )


def _values(entry: Entry) -> Mapping[str, Value]:
    values: dict[str, Value] = {
        "retention_days": 0,
        "trains_on_inputs": False,
        "licence": entry.licence,
        "input_usd_per_mtok": 0,  # nobody is paid for a token
        "output_usd_per_mtok": 0,
    }
    if not entry.base:
        values |= {"distillation_allowed": True, "weights_lab": PROVIDER, "weights_family": entry.name}
    if entry.jurisdiction:
        values["entity_jurisdiction"] = entry.jurisdiction
        values |= {} if entry.base else {"weights_origin": entry.jurisdiction}
    if entry.region:
        places = ("inference_region", "storage_region", "support_region")
        values |= dict.fromkeys(places, entry.region)
    if entry.kind is Kind.LANGUAGE and entry.context:
        values["context_tokens"] = entry.context
    return values


def _day(at_ms: int) -> date:
    return clock.utc(at_ms).date()
