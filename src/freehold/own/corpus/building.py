"""From a plan to RUN/corpus: gathered, cleaned, tested, split, and told in a card. Read this file first.

Where order matters, each step says why it stands there.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from freehold.ledger.bodies import Opened
from freehold.own import rows as files
from freehold.own.corpus import alike, card, documents, exchanges, leaks, sequences, splitting, tables
from freehold.own.corpus.card import Card, Source
from freehold.own.corpus.cleaning import cleaned
from freehold.own.corpus.contamination import Index, evaluation, without
from freehold.own.corpus.drops import Drops, Reason
from freehold.own.corpus.exchanges import Asked
from freehold.own.corpus.knobs import Corpus, Split
from freehold.own.corpus.leaks import Told
from freehold.own.corpus.licences import Terms
from freehold.own.corpus.near import deduplicated, k_mers, word_shingles
from freehold.own.plan import FILE, Plan, Recipe
from freehold.own.rows import Row
from freehold.own.stage import digest_of, working
from freehold.vocabulary.errors import BadRequest, ConfigError
from freehold.vocabulary.exchange import Exchange

STAGE = "corpus"
LEAST = {
    Recipe.TEXT: (10_000, "characters"),
    Recipe.ADAPT: (10, "conversations"),
    Recipe.GENOME: (10_000, "bases"),
    Recipe.PREDICT: (20, "rows"),
}
COLUMNS_TOLD = 5  # in the card


class Traffic(NamedTuple):
    """The ledger and the catalog, as whoever reads them wires them."""

    exchanges: Iterable[Exchange]
    terms: Callable[[str], Terms]  # of an endpoint
    opened: Callable[
        [Sequence[Exchange]], Iterable[tuple[Exchange, Sequence[Opened]]]
    ]  # noted on the ledger first
    score: Callable[[str, str], float | None]  # of an exchange's id and its answer, from 0 to 1


class _Knobs(Struct, frozen=True):
    """What a corpus follows from, beside the files: if that is the same, it is not made again."""

    name: str
    recipe: Recipe
    seed: int
    corpus: Corpus
    evaluation: tuple[str, ...]


class _Inputs(NamedTuple):
    named: dict[str, dict[str, Path]]  # source, as in the plan -> file, as from the run
    tested: dict[str, Path]  # evaluation files, as from the run
    digests: dict[str, str]  # of each file, as from the run


def build(run: Path, plan: Plan, traffic: Traffic | None) -> tuple[Card, bool]:
    """The corpus's card, and whether it was made now; False: it was there, made from the same.

    Raises ConfigError for a file that is not whole, BadRequest for a corpus that cannot be used: it is too small, or
    a column tells the label.
    """
    drops, knobs = Drops(), plan.corpus
    asked = Asked((), ())
    if knobs.exchanges is not None and traffic is not None:
        asked = exchanges.asked(traffic.exchanges, knobs.exchanges, traffic.terms, drops)
    inputs = _inputs(run, plan)
    digests = inputs.digests | ({"ledger": asked.digest} if knobs.exchanges is not None else {})
    made_from = _Knobs(plan.name, plan.recipe, plan.seed, knobs, tuple(inputs.tested))
    with working(run, STAGE, made_from, digests) as folder:
        if folder is None:
            return card.read(run / STAGE), False
        try:
            return _Building(plan, inputs, asked, drops).build(folder, traffic), True
        finally:
            drops.write(folder)  # whoever is refused, too, wants to see what was left out


def _inputs(run: Path, plan: Plan) -> _Inputs:
    """The files that the plan names. Raises ConfigError where there are none."""
    knobs = plan.corpus
    sources = (*knobs.documents, *knobs.sequences, *knobs.tables)
    if not sources and knobs.exchanges is None:
        raise ConfigError(
            "[corpus] names nothing to learn from",
            remedy="Set `documents`, `sequences` or `tables`, or add a table [corpus.exchanges].",
            file=str(run / FILE),
        )
    for name in sources:
        if not (run / name).exists():
            remedy = f"Correct [corpus] in {run / FILE}."
            raise ConfigError("there is no such file or folder", remedy=remedy, file=str(run / name))
    named = {name: _files(run, name) for name in sources}
    tested: dict[str, Path] = {}
    for name in (*knobs.evaluation, *plan.evaluate.tasks, *plan.evaluate.transfer):
        tested |= _files(run, name) or {name: run / name}
    learnt = {name: path for found in named.values() for name, path in found.items()}
    digests = {name: digest_of(path) for name, path in (learnt | tested).items() if path.is_file()}
    return _Inputs(named, tested, digests)


def _files(run: Path, name: str) -> dict[str, Path]:
    """A file, or what is in a folder but for what is hidden; readers say what of it they take."""
    path = run / name
    if path.is_file():
        return {name: path}
    found = sorted(one for one in path.rglob("*") if one.is_file() and not one.is_symlink())
    inner = {one.relative_to(path): one for one in found}
    shown = {at: one for at, one in inner.items() if not any(map(_is_hidden, at.parts))}
    return {files.printable(f"{name}/{at.as_posix()}"): one for at, one in shown.items()}


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


class _Building:
    """One corpus on its way."""

    def __init__(self, plan: Plan, inputs: _Inputs, asked: Asked, drops: Drops) -> None:
        self._plan, self._knobs, self._inputs, self._asked = plan, plan.corpus, inputs, asked
        self._drops = drops
        self._personal = Counter[str]()
        self._decided = defaultdict[str, list[str]](list)
        self._notes: list[str] = []
        self._columns: list[Told] = []
        self._index = Index([])

    def build(self, folder: Path, traffic: Traffic | None) -> Card:
        """Make the files and the card."""
        texts, bases = self._gathered(folder.parent, traffic)
        # Before anything else, so that nothing later, nor any message, can hold a secret.
        texts = list(cleaned(texts, self._knobs, self._drops, self._personal))
        if self._knobs.split in (Split.IDENTITY, Split.POSITION):  # only sequences are split so
            texts, bases = [], [*bases, *(replace(row, text=row.text.upper()) for row in texts)]
        # Before duplicates: of two alike texts the one that is kept might be the one without the overlap.
        self._index = Index(list(evaluation(self._inputs.tested.values(), self._knobs)))
        texts = list(without(texts, self._index, self._drops, bases=False))
        bases = list(without(bases, self._index, self._drops, bases=True))
        # Before the split, which keeps together what is alike.
        texts = deduplicated(texts, self._knobs, self._drops, word_shingles)
        bases = deduplicated(bases, self._knobs, self._drops, k_mers) if len(bases) > 1 else bases
        # On all rows: what leaks does so on both sides.
        if self._knobs.label:
            self._columns = leaks.see_leaks([*texts, *bases], self._knobs.label)
        learnt, held = self._split(texts, bases)
        self._see_size(learnt, held)
        files.write(folder / files.TRAIN, learnt)
        files.write(folder / files.HELD_OUT, held)
        found = self._card(folder, learnt, held)
        (folder / card.FILE).write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
        (folder / card.PAGE).write_text(card.page(found), encoding="utf-8")
        return found

    def _gathered(self, run: Path, traffic: Traffic | None) -> tuple[list[Row], list[Row]]:
        """Texts and rows of tables, and sequences."""
        knobs = self._knobs
        documents_named = [run / name for name in knobs.documents]
        texts = list(documents.read(documents_named, knobs.licence, self._drops, knobs.label, self._decided))
        found = [tables.read(path) for path in self._named(knobs.tables, tables.is_table)]
        tables.see_ignored(found, knobs.ignore)
        for table in found:
            texts += tables.rows_of(table, knobs, self._drops)
        if knobs.exchanges is not None and traffic is not None:
            opened = traffic.opened(self._asked.wanted)
            texts += exchanges.read(opened, traffic.score, knobs.exchanges.score_min, self._drops)
        files_of = self._named(knobs.sequences, sequences.is_sequences)
        bases = list(sequences.read(files_of, knobs.licence, self._drops))
        # By the plan's own words, so that the same files make the same corpus wherever they lie.
        origins = {
            str(path.resolve()): name for found in self._inputs.named.values() for name, path in found.items()
        }
        rows = [
            replace(
                row, id=files.printable(row.id), origin=files.printable(origins.get(row.origin, row.origin))
            )
            for row in _unique([*texts, *bases])
        ]
        return rows[: len(texts)], rows[len(texts) :]

    def _named(self, names: Iterable[str], is_one: Callable[[Path], bool]) -> Iterator[Path]:
        """The files that the plan names, and those in its folders whose names say what they are."""
        for name in names:
            found = self._inputs.named[name].items()
            yield from (path for inner, path in found if inner == name or is_one(path))

    def _split(self, texts: Sequence[Row], bases: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        knobs = self._knobs
        if knobs.split is Split.POSITION:
            return alike.cut(bases, knobs.held_out)
        if knobs.split is Split.IDENTITY:
            if not alike.compared([row.text for row in bases]):
                self._notes.append(
                    "too many or too long sequences to lay each along each other: shared words tell"
                )
            bases = alike.clustered(bases)
        return splitting.split([*texts, *bases], knobs, self._plan.seed)

    def _see_size(self, learnt: Sequence[Row], held: Sequence[Row]) -> None:
        """Raises BadRequest for a corpus that is too small to learn from, or to hold anything out."""
        least, unit = LEAST[self._plan.recipe]
        size = _size(learnt, unit)
        if size >= least and (held or not self._knobs.held_out):
            return
        counts = ", ".join(f"{count:,} {reason}" for reason, count in self._drops.counts.items())
        said = f"{size:,} {unit} to learn from, and the recipe {self._plan.recipe} wants {least:,}"
        if size >= least:
            said = f"all {len(learnt):,} rows are alike, so that none can be held out"
        remedy = "Name more in [corpus]."
        if counts:
            remedy = f"Name more in [corpus], or see {STAGE}/dropped.jsonl for what was left out: {counts}."
        if self._drops.counts.get(Reason.LICENCE_UNKNOWN):
            remedy = f"Say under which `licence` of [corpus] they may be learnt from. {remedy}"
        raise BadRequest(f"the corpus is too small: {said}", remedy=remedy)

    def _card(self, folder: Path, learnt: Sequence[Row], held: Sequence[Row]) -> Card:
        knobs, plan, rows = self._knobs, self._plan, [*learnt, *held]
        notes = [
            *self._notes,
            *(f"{how}: {len(ids):,} documents" for how, ids in sorted(self._decided.items())),
        ]
        origins = Counter(row.origin for row in rows)
        sources = (self._source(name, origins) for name in self._inputs.named)
        files_of = ((files.TRAIN, learnt), (files.HELD_OUT, held))
        sides = [card.side(folder / name, of, digest_of(folder / name)) for name, of in files_of]
        named = {
            why: tuple(f"{one.id}: {one.detail}" for one in self._drops if one.reason is why)
            for why in (Reason.CONTAMINATED, Reason.SECRET)
        }
        return Card(
            name=plan.name,
            recipe=plan.recipe,
            sources=tuple(sources),
            sides=(sides[0], sides[1]),
            split=knobs.split,
            held_out=knobs.held_out,
            near=knobs.near,
            seed=plan.seed,
            licences=dict(Counter(row.licence for row in rows).most_common()),
            terms=self._asked.terms,
            drops=self._drops.counts,
            secrets=named[Reason.SECRET],
            personal=dict(self._personal.most_common()),
            evaluation={name: self._inputs.digests[name] for name in self._inputs.tested},
            contaminated=named[Reason.CONTAMINATED],
            untested=self._index.short,
            columns=tuple(self._columns[:COLUMNS_TOLD]),
            notes=tuple(notes),
        )

    def _source(self, name: str, origins: Mapping[str, int]) -> Source:
        found = self._inputs.named[name]
        digests = {one: self._inputs.digests[one] for one in found}
        whole = (
            digests[name]
            if name in digests
            else hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()
        )
        rows = sum(origins[one] for one in found)
        return Source(name, len(found), sum(path.stat().st_size for path in found.values()), whole, rows)


def _size(rows: Sequence[Row], unit: str) -> int:
    if unit == "rows":
        return len(rows)
    if unit == "conversations":
        return sum(bool(row.turns) for row in rows)
    return sum(len(row.text) + sum(len(turn.text) for turn in row.turns) for row in rows)


def _unique(rows: Sequence[Row]) -> list[Row]:
    """Rows whose names come twice, as from files of one name in two folders, are numbered."""
    seen = Counter[str]()
    found = []
    for row in rows:
        seen[row.id] += 1
        found.append(replace(row, id=f"{row.id}~{seen[row.id]}") if seen[row.id] > 1 else row)
    return found
