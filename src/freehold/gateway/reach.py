"""How far policies let requests go before there are any: how many endpoints each data class leaves of each pool."""

from collections.abc import Mapping

from freehold.catalog.resolve import Resolved
from freehold.gateway.admission import ANONYMOUS
from freehold.gateway.snapshot import Snapshot
from freehold.routing.plan import Lane
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.facts import RequestFacts

NOT_SAID = ""  # the class of a request of which nobody said any


def reach(snapshot: Snapshot, resolved: Resolved) -> Mapping[str, Mapping[str, int]]:
    """By alias and data class, how many endpoints may see a request of which nothing else is known."""
    classes = (NOT_SAID, *resolved.config.data_classes)
    counts: dict[str, dict[str, int]] = {}
    for alias, pool in resolved.pools.items():
        lane = Lane(alias, pool, resolved.settings[alias])
        of_class = counts[alias] = {}
        for word in classes:
            request = RequestFacts(ANONYMOUS, alias, word or None)
            of_class[word] = len(snapshot.ruling(request, lane, Dialect.CHAT).allowed)
    return counts
