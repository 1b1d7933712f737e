"""`freehold audit evidence` and `verify`: what a stranger can check."""

import zipfile
import zlib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from freehold.audits.evidence import LedgerProofs, as_installed, milestones, pack, revealed, write
from freehold.audits.folder import Folder, compared_with, run_called
from freehold.audits.packed import FAILED
from freehold.audits.verifying import checks
from freehold.cli.as_json import as_json, print_json, print_result
from freehold.cli.output import OK, PROBLEMS, USAGE, Stop, progress
from freehold.cli.settings import config_of, state_dir
from freehold.config import schema
from freehold.ledger.proving import proofs_of, prove_all
from freehold.ledger.query import events
from freehold.ledger.segment import journals
from freehold.vocabulary.errors import BadRequest

FILES_MAX, BYTES_MAX = 10_000, 2 << 30  # of a zip that is to be verified


def run(args: Namespace) -> int:
    """Write the evidence of a run, or print single samples of one that was packed with commitments."""
    state = state_dir(args)
    folder = run_called(state, args.id)
    if args.reveal:
        lines = "".join(
            as_json(one, indent=-1) + "\n" for one in revealed(folder, list(_numbers(args.reveal)))
        )
        if args.out:
            Path(args.out).write_text(lines)
        else:
            print(lines, end="")
        return OK
    place = Path(args.out or f"freehold-evidence-{folder.id}")
    with progress("proving"):
        proofs = ledger_proofs(state, folder, config_of(args).ledger)
        if args.calls:
            proofs = proofs._replace(calls=_calls(state, folder, hidden=args.commitments))
        files = pack(folder, proofs, baseline=compared_with(folder), hidden=args.commitments)
    write(files, place)
    if args.json:
        print_json(
            {
                "audit": folder.id,
                "pack": str(place),
                "files": len(files),
                "bytes": sum(map(len, files.values())),
            }
        )
    else:
        print(f"{place}: {len(files)} files; who gets them runs: python verify.py")
    return OK


def run_verify(args: Namespace) -> int:
    """Check a pack with the code that is installed here."""
    with TemporaryDirectory() as scratch:
        place = _unpacked(Path(args.pack), Path(scratch))
        told = [*checks(place, args.key), as_installed(place)]
    print_result(args, [line._asdict() for line in told], (line.shown for line in told))
    return PROBLEMS if any(line.state == FAILED for line in told) else OK


def ledger_proofs(state: Path, folder: Folder, settings: schema.Ledger) -> LedgerProofs:
    """Proofs of a run's beginning, and of each time it was judged to its end.

    Raises NotFound, and Unverified where they are not signed yet.
    """
    own = [one for one in events(state) if one.about.get("audit") == folder.id]
    return LedgerProofs(*proofs_of(state, milestones(folder.id, own), settings))


def _calls(state: Path, folder: Folder, *, hidden: bool) -> dict[str, list[str]]:
    """Of each node that asked, its checkpoint and the proofs of its calls."""
    ids = {sample["exchange"] for sample in folder.samples() if sample["exchange"]}
    found: dict[str, list[str]] = {}
    for directory in journals(state):
        for proof in prove_all(state, directory.name, ids):
            if hidden and b'"said":' in proof.record:
                continue  # in what providers say of a failure they may quote the prompt
            head, _, note = proof.text().partition("\n\n")
            found.setdefault(directory.name, [note]).append(head)
    return found


def _numbers(written: str) -> Iterator[int]:
    for part in written.split(","):
        if not part.strip().isdecimal():
            raise BadRequest(f"--reveal {written!r} names no samples", remedy="Write numbers like 1,17.")
        yield int(part)


def _unpacked(place: Path, scratch: Path) -> Path:
    """The pack's folder, out of its zip where it is in one."""
    if place.is_dir():
        return place
    try:
        with zipfile.ZipFile(place) as archive:
            inside = archive.infolist()
            if len(inside) > FILES_MAX or sum(one.file_size for one in inside) > BYTES_MAX:
                raise zipfile.BadZipFile(f"it is over {FILES_MAX:,} files or {BYTES_MAX >> 30} GiB")
            archive.extractall(scratch)  # no more of a file than its size, and none outside the folder
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError) as error:
        raise Stop(
            USAGE, BadRequest(f"{place} is no evidence pack: {error}", remedy="Name its folder or zip.")
        ) from None
    folders = list(scratch.iterdir())
    return folders[0] if len(folders) == 1 and folders[0].is_dir() else scratch
