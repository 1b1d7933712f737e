"""The table [evaluate] of a plan."""

from msgspec import Struct


class Evaluate(Struct, frozen=True, forbid_unknown_fields=True):
    """Against whom, and on what."""

    incumbent: str = ""  # the alias or endpoint that it may replace
    tasks: tuple[str, ...] = ()  # files of bench tasks; paths are relative to the run's folder
    judge: str = ""  # the alias or endpoint that compares answers, for tasks with a judge
    run_code: bool = False  # whether programs that answers write may be run, with limits
    transfer: tuple[str, ...] = ()  # other sequences or documents on which it is measured, too
