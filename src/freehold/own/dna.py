"""DNA as numbers: A, C, G and T are 0 to 3, so that a base and its complement sum to 3; what is not known is -1."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BASES = "ACGT"
UNKNOWN = -1
Codes: TypeAlias = NDArray[np.int8]

_CODE_OF = np.full(256, UNKNOWN, np.int8)
for _code, _both in enumerate(("Aa", "Cc", "Gg", "TtUu")):
    _CODE_OF[[ord(letter) for letter in _both]] = _code


def codes(text: str) -> Codes:
    """The bases of a text; U counts as T, and every other letter, such as N, is not known."""
    return _CODE_OF[np.frombuffer(text.encode("latin-1", "replace"), np.uint8)]


def letters(bases: Codes) -> str:
    """The text of bases; N where one is not known."""
    return np.frombuffer((BASES + "N").encode(), np.uint8)[bases].tobytes().decode()


def reverse_complement(bases: Codes) -> Codes:
    """The other strand, read in its own direction; of the last axis."""
    return np.where(bases < 0, bases, 3 - bases)[..., ::-1].astype(np.int8)
