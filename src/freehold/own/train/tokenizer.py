"""A tokenizer of a corpus's own: pairs of bytes that stand together often are joined (byte-level BPE, as in GPT-2).

Any text can be told, as single bytes where nothing else fits. One token, END, stands before and after each document.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from freehold.ledger.durable import replace

FILE, CONFIG = "tokenizer.json", "tokenizer_config.json"
END = "<|end|>"
# There are no roles in documents: what is asked is gone on with, as it stands.
CHAT = "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}"


def learn(texts: Iterable[str], vocabulary: int, special: Sequence[str] = (END,)) -> Tokenizer:
    """The tokenizer of these texts, of at most so many tokens: 256 bytes, special ones, and what is joined."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    found.train_from_iterator(texts, trainer)
    found.encode_special_tokens = True  # a document that holds the word itself ends nothing
    return found


def end_of(tokenizer: Tokenizer) -> int:
    """The token that stands before and after each document."""
    found: int = tokenizer.get_vocab()[END]
    return found


def save(folder: Path, tokenizer: Tokenizer, context: int) -> None:
    """Write it as transformers does: text that is asked about begins a document."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", pair=f"{END} $A $B", special_tokens=[(END, end_of(tokenizer))]
    )
    replace(folder / FILE, copy.to_str(pretty=True).encode())
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "pad_token": END,
        "model_max_length": context,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT,
    }
    replace(folder / CONFIG, msgspec.json.format(msgspec.json.encode(about), indent=1) + b"\n")


def load(folder: Path) -> Tokenizer:
    """The tokenizer in a folder that `save` wrote."""
    found = Tokenizer.from_file(str(folder / FILE))
    found.encode_special_tokens = True
    return found
