"""A local checkpoint, adapted to conversations: its own chat template, and the loss on answers only.

By LoRA (https://arxiv.org/abs/2106.09685, with peft) on all linear layers but the last, or by all weights. What is
written is a whole checkpoint, with the difference merged into it, so that it is served like any other.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from freehold.own import artefact, rows
from freehold.own.artefact import MODEL, Artefact, Kind
from freehold.own.plan import Plan
from freehold.own.rows import Row
from freehold.own.stage import digest_of, inputs_of
from freehold.own.train import loop
from freehold.own.train.checkpoints import checkpoint_of, load
from freehold.own.train.conversing import (
    NO_TARGET,
    Batch,
    Worked,
    batch_of,
    cut,
    packed,
    tokenizer_of,
    worked,
)
from freehold.own.train.knobs import Adapt
from freehold.own.train.loop import Fitted
from freehold.own.train.optimising import Group
from freehold.own.train.progress import Say
from freehold.vocabulary.errors import BadRequest

_SAME = 1e-3  # logits of one conversation by itself and beside another, in float32, differ by less


def inputs(run: Path, plan: Plan) -> dict[str, str]:
    """The checkpoint's files, as inputs of the stage: name -> digest. Raises BadRequest where there is none."""
    folder = checkpoint_of(run, plan)
    return {
        f"checkpoint/{path.relative_to(folder).as_posix()}": digest_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def train(run: Path, plan: Plan, folder: Path, say: Say) -> None:
    """Adapt it, from where an earlier sitting ended, and write `folder`/model."""
    knobs, source = cast(Adapt, plan.training()), checkpoint_of(run, plan)
    tokenizer, base = tokenizer_of(source), load(source)
    longest = int(getattr(base.config, "max_position_embeddings", knobs.context))
    if knobs.context > longest:
        raise BadRequest(
            f"{source} sees {longest} tokens at most", remedy="Set `context` in [train] to that."
        )
    data = Conversations(rows.read(run / "corpus" / rows.TRAIN), tokenizer, knobs.context)
    task = Adapting(base, data, knobs, plan.seed, int(tokenizer.pad_token_id or 0))
    fitted = loop.fit(task, knobs, folder, plan.seed, say)
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        _write(folder / MODEL, source, knobs, fitted, tokenizer)
        artefact.write(folder / MODEL, _told(run, plan, task, fitted))


class Conversations:
    """What it is adapted to. Raises BadRequest where there is nothing to learn from."""

    def __init__(self, found: Iterable[Row], tokenizer: PreTrainedTokenizerBase, context: int) -> None:
        whole = [worked(row.turns, tokenizer) for row in found if row.turns]
        shown = [cut(one, context) for one in whole]
        self.all: Sequence[Worked] = [one for one in shown if any(one.answers[1:])]
        if not self.all:
            raise BadRequest(
                "the corpus holds no conversation with an answer",
                remedy="Give [corpus] a jsonl file with `messages`, or with `prompt` and `completion`.",
            )
        self.cut = sum(len(one.tokens) > context for one in whole)
        self.without_answer = len(shown) - len(self.all)


class Adapting:
    """A task of the loop: rows of conversations, in an order of each epoch that follows from the seed."""

    def __init__(
        self, base: PreTrainedModel, data: Conversations, knobs: Adapt, seed: int, fill: int
    ) -> None:
        self.data, self._knobs, self._seed, self._fill = data, knobs, seed, fill
        self.packs = keeps_apart(base, data.all)
        self.rows = packed(data.all, knobs.context) if self.packs else [(one,) for one in data.all]
        torch.manual_seed(seed)  # of LoRA's first weights
        self.model: nn.Module = with_lora(base, knobs.rank) if knobs.rank else base
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def batch(self, step: int, rows: range) -> Batch:
        """These rows of a step's batch."""
        places = [step * self._knobs.batch + row for row in rows]
        chosen = [self.rows[self._order(at // len(self.rows))[at % len(self.rows)]] for at in places]
        return batch_of(chosen, self._fill, next(self.model.parameters()).device)

    def loss(self, batch: Batch) -> tuple[Tensor, int]:
        """Nats of the answers' tokens, and their number."""
        logits = self.model(batch.tokens, position_ids=batch.positions, use_cache=False).logits
        wanted = batch.targets != NO_TARGET
        nats = functional.cross_entropy(logits[wanted].float(), batch.targets[wanted], reduction="sum")
        return nats, int(wanted.sum())

    def group(self, name: str, weight: nn.Parameter) -> Group:
        """AdamW for all of them: a checkpoint's matrices are where their training left them."""
        return Group(False, 1.0, self._knobs.weight_decay if weight.ndim > 1 else 0.0)

    def _shuffled(self, epoch: int) -> list[int]:
        return cast(
            "list[int]", np.random.default_rng((self._seed, epoch)).permutation(len(self.rows)).tolist()
        )


def with_lora(base: PreTrainedModel, rank: int) -> nn.Module:
    """The model with two thin matrices beside each linear layer, which alone are trained."""
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by a name that will change
        return get_peft_model(base, config)


@torch.no_grad()
def keeps_apart(model: PreTrainedModel, conversations: Sequence[Worked]) -> bool:
    """Whether a model reads a conversation alike by itself and after another in one row; if not, rows are filled up."""
    first, second = sorted([*conversations, conversations[0]], key=lambda one: len(one.tokens))[:2]
    model.eval()
    told = []
    for row in ((second,), (first, second)):
        batch = batch_of([row], 0, torch.device("cpu"))
        logits = model(batch.tokens, position_ids=batch.positions, use_cache=False).logits
        told.append(logits[0, -len(second.tokens) :])
    return bool((told[0] - told[1]).abs().max() < _SAME)


def _write(
    folder: Path, source: Path, knobs: Adapt, fitted: Fitted, tokenizer: PreTrainedTokenizerBase
) -> None:
    base = load(source)
    model = with_lora(base, knobs.rank) if knobs.rank else base
    model.load_state_dict(fitted.weights)
    if knobs.rank:
        model = cast(LoraModel, model).merge_and_unload()
    whole = cast(PreTrainedModel, model)
    whole.to(load(source, "auto").dtype).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _told(run: Path, plan: Plan, task: Adapting, fitted: Fitted) -> Artefact:
    knobs, source = cast(Adapt, plan.training()), checkpoint_of(run, plan)
    known = artefact.read(source) if (source / artefact.FILE).exists() else None
    weights = list(task.model.parameters())
    trained = sum(weight.numel() for weight in weights if weight.requires_grad)
    data = task.data
    counted = sum(sum(one.answers) for one in data.all) / sum(len(one.tokens) for one in data.all)
    about: Mapping[str, str | float | int] = {
        "method": f"LoRA of rank {knobs.rank}" if knobs.rank else "all weights",
        "weights_trained": trained,
        "conversations": len(data.all),
        "conversations_cut": data.cut,
        "conversations_without_answer": data.without_answer,
        "rows": f"{len(task.rows)}, {'packed' if task.packs else 'one conversation each, filled up'}",
        "share_of_tokens_that_are_answers": round(counted, 4),
        "loss_nats_per_token": round(fitted.loss, 4),
    }
    return Artefact(
        name=plan.name,
        kind=Kind.LANGUAGE,
        recipe=plan.recipe,
        licence=plan.licence,
        parameters=load(source).num_parameters(),
        context=int(getattr(task.model.config, "max_position_embeddings", knobs.context)),
        base=known.name if known else source.resolve().name,
        base_licence=knobs.checkpoint_licence or (known.licence if known else ""),
        inputs=inputs_of(run, "corpus") | inputs(run, plan),
        seed=plan.seed,
        about=about,
    )
