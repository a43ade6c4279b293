"""The kinds of problems that are asked for: four stages of school, four contests, two tools.

Why: the eight kinds of prose and the two of programs are JiuZhang3.0's; how hard each is on our
scale of five is a judgement of ours, there so that curricula and curves by level have something to
go by, and a rater may know better.

Used as: `KINDS["amc10"].words` -> `"AMC 10"`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    key: str
    "As prompts and methods are called: `from_text/KEY`, `from_text.KEY`."
    words: str
    "As the prompt and a row's subject say it."
    level: int
    "Difficulty of its problems, 1 (easy) to 5 (hard)."
    tool: bool = False
    "Whether the solution is a program, its output and a sentence."


KINDS = {kind.key: kind for kind in (
    Kind("grade", "grade-school", 1),
    Kind("middle", "middle-school", 2),
    Kind("high", "high-school", 3),
    Kind("college", "college", 4),
    Kind("amc8", "AMC 8", 2),
    Kind("amc10", "AMC 10", 3),
    Kind("amc12", "AMC 12", 4),
    Kind("aime", "AIME", 5),
    Kind("tool_grade", "grade-school", 1, tool=True),
    Kind("tool_contest", "contest", 3, tool=True),
)}
