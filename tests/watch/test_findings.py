"""Findings on what the provider itself said."""

import pytest

from freehold.vocabulary.exchange import Finding, Finish, Served
from freehold.watch.findings import findings, same_model


@pytest.mark.parametrize(
    ("asked", "served", "same"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4", "gpt-4-0613", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o-mini", "gpt-4o", False),
        ("gpt-4", "gpt-4o", False),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022", True),
        ("claude-3-5-sonnet", "claude-3-5-sonnet-20241022", True),
        ("claude-sonnet-4@20250514", "claude-sonnet-4", True),
        ("gemini-1.5-pro", "gemini-1.5-pro-002", True),
        ("meta-llama/Llama-3-70b", "Llama-3-70B", True),
        ("llama-3", "llama-3-70", False),
        ("llama3", "llama3:latest", True),
        ("mistral-7b", "mixtral-8x7b", False),
    ],
)
def test_a_snapshot_of_a_model_is_the_model_and_another_model_is_not(
    asked: str, served: str, same: bool
) -> None:
    assert same_model(asked, served) is same


def test_an_ordinary_answer_has_no_findings() -> None:
    assert findings("m", Served(model="m", finish=Finish.STOP), ended=True) == ()


@pytest.mark.parametrize(
    ("served", "ended", "finding"),
    [
        (
            Served(finish=Finish.FILTERED, finish_word="content_filter"),
            True,
            Finding("moderation", "finish reason content_filter"),
        ),
        (Served(finish=Finish.REFUSAL), True, Finding("refusal", "finish reason refusal")),
        (Served(finish=Finish.STOP, refused=True), True, Finding("refusal", "the answer's refusal field")),
        (Served(model="other"), True, Finding("substitution", "asked for m, answered as other")),
        (Served(model="m"), False, Finding("truncation", "the stream ended without its closing event")),
    ],
)
def test_each_mark_is_one_finding(served: Served, ended: bool, finding: Finding) -> None:
    assert findings("m", served, ended=ended) == (finding,)


def test_a_stream_that_ends_well_but_never_says_why_is_truncated() -> None:
    found = findings("m", Served(model="m"), ended=True, stream=True)
    assert found == (Finding("truncation", "the stream ended without a finish reason"),)
    assert findings("m", Served(model="m", finish=Finish.STOP), ended=True, stream=True) == ()
    assert findings("m", Served(model="m"), ended=True) == ()
