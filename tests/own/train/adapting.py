"""A run with a small checkpoint and conversations written for it."""

from collections.abc import Mapping
from pathlib import Path

from freehold.own import rows, stage
from freehold.own.plan import Plan, load_plan
from freehold.own.rows import Row, Turn

PARTS = ("pump", "valve", "motor", "belt", "filter", "sensor", "fan", "gear")
PLACES = ("hall A", "hall B", "the yard", "the cellar")
QUESTIONS = ("Where is the {}?", "Where do I find the {}?", "In which place is the {} kept?")


def conversations() -> list[Row]:
    """Where each part of a made-up plant is, asked in three ways."""
    return [
        Row(
            id=f"{part}-{number}",
            turns=(
                Turn("user", question.format(part)),
                Turn("assistant", f"The {part} is in {PLACES[place % 4]}."),
            ),
            cluster=part,
        )
        for place, part in enumerate(PARTS)
        for number, question in enumerate(QUESTIONS)
    ]


def make(run: Path, knobs: Mapping[str, object]) -> Plan:
    """A run whose corpus is done: the last question about each part is held out."""
    from freehold.own.train import checkpoints

    run.mkdir(exist_ok=True)
    found = conversations()
    if not (run / "small").exists():
        texts = [turn.text for row in found for turn in row.turns]
        checkpoints.make(run / "small", texts * 3, checkpoints.Shape(vocabulary=400, width=32, heads=2))
    lines = [f"{name} = {value!r}" for name, value in knobs.items()]
    head = 'name = "plant"\nrecipe = "adapt"\nlicence = "proprietary"\n\n[train]\ncheckpoint = "small"\nthreads = 1\n'
    (run / "own.toml").write_text(head + "\n".join(lines).replace("'", '"') + "\n")
    plan = load_plan(run)
    with stage.working(run, "corpus", plan.corpus, {}) as folder:
        if folder is not None:
            rows.write(folder / rows.TRAIN, [row for row in found if not row.id.endswith("2")])
            rows.write(folder / rows.HELD_OUT, [row for row in found if row.id.endswith("2")])
    return plan
