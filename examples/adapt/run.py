"""A checkpoint adapted to a company's own conversations, from their files to an answer through the gateway.

    python examples/adapt/run.py

A mill has a helpdesk behind the alias `helpdesk`, answered by a provider's large model that does not know the mill. It
takes a small checkpoint from a sister mill, where machines stand elsewhere, and adapts it to what is so here: LoRA, the
checkpoint's own chat template, the loss on answers only. The mill's tasks are asked of both, and the own model may be
promoted. One that was adapted in a hurry is to take its place, and is refused.

The checkpoint is made here, too, so that nothing is fetched: a Llama-shaped model of 120,000 parameters.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from examples.adapt.conversations import (  # noqa: E402 - found by the line above, from wherever this is run
    ELSEWHERE,
    MACHINES,
    write_conversations,
    write_tasks,
)
from examples.walk import RIVAL, Walk  # noqa: E402

BLANK, SISTER, MILL, TASKS = "blank", "sister.jsonl", "mill.jsonl", "tasks.jsonl"
ALIASES = {"helpdesk": RIVAL, "helpdesk-own": "own/mill"}
PLAN = """
name = "{name}"
recipe = "adapt"
licence = "proprietary"

[corpus]
documents = ["../{data}"]
licence = "proprietary"
characters_min = 20
near = 1.0
held_out = 0.25

[train]
checkpoint = "../{checkpoint}"
checkpoint_licence = "Apache-2.0"
rank = {rank}
steps = {steps}
learning_rate = {rate}
batch = 8
context = 128
threads = 1

[evaluate]
tasks = ["../{tasks}"]

[publish]
quantisation = "q8_0"
jurisdiction = "FI"
region = "FI"

[promote]
alias = "{alias}"
"""


def main() -> None:
    """The whole walk."""
    with Walk("A checkpoint adapted to a mill's conversations", ALIASES) as walk:
        write_conversations(walk.folder / SISTER, (*MACHINES, *ELSEWHERE), shift=1)
        write_conversations(walk.folder / MILL, MACHINES, ways_left=1)
        write_tasks(walk.folder / TASKS, MACHINES)
        make_checkpoint(walk)

        walk.stages(walk.run("mill", adapted("mill", steps=100, alias="helpdesk")))
        walk.freehold("own", "verify", "mill/publish")
        walk.up()
        for question in ("Please, where is our planer?", "Please, when is our crane serviced?"):
            walk.ask("helpdesk-own", question, temperature=0, max_tokens=24)
        walk.promote("mill")
        walk.promote("mill", expect_refusal="live")

        walk.stages(walk.run("hurry", adapted("mill-in-a-hurry", steps=2, alias="helpdesk-own")))
        walk.promote("hurry", expect_refusal="worse")


def adapted(name: str, *, steps: int, alias: str) -> str:
    """The plan of a run that adapts the sister's model by LoRA."""
    return PLAN.format(
        name=name,
        data=MILL,
        checkpoint="sister/train/model",
        rank=8,
        steps=steps,
        rate=0.01,
        tasks=TASKS,
        alias=alias,
    )


def make_checkpoint(walk: Walk) -> None:
    """What the sister mill has: all weights of a blank checkpoint, on its conversations. In this process, for once."""
    from freehold.own.plan import load_plan  # noqa: PLC0415 - PyTorch, once it is needed
    from freehold.own.train.checkpoints import Shape, make  # noqa: PLC0415
    from freehold.own.train.training import train  # noqa: PLC0415

    plan = PLAN.format(
        name="sister", data=SISTER, checkpoint=BLANK, rank=0, steps=120, rate=0.005, tasks=TASKS, alias=""
    )
    walk.stages(walk.run("sister", plan), "corpus")
    run = walk.folder / "sister"
    texts = (walk.folder / SISTER).read_text(encoding="utf-8").splitlines()
    make(walk.folder / BLANK, texts, Shape(vocabulary=400, context=256))
    train(run, load_plan(run), lambda step: None)
    print(f"  the sister mill's checkpoint: {run / 'train' / 'model'}", flush=True)


if __name__ == "__main__":
    main()
