import os
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from freehold.own.corpus import documents
from freehold.own.corpus.documents import read
from freehold.own.corpus.drops import Drops
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest


def pdf(path: Path, lines: list[str], password: str = "", owner: str = "") -> Path:
    """A PDF of one page with a line of text each; of none, a page as a scanner makes it."""
    writer = PdfWriter()
    page = writer.add_blank_page(300, 300)
    font = DictionaryObject({
        NameObject("/Type"): NameObject("/Font"),
        NameObject("/Subtype"): NameObject("/Type1"),
        NameObject("/BaseFont"): NameObject("/Helvetica"),
    })  # fmt: skip
    fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    content = DecodedStreamObject()
    shown = " ".join(f"({line}) Tj 0 -15 Td" for line in lines)
    content.set_data(f"BT /F1 12 Tf 20 250 Td {shown} ET".encode() if lines else b"")
    page[NameObject("/Contents")] = writer._add_object(content)
    if password or owner:
        writer.encrypt(password, owner or None, algorithm="AES-256")
    writer.write(path)
    return path


def dropped(drops: Drops) -> list[tuple[str, str, str]]:
    return [(one.id, one.reason.value, one.detail) for one in drops]


def test_a_folder_is_read_in_the_order_of_names_with_ids_that_stay(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "deep").mkdir(parents=True)
    (docs / "b.md").write_text("# Markdown")
    (docs / "deep" / "a.html").write_text("<title>A</title><p>page<script>no</script>")
    (docs / "z.py").write_text("def f():\n    return 1\n")
    (docs / "LICENSE").write_text("Do as you like.")
    pdf(docs / "p.pdf", ["Exam-", "ples of text"])
    os.utime(docs / "b.md", ns=(0, 1_700_000_000_123_456_789))

    rows = list(read([docs], "proprietary", Drops()))

    assert [(row.id, row.text) for row in rows] == [
        ("docs/LICENSE", "Do as you like."),
        ("docs/b.md", "# Markdown"),
        ("docs/p.pdf", "Examples of text"),
        ("docs/z.py", "def f():\n    return 1\n"),
        ("docs/deep/a.html", "A\n\npage"),
    ]
    assert rows[1] == Row(
        "docs/b.md", "# Markdown", at_ms=1_700_000_000_123, origin=str(docs / "b.md"), licence="proprietary"
    )
    moved = shutil.copytree(docs, tmp_path / "elsewhere" / "docs")
    assert [row.id for row in read([moved], "proprietary", Drops())] == [row.id for row in rows]


def test_what_is_not_read_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = tmp_path / "docs"
    for folder in (".git", "__pycache__", "kept"):
        (docs / folder).mkdir(parents=True)
        (docs / folder / "inside.txt").write_text("text")
    (tmp_path / "outside.txt").write_text("not ours")
    (docs / "link.txt").symlink_to(tmp_path / "outside.txt")
    (docs / "loop").symlink_to(docs)
    (docs / ".env").write_text("TOKEN=1")
    (docs / "photo.png").write_bytes(b"\x89PNG")
    (docs / "binary.txt").write_bytes(b"text\0more")
    (docs / "large.txt").write_text("x" * 101)
    os.mkfifo(docs / "pipe.txt")
    monkeypatch.setattr(documents, "FILE_BYTES_MAX", 100)
    drops = Drops()

    assert [row.id for row in read([docs], "MIT", drops)] == ["docs/kept/inside.txt"]
    assert dropped(drops) == [
        ("docs/.env", "not read", "hidden"),
        ("docs/.git", "not read", "hidden"),
        ("docs/__pycache__", "not read", "derived"),
        ("docs/binary.txt", "unreadable", "binary"),
        ("docs/large.txt", "not read", "larger than 0 MiB"),
        ("docs/link.txt", "not read", "a link"),
        ("docs/loop", "not read", "a link"),
        ("docs/photo.png", "not read", "of no known kind (.png)"),
        ("docs/pipe.txt", "not read", "not a file"),
    ]
    assert [one.origin for one in drops] == [one.id for one in drops]  # wherever the folder lies


def test_pdfs_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    pdf(docs / "a-locked.pdf", ["text"], password="x")
    pdf(docs / "b-scanned.pdf", [])
    (docs / "c-damaged.pdf").write_bytes(pdf(tmp_path / "whole.pdf", ["text"]).read_bytes()[:200])
    pdf(docs / "d-read-only.pdf", ["open to read"], owner="x")
    drops = Drops()

    rows = list(read([docs], "MIT", drops))

    assert [(row.id, row.text) for row in rows] == [("docs/d-read-only.pdf", "open to read")]
    assert PdfReader(docs / "d-read-only.pdf").is_encrypted
    said = dropped(drops)
    assert said[:2] == [
        ("docs/a-locked.pdf", "unreadable", "encrypted"),
        ("docs/b-scanned.pdf", "unreadable", "no text in it: scanned?"),
    ]
    assert said[2][:2] == ("docs/c-damaged.pdf", "unreadable")
    assert said[2][2].startswith("not a PDF that can be read (")


@pytest.mark.parametrize(
    ("data", "text", "said"),
    [
        ("Grüße".encode(), "Grüße", ""),
        ("Grüße".encode("utf-8-sig"), "Grüße", ""),
        ("Grüße".encode("utf-16"), "Grüße", "read as utf-16, by its mark"),
        ("Grüße".encode("utf-32"), "Grüße", "read as utf-32, by its mark"),
        ("“Grüße” €".encode("cp1252"), "“Grüße” €", "read as cp1252, as it is not UTF-8"),
        (b"Gr\xfc\xdfe\x81", "Grüße\x81", "read as latin-1, as it is neither UTF-8 nor cp1252"),
        ("# coding: koi8-r\nжзийк".encode("koi8-r"), "# coding: koi8-r\nжзийк", "read as koi8-r, as it says itself"),
        (b"# coding: nonsense\n\xe9", "# coding: nonsense\né", "read as cp1252, as it is not UTF-8"),
        (b"# coding: utf-8\n\xe9", "# coding: utf-8\né", "read as cp1252, as it is not UTF-8"),
        (b"# coding: hex\n\xe9", "# coding: hex\né", "read as cp1252, as it is not UTF-8"),
    ],
)  # fmt: skip
def test_bytes_that_are_not_utf_8_are_decoded_and_it_is_told_how(
    data: bytes, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_bytes(data)
    decided: defaultdict[str, list[str]] = defaultdict(list)

    (row,) = read([tmp_path / "a.py"], "MIT", Drops(), decided=decided)

    assert row.text == text
    assert decided == ({said: ["a.py"]} if said else {})


def test_a_mark_that_does_not_hold_makes_a_file_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfeabc")
    drops = Drops()

    assert list(read([tmp_path / "a.txt"], "MIT", drops)) == []
    assert dropped(drops) == [("a.txt", "unreadable", "not utf-16, though its mark says so")]


def test_lines_are_rows_and_a_bad_one_is_named_with_its_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "talks.jsonl"
    path.write_text(
        '\ufeff{"text": "one", "id": "first", "at": 5}\n\n{"text": 3}\n{"text": "cut\n'
        f'{{"text": "{"x" * 300}"}}\n'
        '{"text": "two", "id": "first", "licence": "CC0-1.0"}\n{"text": "three"}'
    )
    os.utime(path, (9, 9))
    monkeypatch.setattr(documents, "LINE_BYTES_MAX", 200)
    drops = Drops()

    rows = list(read([path], "MIT", drops))

    assert [(row.id, row.text, row.at_ms, row.licence) for row in rows] == [
        ("talks.jsonl:first", "one", 5, "MIT"),
        ("talks.jsonl:first~2", "two", 9000, "CC0-1.0"),
        ("talks.jsonl:7", "three", 9000, "MIT"),
    ]
    assert dropped(drops) == [
        ("talks.jsonl:3", "unreadable", "line 3: Expected `str`, got `int` - at `text`"),
        ("talks.jsonl:4", "unreadable", "line 4: JSON is malformed: invalid character (byte 13)"),
        ("talks.jsonl:5", "unreadable", "line 5: longer than 0 MiB"),
    ]


def test_without_the_label_that_is_to_be_told_nothing_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one", "kind": "x"}\n{"text": "two"}\n')
    (tmp_path / "b.txt").write_text("three")
    drops = Drops()

    rows = list(read([tmp_path / "a.jsonl", tmp_path / "b.txt"], "MIT", drops, "kind"))

    assert [(row.text, row.label) for row in rows] == [("one", "x")]
    assert dropped(drops) == [
        ("a.jsonl:2", "no label", "line 2: it has no `kind`"),
        ("b.txt", "no label", "not a jsonl file"),
    ]


def test_without_a_licence_only_what_names_its_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("#!/usr/bin/python\n# SPDX-License-Identifier: Apache-2.0 OR MIT\n")
    (tmp_path / "b.c").write_text("/* SPDX-License-Identifier: BSD-3-Clause */\n")
    (tmp_path / "c.md").write_text("SPDX-License-Identifier: MIT is how a licence is named.")
    drops = Drops()

    rows = list(read([tmp_path / name for name in ("a.py", "b.c", "c.md")], "", drops))

    assert [(row.id, row.licence) for row in rows] == [("a.py", "Apache-2.0 OR MIT"), ("b.c", "BSD-3-Clause")]
    assert dropped(drops) == [("c.md", "licence unknown", "")]
    assert [row.licence for row in read([tmp_path / "a.py"], "proprietary", Drops())] == ["Apache-2.0 OR MIT"]


def test_no_file_is_read_twice_and_no_two_rows_share_an_id(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder / "docs").mkdir(parents=True)
        (tmp_path / folder / "docs" / "a.md").write_text(folder)
    given = [
        tmp_path / "one" / "docs",
        tmp_path / "two" / "docs",
        tmp_path / "one",
        tmp_path / "one/docs/a.md",
    ]

    rows = list(read(given, "MIT", Drops()))

    assert [(row.id, row.text) for row in rows] == [("docs/a.md", "one"), ("docs/a.md~2", "two")]


def test_a_given_path_may_be_a_link_and_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.md").write_text("text")
    (tmp_path / "docs").symlink_to("real")

    assert [row.id for row in read([tmp_path / "docs"], "MIT", Drops())] == ["docs/a.md"]
    with pytest.raises(BadRequest, match="nowhere is not there"):
        list(read([tmp_path / "nowhere"], "MIT", Drops()))
