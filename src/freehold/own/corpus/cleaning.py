"""Text in one normal form, and rows without what no model should learn."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from freehold.own.corpus.drops import Drops, Reason
from freehold.own.corpus.knobs import Corpus
from freehold.own.corpus.personal import Find, private_key_line, taken_out_beside
from freehold.own.rows import Row, Turn
from freehold.shield.tagger import shipped

_BREAKS = re.compile("[\r\f\v\u0085\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ud800-\udfff]")
_BLANK = re.compile("\n{4,}")


def normalised(text: str) -> str:
    """Text with one kind of line break and of space, composed letters (NFC), and nothing that is not seen.

    Indentation stays; spaces at the end of lines, and more than two blank lines in a row, do not.
    """
    text = _UNSEEN.sub("", _BREAKS.sub("\n", text.replace("\r\n", "\n")))
    if not text.isascii():
        text = unicodedata.normalize("NFC", _SPACES.sub(" ", text))
    lines = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return _BLANK.sub("\n\n\n", lines).strip("\n")


def cleaned(rows: Iterable[Row], knobs: Corpus, drops: Drops, found: Counter[str]) -> Iterator[Row]:
    """Rows in normal form without secrets and personal data, which are counted in `found` by kind.

    A row with a private key is dropped whole, named with the key's line, whatever the knobs say; so is one with less
    text than `characters_min`, unless it has a table's values. Where spans are marked, nothing else is changed.
    """
    for row in rows:
        texts = (row.text, *(turn.text for turn in row.turns))
        line = next(filter(None, map(private_key_line, texts)), 0)
        if line:
            drops.add(row.id, row.origin, Reason.SECRET, f"private key, line {line}")
            continue
        clean = _in_normal_form(row)
        if knobs.personal:
            clean = _without_personal(clean, found, shipped().find if knobs.names else None)
        length = len(clean.text) + sum(len(turn.text) for turn in clean.turns)
        if length < knobs.characters_min and not clean.values:
            drops.add(row.id, row.origin, Reason.TOO_SHORT, f"{length} characters")
        else:
            yield clean


def _in_normal_form(row: Row) -> Row:
    if row.spans:
        return row
    turns = tuple(Turn(turn.role, normalised(turn.text)) for turn in row.turns)
    return replace(row, text=normalised(row.text), turns=turns)


def _without_personal(row: Row, found: Counter[str], find: Find | None) -> Row:
    def without(text: str) -> str:
        text, _, counts = taken_out_beside(text, (), find)
        found.update(counts)
        return text

    turns = tuple(Turn(turn.role, without(turn.text)) for turn in row.turns)
    values = {name: without(value) if isinstance(value, str) else value for name, value in row.values.items()}
    if not row.spans:
        return replace(row, text=without(row.text), turns=turns, values=values)
    text, spans, counts = taken_out_beside(row.text, row.spans, find)
    found.update(counts)
    return replace(row, text=text, spans=spans, turns=turns, values=values)
