"""The shipped tagger of personal data, beside regular expressions, on sentences that no template made.

    python -m benchmarks.own_pii [--model FILE]

Three sets, marked by hand: `chosen.txt`, by which it was improved; `blind.txt`, written before the templates, put aside
and looked at once it was done; `tested.txt`, written earlier, in another style and six languages. All are of one house,
so that the figures are of a few writers' idea of personal data, not of a company's. A name is marked without its title,
an address with its postcode and place. For false alarms: the half of the standard library's docstrings and of this
project's pages that is not learnt from. `python -m benchmarks.pii` trains it.

Beside it: regular expressions as shields have them, for the same five kinds. A span counts where its begin, end and
kind are right; overlapping ones of the right kind are told beside it.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.pii.marking import marked
from benchmarks.pii.plain import docstrings, pages
from freehold.own.predicting.tags import tokens_of
from freehold.own.rows import Row, Span
from freehold.own.train.tagging import widened
from freehold.shield.tagger import KINDS, Tagger, shipped
from freehold.stats.intervals import wilson

HERE = Path(__file__).parent / "pii"
SETS = ("chosen.txt", "blind.txt", "tested.txt")
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


def finder(tagger: Tagger) -> Finder:
    """What a tagger finds, as spans."""
    return lambda text: [Span(one.begin, one.end, one.kind) for one in tagger.find(text)]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a file of benchmarks.pii; without, the shipped one")
    asked = parser.parse_args()
    tagger = shipped() if asked.model is None else Tagger(np.load(asked.model, allow_pickle=False))
    finders = {"tagger": finder(tagger), "expressions": by_expressions}
    for file in SETS:
        tests = sentences(file)
        for name, ask in finders.items():
            print(f"\n{name}, {file}: {len(tests)} sentences")
            for kind in KINDS:
                print(f"  {kind:10} {line(counted(tests, ask, kind))}")
    alarms(finders)
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
    half = {"docstrings": list(docstrings(1)), "pages of this project": list(pages(1))}
    for name, texts in half.items():
        words = sum(len(text.split()) for text in texts)
        for who, ask in asked.items():
            found = [(one.kind, text[one.begin : one.end]) for text in texts for one in ask(text)]
            each = ", ".join(f"{sum(kind == one for one, _ in found)} {kind}" for kind in KINDS)
            print(
                f"\n{who}: {len(found) / words * 1e4:.1f} in 10,000 words of {name} not learnt from ({words:,}): {each}"
            )
            print("  e.g. " + "; ".join(repr(text) for _, text in found[:: max(1, len(found) // 12)][:12]))


if __name__ == "__main__":
    raise SystemExit(main())
