"""A stage in a process of its own, and the peak of memory that it and its workers hold.

Why: a peak is a process's for ever, so that two stages in one process show the higher one; and
who watches must not count to what is watched.

Used as: `found = watched([sys.executable, "scale.py", "--child", "verify"])`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAUSE = 0.2  # seconds between two looks


def watched(command: Sequence[str]) -> dict[str, Any]:
    """Run a command that prints JSON in its last line; return that with `mib`, its peak."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak = 0
        while True:
            peak = max(peak, sum(map(held, family(process.pid))))
            try:
                said, _ = process.communicate(timeout=PAUSE)
                break
            except subprocess.TimeoutExpired:
                continue
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return {**found, "mib": peak / 1024}


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def held(pid: int) -> int:
    """Return the proportional set of a process in KiB; 0 where it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
