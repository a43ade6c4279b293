"""The command `dedup`: rows of files, each text once.

Used as: `mathmill dedup rows.jsonl --out unique.jsonl`,
`mathmill dedup a.parquet b.parquet --out unique.parquet --near --threshold 0.8`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathmill.cli.on_files import finish


def dedup(
    file: Annotated[list[str], typer.Argument(
        help="JSONL or Parquet files, folders of them, or patterns.")],
    out: Annotated[Path, typer.Option(
        help="Where rows go, .jsonl or .parquet; those left out go beside it.")],
    near: Annotated[bool, typer.Option(
        "--near", help="Leave out near duplicates too (MinHash).")] = False,
    threshold: Annotated[float | None, typer.Option(
        help="For --near: least share of common runs of five words.", show_default="0.7")] = None,
    field: Annotated[str | None, typer.Option(
        help="Field of the rows with the text.", show_default="question, problem, messages, ..."
    )] = None,
) -> None:
    """Leave out rows of files that say again what another row says."""
    from mathmill.execution.progress import Progress
    from mathmill.pipeline import duplicates

    with Progress() as shown:
        shown.start("dedup", out.name)
        summary = duplicates.dedup(
            file, out, near=near, threshold=threshold, field=field,
            tell=lambda done, words: shown.show("dedup", done, None, words))
    finish(summary)
