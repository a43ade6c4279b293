"""The command line: thin words over the spine. Its options are frozen by a test.

Why: people meet mathmill here first; it must start fast, say what went wrong in one line,
and stop cleanly. Nothing is imported before the command that needs it.

Used as: `mathmill run demo`, `mathmill show demo`, `mathmill grade answers.jsonl`.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mathmill import __version__
from mathmill.errors import MathmillError, UsageError

# The parser's own "no such option": typer exports only this child of it.
WrongWords: Any = typer.BadParameter.__base__

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Grind seed maths problems into checked data, train on it in stages, measure honestly.",
)

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


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
          ) -> None:
    """Print the version where asked."""
    if version:
        print(f"mathmill {__version__}")
        raise typer.Exit


@app.command()
def run(recipe: Recipe, samples: Samples = None, seeds: Seeds = None, teacher: Teacher = None,
        base: Base = None, test: Test = None, out: Out = None, jobs: Jobs = None) -> None:
    """Run a recipe; what is done already is not done again."""
    from mathmill.execution import local

    last = build(recipe, samples=samples, seeds=seeds, teacher=teacher, base=base,
                 test=test)
    folder = local.run(last, out or default_out(recipe), jobs)
    page = folder / "report.html"
    print(f"report: {page}" if page.exists() else f"result: {folder}")


@app.command()
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


@app.command()
def grade(
    file: Annotated[list[str] | None, typer.Argument(
        help="JSONL or Parquet files, folders of them, or patterns.")] = None,
    gold: Annotated[str | None, typer.Option(help="Field with the right answer.")] = None,
    pred: Annotated[str | None, typer.Option(help="Field with what the model wrote.")] = None,
    label: Annotated[str | None, typer.Option(
        help="Field with a known true/false label to compare with.")] = None,
    policy: Annotated[str, typer.Option(
        help="tolerant, strict (the papers'), strict-math, or a test set's: gsm8k, math, ..."
    )] = "tolerant",
    out: Annotated[Path | None, typer.Option(
        help="Write a row a response, with its verdict, to this .jsonl or .parquet.")] = None,
    jobs: Annotated[int | None, typer.Option(
        min=1, help="Processes that grade.", show_default="one a core")] = None,
    self_test: Annotated[bool, typer.Option(
        "--self-test", help="Grade labelled pairs and print how often the grader errs.")] = False,
) -> None:
    """Grade the answers in files; rows that cannot be read are counted and named."""
    if self_test:
        from mathmill.grading.conformance.page import self_test as test_grader

        raise typer.Exit(0 if test_grader() else 1)
    from mathmill.execution.progress import Progress
    from mathmill.grading.files import grade_file

    if not file:
        raise UsageError("name a file to grade: mathmill grade FILE --gold FIELD --pred FIELD")
    with Progress() as shown:
        shown.start("grade", "graded")

        def tell(done: int, share: float) -> None:
            whole = round(done / share) if share else None
            shown.show("grade", done, whole, "(the whole is estimated)" if share < 1 else "")

        summary = grade_file(file, gold, pred, policy, label, out=out, jobs=jobs or cores(),
                             progress=tell)
    print(summary.text())
    if summary.unreadable:
        print(f"mathmill: {summary.unreadable:,} rows could not be read, the first: "
              f"{summary.unreadable_rows[0]}", file=sys.stderr)


@app.command("exec")
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
    whole: Annotated[float, typer.Option(
        help="Read a float this near a whole number as it; 0: exactly.")] = 1e-9,
    policy: Annotated[str, typer.Option(help="The grader's, with --gold.")] = "tolerant",
) -> None:
    """Run the model-written programs in a file, each in the sandbox."""
    from mathmill.execution.progress import Progress
    from mathmill.grading.sandbox.files import ExecOptions, exec_file
    from mathmill.grading.sandbox.outcome import Limits

    options = ExecOptions(Limits(seconds, memory), crosscheck, whole, policy, jobs)
    with Progress() as progress:
        progress.start("exec", file.name)
        summary = exec_file(file, field, out, gold, options,
                            lambda done, total, words: progress.show("exec", done, total, words))
    print(summary.text())


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def build(recipe: str, **options: Any) -> Any:
    """Return the last step of a recipe, called with the options that were given.

    Raises UsageError for an unknown recipe or an option that the recipe does not take.
    """
    import inspect

    from mathmill.execution.step import Step

    function = find_recipe(recipe)
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("samples", 1) < 1:
        raise UsageError("--samples must be at least 1: nothing would be made")
    takes = inspect.signature(function).parameters
    for name in given:
        if name not in takes:
            raise UsageError(f"the recipe {recipe} takes no --{name}; it takes "
                             + (", ".join(f"--{p}" for p in takes) or "no options"))
    last = function(**given)
    if not isinstance(last, Step):
        raise UsageError(f"{recipe}: its function recipe(...) returned {type(last).__name__}; "
                         "let it return its last step, such as report(...)")
    return last


def find_recipe(name: str) -> Any:
    """Return the function `recipe` of a shipped recipe or of a Python file."""
    import importlib
    import importlib.util
    import pkgutil

    if name.endswith(".py"):
        path = Path(name)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if not path.is_file() or spec is None or spec.loader is None:
            raise UsageError(f"{name}: there is no such recipe file; check the path")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    else:
        import mathmill_recipes

        known = sorted(m.name for m in pkgutil.iter_modules(mathmill_recipes.__path__))
        if name not in known:
            raise UsageError(f"there is no recipe {name!r}; there are: {', '.join(known)}, "
                             "or give the path of a .py file")
        module = importlib.import_module(f"mathmill_recipes.{name}")
    if not hasattr(module, "recipe"):
        raise UsageError(f"{name}: it has no function recipe(...) that returns a step")
    return module.recipe


def default_out(recipe: str) -> Path:
    """Return the folder of a recipe's runs."""
    return Path("runs") / Path(recipe).stem


def main() -> None:
    """Run the command line; what the user must mend is one line and exit code 2."""
    command = typer.main.get_command(app)
    try:
        # Not "standalone": typer would turn Ctrl-C into "Aborted!" and hide what to do next.
        code = command.main(standalone_mode=False)
        if code == 130:  # typer makes a silent exit of Ctrl-C
            raise KeyboardInterrupt
        raise SystemExit(code if isinstance(code, int) else 0)
    except MathmillError as error:
        fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        print("stopped; give the same command again (finished steps are kept)", file=sys.stderr)
        raise SystemExit(130) from None
    except WrongWords as error:
        error.show()
        raise SystemExit(2) from None
    except Exception as error:
        if not disk_is_full(error):
            raise
        fail(f"{getattr(error, 'filename', None) or 'the disk'}: no space left; free some space, "
             "then give the same command again: it goes on from what is finished")


def disk_is_full(error: BaseException) -> bool:
    """Tell whether an error is a full disk's; packages that write weights say so in words."""
    return (getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
            or "No space left on device" in str(error))


def fail(line: str) -> None:
    """Print one line and leave with exit code 2."""
    print(f"mathmill: {line}", file=sys.stderr)
    raise SystemExit(2)
