"""What a model of DNA says of each base and of substitutions, as files for other programs."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from freehold.own.dna import BASES, codes, letters
from freehold.own.genome import Genome, Substitution, substitution
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest, ConfigError

SUFFIXES = (".tsv", ".tsv.gz", ".npz")
_HEAD = "\t".join(("sequence", "position", "base", "bits", *(f"bits_{base}" for base in BASES)))


def write_bases(path: Path, genome: Genome, rows: Iterable[Row]) -> int:
    """The bits of all four bases at each place, given what precedes it; how many places there are.

    TSV, also gzipped: one line a place, counted from 1. NPZ: `names`, and for the nth of them `bits_n` (places x 4, in
    the order ACGT) and `bases_n` (0 to 3; -1 where one is not known). Raises BadRequest for another kind of file.
    """
    if path.name.endswith(".npz"):
        return _write_arrays(path, genome, rows)
    if not path.name.endswith(SUFFIXES):
        raise BadRequest(f"{path} is of no kind that is written", remedy=f"Name it {', '.join(SUFFIXES)}.")
    count = 0
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        file.write(_HEAD + "\n")
        for row in rows:
            for line in _lines(row, genome):
                file.write(line + "\n")
                count += 1
    return count


def read_substitutions(path: Path, rows: Sequence[Row]) -> dict[str, list[Substitution]]:
    """By sequence; a line has a sequence's name, a tab and 123A>T, or with one sequence 123A>T alone.

    Raises ConfigError, with its line, for one that is neither.
    """
    names = [_name(row) for row in rows]
    found: dict[str, list[Substitution]] = {name: [] for name in names}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        name, _, written = line.rpartition("\t")
        name = name or (names[0] if len(names) == 1 else "")
        try:
            found[name].append(substitution(written))
        except KeyError:
            what = f"no sequence is named {name!r}" if name else "the line names no sequence"
            raise ConfigError(
                what,
                remedy="Write the name as in the FASTA file, a tab, and 123A>T.",
                file=str(path),
                line=number,
                column=1,
            ) from None
        except BadRequest as error:
            raise ConfigError(
                error.message, remedy=error.remedy, file=str(path), line=number, column=1
            ) from None
    return found


def effects(
    genome: Genome, rows: Sequence[Row], wanted: dict[str, list[Substitution]]
) -> Iterator[tuple[str, Substitution, float]]:
    """Each substitution with its log2 likelihood ratio. Raises BadRequest where one is not of its sequence."""
    for row in rows:
        some = wanted[_name(row)]
        for one, effect in zip(some, genome.effects(codes(row.text), some), strict=True):
            yield _name(row), one, effect


def _name(row: Row) -> str:
    """As the FASTA file has it."""
    return row.id.partition("#")[2] or row.id


def _lines(row: Row, genome: Genome) -> Iterator[str]:
    sequence = codes(row.text)
    bits = genome.log_likelihoods(sequence) / -np.log(2)
    for at, (letter, base, four) in enumerate(
        zip(letters(sequence), sequence.tolist(), bits.tolist(), strict=True), 1
    ):
        there = f"{four[base]:.4f}" if base >= 0 else ""
        yield "\t".join((_name(row), str(at), letter, there, *(f"{one:.4f}" for one in four)))


def _write_arrays(path: Path, genome: Genome, rows: Iterable[Row]) -> int:
    names, arrays, count = [], {}, 0
    for number, row in enumerate(rows):
        sequence = codes(row.text)
        names.append(_name(row))
        arrays[f"bases_{number}"] = sequence
        arrays[f"bits_{number}"] = (genome.log_likelihoods(sequence) / -np.log(2)).astype(np.float32)
        count += len(sequence)
    np.savez_compressed(path, allow_pickle=False, names=np.array(names), **arrays)
    return count
