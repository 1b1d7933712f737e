"""Train the tagger that `freehold.shield` ships.

    python -m benchmarks.pii [--rows N] [--to FILE]

Wants the library Faker beside the project (`pip install --no-deps faker`) and the extra `own`, and some minutes of
one core. Docstrings and pages are learnt from as they are: another day's run makes another model of the same kind.
"""

import argparse
from pathlib import Path

import torch

from benchmarks.pii.made import plain, rows
from benchmarks.pii.network import pieces, trained, vocabulary, write
from freehold.shield import tagger

SHIPPED = Path(tagger.__file__).parent / tagger.WEIGHTS
CAUTION = 1.0  # nats; chosen on chosen.txt and by false alarms


def main() -> int:
    """Make the rows, train, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=36_000, help="made of sentences with holes")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--to", type=Path, default=SHIPPED)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    nothing = plain()
    made = rows(asked.rows, 1, nothing)
    vocabulary_ = vocabulary(made, nothing)
    held = list(pieces(made, vocabulary_.features(in_part=True)))
    print(f"{len(made):,} rows, {sum(len(one.tags) for one in held):,} tokens", flush=True)
    write(asked.to, trained(held, asked.epochs, seed=0), vocabulary_, CAUTION)
    print(f"{asked.to}: {asked.to.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
