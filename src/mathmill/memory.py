"""How much memory this process may still take: the machine's, or its container's, the less.

Why: a process that takes more is killed without a word, often after hours; whoever knows before
the start what it will take can say so. A container's limit is not the machine's.

Used as: `free = free_memory()`; `if free is not None and needed > free: raise UsageError(...)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def free_memory(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the bytes that can still be taken, or None where the system does not tell.

    What the system holds of files (and gives back when asked) counts as free.
    """
    found = [*_machine(proc), *_groups(proc, groups), *_limit(proc)]
    return max(0, min(found)) if found else None


def _machine(proc: Path) -> Iterator[int]:
    """Yield what the machine has."""
    rows = _rows(proc / "meminfo")
    if "MemAvailable:" in rows:
        yield rows["MemAvailable:"] * 1024


def _groups(proc: Path, groups: Path) -> Iterator[int]:
    """Yield what each control group around this process leaves, of either version."""
    for line in _text(proc / "self/cgroup").splitlines():
        _, kinds, path = [*line.split(":", 2), "", ""][:3]
        if kinds == "":
            top, most, now, files = groups, "memory.max", "memory.current", "inactive_file"
        elif "memory" in kinds.split(","):
            top, most, now = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            files = "total_inactive_file"
        else:
            continue
        here = top / path.lstrip("/")
        # Within a container its own group may be the root of what is seen.
        for group in {here, *(up for up in here.parents if up.is_relative_to(top)), top}:
            limit, used = _text(group / most).strip(), _text(group / now).strip()
            if limit.isdigit() and used.isdigit():
                yield int(limit) - int(used) + _rows(group / "memory.stat").get(files, 0)


def _limit(proc: Path) -> Iterator[int]:
    """Yield what `ulimit -v` leaves."""
    try:
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(_text(proc / "self/statm").split()[0]) * resource.getpagesize()
    except (ImportError, IndexError, ValueError, OSError):
        return
    if soft != resource.RLIM_INFINITY:
        yield soft - taken


def _rows(path: Path) -> dict[str, int]:
    """Return the numbers of a file of names and numbers."""
    rows = (line.split() for line in _text(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
