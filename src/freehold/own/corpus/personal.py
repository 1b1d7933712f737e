"""Find secrets and personal data in text by their form, fast, and put a word for their kind in their place.

Finds: private keys, tokens whose form is known, passwords in URLs and beside their names; mail addresses, phone
numbers, IBANs, payment cards, IP and MAC addresses, and a few national numbers.
Does not find: names, streets and dates of birth, but by a tagger that is handed in (freehold.shield); an identity told
in a story; a secret without a form of its own.
What has no check digit (a phone number) is taken for what it looks like, and sometimes it is not that.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TypeAlias

from freehold.own.corpus.forms import PERSONAL, PRIVATE_KEY, SECRETS, Form, Place
from freehold.own.rows import Span
from freehold.shield.tagger import Found

_KEYS = tuple(form for form in SECRETS if form.kind == PRIVATE_KEY)
Find: TypeAlias = Callable[[str], Sequence[Found]]

_PLACEHOLDER = re.compile("<[A-Z_]+>")
_BEFORE = 40  # characters in which the name of what follows stands


def private_key_line(text: str) -> int:
    """The line of a text's first private key; 0 where there is none."""
    first = next(_found(text, _KEYS), None)
    return text.count("\n", 0, first.begin) + 1 if first else 0


def taken_out(text: str) -> tuple[str, Counter[str]]:
    """The text with a placeholder, as `<MAIL>`, for each secret and personal datum, and how many there were by kind."""
    text, _, counts = taken_out_beside(text, ())
    return text, counts


def taken_out_beside(
    text: str, spans: Sequence[Span], find: Find | None = None
) -> tuple[str, tuple[Span, ...], Counter[str]]:
    """The same, with the spans where their characters went. A span that was cut into takes in the placeholder.

    What a tagger finds goes last, so that what has a form goes under its own name.
    """
    counts: Counter[str] = Counter()
    # What stood beside something that went may only now be known for what it is.
    while found := list(_found(text, (*SECRETS, *PERSONAL))):
        text, spans = _without(text, spans, found, counts)
    if find is not None:
        gone = [one.span() for one in _PLACEHOLDER.finditer(text)]
        apart = [
            one for one in find(text) if all(one.end <= begin or end <= one.begin for begin, end in gone)
        ]
        text, spans = _without(text, spans, [Span(*one) for one in apart], counts)
    return text, tuple(spans), counts


def _without(
    text: str, spans: Sequence[Span], found: Sequence[Span], counts: Counter[str]
) -> tuple[str, Sequence[Span]]:
    counts.update(one.kind for one in found)
    moved = [
        span._replace(begin=_moved(span.begin, found, 0), end=_moved(span.end, found, 1)) for span in spans
    ]
    return _replaced(text, found), moved


def _found(text: str, forms: Sequence[Form]) -> Iterator[Span]:
    """What is to go, in its order, none over another: of two, the one whose form comes first."""
    stretches = cache(lambda place: _stretches(text, place))
    marks = sorted(
        (span.begin, order, span)
        for order, form in enumerate(forms)
        for span in _of_form(text, form, stretches(form.place))
    )
    last: tuple[int, Span] | None = None
    for _, order, span in marks:
        if last is None or span.begin >= last[1].end:
            if last is not None:
                yield last[1]
            last = order, span
        elif order < last[0]:
            last = order, span
    if last is not None:
        yield last[1]


def _stretches(text: str, place: Place | tuple[str, ...]) -> list[tuple[int, int]]:
    """The parts of a text in which a form can be, none over another."""
    if not isinstance(place, Place):
        return [(0, len(text))] if not place or any(needle in text for needle in place) else []
    found: list[tuple[int, int]] = []
    for match in place.sign.finditer(text):
        begin = max(0, match.start() - place.before)
        if found and begin <= found[-1][1]:
            begin = found.pop()[0]
        found.append((begin, match.end() + place.after))
    return found


def _of_form(text: str, form: Form, stretches: Iterable[tuple[int, int]]) -> Iterator[Span]:
    group = "it" if "it" in form.pattern.groupindex else 0
    for place, end in stretches:
        begin = place
        while match := form.pattern.search(text, begin, end):
            before = max(0, match.start() - _BEFORE), match.start()
            if (not form.after or form.after.search(text, *before)) and form.is_one(match[group]):
                yield Span(*match.span(group), form.kind)
                begin = match.end()
            else:  # another may begin within it
                begin = match.start() + 1


def _placeholder(kind: str) -> str:
    return f"<{kind.upper().replace(' ', '_')}>"


def _replaced(text: str, found: Sequence[Span]) -> str:
    parts, begin = [], 0
    for one in found:
        parts += [text[begin : one.begin], _placeholder(one.kind)]
        begin = one.end
    return "".join((*parts, text[begin:]))


def _moved(place: int, found: Sequence[Span], is_end: int) -> int:
    """Where a place in the text is once all that was found is replaced."""
    moved = place
    for one in found:
        if one.begin >= place:
            break
        longer = len(_placeholder(one.kind)) - (one.end - one.begin)
        moved += longer if one.end <= place else one.begin - place + is_end * len(_placeholder(one.kind))
    return moved
