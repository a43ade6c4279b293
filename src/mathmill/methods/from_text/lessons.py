"""From a teacher's row and its text to a lesson: what a synthesizer reads, and what it writes.

Why: JiuZhang3.0's synthesizer learns log P(problem and solution | prompt and text). Its prompt in
training must be, to the letter, the one that it is asked with later, and what it learns to write
must be read back as the row it came from: both are made here by the method that will ask it.

Used as: `lesson(row, text, methods=FROM_TEXT_SHORT)`, by the stage `lessons`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mathmill.io import as_json
from mathmill.methods.from_text.routes import AnyOf, FromText, method_of
from mathmill.methods.replies import Unusable
from mathmill.texts import Text
from mathmill.types import Drop, Sample, sample_id


@dataclass(frozen=True)
class Asking:
    """What is asked about a text, by methods that take turns."""

    methods: tuple[FromText | AnyOf, ...]
    "In this order; of one that stands for a group, each of the group."

    def __call__(self, text: Text, number: int) -> str:
        """Return the prompt number `number`, on this text."""
        ways = [one for method in self.methods
                for one in (method.group if isinstance(method, AnyOf) else (method,))]
        return ways[number % len(ways)].question(text)


def lesson(row: Sample, text: Text, *, methods: Sequence[FromText | AnyOf]) -> Sample | Drop:
    """Return the row that teaches to write `row` from `text`, or why there is none.

    `methods`: those by which the synthesizer will be asked; the one of the row's kind is
    taken. The lesson keeps the row's lineage, answer and verdict; its parent is the row's
    problem. Reasons: `no prompt of its kind`, `not read back`.
    """
    method = method_of(row, methods)
    if method is None:
        return Drop(row.id, "no prompt of its kind", ", ".join(row.prompts), as_json(row),
                    row.method)
    try:
        whole = method.reply(row, text)
    except Unusable as why:
        return Drop(row.id, why.reason, why.detail, as_json(row), row.method)
    question = method.question(text)
    return replace(row, id=sample_id(question, whole), question=question, solution=whole,
                   parent=row.problem, expected=None, signature=None)
