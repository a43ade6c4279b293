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
from mathmill.stages.records import record_called
from mathmill.stages.select.difficulty import level_by_steps
from mathmill.stages.select.duplicates import Repeats, nothing
from mathmill.stages.texts.language import language_of
from mathmill.texts import Text
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa

LEVELS = "levels"
NONE = np.iinfo(np.int32).min  # stands for a level that nobody knows


def rated(bench: Workbench, record: type, repeats: Repeats, difficulty: str,
           teacher: str) -> NDArray[np.int32]:
    """Return the level of each row, those without one rated; facts say how many could be.

    Of texts none has a level. `difficulty`: as in `choose.run`.
    """
    if record is Text:
        return np.full(repeats.rows, NONE, np.int32)
    again = np.zeros(repeats.rows, np.bool_)
    again[repeats.places] = True
    if difficulty == "by_steps":
        bench.map(levelled, {"record": record.__name__}, merge=nothing)
        known = bench.column(LEVELS, "given")
        unrated = (known == NONE) & ~again
        known[unrated] = bench.column(LEVELS, "counted")[unrated]
        bench.discard(LEVELS)
    else:
        known, unrated = _asked(bench, record, again, difficulty, teacher)
    found = int((known[unrated] != NONE).sum())
    again[bench.lost()] = True
    left = known[~again]
    bench.facts["levels"] = {"given": len(left) - int(unrated.sum()), "how": difficulty,
                             "rated": found, "without": int((left == NONE).sum()),
                             "rows": histogram(left)}
    return known


def levelled(bench: Workbench, *, record: str) -> None:
    """Keep the level that each row of a shard has, and else the one that its steps tell."""
    kind, done = record_called(record), 0

    def blocks() -> Iterator[dict[str, NDArray[np.int32]]]:
        nonlocal done
        for batch in bench.batches("rows", kind, ["level", "solution"]):
            given = _given(batch)
            yield {"given": given, "counted": np.array([
                NONE if level != NONE else level_by_steps(text or "") or NONE for level, text in
                zip(given.tolist(), batch.column("solution").to_pylist(), strict=True)], np.int32)}
            done += len(batch)
            bench.show(done, None, "rows rated")

    bench.keep_columns(LEVELS, blocks(), {"given": "int32", "counted": "int32"})


def _given(batch: pa.RecordBatch) -> NDArray[np.int32]:
    """Return the levels of a batch's rows as they came."""
    given: NDArray[np.int32] = batch.column("level").fill_null(NONE).to_numpy(
        zero_copy_only=False)
    return given


def _asked(bench: Workbench, record: type, again: NDArray[np.bool_], difficulty: str,
           teacher: str) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return levels, those of a teacher where rows have none, and which rows had none."""
    known = np.full(len(again), NONE, np.int32)
    unrated = np.zeros(len(again), np.bool_)
    start = 0
    asks = difficulty == "teacher" and any(
        batch.column(0).null_count for batch in bench.batches("rows", record, ["level"]))
    columns = ["level", *([] if difficulty == "none" else ["question", "language"])]
    with open_asking(bench, teacher) if asks else nullcontext() as asking:
        for batch in bench.batches("rows", record, columns):
            here = slice(start, start + len(batch))
            known[here] = _given(batch)
            unrated[here] = (known[here] == NONE) & ~again[here]
            places = np.flatnonzero(unrated[here])
            if asking is not None and len(places):
                rows = batch.take(places) if len(places) < len(batch) else batch
                known[start + places] = [NONE if level is None else level for level in asked_levels(
                    bench, asking, rows.column("question").to_pylist(),
                    rows.column("language").to_pylist())]
            start += len(batch)
            bench.show(start, len(again), "rows rated")
        if asking is not None and asking.usage.requests:
            bench.facts["rating"] = asking.usage.facts()
    return known, unrated


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
