"""The training loop beside Hugging Face's Trainer on the same model, data and machine: `python -m benchmarks.own_loop`.

One thread each, processor time by the kernel's count, several rounds in turn, medians. The model is Llama-shaped, both
begin with the same weights and change them by the same AdamW at the same rate, clipped to the same norm. The Trainer
runs with its defaults (accelerate, SDPA, fused AdamW); what it is given is prepared beforehand. Tokens are targets:
padding does not count. Measured apart, because their reasons differ:

- *documents of one length*: both work the same numbers. What is left is what is computed beside matrix products.
- *documents as they are*: the functions and classes of Python's standard library, cut at the context. The Trainer's own
  collator pads them to the longest of a batch; the loop lays them end to end. Batches are the same, and so is the loss.
- the same, grouped by length by the Trainer: less padding, but batches of another kind, so no loss is compared.
- each of the two with the loop's `compile`, which fuses what is computed beside matrix products and attention. The
  first steps, in which it compiles, are not timed. The Trainer's own `torch_compile` stands beside it.

Ratios are medians of those of each round, as rounds differ more than the ways in one.

Then, by the command itself: training that is killed (SIGKILL) and gone on with, and two processes over gloo with FSDP2.
"""

import argparse
import ast
import os
import platform
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ |= {"OMP_NUM_THREADS": "1", "TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false"}

import torch
from torch import Tensor, nn
from transformers import (
    DataCollatorForLanguageModeling,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging

from benchmarks.claims import claim
from freehold.own import rows
from freehold.own.corpus.knobs import Corpus
from freehold.own.stage import working
from freehold.own.train import llama, progress, tokenizer
from freehold.own.train.knobs import Loop
from freehold.own.train.llama import Llama, Packed, Shape, packed
from freehold.own.train.loop import fit
from freehold.own.train.optimising import BETAS, Group
from freehold.own.train.progress import Progress, cpu_s

RATE, CLIP, SKIPPED = 1e-3, 1.0, 4  # steps before the clock runs: what is made once
SHAPE = Shape(vocabulary=1024, width=128, layers=4, heads=4, context=256)
BATCH = 16
Documents = Sequence[Tensor]


class Timed(NamedTuple):
    """One training: the losses of its steps, and its speed after the first ones."""

    losses: list[float]
    tokens_per_cpu_s: float


class Alike:
    """The loop's task: batch i is documents i times BATCH and on, whatever their lengths."""

    def __init__(self, model: Llama, documents: Documents, batch: int) -> None:
        self.model: nn.Module = model
        self._documents, self._batch = documents, batch

    def batch(self, step: int, rows: range) -> Packed:
        begin = step * self._batch
        return packed([self._documents[begin + row] for row in rows])

    def loss(self, batch: Packed) -> tuple[Tensor, int]:
        return self.model(batch.tokens, batch.lengths, batch.targets), len(batch.targets)

    def group(self, name: str, weight: nn.Parameter) -> Group:
        return Group(muon=False, share=1.0, weight_decay=0.0)


def by_loop(start: Path, documents: Documents, steps: int, *, compiled: bool = False) -> Timed:
    knobs = Loop(
        steps=steps,
        batch=BATCH,
        learning_rate=RATE,
        warmup=0,
        decay=0,
        clip=CLIP,
        threads=1,
        compile=compiled,
    )
    said: list[Progress] = []
    torch.compiler.reset()
    with tempfile.TemporaryDirectory() as folder:
        fit(Alike(llama.load(start), documents, BATCH), knobs, Path(folder), 0, said.append)
    first, last = said[SKIPPED - 1], said[-1]
    return Timed([one.loss for one in said], (last.tokens - first.tokens) / (last.cpu_s - first.cpu_s))


def by_trainer(start: Path, documents: Documents, steps: int, **further: Any) -> Timed:
    class InOrder(Trainer):  # type: ignore[misc]
        def _get_train_sampler(self, *given: Any) -> Any:
            grouped = further.get("train_sampling_strategy")
            return super()._get_train_sampler(*given) if grouped else torch.utils.data.SequentialSampler(data)

    class Clock(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.marks: list[float] = []

        def on_step_end(self, *_given: Any, **_named: Any) -> None:
            self.marks.append(cpu_s())

    arguments: dict[str, Any] = {
        "per_device_train_batch_size": BATCH,
        "max_steps": steps,
        "learning_rate": RATE,
        "lr_scheduler_type": "constant",
        "weight_decay": 0.0,
        "adam_beta2": BETAS[1],
        "max_grad_norm": CLIP,
        "logging_steps": 1,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    data = [{"input_ids": one.tolist()} for one in documents[: steps * BATCH]]
    lengths = [len(one) - 1 for one in documents]
    watch = Clock()
    torch.compiler.reset()
    words = PreTrainedTokenizerFast(tokenizer_file=str(start / tokenizer.FILE), pad_token=tokenizer.END)
    with tempfile.TemporaryDirectory() as folder:
        trainer = InOrder(
            model=LlamaForCausalLM.from_pretrained(start),
            args=TrainingArguments(folder, **(arguments | further)),
            train_dataset=data,
            data_collator=DataCollatorForLanguageModeling(words, mlm=False),
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    losses = [one["loss"] for one in trainer.state.log_history if "loss" in one]
    tokens = sum(lengths[SKIPPED * BATCH : steps * BATCH])
    return Timed(losses, tokens / (watch.marks[-1] - watch.marks[SKIPPED - 1]))


def definitions() -> Iterator[str]:
    """The functions and classes of the standard library's sources on this machine."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        source = path.read_text(encoding="utf-8", errors="replace")
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield ast.get_source_segment(source, node) or ""


def begun(folder: Path) -> tuple[list[Tensor], list[Tensor]]:
    """Write a model with random weights and a tokenizer; documents as they are, and documents of one length."""
    texts = list(definitions())
    words = tokenizer.learn(texts, SHAPE.vocabulary)
    tokenizer.save(folder, words, SHAPE.context)
    torch.manual_seed(0)
    model = Llama(SHAPE)
    for weight in model.parameters():
        if weight.ndim == 2:
            nn.init.normal_(weight, std=0.02)
    llama.save(folder, SHAPE, model.state_dict(), tokenizer.end_of(words))
    coded = [torch.tensor(one.ids) for one in words.encode_batch(texts, add_special_tokens=False)]
    order = torch.randperm(len(coded)).tolist()
    ragged = [coded[at][: SHAPE.context + 1] for at in order if len(coded[at]) > 1]
    stream = torch.cat([coded[at] for at in order])
    return ragged, [
        stream[at : at + SHAPE.context + 1] for at in range(0, len(stream) - SHAPE.context, SHAPE.context + 1)
    ]


def beside(rounds: int, steps: int) -> bool:
    """Both loops in turn; whether documents as they are are worked 1.3 times as fast, and every loss is the same."""
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(start / "compiled")  # nothing of other runs is used
        ragged, level = begun(start)
        asked = [len(one) for one in ragged[: steps * BATCH]]
        padded = sum(max(asked[at : at + BATCH]) * BATCH for at in range(0, len(asked), BATCH))
        print(
            f"{sum(weight.numel() for weight in Llama(SHAPE).parameters()):,} parameters, {BATCH} documents a step, "
            f"{steps} steps, context {SHAPE.context}; of padded batches {1 - sum(asked) / padded:.0%} is padding"
        )
        ways: dict[str, Callable[[], Timed]] = {
            "one length: loop": lambda: by_loop(start, level, steps),
            "one length: Trainer": lambda: by_trainer(start, level, steps),
            "one length: loop, compiled": lambda: by_loop(start, level, steps, compiled=True),
            "one length: Trainer, compiled": lambda: by_trainer(start, level, steps, torch_compile=True),
            "as they are: loop": lambda: by_loop(start, ragged, steps),
            "as they are: Trainer": lambda: by_trainer(start, ragged, steps),
            "as they are: loop, compiled": lambda: by_loop(start, ragged, steps, compiled=True),
            "as they are: Trainer, grouped": lambda: by_trainer(
                start, ragged, steps, train_sampling_strategy="group_by_length"
            ),
        }
        found: dict[str, list[Timed]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                found[name].append(way())
    for name, each in found.items():
        rates = [one.tokens_per_cpu_s for one in each]
        print(
            f"{name:<32} {statistics.median(rates):>8,.0f} tokens a CPU-second "
            f"({', '.join(f'{rate:,.0f}' for rate in rates)})"
        )
    return _told(found)


def _told(found: dict[str, list[Timed]]) -> bool:
    """Whether the claims are met."""

    def times(loop: str, trainer: str) -> float:
        pairs = zip(found[loop], found[trainer], strict=True)
        return statistics.median(ours.tokens_per_cpu_s / theirs.tokens_per_cpu_s for ours, theirs in pairs)

    met = True
    for kind in ("one length", "as they are"):
        theirs = found[f"{kind}: Trainer"][0].losses
        for how in ("loop", "loop, compiled"):
            ours = found[f"{kind}: {how}"][0].losses
            apart = max(abs(one - other) for one, other in zip(ours, theirs, strict=True))
            met &= claim(
                f"documents {kind}, {how}: the Trainer's loss",
                f"{apart:.1e} nats apart at most, {ours[0]:.4f} to {ours[-1]:.4f}",
                "<= 1e-4 at every step",
                apart <= 1e-4,
            )
    for loop, trainer in (
        ("one length: loop", "one length: Trainer"),
        ("one length: loop, compiled", "one length: Trainer"),
        ("one length: loop, compiled", "one length: Trainer, compiled"),
        ("as they are: loop", "as they are: Trainer, grouped"),
        ("as they are: loop, compiled", "as they are: Trainer, grouped"),
        ("as they are: loop, compiled", "as they are: Trainer"),
    ):
        print(f"        {loop} / {trainer.partition(': ')[2]}: {times(loop, trainer):.2f}")
    ratio = times("as they are: loop", "as they are: Trainer")
    return met & claim(
        "documents as they are, nothing compiled",
        f"{ratio:.2f} times the Trainer's tokens a CPU-second",
        ">= 1.3",
        ratio >= 1.3,
    )


PLAN = """name = "bench"
recipe = "text"
licence = "proprietary"
[train]
steps = 24
batch = 8
vocabulary = 512
layers = 2
width = 64
heads = 2
context = 64
save_s = 0.001
threads = 1
"""


def prepared(run: Path) -> Path:
    run.mkdir()
    (run / "own.toml").write_text(PLAN)
    with working(run, "corpus", Corpus(), {}) as folder:
        if folder is not None:
            texts = enumerate(text for _, text in zip(range(300), definitions(), strict=False))
            rows.write(folder / rows.TRAIN, (rows.Row(id=str(at), text=text) for at, text in texts))
    return run


def trained(run: Path, *launcher: str) -> bytes:
    command = [*(launcher or (sys.executable,)), "-m", "freehold", "own", "train", str(run)]
    subprocess.run(command, check=True, capture_output=True)
    return (run / "train/model" / llama.WEIGHTS).read_bytes()


def killed(run: Path) -> int:
    """Train until a few steps are done, and kill; how many were."""
    process = subprocess.Popen(
        [sys.executable, "-m", "freehold", "own", "train", str(run)], stderr=subprocess.DEVNULL
    )
    log = run / "train" / progress.FILE
    while process.poll() is None and not (log.exists() and sum(1 for _ in progress.read(log)) >= 7):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    return sum(1 for _ in progress.read(log))


def kept() -> bool:
    """Whether a killed training comes to the same bits, and two processes to the same losses."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: prepared(Path(folder) / name) for name in ("once", "killed", "two")}
        once = trained(runs["once"])
        steps = killed(runs["killed"])
        met = claim(
            "training killed and gone on with",
            f"killed in step {steps + 1} of 24; the weights are "
            + ("the same to the bit" if (same := trained(runs["killed"]) == once) else "others"),
            "the same to the bit",
            same and steps < 24,
        )
        trained(
            runs["two"],
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
        )
        curves = [
            [one.loss for one in progress.read(runs[name] / "train" / progress.FILE)]
            for name in ("once", "two")
        ]
        apart = max(abs(one - other) for one, other in zip(*curves, strict=True))
        return met & claim(
            "two processes (gloo, FSDP2) beside one",
            f"{apart:.1e} nats apart at most over {len(curves[0])} steps",
            "<= 1e-4",
            apart <= 1e-4,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    quick: bool = parser.parse_args().quick
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
    )
    met = beside(1, 14) if quick else beside(5, 14)
    sys.exit(0 if met & kept() else 1)


if __name__ == "__main__":
    main()
