"""Load a predictor and ask it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from freehold.own import artefact as artefacts
from freehold.own.artefact import Artefact, Kind
from freehold.own.predicting import shape as shapes
from freehold.own.predicting.calibrating import probabilities
from freehold.own.predicting.scoring import objection, scores_of
from freehold.own.predicting.shape import Weights
from freehold.own.predicting.tags import spans_of
from freehold.vocabulary.errors import BadRequest

Answer = dict[str, object]
AT_ONCE = 256  # inputs worked on together: what is in memory is bounded


class Predictor(Protocol):
    """A trained predictor. It holds no state: any number of threads may ask it."""

    artefact: Artefact

    def predict(self, inputs: Sequence[object], /) -> list[Answer]:
        """One answer for each input, in order.

        An input is a string (a sequence or a text), or for a table an object of column -> string, number or null.
        A classifier answers {"label": str, "probabilities": {label: float}}, a regressor {"value": float,
        "low": float, "high": float} (nine in ten lie between), a tagger {"spans": [{"begin": int, "end": int,
        "kind": str, "probability": float}]} in characters. Raises BadRequest, naming the input, for one that is
        none of these.
        """


def load(folder: Path) -> Predictor:
    """The predictor in a folder. Raises BadRequest where there is none."""
    return Loaded(artefacts.read(folder), shapes.read(folder))


class Loaded:
    """Arrays in memory."""

    def __init__(self, artefact: Artefact, weights: Weights) -> None:
        self.artefact = artefact
        self.weights = weights

    def predict(self, inputs: Sequence[object], /) -> list[Answer]:
        """See Predictor."""
        for place, one in enumerate(inputs):
            if why := objection(self.weights.shape, one):
                raise BadRequest(
                    f"input {place} {why}", remedy=f"Send what {self.artefact.name} was trained on."
                )
        parts = (inputs[at : at + AT_ONCE] for at in range(0, len(inputs), AT_ONCE))
        return [answer for part in parts for answer in self._answers(part)]

    def _answers(self, inputs: Sequence[object]) -> Iterator[Answer]:
        if self.artefact.kind is Kind.TAGGER:
            for one in inputs:
                yield {"spans": [span._asdict() for span in spans_of(self.weights, str(one), self._labels)]}
            return
        scores = scores_of(self.weights, inputs)
        if self.artefact.kind is Kind.REGRESSOR:
            half = float(self.weights.arrays["half_width"])
            for value in scores[:, 0].tolist():
                yield {"value": value, "low": value - half, "high": value + half}
            return
        for shares in probabilities(self.weights.arrays, scores):
            ranked = dict(zip(self._labels, shares.tolist(), strict=True))
            yield {"label": self._labels[int(np.argmax(shares))], "probabilities": ranked}

    @property
    def _labels(self) -> tuple[str, ...]:
        return self.artefact.labels
