"""One run of the teacher engine in a process of its own: what `teacher_engine.py` measures.

Why apart: processor time and peak memory are a process's, and a kill needs one to kill. It is
the whole stack that a run has: registry, journal, account, engine, hands.

Used as: `python benchmarks/teacher/client.py '{"url": ..., "count": 1000, "folder": ...}'`; it
prints one line of JSON. Fields: `count` requests of `size` characters, or as many as fit in
`seconds`; at most `at_once` in flight; rows go to `out` (JSONL) at the end, where given.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mathmill.stages.asking import Asking
from mathmill.teachers.registry import open_teacher
from mathmill.types import Message, Reply, Request
from mathmill.workbench import Terms


def question(number: int, size: int) -> str:
    """Return a question of at least so many characters, unlike any other."""
    return f"Question {number}: " + "How many apples are left? " * (size // 26)


def main(url: str, folder: str, count: int = 0, seconds: float = 0, size: int = 0,
         at_once: int = 0, out: str = "") -> dict[str, Any]:
    """Ask, and return what it took."""
    began = time.monotonic()

    def requests() -> Iterator[Request]:
        number = 0
        while number < count or (not count and time.monotonic() - began < seconds):
            yield Request((Message("user", question(number, size)),))
            number += 1

    rows: list[tuple[str, str]] = []
    tally = {"rows": 0, "failed": 0, "found": 0}

    def take(request: Request, reply: Reply) -> None:
        tally["rows"] += 1
        tally["failed"] += reply.finish == "error"
        tally["found"] += reply.found
        if out:
            rows.append((request.messages[-1].content, reply.text))

    home = Path(folder)
    teacher: Any = open_teacher(f"openai:tiny@{url}", home, Terms(no_cost=True, journal=home))
    with Asking(teacher, at_once or teacher.in_flight) as asking:
        asking.each(requests(), take)
    if out:
        part = Path(out + ".part")
        part.write_text("".join(json.dumps(row) + "\n" for row in rows))
        os.replace(part, out)
    peak = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines()
                if line.startswith("VmHWM"))
    return {**tally, "seconds": time.monotonic() - began, "cpu": time.process_time(),
            "peak_mb": peak / 1024}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
