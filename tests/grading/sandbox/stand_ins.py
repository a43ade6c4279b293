"""Engines for the tests of the front: they run simple sources by hand, and break on request.

A source is one word and a number: `value 5`, `refuse 5`, `kill 5` (ends the process),
`hang 5`, `poison 5` (this and all later results are wrong until the engine is closed),
`raise 5`, `late 5`, `crash 5` and `stumble 5` (crashes the first time only).
Canaries are recognised and answered from their source.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Sequence

from mathmill.errors import MissingExtra, UsageError
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program
from mathmill.grading.sandbox.route import canary


class First:
    """Breaks as the source says."""

    name = "first"
    shift = 0

    def __init__(self) -> None:
        self.poisoned = False
        self.seen: list[str] = []

    def run(self, programs: Sequence[Program], limits: Limits) -> list[Outcome]:
        return [self.one(program) for program in programs]

    def one(self, program: Program) -> Outcome:
        self.seen.append(program.code)
        if program.result == "canary()":
            a = int(re.search(r"floor\((\d+)", program.code)[1])
            number = next(n for n in range(100_000) if 1000 + n * 7919 % 90_000 == a)
            value = "0" if self.poisoned else canary(number)[1]
            return Outcome("value", value, "list", "", self.name)
        word, _, number = program.code.partition(" ")
        if word == "refuse" and self.name == "first":
            return Outcome("refused", error="cannot", engine=self.name)
        if word == "syntax" and self.name == "first":
            return Outcome("refused", error="SyntaxError: no", engine=self.name)
        if word == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "hang":
            time.sleep(600)
        if word == "slow":
            time.sleep(0.2)
        if word == "raise":
            raise RuntimeError("an engine's own error")
        if word == "crash" or (word == "stumble" and self.seen.count(program.code) == 1):
            return Outcome("crashed", error="worker died", engine=self.name)
        if word == "late":
            return Outcome("timeout", engine=self.name)
        if word == "error":
            return Outcome("error", error="ValueError", engine=self.name)
        self.poisoned |= word == "poison"
        value = int(number or 0) + (self.shift if word == "differ" else 0)
        return Outcome("value", str(0 if self.poisoned else value), "int", "", self.name)

    def close(self) -> None:
        self.poisoned = False


class Second(First):
    """Runs what the first refuses; differs on `differ`."""

    name = "second"
    shift = 1


class Wrong(First):
    """Wrong from the start."""

    name = "wrong"

    def __init__(self) -> None:
        super().__init__()
        self.poisoned = True

    def close(self) -> None:
        """Stay as it is."""


def no_package() -> First:
    """Stand for an engine whose package is not there."""
    raise MissingExtra("pydantic-monty", "sandbox")


def no_walls() -> First:
    """Stand for an engine that the machine cannot confine."""
    raise UsageError("the second engine needs Landlock")
