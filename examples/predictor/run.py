"""A DNA predictor, from 3,190 stretches of DNA to an answer through the gateway, and a promotion by its evidence.

    python examples/predictor/run.py

Where does an exon end, or begin, in 60 bases of primate DNA? A company has a naive Bayes predictor behind the alias
`junctions`. It trains a better one, a support vector machine on a string kernel, holds it against the other on
sequences that are like none it has learnt from, and may promote it. Then it tries the same the other way round, and is
refused.
"""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from examples.walk import Walk  # noqa: E402 - found by the line above, from wherever this is run

DATA = "splice.csv.gz"
PLAN = """
name = "{name}"
recipe = "predict"
licence = "CC-BY-4.0"

[corpus]
tables = ["../{data}"]
licence = "CC-BY-4.0"
label = "class"
text = "sequence"
ignore = ["instance"]
split = "identity"
held_out = 0.3

[train]
method = "{method}"

[publish]
jurisdiction = "DE"
region = "DE"

[promote]
alias = "{alias}"
delta = 0.01
"""
DONOR = "CCAGCTGCATCACAGGAGGCCAGCGAGCAGGTCTGTTCCAAGGGCCTTCGAGCCAGTCTG"
NEITHER = "TGGACACAACAATTTTCTGGATTTCTTCACATGAAGAATGTTGTCCTAATGAAGTATCGA"
ALIASES = {"junctions": "own/splice-bayes", "junctions-next": "own/splice-kernel"}


def plan(name: str, method: str, alias: str = "") -> str:
    """A run's own.toml."""
    return PLAN.format(name=name, method=method, alias=alias, data=DATA)


def main() -> None:
    """The whole walk."""
    with Walk("A DNA predictor: splice junctions", ALIASES) as walk:
        shutil.copy(HERE / DATA, walk.folder / DATA)
        walk.stages(walk.run("bayes", plan("splice-bayes", "bayes")))
        walk.stages(walk.run("kernel", plan("splice-kernel", "kernel", "junctions")))
        walk.up()
        for name in ALIASES:
            walk.predict(name, [DONOR, NEITHER])
        walk.promote("kernel")

        # The other way round: naive Bayes is not to replace what is better.
        walk.run("bayes", plan("splice-bayes", "bayes", "junctions-next"))
        walk.stages("bayes", "evaluate", "publish")
        walk.promote("bayes", expect_refusal="worse")
        found = {one["model"]: one["stage"] for one in walk.status()}
        print(f"\n  where they stand: {found}")


if __name__ == "__main__":
    main()
