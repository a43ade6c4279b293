"""What a worker does: one shard through a stage's part, its rows, drops and tally left behind.

Why: the same function runs in a local process and as a task of a cluster, so whatever may go
wrong on the way is settled here alike. A row at which the part raises is found by halving the
shard and dropped with what it says; its neighbours stay. What is no row's fault passes up: what
the user must mend, a disk that is full, a part that fails on every other row.

Used as: `result = do(job, Task(shard))` in a worker, by the crews `pool` and `ray`.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill import __version__
from mathmill.columns import Drops
from mathmill.errors import MathmillError, UsageError
from mathmill.execution.once import closing, inputs_of, shared_of
from mathmill.execution.shards import Shard, batches
from mathmill.execution.shelf import Shelf
from mathmill.io import records_of
from mathmill.types import Drop
from mathmill.workbench import Part, Workbench

if TYPE_CHECKING:
    import pyarrow as pa

POISONOUS = "poisonous row"
FEW = 8  # rows of a shard at which a part may fail, whatever the share
SHARE = 10  # beyond that one in so many: more is a fault of the part, not of rows


@dataclass(frozen=True)
class Job:
    """What is the same for all shards of one part of a stage."""

    key: str
    "Content id of the part, its literals, the size of shards, the rows of the input."
    part: Part
    "Module-level function `part(bench, **literals)`."
    literals: Mapping[str, Any]
    "What it is called with."
    tools: Mapping[str, Any]
    "What its bench hands it; picklable."
    inputs: Mapping[str, Path]
    "Folders of the inputs, by name."
    over: str
    "Name of the input that is cut into shards."
    shelf: str
    "Where shards go when they are done."
    gpus: int = 0
    "GPUs that one shard takes."
    gone: tuple[int, ...] = ()
    "Rows, by number among all of the input, that an earlier part of the step has dropped."
    shards: int = 1
    "How many there are to be done: few leave each of them several cores."
    fetched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    "Files of the other inputs on shared storage, by name: a worker fetches them once."
    version: str = __version__
    "Of the driver's mathmill: another one on a node may say something else."


@dataclass(frozen=True)
class Task:
    """One shard to be done."""

    shard: Shard
    "Its rows."
    deadly: Mapping[int, str] = field(default_factory=dict)
    "Rows, by number among all of the input, that killed a worker, and how: they are dropped."
    ranges: int = 1
    "Ranges that it is done in, one after the other: where the whole is too large for a worker."
    alone: bool = False
    "With nothing beside it, and one try: a suspect."
    trial: bool = False
    "Only to see whether a worker survives it: nothing is kept."


@dataclass(frozen=True)
class Result:
    """What came of a task; exceptions travel as text, since not all of them can be pickled."""

    manifest: dict[str, Any] | None = None
    "Of the shard, where it is done."
    error: MathmillError | None = None
    "What the user must mend."
    trouble: str = ""
    "What the machine lacked (a full disk): another try, or another node, may do."
    fault: str = ""
    "The traceback of a part that is at fault itself."


def do(job: Job, task: Task, cores: int | None = 1) -> Result:
    """Do one shard and leave it on the shelf; whatever goes wrong is told in the result.

    `cores`: that it may use; None: all that are here, since the run itself does the shard.
    """
    if cores is not None:  # how the process of a run collects is not ours to change
        _spare_the_collector()
    try:
        if job.version != __version__:
            raise UsageError(f"a worker has mathmill {__version__}, this run {job.version}; "
                             "install the same version on every node")
        shelf = Shelf(job.shelf)
        with shelf.scratch() as folder:
            leaves = _Leaves(job, folder, max(FEW, task.shard.rows // SHARE), cores)
            for shard, death in _ranges(task, job.gone):
                leaves.bury(shard, death) if death else leaves.grow(shard)
            if task.trial:
                return Result({})
            return Result(shelf.commit(task.shard.number, *leaves.joined(task.shard)))
    except MathmillError as error:
        return Result(error=error)
    except OSError as error:
        return Result(trouble=f"{type(error).__name__}: {error}")
    except Exception:
        return Result(fault=traceback.format_exc())


_spared = 0


def _spare_the_collector() -> None:
    """Let Python look for cycles more seldom, and not among what stays: a quarter of `verify`.

    Rows by the thousand are no cycles, and each hundred thousand of them had all modules looked
    through. The first shard imports what it needs, so the second is begun likewise.
    """
    global _spared
    if _spared < 2:
        _spared += 1
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)


def _ranges(task: Task, gone: Sequence[int]) -> Iterator[tuple[Shard, str]]:
    """Yield the ranges of a shard that are done in one go, and deadly rows with how they kill.

    Rows that are `gone` stand in none.
    """
    shard = task.shard
    bounds = {shard.rows * n // task.ranges for n in range(task.ranges + 1)}
    here = {row - shard.start: how for row, how in task.deadly.items()
            if 0 <= row - shard.start < shard.rows}
    out = {row - shard.start for row in gone if 0 <= row - shard.start < shard.rows}
    alone = here.keys() | out
    marks = sorted(bounds | alone | {place + 1 for place in alone})
    if shard.rows == 0:
        yield shard, ""
    for start, stop in pairwise(marks):
        if start not in out:
            yield shard.part(start, stop), here.get(start, "")


@dataclass
class ShardBench(Workbench):
    """A bench at which one input is a shard."""

    shard: Shard = field(default_factory=lambda: Shard(0, 0, 0, ()))
    "The rows."
    over: str = "rows"
    "Name of the input that they are of."

    def batches(self, name: str, record: type, columns: Sequence[str] | None = None
                ) -> Iterator[pa.RecordBatch]:
        """Yield the shard's rows as Arrow batches; other inputs whole."""
        return (batches(self.shard, record, columns) if name == self.over
                else super().batches(name, record, columns))

    def rows(self, name: str, record: type[Any]) -> Iterator[Any]:
        """Yield the shard's rows; those of other inputs whole."""
        if name != self.over:
            yield from super().rows(name, record)
            return
        for batch in batches(self.shard, record):
            yield from records_of(batch, record)

    def count(self, name: str) -> int:
        """Return how many rows the shard has, or another input."""
        return self.shard.rows if name == self.over else super().count(name)


@dataclass
class _Leaf:
    """Rows that went through the part in one go."""

    tables: dict[str, Path]
    kept: Mapping[str, int]
    drops: Drops
    facts: Mapping[str, Any] | None


@dataclass
class _Leaves:
    """The leaves of one shard, in order: one where no row is poisonous."""

    job: Job
    folder: Path
    most: int
    cores: int | None
    found: list[_Leaf] = field(default_factory=list)
    poisonous: list[int] = field(default_factory=list)

    def grow(self, shard: Shard) -> None:
        """Put rows through the part; where it raises, each half by itself."""
        out = self.folder / str(len(self.found))
        bench = ShardBench(out, inputs=inputs_of(self.job), tools=self.job.tools,
                           shared=shared_of(self.job.shelf), closing=closing,
                           cores=self.cores, first=shard.start, shard=shard,
                           over=self.job.over)
        try:
            self.job.part(bench, **self.job.literals)
            came = bench.facts.get("rows_in", shard.rows)
            kept = bench.kept.get("rows")
            assert kept is None or came == kept + len(bench.drops), (
                f"{came} rows came in, but {kept} kept + {len(bench.drops)} dropped")
        except (MathmillError, OSError):
            raise
        except Exception as error:
            shutil.rmtree(out)
            if shard.rows > 1:
                self.grow(shard.part(0, shard.rows // 2))
                self.grow(shard.part(shard.rows // 2, shard.rows))
            elif shard.rows == 0 or len(self.poisonous) >= self.most:
                raise
            else:
                self.bury(shard, _told(error))
            return
        if bench.drops:
            bench.drops.close()
        tables = {table: out / f"{table}.parquet" for table in bench.kept}
        self.found.append(_Leaf(tables, bench.kept, bench.drops, bench.facts))

    def bury(self, shard: Shard, why: str) -> None:
        """Drop a row that no part survives."""
        self.poisonous.append(shard.start)
        out = self.folder / str(len(self.found))
        out.mkdir()
        drops = Drops(out / "drops.parquet")
        row = next(batches(shard, None)).to_pylist()[0]
        drops.append(Drop(str(row.get("id", shard.start)), POISONOUS, why[:1000], json.dumps(
            row, ensure_ascii=False, sort_keys=True, default=str), str(row.get("method", ""))))
        drops.close()
        self.found.append(_Leaf({}, {}, drops, None))

    def joined(self, shard: Shard) -> tuple[dict[str, Path], dict[str, Any]]:
        """Return the files of the whole shard by table, and its manifest."""
        kept: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        files: dict[str, list[Path]] = {}
        for leaf in self.found:
            kept.update(leaf.kept)
            dropped.update(leaf.drops.reasons)
            for table, path in leaf.tables.items():
                files.setdefault(table, []).append(path)
            if leaf.drops:
                files.setdefault("drops", []).append(leaf.drops.path)
        return ({table: self._one(table, paths) for table, paths in files.items()},
                {"key": self.job.key, "start": shard.start, "rows": shard.rows,
                 "kept": dict(kept), "dropped": dict(dropped), "poisonous": self.poisonous,
                 "facts": [leaf.facts for leaf in self.found if leaf.facts is not None]})

    def _one(self, table: str, paths: Sequence[Path]) -> Path:
        if len(paths) == 1:
            return paths[0]
        import pyarrow.parquet as pq

        whole = self.folder / f"{table}.parquet"
        with pq.ParquetWriter(whole, pq.read_schema(paths[0]), compression="zstd") as writer:
            for path in paths:
                writer.write_table(pq.read_table(path))
        return whole


def _told(error: Exception) -> str:
    """Say what was raised, and where."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (f"{type(error).__name__}: {error} ({os.path.basename(last.filename)}:{last.lineno})")
