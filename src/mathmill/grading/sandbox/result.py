r"""Where the result of a piece of Python stands: a function's value, a variable, a last line.

Why: a program is run for one value, and models leave it in a handful of places. The rules
look at the syntax tree only; `form.program_of` lists them in the order in which they apply.

Used as: `with_result("x = 3\nprint(x + 4)")` -> `Program("x = 3", "x + 4")`.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Sequence

from mathmill.grading.sandbox.blocks import free_names, parsed
from mathmill.grading.sandbox.outcome import Program

# Names under which the prompts of papers ask for the function (TinyGSM, PAL, PoT, ...).
FUNCTIONS = ("simple_math_problem", "solution", "solver", "solve", "main")
VARIABLES = ("ans", "answer", "final_answer", "result")
_INERT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ACTS = (ast.While, ast.For, ast.With, ast.Try, ast.If, ast.Match, ast.Raise, ast.Assert,
         ast.Assign, ast.AugAssign, ast.Delete)
_WORK = (ast.BinOp, ast.Call, ast.Compare, ast.Subscript, ast.comprehension)
Function = ast.FunctionDef


def with_result(code: str) -> Program | None:
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


def is_callable(node: ast.stmt) -> bool:
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
            if isinstance(node, ast.FunctionDef) and is_callable(node) and _returns(node)]
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
        if len(tree.body) == 1 and shown is last.value and (names & free_names(tree) or not any(
                isinstance(node, _WORK) for node in ast.walk(shown))):
            return None  # words or data that parse by accident: `well-known`, `[1, 2]`
        return _ending(code, last, shown)
    for name in VARIABLES[1:]:
        if name in stored:
            return Program(code, name)
    zero = [node.name for node in tree.body
            if isinstance(node, ast.FunctionDef) and is_callable(node) and node.name in silent]
    if prints:
        used = {node.id for node in _own(tree.body) if isinstance(node, ast.Name)}
        idle = zero and not used & set(zero) and not any(_is_print(n) for n in _own(tree.body))
        return Program(f"{code}\n{zero[-1]}()" if idle else code, "")
    if isinstance(last, ast.Assign | ast.AugAssign | ast.AnnAssign) and last.value is not None:
        target = last.targets[-1] if isinstance(last, ast.Assign) else last.target
        if isinstance(target, ast.Name):
            return Program(code, target.id)
    # Code that leaves nothing is still run: what it does, ends late or nothing, is its reason.
    return Program(code, "") if any(isinstance(node, _ACTS) for node in tree.body) else None


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
