"""A clock for tests that say how long something may keep its caller waiting.

Why: "given up after 0.3 s" is a promise of the program's, and a wall clock breaks it wherever
eight other programs share the processor. The kernel tells for how long a thread stood ready and
was not let run; that time is nobody's promise, all other waiting is the program's own.

Used as: `began = quiet()`, ..., `assert quiet() - began < 1.4`, in one and the same thread.
"""

from __future__ import annotations

import time


def quiet() -> float:
    """Return seconds, as on a machine that has nothing else to do than this thread.

    Where the kernel keeps no such account (anything but Linux), the wall clock's.
    """
    now = time.monotonic()
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as account:
            return now - int(account.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return now
