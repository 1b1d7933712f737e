"""Where a report can help with what supervisors ask: DORA and its register, the PRA's statements, NIST's framework.

A help for whoever fills in forms, and no legal advice: whether a service is critical, and what follows, is theirs to
say. Texts: Regulation (EU) 2022/2554; Implementing Regulation (EU) 2024/2956, template B_07.01; PRA SS1/21 and SS2/21;
NIST AI 100-1. Numbers of the register's columns are left out: take them from the template in force.
"""

from collections.abc import Iterator

from msgspec import Struct

from freehold.drills.dataside import DataSide
from freehold.drills.findings import percent
from freehold.drills.rehearsal import Rehearsal
from freehold.drills.simulation import Simulation
from freehold.drills.world import World
from freehold.vocabulary.report import Interval

YOURS = "to be filled in by you"
NEARLY_ALL, MOST = 0.999, 0.95
RULE = (
    f"Suggested by one rule. Of what was served before, at least {percent(NEARLY_ALL)} is served under the scenario, "
    f"and quality is measured and not lower: easily substitutable; at least {percent(MOST)}: medium complexity; less: "
    "highly complex; nothing: not substitutable. Contracts, data and people are not in it."
)
Texts = tuple[tuple[str, str, str, str], ...]

# Framework, place, what it is about, and which part of the report helps.
TEXTS: Texts = (
    ("DORA", "Art. 11", "response and recovery; continuity plans and their tests", "results, rehearsal"),
    ("DORA", "Art. 24-25", "the programme of resilience tests, scenario-based tests among them", "the whole report"),
    ("DORA", "Art. 26", "threat-led penetration tests: a drill is none, and does not stand in for one", ""),
    ("DORA", "Art. 28(3)", "the register of information", "the register's fields"),
    ("DORA", "Art. 28(8)", "exit strategies, tested and reviewed; alternatives; moving data", "results, data side"),
    ("DORA", "Art. 29", "concentration: who is not easily substitutable, and who is connected", "independence"),
    ("DORA", "Art. 30", "contracts, with termination and exit: not visible to a gateway", ""),
    ("PRA SS1/21", "impact tolerances", "how long and how much of a service may be gone", "results, rehearsal"),
    ("PRA SS1/21", "scenario testing", "severe but plausible scenarios against those tolerances", "the whole report"),
    ("PRA SS2/21", "chapter 10", "business continuity and exit plans, stressed exits above all", "results, data side"),
    ("NIST AI RMF", "GOVERN 6.2", "contingency for failures of third-party systems", "the whole report"),
    ("NIST AI RMF", "MAP 4.1-4.2", "risks of third-party components, and controls for them", "independence, data side"),
    ("NIST AI RMF", "MEASURE 2", "systems are evaluated and watched in production", "quality, rehearsal"),
    ("NIST AI RMF", "MEASURE 3", "risks are tracked over time", "retest date"),
    ("NIST AI RMF", "MANAGE 2.3-2.4", "recovery; superseding or disengaging a system", "results, rehearsal"),
    ("NIST AI RMF", "MANAGE 3", "risks from third parties are managed and watched", "independence"),
    ("NIST AI RMF", "MANAGE 4", "plans for response and recovery, and their improvement", "findings, retest date"),
)  # fmt: skip


class Row(Struct, frozen=True):
    """One place of one text, and what of the report may help there."""

    framework: str
    place: str
    about: str
    helps: str  # "" : nothing does


class Register(Struct, frozen=True):
    """One field of the register of information, and what the drill says to it."""

    field: str
    value: str
    because: str
    yours: bool  # whether it is left to whoever fills in the register


def rows(rehearsal: Rehearsal | None) -> tuple[Row, ...]:
    """The table of places; without a rehearsal, none is named."""
    kept = []
    for framework, place, about, helps in TEXTS:
        parts = [part for part in helps.split(", ") if rehearsal is not None or part != "rehearsal"]
        kept.append(Row(framework, place, about, ", ".join(parts)))
    return tuple(kept)


def register(found: Simulation, data: DataSide, world: World) -> tuple[Register, ...]:
    """Fields of the register, for the service that is lost in the scenario."""
    return tuple(_fields(found, data, world))


def _fields(found: Simulation, data: DataSide, world: World) -> Iterator[Register]:
    total = found.total
    kept = total.served_after / total.served_before if total.served_before else None
    level = _level(kept, total.quality)
    yield Register(
        "Providers concerned", ", ".join(_concerned(found)) or "none", "simulation.fates", yours=False
    )
    yield Register("Substitutability of the provider", level or YOURS, RULE, level is None)
    yield Register(
        "Reason, if not or hardly substitutable",
        _reason(found) or "-",
        "lost, refused and limited",
        yours=False,
    )
    own = sum(share for name, share in total.by_after.items() if _is_own(world, name))
    yield Register(
        "Possibility of reintegration",
        f"own endpoints would answer {percent(own)} of all requests; the judgement is {YOURS}",
        "simulation.total.by_after",
        yours=True,
    )
    behind = sum(one.seen for one in data.artefacts)
    yield Register(
        "Impact of discontinuing the service",
        f"{_impact(found)}; {behind:,} uses of what does not move; the judgement is {YOURS}",
        "simulation.total, data_side.artefacts",
        yours=True,
    )
    others = _alternatives(found)
    yield Register(
        "Alternative providers identified",
        "yes" if others else "no",
        "simulation.total.by_after",
        yours=False,
    )
    yield Register(
        "Which", ", ".join(others) or "-", "who answers under the scenario and is not lost", yours=False
    )
    yield Register("Existence of an exit plan", YOURS, "This report can be a part of one.", yours=True)
    yield Register(
        "Date of the last audit of the provider", YOURS, "A drill is no audit of a provider.", yours=True
    )


def _level(kept: float | None, quality: Interval | None) -> str | None:
    if kept is None:
        return None
    if kept >= NEARLY_ALL and quality is not None and quality.low >= 0:
        return "easily substitutable"
    return "medium complexity" if kept >= MOST else "highly complex" if kept > 0 else "not substitutable"


def _concerned(found: Simulation) -> list[str]:
    hit = (fate.endpoint for fate in found.fates if fate.fate != "kept")
    return list(dict.fromkeys(name.partition("/")[0] for name in hit))


def _alternatives(found: Simulation) -> list[str]:
    lost = {fate.endpoint for fate in found.fates if fate.fate in ("lost", "unknown")}
    names = (name for name in found.total.by_after if "/" in name and name not in lost)
    return list(dict.fromkeys(name.partition("/")[0] for name in names))


def _reason(found: Simulation) -> str:
    total, said = found.total, []
    if total.lost > 0:
        said.append(f"of {percent(total.lost)} nobody whom policy allows is left")
    if total.limited > 0:
        said.append(f"for {percent(total.limited)} the others lack room")
    if total.refused and total.served_after < total.served_before:
        said.append(f"policy refuses the others for {percent(sum(total.refused.values()))}")
    return "; ".join(said)


def _impact(found: Simulation) -> str:
    gone = found.total.served_before - found.total.served_after
    return (
        f"{percent(gone)} of all requests would no longer be served"
        if gone > 0
        else "all goes on being served"
    )


def _is_own(world: World, endpoint: str) -> bool:
    fact = world.facts(endpoint).get("own")
    return fact is not None and fact.at(world.now) is True
