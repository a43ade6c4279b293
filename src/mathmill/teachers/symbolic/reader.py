"""Reads problems: text back to the story that it tells, whatever words tell it.

Why: a teacher that is asked in text must understand text; and splits by meaning need the
meaning. What this grammar did not write, or what is changed beyond its phrasings, is not
read at all (None), never guessed.

Used as: `signature(question)`, `truth(question)`, `read(question).story`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from mathmill.teachers.symbolic import lexicon
from mathmill.teachers.symbolic.grammar import Form, delexicalise, grammar
from mathmill.teachers.symbolic.quantities import Impossible, parse_number
from mathmill.teachers.symbolic.solution import solve_unknown
from mathmill.teachers.symbolic.story import Event, Story, show_slot, with_number
from mathmill.teachers.symbolic.tables import OPENING, Ask, Beat, Family

LONGEST = 4000  # characters of a question that are read: none of this world comes near it
_CHINESE = re.compile("[\u4e00-\u9fff]")
_SENTENCE = {"en": re.compile(r"(?<=[.?!])\s+"), "zh": re.compile(r"(?<=[。？！])\s*")}
_KNOWN = {
    "en": re.compile(r"\s*If we know the answer to the above question is (\S+),"
                     r" what is the value of unknown variable ([xX])\?\s*$"),
    "zh": re.compile(r"\s*如果我们知道上述问题的答案是(\S+)，未知数([xX])的值是多少？\s*$"),
}
_ASKED = {
    "en": re.compile(r"\s*What is the value of unknown variable ([xX])\?\s*$"),
    "zh": re.compile(r"\s*未知数([xX])的值是多少？\s*$"),
}


@dataclass(frozen=True)
class Sentence:
    """One sentence of a question as it was understood."""

    text: str
    kind: str
    "`event`, `aside`, `question` or `statement`."
    form: int
    "Which phrasing it is."


@dataclass(frozen=True)
class Reading:
    """A question understood."""

    story: Story
    sentences: tuple[Sentence, ...]
    answer: Fraction | None = None
    "The final answer, where the question tells it (FOBAR, self-verification)."
    ending: str = ""
    "The closing words of a backward question, as they were."

    def solved(self) -> Story | None:
        """Return the story with its unknown filled in; None where no value fits."""
        unknown = self.story.unknown()
        if unknown is None:
            return self.story
        if self.answer is None:
            return None
        value = solve_unknown(self.story, self.answer)
        return None if value is None else with_number(self.story, *unknown, value)


def language_of(text: str) -> str:
    """Return `zh` where a text holds Chinese characters, else `en`."""
    return "zh" if _CHINESE.search(text) else "en"


@lru_cache(maxsize=4096)
def read(question: str) -> Reading | None:
    """Return what a question says, or None where this grammar cannot read it."""
    if len(question) > LONGEST:
        return None
    language = language_of(question)
    text, answer, ending, stated = _cut_ending(question.strip(), language)
    sentences = [part for part in _SENTENCE[language].split(text) if part]
    if len(sentences) < 2:
        return None
    try:
        return _read_sentences(sentences, language, answer, ending, stated)
    except (ValueError, ZeroDivisionError):
        return None


def _cut_ending(text: str, language: str) -> tuple[str, Fraction | None, str, bool]:
    """Return text without a backward question's ending, the answer it tells, and its form."""
    known = _KNOWN[language].search(text)
    if known:
        try:
            return text[:known.start()], parse_number(known[1]), known[0], False
        except (ValueError, ZeroDivisionError):
            return "", None, "", False
    asked = _ASKED[language].search(text)
    if asked:
        return text[:asked.start()], None, asked[0], True
    return text, None, "", False


def _read_sentences(sentences: Sequence[str], language: str, answer: Fraction | None,
                    ending: str, stated: bool) -> Reading | None:
    """Read the sentences in every family whose opening comes first."""
    rules = grammar(language)
    parts = [(text, *delexicalise(text, language)) for text in sentences]
    told = [part for part in parts[:-1] if part[1] not in rules.asides]
    if not told:
        return None
    last = (rules.statements if stated else rules.questions).get(parts[-1][1], ())
    openings = rules.beats.get(told[0][1], ())
    for family in dict.fromkeys(form.family for form in openings):
        assert family is not None
        found = _read_family(family, told, parts[-1], last, language)
        if found is None:
            continue
        events, forms, closing, bound = found
        story = Story(family, events, _complete(bound, family, language), language)
        kinds = iter(forms)
        marked = [Sentence(text, "aside", 0) if key in rules.asides
                  else Sentence(text, "event", next(kinds)) for text, key, _ in parts[:-1]]
        marked.append(Sentence(parts[-1][0], "statement" if stated else "question",
                               closing.place))
        if stated:
            answer = parse_number(bound["ans"])
        hidden = sum(value is None for event in events for value in event.numbers.values())
        if hidden != (1 if ending else 0):
            return None
        return Reading(story, tuple(marked), answer, ending)
    return None


def _read_family(family: Family, told: Sequence[tuple[str, str, list[str]]],
                 last: tuple[str, str, list[str]], closings: Iterable[Form], language: str,
                 ) -> tuple[tuple[Event, ...], list[int], Form, dict[str, str]] | None:
    """Read all sentences as one family's; None where one does not fit."""
    rules, state, bound = grammar(language), OPENING, dict[str, str]()
    events: list[Event] = []
    forms: list[int] = []
    for _, key, words in told:
        for form in rules.beats.get(key, ()):
            beat = form.source
            if form.family is not family or not isinstance(beat, Beat) or beat.before != state:
                continue
            merged = _merge(bound, form.bind(words), beat)
            if merged is not None:
                bound, numbers = merged
                events.append(Event(beat, numbers))
                forms.append(form.place)
                state = beat.after
                break
        else:
            return None
    for form in closings:
        ask = form.source
        if form.family is family and isinstance(ask, Ask) and ask.state == state:
            merged = _merge(bound, form.bind(last[2]), None)
            if merged is not None:
                return tuple(events), forms, form, merged[0]
    return None


def _merge(bound: dict[str, str], new: dict[str, str] | None, beat: Beat | None,
           ) -> tuple[dict[str, str], dict[str, Fraction | None]] | None:
    """Return words with a sentence's added, and its numbers; None where words clash."""
    if new is None:
        return None
    slots = [slot for slot, _ in beat.slots] if beat else []
    numbers = {slot: None if new[slot] in "xX" else parse_number(new[slot]) for slot in slots}
    merged = dict(bound)
    for slot, word in new.items():
        if slot not in numbers and merged.setdefault(slot, word) != word:
            return None
    return merged, numbers


def _complete(bound: dict[str, str], family: Family, language: str) -> dict[str, str]:
    """Return the words of a story with those that its telling never named."""
    words = {slot: word for slot, word in bound.items() if slot != "ans"}
    free = [name for name in lexicon.people(language) if name not in words.values()]
    words.setdefault("name", free[0])
    words.setdefault("other", free[-1])
    words.setdefault("item", (family.items[language] or ("",))[0])
    words.setdefault("place", lexicon.PLACES[language][0])
    return words


def signature(question: str) -> str | None:
    """Return the meaning of a question: family, what is asked, program and numbers.

    Names, things, phrasing, language and idle facts do not count; a backward question has
    the signature of the problem beneath it. None where the question cannot be read.
    """
    reading = read(question)
    story = reading.solved() if reading else None
    return story.signature() if story else None


def truth(question: str) -> str | None:
    """Return the right answer as text (`19`, `3.5`, `3/4`).

    None where the question cannot be read, or tells what cannot happen.
    """
    reading = read(question)
    return answer_of(reading) if reading else None


def kind(question: str) -> str | None:
    """Return the family and the level of a question (`shop 2`); None where it cannot be read."""
    reading = read(question)
    return f"{reading.story.family.name} {reading.story.level}" if reading else None


def answer_of(reading: Reading) -> str | None:
    """Return the right answer to a reading; None where the story cannot happen."""
    try:
        story = reading.solved()
        if story is None or not story.happens():
            return None
        unknown = reading.story.unknown()
        if unknown is not None:
            place, slot = unknown
            return show_slot(story.events[place], slot)
        return story.show(story.run()[1])
    except Impossible:
        return None


def with_words(story: Story, **words: str) -> Story:
    """Return the story told with other words."""
    return replace(story, words={**story.words, **words})
