"""The command `generate`: the teacher engine alone, over a file of prompts.

Used as: `mathmill generate prompts.jsonl --teacher openai:gpt-5-mini --out replies.jsonl`.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from mathmill.cli.run import Journal, MaxCalls, MaxCost, NoCost, Prices, terms_of
from mathmill.words import named_rows


def generate(
    prompts: Annotated[Path, typer.Argument(
        help="JSONL or Parquet, a prompt or a list of messages a row.")],
    teacher: Annotated[str, typer.Option(
        help="Who answers: openai:MODEL(@URL), local:MODEL, mix:0.7*A|0.3*B, fallback:A|B, "
             "config:FILE.toml#NAME, ...")],
    out: Annotated[Path, typer.Option(help="Where replies go: JSONL, or Parquet by its suffix.")],
    field: Annotated[str | None, typer.Option(
        help="Field with the prompt.",
        show_default="messages, prompt, question or problem")] = None,
    n: Annotated[int, typer.Option("--n", help="Replies a prompt.")] = 1,
    temperature: Annotated[float, typer.Option(help="Of sampling; 0 is greedy.")] = 0.7,
    max_tokens: Annotated[int, typer.Option(help="Most tokens of a reply.")] = 1024,
    stop: Annotated[list[str] | None, typer.Option(
        help="A text at which replies end; may be given again.")] = None,
    top_p: Annotated[float, typer.Option(help="Share of probability drawn from.")] = 1.0,
    system: Annotated[str, typer.Option(
        help="System message for prompts that have none.")] = "",
    logprobs: Annotated[bool, typer.Option(
        "--logprobs", help="Ask for the log-probability of each reply.")] = False,
    max_cost: MaxCost = None, max_calls: MaxCalls = None,
    max_paid_tokens: Annotated[int | None, typer.Option(
        help="Pay for no more tokens, read and written, than this.")] = None,
    prices: Prices = None, no_cost: NoCost = False, journal: Journal = None,
) -> None:
    """Ask a teacher every prompt of a file; what was answered before is not paid for again.

    Ends with 0 where any prompt was answered, 1 where every call failed, 2 where none could be
    read.
    """
    from mathmill.execution.progress import Progress
    from mathmill.execution.store import Store
    from mathmill.stages.generate import Sampling, check
    from mathmill.stages.generate import generate as ask
    from mathmill.teachers.registry import understand

    sampling = Sampling(n, temperature, max_tokens, tuple(stop or ()), top_p, system, logprobs)
    check(prompts, out, sampling)
    terms = terms_of(max_cost, max_calls, max_paid_tokens, prices, no_cost, journal)
    named = understand(teacher)  # a wrong name is said before a folder is made
    with Store(home_of(out)).locked() as store, Progress() as shown:
        shown.start("generate", prompts.name)
        summary = ask(prompts, out, named.open(store.home, terms), sampling, field,
                      lambda done, total, words: shown.show("generate", done, total, words),
                      free=not named.models)
    print(summary.text())
    failed = summary.usage.failed
    if summary.broken:
        print(f"mathmill: {named_rows(summary.broken, summary.named)}", file=sys.stderr)
    if failed:
        whole = failed == summary.usage.requests
        print(f"mathmill: {'all ' * (whole and failed > 1)}{failed:,} failed, the first: "
              f"{summary.failure}; the same command asks for {'it' if failed == 1 else 'them'} "
              "again", file=sys.stderr)
        raise typer.Exit(1 if whole else 0)


def home_of(out: Path) -> Path:
    """Return the folder in which this output's account is kept, beside those of the runs.

    So its journal is the one that all runs share.
    """
    whole = str(out.absolute())
    return Path("runs") / f"generate-{out.stem}-{hashlib.blake2b(whole.encode()).hexdigest()[:6]}"
