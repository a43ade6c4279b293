"""The command `stats`: what the rows of files hold.

Used as: `mathmill stats train.jsonl more.parquet`, `mathmill stats rows.jsonl --json`.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mathmill.words import named_rows


def stats(
    file: Annotated[list[str], typer.Argument(
        help="JSONL or Parquet files, folders of them, or patterns; each stands in a column.")],
    field: Annotated[str | None, typer.Option(
        help="Field of the rows with the text.", show_default="question, problem, messages, ..."
    )] = None,
    tokenizer: Annotated[str | None, typer.Option(
        help="Count tokens too: embedded:, a folder with a model, or a Hugging Face id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Tell what files hold: rows, columns, lengths, languages, answers, repeats, histograms."""
    import json

    from mathmill.execution.progress import Progress
    from mathmill.pipeline import surveys

    with Progress() as shown:
        shown.start("stats", file[0])
        found = surveys.survey(file, field=field, tokenizer=tokenizer,
                               tell=lambda done: shown.show("stats", done, None, "rows read"))
    print(json.dumps(found.told(), ensure_ascii=False, indent=1) if as_json
          else surveys.shown(found))
    if found.named:
        print(f"mathmill: {named_rows(found.together.unreadable, found.named)}", file=sys.stderr)
