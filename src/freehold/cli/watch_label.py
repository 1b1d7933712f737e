"""`freehold watch label`: look at some of one's own answers, say which decline, and learn how often endpoints do."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from freehold.cli.as_json import print_json
from freehold.cli.ledger_bodies import OPENED, who
from freehold.cli.output import OK, progress, table
from freehold.cli.settings import config_and_state
from freehold.config.schema import Config
from freehold.dialects.listener import Listener
from freehold.dialects.said import said
from freehold.ledger import query
from freehold.ledger.bodies import opened
from freehold.ledger.ledger import event, noted
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, NotFound
from freehold.vocabulary.exchange import Exchange, Outcome, Part
from freehold.watch.labelling import (
    Answer,
    Drawn,
    Label,
    Rate,
    Said,
    calibrated,
    draw,
    keep_calibration,
    keep_label,
    kept_labels,
    rates,
)
from freehold.watch.refusals import RefusalModel, shipped_digest

SHOWN_CHARS = 1_500  # of an answer; its last words follow
SHOWN_LAST_CHARS = 300
_HEAD = ("ENDPOINT", "ANSWERS", "LABELS", "DECLINE", "95 % INTERVAL")
_WORDS = {"yes": Said.DECLINES, "no": Said.ANSWERS, "unsure": Said.UNSURE} | {one.value: one for one in Said}
_ASK = "does it decline? [y]es, [n]o, [u]nsure, [q]uit: "

Say = Callable[[Drawn], Said | None]  # None: enough


def run(args: Namespace) -> int:
    """Label, recalibrate, and print the rates."""
    config, state = config_and_state(args)
    texts = _of_file(Path(args.file)) if args.file else _of_ledger(args, config, state)
    with progress("reading answers"):
        model = RefusalModel.load()
        answers = [Answer(text, endpoint, model.raw(text)) for text, endpoint in texts]
    if not answers:
        raise NotFound("there are no answers to label", remedy=_NONE)
    labels = kept_labels(state)
    drawn = draw(answers, args.n, [label.answer for label in labels if label.model == shipped_digest()])
    for it, says in _labelled(drawn, _say(args)):
        keep_label(state, _label(it, says))
    labels = kept_labels(state)
    found = calibrated(labels)
    if found is not None:
        keep_calibration(state, found, len(labels))
    _tell(args, rates(answers, labels), len(labels), found is not None)
    return OK


def _labelled(drawn: Sequence[Drawn], say: Say) -> Iterator[tuple[Drawn, Said]]:
    for it in drawn:
        says = say(it)
        if says is None:
            return
        yield it, says


def _say(args: Namespace) -> Say:
    """Who says what an answer did: a file, or whoever sits at the terminal."""
    if args.labels:
        told = _labels_of(Path(args.labels))
        return lambda it: told.get(it.answer.digest, Said.UNSURE)
    if sys.stdin.isatty() and not args.json:
        return partial(_asked, input)
    return lambda it: None


def _asked(ask: Callable[[str], str], it: Drawn) -> Said | None:
    """Show one answer and ask. Its score is not shown: it would sway whoever answers."""
    print(f"\n{'-' * 72}\n{_printable(it.answer.text)}\n")
    while True:
        try:
            word = ask(_ASK).strip().lower()
        except EOFError:
            return None
        if word in ("q", "quit"):
            return None
        if word in _WORDS:
            return _WORDS[word]


def _label(it: Drawn, says: Said) -> Label:
    answer = it.answer
    return Label(answer.digest, says, answer.score, answer.endpoint, it.at_random, shipped_digest())


def _of_file(path: Path) -> list[tuple[str, str]]:
    """The answers of a file, an audit's samples too, each with its endpoint. Raises BadRequest for a line without."""
    found = []
    for number, row in _rows(path):
        field = "answer" if "answer" in row and "text" not in row else "text"
        if row.get(field) != "" and not row.get("error"):
            endpoint = row.get("endpoint", row.get("arm", path.name))
            found.append((_text(row, field, path, number), str(endpoint)))
    return found


def _labels_of(path: Path) -> dict[str, Said]:
    """What a file says of answers, by their digests. Raises BadRequest for a line that says nothing."""
    found = {}
    for number, row in _rows(path):
        word = _text(row, "label", path, number).lower()
        if word not in _WORDS:
            raise BadRequest(
                f"{path}, line {number}: {word!r} is no label", remedy="Write `y`, `n` or `unsure`."
            )
        found[Answer(_text(row, "text", path, number), "", 0.0).digest] = _WORDS[word]
    return found


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    remedy = 'Write one JSON object a line, as in {"text": "...", "endpoint": "openai/gpt-5"}.'
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadRequest(f"{path}, line {number}: {error}", remedy=remedy) from error
        if not isinstance(row, dict):
            raise BadRequest(f"{path}, line {number}: no object", remedy=remedy)
        yield number, row


def _text(row: Mapping[str, object], field: str, path: Path, number: int) -> str:
    value = row.get(field)
    if not isinstance(value, str):
        raise BadRequest(f"{path}, line {number}: no text in `{field}`", remedy=f"Give `{field}` a string.")
    return value


def _of_ledger(args: Namespace, config: Config, state: Path) -> list[tuple[str, str]]:
    """The answers that were kept, opened; that is noted on the ledger before."""
    exchanges = [
        one
        for one in query.tail(state, args.last)
        if one.outcome is Outcome.ANSWERED
        and args.application in (None, one.application)
        and any(body.part is Part.ANSWER for body in one.bodies)
    ]
    if not exchanges:
        raise NotFound("no answers were kept", remedy=_NONE)
    if not (args.reason and args.reason.strip()):
        raise BadRequest("who opens bodies says why", remedy="Say it with --reason.")
    about = {"exchanges": tuple(one.id for one in exchanges), "parts": (Part.ANSWER.value,)}
    noted(state, config.ledger, event(OPENED, {**about, "by": who(), "reason": args.reason}))
    found = [(_words(state, one), one.endpoint or "-") for one in exchanges]
    return [(text, endpoint) for text, endpoint in found if text]


def _words(state: Path, exchange: Exchange) -> str:
    """What an exchange's answer says; nothing where that cannot be read any more."""
    body = next((one.data for one in opened(state, exchange) if one.reference.part is Part.ANSWER), b"")
    try:
        dialect = Dialect(exchange.dialect)
    except ValueError:
        return ""
    if not exchange.stream:
        heard = said(dialect, body)
        return (heard.whole or "") if heard is not None else ""
    listener = Listener(dialect, keep_whole=True)
    listener.feed(body)
    return listener.said().whole or ""


def _tell(args: Namespace, found: Sequence[Rate], labels: int, recalibrated: bool) -> None:
    if args.json:
        print_json({"labels": labels, "recalibrated": recalibrated, "rates": found})
        return
    print(*table(_HEAD, [_row(one) for one in found]), sep="\n")
    print(
        f"\n{labels} labels; "
        + ("the model is recalibrated, from the next start on" if recalibrated else _FEW)
    )


def _row(one: Rate) -> tuple[str, ...]:
    if one.interval is None:
        return (one.endpoint, str(one.answers), str(one.labels), "-", "too few labels to say")
    it = one.interval
    between = f"{it.low:.1%} to {it.high:.1%}"
    return (one.endpoint, str(one.answers), str(one.labels), f"{it.estimate:.1%}", between)


def _printable(text: str) -> str:
    """What came from a provider must not be able to steer the terminal."""
    if len(text) > SHOWN_CHARS + SHOWN_LAST_CHARS:
        text = f"{text[:SHOWN_CHARS]}\n[...]\n{text[-SHOWN_LAST_CHARS:]}"
    return "".join(
        letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text
    )


_NONE = "Keep bodies with an application's `retention`, or name a file with --file."
_FEW = "20 that are sure, some of either kind, recalibrate the model"
