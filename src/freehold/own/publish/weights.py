"""Weights of a checkpoint in Hugging Face's form, one tensor at a time, without a framework.

The form: https://huggingface.co/docs/safetensors/index#format. numpy has no bfloat16, the upper half of a float32.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def weights(folder: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every tensor of floating-point numbers, by its name, in float32."""
    for path in sorted(folder.glob("*.safetensors")):
        data = np.memmap(path, np.uint8, "r")
        begin = 8 + int.from_bytes(data[:8].tobytes(), "little")
        told = json.loads(data[8:begin].tobytes())
        for name in sorted(told.keys() - {"__metadata__"}):
            about = told[name]
            if about["dtype"] in _TYPES:
                first, last = about["data_offsets"]
                flat = data[begin + first : begin + last].view(_TYPES[about["dtype"]])
                yield name, _whole(flat, about["dtype"]).reshape(about["shape"])


def _whole(flat: NDArray[np.generic], kind: str) -> NDArray[np.float32]:
    if kind == "BF16":
        return (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.astype(np.float32)
