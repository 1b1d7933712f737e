"""A tagger fitted to rows with spans: multinomial logistic regression of each token's tag on what stands around it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from freehold.own.predicting.shape import Input, Method, Shape, Weights
from freehold.own.predicting.tags import Token, features_of, tokens_of
from freehold.own.rows import Row, Span
from freehold.vocabulary.errors import BadRequest

COST = 4.0  # of logistic regression


def kinds_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Of all spans, in the alphabet's order."""
    return tuple(sorted({span.kind for row in rows for span in row.spans}))


def fitted(rows: Sequence[Row], kinds: Sequence[str], buckets: int) -> Weights:
    """A tagger. Raises BadRequest for a span that is not in its row's text, or overlaps another."""
    tags: list[int] = []
    features: list[NDArray[np.int64]] = []
    for row in rows:
        tokens = tokens_of(row.text)
        tags += tags_of(row, tokens, kinds)
        features += [features_of(row.text, tokens, place, buckets) for place in range(len(tokens))]
    starts = np.cumsum([0, *map(len, features)])
    ones = np.ones(int(starts[-1]), np.float32)
    counted = csr_matrix((ones, np.concatenate(features), starts), shape=(len(features), buckets))
    found = LogisticRegression(C=COST, max_iter=300, tol=1e-3).fit(counted, tags)
    weights = np.zeros((buckets, 2 * len(kinds) + 1), np.float32)
    bias = np.full(weights.shape[1], -30.0)  # of a tag that was never seen
    slopes, offsets = found.coef_, found.intercept_
    if len(slopes) == 1:  # of two tags, scikit-learn keeps the difference
        slopes, offsets = np.vstack([0 * slopes, slopes]), np.append(0.0, offsets)
    weights[:, found.classes_] = slopes.T
    bias[found.classes_] = offsets
    return Weights(Shape(Input.TEXT, Method.LINEAR, buckets=buckets), {"weights": weights, "bias": bias})


def tags_of(row: Row, tokens: Sequence[Token], kinds: Sequence[str]) -> list[int]:
    """Each token's tag; a token that a span holds a part of is in it."""
    tags = [0] * len(tokens)
    for span in row.spans:
        inside = [at for at, token in enumerate(tokens) if token.begin < span.end and token.end > span.begin]
        if not inside or span.end > len(row.text) or any(tags[at] for at in inside):
            raise BadRequest(
                f"row {row.id}: the span {span.begin} to {span.end} ({span.kind}) holds no word, or overlaps another",
                remedy="Spans are `begin` and `end` in characters of the row's text, and a `kind`.",
            )
        tag = 2 * kinds.index(span.kind) + 1
        tags[inside[0]] = tag
        for at in inside[1:]:
            tags[at] = tag + 1
    return tags


def widened(span: Span, tokens: Sequence[Token]) -> tuple[int, int, str]:
    """A span as a tagger can find it: from the beginning of its first token to the end of its last."""
    inside = [token for token in tokens if token.begin < span.end and token.end > span.begin]
    return inside[0].begin, inside[-1].end, span.kind
