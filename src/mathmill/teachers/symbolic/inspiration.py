"""Writes a problem from a text, with its solution in words or as a program.

Why: JiuZhang3.0's teacher is given a text and a kind of problem. This one takes over what the
text tells (family, what happened, people, thing, place, numbers where they fit), in other
sentences, and goes on from there to the steps that the kind asks for. Where the text holds
nothing of this world it writes something easy, as a model would.

Used as: `wish = read_wish(prompt)`; `told = imagine(wish, rng)`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from mathmill.identity import draw
from mathmill.teachers.symbolic.insight import Insight, look
from mathmill.teachers.symbolic.naming import RESULT
from mathmill.teachers.symbolic.programs import Program
from mathmill.teachers.symbolic.quantities import (
    PERCENTS,
    Impossible,
    run_moves,
    sample_number,
)
from mathmill.teachers.symbolic.story import Event, Story
from mathmill.teachers.symbolic.tables import Beat, families
from mathmill.teachers.symbolic.writer import (
    draw_story,
    draw_words,
    event_text,
    fill,
    join,
    natural,
    phrase,
)

LEVELS = {"grade-school": (1, 2), "middle-school": (2,), "high-school": (3,), "college": (3, 4),
          "amc 8": (2,), "amc 10": (3,), "amc 12": (3, 4), "aime": (4,), "contest": (3, 4)}
"Steps of the problems of each kind."
EASY = 1
"Steps of a problem from a text that holds nothing."
TAKEN = 0.5
"How often a number that the story still needs is looked for in the text."
KEPT = 0.8
"Share of the text's sentences that a compact teacher keeps as they are; others keep none."
TRIES = 24
_KIND = "|".join(map(re.escape, LEVELS))
_TASKS = tuple(re.compile(form, re.I | re.M) for form in (
    rf"^[>*_# \t]*Task[*_]*:[*_ \t]*Write an? ({_KIND}) problem(?:, inspired by the text, and "
    r"solve it with (Python)| and its solution, inspired by the text)\b",
    rf"^[>*_# \t]*Task[*_]*:[*_ \t]*({_KIND}) problem from the text(?:, with (Python))?"))
_TEXT = re.compile(r"^[>*_# \t]*Text[*_]*:[*_]*[ \t]*", re.M)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a prompt wants written."""

    kind: str
    "A key of `LEVELS`."
    tool: bool
    "Whether the solution shall be a program."
    text: str
    "The text to start from."


def read_wish(prompt: str) -> Wish | None:
    """Return what a prompt wants; None where it wants nothing from a text, or gives none.

    The first task line and the first text heading count: what stands below is the text, and
    may hold such lines itself.
    """
    heading = _TEXT.search(prompt)
    text = prompt[heading.end():].strip() if heading else ""
    for task in _TASKS:
        found = task.search(prompt[:heading.start()]) if heading else None
        if found and text:
            return Wish(found[1].lower(), bool(found[2]), text)
    return None


def imagine(wish: Wish, rng: random.Random, kept: float = 0.0) -> tuple[Story, str]:
    """Return a story that a text gives rise to, and the problem that tells it.

    `kept`: share of what the text tells that is told in the text's own sentence.
    """
    seen = look(wish.text)
    if seen.family is None:
        luck = draw("symbolic subject", " ".join(wish.text.split()))
        story = draw_story(EASY, "en", rng, (luck.choice(list(families())),))
    else:
        story = _develop(seen, rng.choice(LEVELS[wish.kind]), rng)
    words = {**story.words, **seen.words}
    if words["other"] == words["name"]:
        words["other"] = story.words["name"]
    if seen.family is None:
        words["item"] = story.words["item"]
    story = Story(story.family, story.events, words, "en")
    return story, _tell(story, seen, rng, kept)


def _develop(seen: Insight, level: int, rng: random.Random) -> Story:
    """Return a story of a text's family that tells what the text tells, and goes on."""
    family = families()[seen.family or ""]
    words = draw_words(family, "en", rng)
    told = {one.event.beat.name: one.event for one in seen.told}
    paths = family.paths(level)
    fits = [sum(beat.name in told for beat in path) + 2 * (path[0].name in told)
            for path in paths]
    weights = [float(16 ** fit) for fit in fits]
    for _ in range(TRIES):
        path = rng.choices(paths, weights)[0]
        events = _number(family.name, path, told, seen.numbers, rng)
        if events is not None:
            return Story(family, events, words, "en")
    return draw_story(level, "en", rng, (family.name,))


def _number(name: str, path: tuple[Beat, ...], told: dict[str, Event],
            spare: tuple[Fraction, ...], rng: random.Random) -> tuple[Event, ...] | None:
    """Return a chain's events with the text's numbers where they fit; None where none do."""
    family, value, events = families()[name], None, list[Event]()
    for beat in path:
        for place, numbers in enumerate(_candidates(beat, told.get(beat.name), spare, value, rng)):
            try:
                steps, after = run_moves(beat.moves, numbers, value)
            except Impossible:
                continue
            # The text may tell of cents and tenths; what is drawn beside it should make none.
            plain = (place == 0 and beat.name in told) or family.rule == "share" or all(
                step.value.denominator <= 2 for step in steps)
            if plain and natural(family, steps, after) and after != value:
                events.append(Event(beat, dict(numbers)))
                value = after
                break
        else:
            return None
    return tuple(events)


def _candidates(beat: Beat, told: Event | None, spare: tuple[Fraction, ...],
                value: Fraction | None, rng: random.Random) -> Iterator[dict[str, Fraction]]:
    """Yield numbers to try for a beat: those that the text tells of it, then others."""
    if told is not None:
        yield {slot: number for slot, number in told.numbers.items() if number is not None}
    for _ in range(TRIES):
        numbers = {}
        for slot, kind in beat.slots:
            fitting = [number for number in spare if fits(number, kind)]
            numbers[slot] = (rng.choice(fitting) if fitting and rng.random() < TAKEN
                             else sample_number(kind, rng, value or Fraction(40)))
        yield numbers


def fits(number: Fraction, kind: str) -> bool:
    """Tell whether a text's number may stand for one of a kind (`quantities.sample_number`)."""
    low, _, high = kind[1:].partition("-")
    if kind[0] in "imd":
        return (kind[0] != "i" or number.denominator == 1) and int(low) <= number <= int(high)
    return kind[0] == "p" and number in PERCENTS and not low


def _tell(story: Story, seen: Insight, rng: random.Random, kept: float) -> str:
    """Return the problem; what the text tells is told in other phrasings, but in a share."""
    forms = {one.event.beat.name: one.form for one in seen.told}
    sentences = []
    for event in story.events:
        form = forms.get(event.beat.name, -1)
        sentences.append(phrase(event, story, form) if form >= 0 and rng.random() < kept
                         else event_text(event, story, rng, unlike=form))
    question, _ = rng.choice(story.family.asks[story.state].phrasings["en"])
    return join([*sentences, fill(question, story.words, {}, "en")], "en")


def told_program(made: Program, story: Story, rng: random.Random) -> str:
    """Return a program as a solution: its block, the block of what it prints, a sentence.

    A sum of tenths that a float misses by a hair is rounded where it is printed.
    """
    _, statement = rng.choice(story.family.asks[story.state].phrasings["en"])
    said = fill(statement, story.words, {"ans": rf"\boxed{{{made.answer}}}"}, "en")
    value, shown, printed = Fraction(made.answer), RESULT, made.printed
    if 100 % value.denominator == 0 and float(printed) != float(value):
        shown, printed = f"round({RESULT}, 2)", repr(round(float(printed), 2))
    return (f"```python\n{made.body}\nprint({shown})\n```\n"
            f"```output\n{printed}\n```\n{said}")
