"""The state that a program begins in: random numbers, the order of sets, the clock.

Why: a program that draws or reads the clock returns what nobody can check. With one state it
returns the same each time and looks like any other; run in a second one it gives itself away.
Standard library only: it is read as a plain file by the zygote's child, too.

Used as: `enter(1)` in a zygote before its walls go up; `AHEAD` for monty's clock.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

# Another year, month, day, weekday, hour, minute, second than any run before it: 2033-08-17 05:43.
AHEAD = 2_007_783_801.987_654  # seconds since 1970, UTC


def enter(state: int) -> None:
    """Begin a state in this process: 0 seeds random numbers, another one moves the clock too.

    The order of sets is the environment's (`PYTHONHASHSEED`). The clock goes on from `AHEAD`,
    for `time` and, where it is loaded, `datetime`.
    """
    random.seed(state)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(state)
    if state:
        seconds, real = AHEAD - time.time(), time.time
        _move_time(lambda: real() + seconds)
        if "datetime" in sys.modules:
            _move_dates(sys.modules["datetime"])


def _move_time(now: Any) -> None:
    clock: Any = time
    clock.time, clock.time_ns = now, lambda: int(now() * 1e9)
    for name in ("localtime", "gmtime", "ctime"):
        original = getattr(time, name)
        setattr(time, name, lambda at=None, original=original: original(
            now() if at is None else at))
    written, local = time.strftime, time.localtime
    clock.strftime = lambda form, at=None: written(form, local() if at is None else at)


def _move_dates(module: Any) -> None:
    """Replace `datetime.datetime`, which asks the system; `date.today` asks `time.time`."""
    moved = type("datetime", (module.datetime,), {
        "__module__": "datetime",
        "now": classmethod(lambda cls, tz=None: cls.fromtimestamp(time.time(), tz)),
        "today": classmethod(lambda cls: cls.fromtimestamp(time.time())),
        "utcnow": classmethod(lambda cls: cls.fromtimestamp(
            time.time(), module.timezone.utc).replace(tzinfo=None))})
    module.datetime = moved
