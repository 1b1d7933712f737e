"""The recipe `genome`: windows of either strand, and what is learnt from them."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from freehold.own.artefact import Kind, read
from freehold.own.dna import BASES, codes, letters, reverse_complement
from freehold.own.plan import load_plan
from freehold.own.train import progress
from freehold.own.train.knobs import Genome
from freehold.vocabulary.errors import BadRequest
from tests.own.genome_runs import PLAN, make

if TYPE_CHECKING:
    from freehold.own.train.genome import Windows

KNOBS = Genome(batch=12, layers=1, width=8, heads=1, kmer_width=4, context=12)
LEARNT = "ACGTTGCAACGGTCATTACGGATCCATGCNNNNNNTTGACAGCTAGCTCAGTCCTAGGTATAATGCTAGC"


def windows(*texts: str, seed: int = 0) -> "Windows":
    import torch

    from freehold.own.genome_network import Network, Shape
    from freehold.own.train.genome import Windows

    torch.set_num_threads(1)
    network = Network(Shape(KNOBS.k, KNOBS.layers, KNOBS.width, KNOBS.heads, KNOBS.kmer_width))
    return Windows(network, [codes(text) for text in texts], KNOBS, seed)


def text_of(tokens: list[int]) -> str:
    return "".join(
        "".join(BASES[one // place % 4] for place in (16, 4, 1)) if one >= 0 else "..." for one in tokens
    )


def test_a_batch_follows_from_its_step_whoever_works_which_rows() -> None:
    task, same, other = windows(LEARNT), windows(LEARNT), windows(LEARNT, seed=1)
    whole = task.batch(7, range(12))

    assert whole.equal(same.batch(7, range(12)))
    assert whole[4:9].equal(same.batch(7, range(4, 9)))
    assert not whole.equal(task.batch(8, range(12)))
    assert not whole.equal(other.batch(7, range(12)))


def test_windows_are_of_both_strands_at_any_phase() -> None:
    text = LEARNT.replace("N", "")
    strands = (text, letters(reverse_complement(codes(text))))
    found = [
        text_of(tokens) for step in range(20) for tokens in windows(text).batch(step, range(12)).tolist()
    ]

    for strand in strands:
        places = {strand.find(one) % 3 for one in found if one in strand}
        assert places == {0, 1, 2}
    assert all(one in strands[0] or one in strands[1] for one in found)
    assert {len(one) for one in found} == {15}


def test_what_is_not_known_is_not_asked_for_and_of_a_run_of_it_one_base_is_left() -> None:
    task = windows(LEARNT)
    batches = [task.batch(step, range(12)) for step in range(20)]
    seen = {text_of(tokens) for batch in batches for tokens in batch.tolist()}

    assert any("..." in one for one in seen)
    assert max(one.count("...") for one in seen) == 1
    for batch in batches:
        nats, targets = task.loss(batch)
        assert targets == int((batch[:, 1:] >= 0).sum())
        assert float(nats.detach()) == pytest.approx(targets * np.log(64), rel=1e-5)  # it has learnt nothing


def test_matrices_of_the_blocks_are_changed_by_muon_and_embeddings_at_the_full_rate() -> None:
    task = windows(LEARNT)
    groups = {name: task.group(name, weight) for name, weight in task.model.named_parameters()}

    muon = {name for name, group in groups.items() if group.muon}
    assert muon == {f"blocks.0.{name}" for name in ("query_key_value", "out", "up", "down")}
    assert {name for name, group in groups.items() if not group.muon and group.share == 1.0} == {
        "token.weight",
        "kmer.weight",
    }


def test_less_than_a_window_is_too_little() -> None:
    with pytest.raises(BadRequest, match="holds 15 bases, less than one window of 15"):
        windows(LEARNT[:15])


@pytest.mark.parametrize("knobs", ["width = 18\nheads = 2", "context = 50", "context = 9"])
def test_knobs_that_do_not_go_together_are_named(tmp_path: Path, knobs: str) -> None:
    from freehold.own.train.genome import train

    plan = load_plan(make(tmp_path))
    changed = msgspec.structs.replace(plan, train=plan.train | msgspec.toml.decode(knobs.encode()))

    with pytest.raises(BadRequest, match="do not go together"):
        train(tmp_path, changed, tmp_path, lambda step: None)


@pytest.mark.slow  # PyTorch is imported, and a network trained
def test_a_network_learns_what_comes_again_and_its_folder_says_what_it_is(tmp_path: Path) -> None:
    from freehold.own.genome import Genome as Reader
    from freehold.own.train.training import train
    from tests.own.genome_runs import repeats

    run = make(tmp_path / "run")
    assert train(run, load_plan(run), lambda step: None) is True

    made = read(run / "train/model")
    assert (made.name, made.kind, made.context, made.seed) == ("coli", Kind.GENOME, 48, 3)
    assert made.about == {"k": 6, "layers": 1, "width": 16, "heads": 1, "kmer_width": 8}
    losses = [one.loss for one in progress.read(run / "train" / progress.FILE)]
    assert losses[0] == pytest.approx(np.log(64), rel=0.01)
    assert losses[-1] < 0.7 * losses[0]
    reader = Reader.load(run / "train/model")
    assert reader.bits(repeats(600, 1)).mean() < 1.4
    assert reader.bits(reverse_complement(repeats(600, 1))).mean() < 1.4
    again = make(tmp_path / "again", PLAN)
    train(again, load_plan(again), lambda step: None)
    assert (again / "train/model/model.safetensors").read_bytes() == (
        run / "train/model/model.safetensors"
    ).read_bytes()
