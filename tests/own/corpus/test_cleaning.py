import unicodedata
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from freehold.own.corpus.cleaning import cleaned, normalised
from freehold.own.corpus.drops import Drops, Reason
from freehold.own.corpus.knobs import Corpus
from freehold.own.rows import Row, Span, Turn

KEY = (
    "-----BEGIN "
    + "PRIVATE KEY-----\n"
    + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 4
    + "\n-----END "
    + "PRIVATE KEY-----"
)
LONG = "A sentence that is long enough to be kept in any corpus. "
UNEVEN = st.text(
    st.sampled_from("a é e\u0301\u00a0\u200b\u00ad\ufeff\r\n\t\f\u2028\x00\x1b\u3000ﬁ한"), max_size=40
)


@given(UNEVEN | st.text())
def test_normal_text_stays_as_it_is(text: str) -> None:
    once = normalised(text)

    assert normalised(once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_text_gets_one_form_and_keeps_its_indentation() -> None:
    assert normalised(
        "\ufeffdef f():\r\n    return\u00a01  \r\n\n\n\n\n\n# cafe\u0301 soft\u00adly\x00\n\n"
    ) == ("def f():\n    return 1\n\n\n# café softly")


def test_personal_data_go_from_texts_turns_and_values_and_are_counted() -> None:
    rows = [
        Row("a", text=LONG + "jane@example.com"),
        Row("b", turns=(Turn("user", LONG), Turn("assistant", "Call +49 170 1234567, or jim@example.com."))),
        Row("c", values={"contact": "joe@example.com", "age": 40.0, "none": None}),
    ]
    found: Counter[str] = Counter()

    first, second, third = cleaned(rows, Corpus(), Drops(), found)

    assert first.text == LONG + "<MAIL>"
    assert second.turns[1].text == "Call <PHONE>, or <MAIL>."
    assert third.values == {"contact": "<MAIL>", "age": 40.0, "none": None}
    assert found == {"mail": 3, "phone": 1}


def test_personal_data_stay_where_the_plan_says_so() -> None:
    rows = [Row("a", text=LONG + "jane@example.com")]

    assert list(cleaned(rows, Corpus(personal=False), Drops(), Counter())) == rows


def test_a_private_key_is_left_out_and_named_whatever_the_plan_says() -> None:
    rows = [
        Row("ops/notes.md", text=f"{LONG}\n\n{KEY}\n", origin="/x"),
        Row("b", turns=(Turn("user", LONG + KEY),)),
    ]
    for personal in (True, False):
        drops = Drops()

        assert list(cleaned(rows, Corpus(personal=personal), drops, Counter())) == []
        assert [(one.id, one.reason, one.detail) for one in drops] == [
            ("ops/notes.md", Reason.SECRET, "private key, line 3"),
            ("b", Reason.SECRET, "private key, line 1"),
        ]


def test_what_is_too_short_is_left_out_but_for_rows_of_tables() -> None:
    drops = Drops()
    rows = [Row("a", text="short"), Row("b", values={"x": 1.0}), Row("c", turns=(Turn("user", LONG),))]

    assert [row.id for row in cleaned(rows, Corpus(), drops, Counter())] == ["b", "c"]
    assert [(one.id, one.reason, one.detail) for one in drops] == [("a", Reason.TOO_SHORT, "5 characters")]


def test_marked_spans_stay_on_their_words() -> None:
    text = f"{LONG}Write to jane@example.com,\r\n Jane  "
    begin = text.index("Jane")

    (row,) = cleaned(
        [Row("a", text=text, spans=(Span(begin, begin + 4, "name"),))], Corpus(), Drops(), Counter()
    )

    assert row.text == f"{LONG}Write to <MAIL>,\r\n Jane  "
    assert row.text[row.spans[0].begin : row.spans[0].end] == "Jane"


def test_names_go_where_they_are_asked_to_and_what_has_a_form_keeps_its_own_kind() -> None:
    text = f"{LONG}Please ask Rebecca Thornton, r.thornton@example.com, for the invoice."
    found = Counter[str]()
    drops = Drops()

    [kept] = cleaned([Row("a", text)], Corpus(), drops, Counter())
    [clean] = cleaned([Row("a", text)], Corpus(names=True), drops, found)

    assert "Rebecca Thornton, <MAIL>" in kept.text
    assert clean.text == f"{LONG}Please ask <PERSON>, <MAIL>, for the invoice."
    assert found == {"person": 1, "mail": 1}
