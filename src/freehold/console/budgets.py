"""What applications have spent today of the budgets that policies give them, from sums over the day's exchanges."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from freehold.config import clock
from freehold.ledger.search import Search, Sum
from freehold.policy.expression import ALWAYS
from freehold.policy.rules import Bound, Limit, Policy, applies
from freehold.vocabulary.facts import RequestFacts

BY = ("application", "alias", "data_class", "purpose", "user_region", "tools")  # what a budget can look at
DAY_MS = 86_400_000


class Spent(NamedTuple):
    """One application under one budget, today in UTC."""

    policy: str
    limit: Limit
    application: str
    usd: float
    unpriced: int  # exchanges whose cost nobody knows: the gateway counts what it had set aside for them
    some: bool  # the budget is for some requests only

    @property
    def share(self) -> float:
        """Of the budget."""
        return self.usd / self.limit.value if self.limit.value else 1.0


def today(search: Search) -> Sequence[Sum]:
    """What was spent since midnight UTC."""
    now_ms = clock.now_ms()
    return search.rollup(now_ms - now_ms % DAY_MS, now_ms + DAY_MS, BY)


def spent(policies: Iterable[Policy], sums: Sequence[Sum]) -> Iterator[Spent]:
    """Every budget with every application that it holds for: those it names, and those that sent something today."""
    seen = sorted({str(one.by[0]) for one in sums})
    for policy in policies:
        for limit in policy.limits_of(Bound.BUDGET):
            for application in seen if limit.application is None else [limit.application]:
                yield _spent(policy, limit, application, sums)


def _spent(policy: Policy, limit: Limit, application: str, sums: Sequence[Sum]) -> Spent:
    under = [
        one
        for one in sums
        if one.by[0] == application and applies(limit, RequestFacts(*one.by), policy.ranks)  # type: ignore[arg-type]
    ]
    usd, unpriced = sum(one.cost_usd for one in under), sum(one.exchanges - one.priced for one in under)
    return Spent(policy.name, limit, application, usd, unpriced, limit.when != ALWAYS)
