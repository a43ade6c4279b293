"""How hard a row is, 1 to 5: by the steps of its solution, or by how often a student is right.

Why: two-stage training needs easy and hard rows, and a set without levels has none.
Counting steps is free and fits grade-school solutions; a teacher's rating, which is what
Skywork-Math used (its Table 5), is asked and read by `methods.difficulty`.

Used as: `level_by_steps(solution)`, `level_by_rate(right=3, samples=8)`.
"""

from __future__ import annotations

import re

_ANSWER_LINE = re.compile(r"^\s*(?:the answer is|answer:|####|答案)", re.IGNORECASE)
_STARTS = "tTaA#答"  # of such a line; looked at first, which is half the time of the pattern


def steps_of(solution: str) -> int:
    """Return the steps of a solution: lines that compute (with `=` or `≈`), else all lines."""
    lines = [line for line in solution.splitlines()
             if line.strip() and not (line.lstrip()[0] in _STARTS and _ANSWER_LINE.match(line))]
    computing = sum("=" in line or "≈" in line for line in lines)
    return computing or len(lines)


def level_by_steps(solution: str) -> int | None:
    """Return one level a step, at most 5; None for a solution without a step."""
    steps = steps_of(solution)
    return min(steps, 5) if steps else None


def level_by_rate(right: int, samples: int) -> int:
    """Return 1 where at least four in five samples are right, to 5 where fewer than one in five is.

    Our own steps; asserts 0 <= right <= samples, samples > 0.
    """
    assert 0 <= right <= samples > 0, f"{right} right of {samples}"
    return 5 - min(4, 5 * right // samples)
