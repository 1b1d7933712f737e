"""Tables are read as they are written: numbers where all is numbers, and a file that is not whole is named."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from freehold.own.corpus import tables
from freehold.own.corpus.drops import Drops
from freehold.own.corpus.knobs import Corpus
from freehold.own.corpus.tables import CLASSES_MAX, read, rows_of, see_ignored
from freehold.own.rows import Row
from freehold.vocabulary.errors import ConfigError

CSV = "site;depth;sex;sequence;class\nA1;1,5;f;acgt;1\nA1;2;m;ggtt;0\n;;f;tttt;\n"


def rows(path: Path, drops: Drops, **knobs: object) -> list[Row]:
    return list(rows_of(read(path), Corpus(licence="MIT", **knobs), drops))  # type: ignore[arg-type]


def test_a_row_has_its_values_its_label_its_text_and_its_group(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CSV.replace("1,5", "1.5"))
    drops = Drops()

    first, second = rows(path, drops, label="class", text="sequence", group="site", ignore=("sex",))

    assert first == Row(
        "t.csv#1", "acgt", (), {"depth": 1.5}, "1", (), "site=A1", 0, str(path.resolve()), "MIT"
    )
    assert (second.values, second.label) == ({"depth": 2.0}, "0")
    assert [(one.id, one.reason.value) for one in drops] == [("t.csv#3", "no label")]


def test_a_column_with_one_word_is_words_and_an_empty_cell_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CSV)

    values = [row.values for row in rows(path, Drops())]

    assert [one["depth"] for one in values] == ["1,5", "2", None]
    assert [one["class"] for one in values] == [1.0, 0.0, None]


@pytest.mark.parametrize(("count", "kind"), [(CLASSES_MAX, str), (CLASSES_MAX + 1, float)])
def test_few_whole_numbers_are_classes_and_many_are_a_number(count: int, kind: type, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{number},{number}\n" for number in range(count)))

    assert {type(row.label) for row in rows(path, Drops(), label="y")} == {kind}


def test_parquet_and_gzipped_csv_are_the_same_table(tmp_path: Path) -> None:
    columns = {"a": [1, 2, None], "ok": [True, False, None], "name": ["x", "", "z"]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,ok,name\n1,true,x\n2,false,\n,,z\n"))

    parquet, packed = (read(tmp_path / name).columns for name in ("t.parquet", "t.csv.gz"))

    assert (
        parquet == packed == {"a": [1.0, 2.0, None], "ok": ["true", "false", None], "name": ["x", None, "z"]}
    )


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        (b"a,b\n1,2\n3\n", "t.csv:3:1", "1 cells, where the header has 2"),
        (b"a,a\n1,2\n", "t.csv:1:1", "the column `a` is there twice"),
        (b"a,\n1,2\n", "t.csv:1:1", "a column has no name"),
        (b"", "t.csv:1:1", "a column has no name"),
        (b'a,b\n1,"2\n', "t.csv:2:1", "cannot be read: unexpected end of data"),
        (b"a,b\n1,\xff\n", "t.csv:1:1", "cannot be read"),
    ],
)
def test_a_table_that_is_not_whole_is_named_with_its_line(
    content: bytes, place: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_bytes(content)

    with pytest.raises(ConfigError) as error:
        read(tmp_path / "t.csv")

    assert place in str(error.value)
    assert said in str(error.value)


def test_a_truncated_gzip_and_a_damaged_parquet_are_named(tmp_path: Path) -> None:
    whole = gzip.compress(
        b"n,m\n" + "".join(f"{number},{number * 7919}\n" for number in range(9999)).encode()
    )
    (tmp_path / "t.csv.gz").write_bytes(whole[:-100])
    (tmp_path / "t.parquet").write_bytes(b"PAR1")

    with pytest.raises(ConfigError, match=r"t.csv.gz:\d+:1: truncated"):
        read(tmp_path / "t.csv.gz")
    with pytest.raises(ConfigError, match=r"t.parquet: cannot be read"):
        read(tmp_path / "t.parquet")


def test_a_column_that_is_not_there_is_named_with_what_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CSV)

    with pytest.raises(ConfigError, match="there is no column `klass`") as error:
        rows(path, Drops(), label="klass")
    assert error.value.remedy == "Did you mean `class`?"
    with pytest.raises(ConfigError, match="there is no column `sight`"):
        see_ignored([read(path)], ["sex", "sight"])


def test_how_much_a_small_file_unpacks_into_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "CELLS_MAX", 1000)
    monkeypatch.setattr(tables, "LINE_CHARS_MAX", 1000)
    pq.write_table(pa.table({"a": [[0] * 2000], "b": [1]}), tmp_path / "t.parquet")
    (tmp_path / "long.csv.gz").write_bytes(gzip.compress(b"a" * 100_000))
    (tmp_path / "many.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 501))

    for name, said in (("t.parquet", "cells"), ("many.csv.gz", "cells"), ("long.csv.gz", "characters")):
        with pytest.raises(ConfigError, match=f"{name}.*more than 1,000 {said}"):
            read(tmp_path / name)


def test_a_time_that_no_clock_shows_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([2**50]).cast(pa.timestamp("ms"))}), tmp_path / "t.parquet")

    with pytest.raises(ConfigError, match=r"t.parquet: cannot be read"):
        read(tmp_path / "t.parquet")
