"""What a corpus is made of, for machines (`card.json`) and for people (`card.md`). The same corpus: the same card."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from freehold.own.corpus.leaks import Told
from freehold.own.corpus.licences import Terms
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest

FILE, PAGE = "card.json", "card.md"  # in RUN/corpus


class Source(Struct, frozen=True):
    """A file or folder that the plan names."""

    path: str  # as in the plan
    files: int
    bytes: int
    sha256: str  # of the file; of a folder, of its files' names and digests
    rows: int  # that are in the corpus


class Side(Struct, frozen=True):
    """What is learnt from, or what is held out."""

    file: str
    rows: int
    clusters: int  # groups of rows that are alike
    characters: int  # of texts, turns and sequences
    bytes: int  # of the file
    sha256: str


class Card(Struct, frozen=True):
    """A corpus. Counts are of rows unless they say otherwise."""

    name: str
    recipe: str
    sources: tuple[Source, ...]
    sides: tuple[Side, Side]  # learnt from, held out
    split: str
    held_out: float  # share that was asked for
    near: float
    seed: int
    licences: Mapping[str, int]
    terms: tuple[Terms, ...]  # of whoever answered the exchanges that were asked for
    drops: Mapping[str, int]  # by reason
    secrets: tuple[str, ...]  # rows that were left out for a private key, and its line
    personal: Mapping[str, int]  # pieces that were taken out, by kind
    evaluation: Mapping[str, str]  # files that the corpus must not hold -> SHA-256
    contaminated: tuple[str, ...]  # rows that held something of them, and what
    untested: int  # evaluation texts too short to be looked for
    columns: tuple[Told, ...]  # how well each tells the label by itself, the best first
    notes: tuple[str, ...]


def side(path: Path, rows: Sequence[Row], sha256: str) -> Side:
    """What a file of rows comes to."""
    characters = sum(len(row.text) + sum(len(turn.text) for turn in row.turns) for row in rows)
    clusters = len({row.cluster or row.id for row in rows})
    return Side(path.name, len(rows), clusters, characters, path.stat().st_size, sha256)


def page(card: Card) -> str:
    """The card as Markdown."""
    return "\n".join(_lines(card)) + "\n"


def read(folder: Path) -> Card:
    """The card in RUN/corpus. Raises BadRequest for one of another version."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Card)
    except (OSError, msgspec.DecodeError) as error:
        said, remedy = f"{folder / FILE} cannot be read: {error}", f"Delete {folder}: it can be made again."
        raise BadRequest(said, remedy=remedy) from None


def _lines(card: Card) -> Iterator[str]:
    yield f"# Corpus of own/{card.name}\n"
    yield f"For the recipe `{card.recipe}`. Written by `freehold own corpus`; every figure is counted from the files.\n"
    yield "| | file | rows | groups of alike rows | characters | bytes | SHA-256 |\n|---|---|---|---|---|---|---|"
    for what, one in zip(("learnt from", "held out"), card.sides, strict=True):
        counts = f"{one.rows:,} | {one.clusters:,} | {one.characters:,} | {one.bytes:,}"
        yield f"| {what} | `{one.file}` | {counts} | `{one.sha256}` |"
    yield f"\nSplit by {card.split}: {card.held_out:.1%} were to be held out (seed {card.seed}). "
    yield f"Near-duplicates share {card.near:.0%} of their shingles.\n"
    yield "## Sources\n\n| path | files | bytes | rows | SHA-256 |\n|---|---|---|---|---|"
    for source in card.sources:
        yield f"| `{source.path}` | {source.files:,} | {source.bytes:,} | {source.rows:,} | `{source.sha256}` |"
    yield "\n## Licences and terms\n"
    yield from _counts("licence", card.licences)
    yield from (f"- {one.exchanges:,} {one.sentence}" for one in card.terms)
    yield "\n## Left out\n\nEach is named in `dropped.jsonl`.\n"
    yield from _counts("reason", card.drops)
    yield "".join(f"\n- {one}" for one in card.secrets)
    yield "\n## Personal data and secrets taken out\n"
    yield from _counts("kind", card.personal)
    yield "\n## Evaluation sets\n"
    yield from _told_of_evaluation(card)
    if card.columns:
        yield "\n## What single columns tell\n\nShare of the errors that a column takes away by itself:\n"
        yield from (f"- `{one.column}`: {one.removed:.1%}" for one in card.columns)
    if card.notes:
        yield "\n## Notes\n"
        yield from (f"- {note}" for note in card.notes)


def _told_of_evaluation(card: Card) -> Iterator[str]:
    yield from (f"- looked for `{name}`, SHA-256 `{digest}`" for name, digest in card.evaluation.items())
    if not card.evaluation:
        yield "None were named, so nothing was looked for."
        return
    if card.untested:
        yield f"- {card.untested:,} texts in them are too short to be looked for"
    found = (
        f"{len(card.contaminated):,} rows held something of them"
        if card.contaminated
        else "nothing of them was found"
    )
    yield f"- {found}"
    yield from (f"  - {one}" for one in card.contaminated)


def _counts(what: str, counts: Mapping[str, int]) -> Iterable[str]:
    if not counts:
        return ["None."]
    return [f"| {what} | count |\n|---|---|", *(f"| {name} | {count:,} |" for name, count in counts.items())]
