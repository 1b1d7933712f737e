"""An own model that is asked where it lies, before anything serves it: the likeliest word each time, on this machine.

Does not do: tools, sampling, seeds. It answers as it will once it is served, by the same template.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

import torch

from freehold.config import clock
from freehold.own.train.checkpoints import load, load_tokenizer
from freehold.vocabulary.probe import Question, Reply

TOKENS_MAX = 256  # of an answer, where a question does not say


class Speaker:
    """A `Call` that asks a checkpoint in Hugging Face's form; one question at a time."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer: Any = load_tokenizer(folder)
        self._model: Any = load(folder, "auto")
        self._model.eval()
        self._alone = asyncio.Lock()

    async def __call__(self, name: str, question: Question, /) -> Reply:
        """Ask, and wait for the whole answer."""
        at_ms, began = clock.now_ms(), time.monotonic()
        async with self._alone:
            text = await asyncio.to_thread(self._said, question)
        return Reply(text, at_ms, int((time.monotonic() - began) * 1e6), 200, endpoint=name)

    @torch.inference_mode()
    def _said(self, question: Question) -> str:
        tokens = self._asked(question)
        given = int(tokens["input_ids"].shape[1])
        context = getattr(self._model.config, "max_position_embeddings", 0) or given + TOKENS_MAX
        room = min(question.max_tokens or TOKENS_MAX, int(context) - given)
        if room < 1:
            return ""
        said = self._model.generate(
            **tokens,
            max_new_tokens=room,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id or 0,
        )
        return str(self._tokenizer.decode(said[0, given:], skip_special_tokens=True))

    def _asked(self, question: Question) -> Any:
        """By the checkpoint's chat template; without one, the words of the turns one after the other."""
        turns = [{"role": "system", "content": question.system}] if question.system else []
        turns += [{"role": turn.role, "content": turn.text} for turn in question.turns]
        if self._tokenizer.chat_template is None:
            text = "\n\n".join(turn["content"] for turn in turns)
            return self._tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        return self._tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
