"""A predictor's scores come first, and the command's own yardsticks beside them."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from freehold.own.evaluate.comparing import measured
from freehold.own.evaluate.scores import Scores
from freehold.own.plan import Plan, Recipe
from freehold.own.rows import HELD_OUT, TRAIN, Row, Span, write
from freehold.own.stage import working
from freehold.own.train.knobs import Predict
from freehold.vocabulary.errors import BadRequest

PLAN = Plan("made", Recipe.PREDICT, "proprietary", train={"folds": 3, "buckets": 4096})


def trained(folder: Path, rows: Sequence[Row], held_out: Sequence[Row]) -> Path:
    from freehold.own.train import training

    with working(folder, "corpus", Predict(), {}) as inside:
        assert inside is not None
        write(inside / TRAIN, rows)
        write(inside / HELD_OUT, held_out)
    training.train(folder, PLAN, lambda progress: None)
    return folder


def by_name(run: Path) -> dict[tuple[str, str], Scores]:
    from freehold.own.evaluate.predictors import scores

    found = list(scores(run, PLAN))
    assert found[0].subject == "own/made"
    assert all(one.baseline == (one.subject != "own/made") for one in found)
    return {(one.subject, one.metric): one for one in found}


def notes(many: int) -> list[Row]:
    chance = random.Random(5)
    words = {"bill": ("invoice", "due", "amount"), "fault": ("error", "broken", "crash")}
    return [
        Row(
            str(at),
            " ".join(chance.choices((*words[label], "the", "please"), k=6)),
            label=label,
            cluster=f"c{at // 2}",
        )
        for at in range(many)
        for label in ["bill" if at % 3 else "fault"]
    ]


def test_a_classifier_is_held_against_what_costs_nothing(tmp_path: Path) -> None:
    from freehold.own.evaluate.predictors import calibrations

    rows = notes(120)
    run = trained(tmp_path / "run", rows[:80], rows[80:])

    found = by_name(run)

    assert {subject for subject, _ in found} == {
        "own/made",
        "majority",
        "logistic regression",
        "naive Bayes",
        "random forest",
    }
    usual = sum(row.label == "bill" for row in rows[80:]) / 40
    assert measured(found["majority", "accuracy"]).value.estimate == pytest.approx(usual)
    assert measured(found["own/made", "accuracy"]).value.estimate > 0.95
    assert measured(found["own/made", "accuracy"]).clusters == 20
    kept = list(calibrations(run, PLAN))
    brier = {one.subject: one.brier for one in kept}
    assert brier["own/made"] == pytest.approx(measured(found["own/made", "Brier score"]).value.estimate)
    assert brier["own/made"] < brier["majority"]


def test_a_regressor_is_held_against_the_median_and_a_line(tmp_path: Path) -> None:
    from freehold.own.evaluate.predictors import calibrations

    chance = random.Random(6)
    rows = [
        Row(
            str(at),
            values={"size": size, "kind": kind},
            label=size**2 + 10 * (kind == "x") + chance.gauss(0, 1),
        )
        for at in range(200)
        for size, kind in [(chance.uniform(0, 10), chance.choice("xy"))]
    ]
    run = trained(tmp_path / "run", rows[:150], rows[150:])

    found = by_name(run)

    errors = {subject: measured(one).value.estimate for (subject, _), one in found.items()}
    assert errors.keys() == {"own/made", "median", "ridge regression", "random forest"}
    assert errors["own/made"] < errors["ridge regression"] < errors["median"]
    assert list(calibrations(run, PLAN)) == []


def test_a_tagger_is_held_against_a_list_of_what_it_was_shown(tmp_path: Path) -> None:
    chance = random.Random(7)

    def note(at: int, names: Sequence[str]) -> Row:
        name, word = chance.choice(names), chance.choice(["met", "saw"])
        begin = 4 + len(word)
        return Row(str(at), f"We {word} {name} there.", spans=(Span(begin, begin + len(name), "person"),))

    shown, new = ["Ada", "Bob", "Cleo", "Dan"], ["Ada", "Eve"]
    run = trained(
        tmp_path / "run", [note(at, shown) for at in range(60)], [note(at, new) for at in range(60, 100)]
    )

    found = {key: measured(one).value.estimate for key, one in by_name(run).items() if one.rows}

    assert found["own/made", "F1"] == 1
    assert found["remembered words", "precision"] == 1
    assert 0.3 < found["remembered words", "recall"] < 0.8


def test_a_span_of_the_wrong_kind_or_length_is_no_hit() -> None:
    from freehold.own.evaluate.predictors import tagged

    row = Row("a", "Ada met Bob Ray", spans=(Span(0, 3, "person"), Span(8, 15, "person")))

    found = {
        one.metric: one.rows[0]
        for one in tagged("x", [row], [[Span(0, 3, "place"), Span(8, 15, "person"), Span(4, 7, "person")]])
    }

    assert (found["precision"].value, found["precision"].weight) == (1, 3)
    assert (found["recall"].value, found["recall"].weight) == (1, 2)
    assert (found["F1"].value, found["F1"].weight) == (2, 5)


def test_without_held_out_rows_it_says_what_to_do(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", notes(40), [])

    with pytest.raises(BadRequest, match="nothing is held out"):
        by_name(run)
