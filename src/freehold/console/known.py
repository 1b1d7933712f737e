"""What is known and allowed now, as the pages look at it: the configuration, its endpoints' facts, the policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache
from pathlib import Path
from threading import Lock

from freehold.catalog.knowledge import endpoint_facts, knowledge
from freehold.catalog.resolve import Resolved
from freehold.catalog.subjects import Subject, subject
from freehold.config.document import read
from freehold.config.shape import nearest
from freehold.console.there import There
from freehold.gateway.rulebook import Rulebook
from freehold.gateway.snapshot import Snapshot
from freehold.ledger.exposure import Kept
from freehold.policy.matrix import Matrix
from freehold.policy.named import policy_file, shipped
from freehold.policy.rules import Policy
from freehold.policy.source import load_policy
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import NotFound
from freehold.vocabulary.facts import EndpointFacts, Fact

ENFORCED = ""  # stands for all enforced policies together
STATES_KEPT = 4


@dataclass(frozen=True, eq=False)
class Known:
    """One moment of governance. Never changes: what changed on disk, or expired, is another one."""

    resolved: Resolved
    rules: Rulebook
    snapshot: Snapshot
    _made_of: Rulebook
    _matrices: dict[str, tuple[Matrix, ...]] = field(default_factory=dict)

    def is_of(self, resolved: Resolved, rules: Rulebook, now: datetime) -> bool:
        """Whether it was made of these, and holds at a moment."""
        same = self.resolved is resolved and self._made_of is rules
        return same and self.snapshot.holds_at(int(now.timestamp() * 1000))

    @cached_property
    def pools(self) -> Mapping[str, tuple[str, ...]]:
        """The endpoints of each alias, by their ids."""
        return {alias: tuple(one.id for one in pool) for alias, pool in self.resolved.pools.items()}

    @cached_property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The endpoints of all pools."""
        return self.resolved.endpoints

    @cached_property
    def facts(self) -> tuple[EndpointFacts, ...]:
        """What is known of each of them."""
        return tuple(self.snapshot.facts.values())

    @cached_property
    def subjects(self) -> Mapping[str, Subject]:
        """Each of them as selectors of facts see it."""
        given, accounts = self.resolved.config.providers, self.resolved.accounts
        return {
            name: subject(given[one.provider], one, accounts[one.provider].region)
            for name, one in self.endpoints.items()
        }

    @cached_property
    def kept(self) -> Kept:
        """For how long an endpoint keeps what it is sent, also one that is in no pool any more."""

        @cache
        def promised(name: str) -> Fact | None:
            found = self.facts_called(name)
            return None if found is None else found.facts.get("retention_days")

        def kept(name: str, at: datetime) -> float | None:
            fact = promised(name)
            return None if fact is None else fact.number_at(at)

        return kept

    def facts_called(self, name: str) -> EndpointFacts | None:
        """What is known of "provider/model"; None where there is no such provider."""
        if (found := self.snapshot.facts.get(name)) is not None:
            return found
        one = self.resolved.endpoint(name)
        return None if one is None else endpoint_facts(self.resolved, self.rules.knowledge, one)

    def pool_facts(self, alias: str) -> tuple[EndpointFacts, ...]:
        """What is known of an alias's endpoints. Raises NotFound."""
        if alias not in self.pools:
            meant = nearest(alias, list(self.pools))
            remedy = f"Did you mean {meant}?" if meant else f"Known are: {', '.join(self.pools)}."
            raise NotFound(f"no alias is called `{alias[:200]}`", remedy=remedy)
        return tuple(self.snapshot.facts[name] for name in self.pools[alias])

    @cached_property
    def policies(self) -> Mapping[str, tuple[Policy, ...]]:
        """What can be looked at: all enforced ones together, each of them, shadows, and those that come along."""
        own = {one.name: (one,) for one in (*self.rules.enforced, *self.rules.shadow)}
        classes = self.resolved.config.data_classes
        along = {name: (_shipped(name, classes),) for name in shipped()}
        return {ENFORCED: self.rules.enforced} | along | own

    def policies_called(self, name: str) -> tuple[Policy, ...]:
        """Some of them. A file is none: who looks at pages must not name files. Raises NotFound."""
        found = self.policies.get(name)
        if found is None:
            remedy = f"Known are: {', '.join(one for one in self.policies if one)}."
            raise NotFound(f"no policy is called `{name[:200]}` here", remedy=remedy)
        return found

    def matrices(self, name: str) -> tuple[Matrix, ...]:
        """Policies over all endpoints. Raises NotFound."""
        made = self._matrices.get(name)
        if made is None:
            named = self.policies_called(name)
            made = self._matrices[name] = tuple(Matrix(one, self.facts, self.snapshot.now) for one in named)
        return made


@lru_cache(maxsize=128)
def _shipped(name: str, classes: Sequence[str]) -> Policy:
    return load_policy(read(policy_file(name, Path())), classes)


_known: dict[Path, Known] = {}
_turn = Lock()  # whoever asks while it is worked out waits for that, and does not do it once more


def known(there: There) -> Known:
    """What is known now; the same object for as long as it stays the same."""
    with _turn:
        resolved, rules, now = there.resolved(), there.rules(), datetime.now(UTC)
        before = _known.get(there.state)
        if before is not None and before.is_of(resolved, rules, now):
            return before
        while len(_known) >= STATES_KEPT and there.state not in _known:
            del _known[next(iter(_known))]
        found = _known[there.state] = _worked_out(there, resolved, rules, now)
        return found


def _worked_out(there: There, resolved: Resolved, rules: Rulebook, now: datetime) -> Known:
    full = rules
    if not (
        rules.enforced or rules.shadow
    ):  # then the gateway needs prices alone, but here facts are looked at
        full = replace(rules, knowledge=knowledge(resolved.config, there.state))
    return Known(resolved, full, Snapshot(full, resolved, now), rules)
