"""What is said of each story family outside its stories: names, telling words, remarks.

Why: a text of the symbolic world is no problem, and yet one can tell what it speaks of; the
writer of texts and the teacher who reads them share this one table (`subjects.txt`).

Used as: `subjects()["bakery"].words`, `subjects()["bakery"].facts`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Subject:
    """What texts say of one family."""

    name: str
    "What a text about it is headed with: `the bakery`."
    words: frozenset[str]
    "Words, in small letters, that speak of it."
    explains: tuple[str, ...]
    "Sentences that say what it is; they hold no number."
    says: tuple[str, ...]
    "Sentences that remark on it; they hold no number."
    facts: tuple[tuple[str, str], ...]
    "Sentences with one number `{a}`, each with the kind of that number."


@cache
def subjects() -> dict[str, Subject]:
    """Return the subject of each family, by the family's name."""
    text = (resources.files("mathmill.teachers.symbolic") / "subjects.txt").read_text("utf-8")
    found: dict[str, Subject] = {}
    for block in re.split(r"^family ", text, flags=re.M)[1:]:
        head, *lines = [line for line in block.split("\n") if line]
        parts: dict[str, list[str]] = {"name": [], "words": [], "is": [], "says": [], "fact": []}
        for line in lines:
            word, _, rest = line.partition(" ")
            parts[word].append(rest)
        facts = [fact.partition(" | ") for fact in parts["fact"]]
        found[head] = Subject(
            parts["name"][0], frozenset(parts["words"][0].split()), tuple(parts["is"]),
            tuple(parts["says"]), tuple((form, kind) for form, _, kind in facts))
    return found
