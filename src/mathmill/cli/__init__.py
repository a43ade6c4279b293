"""The command line: thin words over the spine. Its options are frozen by a test.

Why: people meet mathmill here first; it must start fast, say what went wrong in one line,
and stop cleanly. Each group of commands has its file, and nothing beyond the words of the
options is imported before the command that needs it. A command's function has a parameter
for each of its options, more than eight in places: typer knows options by nothing else. What
commands share is declared once (`run`), and no function behind them takes so many.

Used as: `mathmill run demo`, `mathmill show demo`, `mathmill grade answers.jsonl`.
"""

from __future__ import annotations

import errno
import sys
from typing import Annotated, Any

import typer

from mathmill import __version__
from mathmill.cli import journal
from mathmill.cli.decontaminate import decontaminate
from mathmill.cli.dedup import dedup
from mathmill.cli.generate import generate
from mathmill.cli.grade import grade
from mathmill.cli.plan import plan
from mathmill.cli.programs import run_programs
from mathmill.cli.rate import rate
from mathmill.cli.run import run, show
from mathmill.cli.select import select
from mathmill.cli.stats import stats
from mathmill.errors import MathmillError

# The parser's own "no such option": typer exports only this child of it.
WrongWords: Any = typer.BadParameter.__base__

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Grind seed maths problems into checked data, train on it in stages, measure honestly.",
)
app.command()(run)
app.command()(plan)
app.command()(show)
app.command()(grade)
app.command()(generate)
app.command()(decontaminate)
app.command()(dedup)
app.command()(rate)
app.command()(select)
app.command()(stats)
app.command("exec")(run_programs)
app.add_typer(journal.app, name="journal", help="See, export or prune what teachers were paid for.")


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
          ) -> None:
    """Print the version where asked."""
    if version:
        print(f"mathmill {__version__}")
        raise typer.Exit


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
        print("stopped; give the same command again (what is finished is kept, and every reply)",
              file=sys.stderr)
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
