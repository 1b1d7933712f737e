"""Checkpoints in the form of Hugging Face's folders: those that lie on this machine, and a small one made here.

The small one is Llama-shaped, has a tokenizer and a chat template, and knows nothing yet: by it adaptation, publication
and serving are tried out without fetching anything.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import torch
from msgspec import Struct
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from freehold.own.plan import Plan
from freehold.own.train.knobs import Adapt
from freehold.own.train.tokenizer import learn
from freehold.vocabulary.errors import BadRequest

BEGIN, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
# ChatML: a turn is its role and its text between two marks.
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


class Shape(Struct, frozen=True):
    """How large it is."""

    vocabulary: int = 512  # tokens, at most; 256 bytes and three marks are the least
    layers: int = 2
    width: int = 64  # a multiple of 32, in which GGUF quantises
    heads: int = 4
    key_heads: int = 2
    context: int = 512  # tokens


def make(folder: Path, texts: Iterable[str], shape: Shape | None = None, seed: int = 0) -> None:
    """Learn a tokenizer from texts, draw weights, and save both."""
    shape = shape or Shape()
    tokenizer = byte_level(texts, shape.vocabulary)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        intermediate_size=shape.width * 3,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        max_position_embeddings=shape.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    logging.disable_progress_bar()
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def byte_level(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer that has seen these texts, and writes ChatML."""
    learnt = learn(texts, vocabulary, (BEGIN, END, PAD))
    learnt.encode_special_tokens = False  # a template writes its marks as text
    made = PreTrainedTokenizerFast(tokenizer_object=learnt, eos_token=END, pad_token=PAD)
    made.chat_template = CHATML
    return made


def checkpoint_of(run: Path, plan: Plan) -> Path:
    """The checkpoint's folder. Raises BadRequest where none is there."""
    folder = run / cast(Adapt, plan.training()).checkpoint
    if not (folder / "config.json").exists():
        raise BadRequest(
            f"{folder} holds no checkpoint",
            remedy="Set `checkpoint` in [train] to a folder with config.json, relative to the run's.",
        )
    return folder


def load(folder: Path) -> PreTrainedModel:
    """A causal language model from a local folder, in float32; nothing is fetched and no code of its own is run."""
    logging.disable_progress_bar()
    found: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, trust_remote_code=False
    )
    return found
