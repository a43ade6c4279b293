r"""From a model's text to a program with one result, and from its outcome to an answer text.

Why: models are asked for one form and return many: TinyGSM's function, Program-of-Thoughts
scripts that leave `ans`, scripts that print, notebook cells, a last expression. What counts
as the result is decided here once, before anything runs, by the rules of `program_of`.

Used as: `program_of("```python\ndef solution():\n    return 5\n```")` ->
`Program("def solution():\n    return 5", "solution()")`; `answer_of(outcome, whole=1e-9)`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from mathmill.grading.sandbox.blocks import (
    SOURCE,
    blocks,
    bound_names,
    cleaned,
    free_names,
    looks_like_code,
    parsed,
)
from mathmill.grading.sandbox.outcome import Program
from mathmill.grading.sandbox.result import is_callable, with_result
from mathmill.grading.sandbox.value import WHOLE, answer_of

__all__ = ["WHOLE", "answer_of", "program_of"]

_ZERO_DEF = re.compile(r"^def[ ]+(\w+)[ ]*\([ ]*\)", re.MULTILINE)


def program_of(text: str) -> Program | None:
    """Return the program of a model's text and where its result stands; None where is none.

    Of several code blocks the last that defines a function without required arguments is
    taken, else the last that leaves a result; earlier blocks are put before it where it
    uses names that only they define. The result, first rule that fits: the function's value
    (a variable that holds it, where the code calls it already); the variable `ans`; the
    last line, if it is an expression or prints one; `answer`, `final_answer`, `result`;
    the last printed line (`Program.result` is empty); the variable assigned last. A body
    that stands under `if __name__ == "__main__":` counts as the script's end. Imports that
    nothing uses are left out. Code that breaks off is returned as it is, so that it fails,
    unless its function was complete.
    """
    found = blocks(cleaned(text))
    trees = [parsed(block) for block in found]
    for wants_function in (True, False):
        for place in range(len(found) - 1, -1, -1):
            tree = trees[place]
            if tree is None:
                if wants_function:
                    torn = _torn(found[place])
                    if torn is not None:
                        return torn
                continue
            if wants_function and not any(is_callable(node) for node in tree.body):
                continue
            program = with_result(_without_idle_imports(_joined(found, trees, place)))
            if program is not None:
                return program
    return None


def _joined(found: Sequence[str], trees: Sequence[ast.Module | None], place: int) -> str:
    """Return a block after the earlier ones whose names it uses."""
    tree, code = trees[place], found[place]
    assert tree is not None, "only parsed blocks are joined"
    missing = free_names(tree) if place else set()  # a third of the work here, rarely needed
    for earlier in range(place - 1, -1, -1):
        before = trees[earlier]
        if missing and before is not None and missing & bound_names(before):
            code = f"{found[earlier]}\n{code}"
            missing = (missing - bound_names(before)) | free_names(before)
    return code


def _torn(code: str) -> Program | None:
    """Return a program of code that does not parse: whole up to its end, or as it stands."""
    lines = code.split("\n")
    for cut in range(1, min(4, len(lines))):  # only the last lines can be torn
        shorter = "\n".join(lines[:-cut])
        tree = parsed(shorter)
        if tree is not None:
            last = [node for node in tree.body if is_callable(node)]
            if last and tree.body[-1] is last[-1] and isinstance(last[-1].body[-1], ast.Return):  # type: ignore[attr-defined]
                return Program(shorter, f"{last[-1].name}()")  # type: ignore[attr-defined]
    names = _ZERO_DEF.findall(code[:SOURCE])
    if names or any(looks_like_code(line) for line in lines[:200]):
        return Program(code, f"{names[-1]}()" if names else "")
    return None


def _without_idle_imports(code: str) -> str:
    """Blank out imports of the first level whose names the code never uses.

    Program-of-Thoughts prompts begin every program with NumPy; few use it. Without the line
    the fast engine can run it, and no package has to be there for nothing.
    """
    tree = parsed(code)
    if tree is None or "import" not in code:
        return code
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = code.split("\n")
    for node in tree.body:
        if (isinstance(node, ast.Import | ast.ImportFrom) and node.col_offset == 0
                and node.lineno == node.end_lineno and ";" not in lines[node.lineno - 1]
                and getattr(node, "module", "") != "__future__"
                and not {(alias.asname or alias.name).split(".")[0] for alias in node.names}
                & (used | {"*"})):
            lines[node.lineno - 1] = ""
    return "\n".join(lines)
