"""Levels of rows: given, counted from the steps of their solution, or asked of a teacher.

Used as: `known = rated(bench, record, repeats, "by_steps", teacher="")`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.asking import Asking, open_asking
from mathmill.stages.select.difficulty import level_by_steps
from mathmill.stages.select.duplicates import Repeats
from mathmill.stages.texts.language import language_of
from mathmill.texts import Text
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa

NONE = np.iinfo(np.int32).min  # stands for a level that nobody knows


def rated(bench: Workbench, record: type, repeats: Repeats, difficulty: str,
           teacher: str) -> NDArray[np.int32]:
    """Return the level of each row, those without one rated; facts say how many could be.

    Of texts none has a level. `difficulty`: as in `choose.run`.
    """
    known = np.full(repeats.rows, NONE, np.int32)
    if record is Text:
        return known
    given = rated = start = 0
    asks = difficulty == "teacher" and any(
        batch.column(0).null_count for batch in bench.batches("rows", record, ["level"]))
    columns = ["level", *{"none": [], "by_steps": ["solution"]}.get(
        difficulty, ["question", "language"])]
    with open_asking(bench, teacher) if asks else nullcontext() as asking:
        for batch in bench.batches("rows", record, columns):
            own = known[start:start + len(batch)]
            own[:] = batch.column("level").fill_null(NONE).to_numpy(zero_copy_only=False)
            here = repeats.within(start, start + len(batch))
            unrated = own == NONE
            unrated[repeats.places[here] - start] = False
            places = np.flatnonzero(unrated)
            given += len(batch) - len(places) - (here.stop - here.start)
            found = _levels(bench, batch, places, difficulty, asking)
            for place, level in zip(places, found, strict=True):
                if level is not None:
                    own[place] = level
                    rated += 1
            start += len(batch)
            bench.show(start, repeats.rows, "rows rated")
        if asking is not None and asking.usage.requests:
            bench.facts["rating"] = asking.usage.facts()
    left = np.delete(known, repeats.places)
    bench.facts["levels"] = {"given": given, "how": difficulty, "rated": rated,
                             "without": int((left == NONE).sum()), "rows": histogram(left)}
    return known


def _levels(bench: Workbench, batch: pa.RecordBatch, places: NDArray[np.int64],
            difficulty: str, asking: Asking | None) -> list[int | None]:
    """Return levels for some rows of a batch; None where it cannot be told."""
    if not len(places) or difficulty == "none":
        return [None] * len(places)
    rows = batch.take(places) if len(places) < len(batch) else batch
    if asking is None:
        return [level_by_steps(text or "") for text in rows.column("solution").to_pylist()]
    return asked_levels(bench, asking, rows.column("question").to_pylist(),
                        rows.column("language").to_pylist())


def asked_levels(bench: Workbench, asking: Asking, questions: Sequence[str],
                 languages: Sequence[str]) -> list[int | None]:
    """Return the levels that a teacher gives; None where a reply is cut off or tells none."""
    request, read = bench.tools["difficulty_request"], bench.tools["read_level"]
    replies = asking.all([request(*pair) for pair in zip(questions, languages, strict=True)])
    return [read(reply.text) if reply.finish == "stop" else None for reply in replies]


@contextmanager
def level_rater(bench: Workbench, teacher: str
                ) -> Iterator[Callable[[Sequence[str]], list[int | None]]]:
    """Open what asks a teacher for the levels of questions, in the language each is in."""
    with open_asking(bench, teacher) as asking:
        yield lambda questions: asked_levels(bench, asking, questions, [
            "zh" if language_of(question) == "zh" else "en" for question in questions])


def histogram(levels: NDArray[np.int32]) -> dict[str, int]:
    """Return how many rows there are of each level (`none` where it is unknown)."""
    values, counts = np.unique(levels, return_counts=True)
    found = {("none" if value in (NONE, 0) else str(value)): 0 for value in values}
    for value, number in zip(values, counts, strict=True):
        found["none" if value in (NONE, 0) else str(value)] += int(number)
    return dict(sorted(found.items()))
