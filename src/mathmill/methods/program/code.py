r"""From a model's program, in whatever form, to the body that a row keeps.

Why: models were asked for lines that end in `result = ...` and write functions, prints,
notebooks and several drafts. What counts as the result is decided by the sandbox's own rules
(`program_of`), so that what is stored gives what the reply as a whole would have given.

Used as: `body_of("```python\nx = 3\nprint(x + 4)\n```")` -> `"x = 3\nresult = x + 4"`.
"""

from __future__ import annotations

import ast

from mathmill.errors import UsageError
from mathmill.grading.sandbox.blocks import parsed
from mathmill.grading.sandbox.form import program_of
from mathmill.grading.sandbox.outcome import Program
from mathmill.methods.replies import Unusable
from mathmill.programs import split_function, tidy

RESULT = "result"
LONGEST = 20_000  # characters of code that are read
_WORK = (ast.BinOp, ast.Call, ast.AugAssign, ast.Compare, ast.comprehension, ast.BoolOp)


def body_of(text: str) -> str:
    """Return the body of the program in a text: lines at the margin, the result in `result`.

    The last statement assigns it, except where a branch or a loop does. Raises Unusable:
    `no program`, `not Python`, `no result` (or more than one), `nothing computed`.
    """
    tree = parsed(text)
    if tree is not None and tree.body and _assigns(tree.body[-1]):
        body = text  # as it was asked for: most are, and looking further takes twice the time
    else:
        found = program_of(text[:LONGEST])
        if found is None:
            raise Unusable("no program", text)
        tree = parsed(found.code)
        if tree is None:
            raise Unusable("not Python", found.code)
        own = _own_body(found, tree)
        body = own if own is not None else _script(found, tree, text)
    body = _spaced(tidy(body))
    tree = parsed(body)
    if tree is None or not tree.body:
        raise Unusable("not Python", body)
    if not any(isinstance(node, _WORK) for node in ast.walk(tree)):
        raise Unusable("nothing computed", body)
    return body


def _assigns(node: ast.stmt) -> bool:
    """Tell whether a statement is `result = ...`."""
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == RESULT for target in node.targets)


def _own_body(found: Program, tree: ast.Module) -> str | None:
    """Return the body of code that is one plain function (and imports); None for other code."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if len(functions) != 1 or found.result != f"{functions[0].name}()":
        return None
    function = functions[0]
    others = [node for node in tree.body if node is not function and not _is_idle(node)
              and not isinstance(node, ast.Import | ast.ImportFrom)]
    returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
    if others or ast.unparse(function.args) or returns != [function.body[-1]]:
        return None
    try:
        return split_function(found.code)[1]
    except UsageError:
        return None


def _is_idle(node: ast.stmt) -> bool:
    """Tell whether a statement is only a text, or a print: nothing of it is the result."""
    if not isinstance(node, ast.Expr):
        return False
    call = node.value
    return isinstance(call, ast.Constant) or (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        and call.func.id == "print")


def _script(found: Program, tree: ast.Module, text: str) -> str:
    """Return a script's lines with its result assigned at their end."""
    result = found.result or _printed(tree)
    if not result:
        raise Unusable("no result", text)
    statements = list(tree.body)
    if result == RESULT:
        last = next((place for place in range(len(statements), 0, -1)
                     if _binds(statements[place - 1], RESULT)), len(statements))
        statements = statements[:last]
    while statements and _is_idle(statements[-1]):
        statements.pop()
    lines = found.code.split("\n")[:statements[-1].end_lineno] if statements else []
    if result != RESULT or not statements or not _binds(statements[-1], RESULT):
        lines.append(f"{RESULT} = {result}")
    return "\n".join(lines)


def _binds(node: ast.stmt, name: str) -> bool:
    """Tell whether a statement (not a definition) assigns to a name."""
    return not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and any(
        isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store)
        for part in ast.walk(node))


def _printed(tree: ast.Module) -> str:
    """Return the one value that the last line prints among words; `` where it is not one."""
    last = tree.body[-1]
    if not (isinstance(last, ast.Expr) and _is_idle(last) and isinstance(last.value, ast.Call)):
        return ""
    shown: list[ast.expr] = []
    for given in last.value.args:
        parts = given.values if isinstance(given, ast.JoinedStr) else [given]
        shown += [part.value if isinstance(part, ast.FormattedValue) else part
                  for part in parts if not isinstance(part, ast.Constant)]
    return ast.unparse(shown[0]) if len(shown) == 1 and not isinstance(
        shown[0], ast.Starred) else ""


def _spaced(body: str) -> str:
    """Return a body whose lines are indented by spaces, where it means the same."""
    if "\t" not in body:
        return body
    lines = [line[:len(line) - len(line.lstrip())].expandtabs(4) + line.lstrip()
             for line in body.split("\n")]
    tree, other = parsed(body), parsed("\n".join(lines))
    if tree is None or other is None or ast.dump(tree) != ast.dump(other):
        return body
    return "\n".join(lines)
