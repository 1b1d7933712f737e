"""What the tagger of personal data is tested on is marked and counted rightly."""

from benchmarks.pii.marking import marked

from freehold.own.rows import Span
from freehold.shield.tagger import KINDS


def test_a_marked_sentence_is_plain_text_with_spans() -> None:
    row = marked("Call [[Ada|person]] on [[0123 45|phone]].", "a")

    assert row.text == "Call Ada on 0123 45."
    assert [(row.text[one.begin : one.end], one.kind) for one in row.spans] == [
        ("Ada", "person"),
        ("0123 45", "phone"),
    ]


def test_what_is_found_in_part_is_told_apart_from_what_is_found_exactly() -> None:
    from benchmarks.own_pii import counted  # it trains, too, and brings scikit-learn along

    row = marked("We met [[Ada Byron|person]] and [[Bob Ray|person]] in Town Hall", "a")

    found = counted(
        [row], lambda text: [Span(7, 10, "person"), Span(21, 28, "person"), Span(32, 41, "person")], "person"
    )

    assert found == (2, 1, 2, 3, 2)


def test_the_expressions_find_each_kind() -> None:
    from benchmarks.own_pii import by_expressions

    text = "Dear Mrs Crane, born 3 May 1980, of 12 Oak Street, passport no. 123456789, phone 0171 555 0100"

    found = {(text[one.begin : one.end], one.kind) for one in by_expressions(text)}

    assert {kind for _, kind in found} == set(KINDS)
