"""The recipe `genome`: a causal model of DNA, trained on windows at any phase of either strand."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from freehold.own import artefact, rows
from freehold.own.artefact import MODEL, Artefact, Kind
from freehold.own.dna import Codes, codes, reverse_complement
from freehold.own.genome import WEIGHTS, about
from freehold.own.genome_network import TOKEN, Network, Shape, parameters_of
from freehold.own.plan import Plan
from freehold.own.stage import inputs_of
from freehold.own.train import distributed
from freehold.own.train.knobs import Genome
from freehold.own.train.loop import fit
from freehold.own.train.optimising import Group
from freehold.own.train.progress import Say
from freehold.vocabulary.errors import BadRequest

_PLACE = np.array([16, 4, 1], np.int64)  # of a token's three bases
_NOT_KNOWN = -100  # no target


class Windows:
    """A network and the windows that it learns from; a `loop.Task`."""

    def __init__(self, network: Network, sequences: Iterable[Codes], knobs: Genome, seed: int) -> None:
        self.model: nn.Module = network
        self._knobs, self._seed = knobs, seed
        self._bases = knobs.context + TOKEN  # the last token is a target alone
        self._strands = _strands(sequences)
        if self._strands.shape[1] <= self._bases:
            raise BadRequest(
                f"the corpus holds {self._strands.shape[1]} bases, less than one window of {self._bases}",
                remedy="Give it more sequences, or set train.context lower.",
            )

    def batch(self, step: int, rows: range) -> Tensor:
        """Tokens of windows, -1 where a base is not known. A window may run from one sequence into the next."""
        drawn = np.random.default_rng((self._seed, step))
        begins = drawn.integers(0, self._strands.shape[1] - self._bases, self._knobs.batch)[rows]
        strands = drawn.integers(0, 2, self._knobs.batch)[rows]
        windows = self._strands[strands[:, None], begins[:, None] + np.arange(self._bases)]
        triples = windows.reshape(len(begins), -1, TOKEN)
        return torch.from_numpy(np.where((triples < 0).any(-1), -1, triples @ _PLACE))

    def loss(self, batch: Tensor) -> tuple[Tensor, int]:
        """Nats of the tokens, each given those before it; one that is not known is read as AAA and not asked for."""
        device = next(self.model.parameters()).device
        batch = batch.to(device, non_blocking=True)
        targets = torch.where(batch[:, 1:] < 0, _NOT_KNOWN, batch[:, 1:])
        logits = self.model(batch[:, :-1].clamp(min=0)).float()
        nats = functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="sum", ignore_index=_NOT_KNOWN
        )
        return nats, int((targets >= 0).sum())

    def group(self, name: str, weight: nn.Parameter) -> Group:
        """Matrices of the blocks by Muon; embeddings by AdamW at the full rate, all else at AdamW's share of it."""
        knobs = self._knobs
        if name.startswith("blocks.") and weight.ndim == 2 and not name.endswith("shift"):
            return Group(True, 1.0, knobs.weight_decay)
        embedding = name in ("token.weight", "kmer.weight")
        return Group(False, 1.0 if embedding else knobs.adamw_share, 0.0)


def train(run: Path, plan: Plan, folder: Path, say: Say) -> None:
    """Train on RUN/corpus and put the model in `folder`. Raises BadRequest for a corpus or knobs that cannot be."""
    knobs = msgspec.convert(plan.train, Genome)
    shape = _shape(knobs)
    torch.manual_seed(plan.seed)
    network = Network(shape)
    sequences = (codes(row.text) for row in rows.read(run / "corpus" / rows.TRAIN))
    task = Windows(network, sequences, knobs, plan.seed)
    count = parameters_of(network)
    fitted = fit(task, knobs, folder, plan.seed, say)
    if not distributed.here().first:
        return
    model = folder / MODEL
    model.mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in fitted.weights.items()}, model / WEIGHTS)
    artefact.write(
        model,
        Artefact(
            name=plan.name,
            kind=Kind.GENOME,
            recipe=plan.recipe,
            licence=plan.licence,
            parameters=count,
            context=knobs.context,
            inputs=inputs_of(run, "corpus"),
            seed=plan.seed,
            about=about(shape),
        ),
    )


def _strands(sequences: Iterable[Codes]) -> Codes:
    """All sequences one after the other, and their other strands; of a run of bases not known, one is left."""
    forward = np.concatenate([np.empty(0, np.int8), *sequences])
    kept = (forward >= 0) | np.roll(forward >= 0, 1)
    return np.stack([forward[kept], reverse_complement(forward[kept])])


def _shape(knobs: Genome) -> Shape:
    if knobs.width % (2 * knobs.heads) or knobs.context % TOKEN or knobs.context < 4 * TOKEN:
        raise BadRequest(
            f"width {knobs.width}, heads {knobs.heads} and context {knobs.context} do not go together",
            remedy="train.width is a multiple of twice train.heads, and train.context one of 3, at least 12.",
        )
    return Shape(knobs.k, knobs.layers, knobs.width, knobs.heads, knobs.kmer_width)
