"""The command `rate`: rows of files with how hard each is.

Used as: `mathmill rate rows.jsonl --model local:my-model --samples 8 --out rated.jsonl`, then
`mathmill select rated.jsonl --how all --pass-rate 0.1-0.7 --out useful.jsonl`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathmill.cli.on_files import finish, home_for
from mathmill.cli.run import Journal, MaxCalls, MaxCost, NoCost, Prices, terms_of


def rate(
    file: Annotated[list[str], typer.Argument(
        help="JSONL or Parquet files, folders of them, or patterns.")],
    out: Annotated[Path, typer.Option(
        help="Where the rows go with their ratings, .jsonl or .parquet.")],
    by: Annotated[str, typer.Option(
        help="pass_rate (share of a student's samples that are right), teacher (its word on the "
             "level), or steps (of the solution).")] = "pass_rate",
    model: Annotated[str | None, typer.Option(
        help="The student, or the teacher: local:MODEL, openai:MODEL, ..., as for generate.",
    )] = None,
    samples: Annotated[int, typer.Option(help="Of the student, a row.")] = 8,
    ask: Annotated[str, typer.Option(
        help="How the student is asked: solve (our prompt) or question (bare).")] = "solve",
    temperature: Annotated[float, typer.Option(help="Of its sampling.")] = 0.7,
    max_tokens: Annotated[int, typer.Option(help="Most tokens of a reply.")] = 1024,
    policy: Annotated[str, typer.Option(help="Of the grader, as for grade.")] = "tolerant",
    field: Annotated[str | None, typer.Option(
        help="Field with the question.", show_default="question, problem, messages, ...")] = None,
    answer: Annotated[str | None, typer.Option(
        help="Field with the right answer.", show_default="answer, ..., else the solution's end",
    )] = None,
    max_cost: MaxCost = None, max_calls: MaxCalls = None,
    prices: Prices = None, no_cost: NoCost = False, journal: Journal = None,
) -> None:
    """Tell how hard each row of files is: fields are added, nothing is left out."""
    from mathmill.execution.progress import Progress
    from mathmill.pipeline import ratings

    terms = terms_of(max_cost, max_calls, None, prices, no_cost, journal)
    with home_for(out, model) as home, Progress() as shown:
        shown.start("rate", out.name)
        summary = ratings.rate_rows(
            file, out, by, model, terms=terms, home=home, fields=(field, answer), ask=ask,
            samples=samples, temperature=temperature, max_tokens=max_tokens, policy=policy,
            tell=lambda done: shown.show("rate", done, None, "rows rated"))
    finish(summary)
