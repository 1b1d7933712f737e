"""A run's result on one page: HTML that needs nothing from anywhere, and prints in black and white; and in a few lines.

Both follow from protocol, samples and report, so that whoever checks a pack can tell whether they say what those say.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from freehold.audits.judging import Judging
from freehold.audits.packed import COMMITMENTS, HIDDEN_PROTOCOL, PROTOCOL, SAMPLES
from freehold.audits.plots import Mark, decades_of, evidence, interval

EXAMPLES = 3
EXAMPLE_CHARACTERS = 220

Plain = Mapping[str, Any]
Trace = list[tuple[int, float]]

STYLE = """
@page { size: A4; margin: 14mm }
body { font: 10.5pt/1.45 Georgia, serif; color: #000; background: #fff; max-width: 190mm; margin: 8mm auto }
h1 { font-size: 15pt; margin: 0 } h2 { font-size: 11pt; margin: 1.1em 0 .3em } p { margin: .3em 0 }
.verdict { border: 1.5pt solid #000; padding: .5em .8em; margin: .7em 0; font-size: 12pt }
.verdict b { text-transform: uppercase } .plots { display: flex; gap: 8px } .plots svg { width: 50% }
svg { max-width: 100% } table { border-collapse: collapse; width: 100%; font-size: 9.5pt }
td { border-top: .5pt solid #999; padding: .2em .5em; vertical-align: top; overflow-wrap: anywhere }
td:first-child { width: 10em; font-style: italic } .small { font-size: 8.5pt }
ul { margin: .2em 0 .2em 1.2em; padding: 0 }
"""
# What steers a terminal, or turns around the words that follow it.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_DRAWN = re.compile(r' (?:points|cx|cy|[xy][12]?)="[-+0-9., e]*"')
_PLOTS = re.compile(r'<div class="plots">.*?</div>', re.DOTALL)
MEANING = {
    "same so far": "No difference was found, and a difference larger than the margin is ruled out.",
    "different": "The answers can be told apart, beyond what chance allows. Different is not worse.",
    "worse": "One does worse, beyond what chance allows.",
    "not worse": "The new one is not worse by more than the margin.",
    "can't tell yet": "The answers so far decide nothing.",
}


README = """\
Evidence of the audit {id}
{line}

{subject}: {verdict}.

report.html           the result on one page, to read or print
verify.py             checks everything below, and works the verdict out anew
{protocol:<22}what was to be asked and how it would be judged, fixed before the first call
{samples:<22}{samples_are}
report.json           the result as the run reported it
ledger/               proofs that the two above were on a signed, append-only log when they say
keys.txt              the public keys of that log
check/                the code that gives the verdict, as it is in Freehold {version}
manifest.json         SHA-256 of each file

How to check it
1.  python3 -m venv clean && clean/bin/pip install numpy
2.  clean/bin/python verify.py
3.  Compare keys.txt with the keys that the log's operator publishes, or give the ones you know:
    clean/bin/python verify.py --key 'NAME+ID+KEY'
4.  To rely on nothing that came with this pack, compare check/freehold with the package `freehold` {version}, or
    run its `freehold audit verify` on this folder.

What it shows: these questions were fixed before they were asked, these answers are the ones that were recorded, and
they lead to this verdict. What it does not show: why. A difference between two answers is not yet a reason for it.
Nor who gave the answers, which the operator recorded; nor what other audits were run, of which this may be one of many.
"""
HIDDEN_NOTE = """
Prompts and answers are withheld; the ids of prompts, the arms and the times are not. Each line of commitments.jsonl
holds the SHA-256 of a salt and one sample. Whoever made this pack can reveal single samples, and
`verify.py --revealed FILE` tells whether they are those.
"""


def page(
    protocol: Plain, samples: Iterable[Plain], report: Plain, judging: Judging | None, *, hidden: bool = False
) -> str:
    """The page of one report. Without `judging` nothing is plotted. `hidden`: without a word of prompts or answers."""
    verdict, innocent = report["verdict"], report["innocent"]
    parts = [
        f"<h1>{_told(report['subject'])}</h1>",
        f'<p class="small">Audit {_told(report["audit"])} ({_told(report["kind"])}), {_told(_period(samples))}</p>',
        f'<div class="verdict"><b>{_told(verdict)}</b>: {_told(report["effect"])}<br/>'
        f'<span class="small">{_told(MEANING[verdict])}</span></div>',
        "" if judging is None else evidence_plots(protocol, judging.trace),
        effect_plot(protocol, report),
        _table(rows(protocol, report)),
    ]
    if innocent:
        items = "".join(f"<li>{_told(one)}</li>" for one in innocent)
        parts.append(f"<h2>What else it may be</h2><ul>{items}</ul>")
    parts.append("<h2>What was asked</h2>" + _asked(protocol, hidden=hidden))
    parts.append(
        '<h2>How to check this</h2><p class="small">Run <code>python verify.py</code> beside this page, in an '
        "environment with numpy alone. It checks the hashes of everything asked and answered against a signed log, "
        f"and works the verdict out anew. SHA-256 of the protocol: <code>{_told(report['protocol'])}</code></p>"
    )
    title = f"Audit {report['audit']}: {report['subject']}"
    head = f'<meta charset="utf-8"><title>{_told(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def outline(html: str, *, plots: bool) -> str:
    """A page without what two machines may round differently: where lines are drawn. Nor, if so wished, the plots."""
    return (_DRAWN if plots else _PLOTS).sub("", html)


def readme(protocol: Plain, verdict: str, version: str, *, hidden: bool) -> str:
    """What comes first to whoever opens a pack."""
    told = README.format(
        id=protocol["id"],
        line="=" * (22 + len(protocol["id"])),
        subject=_STEERING.sub("\ufffd", protocol["subject"]),
        verdict=verdict,
        version=version,
        protocol=HIDDEN_PROTOCOL if hidden else PROTOCOL,
        samples=COMMITMENTS if hidden else SAMPLES,
        samples_are="one line for each call, without its words"
        if hidden
        else "every prompt and every answer",
    )
    return told + (HIDDEN_NOTE if hidden else "")


def evidence_plots(protocol: Plain, looks: Sequence[tuple[int, float, float | None]]) -> str:
    """How evidence grew, as SVG beside that of the placebo. `looks`: units so far, ln of e, ln of the placebo's e."""
    main: Trace = [(0, 0.0), *((units, log_e) for units, log_e, _ in looks)]
    placebo: Trace = [(0, 0.0), *((units, log_e) for units, _, log_e in looks if log_e is not None)]
    marks = [Mark(protocol["accuse"], f"accuses: {protocol['accuse']:,.0f}")]
    void = [Mark(protocol["alarm"], f"makes it void: {protocol['alarm']:,.0f}")]
    decades = decades_of([main, placebo], [*marks, *void])
    shown = evidence("Evidence of a difference (e-value)", main, marks, decades)
    beside = (
        evidence("Placebo: one arm against itself", placebo, void, decades)
        if len(placebo) > 1
        else '<p class="small">This kind of audit has no placebo arm.</p>'
    )
    return f'<div class="plots">{shown}{beside}</div>'


def effect_plot(protocol: Plain, report: Plain) -> str:
    """The size of the effect with its interval as SVG; "" where there is none."""
    found = report.get("interval")
    if found is None:
        return ""
    often = ", however often one looks" if found["anytime"] else ""
    title = f"Effect, in 100, with its {100 * found['confidence']:.0f} % interval{often}"
    bounds = (found["estimate"], found["low"], found["high"])
    margin = protocol["margin"]
    if protocol["statistic"] == "score":
        reach = min(1.0, math.ceil(10 * max(margin, *map(abs, bounds))) / 10)
        held = [Mark(0.0, "no difference"), Mark(-margin, "margin")]
        return interval(title, bounds, (-reach, reach), held)
    if protocol["statistic"] == "text":
        return interval(title, bounds, (0.0, 1.0), [Mark(0.5, "chance"), Mark(0.5 + margin, "margin")])
    return interval(title, bounds, (0.0, 1.0), [])


def rows(protocol: Plain, report: Plain) -> list[tuple[str, str]]:
    """What else a report says, each with its name."""
    spent, further, beside = report.get("cost_usd"), report.get("more_calls"), report.get("placebo_e")
    cost = "unknown" if spent is None else f"{spent:.4f} USD"
    more = None if further is None else f"about {further:,} until it can tell"
    placebo = None if beside is None else f"e = {beside:.3g}"
    rows: dict[str, str | None] = {
        "evidence": f"e = {report['e_value']:.4g}: if nothing differed, chance would give so much in one of that many "
        "audits at most",
        "placebo": placebo,
        "could have found": report["detectable"],
        "false alarms": f"at most {100 * report['alpha']:g} in 100 such audits, "
        f"and 1 in {protocol['accuse']:,.0f} accuse",
        "arms": "; ".join(f"{one['name']}: {one['ask']}" for one in protocol["arms"]),
        "calls": f"{report['calls']:,}, of which {report.get('failed', 0)} without an answer; {cost}",
        "more calls": more,
        "notes": "; ".join(report.get("notes", ())) or None,
    }
    return [(name, value) for name, value in rows.items() if value]


def _told(text: str) -> str:
    """A text as part of the page, whatever it holds."""
    return escape(_STEERING.sub("\ufffd", text))


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{_told(name)}</td><td>{_told(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"


def _asked(protocol: Plain, *, hidden: bool) -> str:
    prompts = protocol["prompts"]
    told = f"<p>{len(prompts):,} prompts, in an order drawn beforehand"
    if hidden:
        return told + "; their words are withheld.</p>"
    examples = "".join(f"<li>{_told(_shortened(one['text']))}</li>" for one in prompts[:EXAMPLES])
    return f'{told}, such as</p><ul class="small">{examples}</ul>'


def _shortened(text: str) -> str:
    return text if len(text) <= EXAMPLE_CHARACTERS else text[: EXAMPLE_CHARACTERS - 3] + "..."


def _period(samples: Iterable[Plain]) -> str:
    moments = [one["at_ms"] for one in samples if one.get("at_ms")]
    if not moments:
        return "without a call"
    first, last = (datetime.fromtimestamp(at / 1000, UTC) for at in (min(moments), max(moments)))
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
