"""Rows for a tagger of personal data: templates filled by chance, with the spans of what was filled in."""

import random
import re
from collections.abc import Callable, Iterator

from benchmarks.pii.templates import TEMPLATES
from benchmarks.pii.words import LANGUAGES, STREET_WORDS, THINGS
from freehold.own.rows import Row, Span

KINDS = {
    "p": "person",
    "f": "person",
    "l": "person",
    "a": "address",
    "b": "birth",
    "t": "phone",
    "i": "identity",
}
_HOLE = re.compile(r"\{(\w)\}")


def rows(many: int, seed: int) -> Iterator[Row]:
    """So many rows; one in eight without capitals, as in chats, one in twenty all in capitals, one to three lines."""
    chance = random.Random(seed)
    languages = list(LANGUAGES)
    weights = [4, 3, 2, 2, 1.5, 1.5]
    for number in range(many):
        language = chance.choices(languages, weights)[0]
        text, spans = "", list[Span]()
        for _ in range(chance.choice([1, 1, 2, 3])):
            line = chance.choice(TEMPLATES[language])
            text, spans = _filled(line, text + ("\n" if text else ""), spans, _Filler(language, chance))
        case = chance.random()
        if case < 0.12 and len(text.lower()) == len(text):
            text = text.lower()
        elif case > 0.95 and len(text.upper()) == len(text):
            text = text.upper()
        yield Row(f"made-{number}", text, spans=tuple(spans), cluster=f"made-{number}", licence="Apache-2.0")


def marked(text: str, id: str) -> Row:
    """A sentence in which [[what|kind]] marks what is to be found."""
    plain, spans, at = "", list[Span](), 0
    for mark in re.finditer(r"\[\[(.+?)\|(\w+)\]\]", text):
        plain += text[at : mark.start()]
        spans.append(Span(len(plain), len(plain) + len(mark[1]), mark[2]))
        plain, at = plain + mark[1], mark.end()
    return Row(id, plain + text[at:], spans=tuple(spans), cluster=id, licence="Apache-2.0")


def _filled(line: str, text: str, spans: list[Span], fill: "_Filler") -> tuple[str, list[Span]]:
    at = 0
    for hole in _HOLE.finditer(line):
        text += line[at : hole.start()]
        found, at = fill(hole[1]), hole.end()
        if hole[1] in KINDS:
            spans.append(Span(len(text), len(text) + len(found), KINDS[hole[1]]))
        text += found
    return text + line[at:], spans


class _Filler:
    """What goes into one line's holes."""

    def __init__(self, language: str, chance: random.Random) -> None:
        self._words, self._language, self._chance = LANGUAGES[language], language, chance
        self._by: dict[str, Callable[[], str]] = {
            "p": self.person, "f": self.first, "l": self.last, "a": self.address, "b": self.date, "d": self.date,
            "t": self.phone, "i": self.identity, "c": lambda: chance.choice(self._words.cities),
            "o": lambda: " ".join(chance.sample(THINGS, chance.choice([1, 1, 2]))),
            "n": lambda: self.digits(chance.choice(["9", "99", "999", "9999", "99999", "AA-9999", "9999-99"])),
        }  # fmt: skip

    def __call__(self, hole: str) -> str:
        return self._by[hole]()

    def first(self) -> str:
        """Often a given one, sometimes one grown out of two, so that shape and place count, not the list alone."""
        return self._grown(self._words.first)

    def last(self) -> str:
        found = self._grown(self._words.last)
        return f"{found}-{self._chance.choice(self._words.last)}" if self._chance.random() < 0.05 else found

    def person(self) -> str:
        first, last, way = self.first(), self.last(), self._chance.random()
        if way < 0.65:
            return f"{first} {last}"
        if way < 0.75:
            return f"{first} {self._chance.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
        if way < 0.83:
            return f"{first[0]}. {last}"
        if way < 0.9:
            return f"{last}, {first}"
        return f"{first} {self._chance.choice(self._words.first)} {last}"

    def address(self) -> str:
        word = self._chance.choice(STREET_WORDS[self._language])
        number = str(self._chance.randint(1, 240))
        street = self._chance.choice(self._words.streets).replace("{w}", word).replace("{n}", number)
        city, code = self._chance.choice(self._words.cities), self.digits(self._words.postcode)
        if self._chance.random() < 0.35:
            return street
        return f"{street}, {city} {code}" if self._language == "en" else f"{street}, {code} {city}"

    def date(self) -> str:
        day, month, year = (
            self._chance.randint(1, 28),
            self._chance.randint(1, 12),
            self._chance.randint(1931, 2026),
        )
        name = self._words.months[month - 1]
        ways = [
            f"{day:02}.{month:02}.{year}", f"{day}/{month}/{year}", f"{year}-{month:02}-{day:02}",
            f"{day} {name} {year}",
            f"{day}. {name} {year}" if self._language == "de" else f"{day:02}-{month:02}-{year}",
        ]  # fmt: skip
        return self._chance.choice(ways)

    def phone(self) -> str:
        return self.digits(self._chance.choice(self._words.phones))

    def identity(self) -> str:
        return self.digits(self._chance.choice(self._words.identities))

    def digits(self, form: str) -> str:
        """9 is a digit, A a letter; what is neither, as the digits of a prefix, stays."""
        return "".join(
            str(self._chance.randrange(10)) if sign == "9" else self._chance.choice("ABCDEFGHKLMNPRSTUVWXYZ")
            if sign == "A" else sign
            for sign in form
        )  # fmt: skip

    def _grown(self, names: tuple[str, ...]) -> str:
        one, other = self._chance.choice(names), self._chance.choice(names)
        if self._chance.random() < 0.3 and one.isalpha() and other.isalpha():
            return one[: max(2, len(one) // 2)] + other[len(other) // 2 :]
        return one
