"""Cut texts and bytes into pieces."""

from itertools import pairwise
from typing import AnyStr

ARGUMENT_PIECES = 5


def sliced(whole: AnyStr, count: int) -> list[AnyStr]:
    """Cut into `count` nearly equal pieces, none of them empty; fewer where there is too little to cut."""
    count = min(count, len(whole))
    edges = [len(whole) * place // count for place in range(count + 1)] if count else [0]
    return [whole[start:end] for start, end in pairwise(edges)]
