"""Texts with next to nothing personal: Python's standard library, and the pages of this project, each in two halves."""

import ast
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

DOCS = Path(__file__).parent.parent.parent / "docs"
MODULE_MAX = 60_000  # docstrings' characters of one module, so that none is most of it


def halves(paths: Iterator[Path], side: int) -> Iterator[Path]:
    """The files of one half: 0 is learnt from, 1 is tested on."""
    return (path for path in sorted(paths) if crc32(path.stem.encode()) % 2 == side)


def paragraphs(text: str) -> Iterator[str]:
    """Those with a word."""
    yield from (one.strip() for one in re.split(r"\n\s*\n", text) if re.search(r"\w{3}", one))


def docstrings(side: int) -> Iterator[str]:
    """Paragraphs of the docstrings of one half of the standard library's modules."""
    for path in halves(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"), side):
        nodes = (
            one
            for one in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(one, ast.FunctionDef | ast.ClassDef | ast.Module)
        )
        text = "\n\n".join(filter(None, (ast.get_docstring(one) for one in nodes)))
        yield from paragraphs(text[:MODULE_MAX])


def code(side: int) -> Iterator[str]:
    """Pieces of six lines of the same modules."""
    for path in halves(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"), side):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[30:]
        yield from ("\n".join(lines[at : at + 6]) for at in range(0, min(len(lines), 1200), 40))


def pages(side: int) -> Iterator[str]:
    """Paragraphs of one half of this project's pages."""
    for path in halves(DOCS.glob("*.md"), side):
        yield from paragraphs(path.read_text(encoding="utf-8"))
