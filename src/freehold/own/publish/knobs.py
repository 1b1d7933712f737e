"""The table [publish] of a plan."""

from typing import Literal

from msgspec import Struct


class Publish(Struct, frozen=True, forbid_unknown_fields=True):
    """How it is packed, and what serves it."""

    engine: Literal["auto", "llama.cpp", "vllm", "transformers", "predictor"] = "auto"
    quantisation: Literal["f32", "f16", "q8_0", "q4_0"] = "q8_0"  # of GGUF
    jurisdiction: str = ""  # the country of whose law the company is
    region: str = ""  # the country in which it is served
