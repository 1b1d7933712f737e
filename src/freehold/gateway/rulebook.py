"""What governance is made of, as it stands in files: policies, and everything known of endpoints.

Reads files; knows no clock and no traffic.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from freehold.catalog.attestations import FILE as ATTESTATIONS
from freehold.catalog.attestations import attestations
from freehold.catalog.knowledge import Knowledge
from freehold.catalog.knowledge import knowledge as known_with
from freehold.catalog.shelves import PUBLISHED, own_files, published
from freehold.config.document import Document, Signature, read, signature, text_of
from freehold.config.places import KeyPath
from freehold.config.schema import Config
from freehold.policy.named import policy_file
from freehold.policy.rules import Policy
from freehold.policy.source import load_policy, problems
from freehold.vocabulary.errors import ConfigError

TEXT_CHARS_MAX = 100_000  # of one file, on the ledger

Signatures = tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Policies and facts. Never changes: what changed on disk is another one."""

    knowledge: Knowledge
    enforced: tuple[Policy, ...]  # all must allow
    shadow: tuple[Policy, ...]
    seen: Signatures = ()  # of the files, before they were read
    texts: tuple[str, ...] = ()  # of the files, each after a line with its name

    @property
    def label(self) -> str | None:
        """What the ledger calls the enforced policies; None where there is none."""
        return " + ".join(policy.label for policy in self.enforced) or None


def rulebook(config: Config, state: Path) -> Rulebook:
    """What is in the files that the configuration names. Raises ConfigError for the first problem."""
    seen = signatures(watched(config, state))
    enforced = tuple(_policy(name, config) for name in config.policy.enforce)
    names = [policy.name for policy in enforced]
    for policy, file in zip(enforced, config.policy.enforce, strict=True):
        if names.count(policy.name) > 1:
            said = f'more than one of the enforced policies is named "{policy.name}"'
            raise ConfigError(said, remedy="Give each a name of its own.", file=str(_file(file)))
    governed = bool(config.policy.enforce or config.policy.shadow)
    return Rulebook(
        known_with(config, state, with_shipped=governed),  # where nothing asks for facts, prices are enough
        enforced,
        tuple(_policy(name, config) for name in config.policy.shadow),
        seen,
        tuple(_told(path) for path in watched(config, state) if path.exists()) if governed else (),
    )


def _told(path: Path) -> str:
    """A file for the ledger, so that what was decided can be replayed; of a long one, what tells it from others."""
    text = text_of(path)
    if len(text) > TEXT_CHARS_MAX:
        text = f"# {len(text)} characters with the SHA-256 {sha256(text.encode()).hexdigest()}"
    return f"# {path.name}\n{text}"


def rulebook_problems(config: Config, state: Path, document: Document) -> Iterator[ConfigError]:
    """Every problem of those files; `document` is the configuration, where they are named."""
    for knob, names in (("enforce", config.policy.enforce), ("shadow", config.policy.shadow)):
        for at, name in enumerate(names):
            yield from _policy_problems(name, config, document, ("policy", knob, at))
            if name in names[:at]:
                yield document.problem(("policy", knob, at), f'"{name}" stands twice', "Remove one of them.")
    yield from _namesakes(config, document)
    for at, found in enumerate(own_files(config)):
        named = ("catalog", "facts", at)
        for problem in found.problems:
            yield problem if problem.line else document.problem(named, str(problem), problem.remedy)
    yield from published(state).problems
    yield from attestations(state).problems


def watched(config: Config, state: Path) -> tuple[Path, ...]:
    """The files whose change is a change of governance."""
    policies = (_file(name) for name in (*config.policy.enforce, *config.policy.shadow))
    return (*policies, *map(Path, config.catalog.facts), state / PUBLISHED, state / ATTESTATIONS)


def signatures(paths: Iterable[Path]) -> Signatures:
    """What tells one state of the files from another; None: there is none."""
    return tuple(map(signature, paths))


def _file(name: str) -> Path:
    return policy_file(name, Path())  # names of files were made absolute when the configuration was read


def _policy(name: str, config: Config) -> Policy:
    return load_policy(read(_file(name)), config.data_classes)


def _namesakes(config: Config, document: Document) -> Iterator[ConfigError]:
    """Enforced policies of one name, of which nobody could tell whose rule it is that refuses."""
    found: dict[str, str] = {}
    for at, file in enumerate(config.policy.enforce):
        try:
            name = _policy(file, config).name
        except ConfigError:
            continue  # told already
        if found.setdefault(name, file) != file:
            said = f'"{file}" and "{found[name]}" are both named "{name}"'
            yield document.problem(("policy", "enforce", at), said, "Give each a name of its own.")


def _policy_problems(name: str, config: Config, document: Document, named: KeyPath) -> Iterator[ConfigError]:
    try:
        yield from problems(read(_file(name)), config.data_classes)
    except ConfigError as error:
        yield (error if error.line else document.problem(named, str(error), error.remedy))
