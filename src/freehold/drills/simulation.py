"""What a simulation found: shares, loads, cost, latency, quality and concentration, before and under a scenario.

None is unknown throughout, which is not zero.
"""

from msgspec import Struct

from freehold.vocabulary.report import Interval

SIMULATED = "drill-simulated"  # the kind of event: a simulation was kept, with SHA-256 of its file


class Fate(Struct, frozen=True):
    """What becomes of an endpoint."""

    endpoint: str
    fate: str  # lost, changed, kept, or unknown: a fact that the scenario asks for is not known, so it counts as lost
    because: str = ""  # which words of the scenario hold, or which fact is unknown


class Line(Struct, frozen=True):
    """One application's requests for one alias. Shares are of `exchanges`."""

    application: str
    alias: str
    exchanges: int
    served_before: float
    served_after: float
    by_before: dict[str, float]  # endpoint: share
    by_after: dict[str, float]  # "(memory)" in both: an answer that was kept
    refused: dict[str, float]  # "policy/rule": share that policy lets nobody serve
    lost: float  # share whose every allowed endpoint is lost
    limited: float  # share that no survivor has room for within its known rate limits
    cost_before_usd: float | None
    cost_after_usd: float | None
    unpriced: float  # share of what is still served whose cost is not known, and is not in the sum
    latency_before_ms: float | None  # mean, whole answers
    latency_after_ms: float | None
    quality: (
        Interval | None
    )  # mean change of score (0 to 1) of what is still served, less `unmeasured`; None: unknown
    unmeasured: float = 0.0  # share that moved between endpoints of which no quality is known
    # Share that nobody answered for reasons of then: an outage, a stop, an answer that broke off.
    failed: float = 0.0
    untimed: float = 0.0  # share of what is still served whose latency is not known, and is not in the mean
    unpriced_before: float = 0.0  # share of what was served whose cost is not known, and is not in the sum
    untimed_before: float = 0.0


class Load(Struct, frozen=True):
    """What one endpoint has to do, in its busiest minute."""

    endpoint: str
    requests_before: int
    requests_after: int
    requests_limit: int | None  # None: not known
    tokens_before: int
    tokens_after: int
    tokens_limit: int | None
    over: float = 0.0  # share of the period's minutes with traffic in which a limit is passed


class Concentration(Struct, frozen=True):
    """How the answered exchanges are spread over one grouping."""

    by: str  # endpoint, provider, parent, cloud, inference_region, entity_jurisdiction, weights_origin, weights_family
    hhi_before: float | None  # Herfindahl-Hirschman index, 0 to 1; None: nobody answered
    hhi_after: float | None
    effective_before: float | None  # 1 / HHI
    effective_after: float | None
    shares_before: dict[str, float]
    shares_after: dict[str, float]  # "(unknown)" stands for what is not known, and counts as one


class Simulation(Struct, frozen=True):
    """A scenario over recorded traffic. Of each line served, refused, lost, limited and failed add up to one."""

    scenario: str
    policy: str | None  # label of what is enforced
    facts: str  # digest
    since_ms: int
    until_ms: int
    exchanges: int
    fates: tuple[Fate, ...]
    lines: tuple[Line, ...]  # the largest first
    total: Line  # over everything; application and alias are ""
    loads: tuple[Load, ...]
    concentration: tuple[Concentration, ...]
    assumptions: tuple[str, ...]  # in sentences: what was supposed, and what was left out
