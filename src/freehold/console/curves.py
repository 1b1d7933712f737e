"""How the evidence of an audit grew, worked out from its samples; of a run under way, from those that are new."""

from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
from msgspec import Struct

from freehold.audits.folder import SAMPLES, Folder
from freehold.audits.judging import Judging, Units
from freehold.console.later import LATER
from freehold.vocabulary.errors import Unverified
from freehold.vocabulary.report import AuditReport

FOLLOWED = 8  # runs whose answers are kept in mind, so that only new ones have to be read

Looks = tuple[tuple[int, float, float | None], ...]  # units so far, ln of e, ln of the placebo's e


class Curve(Struct, frozen=True):
    """A run as far as it has come."""

    looks: Looks
    report: AuditReport  # what can be said so far


class Following:
    """One run, judged as it goes on."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.read = folder, 0
        self.judging, self.units = Judging(folder.protocol), Units(folder.protocol)

    def curve(self) -> Curve:
        """With all that lies there now. Raises Unverified for samples that are sealed or damaged."""
        path = self.folder.path / SAMPLES
        with path.open("rb") if path.exists() else BytesIO() as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # it is being written
                self.read += len(line)
                for unit in self.units.add(self.folder.codec.show(_decoded(line, path))):
                    if not self.judging.final:
                        self.judging.take(unit)
        report = msgspec.convert(self.judging.report() | {"protocol": self.folder.digest}, AuditReport)
        return Curve(tuple(self.judging.trace), report)


_following: OrderedDict[Path, Following] = OrderedDict()
_turn = Lock()


def curve(folder: Folder) -> Curve | None:
    """How a run went; None: it is being worked out. Raises Unverified."""
    return LATER.get(("curve", folder.path), sampled(folder), lambda: _curve(folder))


def sampled(folder: Folder) -> int:
    """How many bytes of samples a run has."""
    path = folder.path / SAMPLES
    return path.stat().st_size if path.exists() else 0


def _curve(folder: Folder) -> Curve:
    with _turn:
        following = _following.pop(folder.path, None)
    if following is None or following.read > sampled(folder):
        following = Following(folder)
    found = following.curve()
    with _turn:
        _following[folder.path] = following
        while len(_following) > FOLLOWED:
            _following.popitem(last=False)
    return found


def _decoded(line: bytes, path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unverified(f"{path}: {error}", remedy="Restore the folder from a backup.") from None
