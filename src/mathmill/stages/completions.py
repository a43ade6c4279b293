"""A file of completions: a row a reply, JSONL or Parquet, in the order of the prompts.

Why: whoever reads it must find the same columns in every file, never half a file under its
name, and, where a run had to stop, what it had paid for until then.

Used as: `with Completions(Path("out.parquet")) as out: out.write(row)`.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from mathmill.errors import UsageError
from mathmill.io import row_line, schema_of, storable
from mathmill.types import Reply, Request

# In the order of the file; `?` marks what may be null.
COLUMNS = {"row": "int64", "sample": "int64", "id": "string?", "prompt": "string",
           "text": "string", "reasoning": "string", "finish": "string", "error": "string",
           "teacher": "string", "prompt_tokens": "int64", "cached_tokens": "int64",
           "completion_tokens": "int64", "cost": "float64?", "logprob": "float64?"}
GROUP_ROWS, GROUP_BYTES = 10_000, 16 << 20  # of Parquet: as much is held until it is written
log = logging.getLogger(__name__)


class Completions:
    """A file that appears whole when the `with` block ends well.

    Otherwise what was written is left beside it, as `NAME.partial.jsonl`.
    """

    def __init__(self, path: Path) -> None:
        """Take the path of a .jsonl or .parquet file; raises UsageError for another."""
        if path.suffix not in (".jsonl", ".parquet"):
            raise UsageError(f"{path}: completions are written to a .jsonl or a .parquet file; "
                             "give --out one of these endings")
        self.path = path
        self.aside = path.with_name(path.name + ".writing")
        self.partial = path.with_name(f"{path.stem}.partial{path.suffix}")
        self.count = 0
        self._held: list[dict[str, Any]] = []
        self._bytes = 0
        self._file: IO[str] | None = None
        self._table: Any = None

    def __enter__(self) -> Completions:
        """Open the file aside; raises UsageError where there is no place for it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.aside.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}; choose another place with --out"
                             ) from error
        if self.path.suffix == ".parquet":
            import pyarrow.parquet as pq

            self._file.close()
            self._table = pq.ParquetWriter(self.aside, schema_of(COLUMNS), compression="zstd")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Give the file its name, or leave what there is under the name of a partial one."""
        try:
            self._flush()
            if self._table is not None:
                self._table.close()
            elif self._file is not None:
                self._file.close()
        except OSError:
            if kind is None:
                raise
            self.count = 0  # the disk is full: what is there cannot be read
        if kind is None:
            os.replace(self.aside, self.path)
            self.partial.unlink(missing_ok=True)
        elif self.count:
            os.replace(self.aside, self.partial)
            log.warning("the first %d rows are in %s", self.count, self.partial)
        else:
            self.aside.unlink(missing_ok=True)

    def write(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self.count += 1
        if self._table is None:
            assert self._file is not None, "written to outside of `with`"
            self._file.write(row_line(row))
            return
        self._held.append({name: storable(value) for name, value in row.items()})
        self._bytes += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(self._held) >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Hand the rows that are held to the table."""
        if self._table is not None and self._held:
            import pyarrow as pa

            self._table.write_table(pa.Table.from_pylist(self._held, schema=schema_of(COLUMNS)))
        self._held, self._bytes = [], 0


def completed(number: int, name: str | None, request: Request, reply: Reply) -> dict[str, Any]:
    """Return the row of a reply to the prompt in row `number`, whose id is `name`."""
    turns = request.messages
    prompt = turns[0].content if len(turns) == 1 and turns[0].role == "user" else json.dumps(
        [{"role": turn.role, "content": turn.content} for turn in turns], ensure_ascii=False)
    return {"row": number, "sample": request.sample, "id": name, "prompt": prompt,
            "text": reply.text, "reasoning": reply.reasoning, "finish": reply.finish,
            "error": reply.error, "teacher": reply.teacher,
            "prompt_tokens": reply.prompt_tokens, "cached_tokens": reply.cached_tokens,
            "completion_tokens": reply.completion_tokens, "cost": reply.cost,
            "logprob": reply.logprob}


def unreadable(number: int, why: str) -> dict[str, Any]:
    """Return the row that stands for a prompt that could not be read."""
    return {"row": number, "sample": 0, "id": None, "prompt": "", "text": "", "reasoning": "",
            "finish": "error", "error": why, "teacher": "", "prompt_tokens": 0,
            "cached_tokens": 0, "completion_tokens": 0, "cost": None, "logprob": None}
