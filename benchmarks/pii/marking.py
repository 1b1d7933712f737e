"""Sentences marked by hand."""

import re

from freehold.own.rows import Row, Span


def marked(text: str, id: str) -> Row:
    """A sentence in which [[what|kind]] marks what is to be found."""
    plain, spans, at = "", list[Span](), 0
    for mark in re.finditer(r"\[\[(.+?)\|(\w+)\]\]", text):
        plain += text[at : mark.start()]
        spans.append(Span(len(plain), len(plain) + len(mark[1]), mark[2]))
        plain, at = plain + mark[1], mark.end()
    return Row(id, plain + text[at:], spans=tuple(spans), cluster=id, licence="Apache-2.0")
