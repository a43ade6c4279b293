r"""The sandbox's front: programs in, outcomes out, in order, any number of them.

Why: a caller should see neither engines nor processes. One process a core holds a pair of
engines (route.py says which runs what); batches go to whichever is free and come back in the
order of asking. A process that dies or hangs takes no outcome along: what it had is run again
one program at a time, so that the one that killed it is found and the others are not blamed.

Used as: `with Sandbox() as sandbox: list(sandbox.run([Program("x = 6 * 7", "x")]))`.
"""

from __future__ import annotations

import queue
import threading
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from mathmill.errors import MathmillError, MissingExtra, UsageError
from mathmill.grading.sandbox import confine
from mathmill.grading.sandbox.determinism import both
from mathmill.grading.sandbox.outcome import CRASHED, TIMEOUT, Limits, Outcome, Program
from mathmill.grading.sandbox.pool import Job, Lost, places
from mathmill.grading.sandbox.route import SLICE

ENGINES = ("monty", "zygote")
BATCH = 128  # programs that go to a process at once
FIRST = 4  # programs of the first batches, so that a short run uses every core
AHEAD = 3  # batches a process that wait or are at work
KEPT = 64  # batches a process that are done and wait for an earlier one: what bounds memory
_WARNED: set[str] = set()


@dataclass(slots=True)
class _Batch:
    programs: Sequence[Program]
    outcomes: list[Outcome] = field(default_factory=list)
    error: MathmillError | None = None
    dropped: bool = False
    ended: queue.SimpleQueue[_Batch] = field(default_factory=queue.SimpleQueue)
    done: bool = False


class Sandbox:
    """Run programs that a model wrote, on every core. A context manager; threads may share it."""

    def __init__(self, limits: Limits | None = None, jobs: int | None = None,
                 crosscheck: float = 0.01, *, allow_unconfined: bool = False,
                 engines: Sequence[str] = ENGINES) -> None:
        """Prepare; processes start with the first program or on entering the context.

        `limits`: for each program. `jobs`: processes, by default one a core. `crosscheck`:
        share of programs (drawn from their text, 0 to 1) that run on both engines.
        `allow_unconfined`: let the second engine run where the kernel lacks Landlock or
        seccomp. `engines`: in the order of asking, `monty`, `zygote` or `module:factory`
        (made in the processes). Raises UsageError for what cannot be right.
        """
        self.limits = limits or Limits()
        if not 0 <= crosscheck <= 1:
            raise UsageError(f"crosscheck={crosscheck} is no share; give 0 to 1, such as 0.01")
        if jobs is not None and jobs < 1:
            raise UsageError(f"jobs={jobs} runs nothing; give 1 or more")
        if not 1 <= len(engines) <= 2:
            raise UsageError(f"engines={list(engines)}: name one or two")
        if not (self.limits.seconds > 0 and self.limits.memory_mb > 0):
            raise UsageError(f"{self.limits} leaves a program nothing to run with")
        self._places = places(jobs)
        self._jobs = len(self._places)
        self._hello = {"engines": list(engines), "limits": asdict(self.limits),
                       "crosscheck": crosscheck, "allow_unconfined": allow_unconfined}
        # A sign of life comes at least every SLICE programs and a canary, each run at most twice.
        self._patience = 2 * (SLICE + 1) * (self.limits.seconds + 1.5) + 15
        self._queue: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._alive: set[Job] = set()
        self._spare: Job | None = None
        self._closed = False
        self._greeting: dict[str, Any] = {}
        self._facts: Counter[str] = Counter()

    def __enter__(self) -> Sandbox:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, programs: Iterable[Program], twice: bool = False) -> Iterator[Outcome]:
        """Yield an outcome for each program, in order, as the programs come.

        `twice`: run each in two states (determinism.py), and refuse what ends otherwise. One
        that takes long holds up one process: the others go on, by at most 64 batches of
        128 programs a process beyond what is yielded. Raises MissingExtra or UsageError where
        no engine can run.
        """
        if twice:
            yield from both(self.run, programs)
            return
        self._open()
        source, waiting = iter(programs), deque[_Batch]()
        finished: queue.SimpleQueue[_Batch] = queue.SimpleQueue()
        sent, at_work, ended = 0, 0, False
        try:
            while True:
                while (not ended and at_work < AHEAD * self._jobs
                       and len(waiting) < KEPT * self._jobs):
                    size = min(BATCH, FIRST << min(sent // self._jobs, 10))
                    batch = _Batch(list(islice(source, size)), ended=finished)
                    ended = not batch.programs
                    if not ended:
                        self._submit(batch)
                        waiting.append(batch)
                        sent, at_work = sent + 1, at_work + 1
                if not waiting:
                    return
                for _ in range(finished.qsize() or not waiting[0].done):
                    finished.get().done = True
                    at_work -= 1
                if not waiting[0].done:
                    continue
                first = waiting.popleft()
                if first.error is not None:
                    raise first.error
                yield from first.outcomes
        finally:
            for batch in waiting:
                batch.dropped = True

    def one(self, program: Program) -> Outcome:
        """Return the outcome of one program. Raises as `run` does."""
        return next(iter(self.run([program])))

    def close(self) -> None:
        """End every process. What other threads wait for raises UsageError."""
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, []
            alive = list(self._alive)
        for _ in threads:
            self._queue.put(None)
        # All are told at once, so that many take no longer to go than one.
        enders = [threading.Thread(target=job.stop) for job in alive]
        for thread in enders:
            thread.start()
        for thread in enders + [one for one in threads if one is not threading.current_thread()]:
            thread.join()
        if self._spare is not None:
            self._spare.end()
            self._spare = None
        while not self._queue.empty():
            batch = self._queue.get()
            if batch is not None:
                self._finish(batch, UsageError("the sandbox was closed; open another"))
        self._alive.clear()

    def report(self) -> dict[str, Any]:
        """Return what runs here and what ran: engines, what is missing, confinement, counts."""
        with self._lock:
            return {"engines": list(self._greeting.get("engines", [])),
                    "missing": list(self._greeting.get("missing", [])),
                    "machine": confine.report(), "jobs": self._jobs,
                    "counts": dict(sorted(self._facts.items()))}

    def _open(self) -> None:
        """Start the first process, so that what cannot run is said before anything is read."""
        with self._lock:
            if self._closed:
                raise UsageError("the sandbox was closed; open another")
            if self._threads:
                return
            self._spare = self._start()
            self._greeting = self._spare.greeting
            _warn(self._greeting["missing"])
            self._threads = [threading.Thread(target=self._serve, args=(core,), daemon=True,
                                              name="sandbox") for core in self._places]
            for thread in self._threads:
                thread.start()

    def _start(self) -> Job:
        try:
            job = Job(self._hello)
        except Lost as lost:
            raise UsageError(f"a process of the sandbox does not start ({lost}); see what it "
                             "says above") from None
        if "error" in job.greeting:
            job.end()
            error = MissingExtra("pydantic-monty", "sandbox")
            raise error if job.greeting["extra"] else UsageError(
                f"no engine of the sandbox can run here: {'; '.join(job.greeting['missing'])}")
        return job

    def _submit(self, batch: _Batch) -> None:
        with self._lock:
            if self._closed:
                raise UsageError("the sandbox was closed; open another")
            self._queue.put(batch)

    def _serve(self, core: int | None) -> None:
        """Work in a thread of its own: take batches, ask a process, start another if it is lost."""
        job: Job | None = None
        while (batch := self._queue.get()) is not None:
            try:
                if not batch.dropped:
                    job = self._through(job, batch, core)
                self._finish(batch, None)
            except MathmillError as error:
                self._finish(batch, error)
            except BaseException as error:  # a thread that dies would leave callers waiting
                self._finish(batch, UsageError(f"the sandbox broke: {error!r}"))
        if job is not None:
            job.end()

    def _through(self, job: Job | None, batch: _Batch, core: int | None) -> Job | None:
        """Fill a batch's outcomes, if need be one program at a time; return the process."""
        pieces = deque([batch.programs])
        while pieces:
            piece = pieces.popleft()
            if job is None:
                job = self._take(core)
            try:
                batch.outcomes += self._ask(job, piece)
            except Lost as lost:
                self._forget(job)
                job = None
                if len(piece) > 1:
                    pieces.extendleft([program] for program in reversed(piece))
                    continue
                why = "" if lost.late else f"its process ended ({lost})"
                batch.outcomes.append(Outcome(TIMEOUT if lost.late else CRASHED, error=why,
                                              engine="front"))
        return job

    def _take(self, core: int | None) -> Job:
        """Return a process, kept to a core: the one that was started first, or a new one."""
        with self._lock:
            job, self._spare = self._spare, None
            if self._closed:
                if job is not None:
                    self._spare = job
                raise UsageError("the sandbox was closed; open another")
        job = job or self._start()
        job.keep_to(core)
        with self._lock:
            self._alive.add(job)
            closed = self._closed
        if closed:
            job.stop()
        return job

    def _ask(self, job: Job, programs: Sequence[Program]) -> list[Outcome]:
        reply = job.ask([[one.code, one.result, one.state] for one in programs], self._patience)
        if "error" in reply:
            raise UsageError(reply["error"])
        outcomes = [Outcome(kind, value, _shown(name), _shown(error), *rest)
                    for kind, value, name, error, *rest in reply["outcomes"]]
        assert len(outcomes) == len(programs), "route.py answers every program"
        with self._lock:
            self._facts.update(reply["facts"])
            self._facts.update(f"{one.engine or 'front'}: {one.kind}" for one in outcomes)
        return outcomes

    def _forget(self, job: Job) -> None:
        job.end(0)
        with self._lock:
            self._alive.discard(job)
            self._facts["process lost"] += 1
            if self._closed:
                raise UsageError("the sandbox was closed; open another")

    def _finish(self, batch: _Batch, error: MathmillError | None) -> None:
        batch.error = error
        batch.programs = ()  # what waits for its turn to be yielded need not keep the sources
        batch.ended.put(batch)


def _shown(text: str) -> str:
    """Return a name that a program chose as a terminal may show it: no escape sequences."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _warn(missing: Sequence[str]) -> None:
    """Say aloud, once a process, what a machine lacks."""
    new = [part for part in missing if part not in _WARNED]
    _WARNED.update(new)
    if new:
        warnings.warn("the sandbox runs without: " + "; ".join(new), RuntimeWarning, stacklevel=4)
