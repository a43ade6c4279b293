"""Read times of day and dates exactly.

Why: `20:34` and `8:34 p.m.` are one time, and `12:30` is not half of `6:15`; an algebra
system sees ratios, and words it does not know.

Used as: `read_time("8:34 pm")` -> `"20:34:00"`, `read_date("May 5")` -> `"5-5"`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_TIME = re.compile(r"([01]?[0-9]):([0-5][0-9])(?::([0-5][0-9]))? ?([ap])\.? ?m\.?",
                   re.IGNORECASE)
_HOUR = re.compile(r"([01]?[0-9]) ?([ap])\.? ?m\.?", re.IGNORECASE)
_MONTHS = {name: place for place, name in enumerate(
    re.findall(r"\S+",
    "january february march april may june july august september october november "
    "december"), start=1)}
_MONTHS |= {name[:3]: place for name, place in _MONTHS.items()} | {"sept": 9}
_DAY_FIRST = re.compile(r"([0-3]?[0-9])(?:st|nd|rd|th)?(?: of)? ([A-Za-z]{3,9})\.?"
                        r"(?:,? ([0-9]{4}))?")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? ([0-3]?[0-9])(?:st|nd|rd|th)?(?:,? ([0-9]{4}))?")


def read_time(text: str) -> str | None:
    """Return a time that says its half of the day as `hh:mm:ss` of 24 hours, or None.

    `20:34` alone may be a ratio: see `as_time`.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        hour = _HOUR.fullmatch(text)
        if hour is None or int(hour[1]) > 12:
            return None
        return f"{_full_hour(int(hour[1]), hour[2])}:00:00"
    if int(found[1]) > 12:
        return None
    return f"{_full_hour(int(found[1]), found[4])}:{found[2]}:{found[3] or '00'}"


def as_time(parts: Sequence[int]) -> str | None:
    """Return two or three numbers between colons as the time of day that they may be."""
    if not 2 <= len(parts) <= 3 or parts[0] > 24 or max(parts[1:]) > 59 or min(parts) < 0:
        return None
    return ":".join(f"{part:02d}" for part in (*parts, 0)[:3])


def _full_hour(hour: int, half: str) -> str:
    """Return the hour of 24."""
    return f"{hour % 12 + (12 if half.lower() == 'p' else 0):02d}"


def read_date(text: str) -> str | None:
    """Return a date as `month-day` or `month-day-year`, or None."""
    found = _DAY_FIRST.fullmatch(text)
    if found is not None:
        day, month, year = found[1], found[2], found[3]
    else:
        found = _MONTH_FIRST.fullmatch(text)
        if found is None:
            return None
        day, month, year = found[2], found[1], found[3]
    number = _MONTHS.get(month.lower())
    if number is None or not 1 <= int(day) <= 31:
        return None
    return f"{number}-{int(day)}" + (f"-{year}" if year else "")
