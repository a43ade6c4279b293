"""The words of many texts at once, as 64-bit numbers in arrays: ten times Python's own speed.

Why: comparing 12 million rows with a benchmark, or with each other, is a question about
words; splitting one text in Python takes 20 us, and no scheme on top of that is quick. Here
a batch of texts is one array of bytes: a table turns it into lower-case words and blanks,
edges are found by comparing neighbours, and each word's bytes are mixed into one number.

The words are those of `overlap.words_of`, to the letter: a text that is not ASCII is split
there and handed on.

Used as: `words = words_of_all(column, "words")`; `row_digests(questions, solutions)`;
`shingles(signed_words(column), 5)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.overlap import words_of

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[np.uint64]
Sliced = TypeVar("Sliced", "pa.Array", "pa.RecordBatch")
Places = NDArray[np.int64]

TILE = 1 << 18  # bytes of text at a time: its arrays of words stay in the second cache
OPERATORS = b"+-*/=<>^%"
SIGNS = OPERATORS + b".,()"  # what tells 5 + 3 from 5 - 3, 1.5 from 15, (3 + 4) * 2 from 3 + 4 * 2
_END = b"\xff"
_NO_SIGN = bytes(set(range(0xFF)) - set(SIGNS))  # all bytes but the signs, and that end
_LONG = 64  # bytes of a word that are mixed in eights; the rest, rare, by BLAKE2b
_PAD = bytes(_LONG + 8)
_BLANK, _WORD, _ASCII = 0x20, 0x21, 0x7F  # a word's bytes are above a blank
_NOTHING = bytes(16)
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(8)] + [(1 << 64) - 1], np.uint64)
_ODD = [np.uint64(n) for n in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15,
                               0xD6E8FEB86659FD93)]
_HALF, _THIRD = np.uint64(32), np.uint64(29)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some texts."""

    hashes: Array
    "A number for each word, all texts one after another; equal words have equal numbers."
    bounds: Places
    "Where each text's words begin, and the end: one more than there are texts."


def words_of_all(texts: pa.Array, fold: str = "words") -> Words:
    """Return the words of an Arrow array of strings (null: no word), as `overlap.words_of`."""
    data, offsets = _bytes_of(_split_by_hand(
        texts, lambda text: " ".join(words_of(text, fold))))
    return _words(data.translate(_table(fold)), offsets)


def signed_words(texts: pa.Array) -> Words:
    """Return the words of texts, one told from another by the operators right before it too.

    5 + 3 and 5 - 3 have another second word each, 5 + 3 and 5+3 have the same.
    """
    data, offsets = _bytes_of(_split_by_hand(texts, _words_among_operators))
    plain = data.translate(_table("words"))
    starts, ends = _edges(plain, offsets)
    hashes, bounds = _hashed(plain, starts, ends - starts), np.searchsorted(starts, offsets)
    signs = np.frombuffer(data.translate(_sign_table(OPERATORS)), np.uint8)
    at = np.flatnonzero(signs)
    word, text = np.searchsorted(starts, at), np.searchsorted(offsets, at, side="right") - 1
    leads = word < bounds[text + 1]
    np.add.at(hashes, word[leads], _mixed(signs[at[leads]].astype(np.uint64) * _ODD[2]))
    return Words(hashes, bounds)


def words_of_lists(texts: Sequence[Sequence[str]]) -> Words:
    """Return the words of texts that are split and folded already."""
    data = [" ".join(words).encode("utf-8", "replace") for words in texts]
    return _words(b"".join(data), np.cumsum([0, *map(len, data)], dtype=np.int64))


def row_digests(*texts: pa.Array) -> Array:
    """Return 128 bits over each row's words and, apart from them, its signs of maths.

    `texts`: columns that make a row's text together. Shape (rows, 2). Rows that differ only in
    case, white space and other punctuation have equal digests; one without words and signs, or
    with a null, has two zeros.
    """
    import pyarrow.compute as pc

    data = _ended(texts)
    if np.count_nonzero(np.frombuffer(data, np.uint8) > _ASCII) > len(texts[0]):
        whole = pc.binary_join_element_wise(*texts, "\n")
        data = _ended([_split_by_hand(whole, _words_then_signs)])
    plain = np.frombuffer(data.translate(_table("words")), np.uint8)
    stays = plain != _BLANK
    stays[1:] |= plain[:-1] - _WORD < _END[0] - _WORD  # of the blanks after a word one
    words, signs = plain[stays], data.translate(None, _NO_SIGN).split(_END)
    ends = np.flatnonzero(words == _END[0]).tolist()
    view, found = memoryview(words), []  # sliced: `split` compares byte by byte
    for start, end, own in zip([-1, *ends], ends, signs, strict=False):
        digest = blake2b(view[start + 1:end], digest_size=16)
        digest.update(own)
        found.append(digest.digest() if own or end > start + 1 else _NOTHING)
    return np.frombuffer(b"".join(found), np.uint64).reshape(-1, 2)


def _ended(texts: Sequence[pa.Array]) -> bytes:
    """Return rows one after another, each with a blank behind it and a byte that no UTF-8 has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pc.binary_join_element_wise(*(text.cast(pa.binary()) for text in texts), _END, b"\n")
    return _bytes_of(pc.fill_null(rows, b"\n" + _END))[0]


def runs(words: Words, n: int) -> Array:
    """Return a number for each run of n words, by its first word; runs may span two texts."""
    hashes = words.hashes
    if len(hashes) < n:
        return np.zeros(0, np.uint64)
    total, inverse = _totals(hashes)
    found: Array = (total[n:] - total[:-n]) * inverse[:len(hashes) - n + 1]
    found ^= found >> _HALF  # the low bits of the sums are poor
    return found * _ODD[0]


def shingles(words: Words, n: int) -> Words:
    """Return the runs of n words inside each text; the whole of a text that is shorter is one.

    `bounds` say where each text's runs begin. A text without words has none. A run that comes
    twice in a text stands twice.
    """
    count, bounds = len(words.hashes), words.bounds
    found, sizes, inside = np.zeros(count, np.uint64), np.diff(bounds), np.ones(count, np.bool_)
    whole = runs(words, n)
    found[:len(whole)] = whole
    short = np.flatnonzero((sizes > 0) & (sizes < n))
    if len(short):
        found[bounds[short]] = whole_digests(words)[short]
    for back in range(1, n):  # a text's last words begin no run, but the first always does
        inside[bounds[1:][sizes > back] - back] = False
    return Words(found[inside], np.concatenate([[0], np.cumsum(np.where(
        sizes < n, sizes > 0, sizes - n + 1))]))


def whole_digests(words: Words) -> Array:
    """Return 64 bits over each text's words in their order; 0 for a text without any."""
    sizes, first = np.diff(words.bounds), words.bounds[:-1]
    total, inverse = _totals(words.hashes)
    found = _mixed(np.diff(total[words.bounds]) * inverse[first]
                   + sizes.astype(np.uint64) * _ODD[3])
    found |= np.uint64(1)
    found[sizes == 0] = 0
    return found


def tiles(texts: Sliced, size: int = TILE) -> list[tuple[int, Sliced]]:
    """Return texts, or columns of them, in slices of about `size` bytes, each with its place."""
    step = max(1, min(len(texts), size * len(texts) // max(1, texts.nbytes)))
    return [(start, texts.slice(start, step)) for start in range(0, len(texts), step)]


def _bytes_of(texts: pa.Array) -> tuple[bytes, Places]:
    """Return the bytes of texts without nulls, and where each begins."""
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int32, len(texts) + 1, 4 * texts.offset).astype(np.int64)
    if data is None:
        return b"", places * 0
    return data[int(places[0]):int(places[-1])].to_pybytes(), places - places[0]


def _split_by_hand(texts: pa.Array, plain: Callable[[str], str]) -> pa.Array:
    """Return the array with texts that are not ASCII as `plain` writes them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if texts.null_count:
        texts = pc.fill_null(texts, "")
    odd = pc.invert(pc.string_is_ascii(texts))
    if not pc.any(odd).as_py():
        return texts
    split = pa.array(map(plain, texts.filter(odd).to_pylist()), texts.type)
    return pc.replace_with_mask(texts, odd, split)


def _words_then_signs(text: str) -> str:
    return f"{' '.join(words_of(text))}\n{''.join(c for c in text if c in _SIGN_TEXT)}"


def _words_among_operators(text: str) -> str:
    return " ".join(part if part in _OPERATOR_TEXT else " ".join(words_of(part))
                    for part in _BY_OPERATOR.split(text))


_SIGN_TEXT, _OPERATOR_TEXT = SIGNS.decode(), OPERATORS.decode()
_BY_OPERATOR = re.compile(f"([{re.escape(_OPERATOR_TEXT)}])")


def _words(data: bytes, offsets: Places) -> Words:
    """Return the words of texts that lie one after another, blanks between words."""
    starts, ends = _edges(data, offsets)
    return Words(_hashed(data, starts, ends - starts), np.searchsorted(starts, offsets))


def _edges(data: bytes, offsets: Places) -> tuple[Places, Places]:
    """Return where words begin, and end."""
    if not data:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    inside = np.frombuffer(data, np.uint8) != _BLANK
    before = np.empty_like(inside)
    before[0], before[1:] = False, inside[:-1]
    before[offsets[:-1][offsets[:-1] < len(data)]] = False  # no word spans two texts
    starts = np.flatnonzero(inside > before)
    after = np.empty_like(inside)
    after[-1], after[:-1] = False, inside[1:]
    last = offsets[1:] - 1
    after[last[last >= 0]] = False
    return starts, np.flatnonzero(inside > after) + 1


def _hashed(data: bytes, starts: Places, lengths: Places) -> Array:
    """Return a number for each word, over all its bytes."""
    padded = data + _PAD
    eights: Array = np.ndarray((len(data) + _LONG,), np.dtype("<u8"), padded, strides=(1,))
    found = _mixed((eights[starts] & _MASKS[np.minimum(lengths, 8)])
                   + lengths.astype(np.uint64) * _ODD[2])
    rest = np.flatnonzero(lengths > 8)
    for at in range(8, _LONG, 8):
        if not len(rest):
            return found
        more = eights[starts[rest] + at] & _MASKS[np.minimum(lengths[rest] - at, 8)]
        found[rest] = _mixed(found[rest] * _ODD[3] + more)
        rest = rest[lengths[rest] > at + 8]
    for word in rest:
        start = int(starts[word])
        tail = blake2b(data[start + _LONG:start + int(lengths[word])], digest_size=8)
        found[word] ^= np.uint64(int.from_bytes(tail.digest(), "little"))
    return found


def _mixed(numbers: Array) -> Array:
    """Return numbers whose every bit depends on every bit (SplitMix64's finish)."""
    numbers = (numbers ^ (numbers >> _HALF)) * _ODD[0]
    numbers = (numbers ^ (numbers >> _THIRD)) * _ODD[1]
    mixed: Array = numbers ^ (numbers >> _HALF)
    return mixed


def _totals(hashes: Array) -> tuple[Array, Array]:
    """Return sums of numbers, each times a power by its place, and the powers' inverses."""
    power, inverse = _power_table(1 << max(16, len(hashes).bit_length()))
    total = np.zeros(len(hashes) + 1, np.uint64)
    np.cumsum(hashes * power[:len(hashes)], out=total[1:])
    return total, inverse


@cache
def _power_table(size: int) -> tuple[Array, Array]:
    base = int(_ODD[2])
    tables = []
    for number in (base, pow(base, -1, 1 << 64)):
        steps = np.full(size, number, np.uint64)
        steps[0] = 1
        tables.append(np.multiply.accumulate(steps))
    return tables[0], tables[1]


@cache
def _table(fold: str) -> bytes:
    """Return what becomes of each byte: a word's sign in its folded case, or a blank.

    Bytes beyond ASCII stand in texts that were split by hand only.
    """
    def place(byte: int) -> int:
        sign = chr(byte)
        if byte >= 0x80:
            return byte
        if fold == "none":
            return _BLANK if sign.isspace() else byte
        keeps = sign.isalpha() if fold == "letters" else sign.isalnum()
        return ord(sign.lower()) if keeps else _BLANK

    return bytes(place(byte) for byte in range(256))


@cache
def _sign_table(signs: bytes) -> bytes:
    return bytes(byte if byte in signs else 0 for byte in range(256))
