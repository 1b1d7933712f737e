"""What providers hold of what was sent to them: how much, of which data classes, and until when.

Rests on their promises, which arrive as an argument: a provider that keeps more than it says holds more than this.
Everything that reached a provider counts, answered or not: whoever turned a request down has read it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import inf, isinf

from msgspec import Struct

from freehold.config import clock
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import PASSED_OVER, Attempt, Exchange

# How many days an endpoint kept what it was sent at a moment; inf: without limit, None: unknown.
Kept = Callable[[str, datetime], float | None]

NEVER_THERE = frozenset({*PASSED_OVER, Fault.CONNECT, Fault.TLS, Fault.TIMEOUT_CONNECT, Fault.UNFIT})
NOBODY_SAID = "(nobody said)"  # the data class of requests without one
_DAYS_MAX = 366_000  # a promise beyond a thousand years is one without limit


class Held(Struct, frozen=True):
    """One provider's part. A prompt is one request that reached it; tokens are what was sent and what it answered."""

    provider: str
    sent: int  # prompts that reached it in the period
    gone: int  # prompts that by its promise are deleted by now, or were never kept
    held: int  # prompts that it holds, with an end
    without_limit: int  # prompts that it keeps without limit
    unknown: int  # prompts of which nobody knows how long they are kept
    tokens: int  # of all prompts that may still be there
    uncounted: int  # prompts that may still be there and whose tokens nobody counted
    classes: dict[str, int]  # the prompts that may still be there, by data class
    due: dict[date, int]  # of those held: how many are to be gone by the end of which day

    @property
    def there(self) -> int:
        """Prompts that may still be there."""
        return self.held + self.without_limit + self.unknown

    def due_within(self, days: int, now: datetime) -> int:
        """Of those held, how many are to be gone by the end of a day so many days from now."""
        last = (now + timedelta(days=days)).date()
        return sum(count for day, count in self.due.items() if day <= last)


def exposure(exchanges: Iterable[Exchange], kept: Kept, now: datetime) -> tuple[Held, ...]:
    """What each provider holds at `now` of what these exchanges sent; the most exposed first."""
    parts: dict[str, _Part] = defaultdict(_Part)
    for exchange in exchanges:
        sent_at = clock.utc(exchange.at_ms)
        for attempt in exchange.attempts:
            if attempt.outcome in NEVER_THERE or not exchange.reached(attempt):
                continue
            part = parts[attempt.endpoint.partition("/")[0]]
            part.sent += 1
            gone_at = _gone_at(sent_at, kept(attempt.endpoint, sent_at))
            if gone_at is None:
                part.unknown += 1
            elif gone_at == inf:
                part.without_limit += 1
            elif isinstance(gone_at, datetime) and gone_at > now:
                part.due[gone_at.date()] += 1
            else:
                continue
            part.count(exchange, attempt)
    found = [part.told(provider) for provider, part in parts.items()]
    return tuple(sorted(found, key=lambda one: (-one.there, -one.sent, one.provider)))


def _gone_at(sent_at: datetime, days: float | None) -> datetime | float | None:
    """When a prompt is to be gone; inf: never, None: unknown."""
    if days is None:
        return None
    if isinf(days) or days > _DAYS_MAX:
        return inf
    return sent_at + timedelta(days=days)


@dataclass(slots=True)
class _Part:
    sent: int = 0
    without_limit: int = 0
    unknown: int = 0
    tokens: int = 0
    uncounted: int = 0
    classes: "Counter[str]" = field(default_factory=Counter)
    due: "Counter[date]" = field(default_factory=Counter)

    def count(self, exchange: Exchange, attempt: Attempt) -> None:
        """A prompt that may still be there. Who was only asked has the prompt, who answered the answer too."""
        self.classes[exchange.data_class or NOBODY_SAID] += 1
        usage = exchange.served.usage if exchange.served is not None else None
        if usage is None or usage.input_tokens is None:
            self.uncounted += 1
            return
        self.tokens += usage.input_tokens
        if attempt.endpoint in (exchange.endpoint, exchange.continued_by):
            self.tokens += usage.output_tokens or 0

    def told(self, provider: str) -> Held:
        held = self.due.total()
        gone = self.sent - held - self.without_limit - self.unknown
        return Held(
            provider,
            self.sent,
            gone,
            held,
            self.without_limit,
            self.unknown,
            self.tokens,
            self.uncounted,
            dict(self.classes.most_common()),
            dict(sorted(self.due.items())),
        )
