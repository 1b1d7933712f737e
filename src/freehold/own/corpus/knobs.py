"""The table [corpus] of a plan."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

_Share = Annotated[float, Meta(ge=0, le=1)]
_Names = tuple[str, ...]


class Split(StrEnum):
    """What is never on both sides of the line between learning and testing."""

    DOCUMENT = "document"
    CLUSTER = "cluster"  # near-duplicates stay together
    TIME = "time"  # the latest are held out
    IDENTITY = "identity"  # sequences that are alike stay together
    POSITION = "position"  # the end of each long sequence is held out


class Exchanges(Struct, frozen=True, forbid_unknown_fields=True):
    """Which exchanges of the gateway's ledger; only those whose bodies are kept can be learnt from."""

    applications: _Names = ()  # empty: all
    aliases: _Names = ()
    findings: bool = False  # whether answers with findings count
    score_min: float | None = None  # of a bench's or a person's score, where there is one


class Corpus(Struct, frozen=True, forbid_unknown_fields=True):
    """Where it comes from, what is left out, and how it is split. Paths are relative to the run's folder."""

    documents: _Names = ()  # files or folders: txt, md, html, pdf, source code, jsonl
    sequences: _Names = ()  # FASTA or FASTQ, also gzipped
    tables: _Names = ()  # CSV or Parquet
    exchanges: Exchanges | None = None
    licence: str = ""  # of documents, sequences and tables; empty: unknown, and then they are left out
    label: str = ""  # the column, or the field of a jsonl file, that a predictor is to tell
    text: str = ""  # the column of tables that is a text or a sequence
    group: str = ""  # the column of tables that says what belongs together: a person, a locus
    ignore: _Names = ()  # columns that are not to be looked at
    evaluation: _Names = ()  # files that the corpus must not hold: test sets, a bench's tasks
    split: Split = Split.CLUSTER
    held_out: _Share = 0.1  # of the documents, rows or bases
    near: _Share = 0.8  # Jaccard similarity of word shingles (k-mers), from which on two are near-duplicates
    characters_min: Annotated[int, Meta(ge=0)] = 40  # a shorter document is left out
    personal: bool = True  # whether personal data and secrets are taken out
    names: bool = False  # whether what the shipped tagger takes for personal is, too
