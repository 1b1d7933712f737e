"""The table [train] of a plan, for each recipe."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

_Count = Annotated[int, Meta(ge=1)]
_Rate = Annotated[float, Meta(gt=0)]


class Loop(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all recipes that train with PyTorch have. A step is one update of the weights."""

    steps: _Count = 1000
    cpu_minutes: float | None = None  # ends earlier when so much processor time is used
    batch: _Count = 16  # sequences a step, over all processes
    accumulate: _Count = 1  # parts a batch is worked in
    learning_rate: _Rate = 0.02  # Muon's, of matrices; AdamW's follows by `adamw_share`
    adamw_share: _Rate = 0.15
    warmup: Annotated[float, Meta(ge=0, lt=1)] = 0.02  # share of the steps
    decay: Annotated[float, Meta(ge=0, le=1)] = 0.5  # share of the steps in which the rate falls to nothing
    weight_decay: Annotated[float, Meta(ge=0)] = 0.1
    clip: _Rate = 1.0  # largest norm of a gradient
    save_s: _Rate = 60.0  # seconds between checkpoints
    threads: Annotated[int, Meta(ge=0)] = 0  # 0: as many as there are cores
    compile: bool = False  # by torch.compile: half a minute to begin with, then up to a third faster


class Text(Loop, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A Llama-shaped language model with a tokenizer of its own (byte-level BPE)."""

    vocabulary: _Count = 2048
    layers: _Count = 4
    width: _Count = 192
    heads: _Count = 6
    context: _Count = 256  # tokens


class Adapt(Loop, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """LoRA, or all weights, of a checkpoint in a local folder; the loss is on answers only."""

    checkpoint: str  # its folder, relative to the run's
    checkpoint_licence: str = ""  # of its weights, as their publisher names it; empty: unknown
    steps: _Count = 300
    learning_rate: _Rate = 0.001  # AdamW's, of all weights
    weight_decay: Annotated[float, Meta(ge=0)] = 0.0
    rank: Annotated[int, Meta(ge=0)] = 8  # 0: all weights
    context: _Count = 512  # tokens; conversations share a row of so many where the model keeps them apart


class Genome(Loop, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A causal language model of DNA in tokens of three bases, trained on both strands."""

    steps: _Count = 1300
    decay: Annotated[float, Meta(ge=0, le=1)] = 0.95
    weight_decay: Annotated[float, Meta(ge=0)] = 0.0
    adamw_share: _Rate = 0.3  # embeddings have the whole rate
    k: Literal[3, 6, 9] = 6  # bases of the k-mer that is embedded at each token
    kmer_width: _Count = 96  # of its embedding
    layers: _Count = 3
    width: _Count = 192
    heads: _Count = 4
    context: _Count = 768  # bases


class Predict(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A classifier, a regressor or a tagger on sequences, texts or tables."""

    input: Literal["auto", "sequence", "text", "table"] = "auto"  # auto: as the rows look
    tells: Literal["auto", "class", "number"] = "auto"  # auto: a number where labels are many different ones
    method: Literal["auto", "kernel", "linear", "bayes", "trees"] = "auto"  # auto: the best across folds
    folds: Annotated[int, Meta(ge=2)] = 10  # of whole clusters: what it is chosen and calibrated by
    buckets: Annotated[int, Meta(ge=256)] = 65_536  # into which words, and parts of words, are hashed


RECIPES: dict[str, type[Struct]] = {"text": Text, "adapt": Adapt, "genome": Genome, "predict": Predict}
