"""From scores to probabilities: a multinomial logistic curve of each score and its signed square."""

import numpy as np

from freehold.own.predicting.shape import Arrays, Floats


def bent(scores: Floats) -> Floats:
    """The scores, and their squares with their signs."""
    return np.hstack([scores, scores * np.abs(scores)])


def probabilities(arrays: Arrays, scores: Floats) -> Floats:
    """Inputs x classes."""
    return softmax(bent(scores) @ arrays["curve"] + arrays["curve_bias"])


def softmax(logits: Floats) -> Floats:
    """Each row as shares of 1."""
    found = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = found / found.sum(axis=1, keepdims=True)
    return shares
