"""Traffic in groups: exchanges that policy and routing cannot tell apart, counted."""

from msgspec import Struct

from freehold.vocabulary.facts import RequestFacts


class Kind(Struct, frozen=True):
    """What policy and routing can see of a request, and who answered it."""

    application: str
    alias: str
    dialect: str
    data_class: str | None
    purpose: str | None
    user_region: str | None
    tools: bool | None
    endpoint: str | None  # who answered; None: nobody
    outcome: str

    @property
    def request(self) -> RequestFacts:
        """The facts that policy decides by."""
        return RequestFacts(
            self.application, self.alias, self.data_class, self.purpose, self.user_region, self.tools
        )


class Group(Struct):
    """Exchanges of one kind, added up."""

    exchanges: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    counted: int = 0  # exchanges whose tokens were counted
    cost_usd: float = 0.0
    priced: int = 0  # exchanges whose cost is known
    took_us: int = 0
    first_byte_us: int = 0
    timed: int = 0  # exchanges that were answered, and so count in the two times above


class Traffic(Struct, frozen=True):
    """The exchanges of a period."""

    since_ms: int
    until_ms: int
    groups: dict[Kind, Group]
    minutes: dict[Kind, dict[int, int]]  # exchanges by minute (Unix time / 60,000)

    @property
    def exchanges(self) -> int:
        """How many there were."""
        return sum(group.exchanges for group in self.groups.values())
