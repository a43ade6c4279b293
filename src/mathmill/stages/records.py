"""Which record a step's rows are, for stages that take several kinds alike.

Why: seeds are selected and decontaminated by the same rules as training rows, texts are seeds
as problems are, and a file says itself what it holds.

Used as: `record = record_of(bench, "rows")`, `record_of(bench, "seeds", (Problem, Text))`; a part
that does a shard is told `record.__name__`, and asks `record_called(name)`.
"""

from __future__ import annotations

from typing import Any

from mathmill.candidates import Rated
from mathmill.errors import InputError
from mathmill.io import files_of, rows_in
from mathmill.texts import Text, Valued
from mathmill.types import Problem, Sample
from mathmill.workbench import Workbench

# The most telling columns first: a sample has those of a problem but for `source`.
KNOWN: tuple[tuple[type[Any], str, frozenset[str]], ...] = (
    (Sample, "samples", frozenset({"verdict", "question"})),
    (Text, "texts", frozenset({"whole", "part"})),
    (Valued, "values", frozenset({"value", "how", "target"})),
    (Rated, "ratings", frozenset({"how", "rate", "low"})),
    (Problem, "problems", frozenset({"id", "question", "source"})),
)


def record_of(bench: Workbench, name: str,
              among: tuple[type[Any], ...] = (Problem, Sample)) -> type[Any]:
    """Return the record type of an input's rows, by the columns of its file.

    Raises InputError where the file is missing or holds none of the records `among`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = rows_in(bench.inputs[name])
    try:
        columns = set(pq.read_schema(files_of(path)[0]).names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(path, f"cannot be read as rows ({error})".replace("\n", " "),
                         "run the step before again") from error
    found = next(((record, words) for record, words, own in KNOWN if own <= columns), None)
    if found is not None and found[0] in among:
        return found[0]
    wanted = sorted(words for record, words, _ in KNOWN if record in among)
    raise InputError(path, f"holds {found[1]}" if found else f"holds neither {wanted[0]} nor "
                     f"{wanted[-1]}", f"this step takes {' or '.join(wanted)}: "
                     "give the rows of a step that makes those")


def record_called(name: str) -> type[Any]:
    """Return the record type of a name; a shard may lie where its input's files do not."""
    return {record.__name__: record for record, *_ in KNOWN}[name]
