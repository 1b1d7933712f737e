"""What is in an evaluation set is found in texts, sequences and tables, and left out or cut out."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.corpus.contamination import (
    PIECE_MIN,
    WORDS,
    WORDS_MIN,
    Evaluated,
    Index,
    evaluation,
    without,
)
from freehold.own.corpus.drops import Drops
from freehold.own.corpus.kmers import K
from freehold.own.corpus.knobs import Corpus
from freehold.own.rows import Row, Turn
from freehold.vocabulary.errors import ConfigError
from tests.own.corpus.plans import bases, fasta, prose
from tests.own.corpus.test_kmers import reverse_complement

TEST = prose(1, 60)


def index(*texts: str) -> Index:
    return Index([Evaluated(f"test:{number}", Row("", text)) for number, text in enumerate(texts, 1)])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 59), st.integers(0, 59), st.integers(0, 30))
def test_so_many_words_in_a_row_are_found_wherever_they_stand_and_fewer_are_not(
    begin: int, length: int, before: int
) -> None:
    part = TEST.split()[begin : begin + length]
    row = Row("r", f"{prose(2, before)} {'  '.join(part).upper()}, {prose(3, 20)}")

    found = index(TEST).in_text(row)

    assert found == (f"{WORDS} words in a row of test:1" if len(part) >= WORDS else "")


def test_a_short_evaluation_text_counts_as_a_whole_and_a_shorter_one_is_counted() -> None:
    short = " ".join(TEST.split()[:WORDS_MIN])
    found = index(short, "And now?")

    assert (
        found.in_text(Row("r", turns=(Turn("user", f"So: {short}!"),)))
        == f"{WORDS_MIN} words in a row of test:1"
    )
    assert found.in_text(Row("r", short.rpartition(" ")[0])) == ""
    assert found.short == 1


def test_signs_that_need_no_spaces_are_words_each() -> None:
    question = "東京から京都まで新幹線で何時間かかりますか"

    assert index(question).in_text(Row("r", f"質問です。{question}。")) != ""
    assert index(question).in_text(Row("r", "東京から京都まで歩いて行きました")) == ""


@pytest.mark.parametrize("strand", [str, reverse_complement])
def test_half_of_a_sequence_on_either_strand_is_contamination_and_a_tenth_is_none(strand: type[str]) -> None:
    test = bases(1, 1_000)
    drops = Drops()
    rows = [
        Row("same", strand(test[100:700]) + bases(2, 300)),
        Row("holds", bases(3, 3_000) + strand(test) + bases(4, 3_000)),
        Row("tenth", strand(test[:100]) + bases(5, 900)),
        Row("other", bases(6, 1_000)),
    ]

    kept = without(rows, index(test), drops, bases=True)

    assert [row.id for row in kept] == ["tenth", "other"]
    assert {one.id: one.detail for one in drops} == dict.fromkeys(("same", "holds"), "the sequence test:1")


def test_from_a_long_sequence_the_stretch_alone_is_cut_out() -> None:
    test, first, last = bases(1, 800), bases(2, 9_000), bases(3, 4_000)
    drops = Drops()

    kept = list(without([Row("s", first + test + last)], index(test), drops, bases=True))

    assert [row.id for row in kept] == ["s:1-9000", "s:9801-13800"]
    assert [row.text for row in kept] == [first, last]
    assert {row.cluster for row in kept} == {"s"}
    assert [one.detail for one in drops] == ["the sequence test:1, which is cut out"]
    assert PIECE_MIN < 4_000


def test_too_short_a_sequence_is_not_looked_for() -> None:
    assert index(bases(1, 200)).in_sequence(Row("r", bases(1, 200)[: K - 1])) == ("", [])


def test_every_form_of_evaluation_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text(
        json.dumps({"id": "t", "messages": [{"content": TEST}], "n": 1}) + "\n\n"
    )
    (tmp_path / "test.csv").write_text("a,b\n1,x\n")
    (tmp_path / "page.md").write_text(prose(7))
    (tmp_path / "genes.fa").write_text(fasta(bases(8, 100)))

    found = list(
        evaluation([tmp_path / name for name in sorted(path.name for path in tmp_path.iterdir())], Corpus())
    )

    assert {one.place for one in found} == {"tasks.jsonl:1", "test.csv#1", "page.md", "genes.fa#s1"}
    rows = [
        Row("p", prose(7)),
        Row("q", TEST),
        Row("v", values={"a": 1.0, "b": "x"}),
        Row("w", values={"a": 2.0}),
    ]
    assert [row.id for row in without(rows, Index(found), Drops(), bases=False)] == ["w"]


def test_a_test_table_needs_no_label_to_be_found(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("a,b,skip\n1,x,9\n")
    knobs = Corpus(label="y", group="site", ignore=("skip",))

    (found,) = evaluation([tmp_path / "test.csv"], knobs)

    assert found.row.values == {"a": 1.0, "b": "x"}


@pytest.mark.parametrize(
    ("content", "said"), [(None, "there is no such evaluation file"), ("{\n", "cannot be read")]
)
def test_an_evaluation_file_that_cannot_be_read_is_named(
    content: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "tasks.jsonl"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigError, match=said) as error:
        list(evaluation([path], Corpus()))
    assert error.value.file == str(path)
