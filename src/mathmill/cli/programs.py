"""The command `exec`: programs that models wrote, each in the sandbox.

Used as: `mathmill exec programs.jsonl --field code`.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from mathmill.words import named_rows


def run_programs(
    file: Annotated[Path, typer.Argument(help="JSONL or Parquet, one program a row.")],
    field: Annotated[str, typer.Option(help="Field with the program, or with text around it.")],
    out: Annotated[Path | None, typer.Option(
        help="Where results go: JSONL, or Parquet by its suffix.",
        show_default="FILE.exec.jsonl")] = None,
    gold: Annotated[str | None, typer.Option(help="Field with the right answer.")] = None,
    jobs: Annotated[int | None, typer.Option(
        min=1, help="Programs run at once.", show_default="one a core")] = None,
    seconds: Annotated[float, typer.Option(help="Wall-clock seconds of one program.")] = 2.0,
    memory: Annotated[int, typer.Option(help="Memory of one program, in MiB.")] = 256,
    crosscheck: Annotated[float, typer.Option(help="Share run on both engines.")] = 0.01,
    twice: Annotated[bool, typer.Option(
        "--twice", help="Run each in two states; refuse what ends otherwise.")] = False,
    whole: Annotated[float, typer.Option(
        help="Read a float this near a whole number as it; 0: exactly.")] = 1e-9,
    policy: Annotated[str, typer.Option(help="The grader's, with --gold.")] = "tolerant",
) -> None:
    """Run the model-written programs in a file, each in the sandbox.

    Ends with 0 where any row could be read, 2 where none could.
    """
    from mathmill.execution.progress import Progress
    from mathmill.grading.sandbox.files import ExecOptions, exec_file
    from mathmill.grading.sandbox.outcome import Limits

    # A warning of the sandbox is for the user: one line, without the place in our source.
    warnings.showwarning = lambda words, *_, **__: print(f"mathmill: {words}", file=sys.stderr)
    options = ExecOptions(Limits(seconds, memory), crosscheck, whole, policy, jobs, twice)
    with Progress() as progress:
        progress.start("exec", file.name)
        summary = exec_file(file, field, out, gold, options,
                            lambda done, total, words: progress.show("exec", done, total, words))
    print(summary.text(rows=False))
    if summary.unread:
        print(f"mathmill: {named_rows(summary.unread, summary.bad)}", file=sys.stderr)
    if summary.total and summary.unread == summary.total:
        raise typer.Exit(2)
