"""A model of Llama's shape over sequences of any lengths laid end to end: no padding is computed.

Its weights have the names that transformers' LlamaForCausalLM gives them, so that its files are read by whatever reads
those. Touvron et al., 2023, https://arxiv.org/abs/2302.13971: RMSNorm before each block, rotary positions, SwiGLU.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from msgspec import Struct
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from freehold.ledger.durable import replace
from freehold.vocabulary.errors import BadRequest

WEIGHTS, CONFIG = "model.safetensors", "config.json"
EPSILON = 1e-6
THETA = 10000.0
INNER_STEP = 64  # the width inside the feed-forward network is a multiple of it


class Shape(Struct, frozen=True):
    """How large it is."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    context: int  # tokens

    @property
    def inner(self) -> int:
        """The width inside the feed-forward network: about 8/3 of the width, as in Llama."""
        return INNER_STEP * max(1, round(8 * self.width / 3 / INNER_STEP))


class Packed(NamedTuple):
    """Sequences laid end to end, those of one length side by side."""

    tokens: Tensor
    targets: Tensor  # what follows each token
    lengths: Tensor  # of the sequences; a tensor, as torch.compile would compile anew for each tuple


def packed(sequences: Sequence[Tensor]) -> Packed:
    """Lay sequences end to end, the longest first; each has one token more than it has targets."""
    by_length = sorted(sequences, key=len, reverse=True)
    return Packed(
        torch.cat([one[:-1] for one in by_length]),
        torch.cat([one[1:] for one in by_length]),
        torch.tensor([len(one) - 1 for one in by_length]),
    )


class Llama(nn.Module):
    """Gives the logits of what follows each token; with targets, the sum of their losses in nats."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = _Trunk(shape)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        nn.init.zeros_(self.lm_head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        """One row a token."""
        logits: Tensor = self.lm_head(self.model(tokens, lengths))
        if targets is None:
            return logits
        return functional.cross_entropy(logits.float(), targets, reduction="sum")


class _Trunk(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=EPSILON)
        cosines, sines = _rotations(shape)
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        places = _places(lengths, tokens.device)
        turns = self.get_buffer("cosines")[places][:, None], self.get_buffer("sines")[places][:, None]
        found: Tensor = self.embed_tokens(tokens)
        for layer in self.layers:
            found = layer(found, turns, lengths)
        normed: Tensor = self.norm(found)
        return normed


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.width, shape.inner
        self.heads = shape.heads
        self.self_attn = nn.ModuleDict(
            {name: nn.Linear(width, width, bias=False) for name in ("q_proj", "k_proj", "v_proj", "o_proj")}
        )
        self.mlp = nn.ModuleDict(
            {
                "gate_proj": nn.Linear(width, inner, bias=False),
                "up_proj": nn.Linear(width, inner, bias=False),
                "down_proj": nn.Linear(inner, width, bias=False),
            }
        )
        for into in (self.self_attn["o_proj"], self.mlp["down_proj"]):
            nn.init.zeros_(into.get_parameter("weight"))  # a layer begins as no change
        self.input_layernorm = nn.RMSNorm(width, eps=EPSILON)
        self.post_attention_layernorm = nn.RMSNorm(width, eps=EPSILON)

    def forward(self, found: Tensor, turns: tuple[Tensor, Tensor], lengths: Tensor) -> Tensor:
        attention, normed = self.self_attn, self.input_layernorm(found)
        query, key, value = (
            attention[name](normed).view(len(found), self.heads, -1)
            for name in ("q_proj", "k_proj", "v_proj")
        )
        seen: Tensor = attend(_turned(query, turns), _turned(key, turns), value, lengths)
        found = found + attention["o_proj"](seen)
        normed, mlp = self.post_attention_layernorm(found), self.mlp
        changed: Tensor = mlp["down_proj"](functional.silu(mlp["gate_proj"](normed)) * mlp["up_proj"](normed))
        return found + changed


@torch.compiler.disable  # type: ignore[untyped-decorator]  # the lengths differ from batch to batch
def _places(lengths: Tensor, device: torch.device) -> Tensor:
    return torch.cat([torch.arange(length, device=device) for length in lengths.tolist()])


@torch.compiler.disable  # type: ignore[untyped-decorator]
def attend(query: Tensor, key: Tensor, value: Tensor, lengths: Tensor) -> Tensor:
    """Causal attention within each sequence; those of one length are worked together."""
    alike = [(length, len(list(group))) for length, group in groupby(lengths.tolist())]
    sizes = [length * count for length, count in alike]
    # A split gives one gradient back for all parts; of slices, each would give one of the whole's size.
    cut = zip(*(torch.split(one.to(value.dtype), sizes) for one in (query, key, value)), strict=True)
    parts = []
    for (length, count), vectors in zip(alike, cut, strict=True):
        queries, keys, values = (one.unflatten(0, (count, length)).transpose(1, 2) for one in vectors)
        seen = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        parts.append(seen.transpose(1, 2).reshape(count * length, -1))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _turned(vectors: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions (Su et al., 2021, https://arxiv.org/abs/2104.09864), each half of a head with the other."""
    cosines, sines = turns
    first, second = vectors.chunk(2, -1)
    return vectors * cosines + torch.cat((-second, first), -1) * sines


def _rotations(shape: Shape) -> tuple[Tensor, Tensor]:
    size = shape.width // shape.heads
    speeds = THETA ** (-torch.arange(0, size, 2).float() / size)
    angles = torch.outer(torch.arange(shape.context).float(), speeds)
    both = torch.cat((angles, angles), -1)
    return both.cos(), both.sin()


def save(folder: Path, shape: Shape, weights: Mapping[str, Tensor], end: int) -> None:
    """Write weights and configuration as transformers does; `end` is the token that begins and ends a document."""
    save_file(
        {name: tensor.contiguous() for name, tensor in weights.items()}, folder / WEIGHTS, {"format": "pt"}
    )
    about = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.width // shape.heads,
        "max_position_embeddings": shape.context,
        "hidden_act": "silu",
        "rms_norm_eps": EPSILON,
        "rope_theta": THETA,
        "rope_parameters": {"rope_type": "default", "rope_theta": THETA},
        "tie_word_embeddings": False,
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "torch_dtype": "float32",
        "dtype": "float32",
    }
    replace(folder / CONFIG, msgspec.json.format(msgspec.json.encode(about), indent=1) + b"\n")


class _Config(Struct):
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int


def load(folder: Path) -> Llama:
    """The model in a folder that `save` wrote. Raises BadRequest where that holds none."""
    try:
        config = msgspec.json.decode((folder / CONFIG).read_bytes(), type=_Config)
    except FileNotFoundError:
        raise BadRequest(f"{folder} holds no model", remedy="Run `freehold own train RUN` first.") from None
    shape = Shape(
        config.vocab_size,
        config.hidden_size,
        config.num_hidden_layers,
        config.num_attention_heads,
        config.max_position_embeddings,
    )
    model = Llama(shape)
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model.eval()
