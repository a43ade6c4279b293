"""The commands about recipes: `run` and `show`.

Why apart: what a recipe takes and where its runs lie is the same for both, and for whoever
tells of a run before it is made.

Used as: `mathmill run demo`, `mathmill show demo`.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mathmill.cli.recipes import build, default_out
from mathmill.errors import UsageError
from mathmill.words import counted

if TYPE_CHECKING:
    from mathmill.workbench import Terms

Recipe = Annotated[str, typer.Argument(
    help="Name of a recipe (demo, skywork_math, scaling_sweep, ...) or path to a .py file.")]
Samples = Annotated[int | None, typer.Option(help="Training rows to make.")]
Seeds = Annotated[str | None, typer.Option(
    help="Seed problems: a file or folder, hf:OWNER/NAME, or symbolic:...")]
Teacher = Annotated[str | None, typer.Option(
    help="Who writes: symbolic:, openai:MODEL(@URL), local:MODEL, mix:0.7*A|0.3*B, "
         "fallback:A|B, config:FILE.toml#NAME, ...")]
Base = Annotated[str | None, typer.Option(
    help="Model to train: embedded:, a folder, or a Hugging Face id.")]
Test = Annotated[str | None, typer.Option(help="Test problems, as for --seeds.")]
Scale = Annotated[str | None, typer.Option(
    help="Scale of a recipe that has several, such as tinygsm's embedded and paper.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the run.", show_default="runs/RECIPE")]
Jobs = Annotated[int | None, typer.Option(
    min=1, help="Heavy steps run at once.", show_default="one a core; one with a GPU")]
On = Annotated[str, typer.Option(
    metavar="WHERE", help="Who does the shards of stages that have them: local (processes), ray "
    "(the cluster that runs here), or ray://HOST:PORT. The rows are the same.")]
Shared = Annotated[str | None, typer.Option(
    metavar="URL", help="Storage that all workers reach (s3://BUCKET/PREFIX, ...).",
    show_default="the run's folder")]
Processes = Annotated[int | None, typer.Option(
    min=1, help="Processes that train one model, or answer one suite, together on a machine.",
    show_default="one a GPU")]
Nodes = Annotated[int, typer.Option(
    min=1, help="Machines that train together: the line to start on each is printed.")]
Shard = Annotated[bool | None, typer.Option(
    "--shard/--whole", help="Split the model over the processes (FSDP), or have it whole in each.",
    show_default="split where one GPU cannot hold it")]
MaxCost = Annotated[str | None, typer.Option(
    metavar="DOLLARS", help="Spend no more than this on teachers.")]
MaxCalls = Annotated[int | None, typer.Option(help="Pay for no more calls than this.")]
MaxTokens = Annotated[int | None, typer.Option(
    help="Pay for no more tokens, read and written, than this.")]
Prices = Annotated[Path | None, typer.Option(
    help="Your own price table (TOML).", show_default="$MATHMILL_PRICES")]
NoCost = Annotated[bool, typer.Option("--no-cost", help="Go on where a price is not known.")]
Journal = Annotated[Path | None, typer.Option(
    help="Folder of the journal of bought replies.",
    show_default="$MATHMILL_JOURNAL, or journal/ beside the run")]


def run(recipe: Recipe, samples: Samples = None, seeds: Seeds = None, teacher: Teacher = None,
        base: Base = None, test: Test = None, scale: Scale = None, out: Out = None,
        jobs: Jobs = None, on: On = "local", shared: Shared = None, processes: Processes = None,
        nodes: Nodes = 1, shard: Shard = None, max_cost: MaxCost = None,
        max_calls: MaxCalls = None, max_tokens: MaxTokens = None, prices: Prices = None,
        no_cost: NoCost = False, journal: Journal = None) -> None:
    """Run a recipe; what is done already is not done again."""
    from mathmill.execution import local
    from mathmill.workbench import Devices

    terms = terms_of(max_cost, max_calls, max_tokens, prices, no_cost, journal)

    last = build(recipe, samples=samples, seeds=seeds, teacher=teacher, base=base,
                 test=test, scale=scale)
    folder = local.run(last, out or default_out(recipe), jobs, terms, on, shared,
                       devices=Devices(processes, nodes, shard))
    page = folder / "report.html"
    print(f"report: {page}" if page.exists() else f"result: {folder}")


def show(recipe: Recipe, samples: Samples = None, seeds: Seeds = None, teacher: Teacher = None,
         base: Base = None, test: Test = None, scale: Scale = None, out: Out = None) -> None:
    """Show a recipe's steps and what is already done, without running anything."""
    from mathmill.execution import local

    last = build(recipe, samples=samples, seeds=seeds, teacher=teacher, base=base,
                 test=test, scale=scale)
    states = local.state(last, out or default_out(recipe))
    for step, manifest in states:
        titles = list(dict.fromkeys(given.title for given in step.inputs.values()))
        more = f" and {len(titles) - 4} more" if len(titles) > 4 else ""
        takes = ", ".join(titles[:4]) + more
        rows = None if manifest is None else manifest["tally"]["kept"].get("rows")
        mark = "to do" if manifest is None else "done" + (
            f", {counted(rows, 'row')}" if rows is not None else "")
        print(f"{step.title:<28} {mark:<20} {step.id[:12]}" + (f"  <- {takes}" if takes else ""))
    print(f"{sum(m is not None for _, m in states)} of {len(states)} steps done")


def terms_of(max_cost: str | None, max_calls: int | None, max_tokens: int | None,
             prices: Path | None, no_cost: bool, journal: Path | None) -> Terms:
    """Return what the options allow; raises UsageError for one that allows nothing."""
    from mathmill.workbench import Terms

    cost = None
    if max_cost is not None:
        try:
            cost = Decimal(max_cost.replace("$", "").replace(",", "").strip())
        except InvalidOperation:
            raise UsageError(f"--max-cost {max_cost}: give a number of US dollars, "
                             "such as 5 or 0.50") from None
    return Terms(cost, max_calls, max_tokens, None if prices is None else prices.absolute(),
                 no_cost, None if journal is None else journal.absolute())
