"""`freehold audit refusals`: the trip-wire map."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from freehold.audits.folder import SAMPLES, Folder
from freehold.audits.kinds import prompts_of, refusals
from freehold.audits.plan import REFUSED
from freehold.audits.probes import Probe
from freehold.audits.refusals import Answered, Cell, trip_wires
from freehold.cli.as_json import print_json
from freehold.cli.audit_run import begin, margin_of, place_of, run_to_its_end, settings_of, standing, told
from freehold.cli.audit_traffic import prompts_of_traffic
from freehold.cli.output import table
from freehold.vocabulary.errors import BadRequest
from freehold.watch.labelling import Answer, Rate, Said, kept_labels, rates, sure
from freehold.watch.peers import strengths
from freehold.watch.refusals import RefusalModel

PROBES = ("criticism", "contested")
_HEAD = ("TOPIC", "LANGUAGE", "ENDPOINT", "SCORE", "PEERS", "E", "")


def run(args: Namespace) -> int:
    """Ask all endpoints the same, and print who declines what its peers answer."""
    place = place_of(args)
    if len(set(args.endpoints)) < 2:
        raise BadRequest("one endpoint has no peers", remedy="Name two or more.")
    prompts = prompts_of_traffic(args, place) if args.traffic else prompts_of(args.probes or PROBES)
    design = refusals(
        list(dict.fromkeys(args.endpoints)), prompts, settings_of(args, place), margin_of(args, place)
    )
    folder = begin(args, place, design)
    report = run_to_its_end(args, place, folder)
    answers = list(_answers(folder))
    cells = trip_wires(answers, labels=_labels(answers, place.state), unlike=strengths, alpha=report.alpha)
    declining = _rates(answers, place.state)
    if args.json:
        print_json({"report": report, "map": cells, "rates": declining})
    else:
        print(*table(_HEAD, [_row(cell) for cell in cells]), sep="\n", end="\n\n")
        print(*_told(declining, folder), sep="\n", end="\n\n")
        print(*told(report), sep="\n")
    return standing(report)


def _answers(folder: Folder) -> Iterator[Answered]:
    fixed = folder.protocol
    probes = {
        one["id"]: Probe(one["id"], one.get("topic", ""), one.get("language", ""), one["text"])
        for one in fixed["prompts"]
    }
    for sample in folder.samples():
        if sample["arm"] in fixed["main"] and REFUSED in sample["scores"]:
            yield Answered(
                probes[sample["prompt_id"]], sample["arm"], sample["answer"], sample["scores"][REFUSED]
            )


def _labels(answers: Sequence[Answered], state: Path) -> dict[tuple[str, str], bool]:
    """What people said of these very answers, where chance chose them."""
    told = sure(kept_labels(state))
    found = {(one.probe.id, one.endpoint): told.get(Answer(one.text, "", 0.0).digest) for one in answers}
    return {place: label.says is Said.DECLINES for place, label in found.items() if label is not None}


def _rates(answers: Sequence[Answered], state: Path) -> list[Rate]:
    """How often each endpoint declines, where enough of these very answers were labelled."""
    model = RefusalModel.load()
    scored = [Answer(one.text, one.endpoint, model.raw(one.text)) for one in answers]
    return rates(scored, kept_labels(state))


def _told(declining: Sequence[Rate], folder: Folder) -> Iterator[str]:
    """Rates with their bounds; a score is none."""
    for one in declining:
        if one.interval is not None:
            shown = f"{one.interval.estimate:.0%} ({one.interval.low:.0%} to {one.interval.high:.0%})"
            yield f"{one.endpoint} declines {shown}, by {one.labels} labels and {one.answers} answers"
    if any(one.interval is None for one in declining):
        place = folder.path / SAMPLES
        yield f"a score is no rate; for rates, label some answers: freehold watch label --file {place}"


def _row(cell: Cell) -> Sequence[str]:
    corrected = f"{cell.rate.estimate:.0%} ({cell.rate.low:.0%}-{cell.rate.high:.0%})"
    scores = (corrected if cell.corrected else f"{cell.rate.estimate:.2f}", f"{cell.peers_rate:.2f}")
    return (cell.topic, cell.language or "-", cell.endpoint, *scores, f"{cell.e_value:.3g}", cell.stands_out)
