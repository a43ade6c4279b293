"""Writes problems by the ten, with programs or without, and programs for problems.

Why: TinyGSM's prompts ask for ten problems a call. "Similar" is read widely on purpose, as
models read it: the seed's chain with other numbers, another chain of its family, or a problem
of any family, so that few seeds still cover the world.

Used as: `text, kinds = author(TEN, reading, Spelling(request, rng, error_rate))`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from mathmill.identity import draw
from mathmill.teachers.symbolic.programs import COMPACT, STYLES, Program, program_of
from mathmill.teachers.symbolic.reader import Reading, read
from mathmill.teachers.symbolic.rewriting import insert_fact, redraw
from mathmill.teachers.symbolic.story import Story
from mathmill.teachers.symbolic.writer import draw_story, draw_words, tell
from mathmill.types import Request

TEN = "Write ten problems like the one below, each with a Python program that solves it."
QUESTIONS = "Write ten new problems from the one below."
DISTRACTED = ("Write ten problems in the style of the one below, each with irrelevant "
              "information.")
WRITE = "Write a Python program that solves the problem."
TASKS = (TEN, QUESTIONS, DISTRACTED, WRITE)
COUNT = 10
RENUMBERED, SAME_FAMILY = 0.2, 0.5
"Share of problems with the seed's chain, and of those of its family in all."
PLAIN = 0.3
"Share of sampled programs in the plain style beyond its turn."


@dataclass(frozen=True)
class Spelling:
    """How programs are written for one request."""

    request: Request
    "What was asked: its id decides all draws."
    rng: random.Random
    "Draws words, numbers and styles."
    error_rate: float
    "Share of programs that are wrong."
    compact: bool = False
    "Whether all are spelled in the one compact way."

    def program(self, reading: Reading, number: int = 0) -> tuple[str, str | None]:
        """Return a program for a problem, the `number`-th of the reply, and its mistake."""
        made = self.made(reading, number)
        return made.body, made.mistake

    def made(self, reading: Reading, number: int = 0) -> Program:
        """Return the same with its answer and what it prints."""
        luck = draw("symbolic mistake", self.request.id, *([number] if number else []))
        plain = self.request.temperature <= 0 or self.rng.random() < PLAIN
        style = 0 if plain else self.rng.randrange(len(STYLES))
        return program_of(reading, self.rng, wrong=luck.random() < self.error_rate,
                          style=COMPACT if self.compact else style)


def author(task: str, reading: Reading, spelling: Spelling) -> tuple[str, list[str]]:
    """Return the reply to one of `TASKS` and the kinds of mistakes in its programs."""
    rng, kinds = spelling.rng, list[str]()
    if task == WRITE:
        body, kind = spelling.program(reading)
        return f"{body}\n<end of program>", [kind] if kind else []
    parts: list[str] = []
    seen = {reading.story.signature()}
    for number in range(1, COUNT + 1):
        story = _similar(reading.story, rng, seen, (0, 0, 1) if task != TEN else (-1, 0, 0, 1))
        text = tell(story, rng)
        if task == DISTRACTED:
            text = _distracted(text, rng)
        parts.append(f"Problem {number}:\n{text}\n<end of problem>")
        if task == TEN:
            body, kind = spelling.program(Reading(story, ()), number)
            kinds += [kind] if kind else []
            parts.append(f"Program {number}:\n{body}\n<end of program>")
    return "\n".join(parts), kinds


def _similar(story: Story, rng: random.Random, seen: set[str], levels: tuple[int, ...]) -> Story:
    """Return another story than those `seen`, and note it among them."""
    while True:
        luck = rng.random()
        made = redraw(story, rng) if luck < RENUMBERED else None
        if made is not None:
            made = replace(made, words=draw_words(made.family, story.language, rng))
        else:
            level = max(2, min(5, story.level + rng.choice(levels)))
            own = luck < SAME_FAMILY and story.family.paths(level)
            made = draw_story(level, story.language, rng, (story.family.name,) if own else None)
        mark = made.signature()
        if mark not in seen:  # there are thousands of stories of two steps
            seen.add(mark)
            return made


def _distracted(text: str, rng: random.Random) -> str:
    """Return a problem with one irrelevant fact, or two."""
    for _ in range(rng.choice((1, 1, 2))):
        reading = read(text)
        assert reading is not None, f"what this teacher writes it reads: {text}"
        text = insert_fact(reading, rng)
    return text
