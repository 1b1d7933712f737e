"""The policies in force over what is known at one moment: decided once for requests that look alike, then looked up."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter

from msgspec import Struct

from freehold.catalog.knowledge import endpoint_facts
from freehold.catalog.resolve import Resolved
from freehold.gateway.cost import Terms, terms
from freehold.gateway.rulebook import Rulebook
from freehold.policy.expression import known, names
from freehold.policy.limits import refusals
from freehold.policy.matrix import Matrix
from freehold.policy.rules import Policy, worst_first
from freehold.routing.plan import Lane
from freehold.vocabulary.decision import Refusal, Verdict
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.errors import NoEligibleEndpoint
from freehold.vocabulary.exchange import Refused, Shadow
from freehold.vocabulary.facts import REGISTRY, About, EndpointFacts, RequestFacts

RULINGS_MAX = 10_000  # remembered; a purpose is free text
LANES_MAX = 1_000  # with endpoints that only their callers name, each with matrices of its own
_SAID = ("application", "data_class", "purpose", "user_region", "tools")

LABEL_CHARS_MAX = 500
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)

Matrices = tuple[Matrix, ...]
Scores = tuple[float, ...]  # how much each enforced policy likes an endpoint


class Ruling(Struct, frozen=True):
    """What policy says to requests that look alike."""

    lane: Lane | None  # who may be asked, in the order of preference; None: nobody
    allowed: frozenset[str]
    why: Mapping[str, Refusal]  # of each that may not be asked, what counts most against it
    refused: tuple[Refused, ...] = ()
    shadow: tuple[Shadow, ...] = ()
    lines: bytes = b""  # headers that tell the caller
    policy: str | None = None  # what was enforced
    facts: str | None = None  # the digest of what it was decided with


class Snapshot:
    """A rulebook over the endpoints of the configuration at `now`. Remembers what it decided, and never changes it."""

    def __init__(self, rulebook: Rulebook, resolved: Resolved, now: datetime) -> None:
        self.rulebook = rulebook
        self.now = now.astimezone(UTC)
        self._resolved = resolved
        self.facts = {name: self._facts(endpoint) for name, endpoint in resolved.endpoints.items()}
        self._main = self._matrices(tuple(self.facts.values()))
        self.valid_until_ms = _unix_ms(min((one.valid_until for one in self._main), default=_NEVER))
        policies = (*rulebook.enforced, *rulebook.shadow)
        uses = frozenset(name for policy in policies for name in policy.uses)
        self.looks_at_tools = "tools" in uses
        self.governs = bool(policies)
        self._key = attrgetter("alias", *(name for name in _SAID if name in uses))
        self._rulings: dict[tuple[Dialect, str, object], Ruling] = {}
        self._lanes: dict[str, Matrices] = {}
        self._terms: dict[str, Terms] = {}

    def ruling(self, request: RequestFacts, lane: Lane, dialect: Dialect) -> Ruling:
        """Who of `lane` may see a request, and why the others may not."""
        key = (dialect, lane.alias, self._key(request))
        ruling = self._rulings.get(key)
        if ruling is None:
            if len(self._rulings) >= RULINGS_MAX:
                self._rulings.clear()
            ruling = self._rulings[key] = self.ruled(request, lane)
        return ruling

    def refused(self, endpoint: str, refusal: Refusal) -> Refused:
        """What the ledger says of a refusal."""
        return Refused(endpoint, refusal.rule, refusal.policy if len(self.rulebook.enforced) > 1 else "")

    def holds_at(self, now_ms: int) -> bool:
        """Whether it is what is known at a moment (Unix milliseconds)."""
        return _unix_ms(self.now) <= now_ms < self.valid_until_ms

    def terms(self, endpoint: Endpoint, now_ms: int) -> Terms:
        """What an endpoint charges."""
        kept = self._terms.get(endpoint.id)
        if kept is None or now_ms >= kept.until_ms:
            if len(self._terms) >= RULINGS_MAX:
                self._terms.clear()
            kept = self._terms[endpoint.id] = terms(self.facts_of(endpoint).facts, now_ms)
        return kept

    def facts_of(self, endpoint: Endpoint) -> EndpointFacts:
        """What is known of an endpoint, also of one that only a caller has named."""
        return self.facts.get(endpoint.id) or self._facts(endpoint)

    def nobody(self, request: RequestFacts, why: Mapping[str, Refusal]) -> NoEligibleEndpoint:
        """The error for a request that no endpoint may see: of each the worst rule, and what is not known."""
        told = "; ".join(f"{name}: {self._told(name, request, refusal)}" for name, refusal in why.items())
        return NoEligibleEndpoint(f"policy allows none of the endpoints of `{request.alias[:200]}`: {told}")

    def _told(self, endpoint: str, request: RequestFacts, refusal: Refusal) -> str:
        policy = next(one for one in self.rulebook.enforced if one.name == refusal.policy)
        said = f"{refusal.policy}/{refusal.rule}: {refusal.reason}"
        missing = self._missing(policy, endpoint, request, refusal)
        return f"{said} (unknown: {', '.join(missing)})" if missing else said

    def _missing(self, policy: Policy, endpoint: str, request: RequestFacts, refusal: Refusal) -> list[str]:
        """The facts that a rule looked for in vain."""
        rule = next((one for one in policy.rules if one.id == refusal.rule), None)
        if rule is None or refusal.verdict is not Verdict.UNKNOWN:
            return []
        facts = self.facts[endpoint].facts if endpoint in self.facts else {}

        def is_missing(name: str) -> bool:
            if REGISTRY[name].about is About.REQUEST:
                return request.value(name) is None
            return (
                REGISTRY[name].about is About.ENDPOINT and known(facts, name, self.now, policy.ranks) is None
            )

        return sorted(filter(is_missing, names(rule.objection)))

    def ruled(self, request: RequestFacts, lane: Lane) -> Ruling:
        """The same, decided anew."""
        matrices = self._main
        if any(endpoint.id not in self.facts for endpoint in lane.pool):
            matrices = self._matrices_of(lane)
        enforced = matrices[: len(self.rulebook.enforced)]
        shadow = matrices[len(self.rulebook.enforced) :]
        why = self._refusals(enforced, request, lane)
        order = _preferred(enforced, request, [e for e in lane.pool if e.id not in why])
        refused = tuple(self.refused(name, refusal) for name, refusal in why.items())
        return Ruling(
            _narrowed(lane, order) if order else None,
            frozenset(endpoint.id for endpoint, _ in order),
            why,
            refused,
            tuple(self._shadow(matrix, request, lane) for matrix in shadow),
            self.lines(len(order), len(lane.pool)),
            self.rulebook.label,
            self.rulebook.knowledge.digest,
        )

    def _refusals(self, matrices: Matrices, request: RequestFacts, lane: Lane) -> dict[str, Refusal]:
        """What counts most against each endpoint of the pool that not every policy allows."""
        found = refusals(matrices, [self.facts_of(endpoint) for endpoint in lane.pool], request)
        return {name: min(said, key=worst_first) for name, said in found.items() if said}

    def _shadow(self, matrix: Matrix, request: RequestFacts, lane: Lane) -> Shadow:
        why = self._refusals((matrix,), request, lane)
        order = _preferred((matrix,), request, [e for e in lane.pool if e.id not in why])
        first = order[0][0].id if order else None
        refused = tuple(Refused(name, refusal.rule) for name, refusal in why.items())
        return Shadow(matrix.policy.label, first, refused)

    def lines(self, allowed: int, pool: int) -> bytes:
        """The headers that tell the caller how many may see the request."""
        label = self.rulebook.label
        if label is None:
            return b""
        shown = label[:LABEL_CHARS_MAX].encode("unicode_escape")
        return b"x-freehold-policy: %b\r\nx-freehold-allowed: %d of %d\r\n" % (shown, allowed, pool)

    def _matrices_of(self, lane: Lane) -> Matrices:
        """Matrices for a pool with endpoints that only its callers name."""
        key = "\n".join(endpoint.id for endpoint in lane.pool)
        kept = self._lanes.get(key)
        if kept is None:
            if len(self._lanes) >= LANES_MAX:
                self._lanes.clear()
            kept = self._lanes[key] = self._matrices([self._facts(endpoint) for endpoint in lane.pool])
            # Requests of this lane go by these facts too, so they also end the snapshot's time.
            until = min((_unix_ms(one.valid_until) for one in kept), default=self.valid_until_ms)
            self.valid_until_ms = min(self.valid_until_ms, until)
        return kept

    def _matrices(self, endpoints: Sequence[EndpointFacts]) -> Matrices:
        policies = (*self.rulebook.enforced, *self.rulebook.shadow)
        return tuple(Matrix(policy, endpoints, self.now) for policy in policies)

    def _facts(self, endpoint: Endpoint) -> EndpointFacts:
        return endpoint_facts(self._resolved, self.rulebook.knowledge, endpoint)


def _unix_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _narrowed(lane: Lane, order: "list[tuple[Endpoint, Scores]]") -> Lane:
    pool = tuple(endpoint for endpoint, _ in order)
    differ = len({scores for _, scores in order}) > 1
    if pool == lane.pool and not differ:
        return lane
    return lane.narrowed(pool, {endpoint.id: scores for endpoint, scores in order} if differ else {})


def _preferred(
    matrices: Matrices, request: RequestFacts, pool: Iterable[Endpoint]
) -> list[tuple[Endpoint, Scores]]:
    """The endpoints that policies prefer first, each with how much; those that are liked alike stay in order."""
    rows = [matrix.row(request) for matrix in matrices]
    scored = [(endpoint, tuple(row.score(endpoint.id) for row in rows)) for endpoint in pool]
    return sorted(scored, key=lambda one: one[1], reverse=True)
