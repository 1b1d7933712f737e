"""What a trained model says of DNA: the likelihood of each base, of either strand, and of substitutions.

The network reads tokens of three bases, so that a sequence can be cut at three phases: each gives every base a
likelihood from nothing but what precedes it, and the mean of their logarithms, made to sum to one, is better than any.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from freehold.dialects.embeddings import Embedded
from freehold.own.artefact import Artefact, Kind
from freehold.own.artefact import read as read_artefact
from freehold.own.dna import BASES, Codes, codes, reverse_complement
from freehold.own.genome_network import TOKEN, Network, Shape
from freehold.vocabulary.errors import BadRequest

WEIGHTS = "model.safetensors"
LONGEST = 100_000  # bases of all inputs together; more are asked in pieces, or in a file
MOST = 1_000  # substitutions of all inputs together
_BATCH = 16  # stretches read at once
_TOKENS_MIN = 4  # the network looks two tokens back, and at the end gives nothing
_PLACE = torch.tensor([16, 4, 1])  # of a token's three bases
_SUBSTITUTION = re.compile(r"(?:g\.)?([1-9][0-9]{0,9})([ACGT])>([ACGT])")

Floats: TypeAlias = NDArray[np.float64]


class Substitution(NamedTuple):
    """One base instead of another, written as HGVS does: 123A>T is at the 123rd base, counted from one."""

    position: int  # from nought
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.position + 1}{self.old}>{self.new}"


class Consistency(NamedTuple):
    """How alike a model finds a sequence and its reverse complement; to a base, they come from opposite sides."""

    forward: float  # bits per base
    reverse: float
    per_base: float  # mean distance, bits
    per_hundred: float  # mean distance of the means of 100 bases, bits per base
    per_thousand: float
    correlation: float  # of single bases


class Genome:
    """A trained model of DNA."""

    def __init__(self, network: Network, context: int, name: str = "", phases: int = TOKEN) -> None:
        self._network = network.eval()
        self._context = context  # bases
        self._phases = phases
        self.name = name

    @classmethod
    def load(cls, folder: Path, phases: int = TOKEN) -> Self:
        """The model in a folder; to read at fewer phases is faster and worse.

        Raises BadRequest where there is none, or one of another kind.
        """
        artefact = read_artefact(folder)
        if artefact.kind is not Kind.GENOME:
            raise BadRequest(
                f"{folder} holds a {artefact.kind} model, and none of DNA",
                remedy="Train one by the recipe genome.",
            )
        network = Network(_shape_of(artefact))
        network.load_state_dict(load_file(folder / WEIGHTS))
        return cls(network, artefact.context, artefact.name, phases)

    def log_likelihoods(self, sequence: Codes) -> Floats:
        """Natural logarithms of the probabilities of A, C, G, T at each base, given what precedes it alone.

        Each base but the first few sees between half a context and a whole one. Bases that are not known are read as A.
        """
        stride = self._context // 2
        begins = range(0, max(1, len(sequence) - stride), stride)
        found = np.empty((len(sequence), 4))
        for first in range(0, len(begins), _BATCH):
            some = begins[first : first + _BATCH]
            stretches = np.full((len(some), self._context), -1, np.int8)
            for row, begin in enumerate(some):
                piece = sequence[begin : begin + self._context]
                stretches[row, : len(piece)] = piece
            length = min(self._context, len(sequence))
            for begin, read in zip(some, self._read(stretches[:, :length]), strict=True):
                new = stride if begin else 0
                found[begin + new : begin + self._context] = read[new : len(sequence) - begin]
        return found

    def bits(self, sequence: Codes) -> Floats:
        """Bits of each base given what precedes it; not a number where it is not known."""
        return _chosen(self.log_likelihoods(sequence), sequence) / -math.log(2)

    def effects(self, sequence: Codes, substitutions: Sequence[Substitution]) -> list[float]:
        """Log2 of how much likelier each substitution makes what lies around it: below nought, less likely.

        That is one context, with the substitution in its middle, read on both strands, whose mean it is. Raises
        BadRequest where a substitution is not of this sequence.
        """
        places: dict[tuple[int, str], float] = {}
        for one in substitutions:
            _check(sequence, one)
            places |= {(one.position, one.old): 0.0, (one.position, one.new): 0.0}
        keys = list(places)
        for first in range(0, len(keys), _BATCH):
            some = keys[first : first + _BATCH]
            stretches = np.stack([self._around(sequence, position, base) for position, base in some])
            for strand in (stretches, reverse_complement(stretches)):
                logs = _chosen(self._read(strand), strand)
                for key, total in zip(some, np.nansum(logs, -1), strict=True):
                    places[key] += float(total) / 2 / math.log(2)
        return [places[one.position, one.new] - places[one.position, one.old] for one in substitutions]

    def consistency(self, sequence: Codes) -> Consistency:
        """How alike the two strands of a sequence are read; it holds at least 1,000 bases."""
        forward, reverse = self.bits(sequence), self.bits(reverse_complement(sequence))[::-1]
        both = np.nan_to_num(np.stack([forward, reverse]))

        def distance(window: int) -> float:
            means = both[:, : both.shape[1] // window * window].reshape(2, -1, window).mean(-1)
            return float(np.abs(means[0] - means[1]).mean())

        return Consistency(
            float(np.nanmean(forward)),
            float(np.nanmean(reverse)),
            distance(1),
            distance(100),
            distance(1000),
            float(np.asarray(np.corrcoef(both))[0, 1]),
        )

    def predict(self, inputs: Sequence[object]) -> list[dict[str, object]]:
        """An answer to each question: a sequence, or an object with `sequence` and `substitutions` such as 123A>T.

        Raises BadRequest, naming the input, for one that is neither, and for more than are answered at once.
        """
        answers = []
        for at, question in enumerate(_questions(inputs)):
            try:
                answers.append(self._answer(*question))
            except BadRequest as error:
                raise BadRequest(f"inputs[{at}]: {error.message}", remedy=error.remedy) from None
        return answers

    def embed(self, inputs: Sequence[object]) -> Embedded:
        """A vector for each sequence: the mean of the last hidden states over both strands, at all phases.

        So it is the same for a sequence and its reverse complement. Raises BadRequest as `predict` does, and for a
        sequence without three known bases in a row.
        """
        vectors, bases = [], 0
        for at, (sequence, substitutions) in enumerate(_questions(inputs)):
            if substitutions:
                raise BadRequest(
                    f"inputs[{at}]: substitutions have no vector", remedy="Send sequences alone."
                )
            strands = self._mean_state(sequence) + self._mean_state(reverse_complement(sequence))
            if np.isnan(strands).any():
                raise BadRequest(f"inputs[{at}] holds no three known bases in a row", remedy="Leave it out.")
            vectors.append([round(one, 6) for one in (strands / 2).tolist()])
            bases += len(sequence)
        return Embedded(vectors, self.name, bases)

    def _answer(self, sequence: Codes, substitutions: Sequence[str]) -> dict[str, object]:
        bits = self.bits(sequence)
        known = bits[~np.isnan(bits)]
        answer: dict[str, object] = {
            "bits_per_base": round(float(known.mean()), 5) if len(known) else None,
            "bits": [None if math.isnan(one) else round(one, 4) for one in bits.tolist()],
        }
        if substitutions:
            effects = self.effects(sequence, [substitution(one) for one in substitutions])
            answer["log2_likelihood_ratios"] = dict(
                zip(substitutions, (round(one, 4) for one in effects), strict=True)
            )
        return answer

    def _around(self, sequence: Codes, position: int, base: str) -> Codes:
        """At most one context, with the position in its middle where the sequence reaches so far."""
        begin = min(max(0, position - self._context // 2), max(0, len(sequence) - self._context))
        stretch = sequence[begin : begin + self._context].copy()
        stretch[position - begin] = BASES.index(base)
        return stretch

    @torch.inference_mode()
    def _mean_state(self, sequence: Codes) -> Floats:
        """Over all tokens of known bases, in stretches of one context; not a number where there are none."""
        width = min(
            self._context // TOKEN, max(_TOKENS_MIN, -(-len(sequence) // TOKEN))
        )  # tokens of a stretch
        total, count = np.zeros(self._network.shape.width), 0
        for phase in range(self._phases):
            rest = sequence[phase:]
            padded = np.pad(rest, (0, -len(rest) % (width * TOKEN)), constant_values=-1)
            stretches = padded.reshape(-1, width, TOKEN)
            for first in range(0, len(stretches), _BATCH):
                some = stretches[first : first + _BATCH]
                tokens = torch.from_numpy(np.maximum(some, 0).astype(np.int64)) @ _PLACE
                known = (some >= 0).all(-1)
                total += self._network.states(tokens).numpy()[known].sum(0, dtype=np.float64)
                count += int(known.sum())
        return total / count if count else np.full_like(total, np.nan)

    @torch.inference_mode()
    def _read(self, stretches: Codes) -> Floats:
        """Log-probabilities of the four bases at each place of stretches, which are all as long."""
        count, length = stretches.shape
        known = torch.from_numpy(np.maximum(stretches, 0).astype(np.int64))
        known = functional.pad(known, (0, (_TOKENS_MIN + 1) * TOKEN))
        total = torch.zeros(count, length, 4, dtype=torch.float64)
        for phase in range(self._phases):
            whole = (length - phase + TOKEN - 1) // TOKEN  # tokens that hold all of it
            tokens = (
                known[:, phase : phase + max(_TOKENS_MIN, whole) * TOKEN].reshape(count, -1, TOKEN) @ _PLACE
            )
            after = _by_base(self._network(tokens[:, :-1]).double(), tokens[:, 1:]).flatten(1, 2)
            first = after.new_full((count, phase + TOKEN, 4), -math.log(4))  # nothing precedes them
            total += torch.cat((first, after), 1)[:, :length]
        read: Floats = (total / self._phases).log_softmax(-1).numpy()
        return read


def about(shape: Shape) -> Mapping[str, str | float | int]:
    """What a model's folder says of its shape."""
    return shape._asdict()


def substitution(text: str) -> Substitution:
    """Read 123A>T, or g.123A>T. Raises BadRequest where it is neither."""
    match = _SUBSTITUTION.fullmatch(text)
    if match is None:
        raise BadRequest(
            f"{text!r} is no substitution", remedy="Write it as 123A>T: the 123rd base, an A, becomes a T."
        )
    return Substitution(int(match[1]) - 1, match[2], match[3])


def _shape_of(artefact: Artefact) -> Shape:
    return Shape(*(int(artefact.about[name]) for name in Shape._fields))


def _by_base(logits: Tensor, tokens: Tensor) -> Tensor:
    """Log-probabilities of each of a token's three bases given those before it: batch x tokens x 3 x 4."""
    joint = logits.log_softmax(-1).view(*logits.shape[:2], 4, 4, 4)
    first = torch.logsumexp(joint, (-1, -2))
    joint = joint.gather(2, (tokens // 16)[..., None, None, None].expand(-1, -1, 1, 4, 4)).squeeze(2)
    second = torch.logsumexp(joint, -1).log_softmax(-1)
    joint = joint.gather(2, (tokens // 4 % 4)[..., None, None].expand(-1, -1, 1, 4)).squeeze(2)
    return torch.stack((first, second, joint.log_softmax(-1)), 2)


def _chosen(logs: Floats, sequence: Codes) -> Floats:
    """Those of the bases that are there; not a number where a base is not known."""
    picked = np.take_along_axis(logs, np.maximum(sequence, 0)[..., None].astype(np.int64), -1)[..., 0]
    return np.where(sequence < 0, np.nan, picked)


def _check(sequence: Codes, one: Substitution) -> None:
    if one.position >= len(sequence):
        raise BadRequest(
            f"the sequence ends at base {len(sequence)}, before {one.position + 1}",
            remedy="Positions count from one, from the beginning of the sequence that is sent.",
        )
    if sequence[one.position] != BASES.index(one.old):
        there = "?" if sequence[one.position] < 0 else BASES[sequence[one.position]]
        raise BadRequest(
            f"base {one.position + 1} is {there}, not {one.old}",
            remedy="Positions count from one, and the first letter is the base that is there.",
        )


def _questions(inputs: Sequence[object]) -> list[tuple[Codes, list[str]]]:
    """Raises BadRequest, naming the input, for one that is no question, and for more than are answered at once."""
    questions = [_question(at, one) for at, one in enumerate(inputs)]
    bases, wanted = (sum(len(one[place]) for one in questions) for place in (0, 1))
    if bases > LONGEST or wanted > MOST:
        raise BadRequest(
            f"{bases:,} bases and {wanted:,} substitutions are more than {LONGEST:,} and {MOST:,}",
            remedy="Ask in several requests, or by `freehold own bases`, which reads files.",
        )
    return questions


def _question(at: int, given: object) -> tuple[Codes, list[str]]:
    fields: Mapping[str, object] = given if isinstance(given, Mapping) else {"sequence": given}
    text, wanted = fields.get("sequence"), fields.get("substitutions", [])
    named = [one for one in wanted if isinstance(one, str)] if isinstance(wanted, list) else None
    strange = set(fields) - {"sequence", "substitutions"}
    if not isinstance(text, str) or not text or named is None or named != wanted or strange:
        raise BadRequest(
            f"inputs[{at}] is neither a sequence nor an object with one",
            remedy='Send "ACGT...", or {"sequence": "ACGT...", "substitutions": ["123A>T"]}.',
        )
    return codes(text), named
