"""Drives the shards of one part of a stage to their end, whoever does them and whatever dies.

Why: what a lost worker costs, when a shard is believed to kill its worker, and how the row that
does it is found must not depend on whether processes or a cluster do the work. A crew only
takes tasks and says what came of them; this loop decides what is done next.

A shard that was lost with others beside it is tried again; lost once more, it is tried alone,
so that its guilt is sure. Then ranges of its rows are tried until one row is left, which is
dropped; where each half survives, the shard was too large for a worker and is done in ranges.

Used as: `Mapper(crew, shared=None)` as a bench's mapper; `bench.map(part, literals, merge=...)`.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mathmill import __version__
from mathmill.errors import StepFailed
from mathmill.execution.crew import Crew, Here, Lost
from mathmill.execution.gather import gathered
from mathmill.execution.once import let_go
from mathmill.execution.part import Job, Result, Task
from mathmill.execution.shards import ROWS, Piece, Shard, copied, cut
from mathmill.execution.shelf import Shelf, Unreached, probe
from mathmill.identity import content_id
from mathmill.io import files_of, rows_in
from mathmill.words import counted
from mathmill.workbench import Actors, Facts, Merge, Needs, Part, Workbench

SHARDS = "shards"  # folder, in that of a step, of shards that are done before the step is
TRIES = 3  # of a shard at what the machine lacks: a disk that is full, a node that comes and goes
DEADLY = 10  # rows of one shard that kill a worker: more is a fault of the part


@dataclass
class Mapper:
    """Does parts of stages by a crew; `workbench.Mapper` is what a bench knows of it."""

    hire: Callable[[], Crew]
    "Opens the crew: called when first needed, and not at all for small inputs."
    say: Callable[[str], None]
    "Prints a lasting line."
    shared: str | None = None
    "URL of storage that every worker reaches; the step's own folder where None."
    rows: int = ROWS
    "Rows a shard."
    always: bool = False
    "Whether a single shard goes to the crew too (a cluster was asked for)."
    crew: Crew | None = None
    handed: dict[tuple[Path, str, int], Shard] = field(default_factory=dict)
    "Shards of a step's inputs on shared storage: its parts, one after the other, read the same."

    def __call__(self, bench: Workbench, part: Part, literals: Mapping[str, Any], *, over: str,
                 merge: Merge, needs: Needs) -> Facts:
        """Do the part on all shards that are not done; see `workbench.Workbench.map`.

        Raises StepFailed where shared storage is gone.
        """
        try:
            return self._mapped(bench, part, literals, over, merge, needs)
        except Unreached as error:
            raise StepFailed(f"shared storage failed ({error}); run again when it is back: "
                             "finished shards stay") from error

    def _mapped(self, bench: Workbench, part: Part, literals: Mapping[str, Any], over: str,
                merge: Merge, needs: Needs) -> Facts:
        shards = cut(rows_in(bench.inputs[over].absolute()), self.rows)  # workers may be elsewhere
        came = shards[-1].start + shards[-1].rows
        name = f"{part.__module__}.{part.__qualname__}"
        gone = tuple(bench.lost())
        key = content_id("shard", name, dict(literals), self.rows, over, came, __version__,
                         *gone)
        # By its key: shards of other settings are never taken for these.
        folder = f"{part.__qualname__}-{key[:12]}"
        shelf = Shelf(f"{self._shelves(bench.out, bench.home)}/{folder}")
        job = Job(key, part, literals, bench.tools, {
            name: path.absolute() for name, path in bench.inputs.items()}, over, shelf.url,
            needs.gpus, gone)
        done = {number: manifest for number, manifest in shelf.manifests().items()
                if manifest.get("key") == key}
        todo = [shard for shard in shards if shard.number not in done]
        if done and todo:
            self.say(f"{len(done)} of {counted(len(shards), 'shard')} are done already")
        if todo:
            job = replace(job, shards=len(todo))
            if not shelf.local:
                job = replace(job, fetched=_handed_over(bench, over, shelf))
            try:
                _Drive(self, bench, job, shelf, needs, came, done).all(todo)
            finally:
                let_go()  # of what was made once where shards were done here
        return gathered(bench, shelf, [done[shard.number] for shard in shards], merge)

    def check(self) -> None:
        """Open what is not here now, so that it is not found missing when hours have gone in.

        Raises UsageError for a cluster or storage that cannot be reached, MissingExtra.
        """
        if self.shared is not None and "://" in self.shared:
            probe(self.shared)
        if self.always:
            self.crew_for(1)

    def crew_for(self, todo: int) -> Crew:
        """Return who does so many shards."""
        if todo == 1 and not self.always and self.crew is None:
            return Here()
        if self.crew is None:
            self.crew = self.hire()
        return self.crew

    def actors(self, make: Callable[..., Any],
               each: Callable[[int, bool], Sequence[tuple[Any, ...]]]) -> Actors:
        """Start objects in workers; see `workbench.Mapper`."""
        return self.crew_for(2).actors(make, each)

    def clear(self, out: Path, home: Path) -> None:
        """Take away the shards of a step that is done: its rows stand in its folder."""
        shutil.rmtree(out / SHARDS, ignore_errors=True)
        self.handed.clear()
        if self.crew is not None:
            self.crew.rest()
        if self.shared is not None:
            with suppress(Unreached):  # what stays there does no harm
                Shelf(self._shelves(out, home)).clear()

    def _shelves(self, out: Path, home: Path | None) -> str:
        """Return the place of a step's shards: runs that share storage share no shards."""
        if self.shared is None:
            return str((out / SHARDS).absolute())
        run = content_id("run", str((home or out).absolute()))[:12]
        place = self.shared if "://" in self.shared else str(Path(self.shared).absolute())
        return f"{place.rstrip('/')}/{run}/{out.name}"

    def close(self) -> None:
        """Stop the crew."""
        if self.crew is not None:
            self.crew.close()
            self.crew = None


def _handed_over(bench: Workbench, over: str, shelf: Shelf) -> dict[str, tuple[str, ...]]:
    """Put the rows of all inputs but that of the shards on shared storage; return their URLs."""
    urls = {}
    for place, (name, folder) in enumerate(sorted(bench.inputs.items())):
        path = rows_in(folder)
        if name != over and path.exists():  # an input that is a model holds none
            urls[name] = tuple(shelf.put(file, f"input-{place}-{number:06d}.parquet")
                               for number, file in enumerate(files_of(path)))
    return urls


@dataclass
class _Drive:
    """One part's way through its shards."""

    mapper: Mapper
    bench: Workbench
    job: Job
    shelf: Shelf
    needs: Needs
    came: int
    done: dict[int, dict[str, Any]]
    rows: int = 0
    "Rows of the shards in `done`."
    running: int = 0
    lost: dict[int, int] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    suspects: deque[Task] = field(default_factory=deque)

    def all(self, todo: list[Shard]) -> None:
        """Do the shards; raises what the user must mend, or StepFailed."""
        self.crew = self.mapper.crew_for(len(todo))
        slots, waiting = self.crew.slots(self.needs), deque(map(Task, todo))
        self.rows = sum(manifest["rows"] for manifest in self.done.values())
        self._show()
        while waiting or self.running or self.suspects:
            while waiting and self.running < slots:
                self._submit(waiting.popleft())
            if not self.running:  # nothing beside it: if a worker dies now, it is this one
                self._alone(self.suspects.popleft())
                continue
            for task, came in self._finished():
                if isinstance(came, Lost):
                    again = self._lost(task, came, self.crew.sure)
                    (self.suspects if again is None else waiting).append(again or task)
                else:
                    self._settle(task, came, waiting.appendleft)

    def _submit(self, task: Task) -> None:
        if not self.shelf.local and not task.trial:
            task = replace(task, shard=self._handed_in(task.shard))
        self.crew.submit(self.job, task)
        self.running += 1

    def _finished(self) -> list[tuple[Task, Result | Exception]]:
        found = self.crew.finished()
        self.running -= len(found)
        return found

    def _settle(self, task: Task, came: Result | Exception,
                again: Callable[[Task], None]) -> None:
        """Take what came of a task whose worker lived."""
        if isinstance(came, Exception):
            raise came
        if came.error is not None:
            raise came.error
        if came.fault:
            raise RuntimeError(f"a part failed on shard {task.shard.number} as a whole:\n"
                               + came.fault)
        if came.trouble:
            number = task.shard.number
            self.failed[number] = self.failed.get(number, 0) + 1
            if self.failed[number] >= TRIES:
                raise StepFailed(f"shard {number} failed {TRIES} times ({came.trouble}); mend "
                                 "that and run again: finished shards stay")
            self.mapper.say(f"shard {number}: {came.trouble}; trying again")
            again(task)
        elif came.manifest is not None and not task.trial:
            self.done[task.shard.number] = came.manifest
            self.rows += came.manifest["rows"]
            self._show()

    def _lost(self, task: Task, how: Lost, sure: bool) -> Task | None:
        """Return the task to try again beside others, or None where it must be tried alone."""
        number = task.shard.number
        self.lost[number] = self.lost.get(number, 0) + 1
        self.mapper.say(f"shard {number}: its worker died ({how}); trying again")
        return task if self.lost[number] < 2 and not sure else None

    def _alone(self, task: Task) -> None:
        """Do a suspect with nothing beside it, and find what kills its worker."""
        task = replace(task, alone=True)
        while True:
            how = self._survives(task)
            if not how:
                return
            if len(task.deadly) >= DEADLY or task.ranges > task.shard.rows:
                raise StepFailed(f"shard {task.shard.number} kills its worker again and again "
                                 f"({how}); often: out of memory")
            row = self._deadly(task)
            if row is None:
                self.mapper.say(f"shard {task.shard.number} is too much for a worker at once; "
                                "doing it in ranges")
                task = replace(task, ranges=task.ranges * 2)
            else:
                self.mapper.say(f"row {row} kills the worker that does it ({how}); dropped")
                task = replace(task, deadly={**task.deadly, row: f"kills its worker: {how}"})

    def _deadly(self, task: Task) -> int | None:
        """Return the number of a row that kills its worker; None where no half does.

        Raises StepFailed where a worker without any row dies too.
        """
        here = task.shard
        if how := self._survives(replace(task, shard=here.part(0, 0), trial=True)):
            raise StepFailed(f"workers die before they have a row ({how}); often: out of memory, "
                             "or a script that lacks `if __name__ == '__main__':`")
        while here.rows > 1:
            half = here.rows // 2
            for part in (here.part(0, half), here.part(half, here.rows)):
                if self._survives(replace(task, shard=part, trial=True)):
                    here = part
                    break
            else:
                return None
        return here.start

    def _survives(self, task: Task) -> str:
        """Do one task alone; return how its worker died, empty where it lived."""
        self._submit(task)
        [(task, came)] = self._finished()
        if isinstance(came, Lost):
            return str(came)
        again: list[Task] = []
        self._settle(task, came, again.append)
        return self._survives(again[0]) if again else ""

    def _handed_in(self, shard: Shard) -> Shard:
        """Return a shard whose rows lie on shared storage: they are put there once."""
        if all("://" in piece.file for piece in shard.pieces):
            return shard
        place = (self.bench.out, self.job.over, shard.number)
        if place not in self.mapper.handed:
            with self.shelf.scratch() as folder:
                copied(shard, folder / "in.parquet")
                url = self.shelf.put(folder / "in.parquet", f"{shard.number:06d}.in.parquet")
            self.mapper.handed[place] = Shard(shard.number, shard.start, shard.rows,
                                              (Piece(url, 0, 0, shard.rows),))
        return self.mapper.handed[place]

    def _show(self) -> None:
        self.bench.show(self.rows, self.came, "rows done")
