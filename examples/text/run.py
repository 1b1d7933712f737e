"""A language model from scratch, from files on this machine to an answer through the gateway, and what it may replace.

    python examples/text/run.py

The corpus is short pages of this project and short modules of Python's standard library, up to 120,000 bytes. A model
that has learnt for a few steps answers behind the alias `notes`. One that has learnt for longer is held against it, and
against n-grams and compressors, on documents that neither has seen, and may be promoted; the other way round it is
refused.

So small a corpus is learnt better by counting: the n-grams win, and the report says so.
"""

import shutil
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from examples.walk import Walk  # noqa: E402 - found by the line above, from wherever this is run

PAGES = HERE.parent.parent / "docs"
SOURCES = "sources"
BYTES_MAX, SHORT = 120_000, range(500, 3_000)  # of all, and of each
PLAN = """
name = "{name}"
recipe = "text"
licence = "proprietary"

[corpus]
documents = ["../sources"]
licence = "PSF-2.0"
split = "document"
held_out = 0.25

[train]
steps = {steps}
batch = 12
vocabulary = 768
layers = 2
width = 96
heads = 3
context = 128
threads = 1

[publish]
quantisation = "q8_0"
jurisdiction = "DE"
region = "DE"

[promote]
alias = "{alias}"
"""
FEW, MORE = 5, 60  # steps
ALIASES = {"notes": "own/notes-first", "notes-next": "own/notes-better"}


def gather(target: Path) -> None:
    """Copy short pages of the project, and short modules of the standard library, until there is enough."""
    target.mkdir()
    library = Path(sysconfig.get_path("stdlib"))
    modules = (path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts)
    size = 0
    for path in [*sorted(PAGES.glob("*.md")), *modules]:
        if path.stat().st_size not in SHORT:
            continue
        size += path.stat().st_size
        if size > BYTES_MAX:
            break
        home = PAGES if path.suffix == ".md" else library
        shutil.copy(path, target / "-".join(path.relative_to(home).parts))


def plan(name: str, steps: int, alias: str = "") -> str:
    """A run's own.toml."""
    return PLAN.format(name=name, steps=steps, alias=alias)


def main() -> None:
    """The whole walk."""
    with Walk("A language model of our own pages and of Python's sources", ALIASES) as walk:
        gather(walk.folder / SOURCES)
        walk.stages(walk.run("first", plan("notes-first", FEW)))
        walk.stages(walk.run("better", plan("notes-better", MORE, alias="notes")))
        walk.up()
        for alias in ALIASES:
            walk.ask(alias, "import os\nimport sys\n\ndef ", temperature=0, max_tokens=32)
        walk.promote("better")
        walk.promote("better", expect_refusal="live")

        # The other way round: what has learnt little is not to replace what is better.
        walk.run("first", plan("notes-first", FEW, alias="notes-next"))
        walk.stages("first", "evaluate", "publish")
        walk.promote("first", expect_refusal="worse")


if __name__ == "__main__":
    main()
