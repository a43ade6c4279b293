"""What a worker's death costs, and one bad row: rows that are done again, rows that are lost.

Why: at millions of rows something dies. 16 shards of 1,250 rows, a millisecond a row, each
execution of each row written down; the worker that comes to row 9,000 first kills itself.

Used as: `again, dropped = deaths(folder)`, `lost = bad_row(folder)`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mathmill.execution.crew import crew_at
from mathmill.execution.mapping import Mapper
from mathmill.io import write_rows
from mathmill.types import Problem, make_problem
from mathmill.workbench import Workbench

ROWS, SHARD, WORKERS, DEADLY = 20_000, 1_250, 2, 9_000


def deaths(folder: Path) -> tuple[int, int]:
    """Return how many rows were done more than once where a worker is killed, and how many lost."""
    done, kept = _run(folder / "killed", seconds=0.001, kill=True)
    return done - ROWS, ROWS - kept


def bad_row(folder: Path) -> int:
    """Return how many rows are lost where one raises an exception."""
    return ROWS - _run(folder / "bad", seconds=0.0, kill=False)[1]


def _run(folder: Path, seconds: float, kill: bool) -> tuple[int, int]:
    """Return how many rows were done, and kept."""
    write_rows(folder / "in" / "rows.parquet", [
        make_problem(f"What is {n}?", source=str(n)) for n in range(ROWS)], Problem)
    bench = Workbench(folder / "out", inputs={"rows": folder / "in"}, mapper=Mapper(
        crew_at("local", WORKERS), lambda line: None, rows=SHARD))
    bench.map(part, {"folder": str(folder), "seconds": seconds, "kill": kill}, merge=merged)
    assert bench.mapper is not None
    bench.mapper.close()
    return (folder / "log").stat().st_size, bench.kept["rows"]


def part(bench: Workbench, *, folder: str, seconds: float, kill: bool) -> None:
    """Keep the rows of a shard: slowly, and once deadly; or with one row that cannot be done."""
    log = os.open(Path(folder) / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def each() -> Iterator[Any]:
        for batch in bench.batches("rows", Problem):
            for number in map(int, batch.column("source").to_pylist()):
                os.write(log, b".")
                time.sleep(seconds)
                if number == DEADLY and not kill:
                    raise ValueError("a bad row")
                if number == DEADLY:
                    with suppress(FileExistsError):
                        (Path(folder) / "killed").touch(exist_ok=False)
                        os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    try:
        bench.keep_batches(each(), Problem)
    finally:
        os.close(log)


def merged(facts: Sequence[Any]) -> dict[str, Any]:
    """Return no facts."""
    del facts
    return {}
