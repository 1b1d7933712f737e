"""The head of a request, and another model's name in it."""

import json
import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.dialects.peek import Route, _end_of_value, read_head, with_model
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, InvalidJSON

CHAT, MESSAGES, EMBEDDINGS = Dialect.CHAT, Dialect.MESSAGES, Dialect.EMBEDDINGS
RESPONSES, COUNT_TOKENS = Dialect.RESPONSES, Dialect.COUNT_TOKENS
GEMINI = Route(Dialect.GEMINI, "a")
EMBED = Route(Dialect.GEMINI_EMBEDDINGS, "a", method="embedContent")
BATCH = Route(Dialect.GEMINI_EMBEDDINGS, "a", method="batchEmbedContents")


@pytest.mark.parametrize(
    ("dialect", "body", "model", "stream", "include_usage"),
    [
        (CHAT, b'{"model":"a","messages":[1]}', "a", False, False),
        (CHAT, b'{"stream":true,"messages":[1],"model":"a"}', "a", True, False),
        (CHAT, b'{"stream":null,"messages":[1],"model":"a","stream_options":null}', "a", False, False),
        (
            CHAT,
            b'{"model":"a","messages":[1],"stream":true,"stream_options":{"include_usage":true}}',
            "a",
            True,
            True,
        ),
        (MESSAGES, b'{"model":"a","messages":[1],"max_tokens":1,"stream":true}', "a", True, False),
        (MESSAGES, b'{"model":"a","messages":[1],"max_tokens":1e2}', "a", False, False),
        (EMBEDDINGS, b'{"model":"a","input":"x"}', "a", False, False),
        (EMBEDDINGS, b'{"model":"a","input":[1,2]}', "a", False, False),
        (RESPONSES, b'{"model":"a","input":"x"}', "a", False, False),
        (RESPONSES, b'{"model":"a","input":[{}],"stream":true}', "a", True, False),
        (COUNT_TOKENS, b'{"model":"a","messages":[1]}', "a", False, False),
        (CHAT, '{"model":"é","messages":["ü"]}'.encode(), "é", False, False),
        (CHAT, b'{"m\\u006Fdel":"\\u00e9","messages":[1]}', "é", False, False),
    ],
)
def test_the_head_says_who_is_asked_and_how(
    dialect: Dialect, body: bytes, model: str, stream: bool, include_usage: bool
) -> None:
    head = read_head(Route(dialect), body)

    assert (head.model, head.stream, head.include_usage) == (model, stream, include_usage)


@pytest.mark.parametrize(
    ("dialect", "body", "message"),
    [
        (CHAT, b"[]", "the body: expected object, got array"),
        (CHAT, b'{"messages":[1]}', "`model`: required, but missing"),
        (CHAT, b'{"model":"","messages":[1]}', "`model`: expected str of length >= 1"),
        (CHAT, b'{"model":"%b","messages":[1]}' % (b"x" * 513), "`model`: expected str of length <= 512"),
        (CHAT, b'{"model":7,"messages":[1]}', "`model`: expected str, got int"),
        (CHAT, b'{"model":"a"}', "`messages`: required, but missing"),
        (CHAT, b'{"model":"a","messages":"x"}', "`messages`: expected array, got str"),
        (CHAT, b'{"model":"a","messages":[]}', "`messages`: expected array of length >= 1"),
        (CHAT, b'{"model":"a","messages":[1],"stream":"yes"}', "`stream`: expected bool | null, got str"),
        (
            CHAT,
            b'{"model":"a","messages":[1],"stream_options":{"include_usage":1}}',
            "`stream_options.include_usage`: expected bool | null, got int",
        ),
        (MESSAGES, b'{"model":"a","messages":[1]}', "`max_tokens`: required, but missing"),
        (MESSAGES, b'{"model":"a","messages":[1],"max_tokens":0}', "`max_tokens`: expected int >= 1"),
        (
            MESSAGES,
            b'{"model":"a","messages":[],"max_tokens":1}',
            "`messages`: expected array of length >= 1",
        ),
        (EMBEDDINGS, b'{"model":"a"}', "`input`: required, but missing"),
        (EMBEDDINGS, b'{"model":"a","input":5}', "`input`: expected str | array, got int"),
        (EMBEDDINGS, b'{"model":"a","input":[]}', "`input`: expected array of length >= 1"),
        (RESPONSES, b'{"model":"a"}', "`input`: required, but missing"),
        (RESPONSES, b'{"model":"a","input":[]}', "`input`: expected array of length >= 1"),
        (RESPONSES, b'{"model":"a","input":{}}', "`input`: expected str | array, got object"),
        (COUNT_TOKENS, b'{"model":"a"}', "`messages`: required, but missing"),
        (Dialect.PREDICT, b"{}", "`inputs`: required, but missing"),
        (Dialect.EMBED, b"{}", "`inputs`: required, but missing"),
        (CHAT, b'{"model":"a","messages":[1],"model":"b"}', "`model`: given more than once"),
        (CHAT, b'{"model":"a","messages":[1],"mod\\u0065l":"b"}', "`model`: given more than once"),
        (CHAT, b'{"model":"a","messages":[{"model":"c"}], "model" : "b"}', "`model`: given more than once"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_should_be(dialect: Dialect, body: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_head(Route(dialect), body)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("route", "body"),
    [
        (GEMINI, b'{"contents":[{}],"model":"b","stream":true}'),
        (GEMINI._replace(stream=True), b'{"contents":[{}]}'),
        (EMBED, b'{"content":{}}'),
        (BATCH, b'{"requests":[{"model":"models/b"}]}'),
    ],
)
def test_where_the_path_says_who_is_asked_and_how_the_body_does_not(route: Route, body: bytes) -> None:
    head = read_head(route, body)

    assert (head.model, head.stream, head.method) == ("a", route.stream, route.method)


@pytest.mark.parametrize(
    ("route", "body", "message"),
    [
        (GEMINI, b"{}", "`contents`: required, but missing"),
        (GEMINI, b'{"contents":[]}', "`contents`: expected array of length >= 1"),
        (GEMINI, b'{"contents":"x"}', "`contents`: expected array, got str"),
        (EMBED, b'{"requests":[{}]}', "`content`: required, but missing"),
        (EMBED, b'{"content":"x"}', "`content`: expected object, got str"),
        (BATCH, b'{"content":{}}', "`requests`: required, but missing"),
        (BATCH, b'{"requests":[]}', "`requests`: expected array of length >= 1"),
        (BATCH, b'{"requests":[1]}', "`requests[0]`: expected object, got int"),
        (
            GEMINI._replace(model="a" * 513),
            b'{"contents":[{}]}',
            "the model's name in the path: expected 1 to 512 characters",
        ),
        (
            GEMINI._replace(model=""),
            b'{"contents":[{}]}',
            "the model's name in the path: expected 1 to 512 characters",
        ),
        (GEMINI._replace(complaint="ask otherwise"), b'{"contents":[{}]}', "ask otherwise"),
    ],
)
def test_a_wrong_field_is_named_where_the_path_names_the_model(
    route: Route, body: bytes, message: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        read_head(route, body)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("route", "body", "asked"),
    [
        (GEMINI, b'{ "contents" : [ {} ], "model":"x" }', b'{ "contents" : [ {} ], "model":"x" }'),
        (EMBED, b'{"content" : { "parts" :[]}}', b'{"content" : { "parts" :[]}}'),
        (EMBED, b'{"model":"models/a","content":{ "parts":1.0}}', b'{"model":"models/b/c","content":{ "parts":1.0}}'),
        (BATCH, b'{"requests": [{"content":{}}]}', b'{"requests": [{"content":{}}]}'),
        (
            BATCH,
            b'{"requests":[{"model":"models/a","content":{"parts":[{"text":"\\u00e9 models/a"}]}},{"content":{}}]}',
            b'{"requests":[{"model":"models/b/c","content":{"parts":[{"text":"\\u00e9 models/a"}]}},{"content":{}}]}',
        ),
    ],
)  # fmt: skip
def test_a_model_is_renamed_in_the_body_only_where_the_body_repeats_its_name(
    route: Route, body: bytes, asked: bytes
) -> None:
    head = read_head(route, body)
    same = read_head(route._replace(model="b/c"), asked)

    assert with_model(body, head, "b/c") == asked
    assert with_model(asked, same, "b/c") is asked


def test_a_request_for_embeddings_cannot_name_another_model_than_its_path() -> None:
    body = b'{"requests":[{"model":"models/dearer","content":{}}]}'

    assert with_model(body, read_head(BATCH, body), "a") == body.replace(b"dearer", b"a")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON: Input data was truncated"),
        (b'{"model":"a"', "the body is not JSON: Input data was truncated"),
        (b'{"model":"a","messages":[1]} x', "the body is not JSON: trailing characters (byte 30)"),
        (b'{"model":"a","messages":["\xff"]}', "the body is not UTF-8 (byte 26)"),
        (b'{"model":"a","messages":[1],"x":' + b"[" * 200_000, "the body is nested too deeply"),
    ],
)
def test_what_is_not_json_is_told_apart(body: bytes, message: str) -> None:
    with pytest.raises(InvalidJSON) as caught:
        read_head(Route(CHAT), body)

    assert caught.value.message == message


def test_the_same_name_gives_the_same_object() -> None:
    body = b'{"model":"a","messages":[1]}'

    assert with_model(body, read_head(Route(CHAT), body), "a") is body


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","messages":[1]}',
        b'  { "temperature" : 1.50e0 ,\n"messages":[ {"model":"x"} ],\t"model"\r\n:  "a" , "z":-0.0}\n',
        b'{"messages":[{"content":"say \\"model\\": \\"a\\""}],"model":"a"}',
        b'{"messages":["model","a"],"model":"a"}',
        b'{"x\\"model":"q","messages":["]}"],"model":"a","t":true,"n":null}',
        b'{"tools":[{"properties":{"model":{"type":"string"}}}],"messages":["\\\\"],"model":"a"}',
        b'{"messages":["\\u0065"],"model":"a"}',
        b'{"messages":[1],"e":{},"f":[],"\\u006dodel":"a"}',
    ],
)
def test_only_the_name_of_the_model_changes(body: bytes) -> None:
    changed = with_model(body, read_head(Route(CHAT), body), 'b"\\ü')

    assert changed.count('"b\\"\\\\ü"'.encode()) == 1
    assert changed.replace('"b\\"\\\\ü"'.encode(), b'"a"') == body
    assert json.loads(changed) == json.loads(body) | {"model": 'b"\\ü'}


NAMES = st.sampled_from(["model", "messages", 'mo"del', "model ", "Model", "x"]) | st.text(max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just("model"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def spaced(text: str, space: str) -> str:
    """The JSON text with white space at every place where it may stand."""
    strings_and_marks = re.compile(r'("(?:[^"\\]|\\.)*")|([{}\[\],:])')
    return strings_and_marks.sub(lambda m: m[1] or space + m[2] + space, text)


@settings(max_examples=100, deadline=None)
@given(
    before=st.dictionaries(NAMES, VALUES, max_size=3),
    after=st.dictionaries(NAMES, VALUES, max_size=3),
    old=st.text(min_size=1, max_size=6),
    new=st.text(min_size=1, max_size=6).filter(lambda name: name != "\x00"),
    space=st.sampled_from(["", " ", "\n\t", "\r\n"]),
    ascii_only=st.booleans(),
)
def test_any_object_keeps_every_other_byte(
    before: dict[str, object], after: dict[str, object], old: str, new: str, space: str, ascii_only: bool
) -> None:
    for name in ("model", "stream", "stream_options"):
        before.pop(name, None)
        after.pop(name, None)
    whole = {**before, "model": old, **after, "messages": [{"model": old}]}
    body = spaced(json.dumps(whole, ensure_ascii=ascii_only), space).encode()

    head = read_head(Route(CHAT), body)
    changed = with_model(body, head, new)

    assert head.model == old
    assert json.loads(changed) == whole | {"model": new}
    if new != old:
        assert changed.startswith(body[: head.start])
        assert changed.endswith(body[head.end :])
        assert json.loads(changed[head.start : len(changed) - (len(body) - head.end)]) == new


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","messages":[%b],"\\u006d":1}' % b",".join([b"[]"] * 600_000),
        b'{"model":"a","messages":[1],%b,"\\u006d":1}' % b",".join([b'"k":1'] * 20_000),
    ],
    ids=["brackets", "keys"],
)
def test_a_body_made_to_be_slow_to_walk_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="the body: more than"):
        read_head(Route(CHAT), body)


def test_a_walk_keeps_nothing_of_what_it_passed() -> None:
    body = b'{"messages":[%b],"model":"a","\\u006d":1}' % b",".join([b'"x"'] * 500_000)
    tracemalloc.start()
    end_of = _end_of_value(body, body.index(b"["), 2)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert end_of == (body.index(b"]") + 1, 2)
    assert peak_bytes < 1 << 20
