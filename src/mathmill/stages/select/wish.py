"""Which rows of files are wished for, what a row of any shape says of that, and what became of all.

Why: levels stand in other fields in everybody's files, as numbers, as `Level 5` or as words;
the command and its stage must refuse the same things, before anything is read.

Used as: `wish = Wish(how="random", count=1000, levels=["4", "5"])`; `level_of_row(row, wish)`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from mathmill.errors import UsageError
from mathmill.grading.files.rows import ABSENT, value_at
from mathmill.io import storable
from mathmill.stages.any_rows import Sifted
from mathmill.stages.seeds import formats
from mathmill.words import counted

HOW = ("coreset", "random", "all")
DIFFICULTIES = ("by_steps", "given", "teacher")
NAMES = ("level", "difficulty")  # of fields that may hold it, where none is named


@dataclass(frozen=True)
class Wish:
    """Which rows are wanted."""

    how: str = "coreset"
    "Far apart (`coreset`), at `random`, or `all`."
    count: int | None = None
    "How many."
    fraction: float | None = None
    "Or which share of those that can be chosen; all where neither is given."
    seed: int = 0
    "Of what is random."
    levels: Sequence[str] | None = None
    "The only levels that stay, as the rows say them: `4`, `hard`."
    level: str | None = None
    "Field with the level; None: a shape that is known."
    difficulty: str = "by_steps"
    "How rows without a level get one: `by_steps` of the solution, `teacher`, or not (`given`)."
    rates: tuple[float, float] | None = None
    "Least and greatest pass rate that stays."
    rate: str = "pass_rate"
    "Field with the pass rate."
    repeats: bool = False
    "Whether rows that say again what an earlier one says may be chosen too."
    name: str | None = None
    "Field with the text; None: a shape that is known."

    def __post_init__(self) -> None:
        """Raise UsageError for what cannot be right."""
        if self.how not in HOW:
            raise UsageError(f"--how {self.how}: say {', '.join(HOW)}")
        if self.count is not None and self.fraction is not None:
            raise UsageError("give --count or --fraction, not both")
        if self.count is not None and self.count < 1:
            raise UsageError(f"--count {self.count} chooses nothing; give 1 or more")
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise UsageError(f"--fraction {self.fraction}: give a share above 0, at most 1")
        if self.how == "all" and (self.count or self.fraction):
            raise UsageError("--how all chooses every row that is left; leave out --count and "
                             "--fraction, or say --how random")
        if self.difficulty not in DIFFICULTIES:
            raise UsageError(f"--difficulty {self.difficulty}: say {', '.join(DIFFICULTIES)}")
        if self.levels is not None and not self.levels:
            raise UsageError("--levels names none; give some, such as 4,5 or 3-5")
        if self.rates is not None and not 0 <= self.rates[0] <= self.rates[1] <= 1:
            raise UsageError("--pass-rate: give two shares of 1, the lower one first, such as "
                             "0.1-0.7")

    def check_fields(self, rows: int, with_text: int, graded: int) -> None:
        """Raise UsageError for a field that no row has: the choice would rest on something else.

        `with_text`, `graded`: how many of so many rows have a text, and came with a level.
        """
        for option, name, found in (("--field", self.name, with_text),
                                    ("--level", self.levels and self.level, graded)):
            if name and rows and not found:
                raise UsageError(f"{option} {name}: none of {counted(rows, 'row')} has a "
                                 f"{'text' if option == '--field' else 'level'} there; mathmill "
                                 "stats tells which fields there are")

    def number(self, candidates: int) -> int:
        """Return how many of so many candidates are wanted; a share is taken as it is written.

        As floats 0.07 of 100 rows would be 7.000000000000001 of them, and 8.
        """
        if self.fraction is not None:
            return math.ceil(Fraction(str(self.fraction)) * candidates)
        return candidates if self.count is None else self.count


@dataclass
class Chosen(Sifted):
    """What became of the rows."""

    candidates: int = 0
    "Rows that could be chosen."
    levels: Counter[str] = field(default_factory=Counter)
    "Of the chosen, where levels were asked for."
    radius: tuple[float, float] | None = None
    "Of a core-set: greatest distance of a candidate to the chosen, and to as many at random."

    def text(self) -> str:
        """Return the counts for people."""
        lines = [self.told("read"), f"  {self.candidates:,} could be chosen"]
        if self.levels:
            lines.append("  levels chosen: " + ", ".join(
                f"{level}: {count:,}" for level, count in sorted(self.levels.items())))
        if self.radius is not None:
            lines.append(f"  covering radius {self.radius[0]:.4f} (of as many at random "
                         f"{self.radius[1]:.4f})")
        return "\n".join(lines)


def level_of_row(row: Mapping[str, Any], wish: Wish) -> str | None:
    """Return the level that a row gives itself (`4` for `Level 4`, else as it is), or None."""
    if wish.level is not None:
        values = [value_at(dict(row), wish.level)]
    else:
        values = [row.get(name) for name in NAMES]
    for value in values:
        said = None if value is ABSENT else formats.plain(value)
        if said is not None:
            return level_named(said)
    return None


def level_named(said: str) -> str:
    """Return a level as it is compared, in rows and in what is asked for: `Level 4` is `4`."""
    level = formats.level_of(said)
    return storable(said.strip().casefold()) if level is None else str(level)


def passes(row: Mapping[str, Any], wish: Wish) -> bool:
    """Tell whether a row's pass rate is among those wished for."""
    assert wish.rates is not None, "asked where rates are wished for"
    value = value_at(dict(row), wish.rate)
    return (isinstance(value, int | float) and not isinstance(value, bool)
            and wish.rates[0] <= value <= wish.rates[1])
