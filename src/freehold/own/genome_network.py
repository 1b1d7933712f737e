"""A causal network over DNA whose tokens are three bases in a row, wherever in a gene they may begin.

A softmax over the 64 of them is the joint probability of three bases, and the chain rule gives each base's own. Three
bases a token cost about a third of what they cost one by one. The input is the token and, beside it, the last `k` bases
as one k-mer, embedded in fewer dimensions. Rotary positions (Su et al. 2021, arXiv:2104.09864), normalised queries and
keys (Henry et al. 2020, arXiv:2010.04245), squared ReLU and shifted inputs (So et al. 2021, arXiv:2109.08668; Peng et
al. 2023, arXiv:2305.13048), and projections that begin at nothing.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

TOKEN = 3  # bases
TOKENS = 4**TOKEN
_EXPANSION = 4  # hidden units of a block for each of its width


class Shape(NamedTuple):
    """What a network is built from."""

    k: int  # bases of the embedded k-mer: a multiple of three
    layers: int
    width: int
    heads: int
    kmer_width: int


class Block(nn.Module):
    """Attention and a perceptron, each added to what passes."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        scale = float(width) ** -0.5
        self.query_key_value = nn.Parameter(torch.randn(3 * width, width) * scale)
        self.out = nn.Parameter(torch.zeros(width, width))
        self.up = nn.Parameter(torch.randn(_EXPANSION * width, width) * scale)
        self.down = nn.Parameter(torch.zeros(width, _EXPANSION * width))
        self.shift = nn.Parameter(torch.zeros(2, width))
        self.sharpness = nn.Parameter(torch.ones(heads, 1, 1))

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """The block's output; `x` is batch x tokens x width."""
        batch, length, width = x.shape
        y = _normal(x)
        y = (
            y
            + self.shift[0] * functional.pad(y, (0, 0, 1, -1))
            + self.shift[1] * functional.pad(y, (0, 0, 2, -2))
        )
        projected = functional.linear(y, self.query_key_value).view(
            batch, length, 3, self.heads, width // self.heads
        )
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        query = _rotated(_normal(query), cosine, sine) * self.sharpness
        key = _rotated(_normal(key), cosine, sine)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + functional.linear(seen.transpose(1, 2).reshape(batch, length, width), self.out)
        return x + functional.linear(
            functional.relu(functional.linear(_normal(x), self.up)).square(), self.down
        )


class Network(nn.Module):
    """From tokens to the logits of the token that follows each."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token = nn.Embedding(TOKENS, shape.width)
        nn.init.normal_(self.token.weight)
        self.kmer = nn.Embedding(4**shape.k, shape.kmer_width)
        nn.init.normal_(self.kmer.weight, std=0.1)
        self.kmer_out = nn.Parameter(
            torch.randn(shape.width, shape.kmer_width) * float(shape.kmer_width) ** -0.5
        )
        self.blocks = nn.ModuleList(Block(shape.width, shape.heads) for _ in range(shape.layers))
        self.head = nn.Linear(shape.width, TOKENS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits, batch x tokens x 64; those at a token are of the next one."""
        logits: Tensor = self.head(self.states(tokens))
        return logits

    def states(self, tokens: Tensor) -> Tensor:
        """What the logits are read from, batch x tokens x width."""
        kmer = tokens
        for back in range(1, self.shape.k // TOKEN):
            kmer = kmer + functional.pad(tokens, (back, -back)) * TOKENS**back
        x = _normal(self.token(tokens) + functional.linear(self.kmer(kmer), self.kmer_out))
        half = self.shape.width // self.shape.heads // 2
        turns = 10_000.0 ** (-torch.arange(half, device=tokens.device) / half)
        angles = torch.arange(tokens.shape[1], device=tokens.device)[:, None] * turns
        cosine, sine = angles.cos(), angles.sin()
        for block in self.blocks:
            x = block(x, cosine, sine)
        return _normal(x)


def parameters_of(network: nn.Module) -> int:
    """How many numbers it has learnt."""
    return sum(one.numel() for one in network.parameters())


def _normal(x: Tensor) -> Tensor:
    return functional.rms_norm(x, (x.size(-1),))


def _rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1)
