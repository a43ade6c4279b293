"""The front's side of its worker processes: start one, ask it, give up on it, end it.

Why: a batch must come back, or be known to be lost, within a time that the front sets; so
nothing here waits without a deadline, and a process that is late is killed with its group.

Used as: `Job(hello).ask(batch, patience)` -> the reply, or `Lost`.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from mathmill.errors import UsageError
from mathmill.grading.sandbox.job import HEAD, frame

START = 60.0  # seconds that a process may take to say which engines it has
FAREWELL = 3.0  # seconds that it may take to end its workers


class Lost(Exception):
    """The process died or was late and is gone; `late` says which."""

    def __init__(self, late: bool, status: int | None = None) -> None:
        """Say whether it was killed for lateness, else its exit status."""
        super().__init__("late" if late else f"exit status {status}")
        self.late, self.status = late, status


class Job:
    """One process of job.py, started at once; used by one thread at a time, ended by any."""

    def __init__(self, hello: dict[str, Any]) -> None:
        """Start it and hear what it has. Raises Lost, or UsageError where it cannot run."""
        if os.name != "posix":
            raise UsageError("the sandbox needs Linux or macOS: its engines run in processes "
                             "that POSIX pipes and signals bound")
        # It finds what this process finds, and nothing by the folder that it happens to be in.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
                       "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
        # A session of its own: Ctrl-C in the terminal is the front's, and the group can be killed.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mathmill.grading.sandbox.job"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True, env=environment)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        self._ending = threading.Lock()
        self._buffer = bytearray()
        try:
            self.greeting: dict[str, Any] = self.ask(hello, START)
        except BaseException:
            self.end(0)
            raise

    def keep_to(self, core: int | None) -> None:
        """Keep the process, and the workers that it starts from now on, to one core."""
        if core is not None:
            with contextlib.suppress(OSError, AttributeError):  # a core that was taken away
                os.sched_setaffinity(self._process.pid, {core})

    def ask(self, message: Any, patience: float) -> dict[str, Any]:
        """Return the reply. Raises Lost when `patience` seconds pass without a sign of life."""
        try:
            self._write(frame(message), patience)
            while True:
                reply: dict[str, Any] = self._read(patience)
                if "beat" not in reply:
                    return reply
        except (OSError, ValueError) as error:
            late = isinstance(error, TimeoutError)
            self.end(0 if late else FAREWELL)
            raise Lost(late, self._process.returncode) from None

    def stop(self, farewell: float = FAREWELL) -> None:
        """End the process: it may end its workers for `farewell` seconds, then all are killed.

        Whoever waits in `ask` sees the pipe end. Any thread may call this, more than once.
        """
        with self._ending:
            if self._process.returncode is not None:
                return
            if farewell and self._process.poll() is None:
                self._process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(farewell)
            # The number is still its own: nothing but this lock's holder reaps the process...
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # ... and its group outlives it
            self._process.wait()

    def end(self, farewell: float = FAREWELL) -> None:
        """Stop the process and close the pipes; only by the thread that asks."""
        self.stop(farewell)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _write(self, data: bytes, patience: float) -> None:
        rest = memoryview(data)
        waiting = select.poll()
        waiting.register(self._in, select.POLLOUT)
        deadline = time.monotonic() + patience
        while rest:
            if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(self._in, rest):]

    def _read(self, patience: float) -> Any:
        """Return the next frame, which must come whole in `patience` seconds."""
        waiting = select.poll()
        waiting.register(self._out, select.POLLIN)
        deadline = time.monotonic() + patience
        buffer = self._buffer
        while True:
            if len(buffer) >= HEAD.size:
                end = HEAD.size + HEAD.unpack_from(buffer)[0]
                if len(buffer) >= end:
                    body = bytes(buffer[HEAD.size:end])
                    del buffer[:end]
                    return json.loads(body)
            if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            part = os.read(self._out, 1 << 16)
            if not part:
                raise OSError("the process is gone")
            buffer += part


def places(jobs: int | None) -> list[int | None]:
    """Return the core that each process keeps to, by default one a core; None: it cannot be told.

    A process and its worker take turns every 50 us; across cores the wake-ups nearly double what
    that costs (180 us against 100). What else runs there is evened out: batches go to the free.
    """
    if not hasattr(os, "sched_getaffinity"):
        return [None] * (jobs or os.cpu_count() or 1)
    cores = sorted(os.sched_getaffinity(0))
    jobs = jobs or len(cores)
    # Callers that stand side by side must not crowd the same core: workers are numbered.
    worker = re.search(r"\d+$", multiprocessing.current_process().name)
    first = 0 if jobs >= len(cores) else int(worker[0]) * jobs if worker else os.getpid()
    return [cores[(first + number) % len(cores)] for number in range(jobs)]
