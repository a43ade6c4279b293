"""The command `select`: some rows of files, as they came.

Used as: `mathmill select rows.jsonl --how random --count 1000 --out some.jsonl`,
`mathmill select rows.parquet --levels 4,5 --how all --out hard.parquet`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathmill.cli.on_files import finish, home_for
from mathmill.cli.run import Journal, MaxCalls, MaxCost, NoCost, Prices, terms_of


def select(
    file: Annotated[list[str], typer.Argument(
        help="JSONL or Parquet files, folders of them, or patterns.")],
    out: Annotated[Path, typer.Option(
        help="Where chosen rows go, .jsonl or .parquet; those left out go beside it.")],
    how: Annotated[str, typer.Option(
        help="coreset (far apart), random, or all of those that can be chosen.")] = "coreset",
    count: Annotated[int | None, typer.Option(help="How many rows.")] = None,
    fraction: Annotated[float | None, typer.Option(
        help="Which share of those that can be chosen.")] = None,
    levels: Annotated[str | None, typer.Option(
        help="Levels that stay: 4,5 or 3-5, or words that the rows have.")] = None,
    level: Annotated[str | None, typer.Option(
        metavar="FIELD", help="Field with the level.", show_default="level, difficulty")] = None,
    difficulty: Annotated[str, typer.Option(
        help="How rows without a level get one: by_steps, teacher, or given (not at all).",
    )] = "by_steps",
    teacher: Annotated[str | None, typer.Option(
        help="Who rates, for --difficulty teacher; as for generate.")] = None,
    pass_rate: Annotated[str | None, typer.Option(
        metavar="LOW-HIGH", help="Shares of a student's right answers that stay, such as "
        "0.1-0.7; of the field pass_rate.")] = None,
    keep_repeats: Annotated[bool, typer.Option(
        "--keep-repeats", help="Choose rows too that say again what an earlier one says.")] = False,
    field: Annotated[str | None, typer.Option(
        help="Field of the rows with the text.", show_default="question, problem, messages, ..."
    )] = None,
    seed: Annotated[int, typer.Option(help="Of what is random.")] = 0,
    max_cost: MaxCost = None, max_calls: MaxCalls = None,
    prices: Prices = None, no_cost: NoCost = False, journal: Journal = None,
) -> None:
    """Choose rows of files: far apart, at random, or all of some levels; written whole."""
    from mathmill.execution.progress import Progress
    from mathmill.pipeline import selection

    terms = terms_of(max_cost, max_calls, None, prices, no_cost, journal)
    with home_for(out, teacher) as home, Progress() as shown:
        shown.start("select", out.name)
        summary = selection.choose_rows(
            file, out, how=how, count=count, fraction=fraction, levels=levels, level=level,
            difficulty=difficulty, teacher=teacher, rates=pass_rate, repeats=keep_repeats,
            name=field, seed=seed, terms=terms, home=home,
            tell=lambda done, words: shown.show("select", done, None, words))
    finish(summary)
