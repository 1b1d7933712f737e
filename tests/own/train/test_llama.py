"""Sequences of any lengths, end to end: each is worked as if it were alone, and as transformers works it."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def model() -> Any:
    import torch

    from freehold.own.train.llama import Llama, Shape

    torch.set_num_threads(1)
    torch.manual_seed(0)
    found = Llama(Shape(vocabulary=300, width=32, layers=2, heads=2, context=16))
    for weight in found.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return found.eval()


@pytest.fixture(scope="module")
def sequences() -> list[Any]:
    import torch

    drawn = torch.Generator().manual_seed(1)
    return [torch.randint(0, 300, (length,), generator=drawn) for length in (5, 17, 9, 5, 2)]


def test_a_sequence_among_others_is_worked_as_if_alone(model: Any, sequences: list[Any]) -> None:
    import torch

    from freehold.own.train.llama import packed

    together = packed(sequences)
    alone = [packed([one]) for one in sorted(sequences, key=len, reverse=True)]
    logits = torch.cat([model(one.tokens, one.lengths) for one in alone])
    nats = sum(model(one.tokens, one.lengths, one.targets) for one in alone)

    assert together.lengths.tolist() == [16, 8, 4, 4, 1]
    assert torch.allclose(model(together.tokens, together.lengths), logits, atol=1e-5)
    assert torch.allclose(model(together.tokens, together.lengths, together.targets), nats, rtol=1e-5)


def test_documents_of_other_lengths_are_not_compiled_for_anew(model: Any) -> None:
    import torch
    from torch._dynamo.testing import CompileCounter

    counter = CompileCounter()
    compiled: Any = torch.compile(model, backend=counter)
    tokens = torch.arange(30)
    counts = []
    for each in ([16, 14], [10, 8, 7, 5], [15, 15], [12, 9, 9], [14, 12, 3, 1], [13, 9, 4, 3, 1]):
        lengths = torch.tensor(each)
        found = compiled(tokens, lengths)
        counts.append(counter.frame_count)

    assert counts[1] == counts[-1] > 0, counts  # at the second it is seen that there may be any number
    assert torch.allclose(found, model(tokens, lengths), atol=1e-5)


def test_what_follows_changes_nothing_before(model: Any, sequences: list[Any]) -> None:
    import torch

    tokens = sequences[1][:-1]
    changed = tokens.clone()
    changed[10:] = 7

    assert torch.equal(model(tokens, torch.tensor([16]))[:10], model(changed, torch.tensor([16]))[:10])


@pytest.mark.slow  # transformers takes seconds to import
def test_transformers_reads_the_files_and_finds_the_same(
    model: Any, sequences: list[Any], tmp_path: Path
) -> None:
    import torch
    from transformers import LlamaForCausalLM

    from freehold.own.train import llama

    llama.save(tmp_path, model.shape, model.state_dict(), end=0)
    theirs = LlamaForCausalLM.from_pretrained(tmp_path)

    for one in sequences:
        tokens = one[:-1]
        ours = model(tokens, torch.tensor([len(tokens)]))
        assert torch.allclose(theirs(tokens[None]).logits[0], ours, atol=1e-4)
    read = llama.load(tmp_path)
    assert all(torch.equal(weight, model.state_dict()[name]) for name, weight in read.state_dict().items())
