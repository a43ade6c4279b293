r"""One zygote as its client sees it: the process, the frames both ways, what an answer means.

Why: the kind of an outcome is decided here, from how the child's process ended, never from
what the child says; its line is checked to be one line of one form and of bounded length.

Used as: `Zygote(python, 1, ["confined", "", "", ""]).run([(0, program)], Limits())`.
Frames to the zygote: `number seconds bytes cap code-length result-length\n`, the two texts.
Frames from it: `number how status cpu-seconds wall-seconds length\n`, the child's line.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mathmill.errors import UsageError
from mathmill.grading.sandbox import outcome as ends
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program

NAME = "zygote"
_CHILD = Path(__file__).resolve().with_name("zygote_child.py")
_FLAGS = ("-P", "-s", "-S", "-B", "-X", "utf8")  # -I without -E: the environment is ours
# Beside the hash seed, the state: a program that prints a set prints it alike in every run.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
                "LC_ALL": "C.UTF-8", "PATH": ""}
_GRACE = 5.0  # seconds past a program's limit before the zygote itself is taken for stuck
_START = 60.0  # seconds for imports; SymPy takes 2 on a slow machine
_AHEAD = 8  # programs sent beyond those at work, so that the zygote need not wait for us
_LINE = re.compile(rb'([VPERU])\t([^\t\n]{1,200})\t("[^\t\n]*")\n')


class Zygote:
    """A running zygote; not for two threads at once."""

    def __init__(self, python: str, jobs: int, walls: Sequence[str], state: int = 0) -> None:
        """Start it in a state and wait until it is confined; raise UsageError if it cannot be."""
        self._owner, self._jobs = os.getpid(), jobs
        self._process = subprocess.Popen(
            [python, *_FLAGS, str(_CHILD), str(jobs), *walls], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env=_ENVIRONMENT | {"PYTHONHASHSEED": str(state)}, cwd="/", start_new_session=True)
        assert self._process.stdin
        assert self._process.stdout
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._received, self._seconds = bytearray(), 0.0
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        said = self._first_line()
        if "applied" not in said:
            self.end()
            raise UsageError(f"the zygote did not start: {said.get('refused')}")
        self.applied: dict[str, object] = said["applied"]

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def usable(self) -> bool:
        """Tell whether it runs and is this process's own (a fork of us must not share it)."""
        return self._owner == os.getpid() and self._process.poll() is None

    def end(self) -> None:
        """Kill it and reap it; its children have asked to die with it."""
        if self._owner == os.getpid():
            # As root its user is another, but the right to signal it is root's.
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def run(self, programs: Sequence[tuple[int, Program]], limits: Limits) -> dict[int, Outcome]:
        """Return outcomes by number: of all programs, or of those until the zygote was lost.

        One that is lost takes the programs that were at work with it, as crashed; those that
        had not begun are missing from the answer.
        """
        self._seconds = limits.seconds
        outcomes: dict[int, Outcome] = {}
        unanswered: dict[int, None] = {}
        unsent, frames = 0, bytearray()
        patience = (1 + _AHEAD / self._jobs) * limits.seconds + _GRACE
        heard = time.monotonic()
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        while len(outcomes) < len(programs):
            while unsent < len(programs) and len(unanswered) < self._jobs + _AHEAD:
                frames += _frame(*programs[unsent], limits)
                unanswered[programs[unsent][0]] = None
                unsent += 1
            poll.register(self._to, select.POLLOUT if frames else 0)
            ready = dict(poll.poll(500))
            if ready.get(self._to, 0) & select.POLLOUT:
                with contextlib.suppress(BrokenPipeError, BlockingIOError):
                    del frames[:os.write(self._to, frames[:1 << 16])]
            answers = self._answers() if self._from in ready else []
            for number, outcome in () if answers is None else answers:
                outcomes[number] = outcome
                unanswered.pop(number, None)
                heard = time.monotonic()
            if answers is None or time.monotonic() - heard > patience:
                self.end()
                for number in [*unanswered][:self._jobs]:
                    outcomes[number] = Outcome(ends.CRASHED, error="the zygote was lost",
                                               engine=NAME)
                break
        return outcomes

    def _answers(self) -> list[tuple[int, Outcome]] | None:
        """Return the answers that have come whole, None if no more can come."""
        with contextlib.suppress(BlockingIOError):
            received = os.read(self._from, 1 << 16)
            if not received:
                return None
            self._received += received
        answers = []
        while (end := self._received.find(b"\n")) >= 0:
            number, how, status, cpu, wall, length = bytes(self._received[:end]).split()
            last = end + 1 + int(length)
            if len(self._received) < last:
                break
            line = bytes(self._received[end + 1:last])
            del self._received[:last]
            if float(cpu) > self._seconds and os.WIFSIGNALED(int(status)):
                how = b"timeout"  # the kernel's limit on CPU seconds was there before the wall's
            kind, value, name, error = _meaning(how.decode(), int(status), line)
            answers.append((int(number), Outcome(kind, value, name, error, NAME, float(wall))))
        return answers

    def _first_line(self) -> dict[str, Any]:
        """Return what the zygote says first, or why it said nothing."""
        deadline = time.monotonic() + _START
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            poll = select.poll()
            poll.register(self._from, select.POLLIN)
            if left <= 0 or not poll.poll(left * 1000):
                return {"refused": f"it was silent for {_START:.0f} seconds"}
            received = os.read(self._from, 1 << 16)
            if not received:
                assert self._process.stderr
                words = self._process.stderr.read().decode(errors="replace").strip().splitlines()
                return {"refused": words[-1] if words else "it ended at once"}
            self._received += received
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received = bytearray(rest)
        said: dict[str, Any] = json.loads(line)
        return said


def _frame(number: int, program: Program, limits: Limits) -> bytes:
    code = program.code.encode("utf-8", "surrogatepass")
    result = program.result.encode("utf-8", "surrogatepass")
    head = (f"{number} {limits.seconds} {limits.memory_mb << 20} {limits.output} "
            f"{len(code)} {len(result)}\n")
    return head.encode() + code + result


def _meaning(how: str, status: int, line: bytes) -> tuple[str, str | None, str, str]:
    """Return kind, value, type and error of an answer: the process's end first, then its line."""
    if how != "ended":
        return (ends.TIMEOUT, None, "", "") if how == "timeout" else (
            ends.REFUSED, None, "", "more than one line of result")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGKILL:  # not by us: the system was out of memory
            return ends.MEMORY, None, "", "killed by the system"
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        return ends.CRASHED, None, "", f"{name}{': a forbidden system call' * (name == 'SIGSYS')}"
    if status != 0:
        return ends.CRASHED, None, "", f"exit code {os.WEXITSTATUS(status)}"
    if not line:
        return ends.CRASHED, None, "", "ended without a result"
    match = _LINE.fullmatch(line)
    try:
        said = json.loads(match[3]) if match else None
    except ValueError:  # not JSON, or not UTF-8: the program wrote it, not our code
        said = None
    if match is None or said is None:
        return ends.REFUSED, None, "", "a malformed result"
    return _said(match[1].decode(), match[2].decode(errors="replace"), said)


def _said(letter: str, name: str, text: str) -> tuple[str, str | None, str, str]:
    """Return the outcome that a well-formed line tells of."""
    if letter in "VP":
        return ends.VALUE, text, name, ""
    if letter == "E" and name == "MemoryError":
        return ends.MEMORY, None, "", name
    if letter == "E" and name in {"ModuleNotFoundError", "ImportError"}:
        return ends.REFUSED, None, "", f"{name}: {text}" if text else name
    if letter == "E":
        return ends.ERROR, None, "", name
    return (ends.CRASHED if letter == "U" else ends.REFUSED), None, "", text
