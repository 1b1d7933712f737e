"""What counts of a conversation, and how conversations share rows."""

import string
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.rows import Turn

SYSTEM, ASK, TELL = (
    Turn("system", "Be brief."),
    Turn("user", "Which way?"),
    Turn("assistant", "Left, then up."),
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from freehold.own.train.checkpoints import byte_level

    return byte_level([string.printable, *(turn.text for turn in (SYSTEM, ASK, TELL))] * 3, 320)


def counted(turns: Sequence[Turn], tokenizer: Any) -> str:
    from freehold.own.train.conversing import worked

    one = worked(turns, tokenizer)
    pairs = zip(one.tokens, one.answers, strict=True)
    return str(tokenizer.decode([token for token, counts in pairs if counts]))


def test_only_an_answer_counts_up_to_the_mark_that_ends_it(tokenizer: Any) -> None:
    from freehold.own.train.conversing import worked

    one = worked([SYSTEM, ASK, TELL], tokenizer)

    assert tokenizer.decode(one.tokens) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nWhich way?<|im_end|>\n"
        "<|im_start|>assistant\nLeft, then up.<|im_end|>\n"
    )
    assert counted([SYSTEM, ASK, TELL], tokenizer) == "Left, then up.<|im_end|>"
    assert one.spoken == len("Left, then up.")


def test_each_answer_of_a_conversation_counts(tokenizer: Any) -> None:
    again = Turn("assistant", "Left, then up. Again: left, then up.")

    assert counted([ASK, TELL, ASK, again], tokenizer) == f"{TELL.text}<|im_end|>{again.text}<|im_end|>"


def test_nothing_counts_where_nobody_answers(tokenizer: Any) -> None:
    assert counted([SYSTEM, ASK], tokenizer) == ""


def test_an_answer_that_the_template_changes_later_does_not_count(tokenizer: Any) -> None:
    from copy import deepcopy

    forgetful = deepcopy(tokenizer)
    forgetful.chat_template = (
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' }}"
        "{{ m['content'] if loop.last or m['role'] == 'user' else '...' }}{{ '<|im_end|>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    )

    assert counted([ASK, TELL, ASK, TELL], forgetful) == "Left, then up.<|im_end|>"


texts = (
    st.text(st.characters(codec="utf-8", exclude_characters="<|>"), min_size=1).map(str.strip).filter(bool)
)


@given(asked=texts, told=texts)
def test_any_answer_counts_whole(tokenizer: Any, asked: str, told: str) -> None:
    assert counted([Turn("user", asked), Turn("assistant", told)], tokenizer) == f"{told}<|im_end|>"


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_packing_keeps_every_conversation_whole_and_within_the_row(lengths: list[int]) -> None:
    from freehold.own.train.conversing import Worked, packed

    given_ones = [Worked((number,) * length, (True,) * length, 1) for number, length in enumerate(lengths)]

    rows = packed(given_ones, 40)

    assert sorted(one for row in rows for one in row) == sorted(given_ones)
    assert all(sum(len(one.tokens) for one in row) <= 40 for row in rows)
    # No two rows would fit into one.
    filled = sorted(sum(len(one.tokens) for one in row) for row in rows)
    assert len(rows) < 2 or filled[0] + filled[1] > 40


def test_a_row_tells_its_conversations_apart() -> None:
    import torch

    from freehold.own.train.conversing import NO_TARGET, Worked, batch_of

    first, second = Worked((5, 6, 7), (False, True, True), 2), Worked((8, 9), (False, True), 1)

    batch = batch_of([(first, second), (second,)], 0, torch.device("cpu"))

    none = NO_TARGET
    assert batch.tokens.tolist() == [[5, 6, 7, 8, 9], [8, 9, 0, 0, 0]]
    assert batch.positions.tolist() == [[0, 1, 2, 0, 1], [0, 1, 0, 1, 2]]
    assert batch.targets.tolist() == [[6, 7, none, 9, none], [9, none, none, none, none]]
