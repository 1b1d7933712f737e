"""A small Llama-shaped checkpoint in the form of Hugging Face's folders, with a tokenizer and a chat template.

It knows nothing yet. It is for trying adaptation, publication and serving out without fetching anything.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from msgspec import Struct
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

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
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def byte_level(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer that has seen these texts, and writes ChatML."""
    learnt = Tokenizer(BPE())
    learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learnt.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BEGIN, END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learnt.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=learnt, eos_token=END, pad_token=PAD)
    made.chat_template = CHATML
    return made
