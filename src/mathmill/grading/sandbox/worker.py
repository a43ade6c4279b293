"""One worker of pydantic-monty: a process that runs one program after another.

Why: a program takes 30 us there, a change of processes 10. So programs are sent ahead, as many as
the pipe holds, each in a session of its own that ends before the next begins, and the replies are
read many at a time. What a program asks of the outside (a name, a module, a file) cannot be
answered ahead: it comes back unanswered, and is asked for again `alone`.

Used as: `for reply in Worker(command, limits, 500).replies([("6 * 7", 0)]): ...`.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mathmill.grading.sandbox import wire
from mathmill.grading.sandbox.outcome import Limits
from mathmill.grading.sandbox.state import AHEAD

START = 30.0  # seconds that a worker may take to open its first session
GRACE = 1.0  # seconds past a program's limit after which its worker is killed
ROOM = 1 << 16  # bytes sent ahead
NAP, EACH = 5e-4, 2.5e-5  # seconds of rest while replies gather: at most, and a waiting program
SLEEPING = 0.01  # seconds that a program may sleep in all
ASKED = 100  # questions that a program may ask
Source = tuple[str, int]  # a text, and the state that it runs in


class Lost(Exception):
    """The worker is gone; `late`: a program did not end in its time."""

    def __init__(self, why: str, late: bool = False) -> None:
        """Say what became of it."""
        super().__init__(why)
        self.late = late


@dataclass(slots=True)
class Reply:
    """What came of one program."""

    kind: int
    "`wire.COMPLETE`, `wire.ERROR`, or one of `wire.ASKS`: what it asked for was not answered."
    body: bytes
    "To be read with `wire.value` or `wire.raised`."
    seconds: float
    "That its code ran."
    printed: Printed | None
    "What it printed, if it did."


class Printed:
    """What a program prints: its end is kept, so that the last line can be read."""

    def __init__(self, cap: int) -> None:
        """Keep a last line of at most `cap` characters."""
        self._cap, self._text = cap, ""

    def add(self, text: str) -> None:
        """Take the next piece."""
        whole = self._text + text
        # Blank lines after the last line must not push it out.
        self._text = whole if len(whole) <= 2 * self._cap else (
            whole.rstrip()[-self._cap - 1:] + "\n" * whole[-1].isspace())

    def last_line(self) -> str | None:
        """Return the last line with anything on it; None if there is none."""
        lines = [line for line in self._text.splitlines() if line.strip()]
        return lines[-1].strip() if lines else None


class Worker:
    """A running worker; not for two threads at once."""

    def __init__(self, command: Sequence[str], limits: Limits, depth: int) -> None:
        """Start it and hear that it opens sessions. `depth`: calls within calls. Raises Lost."""
        self._limits, self._depth, self._owner = limits, depth, os.getpid()
        self._openings: dict[int, bytes] = {}
        # What it holds is bounded, so that what it sends in one piece is.
        self._longest = (limits.memory_mb << 20) + (1 << 20)
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         bufsize=0, env={})
        assert self._process.stdin
        assert self._process.stdout
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        self._going, self._came = bytearray(), bytearray()
        self._patience = START
        for _ in self.replies([("None", 0)]):
            pass
        self._patience = limits.seconds + GRACE

    def usable(self) -> bool:
        """Tell whether it runs and is this process's own (a fork of us must not share it)."""
        return self._owner == os.getpid() and self._process.poll() is None

    def end(self) -> None:
        """Kill it and reap it."""
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def replies(self, sources: Sequence[Source], alone: bool = False) -> Iterator[Reply]:
        """Yield the reply to each program, in order. Raises Lost at the one that was at work.

        `alone`: one after the other, and what they ask for is answered. Whoever stops listening
        ends the worker.
        """
        heard = False
        try:
            for part in ([one] for one in sources) if alone else [sources]:
                yield from self._through(part, alone)
            heard = True
        except (ValueError, OSError) as error:
            raise Lost(f"it sent what cannot be read: {error}") from None
        finally:
            if not heard:
                self.end()

    def _through(self, sources: Sequence[Source], alone: bool) -> Iterator[Reply]:
        """Send programs ahead and yield replies: for each `OK`, what came of it, and `OK`."""
        sent = done = step = 0
        asked, slept = 0, 0.0
        reply, printed = None, None
        since = time.monotonic()
        while done < len(sources):
            while sent < len(sources) and len(self._going) < ROOM:
                text, state = sources[sent]
                self._going += self._opening(state) + wire.feed(text)
                self._going += b"" if alone else wire.RESET
                sent += 1
            for frame in self._passed(since, sent - done):
                kind, body, micros = wire.event(frame)
                if step == 1 and kind == wire.PRINT:
                    printed = printed or Printed(self._limits.output)
                    printed.add(wire.printed(body))
                elif step == 1 and alone and kind in wire.ASKS and asked < ASKED and (
                        slept := slept + wire.nap(kind, body)) <= SLEEPING:
                    asked += 1
                    time.sleep(wire.nap(kind, body))
                    self._going += wire.answer(kind, body)
                elif step == 1 and kind in (wire.COMPLETE, wire.ERROR, *wire.ASKS):
                    reply, step = Reply(kind, body, micros / 1e6, printed), 2
                    self._going += wire.RESET if alone else b""
                elif step != 1 and kind == wire.OK:
                    step = (step + 1) % 3
                    if step == 0 and reply is not None:
                        yield reply
                        reply, printed, done, since = None, None, done + 1, time.monotonic()
                else:
                    raise Lost(wire.told(body) if kind == wire.FATAL else f"it said {kind}")

    def _passed(self, since: float, waiting: int) -> list[bytes]:
        """Write what the pipe takes, wait for frames and return them. Raises Lost."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        if self._going:
            poll.register(self._to, select.POLLOUT)
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                del self._going[:os.write(self._to, self._going[:ROOM])]
        if waiting > 1 and not self._came:
            time.sleep(min(NAP, EACH * waiting))
        while True:
            left = since + self._patience - time.monotonic()
            ready = dict(poll.poll(max(0.0, left) * 1000))
            if not ready or left < 0:
                raise Lost("late", late=True)
            if self._from in ready:
                part = os.read(self._from, 1 << 16)
                if not part:  # one that overran its time before it fell over was late first
                    over = time.monotonic() - since > self._limits.seconds
                    raise Lost("the worker died" + self._how(), late=over)
                self._came += part
                return wire.taken(self._came, self._longest)
            if self._to in ready:
                return []

    def _opening(self, state: int) -> bytes:
        """Return the frame that opens a session in a state."""
        if state not in self._openings:
            self._openings[state] = wire.configure(
                self._limits, self._depth, state, AHEAD if state else None)
        return self._openings[state]

    def _how(self) -> str:
        """Return how it ended, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return f" (exit status {self._process.wait(1.0)})"
        return ""
