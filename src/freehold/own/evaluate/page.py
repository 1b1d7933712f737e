"""An evaluation for readers: `report.md`, and the same lines on a terminal."""

from collections.abc import Iterator, Sequence

from freehold.own.evaluate.report import Compared, Evaluation, Measured
from freehold.vocabulary.report import Interval

MEASURED = ("subject", "metric", "on", "value", "95 % interval", "rows", "clusters")
COMPARED = ("model", "beside", "metric", "on", "better by", "95 % interval", "rows", "clusters")


def page(found: Evaluation) -> str:
    """The whole of it, as Markdown."""
    return "\n".join(_lines(found)) + "\n"


def measured_row(one: Measured) -> tuple[str, ...]:
    """A subject by itself, as a row of a table."""
    subject = f"{one.subject} (baseline)" if one.baseline else one.subject
    metric = f"{one.metric}, {one.better} is better"
    return (subject, metric, one.on, *_value(one.value), str(one.rows), str(one.clusters))


def compared_row(one: Compared) -> tuple[str, ...]:
    """A difference, as a row of a table."""
    value, bounds = _value(one.value, "+")
    return (one.first, one.second, one.metric, one.on, value, bounds, str(one.rows), str(one.clusters))


def _value(one: Interval, sign: str = "") -> tuple[str, str]:
    mark = ", at any moment" if one.anytime else ""
    return f"{one.estimate:{sign}.4f}", f"{one.low:{sign}.4f} to {one.high:{sign}.4f}{mark}"


def _lines(found: Evaluation) -> Iterator[str]:
    yield f"# Evaluation of own/{found.name}"
    yield ""
    yield "Written by `freehold own evaluate`. Intervals are clustered: rows that hang together count as one."
    yield ""
    yield from _table(MEASURED, [measured_row(one) for one in found.measured])
    if found.compared:
        yield "## Differences"
        yield ""
        yield "On the same rows; above 0 the model is better."
        yield ""
        yield from _table(COMPARED, [compared_row(one) for one in found.compared])
    for one in found.calibrations:
        yield f"## Calibration of {one.subject}"
        yield ""
        yield (
            f"Expected calibration error {one.expected_error:.4f} (were each confidence true, chance alone would show "
            f"{one.by_chance:.4f}), Brier score {one.brier:.4f}, log loss {one.log_loss:.4f} nats."
        )
        yield ""
        rows = [(f"{it.confidence:.3f}", f"{it.right:.3f}", str(it.rows)) for it in one.bins]
        yield from _table(("confidence", "right", "rows"), rows)
    if found.notes:
        yield from ("## Notes", "", *(f"- {note}" for note in found.notes), "")
    yield from ("## Made from", "", *(f"- `{name}`: `{digest}`" for name, digest in found.inputs.items()))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
