"""A rate from few labels and many predictions: the predictions' error is measured on the labels and taken out.

For 50 labels and rates near 0, where the normal approximation of PPI++ (Angelopoulos, Duchi & Zrnic 2023,
arXiv:2311.01453) covers far too rarely. Needs predictions that never saw these labels, and labels of items drawn at
random from all items.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from freehold.stats.intervals import Bounds

Floats = NDArray[np.float64]
DRAWS = 20_000


def ppi_rate(
    labels: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_rest: ArrayLike,
    confidence: float = 0.95,
    careful: bool = False,
    seed: int = 0,
) -> Bounds:
    """A rate of 0/1 labels with predictions in [0, 1], for 50 to 100 labels and for rates near 0 or 1.

    The items are cut in two by their prediction; each part's rate comes from its own labels, and the parts' sizes
    from all items (post-stratification). The cut is the one that would be best if the predictions were true, so it
    never looks at a label: bad predictions widen the interval and do not bias it. With Jeffreys' prior in each part
    coverage is near the nominal (Brown, Cai & DasGupta 2001), and below it for rates under 1 / labels; `careful`
    takes the priors of Clopper & Pearson's bounds instead: wider, and not below. Where all labels are alike the
    interval reaches to the end of the scale.

    Args:
        labels: what was found, for the few items looked at.
        predicted_labelled: the predictions for the very same items, in the same order.
        predicted_rest: the predictions for the other items.
        confidence: of the interval.
        careful: see above.
        seed: for the draws.

    Raises:
        ValueError: lengths differ, there are fewer than two of a kind, or some are no labels or no predictions.
    """
    y, f, rest = _checked(labels, predicted_labelled, predicted_rest)
    if not np.isin(y, (0.0, 1.0)).all() or min(f.min(), rest.min()) < 0 or max(f.max(), rest.max()) > 1:
        raise ValueError("a rate wants labels of 0 or 1 and predictions between 0 and 1")
    everyone = np.concatenate([f, rest])
    cut = _best_cut(everyone, len(y))
    random = np.random.default_rng(seed)
    share = random.beta((everyone >= cut).sum() + 0.5, (everyone < cut).sum() + 0.5, DRAWS)

    def drawn(ones: float) -> Floats:
        """The whole rate, with `ones` successes and 1 - `ones` failures before the first label of each part."""
        high, low = (_drawn_rate(y[part], ones, random) for part in (f >= cut, f < cut))
        return share * high + (1 - share) * low

    middle, tail = drawn(0.5), (1 - confidence) / 2
    low = float(np.quantile(drawn(0.0) if careful else middle, tail)) if y.any() else 0.0
    high = float(np.quantile(drawn(1.0) if careful else middle, 1 - tail)) if not y.all() else 1.0
    return Bounds(float(middle.mean()), low, high)


def _drawn_rate(labels: Floats, ones: float, random: np.random.Generator) -> Floats:
    positive = float(labels.sum())
    nothing = 1e-9  # instead of a count of 0, which the beta distribution does not know
    return random.beta(max(positive + ones, nothing), max(len(labels) - positive + 1 - ones, nothing), DRAWS)


def _best_cut(predictions: Floats, labels: int) -> float:
    """The threshold after which `labels` labels would leave the least variance, were the predictions true."""
    ordered = np.sort(predictions)
    count, total = len(ordered), np.concatenate([[0.0], np.cumsum(ordered)])
    places = np.unique(
        np.searchsorted(ordered, ordered)
    )  # a cut stands before the first of equal predictions
    parts = ((places, total[places]), (count - places, total[-1] - total[places]))
    variance = sum(
        _beta_variance(sizes / count, sums / np.maximum(sizes, 1), labels) for sizes, sums in parts
    )
    return float(ordered[places[int(np.argmin(variance))]])


def _beta_variance(share: Floats, rate: Floats, labels: int) -> Floats:
    a, b = labels * share * rate + 0.5, labels * share * (1 - rate) + 0.5
    return share**2 * a * b / ((a + b) ** 2 * (a + b + 1))


def _checked(labels: ArrayLike, labelled: ArrayLike, rest: ArrayLike) -> tuple[Floats, Floats, Floats]:
    y, f, others = (np.asarray(one, dtype=float) for one in (labels, labelled, rest))
    if y.shape != f.shape or y.ndim != 1:
        raise ValueError(f"every label needs its prediction: {y.shape} labels, {f.shape} predictions")
    if min(len(y), len(others)) < 2:
        raise ValueError(f"it takes two labels and two predictions or more: {len(y)} and {len(others)}")
    return y, f, others
