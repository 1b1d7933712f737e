"""The pages and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"])

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_SECTION = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[str]:
    """What stands between fences, in these languages."""
    return [body for language, body in _BLOCK.findall(text) if language in languages]


def code(text: str) -> list[str]:
    """What stands between backticks, outside of fences."""
    return _CODE.findall(_BLOCK.sub("", text))


def sections(text: str) -> dict[str, str]:
    """What follows each heading, up to the next."""
    parts = _SECTION.split(_BLOCK.sub("", text))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of a table but its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for before, line in zip(["", *lines], lines, strict=False):
        if set(line) <= set("|- ") or not before:
            continue
        yield [cell.strip() for cell in line.strip("|").split(" | ")]
