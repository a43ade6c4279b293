"""Who does shards: what a crew is, the crew of one, and the word that says which.

Why: a crew takes tasks and tells what came of them, and knows nothing of retries or of rows; so
a new engine is a hundred lines (`pool`, `ray`), and `mapping` decides alike for all of them.

Used as: `hire = crew_at("local", workers=2)`, by the runner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from mathmill.errors import UsageError
from mathmill.execution.actors import InTurn
from mathmill.execution.part import Job, Result, Task, do
from mathmill.workbench import Actors, Needs


class Lost(Exception):
    """The worker that had the task died; the text says what is known of it."""


class Crew(Protocol):
    """Does tasks side by side."""

    sure: bool
    "Whether a lost task is known to be the one at fault, whatever ran beside it."

    def slots(self, needs: Needs) -> int:
        """Return how many tasks may be under way; raises UsageError where none can."""
        ...

    def submit(self, job: Job, task: Task) -> None:
        """Begin a task."""
        ...

    def finished(self) -> list[tuple[Task, Result | Exception]]:
        """Wait until tasks are over; return them, each with its result, Lost or an error."""
        ...

    def actors(self, make: Callable[..., Any],
               each: Callable[[int, bool], Sequence[tuple[Any, ...]]]) -> Actors:
        """Start objects in workers; see `workbench.Mapper`."""
        ...

    def rest(self) -> None:
        """Let go of what workers hold for the step that is done."""
        ...

    def close(self) -> None:
        """Stop whatever is under way."""
        ...


class Here:
    """The crew of one: this process. For a single shard no worker is worth its start."""

    sure = True

    def __init__(self) -> None:
        self._over: list[tuple[Task, Result | Exception]] = []

    def slots(self, needs: Needs) -> int:
        """Return one."""
        return 1

    def submit(self, job: Job, task: Task) -> None:
        """Do the task."""
        self._over.append((task, do(job, task, None)))

    def finished(self) -> list[tuple[Task, Result | Exception]]:
        """Return what is over."""
        over, self._over = self._over, []
        return over

    def actors(self, make: Callable[..., Any],
               each: Callable[[int, bool], Sequence[tuple[Any, ...]]]) -> Actors:
        """Make one object here."""
        return InTurn(make, each(1, False))

    def rest(self) -> None:
        """There is nothing to let go of: `mapping` does, for whatever was done in this process."""

    def close(self) -> None:
        """There is nothing to stop."""


def crew_at(where: str, workers: int) -> Callable[[], Crew]:
    """Return how the crew is opened that `--on` names: `local`, `ray` or `ray://HOST:PORT`.

    Raises UsageError for another word.
    """
    if where == "local":
        from mathmill.execution.pool import Pool

        return lambda: Pool(workers)
    if where == "ray" or where.startswith("ray://"):
        from mathmill.execution.ray import Cluster

        return lambda: Cluster("auto" if where == "ray" else where)
    raise UsageError(f"--on {where}: say local, ray (the cluster that runs here) or "
                     "ray://HOST:PORT")
