"""Rows of an earlier step by their place, however many there are.

Why: attempts go to seeds in a drawn order, and six million texts of a kilobyte do not fit into
memory. Many rows are laid out once in an uncompressed file, of which the system keeps at hand
what is asked for; few are simply held.

Used as: `seeds = by_place(bench, "seeds", Text)`; `seeds[4_711]`, `len(seeds)`.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from mathmill.schemas import SCHEMAS
from mathmill.workbench import Workbench

HELD = 50_000  # rows: about 200 MB of problems with their solutions


def by_place(bench: Workbench, name: str, record: type[Any]) -> Sequence[Any]:
    """Return the rows of an input step as a sequence of records (without lists of texts)."""
    if bench.count(name) <= HELD:
        return list(bench.rows(name, record))
    return Laid(bench, name, record)


class Laid(Sequence[Any]):
    """Rows in a file that is mapped into memory and goes with this object."""

    def __init__(self, bench: Workbench, name: str, record: type[Any]) -> None:
        """Lay the rows out; needs as much disk as their texts have bytes."""
        import pyarrow as pa

        assert "strings" not in SCHEMAS[record].values(), "lists would come back as lists"
        self.record, self.names = record, list(SCHEMAS[record])
        path = bench.out / f"{name}.laid"
        self.batches = _mapped(path, bench, name, record, pa)
        self.ends = list(accumulate(len(batch) for batch in self.batches))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        place += len(self) if place < 0 else 0
        if not 0 <= place < len(self):
            raise IndexError(place)
        number = bisect_right(self.ends, place)
        batch = self.batches[number]
        row = place - self.ends[number] + len(batch)
        return self.record(*(batch.column(column)[row].as_py()
                             for column in range(len(self.names))))

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches:
            for row in batch.to_pylist():
                yield self.record(**row)


def _mapped(path: Path, bench: Workbench, name: str, record: type[Any], pa: Any) -> list[Any]:
    """Write rows uncompressed, map them, and take the file's name away: it ends with its use."""
    batches = bench.batches(name, record)
    first = next(batches)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    os.unlink(path)
    return [reader.get_batch(number) for number in range(reader.num_record_batches)]
