"""A language model from scratch, from files on this machine to an answer through the gateway, and what it may replace.

    python examples/text/run.py [--quick]

The corpus is this project's pages and as many bytes of short modules of Python's standard library. A model that has
learnt for a few steps answers behind the alias `notes`. One that has learnt for longer is held against it, and against
n-grams and compressors, on documents that neither has seen, and may be promoted; the other way round it is refused.

So small a corpus is learnt better by counting: the n-grams win, and the report says so. `--quick` learns from less, for
less long.
"""

import shutil
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from examples.walk import Walk  # noqa: E402 - found by the line above, from wherever this is run

PAGES = HERE.parent.parent / "docs"
SOURCES = "sources"
LEAST = 500  # bytes of a file


class Size(NamedTuple):
    """How much is learnt, by how large a model, for how long."""

    source_bytes: int  # of pages, and of modules
    page_bytes: int  # of the longest page
    module_bytes: int
    vocabulary: int
    layers: int
    width: int
    heads: int
    first: int  # steps of the model that is there
    better: int


WHOLE = Size(300_000, 40_000, 9_000, 1024, 3, 128, 4, 20, 250)
QUICK = Size(60_000, 12_000, 2_000, 768, 2, 96, 3, 5, 60)
PLAN = """
name = "{name}"
recipe = "text"
licence = "proprietary"

[corpus]
documents = ["../sources"]
licence = "PSF-2.0"
split = "document"
held_out = 0.2

[train]
steps = {steps}
batch = 12
vocabulary = {size.vocabulary}
layers = {size.layers}
width = {size.width}
heads = {size.heads}
context = 128
threads = 1

[publish]
quantisation = "q8_0"
jurisdiction = "DE"
region = "DE"

[promote]
alias = "{alias}"
"""
ALIASES = {"notes": "own/notes-first", "notes-next": "own/notes-better"}


def gather(target: Path, most: Size) -> None:
    """Copy so much of the project's pages, and as much of modules of the standard library."""
    target.mkdir()
    library = Path(sysconfig.get_path("stdlib"))
    modules = (path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts)
    for home, paths, longest in (
        (PAGES, sorted(PAGES.glob("*.md")), most.page_bytes),
        (library, modules, most.module_bytes),
    ):
        size = 0
        for path in paths:
            if not LEAST <= path.stat().st_size <= longest:
                continue
            size += path.stat().st_size
            if size > most.source_bytes:
                break
            shutil.copy(path, target / "-".join(path.relative_to(home).parts))


def main(size: Size) -> None:
    """The whole walk."""

    def plan(name: str, steps: int, alias: str = "") -> str:
        return PLAN.format(name=name, steps=steps, alias=alias, size=size)

    with Walk("A language model of our own pages and of Python's sources", ALIASES) as walk:
        gather(walk.folder / SOURCES, size)
        walk.stages(walk.run("first", plan("notes-first", size.first)))
        walk.stages(walk.run("better", plan("notes-better", size.better, alias="notes")))
        walk.up()
        for alias in ALIASES:
            walk.ask(alias, "import os\nimport sys\n\ndef ", temperature=0, max_tokens=32)
        walk.promote("better")
        walk.promote("better", expect_refusal="live")

        # The other way round: what has learnt little is not to replace what is better.
        walk.run("first", plan("notes-first", size.first, alias="notes-next"))
        walk.stages("first", "evaluate", "publish")
        walk.promote("first", expect_refusal="worse")


if __name__ == "__main__":
    main(QUICK if "--quick" in sys.argv[1:] else WHOLE)
