"""The recipe `text`: a causal language model from scratch, with a tokenizer of its own.

Documents, in another order each epoch, are laid end to end and cut into rows of `context` tokens, so that no row holds
padding; within a row no document sees another. Which row a step works follows from the seed alone.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from freehold.own import artefact, rows
from freehold.own.artefact import MODEL, Artefact, Kind
from freehold.own.plan import Plan
from freehold.own.stage import SCRATCH, inputs_of
from freehold.own.train import distributed, llama, tokenizer
from freehold.own.train.knobs import Text
from freehold.own.train.llama import Llama, Packed, Shape, packed
from freehold.own.train.loop import fit
from freehold.own.train.optimising import Group, usual
from freehold.own.train.progress import Say
from freehold.vocabulary.errors import BadRequest

_TOKENS, _STARTS = "tokens.u4", "starts.npy"  # in the scratch folder
_TOGETHER = 256  # documents that are put into tokens at once
_BYTES = 256


class Stream:
    """A corpus in tokens: each document begins with END, and END stands behind the last."""

    def __init__(self, tokens: NDArray[np.uint32], starts: NDArray[np.int64]) -> None:
        self.tokens, self.starts = tokens, starts
        self.sizes = np.diff(starts)  # targets of each document: its tokens and its END

    def rows(self, context: int) -> int:
        """How many rows an epoch has; what is left over at its end is not looked at in it."""
        return int(self.starts[-1]) // context


class Rows:
    """A model and the rows that it learns from; a `loop.Task`."""

    def __init__(self, model: Llama, stream: Stream, knobs: Text, seed: int) -> None:
        self.model: nn.Module = model
        self._stream, self._knobs, self._seed = stream, knobs, seed
        self._per_epoch = stream.rows(knobs.context)
        self._epoch = -1

    def batch(self, step: int, rows: range) -> Packed:
        """These rows of a step, in pieces of one document each."""
        pieces: list[Tensor] = []
        for row in rows:
            epoch, at = divmod(step * self._knobs.batch + row, self._per_epoch)
            self._turn_to(epoch)
            begin = int(self._order[at]) * self._knobs.context
            pieces.extend(self._pieces(begin, begin + self._knobs.context))
        return packed(pieces)

    def loss(self, batch: Packed) -> tuple[Tensor, int]:
        """Nats of the tokens."""
        device = next(self.model.parameters()).device
        nats: Tensor = self.model(batch.tokens.to(device), batch.lengths, batch.targets.to(device))
        return nats, len(batch.targets)

    def group(self, name: str, weight: nn.Parameter) -> Group:
        """As usual."""
        return usual(name, weight, self._knobs)

    def _turn_to(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        drawn = np.random.default_rng((self._seed, epoch))
        self._epoch = epoch
        self._documents = drawn.permutation(len(self._stream.sizes))
        self._ends = np.cumsum(self._stream.sizes[self._documents])
        self._order = drawn.permutation(self._per_epoch)

    def _pieces(self, begin: int, end: int) -> Iterator[Tensor]:
        """What stands there in this epoch's order, with the token behind each piece."""
        at = int(np.searchsorted(self._ends, begin, side="right"))
        while begin < end:
            document = self._documents[at]
            left = int(self._ends[at]) - begin
            taken = min(left, end - begin)
            first = int(self._stream.starts[document + 1]) - left
            piece = self._stream.tokens[first : first + taken + 1]
            yield torch.from_numpy(piece.astype(np.int64))
            begin, at = begin + taken, at + 1


def train(run: Path, plan: Plan, folder: Path, say: Say) -> None:
    """Train on RUN/corpus and put the model in `folder`. Raises BadRequest for knobs or a corpus that cannot be."""
    knobs = msgspec.convert(plan.train, Text)
    _check(knobs)
    words, stream = _in_tokens(run / "corpus" / rows.TRAIN, folder / SCRATCH, knobs)
    if not stream.rows(knobs.context):
        raise BadRequest(
            f"the corpus holds {stream.starts[-1]} tokens, less than one row of {knobs.context}",
            remedy="Give it more documents, or set train.context lower.",
        )
    torch.manual_seed(plan.seed)
    shape = Shape(words.get_vocab_size(), knobs.width, knobs.layers, knobs.heads, knobs.context)
    model = Llama(shape)
    parameters = sum(weight.numel() for weight in model.parameters())
    fitted = fit(Rows(model, stream, knobs, plan.seed), knobs, folder, plan.seed, say)
    if not distributed.here().first:
        return
    target = folder / MODEL
    target.mkdir(exist_ok=True)
    llama.save(target, shape, fitted.weights, tokenizer.end_of(words))
    tokenizer.save(target, words, knobs.context)
    made_of = Artefact(
        name=plan.name,
        kind=Kind.LANGUAGE,
        recipe=plan.recipe,
        licence=plan.licence,
        parameters=parameters,
        context=knobs.context,
        inputs=inputs_of(run, "corpus"),
        seed=plan.seed,
        about={"vocabulary": shape.vocabulary, "steps": fitted.steps, "tokens": fitted.tokens},
    )
    artefact.write(target, made_of)


def text_of(row: rows.Row) -> str:
    """A row as one text; the turns of a conversation one below the other."""
    return row.text or "\n".join(turn.text for turn in row.turns)


def _check(knobs: Text) -> None:
    if knobs.width % (2 * knobs.heads):
        raise BadRequest(
            f"train.width {knobs.width} cannot be shared by {knobs.heads} heads of an even size",
            remedy=f"Set train.width to a multiple of {2 * knobs.heads}.",
        )
    if knobs.vocabulary <= _BYTES:
        raise BadRequest(
            f"train.vocabulary {knobs.vocabulary} is too small: each of {_BYTES} bytes and the end are tokens",
            remedy="Set train.vocabulary to 512 or more.",
        )


def _in_tokens(corpus: Path, scratch: Path, knobs: Text) -> tuple[Tokenizer, Stream]:
    """The tokenizer and the corpus in its tokens: made by the first process, once, and read by all."""
    world = distributed.here()
    if world.first and not (scratch / _STARTS).exists():
        scratch.mkdir(exist_ok=True)
        words = tokenizer.learn((text_of(row) for row in rows.read(corpus)), knobs.vocabulary)
        tokenizer.save(scratch, words, knobs.context)
        starts = _write_tokens(words, (text_of(row) for row in rows.read(corpus)), scratch / _TOKENS)
        unfinished = scratch / f"unfinished-{_STARTS}"
        np.save(unfinished, starts)
        unfinished.rename(scratch / _STARTS)  # last: where it is, all else is whole
    world.wait()
    tokens = np.memmap(scratch / _TOKENS, dtype=np.uint32, mode="r")
    return tokenizer.load(scratch), Stream(tokens, np.load(scratch / _STARTS))


def _write_tokens(words: Tokenizer, texts: Iterable[str], path: Path) -> NDArray[np.int64]:
    """Write each document's tokens behind END, and END behind the last; where each begins, and where all end."""
    end, starts = tokenizer.end_of(words), [0]
    with path.open("wb") as file:
        left = iter(texts)
        while some := list(islice(left, _TOGETHER)):
            for coded in words.encode_batch(some, add_special_tokens=False):
                np.array([end, *coded.ids], np.uint32).tofile(file)
                starts.append(starts[-1] + 1 + len(coded.ids))
        np.array([end], np.uint32).tofile(file)
    return np.array(starts, np.int64)
