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
from collections.abc import Callable, Iterator, Sequence

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
CHAINS = (1, 2, 2, 3)
"Levels of the chains that texts tell of; a text tells at most `TOLD` of a chain's events."
TOLD = 3
_NUMBER = re.compile(NUMBER)


def texts(count: int, seed: int, plain: float = 0.3, kinds: Sequence[str] = KINDS,
          families: Sequence[str] | None = None) -> Iterator[Text]:
    """Yield `count` texts, each drawn by its own number, the same for the same arguments.

    `plain`: share that speaks of no family. No two are the same. Raises UsageError for an
    unknown kind or family, or a share that is none.
    """
    names = tuple(families or tables())
    for given, known, what in ((kinds, KINDS, "kind of text"), (names, tables(), "story family")):
        for one in given:
            if one not in known:
                raise UsageError(f"unknown {what} {one!r}; known: {', '.join(known)}")
    if not 0 <= plain <= 1:
        raise UsageError(f"plain must be a share between 0 and 1, not {plain}")
    seen: set[str] = set()
    for number in range(count):
        rng = draw("symbolic text", seed, number)
        worthless = rng.random() < plain
        while True:
            kind = rng.choice(list(kinds))
            text = write_plain(kind, rng) if worthless else write_text(
                kind, rng.choice(names), rng)
            if LENGTHS[0] <= len(text) <= LENGTHS[1] and text_id(text) not in seen:
                break
        seen.add(text_id(text))
        yield make_text(text, kind=kind, source=f"symbolic:{seed}:{number}", licence=LICENCE)


def write_plain(kind: str, rng: random.Random) -> str:
    """Return a text of a kind that speaks of no family."""
    return rng.choice(PLAIN[kind])(rng)


def write_text(kind: str, family: str, rng: random.Random) -> str:
    """Return a text of a kind that speaks of a family; of any length."""
    table, subject = tables()[family], subjects()[family]
    events = draw_events(table, rng.choice(CHAINS), rng)[:TOLD]
    story = Story(table, events, draw_words(table, "en", rng), "en")
    told = " ".join(event_text(event, story, rng) for event in events)
    return _FRAMES[kind](subject, told, _Voice(subject, story, rng), rng)


class _Voice:
    """Says things of a subject, nothing twice."""

    def __init__(self, subject: Subject, story: Story, rng: random.Random) -> None:
        self.story, self.rng = story, rng
        self.explains = rng.sample(subject.explains, len(subject.explains))
        self.says = rng.sample(subject.says, len(subject.says))
        self.facts = rng.sample(subject.facts, len(subject.facts))

    def explain(self) -> str:
        return self._fill(self.explains.pop())

    def say(self) -> str:
        return self._fill(self.says.pop())

    def fact(self) -> str:
        form, kind = self.facts.pop()
        return self._fill(form, write_number(sample_number(kind, self.rng)))

    def maybe(self, chance: float, what: Callable[[], str]) -> list[str]:
        return [what()] if self.rng.random() < chance else []

    def _fill(self, form: str, number: str = "") -> str:
        text = fill(form, self.story.words, {"a": number}, "en")
        return text[0].upper() + text[1:]


def _web(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    head = f"Home | {subject.name} | {rng.choice(lexicon.PLACES['en'])}"
    end = rng.choice(("Join us!", "Call us!", "We are here all day.", "Come and see!"))
    lines = [*voice.maybe(0.5, voice.say), told, voice.say(), *voice.maybe(0.4, voice.fact)]
    return f"{head}\n{' '.join(lines)}\n{end}"


def _book(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    head = f"## {rng.randint(1, 9)}. {_capital(subject.name)}"
    lines = [voice.explain(), *voice.maybe(0.4, voice.explain), told,
             *voice.maybe(0.6, voice.say), *voice.maybe(0.3, voice.fact)]
    return f"{head}\n\n{' '.join(lines)}"


def _paper(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    head = f"\\section{{{_capital(subject.name)}}}"
    told = _NUMBER.sub(r"\\(\g<0>\\)", told)
    lines = [*voice.maybe(0.5, voice.explain), f"We count and measure as in [{rng.randint(1, 9)}].",
             told, voice.fact(), *voice.maybe(0.3, voice.say)]
    return f"{head}\n{' '.join(lines)}"


def _qa(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    asked = rng.choice((f"Who can say more of {subject.name}?", f"Who knows {subject.name}?",
                        f"Is it so with {subject.name} too?", "Is this right?"))
    first = [told, asked] if rng.random() < 0.6 else [asked, told]
    answer = [rng.choice(("Yes.", "I do.", "It is so.", "Yes, I say.")), voice.explain(),
              *voice.maybe(0.5, voice.say), *voice.maybe(0.3, voice.fact)]
    return f"Question: {' '.join(first)}\n\nAnswer: {' '.join(answer)}"


def _article(subject: Subject, told: str, voice: _Voice, rng: random.Random) -> str:
    lines = [voice.explain(), voice.explain(), *voice.maybe(0.5, voice.fact)]
    return (f"'''{_capital(subject.name)}'''\n{' '.join(lines)}\nExample: {told}\n"
            f"See also: {rng.choice(list(subjects().values())).name}")


def _capital(name: str) -> str:
    """Return a subject's name as a heading: without its article."""
    name = name.removeprefix("the ").removeprefix("a ")
    return name[0].upper() + name[1:]


_FRAMES = {"web": _web, "book": _book, "paper": _paper, "qa": _qa, "encyclopedia": _article}
