"""What a step took of the machine: seconds of processor time, and GPUs.

Why: wall time tells what a step cost only where nothing ran beside it; several heavy steps share
the cores, and a sandbox works in processes of its own. So processor time is added up over this
process and all its children, and a GPU counts where this process put something on it.

Used as: `meter = Meter(); ...; meter.read()`, by the runner, for each step.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PROC = Path("/proc")
CPU = "cpu"


class Meter:
    """Begins to count when it is made."""

    def __init__(self, without: Iterable[int] = ()) -> None:
        """Take the ids of child processes that work for somebody else."""
        self._without = frozenset(without)
        self._cpu, self._made = processor_seconds(self._without), _allocations()

    def read(self) -> dict[str, Any]:
        """Return what was taken since: `cpu_seconds`, `device`, and `gpus` (how many).

        A GPU counts where torch in this process made room on it meanwhile; an engine in a
        process of its own (vLLM) is not seen.
        """
        spent = max(0.0, processor_seconds(self._without) - self._cpu)
        names = [name for number, (name, made) in _allocations().items()
                 if made > self._made.get(number, ("", 0))[1]]
        return {"cpu_seconds": round(spent, 3), "device": names[0] if names else CPU,
                "gpus": len(names)}


def processor_seconds(without: frozenset[int] = frozenset()) -> float:
    """Return the processor time of this process and of its children, living and waited for.

    Where there is no /proc, children count from when they have ended and were waited for.
    """
    own = os.times()
    total = time.process_time() + own.children_user + own.children_system
    families = _families()
    edge = list(families.get(os.getpid(), ()))
    while edge:
        child, ticks = edge.pop()
        if child not in without:
            total += ticks / os.sysconf("SC_CLK_TCK")
            edge += families.get(child, ())
    return total


def _families() -> dict[int, list[tuple[int, int]]]:
    """Return the children of every process, each with its ticks and those it waited for."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place in PROC.glob("[0-9]*/stat"):
        try:
            # The name stands in brackets and may hold anything: fields count from the last one.
            fields = place.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        found[int(fields[1])].append((int(place.parent.name), sum(map(int, fields[11:15]))))
    return found


def _allocations() -> dict[int, tuple[str, int]]:
    """Return name, and allocations so far, of each GPU that torch in this process has opened."""
    torch = sys.modules.get("torch")  # never loaded for this
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return {}
    return {number: (torch.cuda.get_device_name(number), int(
        torch.cuda.memory_stats(number).get("allocation.all.allocated", 0)))
        for number in range(torch.cuda.device_count())}
