"""What is published, in `RUN/publish/manifest.json`: the model's files with their digests, and what can serve them."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from freehold.ledger.durable import replace
from freehold.own.artefact import Kind
from freehold.own.stage import digest_of
from freehold.vocabulary.errors import BadRequest

FILE = "manifest.json"  # in RUN/publish
SIGNATURE, CARD, BOM = "model.sig", "model_card.md", "bom.json"  # beside it
PUBLISHED = "own-published"  # the kind of event that says so on the ledger


class Engine(StrEnum):
    """What can serve a model."""

    LLAMA_CPP = "llama.cpp"
    VLLM = "vllm"
    TRANSFORMERS = "transformers"
    PREDICTOR = "predictor"  # ours, for what does not chat


class File(Struct, frozen=True):
    """One file of the model."""

    bytes: int
    sha256: str  # in hex


class Manifest(Struct, frozen=True, omit_defaults=True):
    """One published model; its files lie in the folder `model` beside this file."""

    name: str  # the endpoint is own/NAME
    kind: Kind
    recipe: str
    licence: str  # of the weights
    engines: tuple[Engine, ...]  # that can serve these files, the preferred first
    digest: str  # of all files; see `digest_of_files`
    files: Mapping[str, File]  # by their path in the folder
    gguf: str = ""  # the file that llama.cpp serves, if there is one
    quantisation: str = ""  # of that file
    no_gguf: str = ""  # why there is none
    parameters: int = 0
    context: int = 0  # tokens or bases; 0: no such limit
    base: str = ""  # the checkpoint that it was adapted from
    base_licence: str = ""
    inputs: Mapping[str, str] = {}  # what it was trained on: file -> digest
    jurisdiction: str = ""
    region: str = ""
    freehold: str = ""  # the version that packed it


def files_of(folder: Path) -> dict[str, File]:
    """Every file below a folder. Raises BadRequest for a link: an engine would read what no digest covers."""
    paths = sorted(folder.rglob("*"))
    if links := [path for path in paths if path.is_symlink()]:
        raise BadRequest(f"{links[0]} is a link", remedy="Put there what it leads to.")
    found = [path for path in paths if path.is_file()]
    return {path.relative_to(folder).as_posix(): File(path.stat().st_size, digest_of(path)) for path in found}


def digest_of_files(files: Mapping[str, File]) -> str:
    """One digest for a model: SHA-256 of the lines that `sha256sum` prints of its files, sorted by name."""
    lines = "".join(f"{files[name].sha256}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def digest_of_all(manifest: Manifest) -> str:
    """One digest for all that a manifest says: which file is served, and under which name, too."""
    return hashlib.sha256(msgspec.json.encode(manifest, order="deterministic")).hexdigest()


def write(folder: Path, manifest: Manifest) -> None:
    """Put it into RUN/publish."""
    replace(folder / FILE, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")


def read(folder: Path) -> Manifest:
    """What RUN/publish holds. Raises BadRequest where nothing was published there."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BadRequest(
            f"{folder} holds no published model", remedy="Run `freehold own publish RUN` first."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(
            f"{folder / FILE}: {error}", remedy="It is written by `freehold own publish`."
        ) from None
