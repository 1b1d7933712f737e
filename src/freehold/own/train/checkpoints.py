"""Checkpoints in the form of Hugging Face's folders: those that lie on this machine, and a small one made here.

The small one is Llama-shaped, has a tokenizer and a chat template, and knows nothing yet: by it adaptation, publication
and serving are tried out without fetching anything.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from msgspec import Struct
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from freehold.own.plan import Plan
from freehold.own.train.knobs import Adapt
from freehold.own.train.tokenizer import learn
from freehold.vocabulary.errors import BadRequest

BEGIN, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
_ADAPTER, _INDEX = "adapter_config.json", "model.safetensors.index.json"
_AS_DATA = {"local_files_only": True, "trust_remote_code": False}
_WANTED = "Take a whole checkpoint with safetensors: pickled weights, and code that comes along, are not run."
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


def load(folder: Path, dtype: torch.dtype | str = torch.float32) -> PreTrainedModel:
    """A causal language model from a local folder; nothing is fetched, unpickled or run that comes with it.

    Raises BadRequest where that cannot be, and where weights would come from outside of the folder.
    """
    logging.disable_progress_bar()
    if (folder / _ADAPTER).exists():
        raise BadRequest(
            f"{folder} is an adapter to another checkpoint", remedy="Merge it into that one first."
        )
    with _whatever_is_wrong_told(folder):
        if (folder / _INDEX).exists():
            _see_index(json.loads((folder / _INDEX).read_bytes()))
        found: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, **_AS_DATA
        )
        return found


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """A checkpoint's tokenizer, in the same way. Raises BadRequest."""
    with _whatever_is_wrong_told(folder):
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, **_AS_DATA)
        return found


def _see_index(index: Mapping[str, Mapping[str, str]]) -> None:
    if outside := [name for name in index["weight_map"].values() if Path(name).name != name]:
        raise ValueError(f"its weights would be read from {outside[0]}")


@contextmanager
def _whatever_is_wrong_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # transformers raises whatever a damaged or strange checkpoint brings it to
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadRequest(f"{folder} cannot be loaded: {why}", remedy=_WANTED) from None
