"""A small Chinese-English glossary of what word problems speak of (`glossary.txt`, our own).

Why: a translated question shares its numbers with its source and nothing else that can be
compared without a model; the commonest things, units and acts, told in English, are enough to
tell ten thousand stories with the same two numbers apart.

Used as: `glossary()["苹果"]` -> `("apple",)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

LONGEST_ENTRY = 4
"Signs of the longest Chinese entry."


@cache
def glossary() -> Mapping[str, tuple[str, ...]]:
    """Return the English words of each Chinese entry."""
    text = (resources.files(__package__) / "glossary.txt").read_text(encoding="utf-8")
    found = {sign: tuple(words.split()) for line in text.splitlines()
             for sign, _, words in [line.partition(" ")]}
    assert max(map(len, found)) <= LONGEST_ENTRY, "an entry is longer than is looked for"
    return found
