"""A stage done on the whole and on shards, and what came of it: rows, drops and tally."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mathmill.execution.crew import Here
from mathmill.execution.mapping import Mapper
from mathmill.execution.pool import Pool
from mathmill.io import read_rows, rows_in, write_rows
from mathmill.types import Drop
from mathmill.workbench import Workbench

Rows = Mapping[str, tuple[type, Sequence[Any]]]
"The rows of each input by its name, and their type."


def here(rows: int) -> Mapper:
    return Mapper(Here, lambda text: None, rows=rows)


def pool(rows: int, said: list[str], workers: int = 2) -> Mapper:
    return Mapper(lambda: Pool(workers), said.append, rows=rows)


def came_of(out: Path, stage: Callable[..., None], inputs: Rows, mapper: Mapper | None = None,
            tools: Mapping[str, Any] | None = None, **literals: Any
            ) -> tuple[list[Any], list[Drop], dict[str, Any]]:
    """Do a stage in a new folder; the rows that it kept are of the type of its input `rows`."""
    for name, (record, rows) in inputs.items():
        write_rows(out / name / "rows.parquet", rows, record)
    bench = Workbench(out / "out", inputs={name: out / name for name in inputs}, mapper=mapper,
                      tools=tools or {})
    stage(bench, **literals)
    if mapper is not None:
        mapper.close()
        mapper.clear(bench.out, bench.out)
    tally = bench.close()
    return (list(read_rows(rows_in(bench.out), inputs["rows"][0])),
            list(read_rows(rows_in(bench.out, "drops"), Drop)), tally)


def failing(text: str) -> None:
    """Read no question, and raise at one."""
    if "poison" in text:
        raise ValueError("nobody reads this")


def deadly(mark: str) -> Callable[[str], None]:
    """Return a reader that kills its process at one question, once."""
    return partial(_deadly, mark)


def _deadly(mark: str, text: str) -> None:
    if "poison" in text and not os.path.exists(mark):
        Path(mark).write_text("x")
        os.kill(os.getpid(), signal.SIGKILL)
