"""Mistral's tokenizer, cut down to the pieces that some texts need, from its SentencePiece file.

Why: a model of a million weights cannot carry 32,000 pieces, and a benchmark on real texts should
read them as a real model does. No package that reads the file is needed: it is one message of
protocol buffers, and its pieces stand in the order of their merges.

Used as: `tokenizer = mistral(Path("mistral-7b-v0.1.tokenizer.model"), rows)`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

Row = tuple[str, str]


def mistral(path: Path, rows: Sequence[Row]) -> Any:
    """Return the tokenizer in a SentencePiece file (byte-pair encoding) as transformers has it.

    Of its 32,000 pieces those remain that the rows are made of, in order or shuffled, and what
    these are put together from, so that the rows fall into the very same pieces: the others would
    only make the model slow.
    """
    from mathmill.decoding.forms import prompt

    pieces = [dict(fields(piece)) for number, piece in fields(path.read_bytes()) if number == 1]
    names = [piece[1].decode() for piece in pieces]
    whole, places = wrapped(byte_pairs(names)), {name: at for at, name in enumerate(names)}
    texts = [text for asked, solved in rows for text in (prompt(whole, asked), solved)]
    texts += [" ".join(text.split()) for text in texts]
    coded = [each.tokens for each in whole.backend_tokenizer.encode_batch(texts)]
    kept = {*names[:259]}  # unknown, begin, end, and all bytes
    for piece in {piece for row in coded for piece in row} - kept:
        kept |= within(piece, places)
    made = wrapped(byte_pairs([name for name in names if name in kept]))
    again = made.backend_tokenizer.encode_batch(texts)
    assert [each.tokens for each in again] == coded, "a text falls into other pieces"
    return made


def wrapped(core: Any) -> Any:
    """Return an encoding as transformers wants it, with the template of the prompts."""
    from transformers import PreTrainedTokenizerFast

    from mathmill.decoding.template import chat_template

    made = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", bos_token="<s>",
                                   eos_token="</s>", pad_token="<unk>")
    made.chat_template = chat_template()
    return made


def byte_pairs(names: Sequence[str]) -> Any:
    """Return the byte-pair encoding of pieces that stand in the order of their merges."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    places = {name: place for place, name in enumerate(names)}
    pairs = sorted((place, places[name[:cut]], places[name[cut:]])
                   for place, name in enumerate(names) for cut in range(1, len(name))
                   if name[:cut] in places and name[cut:] in places)
    core = Tokenizer(models.BPE(places, [(names[left], names[right]) for _, left, right in pairs],
                                unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    core.normalizer = normalizers.Sequence([normalizers.Prepend("▁"),
                                            normalizers.Replace(" ", "▁")])
    core.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                      decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return core


def within(piece: str, places: Mapping[str, int]) -> set[str]:
    """Return a piece with all that it is put together from, letter by letter."""
    parts, met = list(piece), {*piece, piece}
    while len(parts) > 1:
        ranks = [places.get(left + right, len(places))
                 for left, right in pairwise(parts)]
        at = ranks.index(min(ranks))
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
        met.add(parts[at])
    return met


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field of a protocol-buffer message."""
    place = 0
    while place < len(message):
        key, place = number(message, place)
        if key & 7 == 2:
            size, place = number(message, place)
            value: Any = message[place:place + size]
            place += size
        elif key & 7 == 0:
            value, place = number(message, place)
        else:
            size = 4 if key & 7 == 5 else 8
            (value,) = struct.unpack("<f" if size == 4 else "<d", message[place:place + size])
            place += size
        yield key >> 3, value


def number(message: bytes, place: int) -> tuple[int, int]:
    """Return a number of variable length and the place behind it."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
