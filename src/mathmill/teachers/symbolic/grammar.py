"""Compiles every sentence template into a key, so that reading a sentence is one look-up.

Why keys: one regular expression finds the words that vary (people, things, places, pronouns,
numbers) and puts a class mark in their place; what is left of a sentence must then equal what
is left of a template. Reading costs one substitution and one dictionary look-up a sentence,
however many templates there are.

Used as: `grammar(language).beats[key]`, `delexicalise(sentence, language)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from mathmill.teachers.symbolic import asides, lexicon
from mathmill.teachers.symbolic.tables import Ask, Beat, Family, families

NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:/\d+)?|(?<![A-Za-z])[xX](?![A-Za-z])"
_SAMPLES = {"a": "77771", "b": "77772", "c": "77773", "ans": "77774"}


@dataclass(frozen=True)
class Form:
    """One phrasing as the reader knows it."""

    family: Family | None
    "None for an aside."
    source: Beat | Ask | None
    place: int
    "Which phrasing of its source it is."
    slots: tuple[str, ...]
    "For each varying word in order: slot name, `` for a pronoun, `=word` where it is fixed."

    def bind(self, words: list[str]) -> dict[str, str] | None:
        """Return slot values from a sentence's varying words; None where a fixed one differs."""
        bound: dict[str, str] = {}
        for slot, word in zip(self.slots, words, strict=True):
            if not slot:
                continue
            if slot[0] == "=":
                if slot[1:] != word:
                    return None
            elif bound.setdefault(slot, word) != word:
                return None
        return bound


@dataclass
class Grammar:
    """All phrasings of one language by key."""

    beats: dict[str, list[Form]] = field(default_factory=dict)
    questions: dict[str, list[Form]] = field(default_factory=dict)
    statements: dict[str, list[Form]] = field(default_factory=dict)
    asides: dict[str, list[Form]] = field(default_factory=dict)


def _alternatives(words: set[str]) -> str:
    """Return a pattern for any of the words, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda w: (-len(w), w)) if word)


@cache
def _varying(language: str) -> re.Pattern[str]:
    """Return the pattern of all words that vary, with a group for each class."""
    things = {word for family in families().values() for word in
              (*family.items[language], family.wide.get(language, ""), family.topic[language])}
    things.update(lexicon.THINGS[language])
    nouns = _alternatives(things)
    adjectives = _alternatives(set(lexicon.ADJECTIVES[language]))
    people = _alternatives(set(lexicon.people(language)))
    places = _alternatives(set(lexicon.PLACES[language]))
    pronouns = _alternatives({word for forms in lexicon.PRONOUNS[language].values()
                              for word in forms.values()})
    if language == "zh":
        return re.compile(f"(?P<I>(?:{adjectives})?(?:{nouns}))|(?P<N>{people})|(?P<L>{places})"
                          f"|(?P<P>{pronouns})|(?P<Q>{NUMBER})")
    return re.compile(rf"\b(?:(?P<I>(?:(?:{adjectives}) )?(?:{nouns}))|(?P<N>{people})"
                      rf"|(?P<L>{places})|(?P<P>{pronouns}))\b|(?P<Q>{NUMBER})")


def delexicalise(sentence: str, language: str) -> tuple[str, list[str]]:
    """Return a sentence's key and its varying words in order."""
    words: list[str] = []

    def mark(found: re.Match[str]) -> str:
        words.append(found.group())
        return f"<{found.lastgroup}>"

    return _varying(language).sub(mark, sentence.strip()), words


def _compile(template: str, language: str, family: Family | None) -> tuple[str, tuple[str, ...]]:
    """Return a template's key and the meaning of each of its varying words."""
    girl = lexicon.PRONOUNS[language]["girl"]
    item = "" if family is None else family.items[language][0] if family.items[language] else ""
    if family is None:
        item = families()["basket"].items[language][0]
    samples = {"name": lexicon.GIRLS[language][0], "other": lexicon.BOYS[language][0],
               "item": item, "place": lexicon.PLACES[language][-1], **_SAMPLES}
    key, words = delexicalise(template.format_map({**girl, **samples}), language)
    meaning = {word: slot for slot, word in samples.items() if f"{{{slot}}}" in template}
    pronouns = set(girl.values())
    return key, tuple("" if word in pronouns else meaning.get(word, f"={word}")
                      for word in words)


@cache
def grammar(language: str) -> Grammar:
    """Return the compiled grammar of a language."""
    made = Grammar()

    def add(table: dict[str, list[Form]], template: str, family: Family | None,
            source: Beat | Ask | None, place: int) -> None:
        key, slots = _compile(template, language, family)
        table.setdefault(key, []).append(Form(family, source, place, slots))

    for family in families().values():
        for beat in family.beats:
            for place, template in enumerate(beat.phrasings[language]):
                add(made.beats, template, family, beat, place)
        for ask in family.asks.values():
            for place, (question, statement) in enumerate(ask.phrasings[language]):
                add(made.questions, question, family, ask, place)
                add(made.statements, statement, family, ask, place)
    for kind in (asides.IN_TOPIC, asides.OFF_TOPIC, asides.SCENERY):
        for place, template in enumerate(kind[language]):
            add(made.asides, template, None, None, place)
    return made
