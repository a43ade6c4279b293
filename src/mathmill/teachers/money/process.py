"""Which process wrote a line of the account, and whether it can still settle what it holds.

Why: what a killed process held stays counted, what a living one holds may come back. A number
alone does not tell them apart: numbers are given out again.

Used as: `Entry(teacher, process=this_process())`, `is_alive(entry.process)`, by `ledger`.
"""

from __future__ import annotations

import os
import platform


def this_process(number: int | None = None) -> str:
    """Return what tells a process from all others, also from a later one of the same number."""
    number = os.getpid() if number is None else number
    try:
        with open(f"/proc/{number}/stat", "rb") as stat:
            begun = stat.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):  # no Linux: the number must do
        begun = "-"
    return f"{platform.node()} {number} {begun}"


def is_alive(process: str) -> bool:
    """Tell whether a process of this machine still runs; one of another machine never counts."""
    host, number, _ = process.rsplit(" ", 2)
    if host != platform.node():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs as somebody else
        pass
    return this_process(int(number)) == process
