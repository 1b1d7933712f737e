"""Rows for a tagger of personal data: sentences with holes, filled by chance, with the spans of what was filled in.

The sentences are in `prose/`, one file a language: V what somebody does, S sentences in which somebody is, N such in
which nobody is, s what is said. {P} is a person in one of the ways people are named, {F} a first, {L} a last name, {T}
a title and a name, {A} an address, {B} a date of birth, {t} a telephone number, {I} a number by which one person is
known; small letters are for chats. The other holes are no personal data: {O} a firm, {G} a product, {C} a place, {X}
any of these or other words with a capital, {E} a noun, {EP} a theorem or a disease called after somebody...
"""

import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmarks.pii.filling import Filler
from benchmarks.pii.known import FAKER, people
from benchmarks.pii.marking import marked
from benchmarks.pii.plain import code, docstrings, pages
from freehold.own.rows import Row, Span

HERE = Path(__file__).parent
HOLE = re.compile(r"\{(\w+)\}")
KIND_OF = dict.fromkeys(("P", "Pc", "p", "F", "f", "L", "Fv"), "person")
KIND_OF |= {"A": "address", "B": "birth", "t": "phone", "I": "identity"}
WEIGHTS = (4, 2, 1.6, 1.6, 1.6)  # of the languages
_PAIR = re.compile(r"(?=\b([A-ZÀ-Þ][\w']+)(?: [A-Z]\.)? (?:van |von |de )?([A-ZÀ-Þ][\w']+))")
_THE = re.compile(
    r"\b[Tt]he (?:\w+)(?= (?:is|was|will|has|can|may|must|does|should|and|or|to|in|of|if|for)\b|[.,])"
)
_ORDER = re.compile(
    r"(Return|Raise|Check|Read|Write|Create|Get|Set|Open|Close|Send|Add|Remove|Find|Call|Make|Convert|Start|Stop|Parse|"
    r"Show|List)(s?) (.*?)\.?$"
)
Marked = tuple[str, list[Span]]


@cache
def prose(language: str) -> dict[str, list[str]]:
    """The sentences of a language, by letter."""
    found: dict[str, list[str]] = {}
    for line in (HERE / "prose" / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        heading = re.fullmatch(r"# ([VSNs])", line)
        if heading:
            found[heading[1]] = []
        else:
            found[list(found)[-1]].append(line.replace("\\n", "\n"))
    return found


class Plain(NamedTuple):
    """What holds nothing personal."""

    paragraphs: list[str]
    code: list[str]

    def sentences(self) -> list[str]:
        """Those neither very short nor very long."""
        lines = (one.replace("\n", " ") for one in self.paragraphs)
        return [one for line in lines for one in re.split(r"(?<=[.!?])\s+", line) if 15 < len(one) < 200]


def plain() -> Plain:
    """The halves to learn from, without paragraphs in which a first name stands before a last name."""
    names = people().values()
    first = {one.lower() for side, _ in names for one in side}
    last = {one.lower() for _, side in names for one in side}

    def nobody(text: str) -> bool:
        pairs = _PAIR.findall(text)
        return "@" not in text and not any(
            one.lower() in first and other.lower() in last for one, other in pairs
        )

    return Plain(
        [one for one in (*docstrings(0), *pages(0)) if nobody(one)], [one for one in code(0) if nobody(one)]
    )


def rows(many: int, seed: int, nothing: Plain) -> list[Row]:
    """So many from sentences, an eighth as many with a name in a sentence of docstrings, and what holds nothing."""
    chance = random.Random(seed)
    sentences = nothing.sentences()
    doings = list(_doings(sentences, chance))
    made = [_of_sentences(chance, sentences, doings) for _ in range(many)]
    for _ in range(many // 8):
        made += _put_into(chance.choice(sentences), chance)
    lines = (HERE / "learnt.txt").read_text(encoding="utf-8").splitlines()
    own = [marked(line.strip(), "own") for line in lines if line.strip()]
    made += [(row.text, list(row.spans)) for row in own for _ in range(3)]
    made += [(text[:1500], []) for text in (*nothing.paragraphs, *nothing.code)]
    chance.shuffle(made)
    return [
        Row(f"made-{at}", text, spans=tuple(spans), cluster=f"made-{at}", licence="Apache-2.0")
        for at, (text, spans) in enumerate(made)
    ]


def _doings(sentences: Sequence[str], chance: random.Random) -> list[str]:
    """What a function does, as if somebody did it."""
    found = []
    for one in sentences:
        if order := _ORDER.match(one):
            past = "ed" if order[1][-1] != "e" else "d"
            found.append(f"{order[1].lower()}{chance.choice(['s', past])} {order[3]}")
    return found


def _of_sentences(chance: random.Random, sentences: Sequence[str], doings: Sequence[str]) -> Marked:
    language = chance.choices(list(FAKER), WEIGHTS)[0]
    fill = _Filling(language, chance, lambda: chance.choice(sentences), lambda: chance.choice(doings))
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3])):
        letter = "S" if chance.random() < 0.68 else "N"
        if fill.text:
            fill.text += chance.choice(["\n", " ", " "])
        if letter == "N" and chance.random() < 0.15:
            fill.text += chance.choice(sentences)
        else:
            fill.line(chance.choice(prose(language)[letter]), letter == "S")
    text, case = fill.text, chance.random()
    if case < 0.11 and len(text.lower()) == len(text):
        text = text.lower()
    elif case > 0.97 and len(text.upper()) == len(text):
        text = text.upper()
    return text, fill.spans


def _put_into(sentence: str, chance: random.Random) -> list[Marked]:
    """A name, or another word with a capital, for a noun of a sentence."""
    places = list(_THE.finditer(sentence))
    if not places:
        return []
    place, words = chance.choice(places), Filler("en", chance)
    begin, rest = sentence[: place.start()], sentence[place.end() :]
    if chance.random() >= 0.6:
        return [(begin + words("X") + rest, [])]
    name = words(chance.choice("PFFL"))
    if chance.random() < 0.15:
        name = name.lower()
    return [(begin + name + rest, [Span(len(begin), len(begin) + len(name), "person")])]


class _Filling:
    """A text that grows, with its spans."""

    def __init__(
        self, language: str, chance: random.Random, sentence: Callable[[], str], doing: Callable[[], str]
    ) -> None:
        self.text, self.spans = "", list[Span]()
        self._prose, self._english, self._chance = prose(language), language == "en", chance
        self._sentence, self._doing, self._words = sentence, doing, Filler(language, chance)

    def line(self, line: str, somebody: bool = True) -> None:
        """One sentence. Where nobody is meant, a last name is part of what it stands in."""
        at = 0
        for hole in HOLE.finditer(line):
            what = hole[1]
            if not self._words.knows(what) and what not in ("V", "v", "s", "T"):
                continue
            self.text += line[at : hole.start()]
            at = hole.end()
            if what in ("V", "v", "s"):
                self._said(what)
            elif what == "T":
                self.text += self._words.title() + " "
                self._mark(self._words("L" if self._chance.random() < 0.75 else "P"), "person")
            else:
                kind = KIND_OF.get(what) if somebody or what != "L" else None
                self._mark(self._words(what), kind)
        self.text += line[at:]

    def _said(self, what: str) -> None:
        if what != "s" and self._chance.random() < 0.08 and self._english:
            self.text += self._doing()
        elif what == "s" and self._chance.random() < 0.2:
            self.text += self._sentence()
        else:
            self.line(self._chance.choice(self._prose["s" if what == "s" else "V"]))

    def _mark(self, text: str, kind: str | None) -> None:
        if kind:
            self.spans.append(Span(len(self.text), len(self.text) + len(text), kind))
        self.text += text
