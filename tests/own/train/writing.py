"""A run of the recipe `text`, small enough for tests."""

from pathlib import Path

from freehold.own import rows
from freehold.own.corpus.knobs import Corpus
from freehold.own.plan import FILE
from freehold.own.rows import Row
from freehold.own.stage import working

PLAN = """name = "notes"
recipe = "text"
licence = "proprietary"
seed = 3
[train]
steps = 16
batch = 4
vocabulary = 300
layers = 1
width = 16
heads = 2
context = 32
save_s = 1e-9
threads = 1
"""
PARTS = ("pump", "valve", "motor", "belt", "filter", "sensor")


def texts(count: int) -> list[str]:
    """Notes on the parts of a made-up plant."""
    return [
        "".join(
            f"The {PARTS[(number + line) % 6]} in hall {line % 4} was seen to on day {number * line % 30}.\n"
            for line in range(1, 3 + number % 7)
        )
        for number in range(count)
    ]


def make(run: Path, plan: str = PLAN, count: int = 40) -> Path:
    """A run whose corpus is done; every fifth note is held out."""
    run.mkdir(parents=True, exist_ok=True)
    (run / FILE).write_text(plan, encoding="utf-8")
    with working(run, "corpus", Corpus(), {}) as folder:
        if folder is not None:
            found = [Row(id=str(at), text=text, cluster=str(at % 10)) for at, text in enumerate(texts(count))]
            rows.write(folder / rows.TRAIN, [row for at, row in enumerate(found) if at % 5])
            rows.write(folder / rows.HELD_OUT, found[::5])
    return run
