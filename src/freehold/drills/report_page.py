"""A report as one page of HTML: needs nothing from anywhere, runs nothing, and prints in black and white on A4.

It follows from report.json alone.
"""

from collections.abc import Callable, Iterable, Mapping

from freehold.drills import charts
from freehold.drills.findings import percent
from freehold.drills.markup import (
    POLICY,
    STYLE,
    bounds,
    day,
    moment,
    more,
    number,
    points,
    share,
    table,
    told,
    without,
)
from freehold.drills.rehearsal import Phase, Rehearsal
from freehold.drills.report import Announced, Report
from freehold.drills.simulation import Line
from freehold.ledger.checkpoint import Checkpoint, read
from freehold.ledger.exposure import Held
from freehold.ledger.proofs import parse_proof

LINES_SHOWN, LOADS_SHOWN = 20, 12
METHOD = (
    "The gateway's own code decided once more, from what the ledger recorded of each request and without its words: "
    "what policy allows, who of them is there, in which order they are asked. What the scenario does not touch goes on "
    "as it was recorded. What is not known is shown as unknown, and is not zero."
)
_MODES = {"marked": "test requests of its own", "shadow": "copies of {} of all", "share": "{} of all"}
_MEASURES: Mapping[str, Callable[[Phase], str]] = {
    "requests": lambda part: f"{part.exchanges:,}",
    "answered": lambda part: share(part.answered),
    "failed": lambda part: share(part.failed),
    "refused by policy": lambda part: share(part.refused),
    "answered by another, or by two": lambda part: share(part.degraded),
    "waited": lambda part: f"{part.queued:,}",
    "findings": lambda part: ", ".join(f"{kind} {count:,}" for kind, count in part.findings.items()) or "-",
    "streams that broke off": lambda part: f"{part.streams_lost:,}",
    "ms for a whole answer, mean": lambda part: bounds(part.latency_ms),
    "ms until its first byte, mean": lambda part: bounds(part.first_byte_ms),
    "ms, 95 of 100 at most": lambda part: bounds(part.latency_p95_ms),
    "USD for 1,000 answers": lambda part: bounds(part.cost_usd, 1000),
    "score of test requests, 0 to 1": lambda part: bounds(part.quality),
}


def page(report: Report) -> str:
    """The page of a report."""
    parts = (
        _top(report),
        _findings(report),
        _results(report),
        _rehearsal(report.rehearsal) if report.rehearsal is not None else "",
        _behind(report),
        _independence(report),
        _limits_of_it(report),
        _proofs(report),
        _register(report),
        _scenario(report),
    )
    title = f"Drill {report.drill}: {report.title}"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{told(title)}</title><style>{STYLE}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _top(report: Report) -> str:
    found, kind = report.simulation, "simulated" if report.rehearsal is None else "simulated and rehearsed"
    rows = [
        ("Scenario", f"{report.name}: {report.why}"),
        ("What was done", kind),
        ("Traffic", f"{found.exchanges:,} exchanges, {day(found.since_ms)} to {day(found.until_ms)}"),
        ("Applications and aliases", _scope(found.lines)),
        ("Policy in force", found.policy or "none"),
        ("Facts", f"as known on {report.inputs.now:%Y-%m-%d}, digest {found.facts}"),
        ("Report made", f"{report.made:%Y-%m-%d %H:%M} UTC, by Freehold {report.freehold}"),
        ("Test again by", f"{report.retest}"),
    ]
    return (
        f'<h1>{told(report.title)}</h1><p class="small">Report of the drill {told(report.drill)}</p>'
        + table("Scope", (), rows)
        + f"<h3>Method</h3><p>{METHOD}</p>"
    )


def _scope(lines: Iterable[Line]) -> str:
    lines = tuple(lines)
    names = {line.application for line in lines}, {line.alias for line in lines}
    return "; ".join(", ".join(sorted(one)[:12]) + (", ..." if len(one) > 12 else "") for one in names)


def _findings(report: Report) -> str:
    items = "".join(
        f'<li class="{one.weight.value}">{one.weight.value.capitalize()}: {told(one.says)}</li>'
        for one in report.findings
    )
    return f"<h2>Findings</h2><ul>{items}</ul>"


def _results(report: Report) -> str:
    found, lines = report.simulation, report.simulation.lines
    bars = [
        ("all, before", charts.before(found.total)),
        ("all, under the scenario", charts.after(found.total)),
    ]
    bars += [(f"{line.application} · {line.alias}", charts.after(line)) for line in lines[:LINES_SHOWN]]
    parts = [
        "<h2>Results of the simulation</h2>",
        _fates(report),
        charts.stacks("What becomes of requests", bars),
        _lines((found.total, *lines[:LINES_SHOWN])),
        more(len(lines), LINES_SHOWN, "lines of an application and an alias"),
        _who(found.total),
        _rules(found.total),
        _loads(report),
    ]
    return "".join(parts)


def _fates(report: Report) -> str:
    rows = [(one.endpoint, one.fate, one.because) for one in report.simulation.fates if one.fate != "kept"]
    kept = len(report.simulation.fates) - len(rows)
    told = table("What becomes of endpoints", ("Endpoint", "Fate", "Because"), rows)
    return f"{told}<p>{kept} other endpoints stay as they are.</p>" if rows else "<p>No endpoint is hit.</p>"


def _lines(lines: Iterable[Line]) -> str:
    head = ("Application", "Alias", "#Requests", "#Served before", "#after", "#Cost before, USD", "#after",
            "#Latency before, ms", "#after", "#Quality, points")  # fmt: skip
    rows = [
        (
            line.application or "all",
            line.alias or "all",
            f"{line.exchanges:,}",
            percent(line.served_before),
            percent(line.served_after),
            number(line.cost_before_usd) + without(line.unpriced_before),
            number(line.cost_after_usd) + without(line.unpriced),
            number(line.latency_before_ms) + without(line.untimed_before),
            number(line.latency_after_ms) + without(line.untimed),
            points(line.quality) + without(line.unmeasured if line.quality else 0.0),
        )
        for line in lines
    ]
    caption = "Each application's requests for an alias, the largest first; without what is not known"
    return table(caption, head, rows)


def _who(total: Line) -> str:
    names = dict.fromkeys((*total.by_after, *total.by_before))
    rows = [
        (name, percent(total.by_before.get(name, 0.0)), percent(total.by_after.get(name, 0.0)))
        for name in names
    ]
    return table("Who answers", ("Endpoint", "#Before", "#Under the scenario"), rows)


def _rules(total: Line) -> str:
    rows = [(rule, percent(share)) for rule, share in total.refused.items()]
    return table("What is refused, and by which rule", ("Rule", "#Share of all"), rows) if rows else ""


def _loads(report: Report) -> str:
    loads = report.simulation.loads[:LOADS_SHOWN]
    if not loads:
        return ""
    rows = [
        (load.endpoint, float(load.requests_before), float(load.requests_after), load.requests_limit)
        for load in loads
    ]
    head = (
        "Endpoint",
        "#Requests before",
        "#after",
        "#limit",
        "#Tokens before",
        "#after",
        "#limit",
        "#Minutes over",
    )
    cells = [
        (
            load.endpoint,
            *(number(one) for one in (load.requests_before, load.requests_after, load.requests_limit)),
            *(number(one) for one in (load.tokens_before, load.tokens_after, load.tokens_limit)),
            percent(load.over),
        )
        for load in loads
    ]
    return (
        "<h3>Load in the busiest minute, in requests</h3>"
        + charts.pairs("Load in the busiest minute", rows)
        + table("", head, cells)
        + more(len(report.simulation.loads), LOADS_SHOWN, "endpoints")
    )


def _rehearsal(one: Rehearsal) -> str:
    failed = one.restored is None or one.restored.after_ms > 0
    untouched = "no request failed" if one.met else "no request met the fault"
    rows = [
        (
            "Requests in it",
            f"{_MODES.get(one.mode, one.mode).format(percent(one.share))}; begun by {one.who}",
        ),
        ("Fault", f"{(one.until_ms - one.from_ms) / 1000:g} s from {day(one.from_ms)} on; {one.ended}"),
        ("Would have been broken off if", "; ".join(one.criteria)),
        ("Noticed", moment(one.detected)),
        ("No longer tried", moment(one.left_alone)),
        ("Service restored", moment(one.restored) if failed and one.met else untouched),
        ("Used again after the fault", moment(one.returned)),
        ("Prompts where policy does not allow them", ", ".join(one.violations) or "0"),
    ]
    cells = [(name, *map(told, one.phases)) for name, told in _MEASURES.items()]
    head = ("", *(f"#{part.name}" for part in one.phases))
    return (
        "<h2>Results of the rehearsal</h2>"
        + table("", (), rows)
        + table("Before, during and after the fault; in brackets 95 % intervals", head, cells)
    )


def _behind(report: Report) -> str:
    data, under = report.data_side, {one.provider: one for one in report.held_under or ()}
    rows = [
        (*_held(one), *([f"{under[one.provider].there:,}"] if one.provider in under else []))
        for one in data.held
    ]
    head = [
        "Provider",
        "#Prompts sent",
        "#May be there",
        "#Without limit",
        "#Unknown",
        "#Tokens",
        "Last gone by",
    ]
    head += ["#By the scenario's terms"] if under else []
    artefacts = [(one.kind, f"{one.seen:,}", f"{one.unknown:,}", one.means) for one in data.artefacts]
    opened = f"{data.opened:,} bodies were looked at" if report.bodies else "no body was looked at"
    return (
        "<h2>Data side: what stays behind</h2>"
        + (
            table("By what providers promise, in the period", head, rows)
            if rows
            else "<p>Nothing was sent there.</p>"
        )
        + table(
            f"What does not move: of {data.answered:,} exchanges that lost endpoints answered; {opened}",
            ("What", "#Seen", "#Unknown", "What it means"),
            artefacts,
        )
        + "".join(f'<p class="small">{told(one)}</p>' for one in data.not_seen)
    )


def _held(one: Held) -> tuple[str, ...]:
    last = str(max(one.due)) if one.due else "-"
    counts = (one.sent, one.there, one.without_limit, one.unknown, one.tokens)
    return (one.provider, *(f"{count:,}" for count in counts), last)


def _independence(report: Report) -> str:
    spread = [
        (_words(one.by), one.effective_before, one.effective_after)
        for one in report.simulation.concentration
        if one.effective_before is not None and one.effective_after is not None
    ]
    cells = [
        (
            _words(one.by),
            *(
                number(each)
                for each in (one.hhi_before, one.hhi_after, one.effective_before, one.effective_after)
            ),
        )
        for one in report.simulation.concentration
    ]
    stands = [
        (
            one.alias,
            f"{one.endpoints_before} to {one.endpoints_after}",
            *(f"{one.before[name]} to {one.after[name]}" for name in one.before),
        )
        for one in report.legs
    ]
    names = tuple(f"#{_words(name)}" for name in report.legs[0].before) if report.legs else ()
    head = ("Grouping", "#HHI before", "#after", "#Effective number before", "#after")
    return (
        "<h2>Independence, before and under the scenario</h2>"
        + "<h3>Effective number: how many equally large ones the answers are spread over</h3>"
        + charts.moves("Effective number", spread)
        + table("Herfindahl-Hirschman index (HHI) and effective number (1 / HHI)", head, cells)
        + table(
            "On how many known ones each alias stands, for the request with the fewest",
            ("Alias", "#endpoints", *names),
            stands,
        )
        + _worst(report)
    )


def _worst(report: Report) -> str:
    rows = [
        (
            when,
            f"{_words(one.by)} {', '.join(one.lost)}",
            _span(percent(one.requests), percent(one.requests_at_best)),
            _span(f"{one.aliases}", f"{one.aliases_at_best}"),
        )
        for when, one in (("as things are", report.worst_before), ("under the scenario", report.worst_after))
        if one is not None
    ]
    head = ("", "Gone", "#Requests still served", "#Aliases still served in full")
    caption = "The single point that would hurt most; from what is sure to what is possible"
    return table(caption, head, rows) if rows else ""


def _span(sure: str, best: str) -> str:
    return sure if sure == best else f"{sure} to {best}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _limits_of_it(report: Report) -> str:
    supposed = "".join(f"<li>{told(one)}</li>" for one in report.simulation.assumptions)
    missing = "".join(f"<li>{told(one)}</li>" for one in report.not_measured)
    return f"<h2>Assumptions</h2><ul>{supposed}</ul><h2>What was not measured</h2><ul>{missing}</ul>"


def _proofs(report: Report) -> str:
    span = report.ledger
    rows = [
        ("Exchanges of the period", f"{span.exchanges:,}"),
        *((f"of them left out: {why}", f"{count:,}") for why, count in span.left_out.items()),
        ("Digest of their records", span.digest),
    ]
    signed = [
        (f"Tree of {one.origin}", f"of size {one.size:,}, root {one.root.hex()}") for one in _logs(report)
    ]
    events = [(one.event, one.kind, day(one.at_ms), _leaf(one)) for one in report.announced]
    how = [(name, how) for name, how in report.recomputed.items()]
    return (
        "<h2>Proofs</h2><p>Each number has a name: its path in report.json. <code>freehold drill verify "
        "report.json</code> works every one of them out again from the ledger, and names those that differ.</p>"
        + table("What it rests on", (), [*rows, *signed])
        + table(
            "The drill on the ledger; report.json carries the proofs",
            ("Event", "Kind", "At", "Proven as"),
            events,
        )
        + table("How numbers are worked out again", ("In report.json", "How"), how)
    )


def _logs(report: Report) -> list[Checkpoint]:
    return [read(one.encode())[0] for one in report.checkpoints]


def _leaf(one: Announced) -> str:
    if one.proof is None:
        return "nothing: there is no log"
    proof = parse_proof(one.proof.encode())
    return f"leaf {proof.index} of {read(proof.note)[0].size}"


def _register(report: Report) -> str:
    fields = [(one.field, one.value, one.because) for one in report.register]
    places = [(one.framework, one.place, one.about, one.helps or "nothing here") for one in report.mapping]
    return (
        '<h2 class="new">Where this helps with supervisors\' questions</h2><p>A help for whoever answers them, and no '
        "legal advice. What is critical or important, and what follows from it, is yours to say.</p>"
        + table(
            "Register of information under DORA (Implementing Regulation (EU) 2024/2956, assessment of ICT services)",
            ("Field", "From this drill", "Rests on"),
            fields,
        )
        + table("Texts and places", ("Text", "Place", "About", "Part of this report"), places)
    )


def _scenario(report: Report) -> str:
    texts = "".join(
        f"<h3>Policy {told(one.label)}</h3><pre>{told(one.text)}</pre>" for one in report.inputs.policies
    )
    return f"<h2>The scenario, and the policies in force</h2><pre>{told(report.scenario)}</pre>{texts}"
