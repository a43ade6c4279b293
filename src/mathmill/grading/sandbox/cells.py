r"""Cells of code run one after another, as a notebook would: what the last one prints or raises.

Why: a model that solves with code writes a cell, is shown what it printed, and goes on. A
program has no memory between runs, so all cells so far run together and only the last one's
output counts. What an earlier cell raised was shown then; the next one starts from what it left.
Most cells print: they run on the first engine. Those that raise run again where each cell is
caught, on the second engine first: it is Python itself, and its messages are Python's.

Used as: `with Cells() as cells: cells.run([["x = 2", "print(x + 1)"]])` -> `[Shown("3")]`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from mathmill.grading.sandbox.blocks import SOURCE, cleaned, parsed
from mathmill.grading.sandbox.outcome import MEMORY, REFUSED, TIMEOUT, VALUE, Outcome, Program
from mathmill.grading.sandbox.printing import NEXT, PRINT, SAID, echoing, printing
from mathmill.grading.sandbox.run import Sandbox

BOUND = 1_000  # characters of an output that are shown; of a longer one half from either end
ELLIPSIS = "\n...\n"
ERROR = "error"  # as what a cell raised is counted
_HALF = (BOUND - len(ELLIPSIS)) // 2
_LAST = (f"({SAID}[-1] if len({SAID}[-1]) <= {BOUND} else {SAID}[-1][:{_HALF}] + "
         f"{ELLIPSIS!r} + {SAID}[-1][-{_HALF}:])")
_OVER = (VALUE, TIMEOUT, MEMORY)  # ends of a first run that a second one would only repeat
_RAISED = f"{SAID}_raised"
_GUARD = f"""{_RAISED} = False
try:
    pass
except SystemExit:
    pass
except Exception as {SAID}_error:
    {_RAISED} = True
    if {SAID}[-1] and not {SAID}[-1].endswith(chr(10)):
        {SAID}[-1] += chr(10)
    {SAID}[-1] += type({SAID}_error).__name__
    if str({SAID}_error):
        {SAID}[-1] += ": " + " ".join(str({SAID}_error).split())
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a run."""

    text: str
    "What the last cell printed, cut in the middle where it is long; of an error its last line."
    kind: str = VALUE
    "`value`, `error` (it raised), or how else it ended: see `outcome.KINDS`."

    @property
    def error(self) -> str:
        """Name of what it raised, or how it ended; empty where it printed."""
        last = self.text.rsplit("\n", 1)[-1]
        return "" if self.kind == VALUE else last.partition(":")[0] if self.kind == ERROR else (
            self.kind)


class Cells:
    """Runs lists of cells in one sandbox, or two. A context manager."""

    def __init__(self, jobs: int | None = None) -> None:
        """Take the number of processes; by default one a core."""
        self._first, self._jobs = Sandbox(jobs=jobs), jobs
        self._second: Sandbox | None = None
        self.runs = 0
        "Different lists of cells that were run."

    def __enter__(self) -> Cells:
        self._first.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._first.__exit__(*error)
        if self._second is not None:
            self._second.__exit__(*error)

    def run(self, asked: Sequence[Sequence[str]]) -> list[Shown]:
        """Return what is shown of each list of cells, in order; equal lists run once.

        Raises MissingExtra or UsageError where no sandbox can run here.
        """
        lists = list(dict.fromkeys(tuple(cells) for cells in asked))
        self.runs += len(lists)
        plain = [Program(printing(cells).code, _LAST) for cells in lists]
        found = {cells: shown(outcome) for cells, outcome
                 in zip(lists, self._first.run(plain), strict=True) if outcome.kind in _OVER}
        left = [cells for cells in lists if cells not in found]
        if left:
            if self._second is None:
                self._second = Sandbox(jobs=self._jobs, crosscheck=0, engines=("zygote", "monty"))
            found |= zip(left, map(shown, self._second.run(map(caught, left))), strict=True)
        return [found[tuple(cells)] for cells in asked]


def caught(cells: Sequence[str]) -> Program:
    """Return the program of cells of which each is caught where it raises."""
    return Program(PRINT + f"\n{NEXT}\n".join(map(_caught, cells)), f"({_LAST}, {_RAISED})")


def shown(outcome: Outcome) -> Shown:
    """Return what is shown of the outcome of such a program."""
    if outcome.kind == VALUE:
        try:
            value = ast.literal_eval(outcome.value or "")
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return Shown("Error: this output cannot be shown", REFUSED)
        text, raised = value if isinstance(value, tuple) else (value, False)
        if isinstance(text, str):
            return Shown(text.strip("\n"), ERROR if raised else VALUE)
    said = {TIMEOUT: "TimeoutError: the code took too long", MEMORY: "MemoryError",
            ERROR: outcome.error}
    return Shown(said.get(outcome.kind, f"Error: {outcome.error or outcome.kind}"), outcome.kind)


def _caught(cell: str) -> str:
    """Return a cell within `try`; one that is no Python says so in its turn."""
    code = echoing(cleaned(cell))
    tree = parsed(code)
    if tree is None:
        return f"{_RAISED} = True\n{SAID}[-1] += {_why(code)!r}"
    body = [node for node in tree.body
            if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")]
    guard = ast.parse(_GUARD)
    guarded = guard.body[-1]
    assert isinstance(guarded, ast.Try)
    guarded.body = body or guarded.body
    try:
        return ast.unparse(guard)
    except (RecursionError, ValueError):
        return code


def _why(code: str) -> str:
    """Return the last line of what Python says to a text that is no program."""
    if len(code) > SOURCE:
        return "Error: the code is too long"
    try:
        ast.parse(code)
    except SyntaxError as error:
        return f"{type(error).__name__}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return "SyntaxError"
