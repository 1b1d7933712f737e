"""The detector: fair at the edge of its tolerance by enumeration, silent within it, quick beyond it."""

import itertools
import math
import pickle

import numpy as np
import pytest

from freehold.stats.detector import Detector, ShiryaevRoberts

BASELINE = {"q": {"a": 60, "b": 40}, "r": {"a": 97, "c": 3}}


def expected_evidence(limit_of: dict[str, dict[str, float]], looks: int) -> tuple[float, float]:
    """The means of M and of the e-value over all sequences of looks, two questions with one answer each."""
    total, e_value = 0.0, 0.0
    outcomes = list(itertools.product(limit_of["q"].items(), limit_of["r"].items()))
    for sequence in itertools.product(outcomes, repeat=looks):
        detector, chance, evidence = Detector(BASELINE), 1.0, 0.0
        for (one, p), (other, q) in sequence:
            chance *= p * q
            evidence = detector.update({"q": [one], "r": [other]})
        total += chance * math.exp(evidence)
        e_value += chance * math.exp(detector.evidence.log_e)
    return total, e_value


def edge(shift_q: float, shift_r: float) -> dict[str, dict[str, float]]:
    """Laws that far from the baseline's, all of it gone to answers that are new."""
    return {
        "q": {"a": 0.6 - shift_q, "b": 0.4, "new": shift_q},
        "r": {"a": 0.97 - shift_r, "c": 0.03, "new": shift_r},
    }


def test_at_the_edge_of_the_tolerance_evidence_grows_by_one_a_look_at_most() -> None:
    limit = 0.1 + Detector(BASELINE).allowance({"q": 1, "r": 1})

    for laws in (edge(limit, limit), edge(2 * limit, 0.0), edge(0.0, 2 * limit), edge(0.0, 0.0)):
        for looks in (1, 2):
            evidence, e_value = expected_evidence(laws, looks)
            assert evidence <= looks + 1e-9
            assert e_value <= 1 + 1e-9


def test_shifts_among_known_answers_are_no_better_for_false_alarms() -> None:
    limit = 0.1 + Detector(BASELINE).allowance({"q": 1, "r": 1})
    laws = {"q": {"a": 0.6 + limit, "b": 0.4 - limit}, "r": {"a": 0.97 - limit, "c": 0.03 + limit}}

    for looks in (1, 2, 4):
        evidence, e_value = expected_evidence(laws, looks)
        assert evidence <= looks + 1e-9
        assert e_value <= 1 + 1e-9


def look(random: np.random.Generator, laws: dict[str, dict[str, float]], count: int) -> dict[str, list[str]]:
    return {
        question: [str(one) for one in random.choice(list(law), count, p=list(law.values()))]
        for question, law in laws.items()
    }


def test_a_drift_within_tolerance_is_never_an_alarm_and_one_beyond_is() -> None:
    random = np.random.default_rng(8)
    quiet, loud = Detector(BASELINE), Detector(BASELINE)
    for _ in range(365):
        quiet.update(look(random, edge(0.09, 0.09), 20))
    for _ in range(10):
        loud.update(look(random, edge(0.55, 0.55), 20))

    assert not quiet.alarmed
    assert loud.evidence.alarmed_at == 2
    assert loud.evidence.log_e > math.log(1_000) > quiet.evidence.peak


def test_a_shift_among_known_answers_is_found_too() -> None:
    random, detector = np.random.default_rng(9), Detector({"q": {"a": 50, "b": 50}, "r": {"a": 50, "b": 50}})
    for _ in range(20):
        detector.update(look(random, {"q": {"a": 0.5, "b": 0.5}, "r": {"a": 0.5, "b": 0.5}}, 10))
    assert not detector.alarmed
    for _ in range(25):
        detector.update(look(random, {"q": {"a": 0.99, "b": 0.01}, "r": {"a": 0.01, "b": 0.99}}, 10))

    assert detector.alarmed


def test_a_false_alarm_comes_no_sooner_than_the_budget_says() -> None:
    random, budget, alarms = np.random.default_rng(10), 0.2, 0
    laws = edge(*(0.1 + Detector(BASELINE).allowance({"q": 3, "r": 3}),) * 2)
    for _ in range(25):
        detector = Detector(BASELINE, looks_per_year=50, alarms_per_year=budget)
        for _ in range(50):
            detector.update(look(random, laws, 3))
        alarms += detector.alarmed

    assert alarms / 25 <= budget


def test_an_answer_of_no_text_is_an_answer_like_any_other() -> None:
    detector = Detector({"q": {"": 100}})
    for _ in range(50):
        detector.update({"q": [""] * 10})

    assert not detector.alarmed
    assert detector.evidence.log_evidence < 0


def test_a_look_without_answers_is_none() -> None:
    detector = Detector(BASELINE)

    detector.update({})
    detector.update({"q": [], "r": []})

    assert detector.evidence.looks == 0


def test_what_is_remembered_stays_small() -> None:
    random, detector, sizes = np.random.default_rng(11), Detector(BASELINE, 0.05, 1_000, 0.5), []
    for day in range(200):
        answers = look(random, edge(0.1, 0.1), 5) | {"r": [f"new {day} {place}" for place in range(day % 3)]}
        detector.update(answers)
        sizes.append(len(pickle.dumps(detector)))

    assert max(sizes) < 1.5 * sizes[9]


def test_what_is_detectable_shrinks_with_more_looks_and_is_found() -> None:
    random, detector = np.random.default_rng(12), Detector(BASELINE)
    assert detector.detectable() == math.inf
    detector.update(look(random, edge(0, 0), 50))
    share = detector.detectable()
    assert detector.detectable(looks=10) < share < 1
    assert detector.looks_needed(share) <= 1 < detector.looks_needed(share - 0.01)
    assert detector.looks_needed(0.1) == math.inf

    found = 0
    for _ in range(40):
        detector = Detector(BASELINE)
        detector.update(look(random, edge(min(share, 0.6), share), 50))
        found += detector.alarmed
    assert 24 <= found <= 40


def test_what_cannot_be_watched_is_refused() -> None:
    with pytest.raises(ValueError, match="no answer to 'q'"):
        Detector({"q": {}})
    with pytest.raises(ValueError, match="empty"):
        Detector({})
    with pytest.raises(ValueError, match="tolerance"):
        Detector(BASELINE, 1.0)
    with pytest.raises(ValueError, match="does not hold 'z'"):
        Detector(BASELINE).update({"z": ["a"]})
    with pytest.raises(ValueError, match="budget"):
        ShiryaevRoberts(1, 10, 0)
