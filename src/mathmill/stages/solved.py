"""Solved problems as training rows: as they are, or as replies to prompts that they ignore.

Why: known problems with their solutions are trained on too (fine-tuning after synthetic rows), and
no teacher need be asked for that. As replies to prompts on texts they teach a model to write
problems and to solve them, but not yet to heed the text: what stands for a model that knows its
mathematics before a teacher's pairs make a synthesizer of it.

Used as: `run(bench)` with the inputs `problems.0`, ... (Problem); with `texts` (Text) too, and the
tools `question` ((text, number) -> prompt) and `reply` ((question, solution) -> reply).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from mathmill.errors import StepFailed
from mathmill.io import as_json
from mathmill.texts import Text
from mathmill.transcripts import fenced
from mathmill.types import Drop, Problem, Sample, sample_id, seed_as_sample
from mathmill.workbench import Workbench


def run(bench: Workbench, **identity: Any) -> None:
    """Write a row for every problem with a solution; drop the others.

    With the input `texts`, the problems that are solved go to the texts in turn, one each.
    `identity`: what decides the tools. Raises StepFailed where there are too few texts, or no
    problem has a solution.
    """
    del identity
    given = sorted((name for name in bench.inputs if name != "texts"),
                   key=lambda name: int(name.rpartition(".")[2]))
    texts = bench.rows("texts", Text) if "texts" in bench.inputs else None

    def made() -> Iterator[Sample]:
        problems = chain.from_iterable(bench.rows(name, Problem) for name in given)
        for number, problem in enumerate(problems):
            if not (problem.solution or "").strip():
                bench.drop(Drop(problem.id, "no solution", problem.source, as_json(problem)))
                continue
            row = seed_as_sample(problem, fenced(problem.solution or ""), problem.answer)
            if texts is None:
                yield row
                continue
            text = next(texts, None)
            if text is None:
                raise StepFailed(f"there are {bench.count('texts')} texts, and more problems that "
                                 "are solved; give more texts, or fewer problems")
            question = bench.tools["question"](text, number)
            reply = bench.tools["reply"](row.question, row.solution)
            yield replace(row, id=sample_id(question, reply), question=question, solution=reply,
                          expected=None, signature=None)

    if not bench.keep(made(), Sample):
        raise StepFailed("none of the problems has a solution; give problems that are solved")
