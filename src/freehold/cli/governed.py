"""What commands about policies work with: the configuration, what is known of its endpoints, and the policies."""

import re
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from freehold.catalog.knowledge import Knowledge, knowledge
from freehold.catalog.overview import known_models
from freehold.catalog.pools import pool_of, settings_of
from freehold.catalog.subjects import Subject, in_use, subject_called
from freehold.cli.output import USAGE, Stop
from freehold.cli.settings import config_of
from freehold.config.document import read
from freehold.config.environment import Environment, environment
from freehold.config.schema import Application, Catalog, Config
from freehold.config.shape import nearest
from freehold.policy.named import policy_file
from freehold.policy.rules import Policy
from freehold.policy.source import load_policy
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.errors import BadRequest, ConfigError
from freehold.vocabulary.facts import EndpointFacts, RequestFacts


class House(NamedTuple):
    """A configuration, and everything that is known with it."""

    config: Config
    env: Environment
    known: Knowledge
    subjects: Mapping[str, Subject]  # the endpoints in use; without any, all that anything is known of
    pools: Mapping[str, tuple[str, ...]]  # the endpoints of each alias

    @property
    def state(self) -> Path:
        return Path(self.config.state_dir).absolute()

    def pool(self, alias: str, dialect: Dialect | None = None) -> tuple[EndpointFacts, ...]:
        """What is known of the endpoints that may answer for an alias, all or those that `dialect` can be served by."""
        return self.called(pool_of(alias, self.pools), dialect)

    def called(self, names: Iterable[str], dialect: Dialect | None = None) -> tuple[EndpointFacts, ...]:
        """The same of endpoints by their ids, in whatever pool or in none."""
        found = {name: subject_called(name, self.config, self.env) for name in names}
        return tuple(
            EndpointFacts(name, self.known.facts(one))
            for name, one in found.items()
            if one
            and (dialect is None or Endpoint(name, one.provider, one.model, one.surfaces).ways(dialect))
        )

    def facts(self, known: Knowledge | None = None) -> tuple[EndpointFacts, ...]:
        """What is known of each endpoint."""
        facts = (known or self.known).facts
        return tuple(EndpointFacts(name, facts(subject)) for name, subject in self.subjects.items())


def house(args: Namespace) -> House:
    """The configuration that a command works with; without one, what is known of everything in the catalog."""
    env = environment()
    config = config_of(args)
    known = knowledge(config, Path(config.state_dir).absolute())
    subjects = in_use(config, env)
    pools = {
        alias: tuple(entry for entry in settings_of(written).pool if entry in subjects)
        for alias, written in config.aliases.items()
    }
    if not subjects:
        subjects = {f"{name or 'any'}/{model}": one for (name, model), one in known_models(known).items()}
    return House(config, env, known, subjects, pools)


def with_facts(there: House, files: Sequence[str] | None) -> Knowledge:
    """What would be known with these facts files in place of the configuration's."""
    if not files:
        return there.known
    config = replace(there.config, catalog=Catalog(tuple(str(Path(file).absolute()) for file in files)))
    return knowledge(config, there.state)


def policies(names: Sequence[str] | None, there: House) -> tuple[Policy, ...]:
    """The policies that a command names; those enforced where it names none. Stops where there is none."""
    found = tuple(policy(name, there) for name in names or there.config.policy.enforce)
    if not found:
        remedy = (
            "Name one, like eu-sovereign, or set `enforce` in [policy]; `freehold policy list` shows them."
        )
        raise Stop(USAGE, ConfigError("no policy is named, and none is enforced", remedy=remedy))
    return found


def policy(name: str, there: House) -> Policy:
    """One policy by its name or file. Raises ConfigError."""
    return load_policy(read(policy_file(name, Path())), there.config.data_classes)


def request(args: Namespace, there: House, alias: str = "") -> RequestFacts:
    """The request that the arguments describe; what they leave out is what the application's settings say."""
    settings = there.config.applications.get(args.application, Application())
    classes = there.config.data_classes
    said = [one for one in (args.data_class, settings.data_class) if one is not None]
    for word in said:
        if word not in classes:
            meant = nearest(word, list(classes))
            remedy = f"Did you mean {meant}?" if meant else f"Known are: {', '.join(classes)}."
            raise BadRequest(f'no data class is called "{word}"', remedy=remedy)
    return RequestFacts(
        args.application,
        alias,
        max(said, key=classes.index, default=there.config.policy.default_class),
        args.purpose or settings.purpose,
        _country(args.user_region) or settings.user_region,
        None if args.tools is None else args.tools == "yes",
    )


def _country(written: str | None) -> str | None:
    if written is not None and not re.fullmatch("[A-Za-z]{2}", written):
        remedy = "Write the two letters of ISO 3166-1, like DE or BR; EU for somewhere in the Union."
        raise BadRequest(f'"{written}" is not a country\'s code', remedy=remedy)
    return written and written.upper()


def moment(written: str | None, otherwise: datetime) -> datetime:
    """A day or a moment as arguments write it, in UTC unless it says otherwise. Raises BadRequest."""
    if written is None:
        return otherwise
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        remedy = "Write it like 2027-01-31 or 2027-01-31T12:00."
        raise BadRequest(f'"{written}" is no date', remedy=remedy) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
