"""Hide one number of a question behind a letter: the root of MetaMath's backward questions.

Why: masking needs no teacher and must be the same on every machine; it is the one part of
FOBAR and self-verification that can be proved right. The rules are MetaMath's (papers of
the method: split on spaces, digit tokens and a few number words), made stricter in one
place: the token must *be* a number once the `$` before and the marks after it are put aside.

Used as: `masks("Tom has 5 pens and buys 3.", "en")` -> a `Mask` for 5 and one for 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "sixteen": "16", "half": "0.5", "fifth": "5",
}

_TOKEN = re.compile(r"\S+")
# An opening sign, the number, and marks that stay: `$1,200.` or `20%,` or `$5$`.
_DIGITS = re.compile(r"([$£€¥]?)((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"
                     r"(?:/[0-9]+(?:\.[0-9]+)?)?|\.[0-9]+)([%$.,;?!]*)")
_WORD = re.compile(r"([A-Za-z]+)([.,;?!]*)")
_CHINESE = re.compile(r"(?<![0-9A-Za-z.,/^_\\:：+*-])"
                      r"([0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?:/[0-9]+)?)"
                      r"(?![0-9A-Za-z/^_:：*])")
_SPLIT = re.compile(r"(?<=[.,;!?:])\s+|\n+")
_SPLIT_CHINESE = re.compile(r"(?<=[。，；！？])\s*|(?<=[,;!?])\s+|\n+")
_ASKS = re.compile(
    r"\b(?:how|what|which|who|when|where|find|calculate|compute|determine|evaluate|express"
    r"|is|are|does|do|did|will|can)\b|多少|几|什么|求|怎|哪|是否|吗|[?？]$", re.IGNORECASE)
_STRONG = re.compile(
    r"\b(?:how|what|what's|which|who|when|where|find|calculate|compute|determine|evaluate"
    r"|express)\b|多少|几|什么|求|怎|哪|是否|吗", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mask:
    """One number of a text that can be hidden."""

    start: int
    "Where the number starts in the text (after a `$`)."
    end: int
    "Where it ends (before punctuation or `%`)."
    gold: str
    "Its value as text: the digits without thousands commas, a word as its number."


def masks(text: str, language: str = "en") -> list[Mask]:
    """Return every number of `text` that can be hidden, in order.

    English is split on white space; a token counts if it is digits (with thousands commas,
    a decimal part or a fraction bar) or a number word. A token with a letter, colon,
    bracket, minus, plus, asterisk or quote in it does not. Chinese has no spaces: every run
    of digits counts that no letter or operator touches.
    """
    found: list[Mask] = []
    if language == "zh":
        return [Mask(hit.start(1), hit.end(1), hit.group(1).replace(",", ""))
                for hit in _CHINESE.finditer(text)]
    before = ""
    for token in _TOKEN.finditer(text):
        raw, start = token.group(), token.start()
        digits, word = _DIGITS.fullmatch(raw), _WORD.fullmatch(raw)
        if digits:
            found.append(Mask(start + digits.start(2), start + digits.end(2),
                              digits.group(2).replace(",", "")))
        elif word and word.group(1).lower() in WORDS:
            name = word.group(1).lower()
            # "a fifth of" is a share, "the fifth day" a place in a row.
            gold = "0.2" if name == "fifth" and before in {"a", "one"} else WORDS[name]
            found.append(Mask(start, start + word.end(1), gold))
        before = raw.lower()
    return found


def free_letter(text: str) -> str | None:
    """Return `x`, or `X` where `x` has a meaning already, or None where both have."""
    for letter in ("x", "X"):
        if not re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", text):
            return letter
    return None


def hide(text: str, mask: Mask, letter: str) -> str:
    """Return the text with the masked number replaced by the letter, all else kept."""
    return text[:mask.start] + letter + text[mask.end:]


def split_question(text: str, language: str = "en") -> tuple[str, str]:
    """Return (what is told, what is asked): cut after the last full stop or comma.

    MetaMath cuts at the very last mark. Here the cut moves back while what follows it asks
    nothing ("... sold in April, and May?"), for a teacher cannot turn a scrap into a
    statement. Where nothing can be cut off, what is told is empty.
    """
    text = text.strip()
    pattern = _SPLIT_CHINESE if language == "zh" else _SPLIT
    # A split at the very end would leave nothing asked.
    cuts = [hit for hit in pattern.finditer(text) if hit.end() < len(text)]
    for asks in (_STRONG, _ASKS):
        for hit in reversed(cuts):
            if asks.search(text[hit.end():]):
                return text[:hit.start()].rstrip(), text[hit.end():].lstrip()
        if asks.search(text):
            break
    return "", text
