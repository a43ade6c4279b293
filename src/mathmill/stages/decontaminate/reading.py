"""What a question states, as numbers in arrays: its content words and its numbers, in order.

Why: a rephrased question shares no long run of words with its source, but the things, the
people and the numbers are the same, mostly in the same order. A word is known by its first
five letters, so that `cultivates` and `cultivated` are one; words that every question has
(how, many, each) count for nothing. Chinese is read by pairs of signs, and by the words of a
small glossary, which stand for their English ones.

Words and numbers that no benchmark item states get a number too, by hash, so that a row of
them is told as unlike; nothing grows with the rows that pass.

Used as: `reader = Reader()`; `reader.read(items)`, then `reader.close()`, then
`read = reader.read(rows)`; `read.words`, `read.numbers`.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.decontaminate import numerals
from mathmill.stages.decontaminate.glossary import LONGEST_ENTRY, glossary

Ints = NDArray[np.int64]

STEM = 5  # letters of a word that count: 4 and 3 find as many, 5 confuses the fewest words
STRANGE = 1 << 20  # numbers shared by the words that no benchmark has
CACHE = 500_000  # spellings that are remembered: 60 MB
LONGEST = 20_000  # characters of a question that are read

_TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:/\d+)?|\.\d+"
                    r"|[\u3400-\u9fff]+|[^\W\d_\u3400-\u9fff]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}")
_VULGAR = re.compile("[\u00bc-\u00be\u2150-\u215e]")  # 2½ is 2 and 1/2, not 21/2
_MIXED = re.compile(r"\b(\d{1,9})[ -](\d{1,9})/([1-9]\d{0,8})\b")
_STOPPING = (
    "a an the of to in on at for and or is are was were be been being by with from as it its that "
    "this these those he she they his her hers him their them i you we my your our how many much "
    "what if then than each every per all so but not no do does did done has have had having will "
    "would can could there who which when where some any more most total number amount after "
    "before also only st nd rd th ths s t d m ll re ve dollar dollars")
_STOP = frozenset(_STOPPING.split())
_SMALL = frozenset(word for word, value in numerals.WORDS.items()
                   if value.isdecimal() and int(value) < 20)
_MOST = Fraction(10**numerals.LONGEST)
_SPECIAL, _STOPPED = -2, -1


@dataclass(frozen=True, slots=True)
class Read:
    """The words and numbers of some questions."""

    words: Ints
    "Word of each token that is one, all questions one after another."
    word_rows: Ints
    "Which question each stands in."
    numbers: Ints
    "Number of each token that is one, in order."
    number_rows: Ints
    "Which question each stands in."
    chinese: NDArray[np.bool_]
    "Which questions are in Chinese."


class _Codes(dict[str, int]):
    """What each spelling is: twice its word's number, or that of its value plus one half."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader

    def __missing__(self, token: str) -> int:
        if len(self) >= CACHE:
            self.clear()
        code = self[token] = self._reader.code(token)
        return code


class Reader:
    """Turns questions into numbers; the benchmark's first, then any."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._words: dict[str, int] = {}
        self._values: dict[str, int] = {}
        self._open = True
        self._codes = _Codes(self)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many words and numbers the benchmark has; beyond these are strangers."""
        return len(self._words), len(self._values)

    def close(self) -> None:
        """End the benchmark: what is met from now on is known, or a stranger."""
        self._open = False
        self._codes.clear()

    def read(self, questions: Sequence[str]) -> Read:
        """Return what questions state; None counts as empty."""
        codes: list[int] = []
        ends: list[int] = []
        table = self._codes
        chinese = np.zeros(len(questions), np.bool_)
        for place, question in enumerate(questions):
            text = plain(question)
            own = [table[token] for token in _TOKEN.findall(text)]
            if _SPECIAL in own:
                chinese[place] = _CHINESE.search(text) is not None
                own = self._slowly(text, bool(chinese[place]))
            codes += own
            ends.append(len(codes))
        flat = np.fromiter(codes, np.int64, len(codes))
        rows = np.repeat(np.arange(len(questions)), np.diff([0, *ends]))
        are = flat >= 0
        word, number = are & (flat & 1 == 0), are & (flat & 1 == 1)
        return Read(flat[word] >> 1, rows[word], flat[number] >> 1, rows[number], chinese)

    def code(self, token: str) -> int:
        """Return what a spelling is, or that it must be read with its neighbours."""
        first = token[0]
        if first.isdecimal() or first == ".":
            return self._value(numerals.value_of(token))
        if token in numerals.SCALES or token in numerals.TENS or first >= "\u3400":
            if first > "\u9fff":  # letters of some other script
                return self._word(token[:STEM])
            return _SPECIAL
        if token in numerals.WORDS:
            return self._value(numerals.WORDS[token])
        return _STOPPED if token in _STOP else self._word(token[:STEM])

    def _word(self, key: str) -> int:
        return 2 * self._known(self._words, key)

    def _value(self, key: str) -> int:
        return 2 * self._known(self._values, key) + 1

    def _known(self, table: dict[str, int], key: str) -> int:
        if self._open:
            return table.setdefault(key, len(table))
        found = table.get(key)
        return found if found is not None else (
            len(table) + zlib.crc32(key.encode("utf-8", "replace")) % STRANGE)

    def _slowly(self, text: str, chinese: bool) -> list[int]:
        """Return the codes of a text with large numbers in words, or in Chinese."""
        if chinese:
            return self._chinese(text)
        found: list[int] = []
        held: Fraction | None = None  # a number that may go on: twenty, two hundred, 1.5
        told = False  # in words, so that more may be added: 205, but not 1080 and one
        for token in _TOKEN.findall(text):
            ten, scale = numerals.TENS.get(token), numerals.SCALES.get(token)
            small = int(numerals.WORDS[token]) if token in _SMALL else None
            if held is None:
                tail = None
            elif scale is not None:
                held, told = min(held * scale, _MOST), True
                continue
            else:  # two hundred and five, twenty-five
                tail = ten if ten is not None and not held % 100 else (
                    small if small and not held % 10 else None)
                if tail is not None and held and told:
                    held += tail
                    continue
                if token == "and":
                    continue
                found.append(self._value(str(held)))
                held = None
            if ten is not None or scale is not None or small is not None:
                held, told = Fraction(ten or scale or small or 0), True
            elif token[0].isdecimal() or token[0] == ".":
                try:
                    held, told = Fraction(numerals.value_of(token)), False
                except (ValueError, ZeroDivisionError):
                    found.append(self._codes[token])
            elif token != "and":
                found.append(self._codes[token])
        return found + ([self._value(str(held))] if held is not None else [])

    def _chinese(self, text: str) -> list[int]:
        """Return the codes of a text with Chinese signs."""
        found, start = [], 0
        for number in numerals.CHINESE.finditer(text):
            found += self._signs(text[start:number.start()])
            found.append(self._value(numerals.chinese_value(number)))
            start = number.end()
        return found + self._signs(text[start:])

    def _signs(self, text: str) -> list[int]:
        """Return the codes of words: the glossary's, pairs of signs, and letters between them."""
        found: list[int] = []
        entries = glossary()
        for token in _TOKEN.findall(text):
            if not "\u3400" <= token[0] <= "\u9fff":
                code = self._codes[token]
                found += [code] if code != _SPECIAL else []
                continue
            found += [self._word(a + b) for a, b in pairwise(token)]
            at = 0
            while at < len(token):
                size = next((size for size in range(min(LONGEST_ENTRY, len(token) - at), 0, -1)
                             if token[at:at + size] in entries), 0)
                for word in entries[token[at:at + size]] if size else ():
                    found.append(self.code(word))
                at += size or 1
        return found


def is_chinese(question: str) -> bool:
    """Tell whether a question has Chinese signs."""
    return _CHINESE.search(question[:LONGEST]) is not None


def plain(question: str | None) -> str:
    """Return a question in one form: NFKC, lower case, fractions as `1/2`."""
    text = (question or "")[:LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _VULGAR.sub(r" \g<0>", text)).replace("\u2044", "/")
    text = text.lower()
    if "frac" in text:
        text = _FRACTION.sub(r" \1/\2 ", text)
    if "/" in text:
        text = _MIXED.sub(_whole, text)
    return text


def _whole(found: re.Match[str]) -> str:
    """Return `2 1/2` as one fraction."""
    whole, over, under = map(int, found.groups())
    return f"{whole * under + over}/{under}" if over < under else found[0]
