"""What a model's folder says of itself, in `freehold.json` beside its weights."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from freehold.ledger.durable import replace
from freehold.vocabulary.errors import BadRequest

FILE = "freehold.json"
MODEL = "model"  # the folder with the model, in RUN/train and in RUN/publish


class Kind(StrEnum):
    """What it answers with."""

    LANGUAGE = "language"  # text, over chat completions
    GENOME = "genome"  # likelihoods of bases
    CLASSIFIER = "classifier"  # a label with probabilities
    REGRESSOR = "regressor"  # a number
    TAGGER = "tagger"  # spans


class Artefact(Struct, frozen=True, omit_defaults=True):
    """One trained model. Digests are SHA-256 in hex."""

    name: str  # the endpoint is own/NAME
    kind: Kind
    recipe: str
    licence: str  # of the weights
    parameters: int
    context: int = 0  # tokens or bases it sees at most; 0: no such limit
    labels: tuple[str, ...] = ()
    base: str = ""  # the checkpoint that it was adapted from
    base_licence: str = ""
    inputs: Mapping[str, str] = {}  # what it was trained on: file -> digest
    seed: int = 0
    about: Mapping[str, str | float | int] = {}  # of its kind alone


def write(folder: Path, artefact: Artefact) -> None:
    """Put it beside the weights."""
    replace(folder / FILE, msgspec.json.format(msgspec.json.encode(artefact), indent=1) + b"\n")


def read(folder: Path) -> Artefact:
    """What a folder holds. Raises BadRequest where that is no model of ours."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Artefact)
    except FileNotFoundError:
        raise BadRequest(f"{folder} holds no model", remedy="Run `freehold own train RUN` first.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(
            f"{folder / FILE}: {error}", remedy="It is written by `freehold own train`."
        ) from None
