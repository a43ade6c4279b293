"""How hard a row is, 1 to 5: by the steps of its solution, or as a teacher rates it.

Why: two-stage training needs easy and hard rows, and a set without levels has none.
Counting steps is free and fits grade-school solutions; a teacher's rating is what
Skywork-Math used (its Table 5).

Used as: `level_by_steps(solution)`, `level_in(reply_text)`.
"""

from __future__ import annotations

import re

_ANSWER_LINE = re.compile(r"^\s*(?:the answer is|answer:|####|答案)", re.IGNORECASE)
_LEVEL = re.compile(r"level\W{0,5}([1-5])(?!\d|[.,]\d)", re.IGNORECASE)
_ONLY = re.compile(r"^\W*([1-5])\W*$")


def steps_of(solution: str) -> int:
    """Return the steps of a solution: lines that compute (with `=` or `≈`), else all lines."""
    lines = [line for line in solution.splitlines()
             if line.strip() and not _ANSWER_LINE.match(line)]
    computing = sum("=" in line or "≈" in line for line in lines)
    return computing or len(lines)


def level_by_steps(solution: str) -> int | None:
    """Return one level a step, at most 5; None for a solution without a step."""
    steps = steps_of(solution)
    return min(steps, 5) if steps else None


def level_in(reply: str) -> int | None:
    """Return the level that a reply gives (`Level: 3`); None where it gives none or several."""
    found = {int(level) for level in _LEVEL.findall(reply)}
    if not found and (only := _ONLY.match(reply)):
        found = {int(only.group(1))}
    return found.pop() if len(found) == 1 else None
