"""Write graded rows to JSONL or Parquet: one row a response, all columns declared.

Why: whoever reads the file must find the same columns in every one, the rows that could not
be read among the others with their reason, and never half a file: rows are written aside
and the file takes its name once all are there.

Used as: `with GradedFile(Path("graded.parquet")) as out: out.write(rows)`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from mathmill.errors import UsageError
from mathmill.grading.files.tally import Graded
from mathmill.io import ROWS_A_GROUP, row_line, schema_of, storable

# In the order of the file; `?` marks what may be null. Verdict `unreadable`: `how` says why.
COLUMNS = {"file": "string", "row": "int64", "system": "string", "verdict": "string",
           "how": "string", "answer": "string?", "gold": "string?", "label": "bool?"}


class GradedFile:
    """A file of graded rows that appears whole, when the `with` block ends well, or not at all."""

    def __init__(self, path: Path) -> None:
        """Take the path of a .jsonl or .parquet file; raises UsageError for another."""
        if path.suffix not in (".jsonl", ".parquet"):
            raise UsageError(f"{path}: graded rows are written to a .jsonl or a .parquet file; "
                             "give it one of these endings")
        self.path = path
        self.aside = path.with_name(path.name + ".writing")
        self.rows: list[dict[str, Any]] = []
        self.file: IO[str] | None = None
        self.table: Any = None

    def __enter__(self) -> GradedFile:
        """Open the file aside; raises UsageError where there is no place for it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.aside.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}; choose another place") from error
        if self.path.suffix == ".parquet":
            import pyarrow.parquet as pq

            self.file.close()
            self.table = pq.ParquetWriter(self.aside, schema_of(COLUMNS), compression="zstd")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Give the file its name, or remove what was written where something went wrong."""
        try:
            if kind is None:
                self._flush()
            if self.table is not None:
                self.table.close()
            elif self.file is not None:
                self.file.close()
            if kind is None:
                os.replace(self.aside, self.path)
        finally:
            self.aside.unlink(missing_ok=True)

    def write(self, rows: Iterable[Graded]) -> None:
        """Add rows, in order."""
        for row in rows:
            self.rows.append({"file": row.file, "row": row.row, "system": row.system,
                              "verdict": row.verdict.value, "how": row.verdict.how,
                              "answer": row.answer, "gold": row.gold, "label": row.label})
            if len(self.rows) >= ROWS_A_GROUP:
                self._flush()

    def _flush(self) -> None:
        """Hand the rows that are held to the file."""
        if self.table is not None:
            import pyarrow as pa

            if self.rows:
                rows = [{name: storable(value) for name, value in row.items()} for row in self.rows]
                self.table.write_table(pa.Table.from_pylist(rows, schema=schema_of(COLUMNS)))
        elif self.file is not None:
            self.file.writelines(row_line(row) for row in self.rows)
        self.rows.clear()
