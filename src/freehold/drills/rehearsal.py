"""What a rehearsal found, before, during and after the fault; all of it can be worked out again from the ledger.

Shares have Wilson's interval, means Student's, a 95th percentile that of its order statistics. Exchanges of one
conversation or one client may hang together; the intervals take them for independent.
"""

from msgspec import Struct

from freehold.vocabulary.report import Interval

NOBODY = "(nobody)"
BEFORE, DURING, AFTER = "before", "during", "after"
DONE = "it ran to its end"  # why a rehearsal ended that was not broken off


class Graded(Struct, frozen=True):
    """A test request with a known right answer."""

    exchange: str
    case: str
    cluster: str
    score: float  # 0 to 1


class Moment(Struct, frozen=True):
    """When something happened, in milliseconds after the fault began or ended; it lies between the two bounds."""

    after_ms: float
    low_ms: float
    high_ms: float


class Phase(Struct, frozen=True):
    """The exchanges that began in one part of a rehearsal; those that the fault broke off are in it.

    Shares are of `exchanges`; None: there is too little.
    """

    name: str
    exchanges: int  # less those whose callers left, and those that were turned down for their form
    answered: Interval | None
    failed: Interval | None  # no answer, or one that broke off
    refused: Interval | None  # policy let nobody answer
    degraded: (
        Interval | None
    )  # answered, after somebody else had failed or was passed over, or by two of them
    queued: int  # met a limit or a wait that was asked for
    streams_lost: int
    by: dict[str, dict[str, Interval]]  # by alias: who answered what share of it
    latency_ms: Interval | None  # mean, whole answers
    first_byte_ms: Interval | None  # mean
    latency_p95_ms: Interval | None
    cost_usd: Interval | None  # mean of an answer, where it is known
    unpriced: int  # answers whose cost is not known
    findings: dict[str, int]
    quality: Interval | None  # mean score of what was answered of test requests with known answers
    graded: int


class Rehearsal(Struct, frozen=True):
    """A scenario on a running gateway. Moments are Unix milliseconds."""

    id: str
    scenario: str
    mode: str
    share: float
    who: str
    began_ms: int
    from_ms: int  # when the fault began
    until_ms: int  # and ended
    measured_ms: int  # exchanges that were over by then are in it
    ended: str  # why
    lost: tuple[str, ...]
    changed: tuple[str, ...]
    phases: tuple[Phase, ...]
    detected: Moment | None  # the first failed attempt at a lost endpoint; None: nobody met the fault
    left_alone: Moment | None  # the first request that did not even try it
    # The first answer to a request after the last that failed; 0: none failed; None: it was not, or nobody asked.
    restored: Moment | None
    returned: Moment | None  # after the fault: the first answer of a lost endpoint
    violations: tuple[str, ...]  # exchanges in which a prompt went where policy did not allow it
    criteria: tuple[str, ...]  # at which it would have been broken off
    graded: tuple[Graded, ...] = ()

    @property
    def met(self) -> bool:
        """Whether any request met the fault, as far as that can be told: what only changes, is met in silence."""
        began = any(one.name == DURING and one.exchanges for one in self.phases)
        return began and bool(self.changed or self.detected or self.left_alone)
