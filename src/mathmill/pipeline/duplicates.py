"""Duplicates outside a recipe: files of which each text is kept once.

Used as: `print(dedup(["rows.jsonl"], Path("unique.jsonl"), near=True).text())`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mathmill.errors import UsageError

if TYPE_CHECKING:
    from mathmill.stages.select.files import Deduped


def dedup(files: Sequence[str], out: Path, *, near: bool = False, threshold: float | None = None,
          field: str | None = None, tell: Callable[[int, str], None] = lambda _, __: None
          ) -> Deduped:
    """Write the rows of files, each text once; return the counts.

    `near`: also those that share at least `threshold` (0.7) of their runs of five words. `field`:
    that of the rows with the text, a dot reaching into objects; None: a shape that is known.
    `tell` hears how many rows are done, and with what. Raises UsageError, InputError.
    """
    from mathmill.stages.select.files import dedup_files
    from mathmill.stages.select.minhash import Near

    if threshold is not None and not near:
        raise UsageError(f"--threshold {threshold} is that of near duplicates; give --near too")
    settings = None
    if near:
        settings = Near() if threshold is None else Near(threshold)
    return dedup_files(files, out, settings, field, tell)
