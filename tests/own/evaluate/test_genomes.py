"""Models of DNA beside Markov models; what they say of bases and substitutions, as files."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from freehold.cli.main import main
from freehold.own.dna import codes
from freehold.own.evaluate.scores import Scores
from freehold.own.plan import load_plan
from freehold.own.rows import HELD_OUT, Row, read
from tests.own.genome_runs import make

pytestmark = pytest.mark.slow  # PyTorch is imported, and a network trained
OWN, MARKOV = "own/coli", "Markov, orders to 12 mixed"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from freehold.own.train.training import train

    folder = make(tmp_path_factory.mktemp("run"))
    train(folder, load_plan(folder), lambda step: None)
    return folder


@pytest.fixture(scope="module")
def found(run: Path) -> list[Scores]:
    from freehold.own.evaluate.genomes import scores

    return list(scores(run, load_plan(run)))


def test_the_model_comes_first_and_each_subject_is_scored_on_the_same_rows(found: list[Scores]) -> None:
    assert [(one.subject, one.on, one.baseline) for one in found] == [
        (OWN, "held out", False),
        (OWN, "other.fa", False),
        (MARKOV, "held out", True),
        (MARKOV, "other.fa", True),
    ]
    for model, markov in (found[::2], found[1::2]):
        rows = [[(row.id, row.cluster, row.weight) for row in one.rows] for one in (model, markov)]
        assert rows[0] == rows[1]
    assert {(one.metric, one.better, one.best, one.worst) for one in found} == {
        ("bits per base", "lower", 0.0, 2.0)
    }


def test_blocks_of_sequences_that_hang_together_hang_together() -> None:
    from freehold.own.evaluate.genomes import _scored

    def clusters(*rows: Row) -> set[str]:
        found = _scored(OWN, "held out", rows, lambda bases: np.zeros(len(bases)))
        return {one.cluster for one in found.rows}

    family = [Row(name, "A" * 2500, cluster="f") for name in "ab"]
    assert clusters(*family, Row("c", "A" * 2500, cluster="g")) == {"f", "c@1", "c@1001", "c@2001"}
    many = {f"s{at}" for at in range(30)}
    assert clusters(*(Row(name, "A" * 2500) for name in many)) == many


def test_long_sequences_are_scored_in_blocks_and_bases_that_are_not_known_count_for_nothing(
    found: list[Scores],
) -> None:
    held_out, transfer = found[0].rows, found[1].rows

    assert [(row.id, row.cluster, row.weight) for row in held_out] == [
        (f"coli:6001-9000@{begin}", f"coli:6001-9000@{begin}", 1000) for begin in (1, 1001, 2001)
    ]
    assert [(row.id, row.cluster, row.weight) for row in transfer] == [
        ("other.fa#other@1", "other.fa#other", 700),
        ("other.fa#short@1", "other.fa#short", 8),
    ]


def test_the_sum_of_the_blocks_is_what_the_model_needs_for_the_sequence(
    run: Path, found: list[Scores]
) -> None:
    from freehold.own.genome import Genome

    [row] = read(run / "corpus" / HELD_OUT)
    bits = Genome.load(run / "train/model").bits(codes(row.text))

    assert sum(one.value for one in found[0].rows) == pytest.approx(bits.sum())
    assert 0 < bits.mean() < 1


def test_bases_are_written_as_lines_and_as_arrays(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sequences, lines, arrays = run / "other.fa", tmp_path / "bases.tsv.gz", tmp_path / "bases.npz"

    assert main(["own", "bases", str(run), str(sequences), "--to", str(lines)]) == 0
    assert "711 bases" in capsys.readouterr().out
    assert main(["own", "bases", str(run), str(sequences), "--to", str(arrays), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bases"] == 711

    with gzip.open(lines, "rt") as file:
        head, *rows = (line.rstrip("\n").split("\t") for line in file)
    assert head == ["sequence", "position", "base", "bits", "bits_A", "bits_C", "bits_G", "bits_T"]
    with np.load(arrays, allow_pickle=False) as file:
        assert file["names"].tolist() == ["other", "short"]
        assert file["bases_1"].tolist() == [0, 1, 2, 3, -1, -1, -1, 0, 1, 2, 3]
        four = np.concatenate([file["bits_0"], file["bits_1"]])
    assert np.array([row[4:] for row in rows], float) == pytest.approx(four, abs=1e-3)
    assert (2.0**-four).sum(-1) == pytest.approx(1, abs=1e-4)
    assert rows[704][:4] == ["short", "5", "N", ""]
    assert rows[700][3] == rows[700][4 + "ACGT".index(rows[700][2])]


def test_substitutions_of_a_file_are_weighed(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from freehold.own.genome import Genome, substitution

    wanted, text = tmp_path / "wanted.tsv", "ACGTNNNACGT"
    wanted.write_text("short\t1A>C\nshort\t9C>G\n")

    assert main(["own", "substitutions", str(run), str(run / "other.fa"), str(wanted), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["own", "substitutions", str(run), str(run / "other.fa"), str(wanted)]) == 0

    expected = Genome.load(run / "train/model").effects(
        codes(text), [substitution("1A>C"), substitution("9C>G")]
    )
    assert [one["log2_likelihood_ratio"] for one in told] == pytest.approx(expected)
    assert f"short     9C>G          {expected[1]:+.3f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("short\t1C>A", "base 1 is A, not C"),
        ("short\tA1C", "wanted.tsv:2"),
        ("plasmid\t1A>C", "no sequence is named 'plasmid'"),
        ("1A>C", "the line names no sequence"),
    ],
)
def test_a_substitution_that_cannot_be_is_named(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    wanted = tmp_path / "wanted.tsv"
    wanted.write_text(f"short\t1A>C\n{line}\n")

    assert main(["own", "substitutions", str(run), str(run / "other.fa"), str(wanted)]) == 2

    assert words in capsys.readouterr().err


def test_a_file_of_another_kind_is_not_written(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["own", "bases", str(run), str(run / "other.fa"), "--to", str(tmp_path / "bases.csv")]) == 2

    assert "of no kind that is written" in capsys.readouterr().err
