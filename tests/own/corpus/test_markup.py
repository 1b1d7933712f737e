import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.corpus.markup import visible_text

PAGE = """<!DOCTYPE html>
<html><head><title>Own models</title><style>p { color: red }</style><script>track("<p>no</p>")</script></head>
<body><nav>menu <b>entry</b></nav><p hidden>later</p><button>Press</button>
<h1>Weights &amp; measures</h1>
<p>One   sentence,
<b>part</b>ly bold.<br>A new line.</p>
<div style="display: none">secret <div>inner</div> still</div>
<pre>def f():
    return 1</pre>
<ul><li>first<li>second</ul>
<table><tr><th>name<td>value</table>
<!-- a comment --><noscript>no</noscript><p>end</p></body></html>"""


def test_what_a_reader_sees_of_a_page() -> None:
    assert visible_text(PAGE) == (
        "Own models\n\nWeights & measures\n\nOne sentence, partly bold.\nA new line.\n\n"
        "def f():\n    return 1\n\nfirst\nsecond\n\nname\tvalue\n\nend"
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>open <b>never closed", "open never closed"),
        ("</p></div>stray ends", "stray ends"),
        ("<div hidden><p>unseen</div>seen", "seen"),
        ("<script>never ended", ""),
        ("<img hidden>seen <input hidden> too", "seen too"),
        ("a &lt;b&gt; &#233; &nosuch;", "a <b> é &nosuch;"),
        ("plain text", "plain text"),
        ("", ""),
    ],
)
def test_damaged_pages_are_read_as_far_as_they_go(html: str, text: str) -> None:
    assert visible_text(html) == text


@given(
    st.lists(
        st.sampled_from(["<p>", "</p>", "<div hidden>", "</div>", "<pre>", "</pre>", "<td>", "text ", " "])
    )
)
def test_no_tag_is_left_however_they_are_nested(pieces: list[str]) -> None:
    text = visible_text("".join(pieces))

    assert "<" not in text
    assert text.count("text") == "".join(pieces).count("text") or "<div hidden>" in pieces


@pytest.mark.parametrize("piece", ["<!--", "<a ", '<a b="', "<a<", "<?", "</", "<![CDATA[", "<p hidden></b>"])
def test_a_page_that_never_ends_what_it_begins_is_read_in_time(piece: str) -> None:
    assert visible_text("seen" + piece * 50_000) == "seen"


def test_what_follows_a_comment_is_seen_and_one_that_does_not_end_is_not() -> None:
    assert visible_text("<p>a<!-- b --> c<!-- d > <p>e") == "a c"
    assert visible_text("a <!-- b --> 1 < 2 <i>c</i>") == "a 1 < 2 c"
