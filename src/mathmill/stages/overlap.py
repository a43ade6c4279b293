"""Shared runs of words between texts, exactly, one text at a time (`screen` asks first).

Why: contamination is told by runs of n words. The benchmark's runs lie in one table by
hash; a row's runs are hashed by Python's own tuples (`zip` of shifted word lists, all in C)
and looked up; a hit is compared word by word, so that no hash can accuse a row falsely.

Words, by `fold`: `words` are runs of letters or digits in lower case (Unicode NFKC), so that
punctuation and formatting do not hide a copy; `letters` are runs of letters only, so that
numbers do not either (TinyGSM); `none` is what stands between blanks, case kept (the Llemma
tool). In all of them each Chinese sign is a word of its own.
An item's text shorter than n words can have no n-gram: it counts where it stands whole, as
a run, in the row (8 words or more), or where it is the row's whole text (fewer than 8).

Used as: `overlap.add("gsm8k", "test.jsonl:3", question)`, `overlap.find(text)`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

SHORTEST, LONGEST = 8, 30
FOLDS = ("words", "letters", "none")

_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_LETTERS = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+")
_SPLIT = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")


def words_of(text: str, fold: str = "words") -> list[str]:
    """Return the words of a text (see the head of this file)."""
    if fold == "none":
        return text.split() if text.isascii() else _SPLIT.findall(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return (_LETTERS if fold == "letters" else _WORDS).findall(text.lower())


def _hashes(words: Sequence[str], n: int) -> Iterator[int]:
    """Yield the hash of each run of n words."""
    return map(hash, zip(*(words[start:] for start in range(n)), strict=False))


@dataclass(frozen=True, slots=True)
class Hit:
    """What a text shares with a benchmark."""

    suite: str
    "Name of the benchmark."
    place: str
    "Which of its items."
    kind: str
    "`ngram` or `whole text`."
    text: str
    "The shared words."


@dataclass
class Overlap:
    """The runs of words of all benchmark texts."""

    ngram: int
    "Words in a run, 8 to 30."
    fold: str = "words"
    "One of `FOLDS`: what a word is."
    _texts: list[tuple[str, str, list[str]]] = field(default_factory=list)
    _runs: dict[int, tuple[int, int]] = field(default_factory=dict)
    _short: dict[int, list[int]] = field(default_factory=dict)
    _tiny: dict[tuple[str, ...], int] = field(default_factory=dict)

    def add(self, suite: str, place: str, text: str, whole: bool = True) -> str:
        """Index one text of a benchmark; the first of equal runs is the one that is named.

        Returns how it can be found: by `runs`, as a `whole` text, or not at all (``).
        """
        words = words_of(text, self.fold)
        if not words or (len(words) < self.ngram and not whole):
            return ""
        number = len(self._texts)
        self._texts.append((suite, place, words))
        if len(words) >= self.ngram:
            for start, key in enumerate(_hashes(words, self.ngram)):
                self._runs.setdefault(key, (number, start))
            return "runs"
        if len(words) >= SHORTEST:
            self._short.setdefault(hash(tuple(words[:SHORTEST])), []).append(number)
        else:
            self._tiny.setdefault(tuple(words), number)
        return "whole"

    def indexed(self) -> tuple[list[list[str]], list[list[str]], bool]:
        """Return the words of texts found by runs, of those found whole, and if any is tiny."""
        runs = [words for *_, words in self._texts if len(words) >= self.ngram]
        short = [words for *_, words in self._texts if SHORTEST <= len(words) < self.ngram]
        return runs, short, bool(self._tiny)

    def find(self, text: str) -> Hit | None:
        """Return the first thing that a text shares with a benchmark, or None."""
        words = words_of(text, self.fold)
        if len(words) < SHORTEST:
            number = self._tiny.get(tuple(words))
            return None if number is None else self._hit(number, "whole text", words)
        return self._find_run(words) or self._find_short(words)

    def _find_run(self, words: list[str]) -> Hit | None:
        if self._runs.keys().isdisjoint(_hashes(words, self.ngram)):
            return None
        for start, key in enumerate(_hashes(words, self.ngram)):
            found = self._runs.get(key)
            if found is not None:
                number, at = found
                run = words[start:start + self.ngram]
                if self._texts[number][2][at:at + self.ngram] == run:
                    return self._hit(number, "ngram", run)
        return None

    def _find_short(self, words: list[str]) -> Hit | None:
        if self._short.keys().isdisjoint(_hashes(words, SHORTEST)):
            return None
        for start, key in enumerate(_hashes(words, SHORTEST)):
            for number in self._short.get(key, ()):
                item = self._texts[number][2]
                if words[start:start + len(item)] == item:
                    return self._hit(number, "whole text", item)
        return None

    def _hit(self, number: int, kind: str, words: Sequence[str]) -> Hit:
        suite, place, _ = self._texts[number]
        return Hit(suite, place, kind, " ".join(words))
