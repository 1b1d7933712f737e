"""A tagger of personal data, trained by the recipe `predict`, on sentences that no template made.

    python -m benchmarks.own_pii [--rows N] [--keep FOLDER]

Learnt from: templates in six languages filled by chance, a few sentences of our own, and, as what holds nothing
personal, the docstrings of half of the modules of Python's standard library. Tested on: 94 sentences written for it by
hand in another style (letters, chats, court, clinic, logs), with names that are in none of the templates' lists; and
for false alarms, on the other half of the docstrings and on the pages of this project's docs. All sentences are by one
hand, so that the figures are of one writer's idea of personal data, not of a company's. A name is marked without its
title, an address with its postcode and place.

Beside it: regular expressions as shields have them, for the same five kinds, and a list of what was seen in training.
A span counts where its begin, end and kind are right; overlapping ones of the right kind are told beside it.
"""

import argparse
import ast
import re
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast
from zlib import crc32

from benchmarks.pii.made import marked, rows
from freehold.own.artefact import MODEL
from freehold.own.evaluate.yardsticks import Remembered
from freehold.own.plan import Plan, Recipe
from freehold.own.predicting.predictor import load
from freehold.own.predicting.tags import tokens_of
from freehold.own.rows import TRAIN, Row, Span, write
from freehold.own.stage import working
from freehold.own.train.knobs import Predict
from freehold.own.train.tagging import widened
from freehold.own.train.training import train
from freehold.stats.intervals import wilson

HERE, ROOT = Path(__file__).parent / "pii", Path(__file__).parent.parent
KINDS = ("person", "address", "birth", "phone", "identity")
NAMES_MAX = 60_000  # docstrings' characters of one module, so that none is most of it
Finder = Callable[[str], list[Span]]

_MONTH = r"[A-Za-zéûçäëàè]{3,10}"
_DATE = rf"(?:\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}-\d\d-\d\d|\d{{1,2}}\.? (?:de )?{_MONTH} (?:de )?\d{{4}})"
_NAME = r"[A-ZÀ-Þ][\w'-]+"
_TITLE = (
    r"(?:Mrs?|Ms|Dr|Prof|Herrn?|Frau|Monsieur|Madame|Mme|Sra?|Señora?|Signora?|sig|Mevrouw|mevrouw|heer|Dear|Hi|"
    r"Hello|Hallo|Bonjour|Hola|Ciao|Hoi|Beste|Lieber?)\.?"
)
_BORN = (
    r"(?i:born(?: on)?|dob|date of birth|geb(?:\.|oren am)|geburtsdatum|née? le|date de naissance|nacid[oa] el|"
    r"fecha de nacimiento|nat[oa] il|data di nascita|geboren op|geboortedatum)"
)
_NUMBERED = (
    r"(?i:passport|passeport|pasaporte|passaporto|paspoort\w*|dni|nie|bsn|nhs|ssn|steuer-id|insurance|"
    r"codice fiscale|sécurité sociale|versicherungsnummer)(?: (?:number|no\.?|n[°.]|nr\.?))?"
)
_STREETS = (
    rf"{_NAME}(?:straße|str\.|weg|gasse|allee|platz|straat|laan|gracht) \d+\w?",
    rf"\d+\w? (?:{_NAME} ){{1,3}}(?:Street|St|Road|Rd|Lane|Avenue|Close|Drive)",
    r"\d+,? (?:bis |ter )?(?:rue|avenue|boulevard|quai|chemin) [\w' -]+?",
    r"(?i:calle|avenida|plaza|via|piazza|corso|viale) [\w' ]+?,? \d+",
)
EXPRESSIONS = (
    ("birth", rf"{_BORN}[:\s]*(?P<it>{_DATE})"),
    ("identity", rf"{_NUMBERED}[:,\s]*(?P<it>[A-Z0-9](?:[A-Z0-9. -]{{5,20}})[A-Z0-9])"),
    (
        "phone",
        r"(?<![\w.])(?P<it>(?:\+\d{1,3}|\(?0\d{1,4}\)?)[\s./-]?\d[\d\s./-]{5,14}\d|\(\d{3}\) \d{3}-\d{4})(?!\w)",
    ),
    ("address", rf"(?P<it>(?:{'|'.join(_STREETS)})(?:, [\w -]+)?)(?=[,.\n]|$| \d| [a-z])"),
    ("person", rf"{_TITLE} (?P<it>{_NAME}(?: {_NAME})?)"),
    ("person", rf"(?P<it>(?<![\w.]){_NAME} (?:[A-Z]\. )?(?:van |de |der |den )*{_NAME})(?!\w)"),
)


def by_expressions(text: str) -> list[Span]:
    """What the expressions find, none over another, those that stand first first."""
    found: list[Span] = []
    for kind, pattern in EXPRESSIONS:
        for match in re.finditer(pattern, text):
            begin, end = match.span("it")
            if all(end <= one.begin or begin >= one.end for one in found):
                found.append(Span(begin, end, kind))
    return found


def sentences(file: str) -> list[Row]:
    """One of our own files, a line a row."""
    lines = (HERE / file).read_text(encoding="utf-8").splitlines()
    return [marked(line, f"{file}-{number}") for number, line in enumerate(lines) if line.strip()]


def docstrings(side: int) -> Iterator[str]:
    """Paragraphs of the docstrings of one half of the standard library's modules."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        if crc32(path.stem.encode()) % 2 != side:
            continue
        tree = ast.parse(path.read_bytes())
        nodes = (
            one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.ClassDef | ast.Module)
        )
        text = "\n\n".join(filter(None, (ast.get_docstring(one) for one in nodes)))
        yield from paragraphs(text[:NAMES_MAX])


def paragraphs(text: str) -> Iterator[str]:
    """Those with a word."""
    yield from (one.strip() for one in re.split(r"\n\s*\n", text) if re.search(r"\w{3}", one))


def learnt(many: int) -> list[Row]:
    """Everything that is learnt from."""
    plain = [Row(f"plain-{at}", text, cluster=f"plain-{at}") for at, text in enumerate(docstrings(0))]
    return [*rows(many, 1), *sentences("learnt.txt"), *plain]


def trained(many: int, folder: Path) -> tuple[Finder, Finder]:
    """The tagger, exported and loaded, and the list of what it was shown."""
    knowledge = learnt(many)
    plan = Plan("personal", Recipe.PREDICT, "Apache-2.0", train={"buckets": 1 << 18})
    with working(folder, "corpus", Predict(), {}) as inside:
        if inside is not None:
            write(inside / TRAIN, knowledge)
    began = time.process_time()
    train(folder, plan, lambda _: None)
    model = folder / "train" / MODEL
    size = sum(path.stat().st_size for path in model.iterdir())
    print(
        f"{len(knowledge):,} rows, {time.process_time() - began:.0f} s of processor time, {size / 1e6:.2f} MB exported"
    )
    predictor = load(model)

    def ask(text: str) -> list[Span]:
        spans = cast(list[dict[str, Any]], predictor.predict([text])[0]["spans"])
        return [Span(one["begin"], one["end"], one["kind"]) for one in spans]

    return ask, Remembered(knowledge).spans


class Counts(NamedTuple):
    """Of one kind."""

    there: int
    found: int  # of these, exactly
    touched: int  # of these, at least in part
    said: int
    right: int  # of what was said, what touches one of its kind


def counted(tests: Sequence[Row], ask: Finder, kind: str) -> Counts:
    """How one kind fares."""
    there = found = touched = said = right = 0
    for row in tests:
        tokens = tokens_of(row.text)
        wanted = [widened(span, tokens) for span in row.spans if span.kind == kind]
        told = [(one.begin, one.end, one.kind) for one in ask(row.text) if one.kind == kind]
        there, said = there + len(wanted), said + len(told)
        found += len(set(wanted) & set(told))
        touched += sum(any(a < end and b > begin for a, b, _ in told) for begin, end, _ in wanted)
        right += sum(any(a < end and b > begin for a, b, _ in wanted) for begin, end, _ in told)
    return Counts(there, found, touched, said, right)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=8000, help="made by templates")
    parser.add_argument("--keep", type=Path, help="a folder for the run; without, it is gone at the end")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        tagger, remembered = trained(asked.rows, asked.keep or Path(folder))
        tests = sentences("tested.txt")
        for name, ask in (
            ("tagger", tagger),
            ("expressions", by_expressions),
            ("remembered words", remembered),
        ):
            print(f"\n{name}, on {len(tests)} sentences that no template made")
            for kind in KINDS:
                print(f"  {kind:10} {line(counted(tests, ask, kind))}")
        made = list(rows(300, 2))
        print("\ntagger, on 300 rows of the same templates, which says little:")
        for kind in KINDS:
            print(f"  {kind:10} {line(counted(made, tagger, kind))}")
        alarms({"tagger": tagger, "expressions": by_expressions})
    return 0


def line(one: Counts) -> str:
    """Recall and precision with intervals of 95 %."""
    parts = []
    for name, of, touched in (("recall", one.there, one.touched), ("precision", one.said, one.right)):
        rate = wilson(one.found, max(1, of))
        figures = f"{one.found:3}/{of:3} = {rate.estimate:4.0%} [{rate.low:.0%}, {rate.high:.0%}]"
        parts.append(f"{name} {figures}, in part {touched / max(1, of):.0%}")
    return "   ".join(parts)


def alarms(asked: dict[str, Finder]) -> None:
    """What is found where next to nothing is personal. A few authors' names are; they count as alarms, too."""
    pages = [part for path in sorted((ROOT / "docs").glob("*.md")) for part in paragraphs(path.read_text())]
    for name, texts in (("docstrings not learnt from", list(docstrings(1))), ("docs of this project", pages)):
        words = sum(len(text.split()) for text in texts)
        for who, ask in asked.items():
            found = [(one.kind, text[one.begin : one.end]) for text in texts for one in ask(text)]
            each = ", ".join(f"{sum(kind == one for one, _ in found)} {kind}" for kind in KINDS)
            print(f"\n{who}: {len(found) / words * 1e4:.1f} in 10,000 words of {name} ({words:,}): {each}")
            print("  e.g. " + "; ".join(repr(text) for _, text in found[:: max(1, len(found) // 12)][:12]))


if __name__ == "__main__":
    raise SystemExit(main())
