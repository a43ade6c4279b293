"""The command `grade`: the grader alone, over files.

Used as: `mathmill grade answers.jsonl --gold answer --pred response`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mathmill.errors import UsageError
from mathmill.words import named_rows


def grade(
    file: Annotated[list[str] | None, typer.Argument(
        help="JSONL or Parquet files, folders of them, or patterns.")] = None,
    gold: Annotated[str | None, typer.Option(help="Field with the right answer.")] = None,
    pred: Annotated[str | None, typer.Option(help="Field with what the model wrote.")] = None,
    label: Annotated[str | None, typer.Option(
        help="Field with a known true/false label to compare with.")] = None,
    policy: Annotated[str, typer.Option(
        help="tolerant, strict (the papers'), strict-math, or a test set's: gsm8k, math, ..."
    )] = "tolerant",
    out: Annotated[Path | None, typer.Option(
        help="Write a row a response, with its verdict, to this .jsonl or .parquet.")] = None,
    jobs: Annotated[int | None, typer.Option(
        min=1, help="Processes that grade.", show_default="one a core")] = None,
    self_test: Annotated[bool, typer.Option(
        "--self-test", help="Grade labelled pairs and print how often the grader errs.")] = False,
) -> None:
    """Grade the answers in files; rows that cannot be read are counted and named.

    Ends with 0 where any could be graded, 2 where none could.
    """
    if self_test:
        from mathmill.grading.conformance.page import self_test as test_grader

        raise typer.Exit(0 if test_grader() else 1)
    from mathmill.execution.progress import Progress
    from mathmill.grading.files import grade_file

    if not file:
        raise UsageError("name a file to grade: mathmill grade FILE --gold FIELD --pred FIELD")
    with Progress() as shown:
        shown.start("grade", "graded")

        def tell(done: int, share: float) -> None:
            whole = round(done / share) if share else None
            shown.show("grade", done, whole, "(the whole is estimated)" if share < 1 else "")

        summary = grade_file(file, gold, pred, policy, label, out=out, jobs=jobs or cores(),
                             progress=tell)
    print(summary.text(rows=False))
    if summary.unreadable:
        print(f"mathmill: {named_rows(summary.unreadable, summary.unreadable_rows)}",
              file=sys.stderr)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
