"""The pair-swap bet over the same pairs again and again, in other orders and with pairs turned around.

Texts are read once; a replay only looks numbers up. Gives the very path of `PairSwap` on the same pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from freehold.stats.differences import Array, Rows, difference, total
from freehold.stats.ensemble import USUAL, Ensemble, Pair
from freehold.stats.features import SHAPES, families

Order = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Products:
    """Inner products between pairs, as `PairSwap` uses them."""

    differences: Mapping[str, Array]  # family: n x n
    sums: Array  # n x n: differences in words (rows) with sums in words (columns)
    shapes: Array  # n x len(SHAPES)

    def __len__(self) -> int:
        return len(self.shapes)

    def pair(self, order: Order, signs: Array, at: int) -> Pair:
        """The pair in place `at` of an order, as seen from those before; sign -1 turns a pair around."""
        this, before = order[at], order[:at]
        turned = signs[at] * signs[:at]
        return Pair(
            past={name: turned * products[this, before] for name, products in self.differences.items()},
            own={name: float(products[this, this]) for name, products in self.differences.items()},
            sums=signs[at] * self.sums[this, before],
            shape=signs[at] * self.shapes[this],
            scores=np.zeros(0),
        )


def read(a: Sequence[str], b: Sequence[str], prompts: Sequence[str] = ()) -> Products:
    """Read the answers of both to the same prompts. Raises ValueError where there are not as many of each."""
    asked = prompts or [""] * len(a)
    seen = [
        (families(one, prompt), families(other, prompt))
        for one, other, prompt in zip(a, b, asked, strict=True)
    ]
    differences = {}
    for name in USUAL:
        rows = [difference(one[name], other[name]) for one, other in seen]
        differences[name] = products(rows, rows)
    words = [(one["words"], other["words"]) for one, other in seen]
    sums = products([difference(*both) for both in words], [total(*both) for both in words])
    shapes = [[one["shape"][name] - other["shape"][name] for name in SHAPES] for one, other in seen]
    return Products(differences, sums, np.array(shapes).reshape(len(seen), len(SHAPES)))


def products(rows: Sequence[Mapping[str, float]], columns: Sequence[Mapping[str, float]]) -> Array:
    """All inner products of rows with columns."""
    kept = Rows()
    for column in columns:
        kept.append(kept.numbered(column))
    return np.array([kept.products(kept.numbered(row)) for row in rows]).reshape(len(rows), len(columns))


def replay(known: Products, order: Sequence[int], turned: Sequence[bool] | NDArray[np.bool_] = ()) -> Array:
    """log_e after each pair of an order, with the pairs in some places of the order turned around."""
    places = np.array(order, dtype=np.int64)
    signs = np.where(np.array(turned, dtype=bool), -1.0, 1.0) if len(turned) else np.ones(len(places))
    ensemble = Ensemble(len(SHAPES), 0, len(places))
    return np.cumsum([ensemble.bet(known.pair(places, signs, at)) for at in range(len(places))])
