"""What the parts of one job in one process share: made once, opened once, fetched once.

Why: a benchmark's index takes seconds to make and a sandbox a second to open, and a worker does
hundreds of shards. It does those of one job after those of another, so it holds one job's things.

Used as: `shared_of(job.shelf)`, `inputs_of(job)`, `closing` in a worker; `let_go()` at the end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.execution.shelf import fetch

if TYPE_CHECKING:
    from mathmill.execution.part import Job

_FETCHED = "inputs of shared storage"
_shared: tuple[str, dict[str, Any]] = ("", {})
closing = ExitStack()  # of what was opened: it takes more after it was closed


def shared_of(shelf: str) -> dict[str, Any]:
    """Return what was made for a job, by name; that of the job before goes.

    `shelf`: the job's, which no other has; two steps may ask the same of as many other rows.
    """
    global _shared
    if _shared[0] != shelf:
        let_go()
        _shared = (shelf, {})
    return _shared[1]


def let_go() -> None:
    """Let go of what the last job has made, and close what it has opened."""
    global _shared
    _shared = ("", {})
    closing.close()


def inputs_of(job: Job) -> Mapping[str, Path]:
    """Return the folders of a job's inputs, those on shared storage fetched for this process."""
    if not job.fetched:
        return job.inputs
    held = shared_of(job.shelf)
    if _FETCHED not in held:
        place = Path(closing.enter_context(
            tempfile.TemporaryDirectory(prefix="inputs-", ignore_cleanup_errors=True)))
        for name, urls in job.fetched.items():
            (folder := place / name / "rows").mkdir(parents=True)
            for number, url in enumerate(urls):
                fetch(url, folder / f"{number:06d}.parquet")
        held[_FETCHED] = place  # whole: a fetch that failed is tried again with the shard
    return {name: held[_FETCHED] / name if name in job.fetched else folder
            for name, folder in job.inputs.items()}
