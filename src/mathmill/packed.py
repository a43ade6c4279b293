"""Files whose lines are packed: which they are, and how they are opened.

Used as: `suffix_of(path)` -> `.jsonl.gz`; `with opened(path) as file: file.readline()`.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path

PACKED = (".jsonl.gz", ".jsonl.zst")


def suffix_of(path: Path) -> str:
    """Return the ending that tells how a file is read: `.jsonl`, `.jsonl.gz`, `.parquet`."""
    name = path.name.lower()
    return next((packed for packed in PACKED if name.endswith(packed)), path.suffix.lower())


def opened(path: Path) -> io.BufferedIOBase:
    """Open a file for its bytes, unpacked where its name says that they are packed."""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return gzip.open(path)
    if suffix != ".zst":
        return path.open("rb")
    import pyarrow as pa

    return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
