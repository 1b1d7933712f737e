"""A run that is trained and evaluated, as its stages would leave it: a small Llama-shaped model, without PyTorch."""

import json
from collections.abc import Callable
from pathlib import Path

from msgspec import json as msgjson

from freehold.own import artefact, rows, stage
from freehold.own.artefact import MODEL, Artefact, Kind
from freehold.own.evaluate import report
from freehold.own.evaluate.report import Compared, Evaluation, Measured
from freehold.own.plan import Plan, load_plan
from freehold.own.rows import Row, Turn
from freehold.own.train import progress
from freehold.own.train.progress import Progress
from freehold.vocabulary.report import Interval

PLAN = """\
name = "plant"
recipe = "adapt"
licence = "Apache-2.0"
seed = 7

[train]
checkpoint = "base"

[publish]
quantisation = "q8_0"
engine = "{engine}"
jurisdiction = "DE"
region = "FI"
"""
CHATML = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"


def run(folder: Path, *, engine: str = "auto", base: str = "small-llama", base_licence: str = "MIT") -> Plan:
    """All stages before publication are done."""
    folder.mkdir(parents=True)
    (folder / "own.toml").write_text(PLAN.format(engine=engine))
    plan = load_plan(folder)
    _stage(folder, plan, "corpus", (), _corpus)
    _stage(folder, plan, "train", ("corpus",), lambda made: _train(made, folder, base, base_licence))
    _stage(folder, plan, "evaluate", ("train",), _evaluate)
    return plan


def _stage(
    folder: Path, plan: Plan, name: str, before: tuple[str, ...], work: Callable[[Path], None]
) -> None:
    inputs = stage.inputs_of(folder, *before) if before else {"manuals/pumps.txt": "ab" * 32}
    with stage.working(folder, name, plan.publish, inputs) as made:
        assert made is not None
        work(made)


def _corpus(folder: Path) -> None:
    found = [Row(id="1", turns=(Turn("user", "Where?"), Turn("assistant", "There.")))]
    rows.write(folder / rows.TRAIN, found)
    rows.write(folder / rows.HELD_OUT, found)
    (folder / "card.md").write_text("# Corpus of plant\n\n12 conversations, 2 | 3 dropped.\n")


def _train(folder: Path, run: Path, base: str, base_licence: str) -> None:
    model = folder / MODEL
    model.mkdir()
    language_model(model)
    inputs = {**stage.inputs_of(run, "corpus"), "checkpoint/model.safetensors": "cd" * 32}
    told = Artefact(
        "plant",
        Kind.LANGUAGE,
        "adapt",
        "Apache-2.0",
        12_345,
        context=128,
        base=base,
        base_licence=base_licence,
        inputs=inputs,
        seed=7,
        about={"method": "LoRA of rank 8", "loss_nats_per_token": 0.25},
    )
    artefact.write(model, told)
    step = Progress(300, 300, 0.25, 0.1, 0.001, 9_000, 12.0, 13.0, 750.0, 0.0)
    (folder / progress.FILE).write_bytes(msgjson.encode(step) + b"\n")


def _evaluate(folder: Path) -> None:
    value, other = Interval(1.25, 1.0, 1.5), Interval(2.5, 2.0, 3.0)
    metric, on = "bits per byte of answers", "held out"
    told = Evaluation(
        "plant",
        "adapt",
        {},
        (
            Measured("own/plant", metric, on, "lower", value, 40, 8),
            Measured("small-llama, not adapted", metric, on, "lower", other, 40, 8, baseline=True),
        ),
        (Compared("own/plant", "small-llama, not adapted", metric, on, Interval(1.25, 0.75, 1.75), 40, 8),),
        notes=("only 8 clusters",),
    )
    (folder / report.FILE).write_bytes(msgjson.encode(told))


def language_model(folder: Path) -> None:
    """A checkpoint of drawn weights in Hugging Face's form."""
    import numpy as np
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer

    learnt = Tokenizer(BPE())
    learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|im_start|>", "<|im_end|>"]
    learnt.train_from_iterator(["where is the pump"] * 9, BpeTrainer(
        vocab_size=270, special_tokens=special, initial_alphabet=alphabet, show_progress=False))  # fmt: skip
    learnt.save(str(folder / "tokenizer.json"))
    size, width = learnt.get_vocab_size(), 32
    config = {
        "model_type": "llama",
        "vocab_size": size,
        "hidden_size": width,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "eos_token_id": 1,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"eos_token": "<|im_end|>", "chat_template": CHATML})
    )
    rng = np.random.default_rng(0)
    layer = "model.layers.0"
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (size, width),
        "model.norm.weight": (width,),
        f"{layer}.input_layernorm.weight": (width,),
        f"{layer}.post_attention_layernorm.weight": (width,),
        **{f"{layer}.self_attn.{name}_proj.weight": (width, width) for name in "qkvo"},
        f"{layer}.mlp.gate_proj.weight": (64, width),
        f"{layer}.mlp.up_proj.weight": (64, width),
        f"{layer}.mlp.down_proj.weight": (width, 64),
    }
    save_file(
        {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()},
        folder / "model.safetensors",
    )
