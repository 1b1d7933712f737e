"""Conversations as tokens, by a checkpoint's own chat template, and which of the tokens are answers."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jinja2 import TemplateError
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from freehold.own.rows import Turn
from freehold.own.train.checkpoints import load_tokenizer
from freehold.vocabulary.errors import BadRequest

ANSWERS = "assistant"


class Worked(NamedTuple):
    """One conversation."""

    tokens: tuple[int, ...]
    answers: tuple[bool, ...]  # whether each token is an answer's: from its first up to the mark that ends it
    spoken: int  # bytes of the answers that count, without those marks


class Batch(NamedTuple):
    """Some rows of tokens. What a row is filled up with counts for nothing."""

    tokens: Tensor  # rows x length
    positions: Tensor  # in its conversation
    targets: Tensor  # each token's next, where that is an answer's; NO_TARGET elsewhere


NO_TARGET = -100


def tokenizer_of(checkpoint: Path) -> PreTrainedTokenizerBase:
    """A checkpoint's tokenizer. Raises BadRequest where it cannot write conversations down."""
    found = load_tokenizer(checkpoint)
    if not found.chat_template:
        raise BadRequest(
            f"{checkpoint} has no chat template",
            remedy="Put its publisher's chat_template.jinja beside its tokenizer, or take its chat version.",
        )
    if not found.is_fast:
        raise BadRequest(f"{checkpoint} has no tokenizer.json", remedy="Convert its tokenizer to that form.")
    return found


def worked(turns: Sequence[Turn], tokenizer: PreTrainedTokenizerBase) -> Worked:
    """A conversation as its template writes it.

    An answer is what follows the template's prompt for one, up to its last letter or mark: what the model would have
    to write. An answer that the template changes when more turns follow it (some drop thoughts) does not count.
    """
    whole = _written(turns, tokenizer)
    spans: list[tuple[int, int]] = []
    spoken = 0
    for place, turn in enumerate(turns):
        if turn.role == ANSWERS:
            asked = _written(turns[:place], tokenizer, prompt=True)
            answered = _written(turns[: place + 1], tokenizer).rstrip()
            if whole.startswith(answered) and answered.startswith(asked):
                spans.append((len(asked), len(answered)))
                spoken += len(turn.text.encode())
    encoded = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
    return Worked(
        tuple(encoded["input_ids"]),
        tuple(
            any(begin <= first and last <= end for begin, end in spans)
            for first, last in encoded["offset_mapping"]
        ),
        spoken,
    )


def _written(turns: Sequence[Turn], tokenizer: PreTrainedTokenizerBase, *, prompt: bool = False) -> str:
    if not turns and not prompt:
        return ""
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt))
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise BadRequest(
            f"the checkpoint's chat template cannot write a conversation: {error}",
            remedy="Some want turns to alternate, or no system's. Correct the template, or leave such ones out.",
        ) from None


def packed(conversations: Sequence[Worked], context: int) -> list[tuple[Worked, ...]]:
    """Conversations in rows of at most `context` tokens, each whole; the longest first, where least room is left.

    "Best fit decreasing": Johnson, "Near-optimal bin packing algorithms", 1973.
    """
    rows: list[list[Worked]] = []
    room: list[tuple[int, int]] = []  # tokens left, and in which row; sorted
    for one in sorted(conversations, key=lambda it: len(it.tokens), reverse=True):
        place = bisect_left(room, (len(one.tokens), 0))
        if place == len(room):
            rows.append([one])
            insort(room, (context - len(one.tokens), len(rows) - 1))
        else:
            left, row = room.pop(place)
            rows[row].append(one)
            insort(room, (left - len(one.tokens), row))
    return [tuple(row) for row in rows]


def cut(one: Worked, context: int) -> Worked:
    """Its first tokens."""
    return one._replace(tokens=one.tokens[:context], answers=one.answers[:context])


def batch_of(rows: Sequence[Sequence[Worked]], fill: int, device: torch.device) -> Batch:
    """Rows as tensors, all as long as the longest. Positions begin anew with each conversation, and with the filling:
    by that transformers' models tell that one must not look into another."""
    length = max(sum(len(one.tokens) for one in row) for row in rows)
    lines = [_line(row, length, fill) for row in rows]
    columns = (torch.tensor(column, device=device) for column in zip(*lines, strict=True))
    return Batch(*columns)


def _line(row: Sequence[Worked], length: int, fill: int) -> tuple[list[int], list[int], list[int]]:
    tokens: list[int] = []
    positions: list[int] = []
    targets: list[int] = []
    for one in row:
        tokens += one.tokens
        positions += range(len(one.tokens))
        targets += _targets(one)
    rest = length - len(tokens)
    return tokens + [fill] * rest, [*positions, *range(rest)], targets + [NO_TARGET] * rest


def _targets(one: Worked) -> Iterator[int]:
    for token, counts in zip(one.tokens[1:], one.answers[1:], strict=True):
        yield token if counts else NO_TARGET
    yield NO_TARGET
