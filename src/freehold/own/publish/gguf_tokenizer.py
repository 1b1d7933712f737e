"""A byte-level BPE tokenizer and a chat template, as a GGUF file tells them to llama.cpp."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, SpecialVocab, TokenType
from tokenizers import Tokenizer

from freehold.vocabulary.errors import BadRequest

REMEDY = 'It can be served as it is: engine = "transformers" in [publish].'
_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CLITICS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
_LLAMA_3, _QWEN_2 = _CLITICS + _WORDS % r"\p{N}{1,3}", _CLITICS + _WORDS % r"\p{N}"
# How a tokenizer splits words -> llama.cpp's name of it (LLAMA_VOCAB_PRE_TYPE in its src/llama-vocab.cpp).
_SPLITS = {_LLAMA_3: "llama-bpe", _QWEN_2: "qwen2"}


def add_tokenizer(writer: GGUFWriter, folder: Path, rows: int) -> None:
    """Add it, with as many tokens as the model has rows. Raises BadRequest where llama.cpp would read otherwise."""
    split = _split(json.loads((folder / "tokenizer.json").read_bytes()))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    words = {number: word for word, number in tokenizer.get_vocab(with_added_tokens=True).items()}
    added = {number: token.special for number, token in tokenizer.get_added_tokens_decoder().items()}
    writer.add_token_list([words.get(number, f"[PAD{number}]") for number in range(rows)])
    writer.add_token_types([_type(number, words, added) for number in range(rows)])
    special = SpecialVocab(folder, load_merges=True, n_vocab=rows)
    begins = tokenizer.encode("a").ids[:1]
    special.add_special_token["bos"] = begins == [special.special_token_ids.get("bos")]
    special.add_to_gguf(writer, quiet=True)


def _type(number: int, words: Mapping[int, str], added: Mapping[int, bool]) -> TokenType:
    if number not in words:
        return TokenType.UNUSED
    if number not in added:
        return TokenType.NORMAL
    return TokenType.CONTROL if added[number] else TokenType.USER_DEFINED


def _split(told: Mapping[str, Any]) -> str:
    """llama.cpp's name of how this tokenizer splits words."""
    model, first = told["model"], told.get("pre_tokenizer") or {}
    steps = first.get("pretokenizers", [first])
    found = None
    if model["type"] == "BPE" and not any(step.get("add_prefix_space") for step in steps):
        match steps:
            case [{"type": "ByteLevel", "use_regex": True}]:
                found = "gpt-2"
            case [
                {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "use_regex": False},
            ]:
                found = _SPLITS.get(pattern)
    if found is None or model.get("ignore_merges", False) != (found == "llama-bpe"):
        raise BadRequest("llama.cpp would split words unlike its tokenizer", remedy=REMEDY)
    if told.get("normalizer") not in (None, {"type": "NFC"}):
        raise BadRequest("llama.cpp would not normalise text as its tokenizer does", remedy=REMEDY)
    return found
