"""The stage `lessons`: a teacher's rows with the texts they came from -> rows for a synthesizer.

Why: JiuZhang3.0 buys a few thousand pairs and trains a small model to write such pairs from
texts. A lesson is an ordinary row whose question is the prompt with the text and whose solution
is the reply; so the synthesizer is trained like any student and asked like any teacher.

Used as: `run(bench, methods=[...])` with the tool `lesson` (`methods.from_text`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mathmill.errors import StepFailed
from mathmill.io import as_json
from mathmill.texts import Text
from mathmill.types import Drop, Sample
from mathmill.workbench import Workbench


def run(bench: Workbench, *, methods: Sequence[Mapping[str, Any]],
        rows: Sequence[str] = ("rows",), texts: Sequence[str] = ("texts",)) -> None:
    """Write a lesson for every row of the inputs `rows` (Sample) whose text is in `texts` (Text).

    `methods`: identities of those by which the synthesizer will be asked. Tool `lesson`:
    (row, text) -> Sample or Drop. A row that comes twice, whose text is nowhere, or of which no
    lesson can be made, is dropped. Only texts that rows came from are held. Raises
    StepFailed where no lesson is left, InputError.
    """
    del methods
    wanted = {row.seed for name in rows for row in bench.rows(name, Sample)}
    found = {text.id: text for name in texts for text in bench.rows(name, Text)
             if text.id in wanted}
    count, kinds = 0, Counter[str]()

    def made() -> Iterator[Sample]:
        nonlocal count
        seen: set[str] = set()
        for name in rows:
            for row in bench.rows(name, Sample):
                count += 1
                bench.show(count, None, "rows read")
                lesson = _lesson(bench, row, found.get(row.seed))
                if isinstance(lesson, Sample) and lesson.id in seen:
                    lesson = Drop(row.id, "duplicate", "the same lesson came before",
                                  as_json(row), row.method)
                if isinstance(lesson, Drop):
                    bench.drop(lesson)
                    continue
                seen.add(lesson.id)
                kinds[lesson.subject or lesson.method] += 1
                yield lesson

    kept = bench.keep(made(), Sample)
    bench.facts.update(rows_in=count, texts=len(found), kinds=dict(sorted(kinds.items())))
    if not kept:
        cause = ", ".join(f"{reason}: {n}" for reason, n in bench.drops.reasons.most_common(3))
        raise StepFailed(f"no lesson could be made of {count} rows ({cause}); give the texts that "
                         "the rows were written from, and methods of their kinds" if count else
                         "no row came in: see what the step before dropped")


def _lesson(bench: Workbench, row: Sample, text: Text | None) -> Sample | Drop:
    """Return the lesson of a row, or its drop."""
    if text is None:
        return Drop(row.id, "text not found", f"no text has the id {row.seed}", as_json(row),
                    row.method)
    lesson: Sample | Drop = bench.tools["lesson"](row, text)
    return lesson
