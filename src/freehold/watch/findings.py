"""Findings that rest on what the provider itself said.

Does not find: refusals told only in words, changes that keep the model's name, text cut short with a normal
finish. No text is read here, only the answer's own marks.
"""

import re

from freehold.vocabulary.exchange import Finding, Finish, Served

MARKS = (Finish.FILTERED, Finish.REFUSAL)
LATEST = re.compile(r"[-:]latest$")
SNAPSHOT = re.compile(r"[-@:](\d{3,}|\d{4}-\d{2}-\d{2})")  # what follows a model's name in its full name


def findings(asked: str, served: Served, *, ended: bool, stream: bool = False) -> tuple[Finding, ...]:
    """What is odd about an answer by `asked` (the provider's name of the model), from its own marks.

    `ended`: the answer came to the end that its dialect prescribes. `stream`: a whole stream, whose last events
    must have told why it stopped.
    """
    unfinished = stream and served.finish is None
    if ended and served.model == asked and not (served.refused or unfinished or served.finish in MARKS):
        return ()  # nearly always
    found = []
    if served.finish is Finish.FILTERED:
        found.append(Finding("moderation", f"finish reason {served.finish_word or Finish.FILTERED}"))
    elif served.refused or served.finish is Finish.REFUSAL:
        found.append(Finding("refusal", _refusal_mark(served)))
    if served.model is not None and not same_model(asked, served.model):
        found.append(Finding("substitution", f"asked for {asked}, answered as {served.model}"))
    if ended and unfinished:
        found.append(Finding("truncation", "the stream ended without a finish reason"))
    if not ended:
        found.append(Finding("truncation", "the stream ended without its closing event"))
    return tuple(found)


def same_model(asked: str, served: str) -> bool:
    """Whether a provider's `served` may be its full name for what was `asked`.

    "gpt-4o" may be served as "gpt-4o-2024-08-06" (a dated or numbered snapshot), and "org/name" as "name";
    "gpt-4o" may not be served as "gpt-4o-mini".
    """
    asked, served = _plain(asked), _plain(served)
    if asked == served:
        return True
    longer, shorter = (served, asked) if len(served) > len(asked) else (asked, served)
    if not longer.startswith(shorter):
        return False
    return SNAPSHOT.fullmatch(longer, len(shorter)) is not None


def _plain(model: str) -> str:
    return LATEST.sub("", model.lower().rpartition("/")[2])


def _refusal_mark(served: Served) -> str:
    if served.finish is Finish.REFUSAL:
        return f"finish reason {served.finish_word or Finish.REFUSAL}"
    return "the answer's refusal field"
