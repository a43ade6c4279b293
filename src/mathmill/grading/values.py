r"""Read a tidied answer as an exact value: a number, a group of values, words, or nothing.

Why: what can be read exactly can be compared exactly, in microseconds, with no algebra
system and no evaluator near a text that a model wrote. What cannot be read is None, and
the comparison says `undecided` rather than guess.

Used as: `read(tidy(r"\frac{3}{4}"), TOLERANT)` -> `Number(Fraction(3, 4), ...)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mathmill.grading.normal import SET_CLOSE, SET_OPEN
from mathmill.grading.numbers import (
    Number,
    has_number_words,
    read_measured,
    read_number,
    starts_like_a_number,
)
from mathmill.grading.policy import Policy

DEPTH = 6  # brackets within brackets


@dataclass(frozen=True, slots=True)
class Group:
    """Values in brackets or in a bare list."""

    open: str
    "`(`, `[`, the set brace, empty for a bare list, `:` for a ratio, `cup` for a union."
    close: str
    "The bracket that closes it."
    items: tuple[Value, ...]
    "The elements in the order written."


@dataclass(frozen=True, slots=True)
class Words:
    """Plain words: a name, `odd`, a choice's letter, a sign like infinity."""

    text: str
    "The words, case folded where the policy says so."


Value = Number | Group | Words

_WORDS = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+){0,15}")
_SIGNS = {"\\infty": "∞", "+\\infty": "∞", "-\\infty": "-∞", "infinity": "∞",
          "-infinity": "-∞", "\\emptyset": "∅", "\\varnothing": "∅"}
_CLOSING = {"(": ")", "[": "]", SET_OPEN: SET_CLOSE, "{": "}"}


def read(text: str, policy: Policy, depth: int = 0) -> Value | None:
    """Return the exact value that a tidied text writes, or None where it cannot be read.

    Bounded: at most `DIGITS` digits a number, exponents and powers to match, `DEPTH`
    brackets deep. Never raises.
    """
    text = text.strip(" ;:")
    if not text or depth > DEPTH:
        return None
    number = read_number(text)
    if number is not None:
        return number
    if text in _SIGNS:
        return Words(_SIGNS[text])
    group = _read_group(text, policy, depth)
    if group is not None:
        return group
    if policy.units and starts_like_a_number(text):
        number = read_measured(text)
        if number is not None:
            return number
    if _WORDS.fullmatch(text) and not has_number_words(text):
        return Words(text.casefold() if policy.fold_case else text)
    return None


def _read_group(text: str, policy: Policy, depth: int) -> Value | None:
    """Read brackets, a union of intervals, a ratio or a bare list; None where it is none."""
    closing = _CLOSING.get(text[0])
    if closing is not None and _spans(text):
        inside = text[1:-1].strip()
        parts = _split(inside, ",")
        if len(parts) == 1 and text[0] in "({" and text[-1] in ")}":
            return read(inside, policy, depth + 1)
        closed = "⦄" if text[0] == "{" else text[-1]
        return _group(SET_OPEN if text[0] == "{" else text[0], closed, parts, policy, depth)
    if "\\cup" in text:
        return _group("cup", "", text.split("\\cup"), policy, depth)
    for sign in (";", ", ", ","):
        parts = _split(text, sign)
        if len(parts) > 1:
            if " and " in parts[-1] or " or " in parts[-1]:
                parts = [*parts[:-1], *re.split(r" (?:and|or) ", parts[-1])]
            parts = [re.sub(r"^(?:and|or) ", "", part.strip()) for part in parts]
            return _group("", "", parts, policy, depth)
    parts = re.split(r" (?:and|or) ", text)
    if len(parts) > 1 and len(parts) <= 50 and text[0] in "+-.\\([0123456789" + SET_OPEN:
        return _group("", "", parts, policy, depth)
    parts = text.split(":")
    if len(parts) > 1 and all(part.strip().isdigit() for part in parts):
        return _group(":", "", parts, policy, depth)
    return None


def _group(opening: str, closing: str, parts: list[str], policy: Policy,
           depth: int) -> Group | None:
    """Return a group whose every part can be read, or None."""
    items = []
    for part in parts:
        item = read(part, policy, depth + 1)
        if item is None:
            return None
        items.append(item)
    return Group(opening, closing, tuple(items))


def _spans(text: str) -> bool:
    """Tell whether the first bracket closes at the very end (an interval may mix them)."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{" or sign == SET_OPEN) - (sign in ")]}" or sign == SET_CLOSE)
        if depth == 0:
            return place == len(text) - 1 and text[-1] in ")]}" + SET_CLOSE
    return False


def _split(text: str, sign: str) -> list[str]:
    """Split at a separator that stands outside every bracket."""
    if sign not in text:
        return [text]
    parts, depth, start, place = [], 0, 0, 0
    while place < len(text):
        if text.startswith(sign, place) and depth == 0:
            parts.append(text[start:place])
            place += len(sign)
            start = place
            continue
        here = text[place]
        depth += (here in "([{" or here == SET_OPEN) - (here in ")]}" or here == SET_CLOSE)
        place += 1
    return [*parts, text[start:]]
