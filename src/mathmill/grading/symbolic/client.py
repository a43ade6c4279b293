r"""Ask a worker process whether two answers are equal, for at most `DEADLINE` seconds.

Why: math-verify bounds itself by a signal, which works in no thread, bounds no memory and
reports a time-out as `False`. Here the caller only waits on a queue: any thread may ask, a
worker that is late is killed and replaced, and every way to fail is a verdict of its own.

Used as: `settle(r"\sqrt{12}", r"2\sqrt{3}")` -> `Verdict("correct", "math-verify: values")`.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mathmill.grading.policy import TOLERANT, Policy
from mathmill.grading.symbolic.screen import refusal, written
from mathmill.grading.symbolic.worker import receive, send
from mathmill.types import UNDECIDED, Verdict

DEADLINE = 2.0  # seconds for one pair; with a replaced worker the whole stays below 3
START = 60.0  # seconds for the first import, which a busy machine draws out
REST = 60.0  # seconds for which a worker that did not start is not tried again
DOWN = "crashed: the worker does not start"
MISSING = "needs algebra; pip install 'mathmill[grade]'"
_CODE = ("import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
         "from mathmill.grading.symbolic.worker import main; main()")
_KEPT = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL")


def settle(gold: str, answer: str, policy: Policy = TOLERANT) -> Verdict:
    """Return whether two short texts are equal in the eyes of an algebra system.

    Blocks for at most about `DEADLINE` seconds (the first call starts the workers and takes
    as long as importing SymPy). Callable from any thread; never raises for any text.
    """
    if len(gold) > 2_000 or len(answer) > 2_000:
        return Verdict(UNDECIDED, "pre-screened: too long")
    ours, theirs = written(gold), written(answer)
    reason = refusal(ours) or refusal(theirs)
    if reason:
        return Verdict(UNDECIDED, f"pre-screened: {reason}")
    if not _installed():
        return Verdict(UNDECIDED, MISSING)
    pool = _pool()
    if time.monotonic() < pool.down_until:
        return Verdict(UNDECIDED, DOWN)
    worker = pool.borrow()
    try:
        verdict = worker.ask(ours, theirs, (policy.ordered_lists, policy.places, policy.relative,
                                            policy.absolute))
        if verdict.how == DOWN:
            pool.down_until = time.monotonic() + REST
        return verdict
    except BaseException:  # Ctrl-C: what the worker is at is nobody's any more
        worker.kill()
        raise
    finally:
        pool.give_back(worker)


@lru_cache(maxsize=1)
def _installed() -> bool:
    """Tell whether math-verify is there, without importing it."""
    return bool(sys.executable) and importlib.util.find_spec("math_verify") is not None


class _Worker:
    """One supervisor and the worker that it last forked; used by one thread at a time."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.frames: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.child = 0
        self.closed = False
        self.ids = itertools.count(1)

    def ask(self, gold: str, answer: str, asked: tuple[bool, int, float, float]) -> Verdict:
        """Return the verdict on one pair; a worker that dies of it is asked once more."""
        ends, before = 0.0, None
        for _ in range(2):
            if not self._ready():
                return Verdict(UNDECIDED, DOWN)
            number = next(self.ids)
            # A new import is not the pair's fault: as at the first call, it counts apart.
            ends = ends if self.process is before else time.monotonic() + DEADLINE
            before = self.process
            try:
                assert self.process is not None
                assert self.process.stdin is not None
                send(self.process.stdin.fileno(), {"id": number, "gold": gold, "answer": answer,
                                                   "asked": asked})
            except OSError:
                self.stop()
                continue
            frame = self._reply(number, ends)
            if frame is None:
                self.kill()
                return Verdict(UNDECIDED, "time-out")
            if frame:
                self.child = 0 if frame["last"] else self.child
                return Verdict(frame["value"], frame["how"])
        return Verdict(UNDECIDED, "crashed")

    def _reply(self, number: int, ends: float) -> Mapping[str, Any] | None:
        """Return the reply of that number, nothing where the worker died, None if it is late."""
        while True:
            try:
                frame = self.frames.get(timeout=max(0.0, ends - time.monotonic()))
            except queue.Empty:
                return None
            if frame is None:
                self.stop()
                return {}
            if "ready" in frame:
                self.child = frame["ready"]
                return {}
            if frame["id"] == number:
                return frame

    def _ready(self) -> bool:
        """Wait until a worker has announced itself, starting one where there is none."""
        ends = time.monotonic() + START
        for _ in range(2):
            if self.closed:
                return False
            if self.process is None:
                self._start()
            while not self.child:
                try:
                    frame = self.frames.get(timeout=max(0.0, ends - time.monotonic()))
                except queue.Empty:
                    self.stop()
                    return False
                if frame is None:
                    self.stop()
                    break
                self.child = frame.get("ready", 0)
            if self.child:
                return True
        return False

    def _start(self) -> None:
        """Start the supervisor, apart from the terminal's signals and the environment."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        paths = [os.path.abspath(path) for path in sys.path if path]
        self.frames = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE, json.dumps(paths)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, cwd=os.sep,
            env={**kept, "PYTHONHASHSEED": "0"}, start_new_session=True)
        assert self.process.stdout is not None
        threading.Thread(target=_listen, args=(self.process.stdout, self.frames), daemon=True,
                         name="mathmill-symbolic").start()

    def kill(self) -> None:
        """Kill the worker; its supervisor, which waits for it, forks the next."""
        child, self.child = self.child, 0
        if self.process is None or child == self.process.pid or not hasattr(os, "fork"):
            self.stop()
        elif child:
            _end(child)

    def stop(self) -> None:
        """End both processes and wait for the one that is ours."""
        process, self.process = self.process, None
        child, self.child = self.child, 0
        if process is None:
            return
        process.kill()
        if child and child != process.pid:
            _end(child)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def forget(self) -> None:
        """Let go of a worker that belongs to the process this one was forked from."""
        process, self.process = self.process, None
        if process is not None:
            process.returncode = 0  # not our child: nothing to wait for
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _listen(pipe: Any, frames: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Put every frame that comes into the queue, and None at the end."""
    with contextlib.suppress(OSError, ValueError):
        while (frame := receive(pipe.fileno())) is not None:
            frames.put(frame)
        pipe.close()
    frames.put(None)


def _end(pid: int) -> None:
    """Kill a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class _Pool:
    """Workers of this process: started when asked for, at most one a processor."""

    def __init__(self) -> None:
        self.idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self.workers = [_Worker() for _ in range(max(1, min(os.cpu_count() or 1, 32)))]
        self.down_until = 0.0  # of the monotonic clock
        for worker in reversed(self.workers):
            self.idle.put(worker)  # the one used last is taken first: no more start than needed

    def borrow(self) -> _Worker:
        """Wait for a free worker."""
        return self.idle.get()

    def give_back(self, worker: _Worker) -> None:
        """Let others use a worker."""
        self.idle.put(worker)


_LOCK = threading.Lock()
_POOL: _Pool | None = None


def _pool() -> _Pool:
    """Return this process's workers."""
    global _POOL
    with _LOCK:
        if _POOL is None:
            _POOL = _Pool()
        return _POOL


def close() -> None:
    """End every worker; the next question starts new ones."""
    global _POOL
    with _LOCK:
        pool, _POOL = _POOL, None
    for worker in pool.workers if pool is not None else ():
        worker.closed = True
        worker.stop()


def _start_anew() -> None:
    """Leave the workers to the process that this one was forked from."""
    global _LOCK, _POOL
    _LOCK = threading.Lock()
    pool, _POOL = _POOL, None
    for worker in pool.workers if pool is not None else ():
        worker.forget()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
