"""What the tagger of personal data is trained and tested on is marked rightly, and kept apart."""

from benchmarks.own_pii import KINDS, by_expressions, counted, sentences
from benchmarks.pii.made import marked, rows
from benchmarks.pii.words import LANGUAGES

from freehold.own.rows import Span


def test_a_marked_sentence_is_plain_text_with_spans() -> None:
    row = marked("Call [[Ada|person]] on [[0123 45|phone]].", "a")

    assert row.text == "Call Ada on 0123 45."
    assert [(row.text[one.begin : one.end], one.kind) for one in row.spans] == [
        ("Ada", "person"),
        ("0123 45", "phone"),
    ]


def test_made_rows_mark_every_kind_without_space_around_it_and_are_the_same_by_seed() -> None:
    made = list(rows(400, 5))

    found = [(row.text[one.begin : one.end], one.kind) for row in made for one in row.spans]
    assert {kind for _, kind in found} == set(KINDS)
    assert all(text == text.strip() != "" for text, _ in found)
    assert made == list(rows(400, 5))


def test_no_name_of_the_tested_sentences_is_in_a_list_of_the_templates() -> None:
    known = {name.lower() for words in LANGUAGES.values() for name in (*words.first, *words.last)}
    tested = {row.text[one.begin : one.end].lower() for row in sentences("tested.txt") for one in row.spans}

    assert tested & known == set()


def test_what_is_found_in_part_is_told_apart_from_what_is_found_exactly() -> None:
    row = marked("We met [[Ada Byron|person]] and [[Bob Ray|person]] in Town Hall", "a")

    found = counted(
        [row], lambda text: [Span(7, 10, "person"), Span(21, 28, "person"), Span(32, 41, "person")], "person"
    )

    assert found == (2, 1, 2, 3, 2)


def test_the_expressions_find_each_kind() -> None:
    text = "Dear Mrs Crane, born 3 May 1980, of 12 Oak Street, passport no. 123456789, phone 0171 555 0100"

    found = {(text[one.begin : one.end], one.kind) for one in by_expressions(text)}

    assert {kind for _, kind in found} == set(KINDS)
