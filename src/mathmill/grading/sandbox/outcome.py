"""What goes into the sandbox and what comes out: `Program`, `Limits`, `Outcome`, `Engine`.

Why: two engines that share nothing but this page can be held against each other, and what
calls them cannot tell which one ran. The expected answer is no part of it: comparison stays
outside, so a program can forge nothing but its own value.

Used as: `engine.run([Program(code, "simple_math_problem()")], Limits())` -> `[Outcome(...)]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

VALUE = "value"
ERROR = "error"
TIMEOUT = "timeout"
MEMORY = "memory"
REFUSED = "refused"
CRASHED = "crashed"
KINDS = (VALUE, ERROR, TIMEOUT, MEMORY, REFUSED, CRASHED)


@dataclass(frozen=True, slots=True)
class Program:
    """Source text and where its result stands."""

    code: str
    "Python source, as the model wrote it, without fences."
    result: str = "simple_math_problem()"
    "Expression evaluated after the code; empty for the last line that the code prints."
    state: int = 0
    "Where random numbers and the order of sets begin; 0 reads the clock, others one far ahead."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use."""

    seconds: float = 2.0
    "Wall-clock seconds."
    memory_mb: int = 256
    "Address space or heap, in MiB."
    output: int = 10_000
    "Characters of a value's `repr`, or of printed text, that are kept; a longer value is refused."
    source: int = 20_000
    "Characters of source; a longer program is refused unread."


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one program ended."""

    kind: str
    "One of `KINDS`; `refused`: no engine here can run it, which says nothing about its answer."
    value: str | None = None
    "`repr` of the value (the text itself for a printed line); None unless `kind` is `value`."
    type: str = ""
    "Name of the value's type: `int`, `float`, `Fraction`, ...; `printed` for a printed line."
    error: str = ""
    "Class name of the exception, or why it was refused or how it crashed."
    engine: str = ""
    "The engine that ran it."
    seconds: float = 0.0
    "Wall-clock seconds that it took, as the engine saw it."


class Engine(Protocol):
    """One way to run programs apart from this process.

    An engine that gives each program a process of its own may say so: `apart = True`.
    """

    name: str
    "As outcomes call it."

    def run(self, programs: Sequence[Program], limits: Limits) -> list[Outcome]:
        """Return an outcome for each program, in order. Never raises for what a program does."""
        ...

    def close(self) -> None:
        """End every process that the engine started."""
        ...
