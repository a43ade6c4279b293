"""Where a teacher's journal lies.

Why: what was paid for must be found again by every run that asks the same, so teachers that
cost share one journal; what costs nothing stays in its run's folder and goes when that goes.

Used as: `Journaled(teacher, place(name, home), older=home)`.
"""

from __future__ import annotations

import os
from pathlib import Path

FREE = ("symbolic", "scripted", "local", "vllm")
VARIABLE = "MATHMILL_JOURNAL"


def place(name: str, home: Path, journal: Path | None = None) -> Path:
    """Return the folder of the journal for a teacher of this name in the run at `home`.

    Free teachers: `home`. All others, the first of: `journal` (the option --journal), the
    variable MATHMILL_JOURNAL, the folder `journal` beside `home`.
    """
    if name.partition(":")[0] in FREE:
        return home
    return shared(home, journal)


def shared(home: Path, journal: Path | None = None) -> Path:
    """Return the folder of the journal that all runs beside `home` share."""
    if journal is not None:
        return journal
    named = os.environ.get(VARIABLE)
    # Absolute first: beside the folder "." is not inside it.
    return Path(named) if named else Path(os.path.abspath(home)).parent / "journal"
