"""What is in an evaluation set must not be learnt: rows that share a stretch of it are found, named and left out.

Of texts, 13 words in a row tell (as for GPT-3: Brown et al. 2020, appendix C), or a whole evaluation text of at least
six; case and punctuation aside. Of sequences, half of the 32-base words of either, on either strand: alike species
share single genes, and that is no contamination. From a long sequence only the stretch is taken out. Of tables, equal
values. Not seen: what was translated or told in other words, and sequences of fewer than 32 bases.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from freehold.own.corpus import documents, sequences, tables
from freehold.own.corpus.alike import CUT_MIN, part_of
from freehold.own.corpus.drops import Drops, Reason
from freehold.own.corpus.kmers import K, words_of
from freehold.own.corpus.knobs import Corpus
from freehold.own.corpus.near import WORD, text_of
from freehold.own.rows import Row
from freehold.vocabulary.errors import ConfigError

WORDS, WORDS_MIN = 13, 6
SHARE = 0.5  # of a sequence's words
PIECE_MIN = 1_000  # bases; what is left of a long sequence in shorter pieces is no use

_BASES = re.compile(f"[ACGTUNRYSWKMBDHV]{{{K},}}", re.IGNORECASE)
Words = tuple[str, ...]


class Evaluated(NamedTuple):
    """One text, sequence or row of an evaluation set."""

    place: str  # file and line, or record
    row: Row


class Index:
    """Everything in the evaluation sets, so that it can be found again."""

    def __init__(self, tested: Sequence[Evaluated]) -> None:
        self.short = 0  # texts with too few words to be looked for
        self._grams: dict[int, dict[Words, str]] = {}
        self._known: set[str] = set()
        self._values = {_values(one.row): one.place for one in tested if one.row.values}
        records = [one for one in tested if _BASES.fullmatch(one.row.text)]
        self._places = [one.place for one in records]
        found = words_of([one.row.text for one in records])
        self._words, first = np.unique(found.words, return_index=True)
        self._owners = found.texts[first]
        self._sizes = np.bincount(self._owners, minlength=len(records))
        for place, row in tested:
            self._add(place, WORD.findall(text_of(row).casefold()), bool(row.values) or place in self._places)

    def _add(self, place: str, words: Sequence[str], known_otherwise: bool) -> None:
        length = min(WORDS, len(words))
        if length < WORDS_MIN:
            self.short += not known_otherwise
            return
        self._known.update(words)
        grams = self._grams.setdefault(length, {})
        for at in range(len(words) - length + 1):
            grams.setdefault(tuple(words[at : at + length]), place)

    def in_text(self, row: Row) -> str:
        """Which evaluation text or row is in a text or a row of a table, in words; empty where none is."""
        if row.values and (place := self._values.get(_values(row))):
            return f"the same values as {place}"
        words = WORD.findall(text_of(row).casefold()) if self._grams else []
        unknown = [-1, *(at for at, word in enumerate(words) if word not in self._known), len(words)]
        for before, after in pairwise(unknown):
            for length, grams in self._grams.items():
                for at in range(before + 1, after - length + 1):
                    if place := grams.get(tuple(words[at : at + length])):
                        return f"{length} words in a row of {place}"
        return ""

    def in_sequence(self, row: Row) -> tuple[str, list[tuple[int, int]]]:
        """The same of a sequence; and the stretches that are in the evaluation sets."""
        found = words_of([row.text])
        if not len(found.words) or not len(self._words):
            return "", []
        order = np.argsort(found.words)  # a search in order is ten times as quick
        at = np.empty(len(order), np.int64)
        at[order] = np.searchsorted(self._words, found.words[order])
        at = np.minimum(at, len(self._words) - 1)
        hit = self._words[at] == found.words
        counts = np.bincount(self._owners[np.unique(at[hit])], minlength=len(self._places))
        whole = counts >= SHARE * np.maximum(self._sizes, 1)
        if not whole.any() and hit.mean() < SHARE:
            return "", []
        place = self._places[int(np.argmax(np.where(whole, self._sizes, counts / len(row.text))))]
        if hit.mean() < SHARE:
            hit &= whole[self._owners[at]]
        return f"the sequence {place}", list(_stretches(found.places[hit].tolist()))


def evaluation(files: Iterable[Path], knobs: Corpus) -> Iterator[Evaluated]:
    """What is in evaluation files, whatever their form. Raises ConfigError for one that is not there."""
    for path in files:
        if not path.is_file():
            raise ConfigError("there is no such evaluation file", remedy="Correct the plan.", file=str(path))
        if sequences.is_sequences(path):
            yield from (
                Evaluated(f"{path.name}#{row.id.partition('#')[2]}", row) for row in sequences.records(path)
            )
        elif tables.is_table(path):
            yield from (Evaluated(row.id, row) for row in _of_table(path, knobs))
        elif path.suffix.lower() in (".jsonl", ".ndjson"):
            yield from _of_lines(path)
        else:
            found = documents.read([path], "evaluation", Drops())
            yield from (Evaluated(path.name, row) for row in found)


def without(rows: Iterable[Row], index: Index, drops: Drops, *, bases: bool) -> Iterator[Row]:
    """Rows without what is in the evaluation sets. `bases`: their texts are sequences."""
    for row in rows:
        place, stretches = index.in_sequence(row) if bases else (index.in_text(row), [])
        if not place:
            yield row
            continue
        pieces = _pieces(row, stretches) if len(row.text) >= CUT_MIN and stretches else []
        drops.add(row.id, row.origin, Reason.CONTAMINATED, place + (", which is cut out" if pieces else ""))
        yield from pieces


def _pieces(row: Row, stretches: Sequence[tuple[int, int]]) -> list[Row]:
    """What lies between stretches of a long sequence."""
    ends = [(0, 0), *stretches, (len(row.text), len(row.text))]
    between = ((one[1], other[0]) for one, other in pairwise(ends))
    return [part_of(row, begin, end) for begin, end in between if end - begin >= PIECE_MIN]


def _stretches(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Words that follow each other, joined."""
    begin = end = -1
    for place in places:
        if place > end:
            if end >= 0:
                yield begin, end
            begin = place
        end = place + K
    if end >= 0:
        yield begin, end


def _of_table(path: Path, knobs: Corpus) -> Iterator[Row]:
    """A test set may lack the label."""
    table = tables.read(path)
    label, text, group = (
        name if name in table.columns else "" for name in (knobs.label, knobs.text, knobs.group)
    )
    knobs = replace(knobs, licence="evaluation", label=label, text=text, group=group)
    return tables.rows_of(table, knobs, Drops())


def _of_lines(path: Path) -> Iterator[Evaluated]:
    """Every text in every line: a bench's tasks have prompts, messages, checks."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                found = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ConfigError(
                    f"cannot be read: {error}",
                    remedy="Write one JSON object a line.",
                    file=str(path),
                    line=number,
                    column=1,
                ) from None
            yield from (Evaluated(f"{path.name}:{number}", Row("", text)) for text in _strings(found))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(inner)


def _values(row: Row) -> str:
    return repr(sorted(row.values.items()))
