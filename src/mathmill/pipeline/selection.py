"""Selection outside a recipe: rows of files chosen at random, by level, or far apart.

Used as: `print(choose_rows(["rows.jsonl"], Path("some.jsonl"), how="random", count=100).text())`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.errors import UsageError
from mathmill.workbench import Terms, Workbench

if TYPE_CHECKING:
    from mathmill.stages.select.wish import Chosen

_RANGE = re.compile(r"(\d{1,4})-(\d{1,4})")


def choose_rows(files: Sequence[str], out: Path, *, levels: str | None = None,
                rates: str | None = None, teacher: str | None = None, terms: Terms | None = None,
                home: Path | None = None, tell: Callable[[int, str], None] = lambda _, __: None,
                **wish: Any) -> Chosen:
    """Write the rows of files that are wished for, as they came; return the counts.

    `levels`: `4,5`, `3-5` or words that rows have; `rates`: `0.1-0.7`, least and greatest pass
    rate. `teacher` rates rows without a level where `difficulty="teacher"`, under `terms`, with
    its journal in `home`. `wish`: the other fields of `stages.select.wish.Wish`. Raises
    UsageError, InputError, StepFailed, TeacherError.
    """
    from mathmill.methods import difficulty
    from mathmill.stages.select.choice_of_files import choose_files
    from mathmill.stages.select.wish import Wish
    from mathmill.teachers import registry

    asks = wish.get("difficulty") == "teacher"
    if asks and levels is None:
        raise UsageError("--difficulty teacher rates rows for --levels; say which levels stay")
    if asks != (teacher is not None):
        raise UsageError("--difficulty teacher and --teacher NAME go together; give both or none")
    wished = Wish(levels=None if levels is None else levels_of(levels),
                  rates=None if rates is None else rates_of(rates), **wish)
    if teacher is None:
        return choose_files(files, out, wished, tell=tell)
    folder = home or out.parent
    bench = Workbench(folder, home=folder, terms=terms or Terms(), tools={
        "open_teacher": registry.opener(teacher), "teacher": teacher,
        "difficulty_request": difficulty.rate_request, "read_level": difficulty.read_level})
    return choose_files(files, out, wished, bench, registry.identity(teacher), tell)


def levels_of(text: str) -> list[str]:
    """Return the levels that a list names: `3-5,hard` is 3, 4, 5 and hard; raises UsageError."""
    from mathmill.stages.select.wish import level_named

    found: list[str] = []
    for word in filter(None, map(str.strip, text.split(","))):
        ends = _RANGE.fullmatch(word)
        if ends and int(ends[1]) > int(ends[2]):
            raise UsageError(f"--levels {word}: give the lower one first")
        found += (map(str, range(int(ends[1]), int(ends[2]) + 1)) if ends
                  else [level_named(word)])
    if not found:
        raise UsageError(f"--levels {text!r} names none; give some, such as 4,5 or 3-5")
    return list(dict.fromkeys(found))


def rates_of(text: str) -> tuple[float, float]:
    """Return the two ends of a range of shares: `0.1-0.7`; raises UsageError."""
    parts = text.split("-")
    try:
        if len(parts) == 2:
            return float(parts[0]), float(parts[1])
    except ValueError:
        pass
    raise UsageError(f"--pass-rate {text}: give two shares of 1, such as 0.1-0.7")
