"""Distractors: facts put into a problem that no right solution uses.

Why: a student that adds up whatever numbers it sees scores well until a number is there
that it should leave alone. Skywork-Math tests with 0 to 5 distractors in the manner of
CMATH; this makes such items, one fact at a time, and the answer stays the seed's.

What is checked without a teacher: every number of the problem is still there, and what was
added holds something. Whether the fact is truly irrelevant shows when the solution agrees
with the seed's answer (`verify`).

Used as: `distractor.insert.attempt(seed, number)`, or `distractor.Insert(count=5)`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from mathmill.methods.attempt import Attempting, Trail, Working, check_problem, parent_of
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


insert = Insert()
