"""Writes stories: draws a chain of beats, natural numbers and words, and tells it in sentences.

Why: `make_problems` is the endless source of seeds, tests and pre-training text. A `Story` is
the meaning (family, beats, numbers, words); `tell` turns it into text in either language.

Used as: `for problem in make_problems(1000, seed=0, languages=("en", "zh")): ...`
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from mathmill.errors import UsageError
from mathmill.identity import draw
from mathmill.teachers.symbolic import lexicon
from mathmill.teachers.symbolic.quantities import (
    Impossible,
    Step,
    is_natural,
    run_moves,
    sample_number,
    write_number,
    write_share,
)
from mathmill.teachers.symbolic.stories import Beat, Family, families
from mathmill.types import Problem, make_problem

LEVELS = (1, 2, 3, 4, 5)
LANGUAGES = ("en", "zh")
TRIES = 12


@dataclass(frozen=True)
class Event:
    """A beat that happened, with its numbers (None: the unknown `x`)."""

    beat: Beat
    numbers: dict[str, Fraction | None]


@dataclass(frozen=True)
class Story:
    """The meaning of a problem, and the words it is told with."""

    family: Family
    events: tuple[Event, ...]
    words: dict[str, str]
    "`name`, `other`, `item`, `place`: words of `language`."
    language: str

    @property
    def state(self) -> str:
        """State that the question asks about."""
        return self.events[-1].beat.after

    @property
    def level(self) -> int:
        """Number of reasoning steps."""
        return sum(len(event.beat.moves) for event in self.events)

    def run(self) -> tuple[list[list[Step]], Fraction]:
        """Return the steps of each event and the final value; Impossible if it divides by 0."""
        value: Fraction | None = None
        steps: list[list[Step]] = []
        for event in self.events:
            known = {k: n for k, n in event.numbers.items() if n is not None}
            done, value = run_moves(event.beat.moves, known, value)
            steps.append(done)
        assert value is not None
        return steps, value

    def show(self, value: Fraction) -> str:
        """Return a value as this family writes values (`3/4` or `0.75`)."""
        return write_share(value) if self.family.rule == "share" else write_number(value)

    def signature(self) -> str:
        """Return family, question and program with numbers, whatever the words."""
        parts = [f"{self.family.name}/{self.state}"]
        for event in self.events:
            moves = event.beat.moves
            texts = [_operand("a", event.numbers)] if not moves else [
                f"{_operand(m.left, event.numbers)}{m.sign}{_operand(m.right, event.numbers)}"
                f"{'%' if m.percent else ''}" for m in moves]
            parts.append(";".join(texts))
        return "|".join(parts)


def _operand(name: str, numbers: dict[str, Fraction | None]) -> str:
    value = numbers.get(name)
    return name if value is None else str(value)


def natural(family: Family, steps: Sequence[Step], value: Fraction) -> bool:
    """Tell whether a beat's results may occur: all of them, not only the last."""
    return is_natural(value, family.rule, family.limit) and all(
        is_natural(step.value, family.rule, family.limit) for step in steps)


def extend(family: Family, beat: Beat, start: Fraction | None,
           rng: random.Random) -> tuple[Event, Fraction] | None:
    """Draw numbers for one beat after the value `start`; None where none fits in few tries."""
    for _ in range(TRIES):
        numbers = {slot: sample_number(kind, rng) for slot, kind in beat.slots}
        try:
            steps, value = run_moves(beat.moves, numbers, start)
        except Impossible:
            continue
        if natural(family, steps, value) and value != start:
            return Event(beat, dict(numbers)), value
    return None


def draw_events(family: Family, level: int, rng: random.Random) -> tuple[Event, ...]:
    """Draw a chain of beats of `level` steps with natural numbers."""
    paths = family.paths(level)
    while True:
        path, value, events = rng.choice(paths), None, []
        for beat in path:
            found = extend(family, beat, value, rng)
            if found is None:
                break
            event, value = found
            events.append(event)
        else:
            return tuple(events)


def draw_words(family: Family, language: str, rng: random.Random) -> dict[str, str]:
    """Draw people, thing and place; one story in ten speaks of the thing in general."""
    name, other = rng.sample(lexicon.people(language), 2)
    item = rng.choice(family.items[language])
    if family.wide and rng.random() < 0.1:
        item = family.wide[language]
    return {"name": name, "other": other, "item": item,
            "place": rng.choice(lexicon.PLACES[language])}


def draw_story(level: int, language: str, rng: random.Random,
               names: Sequence[str] | None = None) -> Story:
    """Draw a story of `level` steps from any of the named families (all by default)."""
    table = families()
    able = [name for name in (names or table) if table[name].paths(level)]
    family = table[rng.choice(able)]
    return Story(family, draw_events(family, level, rng), draw_words(family, language, rng),
                 language)


def fill(template: str, words: dict[str, str], numbers: dict[str, str], language: str) -> str:
    """Return a template with its slots filled."""
    return template.format_map(
        {**lexicon.pronouns(words["name"], language), **words, **numbers})


def event_text(event: Event, story: Story, rng: random.Random) -> str:
    """Return one event as a sentence, phrased at random."""
    template = rng.choice(event.beat.phrasings[story.language])
    numbers = {}
    for slot, kind in event.beat.slots:
        value = event.numbers[slot]
        show = write_share if kind[0] in "fq" else write_number
        numbers[slot] = "x" if value is None else show(value)
    return fill(template, story.words, numbers, story.language)


def join(sentences: Sequence[str], language: str) -> str:
    """Return sentences as one text: spaced in English, unspaced in Chinese."""
    return ("" if language == "zh" else " ").join(sentences)


def tell(story: Story, rng: random.Random) -> str:
    """Return the story with its question, each sentence phrased at random."""
    sentences = [event_text(event, story, rng) for event in story.events]
    question, _ = rng.choice(story.family.asks[story.state].phrasings[story.language])
    sentences.append(fill(question, story.words, {}, story.language))
    return join(sentences, story.language)


def write_steps(story: Story) -> list[str]:
    """Return the solution's lines, one equation each, without the answer line."""
    lines: list[str] = []
    steps, _ = story.run()
    for event, done in zip(story.events, steps, strict=True):
        for place, step in enumerate(done):
            last = place == len(done) - 1
            lines.append(step_line(story, event, step, last))
    return lines


def step_line(story: Story, event: Event, step: Step, last: bool) -> str:
    """Return one line of a solution; only the last of a beat names what is counted."""
    language = story.language
    text = write_equation(story, step)
    if last:
        template = story.family.lines[event.beat.after][language]
    else:
        template = "这是{eq}。" if language == "zh" else "That is {eq}."
    return fill(template, story.words, {"eq": text}, language)


def write_equation(story: Story, step: Step) -> str:
    """Return `12 + 7 = 19`, `80 * 25% = 20` or `24 * 1/3 = 8`."""
    right = _operand_text(story, step.right, step.sign)
    return (f"{story.show(step.left)} {step.sign} {right}{'%' if step.percent else ''}"
            f" = {story.show(step.value)}")


def _operand_text(story: Story, value: Fraction, sign: str) -> str:
    """Write a right operand: a factor below one is a share (`* 3/4`)."""
    if sign == "*" and value < 1:
        return write_share(value)
    return story.show(value)


def write_solution(story: Story) -> str:
    """Return the full worked solution; its last line is `The answer is ...`."""
    _, value = story.run()
    return "\n".join([*write_steps(story), f"The answer is {story.show(value)}"])


def problem_of(story: Story, rng: random.Random) -> Problem:
    """Return the story as a problem with answer, solution, level and signature."""
    _, value = story.run()
    return make_problem(
        tell(story, rng), answer=story.show(value), solution=write_solution(story),
        level=story.level, subject=story.family.name, language=story.language,
        source="symbolic", signature=story.signature())


def make_problems(count: int, seed: int, languages: Sequence[str] = ("en",),
                  levels: Sequence[int] = LEVELS,
                  families: Sequence[str] | None = None) -> Iterator[Problem]:
    """Yield `count` problems, each drawn by its own number: a longer run begins like a shorter.

    No two share a signature, unless 50 tries find no fresh one (a tiny slice of level 1).
    Raises UsageError for an unknown language, level or family.
    """
    _check_names(languages, levels, families)
    seen: set[str] = set()
    for number in range(count):
        rng = draw("symbolic", seed, number)
        for _ in range(50):
            story = draw_story(rng.choice(list(levels)), rng.choice(list(languages)), rng, families)
            mark = story.signature()
            if mark not in seen:
                break
        seen.add(mark)
        yield problem_of(story, rng)


def _check_names(languages: Sequence[str], levels: Sequence[int],
                 names: Sequence[str] | None) -> None:
    for given, known, what in ((languages, LANGUAGES, "language"), (levels, LEVELS, "level"),
                               (names, tuple(families()), "story family")):
        for one in given or ():
            if one not in known:
                raise UsageError(f"unknown {what} {one!r}; known: {', '.join(map(str, known))}")
        if given is not None and not given:
            raise UsageError(f"no {what} was given; known: {', '.join(map(str, known))}")


def with_numbers(story: Story, place: int, slot: str, value: Fraction | None) -> Story:
    """Return the story with one number changed (None makes it the unknown)."""
    events = list(story.events)
    events[place] = Event(events[place].beat, {**events[place].numbers, slot: value})
    return replace(story, events=tuple(events))
