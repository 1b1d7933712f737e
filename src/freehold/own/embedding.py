"""Vectors of texts, by a language model: the mean of its last hidden states, over all tokens of a text.

Read from the published safetensors in float32, on the processor: a GPU is left to the engine that chats.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from freehold.dialects.embeddings import Embedded
from freehold.own.artefact import read as read_artefact
from freehold.vocabulary.errors import BadRequest

TOKENS_MAX = 100_000  # of one request: of more its caller would not hear in time


class Texts:
    """A language model that is asked for vectors. It holds no state: any number of threads may ask it."""

    def __init__(self, folder: Path) -> None:
        self._artefact = read_artefact(folder)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        self._model.eval()

    def embed(self, inputs: Sequence[object]) -> Embedded:
        """One vector for each text. Raises BadRequest for what is none, or longer than the model reads."""
        tokens = [self._tokens(at, text) for at, text in enumerate(inputs)]
        total = sum(map(len, tokens))
        if total > TOKENS_MAX:
            raise BadRequest(
                f"{total:,} tokens are more than {TOKENS_MAX:,}", remedy="Ask in several requests."
            )
        return Embedded([self._vector(one) for one in tokens], self._artefact.name, total)

    def _tokens(self, at: int, text: object) -> list[int]:
        if not isinstance(text, str):
            raise BadRequest(f"inputs[{at}] is no text", remedy="Send texts.")
        found: list[int] = self._tokenizer(text)["input_ids"]
        if not found:
            raise BadRequest(f"inputs[{at}] is empty", remedy="Leave it out.")
        if len(found) > (self._artefact.context or len(found)):
            raise BadRequest(
                f"inputs[{at}] has {len(found):,} tokens, and {self._artefact.name} reads {self._artefact.context:,}",
                remedy="Send it in parts.",
            )
        return found

    @torch.inference_mode()
    def _vector(self, tokens: list[int]) -> list[float]:
        """Alone, since what stands beside it must change nothing."""
        states = self._model(input_ids=torch.tensor([tokens])).last_hidden_state
        found: list[float] = states[0].mean(0).tolist()
        return found
