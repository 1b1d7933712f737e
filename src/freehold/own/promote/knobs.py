"""The table [promote] of a plan."""

from typing import Annotated

from msgspec import Meta, Struct

from freehold.gateway.promotion_order import MIN_ANSWERS_MAX

_Share = Annotated[float, Meta(gt=0, le=1)]
_Margin = Annotated[float, Meta(gt=0, lt=1)]
BITS_A_BYTE, BITS_A_BASE = 0.02, 0.01


class Promote(Struct, frozen=True, forbid_unknown_fields=True):
    """Which alias it is to answer, on what evidence, and what takes it back."""

    alias: str = ""
    delta: _Margin = 0.05  # by how much worse it may be, of 1, and still count as not worse
    delta_bits: _Margin | None = None  # the same in bits: 0.02 a byte, 0.01 a base
    alpha: _Margin = 0.05  # the chance that a model which is worse by so much passes a test
    shadow_share: _Share = 0.1  # of the alias's requests that are copied to it
    pairs_min: Annotated[int, Meta(ge=1)] = 100  # live shadow pairs before a canary
    judge: str = ""  # compares live answers that are kept: an alias, an endpoint, or "same" for predictions
    canary_share: _Share = 0.05
    applications: tuple[str, ...] = ()  # the canary's; empty: all
    canary_min: Annotated[int, Meta(ge=1, le=MIN_ANSWERS_MAX)] = (
        200  # its answers before it becomes the default
    )
    errors_max: _Share = 0.02  # above this it is taken back
    findings_max: _Share = 0.05
    p95_ms_max: float | None = None  # whole answers

    def margin(self, recipe: str, *, bits: bool) -> float:
        """By how much worse it may be, in points or in bits."""
        if not bits:
            return self.delta
        return self.delta_bits or (BITS_A_BASE if recipe == "genome" else BITS_A_BYTE)
