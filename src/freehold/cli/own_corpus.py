"""`freehold own corpus`: gather what a model is to learn from, and say what it is and what was left out."""

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from freehold.bench import results
from freehold.catalog.subjects import subject_called
from freehold.cli.as_json import print_result
from freehold.cli.governed import House, house
from freehold.cli.ledger_bodies import OPENED, who
from freehold.cli.output import OK, one_line, progress, table
from freehold.config import clock
from freehold.ledger.bodies import Opened, opened
from freehold.ledger.ledger import event, noted
from freehold.ledger.query import between
from freehold.own.corpus import card as cards
from freehold.own.corpus.building import STAGE, Traffic, build
from freehold.own.corpus.card import Card
from freehold.own.corpus.licences import Terms, terms_of
from freehold.own.plan import load_plan
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.exchange import Exchange
from freehold.watch.labelling import Answer, Said, kept_labels

NAMED = 5  # contaminated rows, or rows with a private key, that are printed; the card names all


def run(args: Namespace) -> int:
    """Build it, unless it was built from the same before."""
    run = Path(args.run)
    plan = load_plan(run)
    traffic = None if plan.corpus.exchanges is None else _traffic(args, run)
    with progress("gathering the corpus"):
        found, is_new = build(run, plan, traffic)
    print_result(args, found, map(one_line, _lines(found, run, is_new)))
    return OK


def _traffic(args: Namespace, run: Path) -> Traffic:
    there, now = house(args), datetime.now(UTC)

    def open_them(exchanges: Sequence[Exchange]) -> Iterator[tuple[Exchange, Sequence[Opened]]]:
        if not exchanges:
            return
        if not (args.reason and args.reason.strip()):
            raise BadRequest("who opens bodies says why", remedy="Say it with --reason.")
        ids = tuple(one.id for one in exchanges)
        about = {"exchanges": ids, "own": run.resolve().name, "by": who(), "reason": args.reason}
        noted(there.state, there.config.ledger, event(OPENED, about))
        for one in exchanges:
            yield one, tuple(opened(there.state, one))

    def terms(endpoint: str) -> Terms:
        subject = subject_called(endpoint, there.config, there.env)
        return terms_of(endpoint, there.known.facts(subject) if subject else None, now)

    return Traffic(between(there.state, 0, clock.now_ms() + 1), terms, open_them, _score(there))


def _score(there: House) -> Callable[[str, str], float | None]:
    """What a bench said of an exchange, or else what a person said of an answer: 0 where it declines, 1 where not."""
    benches = (results.read_lines(there.state, name) for name in results.ids(there.state))
    graded = {
        one.exchange: one.score
        for lines in benches
        for one in lines
        if isinstance(one, results.Sample) and one.score is not None
    }
    says = {label.answer: label.says for label in kept_labels(there.state)}
    worth = {Said.DECLINES: 0.0, Said.ANSWERS: 1.0}

    def of(exchange: str, answer: str) -> float | None:
        said = says.get(Answer(answer, "", 0.0).digest)
        return graded.get(exchange, worth.get(said) if said else None)

    return of


def _lines(found: Card, run: Path, is_new: bool) -> Iterator[str]:
    rows = [
        (what, f"{one.rows:,}", f"{one.clusters:,}", f"{one.characters:,}", one.sha256[:12])
        for what, one in zip(("learnt from", "held out"), found.sides, strict=True)
    ]
    yield from table(("", "ROWS", "GROUPS", "CHARACTERS", "SHA-256"), rows)
    yield f"split by {found.split}; licences: {_counts(found.licences)}"
    yield f"left out: {_counts(found.drops)}"
    yield from (f"  {one.exchanges:,} {one.sentence}" for one in found.terms if one.reason)
    yield from (f"  in an evaluation set: {one}" for one in found.contaminated[:NAMED])
    yield from (f"  secret: {one}" for one in found.secrets[:NAMED])
    if found.personal:
        yield f"taken out: {_counts(found.personal)}"
    yield f"{'wrote' if is_new else 'made from the same before:'} {run / STAGE / cards.PAGE}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"
