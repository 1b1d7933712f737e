"""How well a language model foretells held-out documents, in bits per byte, beside n-grams and general compressors.

The model foretells the mark that ends a document, too, which is no byte. The compressors are given text of the corpus
first, and pay only for what each document adds to it.
"""

import lzma
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from freehold.own import rows
from freehold.own.artefact import MODEL
from freehold.own.corpus import documents
from freehold.own.corpus.drops import Drops
from freehold.own.evaluate.ngrams import ORDERS, Mixture
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.own.plan import Plan
from freehold.own.rows import Row
from freehold.own.train import distributed, llama, tokenizer
from freehold.own.train.llama import Llama, packed
from freehold.own.train.text import text_of

METRIC = "bits per byte"
WORKED_BYTES = 4_000_000  # by each compressor over all documents, which limits what it is given first
_AT_ONCE = 16  # windows


def scores(run: Path, plan: Plan) -> Iterator[Scores]:
    """The model's on the held-out documents and on those of `transfer`, then each baseline's on the same."""
    held_out = [row for row in rows.read(run / "corpus" / rows.HELD_OUT) if text_of(row)]
    sets = {"held out": held_out} | {name: _others(run / name) for name in plan.evaluate.transfer}
    folder = run / "train" / MODEL
    model, words = llama.load(folder).to(distributed.here().device), tokenizer.load(folder)
    for on, found in sets.items():
        foretold = _rows(found, lambda text: bits(model, words, text.decode()))
        yield Scores(f"own/{plan.name}", METRIC, "lower", 0.0, 8.0, tuple(foretold), on)
    learnt = [text_of(row).encode() for row in rows.read(run / "corpus" / rows.TRAIN)]
    grams = Mixture(learnt)
    for on, found in sets.items():
        given = _given_first(learnt, found)
        ways = {
            f"n-grams to order {ORDERS}, mixed": grams.bits,
            f"xz, after {len(given) // 1000} kB": _added(_xz, given),
            f"zstd, after {len(given) // 1000} kB": _added(_zstd, given),
        }
        for subject, way in ways.items():
            yield Scores(subject, METRIC, "lower", 0.0, 8.0, tuple(_rows(found, way)), on, baseline=True)


def bits(model: Llama, words: Tokenizer, text: str) -> float:
    """How many bits a document and its end take; each token sees half a context before it, where there is so much."""
    end = tokenizer.end_of(words)
    coded = torch.tensor([end, *words.encode(text, add_special_tokens=False).ids, end])
    context, step = model.shape.context, max(1, model.shape.context // 2)
    begins = [0, *range(step, len(coded) - 1 - (context - step), step)]
    windows = [(coded[at : at + context + 1], 0 if at == 0 else context - step) for at in begins]
    nats = sum(_nats(model, windows[at : at + _AT_ONCE]) for at in range(0, len(windows), _AT_ONCE))
    return nats / math.log(2)


@torch.no_grad()
def _nats(model: Llama, windows: Sequence[tuple[Tensor, int]]) -> float:
    """Of each window, from its first place that counts on. A document's windows are of one length, but for the last."""
    batch = packed([window for window, _ in windows])
    device = next(model.parameters()).device
    logits = model(batch.tokens.to(device), batch.lengths).cpu()
    each = functional.cross_entropy(logits, batch.targets, reduction="none")
    counts = torch.cat([torch.arange(len(window) - 1) >= first for window, first in windows])
    return float(each.double()[counts].sum())


def _rows(found: Sequence[Row], bits_of: Callable[[bytes], float]) -> Iterator[RowScore]:
    for row in found:
        text = text_of(row).encode()
        yield RowScore(row.id, row.cluster or row.id, bits_of(text), len(text))


def _others(path: Path) -> list[Row]:
    """The documents of another file; its licence does not matter, as nothing is learnt from it."""
    return [row for row in documents.read([path], "proprietary", Drops()) if text_of(row)]


def _given_first(learnt: Sequence[bytes], found: Sequence[Row]) -> bytes:
    """The end of the corpus, as much as there is time for."""
    size = max(1, WORKED_BYTES // max(1, len(found)))
    return b"\n".join(learnt)[-size:]


def _added(compressed: Callable[[bytes], int], given: bytes) -> Callable[[bytes], float]:
    before = compressed(given)
    return lambda text: 8.0 * max(1, compressed(given + text) - before)


def _xz(text: bytes) -> int:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 25}]
    return len(lzma.compress(text, lzma.FORMAT_RAW, filters=filters))


def _zstd(text: bytes) -> int:
    return len(pyarrow.Codec("zstd", compression_level=19).compress(text))
