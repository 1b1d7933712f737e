"""What Freehold set itself, on the reference machine, and what was measured of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.measure import STREAMS, Findings, Sample

MB = 1e6


@dataclass(frozen=True, slots=True)
class Goal:
    """One number with its limit."""

    name: str
    limit: float
    unit: str
    measured: float | None  # None: not in this run
    at_least: bool = False


def goals(found: Mapping[str, Findings]) -> list[Goal]:
    """Freehold's goals; empty where it was not measured."""
    own = found.get("freehold")
    if own is None or own.problem:
        return []
    plain_us, stream_us = cpu_us(own, "plain-16"), cpu_us(own, "burst-16")
    complete = float(own.streams.complete) if own.streams else None
    return [
        Goal("CPU for a plain request", 60, "µs", plain_us),
        Goal("CPU for a stream of 20 pieces", 200, "µs", stream_us),
        Goal("... relative to the vLLM router", 1, "", times(plain_us, peer_us(found, "vllm-router"))),
        Goal(
            "... LiteLLM relative to it", 100, "", times(peer_us(found, "litellm"), plain_us), at_least=True
        ),
        Goal("added p99 at half load", 1, "ms", added_p99_ms(own.half_load)),
        Goal("resident, after the load", 80, "MB", own.rss_loaded_bytes / MB),
        Goal("import of the command line", 0.2, "s", own.import_s),
        Goal("ready", 0.7, "s", median(own.start_s) if own.start_s else None),
        Goal("slow streams complete, of 1,000 at once", STREAMS, "", complete, at_least=True),
    ]


def cpu_us(findings: Findings, shape: str) -> float | None:
    """The median over the rounds of one shape."""
    found = [sample.cpu_us for sample in findings.samples.get(shape, []) if sample.cpu_us is not None]
    return median(found) if found else None


def peer_us(found: Mapping[str, Findings], name: str) -> float | None:
    """A peer's CPU for a plain request."""
    return cpu_us(found[name], "plain-16") if name in found else None


def times(number: float | None, base: float | None) -> float | None:
    """How many times the base."""
    return number / base if number and base else None


def added_p99_ms(samples: list[Sample]) -> float | None:
    """The median over the rounds."""
    added = [sample.added_p99_us / 1e3 for sample in samples if sample.added_p99_us is not None]
    return median(added) if added else None
