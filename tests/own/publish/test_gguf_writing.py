"""A GGUF file says what its checkpoint says: read by llama.cpp where it is installed, and by gguf everywhere."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pytest

from freehold.own.publish.quantising import Quantisation
from freehold.vocabulary.errors import BadRequest

needs_llama_cpp = pytest.mark.skipif(
    find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed (freehold[llamacpp])"
)
SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "eos_token_id": 1,
    "bos_token_id": None,
    "pad_token_id": 2,
    "sliding_window": None,
}
LLAMA_3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama slowed as Llama 3": {"rope_parameters": LLAMA_3, "tie_word_embeddings": True},
    "llama with long steps": {
        "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 100.0},
        "head_dim": 32,
    },
    "mistral": {},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"head_dim": 32},
}
TEXT = "<|im_start|>user\nWhere's the 12345th   lazy dog, über\n\n there?<|im_end|>\n<|im_start|>assistant\n"


def checkpoint(folder: Path, kind: str, dtype: Literal["float32", "bfloat16"] = "float32") -> Any:
    """A model whose weights are far from zero, so that each matters; saved in pieces."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from freehold.own.train.checkpoints import byte_level

    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = byte_level(["the lazy dog is where the quick fox was, 12345 times over there"] * 9, 300)
    config = AutoConfig.for_model(
        kind.split(maxsplit=1)[0], **{**SHAPE, "vocab_size": 304, **KINDS.get(kind, {})}
    )
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "norm" in name else 0.0, 0.15)
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size="100KB")
    tokenizer.save_pretrained(folder)
    return model.float().eval(), tokenizer


def logprobs(model: Any, tokens: list[int]) -> Any:
    import torch

    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([tokens])).logits[0], -1).numpy()


def written(folder: Path, quantisation: Quantisation = "f32") -> Path:
    from freehold.own.publish import gguf_writing

    path = folder / "model.gguf"
    gguf_writing.write(folder, path, quantisation, "small", "MIT")
    return path


def foretold(path: Path, tokens: list[int]) -> Any:
    """What llama.cpp foretells after each token, as logarithms."""
    import numpy as np
    from llama_cpp import Llama

    engine = Llama(str(path), verbose=False, logits_all=True, n_ctx=256, n_threads=1)
    assert engine.tokenize(TEXT.encode(), add_bos=False, special=True) == tokens
    engine.eval(tokens)
    told = np.array(engine.scores[: len(tokens)], np.float64)
    engine.close()
    return told - np.log(np.exp(told).sum(-1, keepdims=True))


@needs_llama_cpp
@pytest.mark.parametrize("kind", KINDS)
def test_llama_cpp_foretells_what_transformers_does(tmp_path: Path, kind: str) -> None:
    model, tokenizer = checkpoint(tmp_path, kind)
    tokens = tokenizer(TEXT, add_special_tokens=False).input_ids

    told = foretold(written(tmp_path), tokens)

    # llama.cpp keeps keys and values in halves.
    assert abs(told - logprobs(model, tokens)).max() < 0.02


@needs_llama_cpp
def test_fewer_bits_lose_more(tmp_path: Path) -> None:
    import numpy as np

    model, tokenizer = checkpoint(tmp_path, "llama", "bfloat16")
    tokens = tokenizer(TEXT, add_special_tokens=False).input_ids
    true = logprobs(model, tokens)
    kinds: tuple[Quantisation, ...] = ("f16", "q8_0", "q4_0")

    told = [foretold(written(tmp_path, quantisation), tokens) for quantisation in kinds]

    # Relative entropy, in nats a token.
    lost = [float((np.exp(true) * (true - one)).sum(-1).mean()) for one in told]
    assert lost[0] < 1e-4 < lost[1] < 0.01 < lost[2] < 0.5


@pytest.mark.parametrize(
    ("quantisation", "kinds", "error"),
    [
        ("f32", {"F32"}, 0.0),
        ("f16", {"F16"}, 1e-3),
        ("q8_0", {"Q8_0"}, 5e-3),
        ("q4_0", {"Q4_0", "Q8_0"}, 0.1),
    ],
)
def test_weights_come_back_as_near_as_their_bits_allow(
    tmp_path: Path, quantisation: Quantisation, kinds: set[str], error: float
) -> None:
    import numpy as np
    from gguf import GGUFReader
    from gguf.quants import dequantize

    model, _ = checkpoint(tmp_path, "llama", "bfloat16")
    read = {one.name: one for one in GGUFReader(written(tmp_path, quantisation)).tensors}

    assert {one.tensor_type.name for one in read.values()} == kinds | {"F32"}
    down = read["blk.1.ffn_down.weight"]
    true = model.model.layers[1].mlp.down_proj.weight.detach().numpy()
    assert abs(dequantize(down.data, down.tensor_type) - true).max() <= error
    # Half of a head's numbers stand where llama.cpp wants them: 0 and 8 of Hugging Face's 16 are its 0 and 1.
    key = read["blk.0.attn_k.weight"]
    rows = dequantize(key.data, key.tensor_type)[:2]
    hers = model.model.layers[0].self_attn.k_proj.weight.detach().numpy()
    assert np.abs(rows - hers[[0, 8]]).max() <= error


def test_the_file_names_tokens_template_and_licence(tmp_path: Path) -> None:
    from gguf import GGUFReader

    _, tokenizer = checkpoint(tmp_path, "llama")
    fields = GGUFReader(written(tmp_path, "f16")).fields

    def told(name: str) -> Any:
        return fields[name].contents()

    assert told("tokenizer.chat_template") == tokenizer.chat_template
    assert told("tokenizer.ggml.tokens")[:3] == ["<|im_start|>", "<|im_end|>", "<|pad|>"]
    assert told("tokenizer.ggml.token_type")[:4] == [3, 3, 3, 1]
    assert told("tokenizer.ggml.token_type")[-1] == 5  # a row of the model that has no token
    assert told("tokenizer.ggml.pre") == "gpt-2"
    assert told("tokenizer.ggml.add_bos_token") is False
    assert (told("general.license"), told("llama.attention.head_count_kv")) == ("MIT", 2)


@pytest.mark.parametrize(
    ("file", "values", "says"),
    [
        ("config.json", {"model_type": "mamba"}, "mamba is not Llama-shaped"),
        ("config.json", {"sliding_window": 128}, "through a window"),
        ("config.json", {"hidden_act": "gelu"}, "gelu for silu"),
        ("config.json", {"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, "type yarn"),
        ("tokenizer.json", {"normalizer": {"type": "NFKC"}}, "normalise text"),
        ("tokenizer.json", {"pre_tokenizer": {"type": "Whitespace"}}, "split words unlike"),
        ("tokenizer.json", {"model": {"type": "Unigram"}}, "split words unlike"),
        (
            "tokenizer.json",
            {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}},
            "split words unlike",
        ),
    ],
)
def test_what_llama_cpp_would_read_otherwise_is_refused(
    tmp_path: Path, file: str, values: Mapping[str, object], says: str
) -> None:
    plain = {
        "config.json": {
            "model_type": "llama",
            "hidden_act": "silu",
            "vocab_size": 9,
            "rms_norm_eps": 1e-6,
            **SHAPE,
        },
        "tokenizer.json": {
            "model": {"type": "BPE"},
            "pre_tokenizer": {"type": "ByteLevel", "use_regex": True},
        },
    }
    for name, told in plain.items():
        (tmp_path / name).write_text(json.dumps({**told, **(values if name == file else {})}))

    with pytest.raises(BadRequest, match=says) as caught:
        written(tmp_path)

    assert "transformers" in caught.value.remedy
