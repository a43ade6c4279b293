"""The commands `journal stats|export|prune`: what was bought from teachers.

Used as: `mathmill journal stats`, `mathmill journal export --out replies.parquet`,
`mathmill journal prune --teacher 'openai:gpt-4*' --days 90`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)
Folder = Annotated[Path | None, typer.Argument(
    metavar="[DIR]", help="Folder of the journal, or a run's folder.",
    show_default="$MATHMILL_JOURNAL, or runs/journal")]
Whose = Annotated[str | None, typer.Option(
    help="Only replies of this teacher; * stands for anything.")]


@app.command()
def stats(folder: Folder = None) -> None:
    """Show replies, tokens, money and dates by teacher."""
    from mathmill.teachers.journal import inspect

    print(inspect.stats(place_of(folder)).text())


@app.command()
def export(
    folder: Folder = None,
    out: Annotated[Path, typer.Option(
        help="Where rows go: JSONL, or Parquet by its suffix.")] = Path("replies.jsonl"),
    teacher: Whose = None,
) -> None:
    """Write a row a reply, with its request where that was kept."""
    from mathmill.teachers.journal.export import export as write

    print(f"{write(place_of(folder), out, teacher):,} replies -> {out}")


@app.command()
def prune(
    folder: Folder = None,
    teacher: Whose = None,
    days: Annotated[int | None, typer.Option(
        min=0, help="Only replies that were kept longer ago than this.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them, not only count.")] = False,
) -> None:
    """Count, or with --yes remove, replies; torn and doubled records go in any case."""
    from mathmill.teachers.journal.prune import days_ago
    from mathmill.teachers.journal.prune import prune as take

    before = None if days is None else days_ago(days)
    print(take(place_of(folder), teacher, before, really=yes).text())


def place_of(folder: Path | None) -> Path:
    """Return the folder that was named, or where runs in `runs/` share their journal."""
    from mathmill.teachers.journal.place import shared

    return folder or shared(Path("runs") / "any")
