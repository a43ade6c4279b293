"""Distractors: facts put into a problem that no right solution uses.

Why: a student that adds up whatever numbers it sees scores well until a number is there
that it should leave alone. Skywork-Math tests with 0 to 5 distractors in the manner of
CMATH; this makes such items, one fact at a time, and the answer stays the seed's.

What is checked without a teacher: every number of the problem is still there, and what was
added holds something. Whether the fact is truly irrelevant shows when the solution agrees
with the seed's answer (`verify`).

`Insert` has a teacher think of the fact; `Sentence` takes it from a table, in one of the eight
kinds of GSM-IC, so that what leads a student astray can be told apart.

Used as: `distractor.insert.attempt(seed, number)`, `distractor.Insert(count=5)`, or
`distractor.Sentence(in_topic=False)`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from mathmill.methods.attempt import Attempting, Trail, Working, check_problem, parent_of
from mathmill.methods.irrelevant import Switches, insert_sentence
from mathmill.methods.metamath import known_answer
from mathmill.methods.replies import Unusable, section
from mathmill.types import Problem

MOST = 5  # CMATH and Skywork-Math go up to five
_NUMBERS = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


def keeps_facts(text: str, before: str) -> bool:
    """Tell whether every number of `before` is still in `text`, as often at least."""
    return not Counter(_NUMBERS.findall(before)) - Counter(_NUMBERS.findall(text))


@dataclass(frozen=True)
class Insert(Attempting):
    """Insert `count` irrelevant facts, one request each, then have the problem solved."""

    name: str = field(default="", init=False)
    count: int = 1
    "How many facts, 1 to 5."

    def __post_init__(self) -> None:
        """Name the method by its count, for each count is a method of its own."""
        assert 1 <= self.count <= MOST, f"1 to {MOST} distractors, not {self.count}"
        ending = "" if self.count == 1 else f"_{self.count}"
        object.__setattr__(self, "name", f"distractor.insert{ending}")

    def prompts(self) -> tuple[str, ...]:
        """Return both prompts."""
        return ("distractor/insert", "solve")

    def work(self, seed: Problem, number: int) -> Working:
        """Insert fact after fact; the seed's answer must still come out."""
        expected = known_answer(seed)
        trail = Trail(number, seed.language)
        before = text = seed.question
        for _ in range(self.count):
            reply = yield from self.ask(trail, "distractor/insert", problem=text)
            longer = section(reply, "Problem with distractor", "Problem with distractors",
                             "Problem with the distractor", "加入干扰信息后的题目")
            longer = check_problem(longer, text)
            if len(longer) <= len(text):
                raise Unusable("nothing inserted", longer)
            if not keeps_facts(longer, text):
                raise Unusable("facts changed", longer)
            before, text = text, longer
        return (yield from self.solved(
            trail, text, seed, expected=expected, parent=parent_of(before, seed),
            level=seed.level, subject=seed.subject, signature=seed.signature))


@dataclass(frozen=True)
class Sentence(Attempting):
    """Put one sentence of a known kind into the problem (GSM-IC), then have it solved."""

    name: str = field(default="", init=False)
    in_topic: bool = True
    "Whether the sentence speaks of the problem's own things."
    same_name: bool = True
    "Whether it is about a person of the problem."
    in_range: bool = True
    "Whether its number is within a factor of ten of one of the problem's."

    def __post_init__(self) -> None:
        """Name the method by its switches, so that its rows tell them."""
        kind = "_".join((("off", "in")[self.in_topic], ("other", "same")[self.same_name],
                         ("out", "near")[self.in_range]))
        object.__setattr__(self, "name", f"distractor.sentence_{kind}")

    def prompts(self) -> tuple[str, ...]:
        """Return the one prompt: the sentence comes from a table."""
        return ("solve",)

    def work(self, seed: Problem, number: int) -> Working:
        """Insert the sentence; the seed's answer must still come out."""
        expected = known_answer(seed)
        trail = Trail(number, seed.language)
        switches = Switches(self.in_topic, self.same_name, self.in_range)
        text, _ = insert_sentence(seed, switches, number)
        trail.prompts.append(switches.label)
        return (yield from self.solved(
            trail, text, seed, expected=expected, parent=parent_of(seed.question, seed),
            level=seed.level, subject=seed.subject, signature=seed.signature))


insert = Insert()
