"""Reads a text that is no problem: which family it speaks of, who, what, where, which numbers.

Why: a problem that is written from a text must visibly come from it. A sentence that a family's
table could have written counts most, telling words (`subjects.txt`) count one each; a text
with less than two of these speaks of nothing in this world, however mathematical it is.

Used as: `seen = look(text)`; `seen.family`, `seen.told`, `seen.words`, `seen.numbers`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache

from mathmill.teachers.symbolic import lexicon
from mathmill.teachers.symbolic.grammar import NUMBER, delexicalise, grammar
from mathmill.teachers.symbolic.quantities import parse_number
from mathmill.teachers.symbolic.story import Event
from mathmill.teachers.symbolic.subjects import subjects
from mathmill.teachers.symbolic.tables import Beat, families

LONGEST = 20_000  # characters of a text that are looked at: snippets have 1,000 to 2,000
ENOUGH, SENTENCE = 2, 3
"Points that make a family the text's subject, and points of a sentence of its table."
_WORD = re.compile(r"[a-z]+")
_GAP = re.compile(r"(?<=[.?!])\s+|\n+")
_LEAD = re.compile(r"^[^\w$]*(?:\w+:\s+)?")
_MARKS = re.compile(r"\\(?:[()]|(?=[$%]))")
"Signs of LaTeX around numbers, and before a dollar or a percent sign."


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of a family's table that stands in a text."""

    event: Event
    form: int
    "Which phrasing it is."


@dataclass(frozen=True, slots=True)
class Insight:
    """What a text speaks of."""

    family: str | None
    "The story family; None where the text holds nothing of this world."
    told: tuple[Told, ...]
    "What happens in it, in that family, in order."
    words: Mapping[str, str]
    "`name`, `other`, `item`, `place`: those that it names."
    numbers: tuple[Fraction, ...]
    "Its numbers outside what is told, in order."


@lru_cache(maxsize=4096)
def look(text: str) -> Insight:
    """Return what a text speaks of; only English is understood."""
    text = _MARKS.sub("", text[:LONGEST])
    told: dict[str, list[Told]] = {}
    rest: list[str] = []
    for sentence in filter(None, _GAP.split(text)):
        found = _told(_LEAD.sub("", sentence))
        for name, one in found.items():
            told.setdefault(name, []).append(one)
        if not found:
            rest.append(sentence)
    here = set(_WORD.findall(text.lower()))
    points = {name: SENTENCE * len(told.get(name, ())) + len(subject.words & here)
              for name, subject in subjects().items()}
    best = max(points, key=lambda name: points[name])
    family = best if points[best] >= ENOUGH else None
    numbers = [_number(one) for one in re.findall(NUMBER, " ".join(rest)) if one not in "xX"]
    return Insight(family, tuple(told.get(best, ())) if family else (), _words(text, family),
                   tuple(number for number in numbers if number is not None))


def _told(sentence: str) -> dict[str, Told]:
    """Return the event that a sentence tells in each family whose table could have written it."""
    key, words = delexicalise(sentence, "en")
    found: dict[str, Told] = {}
    for form in grammar("en").beats.get(key, ()):
        bound, beat = form.bind(words), form.source
        if bound is None or form.family is None or not isinstance(beat, Beat):
            continue
        numbers = {slot: _number(bound[slot]) for slot, _ in beat.slots}
        if None not in numbers.values():
            found.setdefault(form.family.name, Told(Event(beat, numbers), form.place))
    return found


def _number(text: str) -> Fraction | None:
    try:
        return parse_number(text)
    except (ValueError, ZeroDivisionError):
        return None


def _words(text: str, family: str | None) -> dict[str, str]:
    """Return the people, the place and the family's thing that a text names first."""
    found = dict(zip(("name", "other"), _first(text, lexicon.people("en")), strict=False))
    found |= dict(zip(("place",), _first(text, lexicon.PLACES["en"]), strict=False))
    if family is not None:
        table = families()[family]
        things = _first(text.lower(), table.items["en"])
        things += _first(text.lower(), tuple(table.wide.get("en", "").split()))
        found |= dict(zip(("item",), things, strict=False))
    return found


def _first(text: str, words: tuple[str, ...]) -> list[str]:
    """Return those of the words that a text holds, by where they first stand."""
    if not words:
        return []
    return list(dict.fromkeys(_any_of(words).findall(text)))


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")
