"""Spans in a text: every token is scored by what stands around it, and the best lawful row of tags is taken.

Tags are O, and for each kind "begins" and "goes on"; a kind goes on only after itself.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from freehold.own.predicting.calibrating import softmax
from freehold.own.predicting.shape import Floats, Weights

TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
AROUND = 3  # tokens on each side
NEVER = -1e9
LINE_TOKENS_MAX = 512  # a longer row is worked on in pieces


class Found(NamedTuple):
    """One span, in characters, and the probability of its least certain token."""

    begin: int
    end: int
    kind: str
    probability: float


class Token(NamedTuple):
    """A run of letters, of digits, or one sign."""

    begin: int
    end: int
    text: str


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text."""
    return [Token(one.start(), one.end(), one.group()) for one in TOKEN.finditer(text)]


def spans_of(weights: Weights, text: str, kinds: Sequence[str]) -> list[Found]:
    """The spans of a text, from left to right; none overlaps another."""
    tokens = tokens_of(text)
    found: list[Found] = []
    for at in range(0, len(tokens), LINE_TOKENS_MAX):
        part = tokens[at : at + LINE_TOKENS_MAX]
        features = [features_of(text, part, place, weights.shape.buckets) for place in range(len(part))]
        logits = (
            np.array([weights.arrays["weights"][one].sum(0) for one in features]) + weights.arrays["bias"]
        )
        found += _joined(part, best_path(logits), softmax(logits), kinds)
    return found


def features_of(text: str, tokens: Sequence[Token], place: int, buckets: int) -> NDArray[np.int64]:
    """What is said of one token: itself, its parts and its shape, and the same of its neighbours."""
    names = list(_names(text, tokens, place))
    return np.array([crc32(name.encode()) % buckets for name in names], np.int64)


def _names(text: str, tokens: Sequence[Token], place: int) -> Iterator[str]:
    token = tokens[place]
    low = token.text.lower()
    yield from (f"a{low[:2]}", f"b{low[:3]}", f"c{low[-2:]}", f"d{low[-3:]}", f"e{low[-4:]}")
    for offset in range(-AROUND, AROUND + 1):
        near = place + offset
        inside = 0 <= near < len(tokens)
        yield f"w{offset}{tokens[near].text.lower() if inside else ''}"
        yield f"s{offset}{shape_of(tokens[near].text) if inside else ''}"
    shapes = [
        shape_of(tokens[near].text) if 0 <= near < len(tokens) else "" for near in range(place - 2, place + 3)
    ]
    yield from (f"p{''.join(shapes[:3])}", f"q{''.join(shapes[2:])}", f"r{''.join(shapes[1:4])}")
    before = tokens[place - 1] if place else None
    gap = text[before.end : token.begin] if before else "\n"
    yield f"g{'n' if chr(10) in gap else 's' if gap else 'x'}{shapes[2]}"


def shape_of(word: str) -> str:
    """Xx for Anna, d4 for 1999, the sign itself for a sign."""
    if word.isdigit():
        return f"d{min(len(word), 9)}"
    if not word.isalpha():
        return word
    return ("X" if word[0].isupper() else "x") + (
        "" if len(word) == 1 else "X" if word[1:].isupper() else "x"
    )


def best_path(logits: Floats) -> list[int]:
    """The tags with the greatest sum of logits (Viterbi 1967). 0 is O, 2k + 1 begins kind k, 2k + 2 goes on."""
    many = logits.shape[1]
    lawful = np.zeros((many, many))
    for goes_on in range(2, many, 2):
        lawful[[tag for tag in range(many) if tag not in (goes_on - 1, goes_on)], goes_on] = NEVER
    best, back = logits[0] + lawful[0], []
    for row in logits[1:]:
        ways = best[:, None] + lawful
        back.append(ways.argmax(0))
        best = ways.max(0) + row
    path = [int(best.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return path[::-1]


def _joined(
    tokens: Sequence[Token], path: Sequence[int], shares: Floats, kinds: Sequence[str]
) -> Iterator[Found]:
    begin = 0
    for place, tag in enumerate(path):
        goes_on = place + 1 < len(path) and path[place + 1] == (tag + 1 if tag % 2 else tag)
        if tag % 2:
            begin = place
        if tag and not goes_on:
            kind = (tag - 1) // 2
            sure = shares[begin : place + 1, [2 * kind + 1, 2 * kind + 2]].sum(1).min()
            yield Found(tokens[begin].begin, tokens[place].end, kinds[kind], float(sure))
