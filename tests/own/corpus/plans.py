"""Runs for tests: a folder with a plan, built as the command builds it."""

import gzip
import json
import random
from pathlib import Path
from typing import NamedTuple

from freehold.own import rows
from freehold.own.corpus.building import build
from freehold.own.corpus.card import Card
from freehold.own.plan import load_plan
from freehold.own.rows import Row

WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heath",
    "inlet",
    "jetty",
    "knoll",
    "marsh",
]


class Built(NamedTuple):
    """A corpus."""

    card: Card
    train: list[Row]
    held_out: list[Row]
    drops: dict[str, tuple[str, str]]  # id -> reason, detail


def planned(run: Path, recipe: str, corpus: str, more: str = "") -> Path:
    """A run whose table [corpus] is this."""
    train = '[train]\ncheckpoint = "checkpoint"\n' if recipe == "adapt" else ""
    head = f'name = "own"\nrecipe = "{recipe}"\nlicence = "proprietary"\n'
    (run / "own.toml").write_text(f'{head}[corpus]\nlicence = "MIT"\n{corpus}\n{train}{more}')
    return run


def built(run: Path) -> Built:
    """Build it."""
    card, _ = build(run, load_plan(run), None)
    train, held_out = (list(rows.read(run / "corpus" / name)) for name in (rows.TRAIN, rows.HELD_OUT))
    return Built(card, train, held_out, dropped(run))


def dropped(run: Path) -> dict[str, tuple[str, str]]:
    """What was left out, also where the corpus was refused."""
    lines = map(json.loads, (run / "corpus" / "dropped.jsonl").read_text().splitlines())
    return {one["id"]: (one["reason"], one.get("detail", "")) for one in lines}


def prose(seed: int, words: int = 200) -> str:
    """Words in an order that no other seed has."""
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) + str(draw.randrange(50)) for _ in range(words))


def bases(seed: int, count: int) -> str:
    """Bases at random."""
    return "".join(random.Random(seed).choices("ACGT", k=count))


def fasta(*sequences: str, width: int = 60) -> str:
    """Records s1, s2...; lines of a width."""
    found = []
    for number, one in enumerate(sequences, 1):
        found += [f">s{number} a test", *(one[at : at + width] for at in range(0, len(one), width))]
    return "\n".join(found) + "\n"


def packed(path: Path, text: str) -> Path:
    """A gzipped file."""
    path.write_bytes(gzip.compress(text.encode()))
    return path
