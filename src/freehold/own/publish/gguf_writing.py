"""A checkpoint in Hugging Face's form as one GGUF file, for llama.cpp: weights, tokenizer and chat template.

Does Llama-shaped models (Llama, Mistral without a window, Qwen 2 and 3) with a byte-level BPE tokenizer that splits
words as llama.cpp can. What it cannot say exactly it refuses, with the reason.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import numpy as np
import torch
from gguf import GGUFWriter, TokenType
from numpy.typing import NDArray
from safetensors import safe_open
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from freehold.own.publish.quantising import FILE_TYPES, Quantisation, stored
from freehold.vocabulary.errors import BadRequest

_REMEDY = "It can be served as it is, by transformers or vLLM: `engine` in [publish]."
_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CLITICS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
# How a tokenizer splits words -> llama.cpp's name of it (LLAMA_VOCAB_PRE_TYPE in its src/llama-vocab.cpp).
_SPLITS = {
    _CLITICS + _WORDS % r"\p{N}{1,3}": "llama-bpe",
    _CLITICS + _WORDS % r"\p{N}": "qwen2",
}


class _Shape(NamedTuple):
    arch: gguf.MODEL_ARCH
    interleaved: bool  # whether llama.cpp turns neighbouring numbers of a head, and not its two halves


_SHAPES = {
    "llama": _Shape(gguf.MODEL_ARCH.LLAMA, True),
    "mistral": _Shape(gguf.MODEL_ARCH.LLAMA, True),
    "qwen2": _Shape(gguf.MODEL_ARCH.QWEN2, False),
    "qwen3": _Shape(gguf.MODEL_ARCH.QWEN3, False),
}


def write(folder: Path, target: Path, quantisation: Quantisation, name: str, licence: str) -> None:
    """Write it. Raises BadRequest where llama.cpp would read something else than what is there."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    shape = _shape(config)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    split = _split(json.loads((folder / "tokenizer.json").read_bytes()))
    writer = GGUFWriter(target, gguf.MODEL_ARCH_NAMES[shape.arch])
    writer.add_name(name)
    writer.add_license(licence)
    writer.add_file_type(FILE_TYPES[quantisation])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_sizes(writer, config)
    _add_tokenizer(writer, tokenizer, split, config.vocab_size, folder)
    names = gguf.get_tensor_name_map(shape.arch, config.num_hidden_layers)
    for given, weights in _tensors(folder):
        if config.tie_word_embeddings and given == "lm_head.weight":
            continue
        known = names.get_name(given, try_suffixes=(".weight", ".bias"))
        if known is None:
            raise BadRequest(f"llama.cpp has no place for {given} in a {config.model_type}", remedy=_REMEDY)
        data = stored(known, _turned(given, weights, config) if shape.interleaved else weights, quantisation)
        writer.add_tensor(known, data.data, raw_dtype=data.type)
    if (factors := _frequency_factors(config)) is not None:
        writer.add_tensor("rope_freqs.weight", factors)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shape(config: PretrainedConfig) -> _Shape:
    shape = _SHAPES.get(config.model_type)
    if shape is None:
        raise BadRequest(f"a {config.model_type} is not Llama-shaped", remedy=_REMEDY)
    if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        raise BadRequest("attention within a window is not carried over", remedy=_REMEDY)
    if config.hidden_act != "silu":
        raise BadRequest(f"llama.cpp would take {config.hidden_act} for silu", remedy=_REMEDY)
    return shape


def _add_sizes(writer: GGUFWriter, config: PretrainedConfig) -> None:
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope = _rope(config)
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])


def _rope(config: PretrainedConfig) -> Mapping[str, Any]:
    """How positions are told. Raises BadRequest for a way that is not carried over."""
    told: Mapping[str, Any] = config.rope_parameters
    if told["rope_type"] not in ("default", "linear", "llama3") or told.get("partial_rotary_factor", 1) != 1:
        raise BadRequest(f"rotary embedding of type {told['rope_type']} is not carried over", remedy=_REMEDY)
    return told


def _frequency_factors(config: PretrainedConfig) -> NDArray[np.float32] | None:
    """By what Llama 3 slows each frequency; llama.cpp divides by it."""
    rope = _rope(config)
    if rope["rope_type"] != "llama3":
        return None
    slowed, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    exponents = torch.arange(0, 1, 1 / len(slowed), dtype=torch.float64)[: len(slowed)]
    plain = rope["rope_theta"] ** -exponents
    factors: NDArray[np.float32] = (plain / slowed.double()).float().numpy()
    return factors


def _turned(name: str, weights: NDArray[np.float32], config: PretrainedConfig) -> NDArray[np.float32]:
    """Queries and keys in the order of llama.cpp: it turns numbers 2i and 2i+1 of a head, where Hugging Face's code
    turns i and i + half a head."""
    if not name.startswith("model.layers.") or name.split(".")[-2] not in ("q_proj", "k_proj"):
        return weights
    heads = config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads
    halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(weights.shape)


def _tensors(folder: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in sorted(file.keys()):
                yield name, file.get_tensor(name).float().numpy()


def _split(tokenizer: Mapping[str, Any]) -> str:
    """llama.cpp's name of how this tokenizer splits words. Raises BadRequest where it has none."""
    model, first = tokenizer["model"], tokenizer.get("pre_tokenizer") or {}
    steps = first.get("pretokenizers", [first])
    found = None
    if model["type"] == "BPE" and not any(step.get("add_prefix_space") for step in steps):
        match [(step["type"], step) for step in steps if "type" in step]:
            case [("ByteLevel", {"use_regex": True})]:
                found = "gpt-2"
            case [("Split", {"pattern": {"Regex": pattern}}), ("ByteLevel", {"use_regex": False})]:
                found = _SPLITS.get(pattern)
    if found is None or model.get("ignore_merges", False) != (found == "llama-bpe"):
        raise BadRequest("llama.cpp would split words unlike this tokenizer", remedy=_REMEDY)
    if tokenizer.get("normalizer") not in (None, {"type": "NFC"}):
        raise BadRequest("llama.cpp would not normalise text as this tokenizer does", remedy=_REMEDY)
    return found


def _add_tokenizer(
    writer: GGUFWriter, tokenizer: PreTrainedTokenizerBase, split: str, rows: int, folder: Path
) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    words = {number: word for word, number in tokenizer.get_vocab().items()}
    added = {number: token.special for number, token in tokenizer.added_tokens_decoder.items()}
    tokens, types = [], []
    for number in range(rows):
        tokens.append(words.get(number, f"[PAD{number}]"))
        if number not in words:
            types.append(TokenType.UNUSED)
        elif number in added:
            types.append(TokenType.CONTROL if added[number] else TokenType.USER_DEFINED)
        else:
            types.append(TokenType.NORMAL)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    special = gguf.SpecialVocab(folder, load_merges=True, n_vocab=rows)
    special.add_special_token["bos"] = tokenizer("a").input_ids[:1] == [tokenizer.bos_token_id]
    special.chat_template = tokenizer.chat_template
    special.add_to_gguf(writer, quiet=True)
