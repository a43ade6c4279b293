"""What a step's work stands at: its inputs, its output folder, its tools and its tally.

Why: a stage is handed everything it may touch, so that it cannot tell where it runs, and
so that "rows in = rows kept + rows dropped" is checked in one place for all of them.

Used as: `def run(bench: Workbench, *, samples: int) -> None: ...`; a test makes a
`Workbench(tmp_path)` and calls the same function.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mathmill.columns import (
    Drops,
    count_rows,
    read_batches,
    read_between,
    read_column,
    write_batches,
    write_columns,
)
from mathmill.errors import UsageError
from mathmill.io import read_rows, rows_in, write_json, write_rows
from mathmill.types import Drop

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

Record = TypeVar("Record")
Made = TypeVar("Made")
Progress = Callable[[int, int | None, str], None]
Facts = Mapping[str, Any]
Part = Callable[..., None]
"""`part(bench, **literals)`: module-level, and pure: what it keeps rests on its rows alone."""
Merge = Callable[[Sequence[Facts]], Facts]
"""The facts of parts, in order, to those of the whole."""


def silent(done: int, total: int | None, words: str) -> None:
    """Show no progress (the default outside a run)."""


@dataclass(frozen=True)
class Terms:
    """What the user allows a run to spend, and where; no part of any step's identity."""

    max_cost: Decimal | None = None
    "US dollars that all calls of the run's folder may cost together; None is no cap."
    max_calls: int | None = None
    "Calls that may be paid for."
    max_tokens: int | None = None
    "Tokens, read and written, that may be paid for."
    prices: Path | None = None
    "The user's own price table."
    no_cost: bool = False
    "Whether to go on without knowing prices."
    journal: Path | None = None
    "Folder of the journal of bought replies; None is the usual place."

    def __post_init__(self) -> None:
        """Raise UsageError for a cap that allows nothing, or that cannot be kept."""
        for option, value in (("--max-cost", self.max_cost), ("--max-calls", self.max_calls),
                              ("--max-tokens", self.max_tokens)):
            if value is not None and not (Decimal(value).is_finite() and value > 0):
                raise UsageError(f"{option} {value} allows no call at all; give a number above 0")
        if self.no_cost and self.max_cost is not None:
            raise UsageError("--max-cost cannot be kept with --no-cost, which leaves prices "
                             "unknown; leave out one of them")


@dataclass(frozen=True, slots=True)
class Devices:
    """How many processes train or answer together; no part of any step's identity."""

    processes: int | None = None
    "Processes on a machine; None is one a GPU, and one where there is none."
    nodes: int = 1
    "Machines that train together; the user starts the launch line on each where several."
    shard: bool | None = None
    "Whether a trained model is split over the processes; None: where one GPU cannot hold it."

    def __post_init__(self) -> None:
        """Raise UsageError for what cannot be."""
        for option, value in (("--processes", self.processes), ("--nodes", self.nodes)):
            if value is not None and value < 1:
                raise UsageError(f"{option} {value}: give a number of at least 1")


@dataclass(frozen=True, slots=True)
class Needs:
    """What one part of a stage's work takes of a machine."""

    gpus: int = 0
    "GPUs for each part that is under way."
    at_once: int | None = None
    "Parts under way at once, at most (a server's limit, say); None: as many as there are cores."


class Actors(Protocol):
    """Objects that live in workers, one each, and keep what they hold between questions."""

    def ask(self, method: str, *given: Any, only: int | None = None) -> list[Any]:
        """Return what each of them, or `only` one, answers when its method is called.

        None stands for one whose worker died: it is made anew, and knows nothing of before.
        """
        ...

    def close(self) -> None:
        """End them."""
        ...


class Mapper(Protocol):
    """Does a part of a stage's work on shards of an input; the runner hands one in."""

    def __call__(self, bench: Workbench, part: Part, literals: Mapping[str, Any], *, over: str,
                 merge: Merge, needs: Needs) -> Facts:
        """Write what the parts kept and dropped to the bench, in order; return merged facts."""
        ...

    def actors(self, make: Callable[..., Any],
               each: Callable[[int, bool], Sequence[tuple[Any, ...]]]) -> Actors:
        """Start objects `make(*given)` in workers, for all that `each(workers, apart)` gives.

        Apart are workers that may be on another machine, where no file of this one need be.
        """
        ...


@dataclass
class Workbench:
    """One step's place of work."""

    out: Path
    "Folder of this step; what an earlier, killed attempt left there may be used."
    inputs: Mapping[str, Path] = field(default_factory=dict)
    "Folder of each input step, by the name under which the step takes it."
    tools: Mapping[str, Any] = field(default_factory=dict)
    "Functions and objects that the pipeline hands in; not part of the step's identity."
    home: Path | None = None
    "Folder of the whole run (what its teachers cost is kept there); `out` where None."
    terms: Terms = Terms()
    "What may be spent on teachers."
    devices: Devices = Devices(1)
    "Processes that train or answer together; a bench that is made by hand has this one alone."
    show: Progress = silent
    "Called with (done, total or None, words) as work goes on."
    say: Callable[[str], None] = print
    "Called with a line that is to stay."
    mapper: Mapper | None = None
    "Does parts of the work on shards, side by side; None: each part is done here, as a whole."
    shared: dict[str, Any] = field(default_factory=dict)
    "What parts of one step in one process have made `once`."
    closing: ExitStack = field(default_factory=ExitStack)
    "Takes what they have opened once; it is closed when the process has done the last of them."
    cores: int | None = None
    "Cores that the work may use; None: all that are here."
    first: int = 0
    "Number, among all rows of the input that is mapped, of the first that is mapped here."
    facts: dict[str, Any] = field(default_factory=dict)
    "What the report should know: counts, rates, measures (JSON)."
    drops: Drops = field(init=False)
    "Rows left out so far."
    kept: dict[str, int] = field(default_factory=dict)
    "Rows written, by the name of the table."
    gone: dict[str, list[int]] = field(default_factory=dict)
    "Numbers of the input's rows that no part survived, by the table that lacks them; ascending."

    def __post_init__(self) -> None:
        """Make the folder."""
        self.out.mkdir(parents=True, exist_ok=True)
        self.home = self.home or self.out
        self.drops = Drops(self.out / "drops.parquet")

    def rows(self, name: str, record: type[Record]) -> Iterator[Record]:
        """Yield the rows of an input step."""
        return read_rows(rows_in(self.inputs[name]), record)

    def batches(self, name: str, record: type, columns: Sequence[str] | None = None
                ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of an input step as Arrow batches; `columns`: only these."""
        return read_batches(rows_in(self.inputs[name]), record, columns)

    def count(self, name: str) -> int:
        """Return how many rows an input step has."""
        return count_rows(rows_in(self.inputs[name]))

    def keep_batches(self, batches: Iterable[pa.RecordBatch], record: type) -> int:
        """Write the step's rows from Arrow batches; return their number."""
        self.kept["rows"] = write_batches(self.out / "rows.parquet", batches, record)
        return self.kept["rows"]

    def keep(self, records: Iterable[Any], record: type, table: str = "rows") -> int:
        """Write the step's rows (table `rows`, or another by name); return their number."""
        self.kept[table] = write_rows(self.out / f"{table}.parquet", records, record)
        return self.kept[table]

    def keep_columns(self, table: str, blocks: Iterable[Mapping[str, Any]],
                     kinds: Mapping[str, str]) -> int:
        """Write what each row tells for later work of this step: its `column`s, by name.

        `blocks`: the columns of some rows each; `kinds`: of each column (`io.schema_of`).
        """
        self.kept[table] = write_columns(self.out / f"{table}.parquet", blocks, kinds)
        return self.kept[table]

    def column(self, table: str, name: str) -> NDArray[Any]:
        """Return a column of numbers, one a row of the input; zero for a row that is `gone`."""
        import numpy as np

        found = read_column(rows_in(self.out, table), name)
        if not (gone := self.gone.get(table)):
            return found
        whole = np.zeros(len(found) + len(gone), found.dtype)
        whole[np.delete(np.arange(len(whole)), gone)] = found
        return whole

    def lost(self) -> list[int]:
        """Return the numbers of the input's rows that no part so far has survived, ascending."""
        return sorted({row for rows in self.gone.values() for row in rows})

    def beside(self, name: str, start: int, count: int) -> pa.RecordBatch:
        """Return some rows of an input that has one for each row of the input that is mapped.

        `start`: counted from the first row that is mapped here.
        """
        return read_between(rows_in(self.inputs[name]), self.first + start, count)

    def discard(self, table: str) -> None:
        """Take a table away that only this step's own work has read."""
        place = rows_in(self.out, table)
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        del self.kept[table]

    def map(self, part: Part, literals: Mapping[str, Any], *, merge: Merge, over: str = "rows",
            needs: Needs = Needs(), sharded: bool = True) -> None:
        """Do a part of this step's work on each shard of the input `over`, wherever that may be.

        The part keeps, drops and notes facts at a bench whose input `over` is a shard; what it
        kept and dropped becomes this bench's, in the order of the rows, and so do the facts
        that `merge` makes of those of all shards. Not `sharded`: it is done here, as a whole.
        Several maps of one step pass one after the other over the rows that are not `gone`.
        """
        if self.mapper is not None and sharded:
            found = self.mapper(self, part, literals, over=over, merge=merge, needs=needs)
        else:
            before, self.facts = self.facts, {}
            with self.closing:
                part(self, **literals)
            self.shared.clear()
            found, self.facts = merge([self.facts]), before
        self.facts.update(found)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what `make` makes, made once for all parts of this step in one process."""
        if name not in self.shared:
            self.shared[name] = make()
        made: Made = self.shared[name]
        return made

    def drop(self, drop: Drop) -> None:
        """Leave a row out: it is kept beside the data with its reason, and counted."""
        self.drops.append(drop)

    def close(self, rows_in: int | None = None) -> dict[str, Any]:
        """Write drops and facts; check that nothing vanished; return the tally.

        With `rows_in` given, asserts rows_in = kept + dropped for the table `rows`.
        """
        self.drops.close()
        came = self.facts.get("rows_in", rows_in)
        if came is not None:
            kept = self.kept.get("rows", 0)
            assert came == kept + len(self.drops), (
                f"{came} rows came in, but {kept} kept + {len(self.drops)} dropped")
        tally = {"kept": self.kept, "dropped": dict(self.drops.reasons),
                 "facts": self.facts}
        write_json(self.out / "tally.json", tally)
        return tally
