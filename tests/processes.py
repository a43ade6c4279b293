"""What the kernel says about processes, for tests that nothing stays behind.

Why a place of its own: threads and processes end while one reads about them, which is no news to
such a test; read with care once, no test fails because a neighbour's thread was just going.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def children() -> set[int]:
    """Return the children of this process, those of every thread; skip where there is no /proc."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    if not tasks.is_dir():
        pytest.skip("needs /proc")
    found: set[int] = set()
    for task in tasks.iterdir():
        try:
            found.update(map(int, Path(task, "children").read_text().split()))
        except OSError:  # that thread has ended; its children are now another thread's
            continue
    return found


def runs(pid: int) -> bool:
    """Tell whether a process is there and not dead (a zombie that waits for its parent is)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
