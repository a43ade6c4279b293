"""Texts of the symbolic world that are no problems: pages, books, papers, threads, articles.

Why: a model that writes problems from texts needs texts, and what it makes of them can only be
judged where one knows what they speak of. A text of worth speaks of one story family: what it
is, something that happens there with its numbers, a remark. Others (notices, lists, lives) hold
nothing of it. No text asks a problem's question and none tells an answer.

Used as: `for text in texts(4000, seed=1, plain=0.3): ...`
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence

from mathmill.errors import UsageError
from mathmill.identity import draw
from mathmill.teachers.symbolic import lexicon
from mathmill.teachers.symbolic.grammar import NUMBER
from mathmill.teachers.symbolic.plain_texts import PLAIN
from mathmill.teachers.symbolic.quantities import sample_number, write_number
from mathmill.teachers.symbolic.story import Story
from mathmill.teachers.symbolic.subjects import Subject, subjects
from mathmill.teachers.symbolic.tables import families as tables
from mathmill.teachers.symbolic.writer import draw_events, draw_words, event_text, fill
from mathmill.texts import Text, make_text, text_id

KINDS = ("web", "book", "paper", "qa", "encyclopedia")
LICENCE = "Apache-2.0"  # as all that this program writes
LENGTHS = (150, 450)
"Characters of a text."
CHAINS = (1, 1, 2, 2, 3)
"Levels of the chains that texts tell of; a text tells at most `TOLD` of a chain's events."
TOLD = 3
BARE = 0.15
"Share of texts on a family in which nothing happens."
_NUMBER = re.compile(NUMBER)


def texts(count: int, seed: int, plain: float = 0.3, kinds: Sequence[str] = KINDS,
          families: Sequence[str] | None = None) -> Iterator[Text]:
    """Yield `count` texts, each drawn by its own number, the same for the same arguments.

    `plain`: share that speaks of no family. No two are the same. Raises UsageError for an
    unknown kind or family, or a share that is none.
    """
    names = tuple(tables() if families is None else families)
    for given, known, what in ((kinds, KINDS, "kind of text"), (names, tables(), "story family")):
        if not given:
            raise UsageError(f"no {what} was given; known: {', '.join(known)}")
        for one in given:
            if one not in known:
                raise UsageError(f"unknown {what} {one!r}; known: {', '.join(known)}")
    if not 0 <= plain <= 1:
        raise UsageError(f"plain must be a share between 0 and 1, not {plain}")
    seen: set[str] = set()
    for number in range(count):
        rng = draw("symbolic text", seed, number)
        worthless = rng.random() < plain
        kind, family = rng.choice(list(kinds)), rng.choice(names)
        while True:
            text = write_plain(kind, rng) if worthless else write_text(kind, family, rng)
            if LENGTHS[0] <= len(text) <= LENGTHS[1] and text_id(text) not in seen:
                break
        seen.add(text_id(text))
        title = None if worthless else heading(subjects()[family])
        yield make_text(text, kind=kind, source=f"symbolic:{seed}:{number}", licence=LICENCE,
                        title=title)


def write_plain(kind: str, rng: random.Random) -> str:
    """Return a text of a kind that speaks of no family."""
    return rng.choice(PLAIN[kind])(rng)


def write_text(kind: str, family: str, rng: random.Random) -> str:
    """Return a text of a kind that speaks of a family; of any length.

    Most tell what happens there, in up to `TOLD` sentences of the family's table; in a share
    `BARE` nothing happens, and the text has two facts with a number each.
    """
    table, subject = tables()[family], subjects()[family]
    words = draw_words(table, "en", rng)
    voice = _Voice(subject, words, rng)
    if rng.random() < BARE:
        told = " ".join(voice.facts(1.0) + voice.facts(1.0))
    else:
        events = draw_events(table, rng.choice(CHAINS), rng)[:TOLD]
        story = Story(table, events, words, "en")
        told = " ".join(event_text(event, story, rng) for event in events)
    return _FRAMES[kind](subject, told, voice, rng)


class _Voice:
    """Says things of a subject, nothing twice; each call gives one sentence or none."""

    def __init__(self, subject: Subject, words: Mapping[str, str], rng: random.Random) -> None:
        self.words, self.rng = words, rng
        self.left = {"explains": list(subject.explains), "says": list(subject.says),
                     "facts": [f"{form} | {kind}" for form, kind in subject.facts]}

    def explains(self, chance: float = 1.0) -> list[str]:
        """Say what the subject is."""
        return self._one("explains", chance)

    def says(self, chance: float = 1.0) -> list[str]:
        """Make a remark on it."""
        return self._one("says", chance)

    def facts(self, chance: float = 1.0) -> list[str]:
        """Tell a fact with a number."""
        return self._one("facts", chance)

    def _one(self, which: str, chance: float) -> list[str]:
        forms = self.left[which]
        if not forms or self.rng.random() >= chance:
            return []
        form, _, kind = forms.pop(self.rng.randrange(len(forms))).partition(" | ")
        number = write_number(sample_number(kind, self.rng)) if kind else ""
        text = fill(form, self.words, {"a": number}, "en")
        return [text[0].upper() + text[1:]]


def _web(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    head = f"Home | {subject.name} | {rng.choice(lexicon.PLACES['en'])}"
    end = rng.choice(("Join us!", "Call us!", "We are here all day.", "Come and see!"))
    lines = [*voice.says(0.4), told, *voice.says(0.8), *voice.facts(0.2), *voice.explains(0.2)]
    return f"{head}\n{' '.join(lines)}\n{end}"


def _book(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    head = f"## {rng.randint(1, 9)}. {heading(subject)}"
    lines = [*voice.explains(), *voice.explains(0.2), told, *voice.says(0.4), *voice.facts(0.2)]
    return f"{head}\n\n{' '.join(lines)}"


def _paper(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    told = _NUMBER.sub(r"\\(\g<0>\\)", told.replace("$", r"\$").replace("%", r"\%"))
    lines = [*voice.explains(0.6), *voice.says(0.4), f"{told} [{rng.randint(1, 9)}]",
             *(one.replace("$", r"\$").replace("%", r"\%") for one in voice.facts(0.4))]
    return f"\\section{{{heading(subject)}}}\n{' '.join(lines)}"


def _qa(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    asked, said = rng.choice((
        ("Who can say more of {}?", "I can."), ("Who knows {}?", "I do."),
        ("Is it so with {} too?", "Yes."), ("Is this right?", "It is so.")))
    first = [told, asked.format(subject.name)]
    if rng.random() < 0.4:
        first.reverse()
    answer = [said, *voice.explains(), *voice.says(0.3), *voice.facts(0.2)]
    return f"Question: {' '.join(first)}\n\nAnswer: {' '.join(answer)}"


def _article(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    lines = [*voice.explains(), *voice.explains(0.6), *voice.facts(0.2)]
    other = rng.choice([one.name for one in subjects().values() if one is not subject])
    return (f"'''{heading(subject)}'''\n{' '.join(lines)}\nExample: {told}\n"
            f"See also: {other}")


def heading(subject: Subject) -> str:
    """Return a subject's name as a heading: without its article."""
    name = subject.name.removeprefix("the ").removeprefix("a ")
    return name[0].upper() + name[1:]


_FRAMES = {"web": _web, "book": _book, "paper": _paper, "qa": _qa, "encyclopedia": _article}
