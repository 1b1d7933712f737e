"""Why an endpoint may or may not be asked: the rule, the part of it that decides, the facts, and what would change it.

The decision itself is the matrix's. This walks through the refusing conditions once more and says what they rest on.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from msgspec import Struct

from freehold.policy.expression import (
    All,
    Compare,
    Either,
    Literal,
    Name,
    Node,
    Not,
    Op,
    known,
    truth,
    usable,
)
from freehold.policy.limits import refusals
from freehold.policy.matrix import Matrix, moment
from freehold.policy.rules import Effect, Policy, Rule
from freehold.vocabulary.decision import Refusal
from freehold.vocabulary.facts import About, Basis, EndpointFacts, RequestFacts, Value


class Evidence(Struct, frozen=True):
    """A fact as it stood at the moment. `unknown` says why there is no value."""

    name: str
    about: About
    value: Value | None
    unknown: str = ""
    basis: Basis | None = None  # the rest: of endpoints' facts only
    source: str = ""
    read: date | None = None
    age_days: int | None = None
    expires: datetime | None = None
    place: str = ""

    def __str__(self) -> str:
        return f"unknown: {self.unknown}" if self.value is None else _shown(self.value)


class Part(Struct, frozen=True):
    """A comparison that a refusal rests on."""

    expression: str
    value: bool | None
    facts: tuple[Evidence, ...]
    change: str  # "inference_region would have to be in EU; it is unknown: no fact"


class Objecting(Struct, frozen=True):
    """One refusing rule."""

    refusal: Refusal
    effect: Effect
    condition: str
    when: str  # "True": always
    parts: tuple[Part, ...]
    change: str  # everything that would have to change, with its "and" and "or"


class Explanation(Struct, frozen=True):
    """What a policy says about one endpoint."""

    endpoint: str
    allowed: bool
    score: float
    preferences: tuple[str, ...]  # the ids of those that it meets
    objections: tuple[Objecting, ...]  # the worst first


class Answer(Struct, frozen=True):
    """What one policy says to one request about each endpoint."""

    policy: str
    at: datetime
    request: RequestFacts
    endpoints: tuple[Explanation, ...]
    limits: dict[str, tuple[Refusal, ...]]  # of the alias's pool


def answers(
    policies: Sequence[Policy],
    request: RequestFacts,
    endpoints: Sequence[EndpointFacts],
    now: datetime,
    *,
    is_pool: bool,
) -> list[Answer]:
    """What each policy says where all of them must allow. `is_pool`: the endpoints are an alias's, and limited so."""
    matrices = [Matrix(policy, endpoints, now) for policy in policies]
    against = refusals(matrices, endpoints, request) if is_pool else {}
    found = []
    for policy in policies:
        limits = {limit.id for limit in policy.limits}
        of_pool = {
            name: tuple(one for one in said if one.policy == policy.name and one.rule in limits)
            for name, said in against.items()
        }
        told = explain(policy, request, endpoints, now)
        found.append(Answer(policy.label, now, request, told, of_pool))
    return found


def explain(
    policy: Policy, request: RequestFacts, endpoints: Sequence[EndpointFacts], now: datetime
) -> tuple[Explanation, ...]:
    """What the rules say about each endpoint for one request at one moment, in the order given."""
    row = Matrix(policy, endpoints, now).row(request)
    rules = {rule.id: rule for rule in policy.rules}
    found = []
    for one in endpoints:
        case = _Case(policy, request, one, now.astimezone(UTC))
        refusals = row.refusals(one.endpoint)
        preferred = (
            rule.id
            for rule in policy.rules
            if rule.effect is Effect.PREFER and truth(rule.objection, case.value) is True
        )
        found.append(
            Explanation(
                one.endpoint,
                not refusals,
                row.score(one.endpoint),
                tuple(preferred),
                tuple(case.objecting(refusal, rules[refusal.rule]) for refusal in refusals),
            )
        )
    return tuple(found)


class _Case(Struct, frozen=True):
    """One request at one endpoint at one moment."""

    policy: Policy
    request: RequestFacts
    one: EndpointFacts
    now: datetime

    def value(self, name: str) -> Any:
        """A fact as comparisons take it."""
        match Name(name).about:
            case About.ENDPOINT:
                return known(self.one.facts, name, self.now, self.policy.ranks)
            case About.REQUEST:
                return usable(name, self.request.value(name), self.policy.ranks)
            case About.TIME:
                return moment(self.now)[name]

    def objecting(self, refusal: Refusal, rule: Rule) -> Objecting:
        leaves: dict[tuple[Compare, bool], Part] = {}
        change = self._change(rule.objection, False, leaves)
        parts = tuple(leaves.values())
        if len(parts) == 1:
            change = parts[0].change
        return Objecting(refusal, rule.effect, str(rule.condition), str(rule.when), parts, change)

    def _change(self, node: Node, wanted: bool, leaves: dict[tuple[Compare, bool], Part]) -> str:
        """What would make a condition `wanted`, which it is not; every comparison in it is added to `leaves`."""
        match node:
            case Compare():
                part = leaves.setdefault((node, wanted), self._part(node, wanted))
                return f"{_wish(node, wanted)} ({_standing(part.facts)})"
            case Not(inner):
                return self._change(inner, not wanted, leaves)
            case All(inners) | Either(inners):
                missing = self._missing(inners, wanted)
                told = [self._change(one, wanted, leaves) for one in missing]
                if len(told) > 1:
                    pairs = zip(missing, told, strict=True)
                    told = [f"[{text}]" if self._is_joined(one, wanted) else text for one, text in pairs]
                together = isinstance(node, All) is wanted
                return (" and " if together else " or ").join(
                    told
                ) or "the policy itself would have to change"

    def _missing(self, nodes: Sequence[Node], wanted: bool) -> list[Node]:
        return [one for one in nodes if truth(one, self.value) is not wanted]

    def _is_joined(self, node: Node, wanted: bool) -> bool:
        """Whether what would change a condition holds an "and" or an "or" of its own."""
        match node:
            case Compare():
                return False
            case Not(inner):
                return self._is_joined(inner, not wanted)
            case All(inners) | Either(inners):
                missing = self._missing(inners, wanted)
                return len(missing) > 1 or any(self._is_joined(one, wanted) for one in missing)

    def _part(self, one: Compare, wanted: bool) -> Part:
        facts = tuple(self._evidence(name.name) for name in one.names())
        return Part(str(one), truth(one, self.value), facts, f"{_wish(one, wanted)}; {_standing(facts)}")

    def _evidence(self, name: str) -> Evidence:
        about = Name(name).about
        if about is About.TIME:
            return Evidence(name, about, moment(self.now)[name])
        if about is About.REQUEST:
            said = self.request.value(name)
            if said is not None and self.value(name) is None:
                return Evidence(name, about, None, f"{said!r} is not among what this fact may be")
            return Evidence(name, about, said, "" if said is not None else "nobody said")
        fact = self.one.facts.get(name)
        if fact is None:
            return Evidence(name, about, None, "no fact")
        value = fact.value if self.value(name) is not None else None
        return Evidence(
            name,
            about,
            value,
            "" if value is not None else self._why_unknown(name),
            fact.basis,
            fact.source,
            fact.read,
            (self.now.date() - fact.read).days,
            fact.expires,
            fact.place,
        )

    def _why_unknown(self, name: str) -> str:
        fact = self.one.facts[name]
        if fact.value is None:
            return "somebody looked, and it could not be verified"
        if fact.expires is not None and self.now >= fact.expires:
            return f"{_shown(fact.value)} expired on {fact.expires:%Y-%m-%d}"
        return f"{_shown(fact.value)} is not among what this fact may be"


_WISHES: Mapping[tuple[Op, bool], str] = {
    (Op.EQUAL, True): "be {}",
    (Op.EQUAL, False): "be known and not {}",
    (Op.IN, True): "be in {}",
    (Op.IN, False): "be known and not in {}",
    (Op.HOLDS, True): "hold {}",
    (Op.HOLDS, False): "be known and not hold {}",
    (Op.BELOW, True): "be below {}",
    (Op.BELOW, False): "be {} or above",
    (Op.UP_TO, True): "be at most {}",
    (Op.UP_TO, False): "be above {}",
    (Op.ABOVE, True): "be above {}",
    (Op.ABOVE, False): "be at most {}",
    (Op.FROM, True): "be at least {}",
    (Op.FROM, False): "be below {}",
}


def _wish(one: Compare, wanted: bool) -> str:
    """What a comparison asks for, in words."""
    right = one.right.name if isinstance(one.right, Name) else one.right.shown
    if isinstance(one.right, Literal) and isinstance(one.right.value, bool):
        return f"{one.left.name} would have to be {str(one.right.value is wanted).lower()}"
    return f"{one.left.name} would have to {_WISHES[one.op, wanted].format(right)}"


def _standing(facts: Sequence[Evidence]) -> str:
    """What the facts of a comparison are."""
    return " and ".join(f"{'it' if len(facts) == 1 else fact.name} is {fact}" for fact in facts)


def _shown(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ", ".join(value) or "none"
        case _:
            return str(value)
