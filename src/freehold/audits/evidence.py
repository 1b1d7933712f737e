"""The evidence pack of a run: one folder, or zip, that a stranger can check with Python and numpy alone.

It holds the protocol, all prompts and answers, proofs from the ledger that both were fixed when they say, the very
code that gives the verdict, and a page to read. With commitments instead, prompts and answers stay here; each can be
revealed later, and nothing else of them is told by it.

Does not protect: a pack with prompts and answers shows them to whoever has it.
"""

import ast
import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from freehold import __version__
from freehold.audits.folder import Folder
from freehold.audits.judging import judged
from freehold.audits.packed import (
    BASELINE,
    CODE,
    COMMITMENTS,
    FAILED,
    HIDDEN_PROTOCOL,
    KEPT,
    KEYS,
    MANIFEST,
    OK,
    OPEN,
    PAGE,
    PROOFS,
    PROTOCOL,
    README,
    REPORT,
    SAMPLES,
    SCRIPT,
    Line,
    commitment,
    salt_of,
)
from freehold.audits.page import page, readme
from freehold.audits.verifying import BEGUN, ENDED, differing
from freehold.vocabulary.errors import BadRequest, NotFound, Unverified
from freehold.vocabulary.exchange import Event

OPENING = "opening.key"  # in the run's folder: the seed of the salts, so that single answers can be revealed
ENTRY = "freehold.audits.verifying"
EPOCH = (1980, 1, 1, 0, 0, 0)  # of files in a zip, so that the same run gives the same bytes
ENDS_MAX = 50  # a run for ever ends each time it goes on
TELLING_CHARS = 24  # words as long as that stand nowhere by chance

Plain = Mapping[str, Any]
Files = dict[str, bytes]

VERIFY = '''"""Check this evidence pack: python verify.py. Needs Python 3.11 or later, and numpy."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # this folder: nothing in it may pass for a module of Python's

import os
from pathlib import Path

import numpy  # noqa: F401 - compiled modules of numpy's may be used; of this pack's, none

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.pycache_prefix = os.devnull
sys.path.insert(0, str(HERE / "check"))

from freehold.audits.verifying import main  # noqa: E402 - it is found only now

sys.exit(main(HERE))
'''


class LedgerProofs(NamedTuple):
    """What the ledger has to say: for each event a proof by the name of its file, and the logs' keys."""

    proofs: Mapping[str, bytes]
    keys: Sequence[str]
    calls: Mapping[str, Sequence[str]] = {}  # of each log the checkpoint, then each call's proof without it


def milestones(run: str, own: Sequence[Event]) -> dict[str, Event]:
    """Of a run's events those that a pack proves, by their files' names: its beginning, and each end.

    Raises NotFound where the ledger does not have both.
    """
    first = [one for one in own if one.kind in BEGUN][:1]
    last = [one for one in own if one.kind == ENDED][-ENDS_MAX:]
    if not first or not last:
        raise NotFound(
            f"the ledger has no record of {run} from its beginning to its end",
            remedy=f"Run `freehold audit resume {run}` with the same state directory.",
        )
    return {"001-begun": first[0]} | {f"{number:03}-ended": one for number, one in enumerate(last, 2)}


def pack(
    folder: Folder, ledger: LedgerProofs, *, baseline: Folder | None = None, hidden: bool = False
) -> Files:
    """Every file of a run's evidence. `baseline`: the run that it compares with.

    Raises BadRequest where a run has no report yet, and Unverified where its folder is damaged, or where the report was
    given by code that judged otherwise.
    """
    report = folder.report()
    if report is None:
        raise BadRequest(
            f"{folder.id} has not ended, so that there is no verdict to prove",
            remedy=f"Run `freehold audit resume {folder.id}`.",
        )
    protocol, samples = folder.protocol, list(folder.samples())
    files: Files = {REPORT: _read(folder.path / REPORT)}
    told, judging = json.loads(files[REPORT]), judged(protocol, samples)
    if wrong := differing(judging.report(), told):
        raise Unverified(
            f"the samples of {folder.id} do not lead to its report ({', '.join(wrong)}): it was judged by another "
            "version, or changed",
            remedy=f"Judge it again with `freehold audit resume {folder.id}`, which asks nothing anew.",
        )
    files |= _hidden(folder) if hidden else _shown(folder, baseline)
    files |= {f"{PROOFS}/{name}.tlog-proof": proof for name, proof in ledger.proofs.items()}
    for node, parts in ledger.calls.items():
        files[f"{PROOFS}/calls-{node}.jsonl"] = b"".join(msgspec.json.encode(part) + b"\n" for part in parts)
    files[KEYS] = "".join(f"{key.strip()}\n" for key in dict.fromkeys(ledger.keys)).encode()
    files[PAGE] = page(protocol, samples, told, judging, hidden=hidden).encode()
    files[README] = readme(protocol, told["verdict"], __version__, hidden=hidden).encode()
    if hidden:
        _keep_silent(files, protocol, samples)
    files[SCRIPT] = VERIFY.encode()
    files |= {f"{CODE}/{name}": source for name, source in code()}
    listed = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    files[MANIFEST] = (
        json.dumps({"audit": folder.id, "freehold": __version__, "files": listed}, indent=1)
    ).encode()
    return files


def write(files: Files, place: Path) -> None:
    """Write a pack as a folder, or as a zip where the name ends in .zip. Raises BadRequest where something is there."""
    if place.exists():
        raise BadRequest(f"{place} is there already", remedy="Name another place with --out.")
    if place.suffix == ".zip":
        place.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(place, "x", zipfile.ZIP_DEFLATED) as archive:
            for name, data in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(f"{place.stem}/{name}", EPOCH), data, zipfile.ZIP_DEFLATED)
        return
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)


def revealed(folder: Folder, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Single samples, counted from 1, with what opens their commitments.

    Raises BadRequest where there is no such sample, or no pack with commitments was ever made.
    """
    key = folder.path / OPENING
    if not key.exists():
        raise BadRequest(
            f"no pack with commitments was made of {folder.id}",
            remedy=f"Make one with `freehold audit evidence {folder.id} --commitments`.",
        )
    seed, lines = key.read_bytes(), _lines(folder)
    for number in numbers:
        if not 1 <= number <= len(lines):
            raise BadRequest(
                f"{folder.id} has no sample {number}", remedy=f"It has {len(lines)}, counted from 1."
            )
        salt = salt_of(seed, f"sample/{number}")
        yield {"line": number, "salt": salt.hex(), "sample": lines[number - 1].decode()}


def code(entry: str = ENTRY) -> Iterator[tuple[str, bytes]]:
    """The modules that checking takes, found by following imports; each package begins empty."""
    waiting, seen = [entry], set[str]()
    while waiting:
        name = waiting.pop()
        spec = find_spec(name)
        if name in seen or spec is None or spec.origin is None:
            continue
        seen.add(name)
        source = Path(spec.origin).read_bytes()
        yield f"{name.replace('.', '/')}.py", source
        froms = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
        waiting += [node.module for node in froms if node.module and node.module.startswith("freehold.")]
    for package in {part for name in seen for part in _packages(name)}:
        yield f"{package.replace('.', '/')}/__init__.py", b""


def _packages(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _shown(folder: Folder, baseline: Folder | None) -> Files:
    files = {name: _read(folder.path / name) for name in (PROTOCOL, SAMPLES)}
    if baseline is not None:
        files |= {f"{BASELINE}/{name}": _read(baseline.path / name) for name in (PROTOCOL, SAMPLES)}
    return files


def _hidden(folder: Folder) -> Files:
    """Protocol and samples with commitments in place of every word that was asked or answered."""
    seed, protocol = _seed(folder), folder.protocol
    prompts = [
        {"id": one["id"], "commitment": commitment(salt_of(seed, f"prompt/{number}"), _canonical(one))}
        for number, one in enumerate(protocol["prompts"], 1)
    ]
    arms = [one | {"settings": {}} for one in protocol["arms"]]  # a system prompt is a prompt, too
    lines = []
    for number, line in enumerate(_lines(folder), 1):
        sample = json.loads(line)
        kept = {name: sample[name] for name in KEPT if name in sample}
        kept["error"] = None if sample.get("error") is None else "withheld"
        kept["commitment"] = commitment(salt_of(seed, f"sample/{number}"), line)
        lines.append(_canonical(kept) + b"\n")
    return {
        HIDDEN_PROTOCOL: json.dumps(protocol | {"prompts": prompts, "arms": arms}, indent=1).encode(),
        COMMITMENTS: b"".join(lines),
    }


def _seed(folder: Folder) -> bytes:
    """What all salts of a run come from: made once, readable by this user alone."""
    try:
        descriptor = os.open(folder.path / OPENING, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(folder.path / OPENING)
    with os.fdopen(descriptor, "wb") as file:
        seed = os.urandom(32)
        file.write(seed)
    return seed


def _lines(folder: Folder) -> list[bytes]:
    return _read(folder.path / SAMPLES).splitlines()


def _keep_silent(files: Files, protocol: Plain, samples: Iterable[Plain]) -> None:
    """Raises BadRequest where words that are to be withheld stand in what is shown, as a report may name them."""
    apart = (PROOFS, COMMITMENTS)  # what is in these was chosen word by word
    shown = b"\n".join(data for name, data in files.items() if not name.startswith(apart)).decode()
    systems = [str(one["settings"].get("system") or "") for one in protocol["arms"]]
    words = [str(text) for one in protocol["prompts"] for text in (one.get("text"), one.get("system"))]
    words += systems + [str(one.get("answer") or "") for one in samples]
    told = [one for one in systems if one and any(one in arm["name"] for arm in protocol["arms"])]
    told += [one for one in words if len(one) >= TELLING_CHARS and any(form in shown for form in _forms(one))]
    if told:
        raise BadRequest(
            f"the report itself names what is to be withheld: {told[0][:60]!r}",
            remedy="Name classes of users in a file (--classes) and run it anew, or leave --commitments out.",
        )


def _forms(text: str) -> set[str]:
    """How a text may be written in JSON and HTML."""
    return {text, escape(text), json.dumps(text)[1:-1], msgspec.json.encode(text).decode()[1:-1]}


def _canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unverified(
            f"{path} cannot be read: {error.strerror}", remedy="Restore the folder from a backup."
        ) from None


def as_installed(place: Path) -> Line:
    """Whether what a pack would run is what Freehold has here."""
    here = {SCRIPT: VERIFY.encode(), **{f"{CODE}/{name}": source for name, source in code()}}
    there = {one.relative_to(place).as_posix() for one in (place / CODE).rglob("*") if one.is_file()} | {
        SCRIPT
    }
    other = [name for name in sorted(there | set(here)) if here.get(name) != _bytes_of(place / name)]
    if not other:
        return Line(OK, f"{SCRIPT} and {CODE}/ are what Freehold {__version__} has here")
    said = (
        f"{SCRIPT} and {CODE}/ are not what Freehold {__version__} has here: {other[0]} ({len(other)} in all)"
    )
    try:
        version = json.loads((place / MANIFEST).read_bytes())["freehold"]
    except (OSError, ValueError, LookupError, TypeError):
        version = None
    if version == __version__:
        return Line(FAILED, f"{said}; none of it was run")
    return Line(
        OPEN, f"{said}; it is of {version}, which may judge and tell otherwise: verify it with that one"
    )


def _bytes_of(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None
