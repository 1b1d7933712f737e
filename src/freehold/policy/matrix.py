"""Which endpoint may see which request: computed once for what endpoints alone decide, then looked up.

Comparisons of endpoints' facts are answered when the matrix is made, once however many rules ask; what depends on
the request is answered once for all requests that look alike to the policy.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

from freehold.policy.expression import All, Compare, Either, Literal, Name, Node, Not, compared, known, usable
from freehold.policy.kleene import Masks, bits, both, either, everywhere, negated
from freehold.policy.rules import Effect, Policy, Rule, refused_by, worst_first
from freehold.vocabulary.decision import Decision, Refusal, Verdict
from freehold.vocabulary.facts import DAYS, About, EndpointFacts, RequestFacts

ROWS_MAX = 4_096  # kept; a request's purpose is free text, so their number is not bounded by itself


Asked: TypeAlias = Mapping[str, Any]  # a request's facts as comparisons take them
Settled: TypeAlias = Masks | Callable[[Asked], Masks]
Side: TypeAlias = Mapping[Any, int] | str
Join: TypeAlias = Callable[[Masks, Masks], Masks]


class Objection(NamedTuple):
    """Where one rule refuses, and whether for what is known or for what is not."""

    rule: Rule
    known: int
    unknown: int


class Matrix:
    """A policy over endpoints at one moment. Good until `valid_until`; then facts have expired or the hour is over."""

    def __init__(self, policy: Policy, endpoints: Sequence[EndpointFacts], now: datetime) -> None:
        self.policy = policy
        self.now = now.astimezone(UTC)
        self.endpoints = tuple(one.endpoint for one in endpoints)
        self.position = {endpoint: index for index, endpoint in enumerate(self.endpoints)}
        if len(self.position) != len(self.endpoints):
            raise ValueError("two endpoints have the same id")
        self.full = (1 << len(self.endpoints)) - 1
        self.valid_until = _valid_until(policy, endpoints, self.now)
        self._endpoints = endpoints
        self._columns: dict[str, dict[Any, int]] = {}
        self._answers: dict[Compare, Masks] = {}
        self._moment = moment(self.now)
        self._rules = [(rule, self._settled(rule.objection)) for rule in policy.rules]
        self._rows: dict[object, Row] = {}
        looks_at = policy.looks_at
        self._key = attrgetter(*looks_at) if looks_at else type

    def row(self, request: RequestFacts) -> "Row":
        """What the policy says about one request."""
        key = self._key(request)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= ROWS_MAX:
                self._rows.pop(next(iter(self._rows)), None)
            row = self._rows[key] = self._fresh(request)
        return row

    def _fresh(self, request: RequestFacts) -> "Row":
        ranks = self.policy.ranks
        asked = {name: usable(name, request.value(name), ranks) for name in self.policy.looks_at}
        objections, preferred = [], []
        for rule, settled in self._rules:
            masks = settled(asked) if callable(settled) else settled
            if rule.effect is Effect.PREFER:
                preferred.append((rule.weight, masks.true))
                continue
            unknown = self.full & ~(masks.true | masks.false) if rule.denies_unknown else 0
            if masks.true | unknown:
                objections.append(Objection(rule, masks.true, unknown))
        return Row(self, tuple(objections), tuple(preferred))

    def _settled(self, node: Node) -> Settled:
        """A condition's value where no request can change it; else what makes it from a request."""
        match node:
            case Compare():
                return self._comparison(node)
            case Not(part):
                inner = self._settled(part)
                return partial(_negation, inner) if callable(inner) else negated(inner)
            case All(parts):
                return self._joined(both, everywhere(True, self.full), parts)
            case Either(parts):
                return self._joined(either, everywhere(False, self.full), parts)

    def _joined(self, join: Join, first: Masks, parts: Iterable[Node]) -> Settled:
        """Parts under one `and` or `or`: what no request can change is joined here and now."""
        open_parts = []
        for part in parts:
            settled = self._settled(part)
            if callable(settled):
                open_parts.append(settled)
            else:
                first = join(first, settled)
        last = everywhere(join is either, self.full)  # nothing can change it any more
        if first == last or not open_parts:
            return first
        return partial(_junction, join, first, last, tuple(open_parts))

    def _comparison(self, one: Compare) -> Settled:
        left, right = self._side(one.left), self._side(one.right)
        if isinstance(left, str) or isinstance(right, str):
            return partial(self._asked, one, left, right)
        kept = self._answers.get(one)
        if kept is None:
            kept = self._answers[one] = _over(one, left, right)
        return kept

    def _side(self, operand: Name | Literal) -> Side:
        """One side's values, each with the endpoints that have it; the name of a fact that each request brings."""
        if isinstance(operand, Literal):
            return {operand.value: self.full}
        match operand.about:
            case About.ENDPOINT:
                return self._column(operand.name)
            case About.TIME:
                return {self._moment[operand.name]: self.full}
            case About.REQUEST:
                return operand.name

    def _asked(self, one: Compare, left: Side, right: Side, asked: Asked) -> Masks:
        """A comparison with what a request brings."""
        if isinstance(left, str) and isinstance(right, Mapping) and len(right) == 1:
            ((value, at),) = right.items()
            return everywhere(compared(one, asked[left], value), at)
        return _over(
            one,
            {asked[left]: self.full} if isinstance(left, str) else left,
            {asked[right]: self.full} if isinstance(right, str) else right,
        )

    def _column(self, name: str) -> Mapping[Any, int]:
        """Each known value of a fact, with the endpoints that have it."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = {}
            for index, one in enumerate(self._endpoints):
                value = known(one.facts, name, self.now, self.policy.ranks)
                if value is not None:
                    column[value] = column.get(value, 0) | 1 << index
        return column


class Row:
    """What the policy says about requests that look alike to it."""

    def __init__(
        self, matrix: Matrix, objections: tuple[Objection, ...], preferred: tuple[tuple[float, int], ...]
    ) -> None:
        self._matrix, self._objections, self._preferred = matrix, objections, preferred
        refused = 0
        for one in objections:
            refused |= one.known | one.unknown
        self._refused = refused

    @cached_property
    def allowed(self) -> frozenset[str]:
        """The endpoints that may be asked."""
        return frozenset(self._names(self._matrix.full & ~self._refused))

    @cached_property
    def decision(self) -> Decision:
        """The whole answer, over all endpoints: the allowed ones by preference, then in the order given."""
        ranked = sorted(self._names(self._matrix.full & ~self._refused), key=self.score, reverse=True)
        refused = {endpoint: self.refusals(endpoint) for endpoint in self._names(self._refused)}
        return Decision(self._matrix.policy.label, tuple(ranked), refused)

    def refusals(self, endpoint: str) -> tuple[Refusal, ...]:
        """Why an endpoint may not be asked, the worst first; empty where it may. Raises KeyError if nobody knows it."""
        at = 1 << self._matrix.position[endpoint]
        if not self._refused & at:
            return ()
        name = self._matrix.policy.name
        found = [
            refused_by(one.rule, Verdict.DENY if one.known & at else Verdict.UNKNOWN, name)
            for one in self._objections
            if (one.known | one.unknown) & at
        ]
        return tuple(sorted(found, key=worst_first))

    def score(self, endpoint: str) -> float:
        """The weights of the preferences that it meets, added up. Raises KeyError if nobody knows it."""
        at = 1 << self._matrix.position[endpoint]
        return sum((weight for weight, where in self._preferred if where & at), 0.0)

    def _names(self, mask: int) -> Iterable[str]:
        return (self._matrix.endpoints[index] for index in bits(mask))


def _over(one: Compare, left: Mapping[Any, int], right: Mapping[Any, int]) -> Masks:
    """A comparison is made once for each value, not for each endpoint."""
    true = false = 0
    for value, value_at in left.items():
        for other, other_at in right.items():
            at = value_at & other_at
            verdict = compared(one, value, other) if at else None
            if verdict is True:
                true |= at
            elif verdict is False:
                false |= at
    return Masks(true, false)


def _negation(inner: Callable[[Asked], Masks], asked: Asked) -> Masks:
    return negated(inner(asked))


def _junction(
    join: Join, first: Masks, last: Masks, parts: tuple[Callable[[Asked], Masks], ...], asked: Asked
) -> Masks:
    for part in parts:
        first = join(first, part(asked))
        if first == last:
            break
    return first


def moment(now: datetime) -> Mapping[str, Any]:
    """The facts of a moment, which is in UTC."""
    return {"hour": now.hour, "weekday": DAYS[now.weekday()], "today": now.date()}


def _valid_until(policy: Policy, endpoints: Iterable[EndpointFacts], now: datetime) -> datetime:
    """When a fact that the policy looks at expires next, or the hour or day that it looks at is over."""
    ends = [datetime.max.replace(tzinfo=UTC)]
    if "hour" in policy.uses:
        ends.append(now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
    if policy.uses & {"weekday", "today"}:
        ends.append(datetime.combine(now.date() + timedelta(days=1), time(), UTC))
    for one in endpoints:
        for name in policy.uses & one.facts.keys():
            expires = one.facts[name].expires
            if expires is not None and expires > now:
                ends.append(expires)
    return min(ends)
