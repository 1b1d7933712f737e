"""Whether the answers of an endpoint may be learnt from: a fact of the catalog decides, and unknown means no."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from freehold.own.corpus.drops import Reason
from freehold.vocabulary.facts import Facts

FACT = "distillation_allowed"


class Terms(Struct, frozen=True, omit_defaults=True):
    """What an endpoint's terms say about learning from its answers, as of one moment."""

    endpoint: str
    allowed: bool | None  # None: unknown
    why: str  # what it rests on, in words
    exchanges: int = 0  # of those that were asked for

    @property
    def provider(self) -> str:
        """Who runs it, by the name in the configuration."""
        return self.endpoint.partition("/")[0]

    @property
    def reason(self) -> Reason | None:
        """Why its answers are left out; None: they are not."""
        if self.allowed is None:
            return Reason.TERMS_UNKNOWN
        return None if self.allowed else Reason.TERMS_FORBID

    @property
    def sentence(self) -> str:
        """All of it in words."""
        says = {
            True: "may be learnt from",
            False: "must not be learnt from",
            None: "are left out, as nobody knows whether they may be learnt from",
        }
        return f"answers of {self.endpoint} (provider {self.provider}) {says[self.allowed]}: {self.why}"


def terms_of(endpoint: str, facts: Facts | None, now: datetime) -> Terms:
    """What holds now; `facts` is None where the configuration has no such provider."""
    if facts is None:
        return Terms(endpoint, None, "the configuration has no such provider")
    fact = facts.get(FACT)
    if fact is None:
        return Terms(endpoint, None, f"the catalog has no fact `{FACT}` of it")
    said = f"{fact.source}, read {fact.read}"
    if fact.expires is not None and now >= fact.expires:
        return Terms(endpoint, None, f"the fact has expired: {said}")
    allowed = fact.at(now)
    return Terms(endpoint, allowed if isinstance(allowed, bool) else None, said)


def counted(terms: Iterable[Terms]) -> tuple[Terms, ...]:
    """Each endpoint once, with how many exchanges it answered; the forbidden first, the allowed last."""
    found = Counter(terms)
    order = {False: 0, None: 1, True: 2}
    whole = (Terms(one.endpoint, one.allowed, one.why, count) for one, count in found.items())
    return tuple(sorted(whole, key=lambda one: (order[one.allowed], one.endpoint)))
