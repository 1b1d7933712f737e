"""A predictor is read from plain arrays alone, and what is none is told."""

import pickle
from pathlib import Path

import pytest

from freehold.vocabulary.errors import BadRequest
from tests.own.publish.published import regressor


class Hostile:
    """Would end the process that unpickles it."""

    def __reduce__(self) -> tuple[object, ...]:
        return exit, (7,)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps(Hostile()), "cut", "object", "huge"])
def test_what_holds_no_plain_arrays_is_no_predictor(tmp_path: Path, content: bytes | str) -> None:
    import numpy as np

    from freehold.own.predicting import shape

    model = Path(regressor(tmp_path, "double").folder) / "model"
    file = model / shape.WEIGHTS
    if content == "object":
        np.savez(file, weights=np.array([Hostile()], dtype=object))
    elif content == "huge":
        np.savez(file, weights=np.zeros(8))
        file.write_bytes(file.read_bytes().replace(b"(8,), }" + b" " * 12, b"(8" + b"0" * 12 + b",), }"))
    else:
        file.write_bytes(content if isinstance(content, bytes) else file.read_bytes()[:-30])

    with pytest.raises(BadRequest, match="holds no predictor"):
        shape.read(model)
