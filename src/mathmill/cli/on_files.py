"""What the commands on anybody's files share: the folder of a teacher's account, the last words.

Used as: `with home_for(out, teacher) as home: ...`, then `finish(summary)`, by `dedup`, `rate`,
`select` and `decontaminate`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mathmill.cli.generate import home_of
from mathmill.words import named_rows


class Summary(Protocol):
    """What became of the rows of files."""

    unreadable: int
    named: list[str]

    def text(self) -> str:
        """Return the counts for people."""
        ...


@contextmanager
def home_for(out: Path, teacher: str | None) -> Iterator[Path | None]:
    """Hold the folder of a teacher's account; nothing where none is asked."""
    if teacher is None:
        yield None
        return
    from mathmill.execution.store import Store
    from mathmill.teachers.registry import understand

    understand(teacher)  # a wrong name is said before a folder is made
    with Store(home_of(out)).locked() as store:
        yield store.home


def finish(summary: Summary) -> None:
    """Print what became of the rows, and apart from it the first that could not be compared."""
    print(summary.text())
    if summary.unreadable:
        print(f"mathmill: {named_rows(summary.unreadable, summary.named)}", file=sys.stderr)
