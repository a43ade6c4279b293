"""The command `decontaminate`: rows of files that share nothing with a benchmark.

Used as: `mathmill decontaminate rows.jsonl --against test.jsonl --out clean.jsonl`,
`mathmill decontaminate --self-test`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathmill.cli.on_files import finish, home_for
from mathmill.cli.run import Journal, MaxCalls, MaxCost, NoCost, Prices, terms_of
from mathmill.errors import UsageError


def decontaminate(
    file: Annotated[list[str] | None, typer.Argument(
        help="JSONL or Parquet files, folders of them, or patterns.")] = None,
    against: Annotated[list[str] | None, typer.Option(
        help="Benchmark: a file, folder or pattern; may be given again.")] = None,
    out: Annotated[Path | None, typer.Option(
        help="Where clean rows go, .jsonl or .parquet; those left out go beside it.")] = None,
    ngram: Annotated[int, typer.Option(help="Words in a shared run, 8 to 30.")] = 30,
    numbers: Annotated[bool, typer.Option(
        help="Drop questions with an item's numbers, in its order and about its things.")] = True,
    least: Annotated[float | None, typer.Option(
        help="Least score of --numbers.", show_default="0.16")] = None,
    neighbours: Annotated[list[str] | None, typer.Option(
        help="Drop what is near an item in an encoder's space: svd, words, "
             "sentence-transformers:NAME; may be given again.")] = None,
    judge: Annotated[str | None, typer.Option(
        help="A teacher that decides on what --numbers finds, as for generate.")] = None,
    field: Annotated[str | None, typer.Option(
        help="Field of the rows with the text.", show_default="question, problem, messages, ..."
    )] = None,
    item: Annotated[str | None, typer.Option(
        help="Field of the benchmark with the text.", show_default="the same")] = None,
    force: Annotated[bool, typer.Option(
        "--force", help="Go on where the benchmark will hardly fit into memory.")] = False,
    self_test: Annotated[bool, typer.Option(
        "--self-test", help="Plant leaks and print what each finder finds, and takes of clean "
                            "rows.")] = False,
    data: Annotated[Path | None, typer.Option(
        help="For --self-test: a folder with benchmark, leaks and clean files too.")] = None,
    max_cost: MaxCost = None, max_calls: MaxCalls = None,
    prices: Prices = None, no_cost: NoCost = False, journal: Journal = None,
) -> None:
    """Leave out rows of files that share text, or meaning, with a benchmark's items."""
    from mathmill.pipeline import contamination

    if self_test:
        for sheet in contamination.self_test(data):
            print(sheet, end="\n\n", flush=True)
        return
    if not file or not against or out is None:
        raise UsageError("name files, a benchmark and a place for the clean rows: mathmill "
                         "decontaminate FILE --against FILE --out FILE")
    from mathmill.execution.progress import Progress

    terms = terms_of(max_cost, max_calls, None, prices, no_cost, journal)
    with home_for(out, judge) as home, Progress() as shown:
        shown.start("decontaminate", out.name)
        switches = contamination.Switches(ngram, numbers if least is None else least,
                                          neighbours or (), judge, field, item)
        summary = contamination.clean(
            file, against, out, switches, terms=terms, home=home, force=force,
            tell=lambda done: shown.show("decontaminate", done, None, "rows compared"))
    finish(summary)
