"""`batch:MODEL` and `batch:MODEL@URL`: a model through its provider's batch interface.

Why: half the price for replies that may take a day. The identity is that of `openai:MODEL`:
the same model answers, so replies bought in either way are found by both.

Used as: `open_batch("openai:gpt-5-mini", "gpt-5-mini", folder, home)`, by `registry`.
"""

from __future__ import annotations

from pathlib import Path

from mathmill.teachers.batch.bounds import Bounds
from mathmill.teachers.batch.teacher import BatchTeacher
from mathmill.teachers.http.endpoint import Endpoint, check_url, find_key
from mathmill.teachers.openai import address_of

__all__ = ["BatchTeacher", "Bounds", "open_batch"]


def open_batch(name: str, rest: str, folder: Path | None, home: Path | None) -> BatchTeacher:
    """Return the teacher for `MODEL` or `MODEL@URL`; batches are noted in `folder`.

    Raises as `openai.open_openai` does, and UsageError for bounds that are none.
    """
    model, address = address_of(rest)
    host = check_url(name, address if model else "").hostname
    return BatchTeacher(name, Endpoint(model, address, find_key(name, host), name=name),
                        folder=folder, home=home)
