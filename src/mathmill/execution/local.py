"""Runs steps on this machine: light ones here, heavy ones side by side in processes.

Why: training and generating with a small model use one core well and two badly, so steps
that stand `apart` run in worker processes, as many as there are cores. A worker that is
killed costs its step one more try; a parent that is killed takes its workers along, and
the same command goes on from the last manifest.

Used as: `run(report_step, out=Path("runs/demo"))`.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from mathmill.errors import StepFailed
from mathmill.execution import workers
from mathmill.execution.crew import crew_at
from mathmill.execution.mapping import Mapper
from mathmill.execution.meter import Meter
from mathmill.execution.progress import Progress, clock
from mathmill.execution.shards import ROWS
from mathmill.execution.step import Step, changed_literals, in_order
from mathmill.execution.store import Store, now
from mathmill.words import counted
from mathmill.workbench import Devices, Terms, Workbench

TRIES = 3  # a step whose worker is killed three times is killed by what it does
PATIENCE = 5.0  # seconds for idle workers to go by themselves
RECORDED = ("mathmill", "numpy", "pyarrow", "torch", "transformers", "trl", "peft", "aiohttp")


def run(last: Step, out: Path, jobs: int | None = None, terms: Terms | None = None,
        on: str = "local", shared: str | None = None, rows: int = ROWS,
        devices: Devices | None = None) -> Path:
    """Do all steps up to `last` that are not done yet; return the folder of `last`.

    `jobs` is how many heavy steps run at once (default: one a core, one where there is a GPU).
    `terms`: what may be spent on teachers (default: no caps). `on`: who does the shards of
    stages that have them: `local`, `ray` or `ray://HOST:PORT`; `shared`: the URL of storage that
    all of these reach (default: they reach `out`); `rows`: of a shard; `devices`: how many
    processes train one model, or answer one suite, together (default: one a GPU). None of these
    changes a row, and none is part of a step's id.
    Raises MathmillError for what the user must mend; steps finished before it stay finished.
    """
    progress = Progress()
    mapper = Mapper(crew_at(on, jobs or workers.cores()), progress.say, shared, rows,
                    always=on != "local")
    try:
        mapper.check()
        with Store(out).locked() as store, progress:
            return _Run(store, progress, in_order(last), jobs or workers.default_jobs(
                devices.processes if devices else None), terms or Terms(), mapper,
                devices or Devices()).all()
    finally:
        mapper.close()


def state(last: Step, out: Path) -> list[tuple[Step, dict[str, Any] | None]]:
    """Return each step with its manifest (None where it is not done), without running any."""
    store = Store(out)
    return [(step, store.manifest(step)) for step in in_order(last)]


@dataclass
class _Run:
    store: Store
    progress: Progress
    steps: list[Step]
    jobs: int
    terms: Terms
    mapper: Mapper
    devices: Devices
    done: set[str] = field(default_factory=set)
    running: dict[Future[Any], Step] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    pool: workers.Pool | None = None

    def all(self) -> Path:
        """Run every step, light ones here and heavy ones apart, as their inputs get ready."""
        self._welcome()
        try:
            while len(self.done) < len(self.steps):
                self._collect(0.0)  # so that light work neither holds up heavy nor its failure
                for step in self._ready(apart=True):
                    self._send(step)
                light = self._ready(apart=False)
                if light:
                    self._do_here(light[0])
                else:
                    self._collect(1.0)
            return self.store.folder(self.steps[-1])
        finally:
            self._close()

    def _welcome(self) -> None:
        for step in self.steps:
            if self.store.manifest(step) is not None:
                self.done.add(step.id)
        if self.done:
            self.progress.say(f"{len(self.done)} of {len(self.steps)} steps are done already")
        for step in self.steps:
            if step.id in self.done:
                continue
            for before in self.store.earlier(step)[-1:]:
                changes = changed_literals(step, before["literals"])
                if changes:
                    self.progress.say(f"{step.title}: new, because " + "; ".join(changes))

    def _ready(self, apart: bool) -> list[Step]:
        busy = {step.id for step in self.running.values()}
        return [step for step in self.steps
                if step.apart is apart and step.id not in self.done and step.id not in busy
                and all(given.id in self.done for given in step.inputs.values())]

    def _bench(self, step: Step) -> dict[str, Any]:
        return {"out": self.store.folder(step), "home": self.store.home, "tools": step.tools,
                "terms": self.terms, "devices": self.devices,
                "inputs": {name: self.store.folder(given) for name, given in step.inputs.items()}}

    def _do_here(self, step: Step) -> None:
        self.progress.start(step.id, step.title)
        begun, clock_begun = now(), time.monotonic()
        meter = Meter(self.pool.processes if self.pool else ())  # those work for other steps
        bench = {**self._bench(step), "mapper": self.mapper, "say": self.progress.say}
        tally = work_at(step.work, step.literals, bench,
                        lambda done, total, words="": self.progress.show(
                            step.id, done, total, words))
        self._commit(step, tally, begun, time.monotonic() - clock_begun, meter.read())

    def _send(self, step: Step) -> None:
        if len(self.running) >= self.jobs:
            return
        if self.pool is None:
            self.pool = workers.Pool(self.jobs, self.progress.show, self.progress.say)
        self.progress.start(step.id, step.title)
        future = self.pool.submit(step.id, step.work, dict(step.literals), self._bench(step))
        self.running[future] = step

    def _collect(self, seconds: float) -> None:
        finished, _ = wait(self.running, return_when=FIRST_COMPLETED, timeout=seconds)
        lost = []
        for future in finished:
            step = self.running.pop(future)
            try:
                tally, begun, spent, machine = future.result()
            except BrokenProcessPool:
                lost.append(step)
                continue
            self._commit(step, tally, begun, spent, machine)
        if lost:
            # A pool that lost one worker is lost whole, and so is what else ran in it.
            lost += [self.running.pop(f) for f in list(self.running) if not f.done()]
            if self.pool is not None:
                self.pool.stop()
                self.pool = None
            self._try_again(lost)

    def _try_again(self, lost: list[Step]) -> None:
        for step in lost:
            self.tries[step.id] = self.tries.get(step.id, 0) + 1
            if self.tries[step.id] >= TRIES:
                raise StepFailed(
                    f"{step.title}: its worker process was killed {TRIES} times (often: out of "
                    "memory); run with --jobs 1 or on a machine with more memory")
            self.progress.say(f"{step.title}: its worker process died; trying again")

    def _commit(self, step: Step, tally: Mapping[str, Any], begun: float, seconds: float,
                machine: Mapping[str, Any]) -> None:
        self.store.commit(step, tally, begun, seconds, machine, versions())
        self.mapper.clear(self.store.folder(step), self.store.home)
        self.done.add(step.id)
        self.progress.finish(step.id)
        dropped = sum(tally["dropped"].values())
        rows = tally["kept"].get("rows")
        kept = "" if rows is None else counted(rows, "row")
        self.progress.say(
            f"[{len(self.done):>{len(str(len(self.steps)))}}/{len(self.steps)}] {step.title}: "
            + ", ".join(filter(None, [kept, f"{dropped:,} dropped" if dropped else "",
                                      clock(seconds)])))

    def _close(self) -> None:
        # Let heavy steps that still run finish and be committed: they may have cost much.
        while self.running and self.pool is not None and not workers.interrupted():
            try:
                self._collect(1.0)
            except Exception as error:  # the first error is on its way up already
                self.progress.say(f"also failed: {error}")
        if self.pool is not None:
            self.pool.stop(0.0 if self.running else PATIENCE)


def work_at(work: Callable[..., None], literals: Mapping[str, Any], bench: Mapping[str, Any],
            show: Callable[..., None]) -> dict[str, Any]:
    """Do one step's work at a new bench and return its tally."""
    place = Workbench(**bench, show=show)
    work(place, **literals)
    return place.close()


def versions() -> dict[str, str]:
    """Return the versions that may matter to a result: Python, machine and main packages."""
    found = {"python": platform.python_version(),
             "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"}
    for name in RECORDED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
