"""The commands about recipes: `run` and `show`.

Why apart: what a recipe takes and where its runs lie is the same for both, and for whoever
tells of a run before it is made.

Used as: `mathmill run demo`, `mathmill show demo`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathmill.cli.recipes import build, default_out

Recipe = Annotated[str, typer.Argument(
    help="Name of a recipe (demo, skywork_math, scaling_sweep, ...) or path to a .py file.")]
Samples = Annotated[int | None, typer.Option(help="Training rows to make.")]
Seeds = Annotated[str | None, typer.Option(
    help="Seed problems: a file or folder, hf:OWNER/NAME, or symbolic:...")]
Teacher = Annotated[str | None, typer.Option(
    help="Who writes: symbolic:, openai:MODEL(@URL), scripted:FILE.")]
Base = Annotated[str | None, typer.Option(
    help="Model to train: embedded:, a folder, or a Hugging Face id.")]
Test = Annotated[str | None, typer.Option(help="Test problems, as for --seeds.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the run.", show_default="runs/RECIPE")]
Jobs = Annotated[int | None, typer.Option(
    min=1, help="Heavy steps run at once.", show_default="one a core; one with a GPU")]


def run(recipe: Recipe, samples: Samples = None, seeds: Seeds = None, teacher: Teacher = None,
        base: Base = None, test: Test = None, out: Out = None, jobs: Jobs = None) -> None:
    """Run a recipe; what is done already is not done again."""
    from mathmill.execution import local

    last = build(recipe, samples=samples, seeds=seeds, teacher=teacher, base=base,
                 test=test)
    folder = local.run(last, out or default_out(recipe), jobs)
    page = folder / "report.html"
    print(f"report: {page}" if page.exists() else f"result: {folder}")


def show(recipe: Recipe, samples: Samples = None, seeds: Seeds = None, teacher: Teacher = None,
         base: Base = None, test: Test = None, out: Out = None) -> None:
    """Show a recipe's steps and what is already done, without running anything."""
    from mathmill.execution import local

    last = build(recipe, samples=samples, seeds=seeds, teacher=teacher, base=base,
                 test=test)
    states = local.state(last, out or default_out(recipe))
    for step, manifest in states:
        titles = list(dict.fromkeys(given.title for given in step.inputs.values()))
        more = f" and {len(titles) - 4} more" if len(titles) > 4 else ""
        takes = ", ".join(titles[:4]) + more
        rows = None if manifest is None else manifest["tally"]["kept"].get("rows")
        mark = "to do" if manifest is None else "done" if rows is None else f"done, {rows:,} rows"
        print(f"{step.title:<28} {mark:<20} {step.id[:12]}" + (f"  <- {takes}" if takes else ""))
    print(f"{sum(m is not None for _, m in states)} of {len(states)} steps done")
