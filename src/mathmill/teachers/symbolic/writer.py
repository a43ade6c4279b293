"""Writes stories: draws a chain of beats, natural numbers and words, and tells it in sentences.

Why: `make_problems` is the endless source of seeds and tests; `draw_story` and `tell` serve
every task that writes something new.

Used as: `for problem in make_problems(1000, seed=0, languages=("en", "zh")): ...`
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
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
)
from mathmill.teachers.symbolic.solution import write_solution
from mathmill.teachers.symbolic.story import Event, Story, show_slot
from mathmill.teachers.symbolic.tables import Beat, Family, families
from mathmill.types import Problem, make_problem

LEVELS = (1, 2, 3, 4, 5)
LANGUAGES = ("en", "zh")
TRIES = 12
PLAINNESS = 0.7
"How often a sum of money or length that leaves tenths or cents is drawn again."


def natural(family: Family, steps: Sequence[Step], value: Fraction) -> bool:
    """Tell whether a beat's results may occur: all of them, not only the last."""
    return is_natural(value, family.rule, family.limit) and all(
        is_natural(step.value, family.rule, family.limit) for step in steps)


def extend(family: Family, beat: Beat, start: Fraction | None,
           rng: random.Random) -> tuple[Event, Fraction] | None:
    """Draw numbers for one beat after the value `start`; None where none fits in few tries."""
    for _ in range(TRIES):
        numbers = {slot: sample_number(kind, rng, start or Fraction(40))
                   for slot, kind in beat.slots}
        try:
            steps, value = run_moves(beat.moves, numbers, start)
        except Impossible:
            continue
        if not all(step.value.denominator <= 2 for step in steps) and (
                family.rule in ("money", "decimal") and rng.random() < PLAINNESS):
            continue
        if natural(family, steps, value) and value != start:
            return Event(beat, dict(numbers)), value
    return None


def draw_events(family: Family, level: int, rng: random.Random) -> tuple[Event, ...]:
    """Draw a chain of beats of `level` steps with natural numbers."""
    paths, weights = family.paths(level), family.weights(level)
    while True:
        path, value, events = rng.choices(paths, cum_weights=weights)[0], None, []
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
    item = rng.choice(family.items[language] or ("",))
    if family.wide.get(language) and rng.random() < 0.1:
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


def fill(template: str, words: Mapping[str, str], numbers: Mapping[str, str],
         language: str) -> str:
    """Return a template with its slots filled."""
    return template.format_map(
        {**lexicon.pronouns(words["name"], language), **words, **numbers})


def event_text(event: Event, story: Story, rng: random.Random, unlike: int = -1) -> str:
    """Return one event as a sentence, phrased at random but not as phrasing `unlike`."""
    forms = event.beat.phrasings[story.language]
    choices = [place for place in range(len(forms)) if place != unlike] or [0]
    return phrase(event, story, rng.choice(choices))


def phrase(event: Event, story: Story, form: int) -> str:
    """Return one event as a sentence in one of its phrasings."""
    numbers = {slot: show_slot(event, slot) for slot, _ in event.beat.slots}
    return fill(event.beat.phrasings[story.language][form], story.words, numbers, story.language)


def join(sentences: Sequence[str], language: str) -> str:
    """Return sentences as one text: spaced in English, unspaced in Chinese."""
    return ("" if language == "zh" else " ").join(sentences)


def tell(story: Story, rng: random.Random) -> str:
    """Return the story with its question, each sentence phrased at random."""
    sentences = [event_text(event, story, rng) for event in story.events]
    question, _ = rng.choice(story.family.asks[story.state].phrasings[story.language])
    sentences.append(fill(question, story.words, {}, story.language))
    return join(sentences, story.language)


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

