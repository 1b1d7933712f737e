"""A plan becomes two files and a card: nothing alike is on both sides, and every figure is counted."""

import json
import os
from pathlib import Path

import pytest

from freehold.own.corpus.building import build
from freehold.own.plan import load_plan
from freehold.own.stage import RECORD, digest_of, made
from freehold.vocabulary.errors import BadRequest, ConfigError
from tests.own.corpus.plans import bases, built, fasta, packed, planned, prose


def documents(run: Path, *texts: str) -> None:
    (run / "docs").mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (run / "docs" / f"page{number}.md").write_text(text)


def test_the_card_counts_what_is_in_the_files(tmp_path: Path) -> None:
    documents(
        tmp_path,
        *(prose(number) for number in range(14)),
        prose(2),
        "Too short.",
        f"{prose(99)} a@b.example.org",
    )
    planned(tmp_path, "text", 'documents = ["docs"]\nevaluation = ["test.md"]')
    (tmp_path / "test.md").write_text(prose(5_000))

    card, train, held_out, drops = built(tmp_path)

    learnt, held = card.sides
    assert (learnt.rows, held.rows) == (len(train), len(held_out))
    assert learnt.characters == sum(len(row.text) for row in train)
    assert learnt.sha256 == digest_of(tmp_path / "corpus" / "train.jsonl")
    assert card.licences == {"MIT": len(train) + len(held_out)}
    assert sum(card.drops.values()) == len(drops) == 2
    assert card.drops == {"exact duplicate": 1, "too short": 1}
    assert card.personal == {"mail": 1}
    (source,) = card.sources
    assert (source.path, source.files, source.rows) == ("docs", 17, 15)
    assert card.evaluation == {"test.md": digest_of(tmp_path / "test.md")}
    page = (tmp_path / "corpus" / "card.md").read_text()
    for figure in (
        learnt.sha256,
        held.sha256,
        source.sha256,
        "| mail | 1 |",
        "| too short | 1 |",
        "nothing of them",
    ):
        assert figure in page


def test_the_same_is_not_made_again_and_something_else_is(tmp_path: Path) -> None:
    documents(tmp_path, *(prose(number) for number in range(12)))
    run = planned(tmp_path, "text", 'documents = ["docs"]')
    first, was_made = build(run, load_plan(run), None)
    again, was_made_again = build(run, load_plan(run), None)
    record = made(run, "corpus")

    (run / "docs" / "page3.md").write_text(prose(333))
    other, was_made_anew = build(run, load_plan(run), None)

    assert (was_made, was_made_again, was_made_anew) == (True, False, True)
    assert first == again != other
    assert record is not None
    assert record.outputs["train.jsonl"] == first.sides[0].sha256
    assert set(record.inputs) == {f"docs/page{number}.md" for number in range(12)}
    (run / "corpus" / "card.json").write_text("{}")
    with pytest.raises(BadRequest, match=r"card\.json is not what") as error:
        build(run, load_plan(run), None)
    assert f"remove {run / 'corpus' / RECORD}" in str(error.value.remedy)


def test_the_same_plan_makes_the_same_bytes_elsewhere(tmp_path: Path) -> None:
    outputs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        lines = (json.dumps({"text": prose(number), "at": "2026-01-01"}) for number in range(12))
        (tmp_path / name / "rows.jsonl").write_text("\n".join(lines))
        planned(tmp_path / name, "text", 'documents = ["rows.jsonl"]')
        outputs.append([side.sha256 for side in built(tmp_path / name).card.sides])

    assert outputs[0] == outputs[1]


def test_what_is_alike_is_on_one_side(tmp_path: Path) -> None:
    pages = [prose(number) for number in range(20)]
    documents(tmp_path, *pages, *(f"{page[: len(page) * 7 // 10]} {prose(700)[:300]}" for page in pages[:6]))
    planned(tmp_path, "text", 'documents = ["docs"]\nheld_out = 0.4')

    card, train, held_out, _ = built(tmp_path)

    assert held_out
    assert {row.cluster for row in train}.isdisjoint(row.cluster for row in held_out)
    assert card.sides[0].clusters + card.sides[1].clusters < len(train) + len(held_out)


def test_sequences_are_cut_by_position_and_documents_named_alike_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder / ".hidden").mkdir(parents=True)
        (tmp_path / folder / "notes.txt").write_text("no sequence")
        (tmp_path / folder / ".hidden" / "y.fa").write_text("no sequence")
        packed(tmp_path / folder / "x.fa.gz", fasta(bases(ord(folder), 20_000)))
    planned(tmp_path, "genome", 'sequences = ["a", "b"]\nsplit = "position"\nheld_out = 0.25')

    card, train, held_out, _ = built(tmp_path)

    assert [row.id for row in train] == ["x.fa.gz#s1:1-15000", "x.fa.gz#s1~2:1-15000"]
    assert [len(row.text) for row in held_out] == [5_000, 5_000]
    assert [source.rows for source in card.sources] == [2, 2]


def test_labelled_sequences_of_a_table_are_split_by_identity(tmp_path: Path) -> None:
    families = [bases(number, 60) for number in range(30)]
    lines = ["class,sequence"]
    for number, family in enumerate(families):
        lines += [f"{'odd' if number % 2 else 'even'},{one.lower()}" for one in (family, family[3:] + "ACG")]
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    knobs = 'tables = ["s.csv"]\nlabel = "class"\ntext = "sequence"\nsplit = "identity"\nheld_out = 0.3\nnear = 1.0'
    planned(tmp_path, "predict", knobs)

    _, train, held_out, _ = built(tmp_path)

    assert len(train) + len(held_out) == 60
    assert {row.cluster for row in train}.isdisjoint(row.cluster for row in held_out)
    assert len({row.cluster for row in (*train, *held_out)}) == 30
    assert all(row.text.isupper() and row.label in ("odd", "even") for row in train)


def test_columns_beside_sequences_are_cleaned_and_tested_too(tmp_path: Path) -> None:
    lines = [
        f"{'odd' if number % 2 else 'even'},{bases(number, 60)},{number % 2},a@b.example.org"
        for number in range(40)
    ]
    (tmp_path / "s.csv").write_text("\n".join(["class,sequence,code,by", *lines]) + "\n")
    knobs = 'tables = ["s.csv"]\nlabel = "class"\ntext = "sequence"\nsplit = "identity"'
    planned(tmp_path, "predict", knobs)
    with pytest.raises(BadRequest, match="leaking column `code`"):
        built(tmp_path)

    planned(tmp_path, "predict", f'{knobs}\nignore = ["code"]')
    found = built(tmp_path)

    assert found.card.personal == {"mail": 40}
    assert all("example.org" not in str(row.values["by"]) for row in found.train)


@pytest.mark.parametrize(
    ("recipe", "knobs", "said"),
    [
        ("text", "", "own.toml: [corpus] names nothing to learn from"),
        ("text", 'documents = ["nowhere"]', "nowhere: there is no such file or folder"),
        ("genome", 'sequences = ["nowhere.fa"]', "nowhere.fa: there is no such file or folder"),
        ("predict", 'tables = ["nowhere.csv"]', "nowhere.csv: there is no such file or folder"),
    ],
)
def test_a_plan_without_sources_is_refused_with_the_place(
    recipe: str, knobs: str, said: str, tmp_path: Path
) -> None:
    planned(tmp_path, recipe, knobs)

    with pytest.raises((ConfigError, BadRequest)) as error:
        built(tmp_path)

    assert said in str(error.value)


def test_rows_that_are_all_alike_cannot_be_held_out(tmp_path: Path) -> None:
    documents(tmp_path, *(prose(1, 2_000) + prose(number, 300) for number in range(5)))
    planned(tmp_path, "text", 'documents = ["docs"]\nnear = 1.0')

    with pytest.raises(BadRequest, match="too small: all 5 rows are alike, so that none can be held out"):
        built(tmp_path)


def test_a_file_whose_name_is_no_text_is_read_like_others(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.txt").write_text(prose(number, 60))
    odd = Path(os.fsdecode(bytes(folder) + b"/caf\xe9.txt"))
    odd.write_text(prose(99, 60))
    (folder / "fa\udce9.xyz").touch()

    corpus = built(planned(tmp_path, "text", 'documents = ["docs"]'))

    origins = {row.origin for row in (*corpus.train, *corpus.held_out)}
    assert {r"docs/caf\udce9.txt", "docs/1.txt"} <= origins
    assert r"docs/fa\udce9.xyz" in corpus.drops
