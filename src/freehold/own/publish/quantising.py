"""How weights lie in a GGUF file: in halves, or in blocks of 32 that share a scale.

Formats: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. q8_0 keeps 8 bits and a half of scale a block, 8.5
bits a weight; q4_0 4 and a half, 4.5 bits. Rounding is gguf's own.
"""

from typing import Literal, NamedTuple

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, LlamaFileType
from gguf.quants import quantize
from numpy.typing import NDArray

Quantisation = Literal["f32", "f16", "q8_0", "q4_0"]

FILE_TYPES: dict[Quantisation, LlamaFileType] = {
    "f32": LlamaFileType.ALL_F32,
    "f16": LlamaFileType.MOSTLY_F16,
    "q8_0": LlamaFileType.MOSTLY_Q8_0,
    "q4_0": LlamaFileType.MOSTLY_Q4_0,
}
_TYPES: dict[Quantisation, GGMLQuantizationType] = {
    "f32": GGMLQuantizationType.F32,
    "f16": GGMLQuantizationType.F16,
    "q8_0": GGMLQuantizationType.Q8_0,
    "q4_0": GGMLQuantizationType.Q4_0,
}
_TOKENS = ("token_embd.weight", "output.weight")  # four bits cost most here


class Stored(NamedTuple):
    """A tensor as it is written."""

    data: NDArray[np.generic]
    type: GGMLQuantizationType


def stored(name: str, weights: NDArray[np.float32], quantisation: Quantisation) -> Stored:
    """Vectors stay whole; tables of tokens keep eight bits; rows that do not divide into blocks are kept in halves."""
    kind = GGMLQuantizationType.F32 if weights.ndim == 1 else _TYPES[quantisation]
    if kind is GGMLQuantizationType.Q4_0 and name in _TOKENS:
        kind = GGMLQuantizationType.Q8_0
    if weights.shape[-1] % GGML_QUANT_SIZES[kind][0]:
        kind = GGMLQuantizationType.F16
    return Stored(quantize(weights, kind), kind)
