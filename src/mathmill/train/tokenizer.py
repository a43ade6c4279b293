"""The embedded tokenizer: byte-level BPE that can write any text, every digit apart.

Why: the embedded student has about a million weights, so its vocabulary must be small; yet it
must read any question a user brings. Pieces start from the 256 bytes, so nothing is ever
unknown and decoding gives back exactly the text that came in. A digit is never merged with
its neighbours (sums are learned digit by digit), and each fixed piece of the prompt form is
one token, so that the form costs two tokens instead of fifty.

Used as: `tokenizer = train_tokenizer(texts, 1400)`, `open_tokenizer(folder)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mathmill.decoding.template import FIXED_PIECES, chat_template
from mathmill.errors import MissingExtra

END = "<|end|>"
PAD = "<|pad|>"

# What may merge: a numeral with its space (alone), a contraction's tail, a word with its
# space, line breaks, punctuation with its space, other white space.
PIECES = r" ?\p{N}|'\p{L}+| ?[\p{L}\p{M}]+|\n+| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s"


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """Learn the merges from texts; return a transformers tokenizer with the chat template.

    `vocabulary` counts everything: 256 bytes, end, padding, the fixed pieces, the merges.
    Raises MissingExtra without `tokenizers` and `transformers`.
    """
    try:
        from tokenizers import AddedToken, Regex, Tokenizer, decoders, models
        from tokenizers import pre_tokenizers as before
        from tokenizers.trainers import BpeTrainer
    except ImportError as error:
        raise MissingExtra("tokenizers", "train") from error
    if vocabulary < 300:
        raise ValueError(f"a vocabulary of {vocabulary} leaves no room above the 256 bytes")
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = before.Sequence([
        before.Split(Regex(PIECES), behavior="isolated"),
        before.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(texts, BpeTrainer(
        vocab_size=vocabulary - len(FIXED_PIECES), special_tokens=[END, PAD],
        initial_alphabet=before.ByteLevel.alphabet(), show_progress=False))
    core.add_tokens([AddedToken(piece, normalized=False, special=False)
                     for piece in FIXED_PIECES])
    return wrap(core)


def wrap(core: Any) -> Any:
    """Return a transformers tokenizer around a `tokenizers.Tokenizer` of ours."""
    try:
        from transformers import PreTrainedTokenizerFast
    except ImportError as error:
        raise MissingExtra("transformers", "train") from error
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core, eos_token=END, pad_token=PAD,
        clean_up_tokenization_spaces=False, model_max_length=1024)
    tokenizer.chat_template = chat_template()
    return tokenizer


def open_tokenizer(folder: Path) -> Any:
    """Load a tokenizer that was saved into a folder; code in the folder is never run."""
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise MissingExtra("transformers", "train") from error
    return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False,
                                         local_files_only=True)
