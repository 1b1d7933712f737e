"""Finds persons, postal addresses, dates of birth, telephone and identity numbers in text by what stands around them.

A small network over tokens: hashed parts of words and five lists of words are summed to a vector for each token, three
convolutions look at up to ten tokens on each side, and the best lawful row of tags is taken. It runs on numpy alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

KINDS = ("person", "address", "birth", "phone", "identity")
WEIGHTS = "personal.npz"
LISTS = (
    "first",
    "last",
    "common",
    "place",
    "thing",
)  # of names, of words of no kind, of places, of firms and products
BUCKETS = 1 << 14
FEATURES = 22  # of one token, at most
DILATIONS = (1, 2, 4)
TOKENS_MAX = 512  # a longer text is worked on in pieces
HASHES = 6  # of a word in a list
NEVER = -1e4

Floats: TypeAlias = NDArray[np.float32]
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")


class Found(NamedTuple):
    """One piece of personal data, in characters."""

    begin: int
    end: int
    kind: str


class Token(NamedTuple):
    """A run of letters, of digits, or one sign."""

    begin: int
    end: int
    text: str


class Words(Protocol):
    """A list of words."""

    def __contains__(self, word: str, /) -> bool:
        """Whether it holds a word."""


class WordList:
    """A Bloom filter (Bloom 1970): it holds each of its words, and takes about one other in two hundred for one."""

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        self._bits = bits

    def __contains__(self, word: str, /) -> bool:
        return all(
            self._bits[place >> 3] >> (place & 7) & 1 for place in places_of(word, 8 * len(self._bits))
        )


def places_of(word: str, bits: int) -> list[int]:
    """Where a word leaves its marks in a list of so many bits (double hashing, Kirsch and Mitzenmacher 2006)."""
    raw = word.encode()
    one, step = crc32(raw), crc32(raw, 0x9E3779B9) | 1
    return [(one + turn * step) % bits for turn in range(HASHES)]


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text."""
    return [Token(one.start(), one.end(), one.group()) for one in _TOKEN.finditer(text)]


class Features:
    """What is said of a token: numbers of rows of the table of vectors; 0 says nothing."""

    def __init__(self, lists: Sequence[Words], known: Words) -> None:
        self._lists, self._known = lists, known
        self._of_word = cache(self._of_word_uncached)

    def rows(self, text: str, tokens: Sequence[Token]) -> NDArray[np.int64]:
        """Tokens x FEATURES."""
        found = np.zeros((len(tokens), FEATURES), np.int64)
        end = 0
        for place, token in enumerate(tokens):
            gap = text[end : token.begin] if place else "\n"
            end = token.end
            row = list(self._of_word(token.text))
            row[3] = hashed(f"g{'n' if chr(10) in gap else 's' if gap else 'x'}{shape_of(token.text)[:1]}")
            found[place, : len(row)] = row
        return found

    def _of_word_uncached(self, word: str) -> tuple[int, ...]:
        low, shape = word.lower(), shape_of(word)
        row = [hashed(f"w{low}") if low in self._known else 0, 0, hashed(f"s{shape}"), 0]
        if word[0].isalpha():
            held = sum((low in words) << place for place, words in enumerate(self._lists))
            row[1] = hashed(f"z{held}{shape}")
            parts = (f"p{low[:2]}", f"P{low[:3]}", f"2{low[-2:]}", f"3{low[-3:]}", f"4{low[-4:]}")
            row += [*map(hashed, parts), hashed(f"l{min(len(word), 12)}")]
            framed = f"^{low}$"
            row += [
                hashed(f"t{framed[at : at + 3]}") for at in range(min(len(framed) - 2, FEATURES - len(row)))
            ]
        elif word.isdigit():
            row += [hashed(f"p{word[:2]}"), hashed(f"2{word[-2:]}"), 0, 0, 0, 0]
            row += [hashed(f"y{word[:2]}")] if len(word) == 4 else []
        return tuple(row)


def hashed(feature: str) -> int:
    """A row of the table; the first is kept for nothing."""
    return crc32(feature.encode()) % (BUCKETS - 1) + 1


def shape_of(word: str) -> str:
    """Xx for Anna, xx for anna, XX for ANNA, d4 for 1999, the sign itself for a sign."""
    if word.isdigit():
        return f"d{min(len(word), 9)}"
    if not word.isalpha():
        return word
    if len(word) == 1:
        return "X" if word.isupper() else "x"
    if word.isupper():
        return "XX" if len(word) > 3 else "XX3"
    if word[0].isupper():
        return "Xx" if word[1:].islower() else "XxX"
    return "xx" if word.islower() else "xX"


class Tagger:
    """The network and its lists."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = {
            name: array.astype(np.float32) for name, array in arrays.items() if "list" not in name
        }
        self._vectors = self._arrays.pop("vectors") * self._arrays.pop("scale")
        lists = [WordList(arrays[f"list_{name}"]) for name in LISTS]
        self._features = Features(lists, WordList(arrays["list_known"]))

    def find(self, text: str) -> list[Found]:
        """What is personal, from left to right; none overlaps another."""
        tokens = tokens_of(text)
        pieces = (tokens[at : at + TOKENS_MAX] for at in range(0, len(tokens), TOKENS_MAX))
        return [one for piece in pieces for one in _joined(piece, self._tags(text, piece))]

    def _tags(self, text: str, tokens: Sequence[Token]) -> list[int]:
        arrays = self._arrays
        first = np.tanh(self._vectors[self._features.rows(text, tokens)].sum(1))
        seen = first
        for layer, dilation in enumerate(DILATIONS, 1):
            fresh = np.maximum(_convolved(seen, arrays[f"c{layer}"], dilation) + arrays[f"c{layer}_bias"], 0)
            seen = fresh if layer == 1 else seen + fresh
        logits = np.concatenate([seen, first], 1) @ arrays["out"].T + arrays["out_bias"]
        return best_path(logits, arrays["steps"], arrays["start"])


def _convolved(rows: Floats, kernel: Floats, dilation: int) -> Floats:
    """Kernel: outputs x inputs x places."""
    many = kernel.shape[2]
    edge = dilation * (many // 2)
    wide = np.pad(rows, ((edge, edge), (0, 0)))
    found = np.zeros((len(rows), len(kernel)), np.float32)
    for at in range(many):
        found += wide[at * dilation : at * dilation + len(rows)] @ kernel[:, :, at].T
    return found


def best_path(logits: Floats, steps: Floats, start: Floats) -> list[int]:
    """The tags with the greatest sum (Viterbi 1967). 0 is none, 2k + 1 begins kind k, 2k + 2 goes on after itself."""
    best, back = logits[0] + start, []
    for row in logits[1:]:
        ways = best[:, None] + steps
        back.append(ways.argmax(0))
        best = ways.max(0) + row
    path = [int(best.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return path[::-1]


def _joined(tokens: Sequence[Token], path: Sequence[int]) -> Iterator[Found]:
    begin = 0
    for token, (tag, after) in zip(tokens, pairwise([*path, 0]), strict=True):
        begin = token.begin if tag % 2 else begin
        if tag and (after % 2 or not after):
            yield Found(begin, token.end, KINDS[(tag - 1) // 2])


@cache
def shipped() -> Tagger:
    """The tagger that comes with the package."""
    with (files(__package__) / WEIGHTS).open("rb") as file, np.load(file, allow_pickle=False) as held:
        return Tagger({name: held[name] for name in held.files})
