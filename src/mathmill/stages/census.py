"""What rows hold, where a world can read them: how many are right, and how many near a target.

Why: a student's score says that one set of rows was better than another, not why. Where
questions can be read their truth is known, and so is of which kind they are; then a set's share
of right rows, and of rows of the very kinds that are asked in the end, can stand beside it.

Used as: `run(bench, sets=["plain", "boosted"])` with the inputs `target`, `rows.0.0` and
`rows.1.0` (Sample), and the tools `truth` (question -> right answer or None) and `kind` (question
-> its kind or None).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from mathmill.errors import StepFailed
from mathmill.grading.equal import equal
from mathmill.stages.records import record_of
from mathmill.types import CORRECT, Problem, Sample
from mathmill.workbench import Workbench


def run(bench: Workbench, *, sets: Sequence[str]) -> None:
    """Count each set; facts["sets"] holds the counts by name, and no row is kept.

    The inputs `rows.N.*` are the set N of `sets`. Near is a row whose kind some problem of the
    input `target` (Problem or Sample) has. Raises StepFailed where no target problem can be read,
    InputError.
    """
    kind: Callable[[str], str | None] = bench.tools["kind"]
    record = record_of(bench, "target", (Problem, Sample))
    wanted = {found for problem in bench.rows("target", record)
              if (found := kind(problem.question)) is not None}
    if not wanted:
        raise StepFailed("no problem of the target can be read; a census is for the problems of a "
                         "world that can read them")
    bench.facts["kinds"] = sorted(wanted)
    bench.facts["sets"] = {}
    for number, name in enumerate(sets):
        rows = chain.from_iterable(bench.rows(given, Sample) for given in sorted(bench.inputs)
                                   if given.startswith(f"rows.{number}."))
        bench.facts["sets"][name] = counted(rows, wanted, bench.tools["truth"], kind)
        bench.show(number + 1, len(sets), "sets counted")


def counted(rows: Iterable[Sample], wanted: set[str], truth: Callable[[str], str | None],
            kind: Callable[[str], str | None]) -> dict[str, Any]:
    """Return rows, how many can be read, are right, are near, and are both."""
    counts = dict.fromkeys(("rows", "read", "right", "near", "near_right"), 0)
    for row in rows:
        answer, found = truth(row.question), kind(row.question)
        right = answer is not None and row.answer is not None and (
            equal(answer, row.answer).value == CORRECT)
        near = found in wanted
        for name, holds in (("rows", True), ("read", answer is not None), ("right", right),
                            ("near", near), ("near_right", near and right)):
            counts[name] += holds
    return counts
