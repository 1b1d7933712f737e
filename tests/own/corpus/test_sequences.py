"""FASTA and FASTQ are read as they are, and nothing is made of a file that is not whole."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.corpus import sequences
from freehold.own.corpus.drops import Drops
from freehold.own.corpus.sequences import is_sequences, read, records
from freehold.vocabulary.errors import ConfigError
from tests.own.corpus.plans import bases, fasta, packed

DNA = Path(__file__).parents[4] / "shared" / "data" / "dna"
LAST_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
WHOLE = fasta(bases(1, 200), bases(2, 190))


def texts(path: Path) -> dict[str, str]:
    return {row.id.partition("#")[2]: row.text for row in records(path)}


def blocked(text: str) -> bytes:
    """A gzip member with the extra field of a block, as bgzip writes it."""
    plain = gzip.compress(text.encode(), mtime=0)
    return plain[:3] + b"\x04" + plain[4:10] + b"\x06\x00BC\x02\x00\x00\x00" + plain[10:]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sequences") / "a.fa"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("ACGTNacgtnRY", min_size=1, max_size=200), min_size=1, max_size=4), st.integers(1, 80)
)
def test_what_was_written_is_read_in_capitals(file: Path, sequences: list[str], width: int) -> None:
    file.write_text(fasta(*sequences, width=width))

    assert list(texts(file).values()) == [one.upper() for one in sequences]


@pytest.mark.parametrize("cut", [end for end in range(1, len(WHOLE)) if WHOLE[end - 1] != "\n"][::7])
def test_a_file_that_ends_within_a_line_is_refused(cut: int, file: Path) -> None:
    file.write_text(WHOLE[:cut])

    with pytest.raises(ConfigError, match="truncated: the file ends in the middle of a line") as error:
        texts(file)
    assert error.value.line == WHOLE[:cut].count("\n") + 1


def test_a_record_with_missing_lines_is_seen_where_its_lines_differ(file: Path) -> None:
    lines = WHOLE.splitlines(keepends=True)
    file.write_text("".join([*lines[:2], lines[2][:30] + "\n", *lines[3:]]))

    with pytest.raises(
        ConfigError, match=r"a.fa:3:1: truncated: 30 bases in a line within a record, 60 in its"
    ):
        texts(file)


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        ("", "a.fa:1:1", "is empty"),
        (">s len=" + "9" * 5000 + "\nACGT\n", "a.fa:2:1", "and 4 in the file"),
        ("ACGT\n", "a.fa:1:1", "begins with neither"),
        (">s\nACGT\nACEF\n", "a.fa:3:3", "'E' is no base"),
        ("@r\nACGT\n-\nIIII\n", "a.fa:1:1", "a record is a line with `@`"),
        (">s len=10\nACGTACGT\n", "a.fa:2:1", "`s` has 10 bases by its header, and 8 in the file"),
    ],
)
def test_what_is_no_sequence_file_is_named_with_its_place(
    content: str, place: str, said: str, file: Path
) -> None:
    file.write_text(content)

    with pytest.raises(ConfigError) as error:
        texts(file)

    assert place in str(error.value)
    assert said in str(error.value)


def test_fastq_gives_bases_and_leaves_qualities(file: Path) -> None:
    packed(file, "@r1 x\nACGTN\n+\nIIII!\n@r2\nTTTT\n+r2\n@III\n")

    assert texts(file) == {"r1": "ACGTN", "r2": "TTTT"}


def test_a_file_in_blocks_must_have_its_last_one(file: Path) -> None:
    whole = blocked(WHOLE) + LAST_BLOCK
    file.write_bytes(whole)
    assert list(texts(file).values()) == [bases(1, 200), bases(2, 190)]

    file.write_bytes(whole[: -len(LAST_BLOCK)])
    with pytest.raises(ConfigError, match="its last block, which marks its end, is missing"):
        texts(file)


def test_damage_within_a_compressed_file_is_named(file: Path) -> None:
    packed(file, WHOLE)
    data = bytearray(file.read_bytes())
    data[60] ^= 0xFF
    file.write_bytes(data)

    with pytest.raises(ConfigError, match="damaged"):
        texts(file)


def test_nothing_is_taken_without_a_licence(file: Path) -> None:
    file.write_text(WHOLE)
    drops = Drops()

    assert [row.licence for row in read([file], "MIT", drops)] == ["MIT", "MIT"]
    assert list(read([file], "", drops)) == []
    assert drops.counts == {"licence unknown": 2}
    assert is_sequences(Path("a.FNA.gz"))
    assert not is_sequences(Path("a.txt.gz"))


@pytest.mark.skipif(not DNA.is_dir(), reason="the genomes are not beside this checkout")
def test_a_real_genome_is_read_whole() -> None:
    (row,) = read([DNA / "GCF_000005845.2_ASM584v2.fna.gz"], "public domain", Drops())

    assert (row.id.partition("#")[2], len(row.text)) == ("NC_000913.3", 4_641_652)


def test_a_line_that_a_small_file_unpacks_into_is_bounded(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequences, "_LINE_BYTES_MAX", 1000)
    file.write_bytes(gzip.compress(b">s\n" + b"A" * 100_000 + b"\n"))

    with pytest.raises(ConfigError, match=r"a.fa:2:1: a line of more than 1,000 bytes"):
        texts(file)
