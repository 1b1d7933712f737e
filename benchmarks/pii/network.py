"""Trains the tagger that `freehold.shield` runs, and writes its file. A conditional random field on convolutions.

The lists are shown in part alone, and parts of words are left out by chance: what is asked about later is not on them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.pii.filling import Words, words
from benchmarks.pii.known import FAKER, LISTS
from benchmarks.pii.made import HOLE, Plain, prose
from freehold.own.rows import Row
from freehold.shield.tagger import (  # fmt: skip
    BUCKETS,
    DILATIONS,
    FEATURES,
    KINDS,
    NEVER,
    Features,
    places_of,
    tokens_of,
)
from freehold.shield.tagger import LISTS as NAMES

TAGS, WIDTH, HIDDEN = 2 * len(KINDS) + 1, 32, 64
PIECE = 90  # tokens
BATCH = 3600  # tokens, and at most so many pieces
PIECES_MAX = 160
KNOWN_MIN, COMMON_MIN, ALWAYS_MIN = 6, 3, 40  # times that a word is seen
SHOWN = {"first": 70, "last": 60, "common": 75, "place": 70, "thing": 60}  # of each list, per cent
LEFT_OUT = {"word": 0.25, "lists": 0.10, "parts": 0.08}
BITS = 12  # of a word in a list
_WORD = re.compile(r"[^\W\d_]+")


class Vocabulary(NamedTuple):
    """Lists by name, and the words that stand for themselves."""

    lists: dict[str, Set[str]]
    known: Set[str]
    often: Set[str]  # common words that are always shown

    def features(self, in_part: bool) -> Features:
        """What a tagger sees of a word."""
        lists: list[Set[str]] = []
        for name in NAMES:
            shown = {one for one in self.lists[name] if crc32(f"{name}{one}".encode()) % 100 < SHOWN[name]}
            lists.append(shown | (self.often if name == "common" else set()) if in_part else self.lists[name])
        return Features(lists, self.known)


def vocabulary(rows: Sequence[Row], nothing: Plain) -> Vocabulary:
    """Of what is learnt from."""
    held = words()
    first, last = (
        {
            one
            for sides in held.people.values()
            for name in sides[at]
            for one in _lowered(name)
            if len(one) > 1
        }
        for at in (0, 1)
    )
    seen = _common(held, nothing)
    cities = [*held.cities.values(), *held.countries.values(), held.world]
    things = [
        LISTS["firms"],
        LISTS["products"],
        *(one for of in ("months", "days", "tongues") for one in LISTS[of].values()),
    ]
    lists: dict[str, Set[str]] = {
        "first": first, "last": last,
        "common": {one for one, times in seen.items() if times >= COMMON_MIN and len(one) > 1},
        "place": {one for names in cities for name in names for one in _lowered(name) if len(one) > 2},
        "thing": {one for names in things for name in names for one in _lowered(name) if len(one) > 2},
    }  # fmt: skip
    counted = Counter(one for row in rows for one in {token.text.lower() for token in tokens_of(row.text)})
    known = {
        one for one, times in counted.items()
        if times >= KNOWN_MIN and (one in seen or (one not in first and one not in last))
    }  # fmt: skip
    return Vocabulary(lists, known, {one for one, times in seen.items() if times >= ALWAYS_MIN})


def _lowered(text: str) -> list[str]:
    return [one.lower() for one in _WORD.findall(text)]


def _common(held: Words, nothing: Plain) -> Counter[str]:
    """Words in small letters, by how often they are seen."""
    seen = Counter(
        one for text in (*nothing.paragraphs, *nothing.code) for one in _WORD.findall(text) if one.islower()
    )
    lines = (HOLE.sub(" ", line) for one in FAKER for part in prose(one).values() for line in part)
    given = [one for line in lines for one in set(_WORD.findall(line))]
    given += [one for part in held.lorem.values() for one in part]
    for one in given:
        seen[one] += COMMON_MIN if one.islower() else 0
    for one in (
        *(one for of in LISTS["nouns"].values() for one in of),
        *(one for of in held.jobs.values() for one in of),
    ):
        seen.update(dict.fromkeys(_lowered(one), COMMON_MIN))
    return seen


class Piece(NamedTuple):
    """Features and tags of up to PIECE tokens."""

    rows: NDArray[np.int64]
    tags: NDArray[np.int64]


def pieces(rows: Sequence[Row], features: Features) -> Iterator[Piece]:
    """Texts cut to size."""
    for row in rows:
        tokens = tokens_of(row.text)
        seen, tags = features.rows(row.text, tokens), np.zeros(len(tokens), np.int64)
        for span in row.spans:
            inside = [at for at, one in enumerate(tokens) if one.begin < span.end and one.end > span.begin]
            tags[inside] = 2 * KINDS.index(span.kind) + 2
            tags[inside[:1]] -= 1
        for at in range(0, len(tokens), PIECE):
            yield Piece(seen[at : at + PIECE], tags[at : at + PIECE])


def lawful() -> Tensor:
    """Steps between tags: a kind goes on only after itself."""
    steps = torch.zeros(TAGS, TAGS)
    for goes_on in range(2, TAGS, 2):
        steps[[tag for tag in range(TAGS) if tag not in (goes_on - 1, goes_on)], goes_on] = NEVER
    return steps


class Network(nn.Module):
    """As `freehold.shield.tagger` runs it."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(BUCKETS, WIDTH, mode="sum", padding_idx=0)
        nn.init.normal_(self.vectors.weight, 0, 0.1)
        with torch.no_grad():
            self.vectors.weight[0] = 0
        self.layers = nn.ModuleList(
            nn.Conv1d(
                HIDDEN if at else WIDTH, HIDDEN, size, padding=dilation * (size // 2), dilation=dilation
            )
            for at, (size, dilation) in enumerate(zip((5, 5, 3), DILATIONS, strict=True))
        )
        self.out = nn.Linear(HIDDEN + WIDTH, TAGS)
        self.steps = nn.Parameter(torch.zeros(TAGS, TAGS))
        self.start = nn.Parameter(torch.zeros(TAGS))
        self.drop = nn.Dropout(0.25)
        self.register_buffer("law", lawful())

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Scores of tags: pieces x tokens x tags."""
        many, length, _ = rows.shape
        summed = self.vectors(rows.reshape(many * length, -1)).reshape(many, length, WIDTH)
        first = torch.tanh(summed * mask[..., None])
        seen = first.transpose(1, 2)
        for at, layer in enumerate(self.layers):
            fresh = torch.relu(layer(self.drop(seen)))
            seen = (seen + fresh if at else fresh) * mask[:, None]
        scores: Tensor = self.out(torch.cat([self.drop(seen.transpose(1, 2)), first], -1))
        return scores

    def nats(self, scores: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Negative log-likelihood of each piece's row of tags (Lafferty, McCallum and Pereira 2001)."""
        steps, start = self.steps + self.get_buffer("law"), self.start.clone()
        start[2::2] += NEVER
        piece = torch.arange(len(scores))
        ways = scores[:, 0] + start
        right = ways[piece, tags[:, 0]]
        for at in range(1, scores.shape[1]):
            there = mask[:, at]
            fresh = torch.logsumexp(ways[:, :, None] + steps, 1) + scores[:, at]
            ways = torch.where(there[:, None] > 0, fresh, ways)
            right = right + there * (steps[tags[:, at - 1], tags[:, at]] + scores[piece, at, tags[:, at]])
        return torch.logsumexp(ways, 1) - right


def trained(held: Sequence[Piece], epochs: int, seed: int) -> Network:
    """Pieces of about one length are learnt from together, the batches in another order in each epoch."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    network = Network()
    groups = list(_batches(sorted(held, key=lambda piece: len(piece.tags))))
    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 8e-3, total_steps=epochs * len(groups), pct_start=0.15
    )
    for epoch in range(epochs):
        nats = 0.0
        for at in chance.permutation(len(groups)):
            rows, tags, mask = _padded(groups[at], chance)
            lost = network.nats(network(rows, mask), tags, mask).sum()
            optimiser.zero_grad()
            (lost / mask.sum()).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            rate.step()
            nats += float(lost.detach())
        print(f"epoch {epoch + 1}: {nats / sum(len(one.tags) for one in held):.4f} nats a token", flush=True)
    return network.eval()


def _batches(ordered: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    at = 0
    while at < len(ordered):
        many = max(8, min(PIECES_MAX, BATCH // len(ordered[at].tags)))
        yield ordered[at : at + many]
        at += many


def _padded(group: Sequence[Piece], chance: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    shape = len(group), max(len(piece.tags) for piece in group)
    rows, tags = np.zeros((*shape, FEATURES), np.int64), np.zeros(shape, np.int64)
    mask = np.zeros(shape, np.float32)
    for place, piece in enumerate(group):
        many = len(piece.tags)
        rows[place, :many], tags[place, :many], mask[place, :many] = piece.rows, piece.tags, 1
    rows[..., 0] *= chance.random(shape) > LEFT_OUT["word"]
    rows[..., 1] *= chance.random(shape) > LEFT_OUT["lists"]
    rows[..., 4:] *= (chance.random(shape) > LEFT_OUT["parts"])[..., None]
    return torch.from_numpy(rows), torch.from_numpy(tags), torch.from_numpy(mask)


def marks(held: Set[str]) -> NDArray[np.uint8]:
    """A list's words as a Bloom filter."""
    bits = 8 * (BITS * len(held) // 8 + 1)
    found = np.zeros(bits // 8, np.uint8)
    for one in held:
        for place in places_of(one, bits):
            found[place >> 3] |= 1 << (place & 7)
    return found


def write(path: Path, network: Network, vocabulary: Vocabulary, caution: float) -> None:
    """The tagger's file. `caution` nats are taken from a person's score: the more, the fewer false alarms."""
    state = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    scale = np.maximum(np.abs(state["vectors.weight"]).max(0), 1e-9) / 127
    bias, start = state["out.bias"].copy(), state["start"].copy()
    bias[1:3] -= caution
    start[2::2] += NEVER
    arrays = {
        "vectors": np.round(state["vectors.weight"] / scale).astype(np.int8), "scale": scale,
        "out": state["out.weight"].astype(np.float16), "out_bias": bias, "start": start,
        "steps": state["steps"] + state["law"],
    }  # fmt: skip
    for at in range(len(DILATIONS)):
        arrays[f"c{at + 1}"] = state[f"layers.{at}.weight"].astype(np.float16)
        arrays[f"c{at + 1}_bias"] = state[f"layers.{at}.bias"]
    for name in NAMES:
        arrays[f"list_{name}"] = marks(vocabulary.lists[name])
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays, list_known=marks(vocabulary.known))
