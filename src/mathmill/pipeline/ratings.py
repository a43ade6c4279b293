"""Difficulty outside a recipe: files whose rows are told how hard they are.

Used as: `rate_rows(["rows.jsonl"], Path("rated.jsonl"), model="openai:small", samples=8)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.errors import UsageError
from mathmill.workbench import Terms, Workbench

if TYPE_CHECKING:
    from mathmill.stages.rate.files import RatedFiles


def rate_rows(files: Sequence[str], out: Path, by: str = "pass_rate", model: str | None = None, *,
              terms: Terms | None = None, home: Path | None = None,
              fields: tuple[str | None, str | None] = (None, None),
              tell: Callable[[int], None] = lambda _: None, **settings: Any) -> RatedFiles:
    """Write the rows of files with how hard each is, as the verb `rate` tells it.

    `model`: the student of `pass_rate`, or the teacher that rates; its journal is in `home`,
    under `terms`. `fields`: those with the question and its answer. `settings`: `samples`,
    `temperature`, `max_tokens`, `policy`, `ask`. Raises UsageError, InputError, StepFailed,
    TeacherError.
    """
    from mathmill.methods import difficulty, solve
    from mathmill.stages.rate import check
    from mathmill.stages.rate.files import rate_files
    from mathmill.teachers import registry

    ask = settings.pop("ask", "solve")
    check(by, **settings)
    if (by == "steps") == (model is not None):
        raise UsageError("--by steps asks nobody; leave out --model" if model is not None else
                         f"--by {by} asks a model; name one with --model")
    if ask not in ("question", "solve"):
        raise UsageError(f"--ask {ask}: say solve or question")
    asked = {"samples": 8, "temperature": 0.7, "max_tokens": 1024, "policy": "tolerant",
             "teacher": "", **settings}
    if model is None:
        return rate_files(files, out, by, asked, None, *fields, tell)
    asked["teacher"] = registry.identity(model)
    folder = home or out.parent
    bench = Workbench(folder, home=folder, terms=terms or Terms(), tools={
        "open_teacher": registry.opener(model), "teacher": model,
        "difficulty_request": difficulty.rate_request, "read_level": difficulty.read_level,
        "request": solve.solve_request if ask == "solve" else solve.question_request})
    return rate_files(files, out, by, asked, bench, *fields, tell)
