"""A small checkpoint learns conversations, by LoRA or whole, and goes on exactly where it was ended."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from freehold.own import artefact, stage
from freehold.own.plan import Plan
from freehold.vocabulary.errors import BadRequest
from tests.own.train import adapting

KNOBS = {"steps": 12, "batch": 4, "context": 96, "learning_rate": 0.01, "rank": 4, "save_s": 3600.0}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Adapted by LoRA."""
    from freehold.own.train.training import train

    run = tmp_path_factory.mktemp("runs") / "plant"
    train(run, adapting.make(run, KNOBS), lambda _: None)
    return run


def losses(folder: Path) -> list[float]:
    from freehold.own.train import progress

    return [one.loss for one in progress.read(folder / progress.FILE)]


def test_it_learns_and_is_saved_whole(run: Path) -> None:
    import torch

    from freehold.own.train.checkpoints import load

    told = artefact.read(run / "train" / "model")
    adapted, base = load(run / "train" / "model"), load(run / "small")

    assert losses(run / "train")[-1] < losses(run / "train")[0] - 0.1
    assert (told.base, told.base_licence, told.about["method"]) == ("small", "", "LoRA of rank 4")
    assert told.about["rows"] == "7, packed"
    assert told.inputs["checkpoint/model.safetensors"] == stage.digest_of(run / "small" / "model.safetensors")
    assert adapted.num_parameters() == base.num_parameters() == told.parameters
    changed = {
        name
        for (name, after), before in zip(
            adapted.state_dict().items(), base.state_dict().values(), strict=True
        )
        if not torch.equal(after, before)
    }
    assert changed and all("_proj" in name for name in changed)


def test_its_answers_are_foretold_better_than_by_its_base(run: Path) -> None:
    from freehold.own.evaluate.adapted import scores

    own, base = scores(run, adapting.make(run, KNOBS))

    assert (own.subject, base.subject, base.baseline) == ("own/plant", "small, not adapted", True)
    assert (
        {row.id for row in own.rows}
        == {row.id for row in base.rows}
        == {f"{part}-2" for part in adapting.PARTS}
    )
    assert {row.cluster for row in own.rows} == set(adapting.PARTS)
    assert sum(row.value for row in own.rows) < sum(row.value for row in base.rows)
    assert all(row.weight == len(f"The {row.cluster} is in .") + n for row, n in zip(
        sorted(own.rows, key=lambda it: adapting.PARTS.index(it.cluster)), (6, 6, 8, 10) * 2, strict=True))  # fmt: skip


def test_what_a_base_makes_of_an_answer_does_not_depend_on_its_neighbours(run: Path) -> None:
    from freehold.own.evaluate.adapted import bits

    rows = [row for row in adapting.conversations() if row.id.endswith("2")]

    together = {one.id: one.value for one in bits(run / "small", rows)}

    for row in rows[:3]:
        [alone] = bits(run / "small", [row])
        assert together[row.id] == pytest.approx(alone.value, rel=1e-5)


@pytest.mark.parametrize("rank", [0, 4])
def test_a_training_that_was_ended_goes_on_as_if_it_had_not_been(tmp_path: Path, rank: int) -> None:
    from freehold.own.train import adapt

    knobs = {**KNOBS, "steps": 6, "rank": rank}
    plan = adapting.make(tmp_path, knobs)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    adapt.train(tmp_path, plan, whole, lambda _: None)

    with pytest.raises(KeyboardInterrupt):
        adapt.train(tmp_path, plan, cut, _ended_at(3))
    assert len(losses(cut)) == 4  # the step after the signal is its last
    adapt.train(tmp_path, plan, cut, lambda _: None)

    assert losses(whole) == losses(cut)
    weights = [(folder / "model" / "model.safetensors").read_bytes() for folder in (whole, cut)]
    assert weights[0] == weights[1]


def _ended_at(step: int) -> Any:
    import os
    import signal

    def say(progress: Any) -> None:
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGTERM)  # the loop saves, and ends

    return say


def test_a_model_that_reads_across_conversations_gets_one_a_row(run: Path) -> None:
    import torch

    from freehold.own.train.adapt import Conversations, keeps_apart
    from freehold.own.train.checkpoints import load
    from freehold.own.train.conversing import tokenizer_of

    data = Conversations(adapting.conversations(), tokenizer_of(run / "small"), 96)
    model = load(run / "small")
    assert keeps_apart(model, data.all)

    class Blurred(torch.nn.Module):
        """Adds to each token what came before it in its row."""

        def forward(self, tokens: Any, **_: object) -> Any:
            logits = model(tokens).logits
            return type("Told", (), {"logits": logits + logits.cumsum(1)})

    assert not keeps_apart(Blurred(), data.all)


def refused(tmp_path: Path, plan: Plan) -> BadRequest:
    from freehold.own.train.training import train

    with pytest.raises(BadRequest) as caught:
        train(tmp_path, plan, lambda _: None)
    return caught.value


def test_what_cannot_be_adapted_is_told(tmp_path: Path) -> None:
    from freehold.own import rows, stage

    assert "512 tokens at most" in str(refused(tmp_path, adapting.make(tmp_path, {**KNOBS, "context": 1024})))

    plan = adapting.make(tmp_path, KNOBS)
    (tmp_path / "small" / "chat_template.jinja").rename(tmp_path / "template")
    assert "has no chat template" in str(refused(tmp_path, plan))
    (tmp_path / "template").rename(tmp_path / "small" / "chat_template.jinja")

    (tmp_path / "corpus" / stage.RECORD).unlink()
    with stage.working(tmp_path, "corpus", plan.corpus, {}) as folder:
        rows.write(folder / rows.TRAIN, [rows.Row(id="1", text="Not a conversation.")])  # type: ignore[operator]
    assert "`messages`" in refused(tmp_path, plan).remedy

    (tmp_path / "small").rename(tmp_path / "elsewhere")
    assert "config.json" in refused(tmp_path, plan).remedy
