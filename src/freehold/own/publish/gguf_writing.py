"""A checkpoint in Hugging Face's form as one GGUF file, for llama.cpp: weights, tokenizer and chat template.

Does Llama-shaped models (Llama, Mistral, Qwen 2 and 3) with a byte-level BPE tokenizer that splits words as llama.cpp
can. What it cannot say exactly it refuses, with the reason.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import numpy as np
from gguf import GGUFWriter
from numpy.typing import NDArray

from freehold.own.publish.gguf_tokenizer import REMEDY, add_tokenizer
from freehold.own.publish.quantising import FILE_TYPES, Quantisation, stored
from freehold.own.publish.weights import weights
from freehold.vocabulary.errors import BadRequest


class _Shape(NamedTuple):
    arch: gguf.MODEL_ARCH
    interleaved: bool  # whether llama.cpp turns neighbouring numbers of a head, and not its two halves


_SHAPES = {
    "llama": _Shape(gguf.MODEL_ARCH.LLAMA, True),
    "mistral": _Shape(gguf.MODEL_ARCH.LLAMA, True),
    "qwen2": _Shape(gguf.MODEL_ARCH.QWEN2, False),
    "qwen3": _Shape(gguf.MODEL_ARCH.QWEN3, False),
}
_ROPES = ("default", "linear", "llama3")


def write(folder: Path, target: Path, quantisation: Quantisation, name: str, licence: str) -> None:
    """Write it. Raises BadRequest where llama.cpp would read something else than what is there."""
    config = json.loads((folder / "config.json").read_bytes())
    shape, rope = _shape(config), _rope(config)
    writer = GGUFWriter(target, gguf.MODEL_ARCH_NAMES[shape.arch], use_temp_file=True)
    writer.add_name(name)
    writer.add_license(licence)
    writer.add_file_type(FILE_TYPES[quantisation])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_sizes(writer, config, rope)
    add_tokenizer(writer, folder, config["vocab_size"])
    names = gguf.get_tensor_name_map(shape.arch, config["num_hidden_layers"])
    for given, whole in weights(folder):
        if given == "lm_head.weight" and config.get("tie_word_embeddings"):
            continue
        known = names.get_name(given, try_suffixes=(".weight", ".bias"))
        if known is None:
            raise BadRequest(f"llama.cpp has no place for {given} in this model", remedy=REMEDY)
        data = stored(known, _turned(given, whole, config) if shape.interleaved else whole, quantisation)
        writer.add_tensor(known, data.data, raw_dtype=data.type)
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", _frequency_factors(rope, _head(config)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shape(config: Mapping[str, Any]) -> _Shape:
    shape = _SHAPES.get(config["model_type"])
    if shape is None:
        raise BadRequest(f"a {config['model_type']} is not Llama-shaped", remedy=REMEDY)
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        raise BadRequest("its attention looks through a window", remedy=REMEDY)
    if config["hidden_act"] != "silu":
        raise BadRequest(f"llama.cpp would take {config['hidden_act']} for silu", remedy=REMEDY)
    return shape


def _rope(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """How positions are told: in one table, or, by transformers before 5, in two places."""
    older = {"rope_theta": config.get("rope_theta", 10_000.0), **(config.get("rope_scaling") or {})}
    told = {"rope_type": older.get("type", "default"), **older, **(config.get("rope_parameters") or {})}
    if told["rope_type"] not in _ROPES or told.get("partial_rotary_factor", 1.0) != 1.0:
        raise BadRequest(f"rotary embedding of type {told['rope_type']} is not carried over", remedy=REMEDY)
    return told


def _head(config: Mapping[str, Any]) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _add_sizes(writer: GGUFWriter, config: Mapping[str, Any], rope: Mapping[str, Any]) -> None:
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(_key_heads(config))
    writer.add_key_length(_head(config))
    writer.add_value_length(_head(config))
    writer.add_rope_dimension_count(_head(config))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])


def _key_heads(config: Mapping[str, Any]) -> int:
    return int(config.get("num_key_value_heads") or config["num_attention_heads"])


def _frequency_factors(rope: Mapping[str, Any], head: int) -> NDArray[np.float32]:
    """By what Llama 3 slows each frequency, from none for the fast to `factor` for the slow; llama.cpp divides by it.

    https://github.com/meta-llama/llama-models/blob/main/models/llama3/model.py, `apply_scaling`.
    """
    frequencies = float(rope["rope_theta"]) ** -(np.arange(0, head, 2) / head)
    turns = rope["original_max_position_embeddings"] * frequencies / (2 * np.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    kept = np.clip((turns - low) / (high - low), 0, 1)
    factors: NDArray[np.float32] = (1 / ((1 - kept) / rope["factor"] + kept)).astype(np.float32)
    return factors


def _turned(name: str, whole: NDArray[np.float32], config: Mapping[str, Any]) -> NDArray[np.float32]:
    """Queries and keys in llama.cpp's order: it turns numbers 2i and 2i + 1 of a head, Hugging Face's code i and half a
    head further."""
    part = name.split(".")[-2]
    if part not in ("q_proj", "k_proj"):
        return whole
    heads = config["num_attention_heads"] if part == "q_proj" else _key_heads(config)
    halves = whole.reshape(heads, 2, whole.shape[0] // heads // 2, *whole.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(whole.shape)
