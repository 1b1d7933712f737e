"""What a corpus must not be, or hold, is found, and the message names it; terms: tests/cli/test_own_corpus.py."""

import json
import random
from pathlib import Path

import pytest

from freehold.vocabulary.errors import BadRequest, ConfigError
from tests.own.corpus.plans import bases, built, dropped, fasta, packed, planned, prose

BODY = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"
KEY = f"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----\n"


def documents(run: Path, count: int = 12) -> Path:
    (run / "docs").mkdir()
    for number in range(count):
        (run / "docs" / f"page{number}.md").write_text(prose(number))
    return run / "docs"


def test_a_contaminated_corpus_is_named_and_cleared(tmp_path: Path) -> None:
    folder = documents(tmp_path)
    stolen = " ".join(prose(3).split()[50:80])
    tasks = [{"id": "north", "prompt": f"Go on: {stolen}"}, {"id": "short", "prompt": "And now?"}]
    (tmp_path / "tasks.jsonl").write_text("\n".join(map(json.dumps, tasks)) + "\n")
    planned(tmp_path, "text", 'documents = ["docs"]', '[evaluate]\ntasks = ["tasks.jsonl"]\n')

    found = built(tmp_path)

    assert found.drops["docs/page3.md"] == ("in an evaluation set", "13 words in a row of tasks.jsonl:1")
    assert found.card.contaminated == ("docs/page3.md: 13 words in a row of tasks.jsonl:1",)
    assert stolen not in "".join(row.text for row in (*found.train, *found.held_out))
    assert "page3.md: 13 words in a row of tasks.jsonl:1" in (tmp_path / "corpus" / "card.md").read_text()
    assert folder.joinpath("page3.md").exists()


def test_a_document_with_a_private_key_is_named_and_left_out(tmp_path: Path) -> None:
    (documents(tmp_path) / "notes.md").write_text(f"# Notes\n\n{KEY}{prose(99)}")
    planned(tmp_path, "text", 'documents = ["docs"]')

    found = built(tmp_path)

    assert found.drops["docs/notes.md"] == ("secret", "private key, line 3")
    assert found.card.secrets == ("docs/notes.md: private key, line 3",)
    written = "".join(path.read_text() for path in (tmp_path / "corpus").iterdir())
    assert BODY not in written


@pytest.mark.parametrize(
    ("name", "content", "place", "said"),
    [
        ("cut.fa", fasta(bases(1, 300))[:-25], "cut.fa:6:", "truncated: the file ends in the middle of a line"),
        ("cut.fa", fasta(bases(1, 90), "") , "cut.fa:4:", "truncated: `s2` has no bases at all"),
        ("cut.fa", fasta(bases(1, 90)).replace(" a test", " length=120"), "cut.fa:3:", "`s1` has 120 bases by its"),
        ("cut.fq", f"@r1\n{'ACGT' * 9}\n+\n{'I' * 36}\n@r2\nACGT\n", "cut.fq:5:", "truncated: the record that begins"),
        ("cut.fq", f"@r1\n{'ACGT' * 9}\n+\n{'I' * 30}\n", "cut.fq:4:", "truncated: 30 qualities for 36 bases"),
    ],
)  # fmt: skip
def test_a_truncated_fasta_or_fastq_is_named_with_its_line(
    name: str, content: str, place: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    planned(tmp_path, "genome", f'sequences = ["{name}"]\nsplit = "position"')

    with pytest.raises(ConfigError) as error:
        built(tmp_path)

    assert place in str(error.value)
    assert said in str(error.value)


def test_a_truncated_gzip_is_named_with_its_line(tmp_path: Path) -> None:
    path = packed(tmp_path / "cut.fa.gz", fasta(bases(1, 60_000)))
    path.write_bytes(path.read_bytes()[:-400])
    planned(tmp_path, "genome", 'sequences = ["cut.fa.gz"]\nsplit = "position"')

    with pytest.raises(ConfigError, match=r"cut.fa.gz:9\d\d:1: truncated: the compressed stream ends before"):
        built(tmp_path)


def test_a_corpus_too_small_is_refused_with_what_was_left_out(tmp_path: Path) -> None:
    folder = documents(tmp_path, 3)
    (folder / "again.md").write_text(prose(1))
    planned(tmp_path, "text", 'documents = ["docs"]')

    with pytest.raises(BadRequest) as error:
        built(tmp_path)

    assert str(error.value).startswith("the corpus is too small: 3,")
    assert "characters to learn from, and the recipe text wants 10,000" in str(error.value)
    assert "1 exact duplicate" in error.value.remedy
    assert dropped(tmp_path)["docs/page1.md"] == ("exact duplicate", "of docs/again.md")


def test_what_has_no_licence_is_named_with_the_knob_that_gives_one(tmp_path: Path) -> None:
    documents(tmp_path, 3)
    plan = planned(tmp_path, "text", 'documents = ["docs"]') / "own.toml"
    plan.write_text(plan.read_text().replace('licence = "MIT"', 'licence = ""'))

    with pytest.raises(BadRequest) as error:
        built(tmp_path)

    assert error.value.remedy.startswith("Say under which `licence` of [corpus] they may be learnt from.")
    assert "3 licence unknown" in error.value.remedy


def test_a_csv_with_a_leaking_column_is_refused_until_the_column_is_ignored(tmp_path: Path) -> None:
    draw = random.Random(0)
    lines = ["age,dose,outcome_code,outcome"]
    for _ in range(120):
        label = draw.choice(("healed", "ill"))
        age, dose = draw.randint(20, 80) + 5 * (label == "ill"), round(draw.gauss(5, 1), 2)
        lines.append(f"{age},{dose},{'H' if label == 'healed' else 'I'}{draw.randint(0, 2)},{label}")
    (tmp_path / "cases.csv").write_text("\n".join(lines) + "\n")
    planned(tmp_path, "predict", 'tables = ["cases.csv"]\nlabel = "outcome"')

    with pytest.raises(BadRequest, match=r"leaking column `outcome_code` \(100.0%\)") as error:
        built(tmp_path)
    assert "`ignore` of [corpus]" in error.value.remedy

    planned(tmp_path, "predict", 'tables = ["cases.csv"]\nlabel = "outcome"\nignore = ["outcome_code"]')
    found = built(tmp_path)
    assert {one.column for one in found.card.columns} == {"age", "dose"}
    assert all(set(row.values) == {"age", "dose"} for row in found.train)
