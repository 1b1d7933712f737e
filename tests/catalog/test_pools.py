"""How pools are used: what is wrong about it is named with its place and its remedy."""

import pytest

from freehold.catalog.resolve import Resolution, resolve_all
from freehold.config.load import Loaded, load_text
from freehold.config.schema import Alias, Strategy

HEAD = """[providers.p]
base_url = "http://127.0.0.1:9"
[aliases]
plain = ["p/a", "p/b"]
"p/*" = ["p/x-*"]
"""


def resolution(text: str) -> Resolution:
    loaded = load_text(HEAD + text, "f")
    assert isinstance(loaded, Loaded), loaded
    return resolve_all(loaded.config, {}, loaded.document)


ERRORS = [
    (
        'w = { pool = ["p/a", "p/b"], strategy = "weighted", weights = [1] }',
        'f:6:53: "w" has 1 weights for 2 endpoints',
        "Give one weight for each endpoint of the pool, in the same order.",
    ),
    (
        'w = { pool = ["p/a", "p/b"], strategy = "weighted" }',
        'f:6:1: "w" has 0 weights for 2 endpoints',
        "Give one weight for each endpoint of the pool, in the same order.",
    ),
    (
        'w = { pool = ["p/a"], weights = [1] }',
        'f:6:23: "w" has weights, but its strategy is "ordered"',
        'Set `strategy = "weighted"`, or remove the weights.',
    ),
    ('[limits."p/aa"]\nconcurrency = 1', 'f:6:9: limits: no pool has an endpoint "p/aa"', 'Write "p/a".'),
    (
        '[limits."somewhere/else"]\nconcurrency = 1',
        'f:6:9: limits: no pool has an endpoint "somewhere/else"',
        "Add it to an alias, or remove this table.",
    ),
    (
        '[limits."p/x-*"]\nconcurrency = 1',
        'f:6:9: limits: "p/x-*" has a `*`',
        "Name one endpoint, as it is when the `*` is filled in.",
    ),
    ('[prices."p/c"]\ninput = 1\noutput = 1', 'f:6:9: prices: no pool has an endpoint "p/c"', 'Write "p/b".'),
]


@pytest.mark.parametrize(("text", "message", "remedy"), ERRORS, ids=[text for text, _, _ in ERRORS])
def test_what_cannot_be_followed_is_an_error(text: str, message: str, remedy: str) -> None:
    found = resolution(text)

    assert [(str(error), error.remedy) for error in found.errors] == [(message, remedy)]
    assert found.resolved is None


WARNINGS = [
    (
        'w = { pool = ["p/a", "p/b"], strategy = "cheapest" }\n[prices."p/b"]\ninput = 1\noutput = 1',
        'f:6:30: the cheapest of "w" is asked first, but no price is known for p/a',
        'Add [prices."p/a"] with input and output; until then it comes last.',
    ),
    (
        'w = { pool = ["p/a"], hedge = true }',
        'f:6:23: "w" has `hedge`, but only one endpoint',
        "Add an endpoint to its pool, or remove `hedge`.",
    ),
]


@pytest.mark.parametrize(("text", "message", "remedy"), WARNINGS, ids=[text for text, _, _ in WARNINGS])
def test_what_will_not_do_what_it_was_written_for_is_a_warning(text: str, message: str, remedy: str) -> None:
    found = resolution(text)

    assert [(str(warning), warning.remedy) for warning in found.warnings] == [(message, remedy)]
    assert found.resolved is not None


def test_an_endpoint_that_a_glob_may_become_can_have_limits_and_a_price() -> None:
    found = resolution('[limits."p/x-large"]\nconcurrency = 1\n[prices."p/x-large"]\ninput = 1\noutput = 2')

    assert (found.errors, found.warnings) == ((), ())


def test_every_alias_has_its_settings_however_it_is_written() -> None:
    found = resolution('w = { pool = ["p/a", "p/b"], strategy = "weighted", weights = [1, 2] }').resolved

    assert found is not None
    assert found.settings == {
        "plain": Alias(("p/a", "p/b")),
        "p/*": Alias(("p/x-*",)),
        "w": Alias(("p/a", "p/b"), Strategy.WEIGHTED, (1.0, 2.0)),
    }
