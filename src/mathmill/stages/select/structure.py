r"""What a program computes with names and numbers taken away; what a question asks without them.

Why: a teacher that is asked for ten different problems writes many that are one calculation
with other people and other numbers. Texts differ, trees do not.

Used as: `structure_of("def f():\n    a = 3\n    return a * 2")` equals that of
`def g():\n    pens = 7\n    return pens * 5`; `skeleton_of("Tom has 3 pens.")` -> `has pens`.
"""

from __future__ import annotations

import ast
import re
import unicodedata

from mathmill.grading.sandbox.blocks import parsed

_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+")
_NUMBERS = frozenset(re.findall(
    r"\S+", "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand million half third quarter twice double triple dozen "
    "零 一 二 两 三 四 五 六 七 八 九 十 百 千 万"))
_OWN = re.compile("\0([^\0]*)\0")  # a name of the program's own within a shape
_COMMUTES = (ast.Add, ast.Mult)


def skeleton_of(question: str) -> str:
    """Return a question's words in lower case, without numbers (words for them too) and names.

    A name is taken to be any word that begins with a capital letter, at the start of a
    sentence too: both questions lose such a word alike.
    """
    words = _WORDS.findall(unicodedata.normalize("NFKC", question))
    return " ".join(word for word in words if not word[0].isupper() and word not in _NUMBERS)


def structure_of(code: str) -> str | None:
    """Return a program's tree as text; None where the text is no Python or computes nothing.

    Names that the program assigns are numbered in the order in which they come; constants are
    one sign, docstrings, comments and annotations are left out; the terms of a sum or a
    product stand in an order of their own. Calls keep their names.
    """
    tree = parsed(code)
    if tree is None:
        return None
    try:
        own = {node.id for node in ast.walk(tree)
               if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        body = _statements(tree.body)
        if len(body) == 1 and isinstance(body[0], ast.FunctionDef):
            body = _statements(body[0].body)
        if not body:
            return None
        text = "\n".join(_shape(node, own) for node in body)
    except RecursionError:
        return None
    return _numbered(text)


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements without those that are a constant: docstrings and numbers that idle."""
    return [node for node in body
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]


def _shape(node: ast.AST, own: set[str]) -> str:
    """Return a tree as text; names of the program's own stand between two signs."""
    if isinstance(node, ast.Name):
        return f"\0{node.id}\0" if node.id in own else node.id
    if isinstance(node, ast.Constant):
        return "#" if not isinstance(node.value, str) else "'"
    if isinstance(node, ast.BinOp):
        left, right = _shape(node.left, own), _shape(node.right, own)
        if isinstance(node.op, _COMMUTES) and _bare(right) < _bare(left):
            left, right = right, left
        return f"({left}{type(node.op).__name__}{right})"
    if isinstance(node, ast.FunctionDef):
        inner = ";".join(_shape(part, own) for part in _statements(node.body))
        return f"def {len(node.args.args)}:{inner}"
    parts = []
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "type_comment", "kind", "ctx", "lineno"):
            continue
        if isinstance(value, ast.AST):
            parts.append(_shape(value, own))
        elif isinstance(value, list):
            parts.append(",".join(_shape(part, own) if isinstance(part, ast.AST) else str(part)
                                  for part in value))
        elif value is not None:
            parts.append(str(value))
    return f"{type(node).__name__}[{';'.join(parts)}]"


def _bare(text: str) -> str:
    """Return a shape without the program's own names: what its terms are put in order by."""
    return _OWN.sub("\0", text)


def _numbered(text: str) -> str:
    """Number the program's own names in the order in which they come."""
    numbers: dict[str, str] = {}
    return _OWN.sub(lambda found: numbers.setdefault(found[1], f"\0{len(numbers)}"), text)
