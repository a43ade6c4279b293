"""Which record a step's rows are, for stages that take problems and samples alike.

Why: seeds are selected and decontaminated by the same rules as training rows, and a file
says itself what it holds. Used as: `record = record_of(bench, "rows")`.
"""

from __future__ import annotations

from mathmill.errors import InputError
from mathmill.types import Problem, Sample
from mathmill.workbench import Workbench


def record_of(bench: Workbench, name: str) -> type[Problem] | type[Sample]:
    """Return the record type of an input's rows, by the columns of its file.

    Raises InputError where the file is missing or holds neither problems nor samples.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = bench.inputs[name] / "rows.parquet"
    try:
        columns = set(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(path, f"cannot be read as rows ({error})".replace("\n", " "),
                         "run the step before again") from error
    if "verdict" in columns:
        return Sample
    if {"id", "question", "source"} <= columns:
        return Problem
    raise InputError(path, "holds neither problems nor samples",
                     "give the rows of seeds, synthesize or a later stage")
