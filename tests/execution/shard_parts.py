"""Parts of a made-up stage, in a module of their own so that workers can import them."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mathmill.execution.step import Step
from mathmill.types import Drop, Problem, make_problem
from mathmill.workbench import Workbench


def problems(count: int) -> list[Problem]:
    return [make_problem(f"What is {n} + 1?", answer=str(n + 1)) for n in range(count)]


def make(bench: Workbench, *, count: int) -> None:
    bench.keep(problems(count), Problem)


def number_of(row: Problem) -> int:
    return int(row.question.split()[2])


def shout(bench: Workbench, *, log: str = "", wait: float = 0.0, bad: Sequence[int] = (),
          deadly: Sequence[int] = (), once: str = "", full: str = "") -> None:
    """Write questions in capitals, drop every fifth; raise, kill or wait where it is asked for."""

    if full in os.environ:  # set on a node whose disk is full
        raise OSError(errno.ENOSPC, "No space left on device")

    def done() -> Any:
        seen = 0
        for row in bench.rows("rows", Problem):
            number, seen = number_of(row), seen + 1
            if log:
                with open(log, "a") as file:
                    file.write(f"{os.getpid()} {number}\n")
            if wait:
                time.sleep(wait)
            if number in bad:
                raise ValueError(f"{number} cannot be shouted")
            if number in deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            if once and number == 25 and not Path(once).exists():
                Path(once).write_text("x")
                os.kill(os.getpid(), signal.SIGKILL)
            if number % 5 == 0:
                bench.drop(Drop(row.id, "fifth", str(number)))
            else:
                yield replace(row, question=row.question.upper())
        bench.facts["rows_in"] = seen

    bench.keep(done(), Problem)
    bench.facts["made"] = bench.once("index", lambda: 1)


def merged(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"rows_in": sum(each["rows_in"] for each in facts)}


def loud(bench: Workbench, **literals: Any) -> None:
    bench.map(shout, literals, merge=merged)


def recipe(count: int = 100, **literals: Any) -> Step:
    return Step("loud", loud, literals, {"rows": Step("make", make, {"count": count})})


def unlisted(bench: Workbench, *, log: str) -> None:
    """Keep what the whole input `list` does not hold."""
    def read() -> set[str]:
        with open(log, "a") as file:
            file.write("read\n")
        return {row.id for row in bench.rows("list", Problem)}

    rows, listed = list(bench.rows("rows", Problem)), bench.once("list", read)
    for row in rows:
        if row.id in listed:
            bench.drop(Drop(row.id, "listed"))
    bench.keep([row for row in rows if row.id not in listed], Problem)
    bench.facts["rows_in"] = len(rows)
