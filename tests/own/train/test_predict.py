"""What is exported answers as the training library does, for every input, method and kind."""

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from freehold.own import artefact as artefacts
from freehold.own.artefact import Kind
from freehold.own.plan import Plan, Recipe
from freehold.own.predicting.predictor import Predictor, load
from freehold.own.rows import HELD_OUT, TRAIN, Row, Span, Turn, write
from freehold.own.stage import working
from freehold.own.train.knobs import Predict
from freehold.vocabulary.errors import BadRequest

LETTERS = "ACGT"


def plan_of(**knobs: object) -> Plan:
    return Plan("made", Recipe.PREDICT, "proprietary", seed=3, train={"folds": 3, "buckets": 1024, **knobs})


def corpus(folder: Path, rows: Sequence[Row]) -> Path:
    """A run with this corpus."""
    folder.mkdir(exist_ok=True)
    with working(folder, "corpus", Predict(), {}) as inside:
        assert inside is not None
        write(inside / TRAIN, rows)
        write(inside / HELD_OUT, rows[:20])
    return folder


def sequences(many: int, length: int = 12, spread: int = 0) -> list[Row]:
    """Of class b where the middle is GT, in clusters of two."""
    chance = random.Random(1)
    rows = []
    for number in range(many):
        bases = chance.choices(LETTERS, k=length + chance.randrange(spread + 1))
        label = "ab"[number % 2] if number % 5 else "c"
        bases[5:7] = {"a": "AC", "b": "GT", "c": "TA"}[label]
        bases[8] = chance.choice("ACGTN")
        rows.append(Row(f"s{number}", "".join(bases), label=label, cluster=f"g{number // 10}-{label}"))
    return rows


def texts(many: int) -> list[Row]:
    chance = random.Random(2)
    words = {"bill": ("invoice", "due", "amount"), "fault": ("error", "broken", "crash")}
    return [
        Row(
            f"t{number}",
            " ".join(chance.choices((*words[label], "the", "please", "we"), k=8)),
            label=label,
        )
        for number in range(many)
        for label in ["bill" if number % 2 else "fault"]
    ]


def table(many: int, numbers: bool) -> list[Row]:
    chance = random.Random(3)
    rows = []
    for number in range(many):
        age, colour = chance.choice([None, *range(20, 60)]), chance.choice(["red", "blue", "green"])
        value = (age or 30) / 10 + 3 * (colour == "red") + chance.gauss(0, 0.3)
        label: str | float = value if numbers else "high" if value > 5 else "low"
        rows.append(Row(f"r{number}", values={"age": age, "colour": colour, "same": 1}, label=label))
    return rows


def tickets(many: int) -> list[Row]:
    chance = random.Random(4)
    rows = []
    for number in range(many):
        name, word = chance.choice(["Ada", "Bob", "Cleo", "Dan"]), chance.choice(["met", "saw", "rang"])
        rows.append(
            Row(
                f"n{number}",
                f"We {word} {name} today.",
                spans=(Span(4 + len(word), 4 + len(word) + len(name), "person"),),
            )
        )
    return rows


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Trains a predictor on rows, and loads it."""
    from freehold.own.train import training

    def train(rows: Sequence[Row], **knobs: object) -> tuple[Path, Predictor]:
        run = corpus(tmp_path_factory.mktemp("run"), rows)
        training.train(run, plan_of(**knobs), lambda progress: None)
        return run, load(run / "train" / artefacts.MODEL)

    return train


@pytest.mark.parametrize(
    ("rows", "method", "least"),
    [
        (sequences(150), "kernel", 0.95),
        (sequences(150), "linear", 0.95),
        (sequences(150), "bayes", 0.95),
        (sequences(150, spread=4), "linear", 0.4),
        (texts(60), "linear", 0.95),
        (texts(60), "bayes", 0.95),
        (table(150, numbers=False), "trees", 0.9),
        (table(150, numbers=False), "linear", 0.8),
    ],
)
def test_a_classifier_is_exported_and_tells_probabilities(
    trained: Any, rows: list[Row], method: str, least: float
) -> None:
    _, predictor = trained(rows, method=method)

    told = predictor.predict([dict(row.values) or row.text for row in rows])

    assert predictor.artefact.kind is Kind.CLASSIFIER
    assert predictor.artefact.about["method"] == method
    assert all(sum(one["probabilities"].values()) == pytest.approx(1) for one in told)
    assert all(max(one["probabilities"], key=one["probabilities"].get) == one["label"] for one in told)
    assert np.mean([one["label"] == row.label for one, row in zip(told, rows, strict=True)]) >= least


@pytest.mark.parametrize(
    ("method", "rows"),
    [
        ("trees", table(150, numbers=True)),
        ("linear", table(150, numbers=True)),
        (
            "kernel",
            [
                msgspec.structs.replace(row, label=row.text.count("G") + 0.5 * at)
                for at, row in enumerate(sequences(60))
            ],
        ),
    ],
)
def test_a_regressor_tells_a_number_within_bounds_that_nine_in_ten_keep(
    trained: Any, method: str, rows: list[Row]
) -> None:
    _, predictor = trained(rows, method=method)

    told = predictor.predict([dict(row.values) or row.text for row in rows])

    assert predictor.artefact.kind is Kind.REGRESSOR
    inside = [one["low"] <= row.label <= one["high"] for one, row in zip(told, rows, strict=True)]
    assert np.mean(inside) >= 0.8
    assert np.corrcoef([one["value"] for one in told], [row.label for row in rows])[0, 1] > 0.8


def test_a_tagger_finds_names_that_it_was_not_shown(trained: Any) -> None:
    _, predictor = trained(tickets(80))

    told = predictor.predict(["We met Ada today.", "We saw Ida today."])

    assert [[(one["begin"], one["end"], one["kind"]) for one in each["spans"]] for each in told] == [
        [(7, 10, "person")],
        [(7, 10, "person")],
    ]


def test_auto_takes_the_method_with_the_smaller_loss_across_folds(trained: Any) -> None:
    _, predictor = trained(table(200, numbers=False))

    about = predictor.artefact.about
    losses = {name: about[f"loss {name}"] for name in ("trees", "linear")}
    assert about["method"] == min(losses, key=losses.__getitem__)


def test_a_killed_training_does_not_do_a_fold_again(tmp_path: Path) -> None:
    from freehold.own.train import training

    class Killed(Exception):
        """Stands for a kill: nothing after it is done."""

    def killed(progress: Any) -> None:
        if progress.step == 2:
            raise Killed

    run = corpus(tmp_path / "run", sequences(90))
    with pytest.raises(Killed):
        training.train(run, plan_of(method="linear"), killed)
    kept = {path: path.stat().st_mtime_ns for path in (run / "train" / "scratch").iterdir()}
    seen = []
    training.train(
        run, plan_of(method="linear"), lambda progress: seen.append((progress.step, kept_as_was(kept)))
    )
    whole = corpus(tmp_path / "whole", sequences(90))
    training.train(whole, plan_of(method="linear"), lambda progress: None)

    assert len(kept) == 2
    assert seen == [(1, True), (2, True), (3, True)]
    assert weights_of(run) == weights_of(whole)


def kept_as_was(kept: dict[Path, int]) -> bool:
    return all(path.stat().st_mtime_ns == at for path, at in kept.items())


def weights_of(run: Path) -> bytes:
    return (run / "train" / "model" / "weights.npz").read_bytes()


@pytest.mark.parametrize(
    ("rows", "knobs", "words"),
    [
        (sequences(90)[:4], {}, "4 rows have a label, but 3 folds need 6"),
        ([msgspec.structs.replace(row, label="a") for row in sequences(30)], {}, "class 'a' has"),
        ([*texts(30), Row("odd", "a note", label="rare")], {}, "class 'rare' has 1 clusters"),
        (
            [msgspec.structs.replace(row, text="some words") for row in table(30, numbers=False)],
            {},
            "both a text and values",
        ),
        (texts(30), {"method": "trees"}, "method trees does not go with"),
        (texts(30), {"tells": "number"}, "which is no number"),
        ([Row("n", "We met Ada.", spans=(Span(6, 7, "person"),))], {}, "holds no word"),
    ],
)
def test_rows_that_nothing_can_be_learnt_from_are_refused_with_a_reason(
    tmp_path: Path, rows: list[Row], knobs: dict[str, object], words: str
) -> None:
    from freehold.own.train import training

    run = corpus(tmp_path / "run", rows)

    with pytest.raises(BadRequest, match=words):
        training.train(run, plan_of(**knobs), lambda progress: None)


@pytest.mark.parametrize(
    ("rows", "asked", "words"),
    [
        (sequences(90), ["ACGTACGTACGT", "ACGT"], "input 1 has 4 letters, but 12 are expected"),
        (sequences(90), [3], "input 0 is int, but a string is expected"),
        (sequences(90), [{"a": 1}], "input 0 is an object, but a string is expected"),
        (texts(30), ["fine", "  "], "input 1 is empty"),
        (table(60, numbers=False), ["red"], "input 0 is a string, but an object"),
        (table(60, numbers=False), [None], "input 0 is NoneType, but an object is expected"),
    ],
)
def test_an_input_that_cannot_be_is_named(
    trained: Any, rows: list[Row], asked: list[object], words: str
) -> None:
    _, predictor = trained(rows, method="linear")

    with pytest.raises(BadRequest, match=words):
        predictor.predict(asked)


def test_a_predictor_answers_without_any_library_but_numpy(trained: Any) -> None:
    run, predictor = trained(sequences(90), method="kernel")
    script = (
        "import sys, json; from pathlib import Path; from freehold.own.predicting.predictor import load;"
        "print(json.dumps(load(Path(sys.argv[1])).predict(['ACGTAGTACGTA'])));"
        "assert not {'sklearn', 'scipy', 'torch', 'pickle5'} & set(sys.modules), 'heavy'"
    )

    said = subprocess.run(
        [sys.executable, "-c", script, str(run / "train/model")], capture_output=True, check=True
    )

    assert msgspec.json.decode(said.stdout) == predictor.predict(["ACGTAGTACGTA"])


def test_a_conversation_is_told_by_what_was_said_in_it(trained: Any) -> None:
    rows = [msgspec.structs.replace(row, text="", turns=(Turn("user", row.text),)) for row in texts(30)]
    _, predictor = trained(rows)

    told = predictor.predict([row.text for row in texts(30)])

    assert np.mean([one["label"] == row.label for one, row in zip(told, rows, strict=True)]) > 0.9


def test_a_file_with_pickled_objects_is_not_read(trained: Any) -> None:
    run, _ = trained(texts(30), method="linear")
    folder = run / "train" / "model"
    np.savez(folder / "weights.npz", weights=np.array([{}], object))

    with pytest.raises(BadRequest, match="holds no predictor"):
        load(folder)
