"""A model's card, in Markdown, from what its run has written down and nothing else."""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from freehold.config import clock
from freehold.own.evaluate.report import Evaluation
from freehold.own.publish.records import Records
from freehold.own.stage import Made
from freehold.vocabulary.report import Interval


def card(found: Records) -> str:
    """The card."""
    parts = (
        (f"# own/{found.manifest.name}", _facts(found)),
        ("## What it has learnt from", _corpus(found)),
        ("## How it was trained", _training(found)),
        ("## How well it does", _quality(found.evaluation)),
        ("## What is not known", _unknown(found)),
        ("## What it was made from", _lineage(found)),
    )
    return "\n\n".join(f"{title}\n\n" + "\n".join(lines) for title, lines in parts) + "\n"


def _facts(found: Records) -> Iterator[str]:
    told, model = found.manifest, found.model
    known = {
        "Kind": model.kind.value,
        "Recipe": model.recipe,
        "Licence": model.licence,
        "Parameters": f"{model.parameters:,}",
        "Context": f"{model.context:,}" if model.context else "",
        "Labels": ", ".join(model.labels),
        "Adapted from": model.base,
        "Licence of that": (model.base_licence or "unknown") if model.base else "",
        "Served by": ", ".join(told.engines),
        "GGUF": f"{told.gguf}, {told.quantisation}" if told.gguf else "",
        "Country of its law": told.jurisdiction,
        "Served in": told.region,
        "Digest": f"`{told.digest}`",
    }
    yield from _table(("", ""), [(name, value) for name, value in known.items() if value])


def _corpus(found: Records) -> Iterator[str]:
    """The corpus's own card, one level down."""
    text = re.sub(r"^#", "##", found.corpus_card, flags=re.MULTILINE).strip()
    yield text or "The corpus has no card."


def _training(found: Records) -> Iterator[str]:
    last, plan = found.last, found.plan
    if last is not None:
        yield (
            f"{last.step:,} steps, {last.tokens:,} tokens, {last.cpu_s:,.0f} s of processor time "
            f"in {last.wall_s:,.0f} s; loss of the last step {last.loss:.4f} nats."
        )
        yield ""
    knobs = {**msgspec.to_builtins(plan.training()), "seed": plan.seed}
    told = {**found.model.about, **{f"`{name}`": value for name, value in knobs.items()}}
    rows = [(name.replace("_", " ") if "`" not in name else name, str(it)) for name, it in told.items()]
    yield from _table(("Figure or `knob`", "Value"), rows)


def _quality(told: Evaluation) -> Iterator[str]:
    if not told.measured:
        yield "It was not measured."
        return
    rows = [
        (one.subject + (" (baseline)" if one.baseline else ""), one.metric, one.on, _interval(one.value),
         f"{one.rows} in {one.clusters}")
        for one in told.measured
    ]  # fmt: skip
    yield from _table(("Subject", "Metric", "On", "Value", "Rows in clusters"), rows)
    if told.compared:
        yield ""
        yield "Differences on the same rows; above 0 is better for the first:"
        yield ""
        pairs = [(one.first, one.second, one.metric, one.on, _interval(one.value)) for one in told.compared]
        yield from _table(("First", "Second", "Metric", "On", "Difference"), pairs)
    for one in told.calibrations:
        yield ""
        yield (
            f"Calibration of {one.subject}: expected error {one.expected_error:.4f}, "
            f"Brier score {one.brier:.4f}, log loss {one.log_loss:.4f} nats."
        )
    yield from (f"\n{note}" for note in told.notes)


def _unknown(found: Records) -> Iterator[str]:
    told, evaluation = found.manifest, found.evaluation
    own = f"own/{told.name}"
    lacks = {
        f"what the licence of {told.base} allows": bool(told.base and not told.base_licence),
        "under whose law it is served, and where": not (told.jurisdiction and told.region),
        "how it compares to an incumbent: none was named": not found.plan.evaluate.incumbent,
        "how it does on data from elsewhere": all(one.on == "held out" for one in evaluation.measured),
        f"what {told.quantisation} costs in quality: what was measured is the model before that": told.quantisation
        in ("q8_0", "q4_0"),
        "how far its confidence can be trusted": any(one.subject == own for one in evaluation.measured)
        and told.kind == "classifier"
        and not evaluation.calibrations,
    }
    yield from [f"- {what}" for what, lacking in lacks.items() if lacking] or [
        "Nothing that its run could tell."
    ]


def _lineage(found: Records) -> Iterator[str]:
    rows = [(name, _when(made), made.code, made.machine) for name, made in found.made.items()]
    yield from _table(("Stage", "Ended (UTC)", "Code", "Machine"), rows)
    yield ""
    yield from _table(("File", "SHA-256"), [(name, f"`{it}`") for name, it in found.model.inputs.items()])


def _when(made: Made) -> str:
    return clock.utc(made.ended_ms).isoformat(" ", timespec="seconds").removesuffix("+00:00")


def _interval(value: Interval) -> str:
    return f"{value.estimate:.4f} ({value.low:.4f} to {value.high:.4f}, {value.confidence:.0%})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
