r"""From a model's text to a program with one result, and from its outcome to an answer text.

Why: models are asked for one form and return many: TinyGSM's function, Program-of-Thoughts
scripts that leave `ans`, scripts that print, notebook cells, a last expression. What counts
as the result is decided here once, before anything runs, by the rules of `program_of`.

Used as: `program_of("```python\ndef solution():\n    return 5\n```")` ->
`Program("def solution():\n    return 5", "solution()")`; `answer_of(outcome, whole=1e-9)`.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from collections.abc import Iterator, Sequence

from mathmill.grading.sandbox.blocks import (
    SOURCE,
    blocks,
    cleaned,
    looks_like_code,
    parsed,
)
from mathmill.grading.sandbox.outcome import Program
from mathmill.grading.sandbox.value import WHOLE, answer_of

__all__ = ["WHOLE", "answer_of", "program_of"]

# Names under which the prompts of papers ask for the function (TinyGSM, PAL, PoT, ...).
FUNCTIONS = ("simple_math_problem", "solution", "solver", "solve", "main")
VARIABLES = ("ans", "answer", "final_answer", "result")
_ZERO_DEF = re.compile(r"^def[ ]+(\w+)[ ]*\([ ]*\)", re.MULTILINE)
_BUILTINS = set(dir(builtins))
_INERT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_WORK = (ast.BinOp, ast.Call, ast.Compare, ast.Subscript, ast.comprehension)
Function = ast.FunctionDef


def program_of(text: str) -> Program | None:
    """Return the program of a model's text and where its result stands; None where is none.

    Of several code blocks the last that defines a function without required arguments is
    taken, else the last that leaves a result; earlier blocks are put before it where it
    uses names that only they define. The result, first rule that fits: the function's value
    (a variable that holds it, where the code calls it already); the variable `ans`; the
    last line, if it is an expression or prints one; `answer`, `final_answer`, `result`;
    the last printed line (`Program.result` is empty); the variable assigned last. A body
    that stands under `if __name__ == "__main__":` counts as the script's end. Code that
    breaks off is returned as it is, so that it fails, unless its function was complete.
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
            if wants_function and not any(_function(node) for node in tree.body):
                continue
            program = _with_result(_joined(found, trees, place))
            if program is not None:
                return program
    return None


def _joined(found: Sequence[str], trees: Sequence[ast.Module | None], place: int) -> str:
    """Return a block after the earlier ones whose names it uses."""
    tree, code = trees[place], found[place]
    assert tree is not None, "only parsed blocks are joined"
    missing = _free(tree)
    for earlier in range(place - 1, -1, -1):
        before = trees[earlier]
        if missing and before is not None and missing & _bound(before):
            code = f"{found[earlier]}\n{code}"
            missing = (missing - _bound(before)) | _free(before)
    return code


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that a block leaves behind."""
    names = {node.id for node in ast.walk(tree)
             if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def _free(tree: ast.Module) -> set[str]:
    """Return the names that a block uses and nobody in it binds."""
    used = {node.id for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return used - own - _bound(tree) - _BUILTINS


def _torn(code: str) -> Program | None:
    """Return a program of code that does not parse: whole up to its end, or as it stands."""
    lines = code.split("\n")
    for cut in range(1, min(4, len(lines))):  # only the last lines can be torn
        shorter = "\n".join(lines[:-cut])
        tree = parsed(shorter)
        if tree is not None:
            last = [node for node in tree.body if _function(node)]
            if last and tree.body[-1] is last[-1] and isinstance(last[-1].body[-1], ast.Return):  # type: ignore[attr-defined]
                return Program(shorter, f"{last[-1].name}()")  # type: ignore[attr-defined]
    names = _ZERO_DEF.findall(code[:SOURCE])
    if names or any(looks_like_code(line) for line in lines[:200]):
        return Program(code, f"{names[-1]}()" if names else "")
    return None


def _with_result(code: str) -> Program | None:
    """Return the program of code that parses, or None where it leaves no result."""
    tree = parsed(code)
    if tree is None:  # joined blocks that are too long together
        return Program(code, "")
    if any(isinstance(node, ast.Return) for node in _own(tree.body)):  # the body of a function
        code = "def solution():\n" + textwrap.indent(code, "    ")
        return Program(code, "solution()")
    bare, guarded = _split_guard(code, tree)
    chosen = _chosen(tree)
    if chosen is not None:
        return Program(bare, _call(tree, chosen))
    if guarded != code:
        code = guarded
        tree = parsed(code)
        if tree is None or not tree.body:
            return None
    return _script(code, tree)


def _split_guard(code: str, tree: ast.Module) -> tuple[str, str]:
    """Return the code without its `__main__` guard, and with the guard's body in its place."""
    last = tree.body[-1] if tree.body else None
    if (isinstance(last, ast.If) and isinstance(last.test, ast.Compare)
            and isinstance(last.test.left, ast.Name) and last.test.left.id == "__name__"
            and last.body[0].lineno > last.lineno):
        lines = code.split("\n")
        before = lines[:last.lineno - 1]
        body = lines[last.body[0].lineno - 1:last.body[-1].end_lineno]
        bare = "\n".join(before).rstrip()
        return bare, "\n".join([*before, textwrap.dedent("\n".join(body))])
    return code, code


def _function(node: ast.stmt) -> bool:
    """Tell whether a statement defines a function that can be called without arguments."""
    if not isinstance(node, ast.FunctionDef):
        return False
    given = node.args
    needed = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    return needed <= 0 and all(default is not None for default in given.kw_defaults)


def _own(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of statements without entering functions and classes."""
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))


def _returns(function: Function) -> bool:
    return any(isinstance(node, ast.Return) and node.value is not None
               for node in _own(function.body))


def _calls(node: ast.AST | None, name: str) -> bool:
    """Tell whether an expression is the call `name()`."""
    return (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            and node.func.id == name and not node.args and not node.keywords)


def _chosen(tree: ast.Module) -> Function | None:
    """Return the function whose value is the result; None where the script goes on from it."""
    able = [node for node in tree.body
            if isinstance(node, ast.FunctionDef) and _function(node) and _returns(node)]
    for node in reversed(able):
        if node.name in FUNCTIONS:
            return node
    names = {node.name for node in able}
    for statement in tree.body:
        if isinstance(statement, _INERT) or (isinstance(statement, ast.If)
                                             and "__name__" in ast.dump(statement.test)):
            continue
        if isinstance(statement, ast.Expr):
            used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
            if isinstance(statement.value, ast.Constant) or used & names:
                continue
        if isinstance(statement, ast.Assign) and any(_calls(statement.value, n) for n in names):
            names |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
            continue
        return None
    return able[-1] if able else None


def _call(tree: ast.Module, function: Function) -> str:
    """Return the variable that holds the function's value already, else the call."""
    holders = [target.id for node in tree.body if isinstance(node, ast.Assign)
               and _calls(node.value, function.name)
               for target in node.targets if isinstance(target, ast.Name)]
    stored = [node.id for node in _own(tree.body)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return (holders[-1] if holders and stored.count(holders[-1]) == 1
            else f"{function.name}()")


def _script(code: str, tree: ast.Module) -> Program | None:
    """Return the program of a script, by the rules of `program_of`."""
    stored = {node.id for node in _own(tree.body)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    if "ans" in stored:
        return Program(code, "ans")
    last = tree.body[-1] if tree.body else None
    silent = [node.name for node in tree.body
              if isinstance(node, ast.FunctionDef) and not _returns(node)]
    prints = any(_is_print(node) for node in ast.walk(tree))
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Constant):
        shown = last.value
        if isinstance(shown, ast.Call) and _is_print(shown):
            if len(shown.args) != 1 or shown.keywords or _is_text(shown.args[0]):
                return Program(code, "")
            shown = shown.args[0]
        names = {node.id for node in ast.walk(shown) if isinstance(node, ast.Name)}
        if names & set(silent) and prints:
            return Program(code, "")
        if len(tree.body) == 1 and shown is last.value and (names & _free(tree) or not any(
                isinstance(node, _WORK) for node in ast.walk(shown))):
            return None  # words or data that parse by accident: `well-known`, `[1, 2]`
        return _ending(code, last, shown)
    for name in VARIABLES[1:]:
        if name in stored:
            return Program(code, name)
    zero = [node.name for node in tree.body
            if isinstance(node, ast.FunctionDef) and _function(node) and node.name in silent]
    if prints:
        used = {node.id for node in _own(tree.body) if isinstance(node, ast.Name)}
        idle = zero and not used & set(zero) and not any(_is_print(n) for n in _own(tree.body))
        return Program(f"{code}\n{zero[-1]}()" if idle else code, "")
    if isinstance(last, ast.Assign | ast.AugAssign | ast.AnnAssign) and last.value is not None:
        target = last.targets[-1] if isinstance(last, ast.Assign) else last.target
        if isinstance(target, ast.Name):
            return Program(code, target.id)
    return None


def _ending(code: str, last: ast.stmt, shown: ast.expr) -> Program:
    """Return the program whose last line is taken off and evaluated as its result."""
    expression = ast.get_source_segment(code, shown) or ast.unparse(shown)
    lines = code.split("\n")
    if last.col_offset == 0:  # else it follows a semicolon: it stays, and is evaluated again
        code = "\n".join(lines[:last.lineno - 1])
    return Program(code.rstrip(), f"({expression})" if "\n" in expression else expression)


def _is_print(node: ast.AST) -> bool:
    return (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            and node.func.id == "print")


def _is_text(node: ast.expr) -> bool:
    """Tell whether an expression builds a text, which is better read as it is printed."""
    if isinstance(node, ast.BinOp):
        return _is_text(node.left)
    if isinstance(node, ast.Call):
        return ((isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "join"})
                or (isinstance(node.func, ast.Name) and node.func.id in {"str", "format", "repr"}))
    return (isinstance(node, ast.JoinedStr | ast.Starred)
            or (isinstance(node, ast.Constant) and isinstance(node.value, str)))
