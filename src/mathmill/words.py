"""Counts in the words of messages: `1 row`, `1,200 rows`.

Why: every command tells how many of what it met, and "1 rows" is read as carelessness
in the count too.

Used as: `counted(3, "row")`, `named_rows(16, ["rows.jsonl:4: this line is not JSON"])`.
"""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural but for one; `reply` becomes `replies`."""
    if number == 1:
        return f"1 {noun}"
    ending = noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
    return f"{number:,} {ending}"


def named_rows(number: int, first: Sequence[str], shown: int = 5) -> str:
    """Return one line that counts the rows that could not be read, and names the first."""
    names = list(first[:shown])
    more = f"; and {number - len(names):,} more" if number > len(names) else ""
    return f"{counted(number, 'row')} could not be read, the first: {'; '.join(names)}{more}"
