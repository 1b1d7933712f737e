"""How long endpoints take, from the traffic that they have answered.

An answer takes a time of its own and a time for each token that is written: a straight line through the means of the
kinds of exchanges that an endpoint answered, by least squares, each kind with the weight of its exchanges. Where all
answers were alike, and where nobody counted tokens, it is the mean.
"""

from collections.abc import Iterable

from msgspec import Struct

from freehold.drills.traffic import Group, Traffic

_ALIKE = 1e-9  # spread of tokens, squared, below which no line can be drawn


class Timing(Struct, frozen=True):
    """How long one endpoint takes, in milliseconds."""

    first_ms: float  # until the first byte, on average
    mean_ms: float  # of whole answers
    at_once_ms: float  # of an answer without words
    token_ms: float  # more for each token that is written

    def took_ms(self, group: Group) -> float:
        """A whole answer to exchanges like these."""
        written = _written(group)
        return self.mean_ms if written is None else self.at_once_ms + self.token_ms * written


def timings(traffic: Traffic) -> dict[str, Timing]:
    """Of each endpoint that has answered."""
    found: dict[str, list[Group]] = {}
    for kind, group in traffic.groups.items():
        if kind.endpoint is not None and group.timed and not kind.cached:
            found.setdefault(kind.endpoint, []).append(group)
    return {name: _timing(groups) for name, groups in found.items()}


def _timing(groups: Iterable[Group]) -> Timing:
    known = list(groups)
    many = sum(group.timed for group in known)
    mean_ms = sum(group.took_us for group in known) / many / 1000
    first_ms = sum(group.first_byte_us for group in known) / many / 1000
    counted = [(group, written) for group in known if (written := _written(group)) is not None]
    weight = sum(group.timed for group, _ in counted)
    if not weight:
        return Timing(first_ms, mean_ms, mean_ms, 0.0)
    tokens = sum(group.timed * written for group, written in counted) / weight
    took_ms = sum(group.took_us for group, _ in counted) / weight / 1000
    spread = sum(group.timed * (written - tokens) ** 2 for group, written in counted)
    together = sum(
        (group.took_us / 1000 - group.timed * took_ms) * (written - tokens) for group, written in counted
    )
    # More words never take less time, and none take no less than no time.
    token_ms = max(0.0, together / spread) if spread > _ALIKE * weight else 0.0
    token_ms = min(token_ms, took_ms / tokens) if tokens else 0.0
    return Timing(first_ms, mean_ms, took_ms - token_ms * tokens, token_ms)


def _written(group: Group) -> float | None:
    return group.output_tokens / group.counted if group.counted else None
