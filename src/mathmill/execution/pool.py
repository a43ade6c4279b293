"""The crew of this machine: worker processes that are replaced when they die.

Why: Python code is only sped up by processes, and the standard pool is lost whole when one of
them dies. Here exactly as many tasks are under way as there are workers, so that a death costs
at most workers x one shard; the pool is then built anew.

Used as: `Pool(workers=2)`, by `mapping.Mapper`.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from typing import Any

from mathmill.errors import UsageError
from mathmill.execution import workers as processes
from mathmill.execution.actors import InTurn, Processes
from mathmill.execution.crew import Lost
from mathmill.execution.part import Job, Result, Task, do
from mathmill.workbench import Actors, Needs


class Pool:
    """Worker processes of this machine."""

    sure = False

    def __init__(self, workers: int) -> None:
        """Prepare up to so many; they start when there is work."""
        self._workers, self._threads = workers, max(1, processes.cores() // workers)
        self._executor: ProcessPoolExecutor | None = None
        self._aside = ExitStack()  # the folder of the workers' temporary files
        self._running: dict[Future[Result], Task] = {}

    def slots(self, needs: Needs) -> int:
        """Return one a worker, or what is needed allows; raises UsageError for GPUs not here."""
        slots = min(self._workers, needs.at_once or self._workers)
        if needs.gpus:
            there = gpus()
            if there < needs.gpus:
                raise UsageError(f"this stage asks for {needs.gpus} GPUs at a time, and there are "
                                 f"{there} here; run it with --on ray on a cluster that has them")
            slots = min(slots, there // needs.gpus)
        return slots

    def submit(self, job: Job, task: Task) -> None:
        """Hand a task to a worker."""
        try:
            self._running[self._open().submit(do, job, task, self._cores(job))] = task
        except BrokenProcessPool:  # a worker died while it had nothing to do
            self._stop()
            self._running[self._open().submit(do, job, task, self._cores(job))] = task

    def _cores(self, job: Job) -> int:
        """Return how many cores each shard of a job may use."""
        return max(1, processes.cores() // min(self._workers, job.shards))

    def _open(self) -> ProcessPoolExecutor:
        if self._executor is None:
            aside = self._aside.enter_context(tempfile.TemporaryDirectory(
                prefix="mathmill-", ignore_cleanup_errors=True))
            self._executor = ProcessPoolExecutor(
                self._workers, mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin, initargs=(aside, os.getpid(), self._threads))
        return self._executor

    def finished(self) -> list[tuple[Task, Result | Exception]]:
        """Wait for tasks to end; of a pool that broke, all are over."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        if any(isinstance(one.exception(), BrokenProcessPool) for one in done):
            done, _ = wait(self._running)  # they break with it
            self._stop()
        return [(self._running.pop(one), self._came(one)) for one in sorted(
            done, key=lambda one: self._running[one].shard.start)]

    def actors(self, make: Callable[..., Any],
               each: Callable[[int, bool], Sequence[tuple[Any, ...]]]) -> Actors:
        """Start objects in processes of their own; one is held here, where it is as quick."""
        given = each(self._workers, False)
        return Processes(make, given) if len(given) > 1 else InTurn(make, given)

    def rest(self) -> None:
        """End the workers, which may hold indexes and sandboxes; others start when needed."""
        self._stop()

    def close(self) -> None:
        """End the workers at once: what they had not finished is not there."""
        self._running.clear()
        self._stop()

    @staticmethod
    def _came(one: Future[Result]) -> Result | Exception:
        error = one.exception()
        if isinstance(error, BrokenProcessPool):
            return Lost("killed, or it crashed")
        if error is not None:
            assert isinstance(error, Exception), error
            return error
        return one.result()

    def _stop(self) -> None:
        if self._executor is None:
            return
        for process in list((self._executor._processes or {}).values()):
            process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._executor = None
        self._aside.close()  # who is killed clears nothing away


def _begin(aside: str, parent: int, threads: int) -> None:
    """Set a worker up, with a folder for its temporary files that outlives it."""
    tempfile.tempdir = aside
    processes._begin(None, parent, threads)


def gpus() -> int:
    """Return how many GPUs this process may use."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen is not None:
        return len([one for one in seen.split(",") if one.strip()])
    if not shutil.which("nvidia-smi"):
        return 0
    told = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in told.stdout.splitlines())
