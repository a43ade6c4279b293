r"""Blocks of code that print, as one program whose value is what each of them printed.

Why: the sandbox hands over one value or the last line printed; a tool solution claims all that
its blocks print, block by block, and a student that goes on after a block must be shown
just what that block printed. So `print` is one of our own that keeps the text.

Used as: `printed(sandbox.one(printing(["x = 2", "print(x + 1)"])))` -> `["", "3"]`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mathmill.grading.answers import printed as unlabelled
from mathmill.grading.sandbox.blocks import cleaned, parsed
from mathmill.grading.sandbox.outcome import VALUE, Outcome, Program
from mathmill.grading.sandbox.value import WHOLE, answer_of

SAID = "_said_so_far"
# One line each, so that the line numbers of an error are nearly the program's own.
PRINT = f"""{SAID} = [""]
def print(*values, sep=" ", end="\\n", file=None, flush=False): {SAID}[-1] += \
(" " if sep is None else sep).join([str(value) for value in values]) + \
("\\n" if end is None else end)
"""
NEXT = f'{SAID}.append("")'


def printing(blocks: Sequence[str], show: bool = True) -> Program:
    """Return the program of all blocks, in order, in one space of names.

    `show`: a block that prints nothing by itself and ends in an expression shows that, as a
    notebook would. What a block prints is kept whole; the sandbox's cap on a value bounds it.
    """
    pieces = [echoing(cleaned(block)) if show else cleaned(block) for block in blocks]
    return Program(PRINT + f"\n{NEXT}\n".join(pieces), SAID)


def printed(outcome: Outcome) -> list[str] | None:
    """Return what each block of such a program printed, stripped; None where it failed."""
    if outcome.kind != VALUE or outcome.type != "list":
        return None
    try:
        said = ast.literal_eval(outcome.value or "")
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    whole = isinstance(said, list) and all(isinstance(text, str) for text in said)
    return [text.strip() for text in said] if whole else None


def answer_in(output: str, whole: float = WHOLE) -> str | None:
    """Return the answer in what was printed: that of its last line; None where it tells none.

    `whole`: the switch for the noise of floats, as of `answer_of`.
    """
    line = unlabelled(output).text
    return answer_of(Outcome(VALUE, line, "printed"), whole=whole) if line else None


def echoing(block: str) -> str:
    """Return a block whose last expression is printed, where nothing in it prints."""
    tree = parsed(block)
    if tree is None or not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return block
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Name)}
    last = tree.body[-1]
    if "print" in calls or "stdout" in block or isinstance(last.value, ast.Constant):
        return block
    lines = block.split("\n")
    if last.end_lineno != last.lineno or ";" in lines[last.lineno - 1]:
        return block
    lines[last.lineno - 1] = f"print({ast.unparse(last.value)})"
    return "\n".join(lines)
