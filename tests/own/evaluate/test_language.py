"""Bits per byte of a language model, and of compressors that have read the corpus."""

import math
from pathlib import Path
from typing import Any

import pytest

from freehold.own.plan import load_plan
from tests.own.train.writing import PLAN, make, texts

SETS = ("held out", "other.txt")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from freehold.own.train.training import train

    folder = tmp_path_factory.mktemp("run")
    plan = PLAN + '[evaluate]\ntransfer = ["other.txt"]\n'
    (folder / "other.txt").write_text("\n\n".join(texts(3)) * 2)
    make(folder, plan)
    train(folder, load_plan(folder), lambda step: None)
    return folder


@pytest.fixture(scope="module")
def model(run: Path) -> Any:
    from freehold.own.train import llama, tokenizer

    return llama.load(run / "train/model"), tokenizer.load(run / "train/model")


def test_a_document_within_the_context_has_the_bits_of_its_tokens_and_its_end(model: Any) -> None:
    import torch

    from freehold.own.evaluate.language import bits
    from freehold.own.train.tokenizer import end_of

    network, words = model
    end, text = end_of(words), "The pump"
    coded = torch.tensor([end, *words.encode(text, add_special_tokens=False).ids, end])
    logits = network(coded[:-1], torch.tensor([len(coded) - 1])).log_softmax(-1)

    assert len(coded) <= 32
    assert bits(network, words, text) == pytest.approx(
        -logits.gather(1, coded[1:, None]).sum().item() / math.log(2), rel=1e-5
    )


@pytest.mark.parametrize("length", [1, 30, 31, 32, 33, 47, 48, 49, 100, 500])
def test_each_token_of_a_long_document_counts_once(model: Any, length: int) -> None:
    """With logits that are all alike, each token has the same bits, however the windows lie."""
    import torch

    from freehold.own.evaluate.language import bits

    network, words = model
    weight = network.lm_head.weight.detach().clone()
    with torch.no_grad():
        network.lm_head.weight.zero_()
        found = bits(network, words, "\n" * length)
        network.lm_head.weight.copy_(weight)
    tokens = len(words.encode("\n" * length, add_special_tokens=False).ids) + 1

    assert found == pytest.approx(tokens * math.log2(len(weight)), rel=1e-5)


def test_every_subject_scores_the_same_rows_of_each_set(run: Path) -> None:
    from freehold.own.evaluate.language import scores

    found = list(scores(run, load_plan(run)))

    assert [(one.subject.partition(",")[0], one.on, one.baseline) for one in found] == [
        *(("own/notes", on, False) for on in SETS),
        *((subject, on, True) for on in SETS for subject in ("n-grams to order 7", "xz", "zstd")),
    ]
    sizes = {one.on: [(row.id, row.cluster, row.weight) for row in one.rows] for one in found}
    assert all([(row.id, row.cluster, row.weight) for row in one.rows] == sizes[one.on] for one in found)
    assert len(sizes["held out"]) == 8
    per_byte = {
        one.subject: sum(row.value for row in one.rows) / sum(row.weight for row in one.rows) for one in found
    }
    assert all(0 < value < 10 for value in per_byte.values())
