"""Worker processes for heavy steps: spawned once, reused, gone when their parent is gone.

Why: importing torch takes seconds, so workers live for the whole run; a worker that
outlives a killed parent would write into a folder that the next run believes its own.

Used by `execution.local`.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from mathmill.execution import store
from mathmill.execution.meter import Meter

_reports: Any = None  # in a worker: the queue to the parent


def default_jobs(processes: int | None = None) -> int:
    """Return how many heavy steps to run at once: one a free core, one where there is a GPU.

    `processes`: those that each of them takes.
    """
    if shutil.which("nvidia-smi"):
        return 1
    return max(1, cores() // (processes or 1))


def cores() -> int:
    """Return the cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return max(1, len(affinity(0)) if affinity else os.cpu_count() or 1)


def interrupted() -> bool:
    """Tell whether an exception on its way up is the user's Ctrl-C."""
    return isinstance(sys.exc_info()[1], KeyboardInterrupt)


class Pool:
    """A pool of worker processes that report progress."""

    def __init__(self, jobs: int, show: Callable[[str, int, int | None, str], None],
                 say: Callable[[str], None] = print) -> None:
        """Start up to `jobs` workers; `show(key, done, total, words)` hears of progress.

        `say(line)` hears what is to stay.
        """
        context = multiprocessing.get_context("spawn")
        self._queue = context.SimpleQueue()
        threads = max(1, cores() // jobs)
        self._executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin,
                                             initargs=(self._queue, os.getpid(), threads))
        self._listener = threading.Thread(target=self._listen, args=(show, say), daemon=True)
        self._listener.start()

    def submit(self, key: str, work: Callable[..., None], literals: Mapping[str, Any],
               bench: Mapping[str, Any]) -> Future[Any]:
        """Start a step's work in a worker; the result is (tally, begun, seconds, machine)."""
        return self._executor.submit(_work, key, work, literals, bench)

    @property
    def processes(self) -> list[int]:
        """Return the ids of the workers."""
        return list(self._executor._processes or {})

    def stop(self, patience: float = 0.0) -> None:
        """End the workers; what they have not finished after `patience` seconds is left as it is.

        A worker that is let go gives back what libraries hold for it, a killed one does not.
        """
        processes = list((self._executor._processes or {}).values())
        if patience:
            self._executor.shutdown(wait=False, cancel_futures=True)
            ends = time.monotonic() + patience
            for process in processes:
                process.join(max(0.0, ends - time.monotonic()))
        for process in processes:
            process.kill()
        for process in processes:  # an executor that was shut down before waits for nothing
            process.join()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._queue.put(None)
        self._listener.join(timeout=5)

    def _listen(self, show: Callable[[str, int, int | None, str], None],
                say: Callable[[str], None]) -> None:
        while True:
            try:
                message = self._queue.get()
            except (EOFError, OSError):
                return
            if message is None:
                return
            if isinstance(message, str):
                say(message)
            else:
                show(*message)


def _begin(queue: Any, parent: int, threads: int) -> None:
    """Set a worker up: it ignores Ctrl-C (the parent decides) and dies with its parent."""
    global _reports
    _reports = queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Torch reads these when it is first imported, which in a worker is later than this.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if sys.platform == "linux":
        death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None, use_errno=True).prctl(death_signal, signal.SIGKILL)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(key: str, work: Callable[..., None], literals: Mapping[str, Any],
          bench: Mapping[str, Any]) -> tuple[dict[str, Any], float, float, dict[str, Any]]:
    from mathmill.execution.local import work_at

    last = 0.0

    def show(done: int, total: int | None, words: str = "") -> None:
        nonlocal last
        if time.monotonic() - last > 0.25 or done == total:
            last = time.monotonic()
            _reports.put((key, done, total, words))

    begun, clock_begun, meter = store.now(), time.monotonic(), Meter()
    tally = work_at(work, literals, {**bench, "say": _reports.put}, show)
    return tally, begun, time.monotonic() - clock_begun, meter.read()
