r"""From the value that a program returned to an answer text that `grading.equal` can compare.

Why: 18.0, Fraction(1, 3), [5] and sqrt(3)/2 are answers, but not as Python writes them; and
0.1 + 0.2 is 0.3 to a person. The value is read from its `repr` by a tree of our own
(`ast.parse`, nothing is evaluated), for what stands in it was chosen by a model's program.

| value | answer text |
|---|---|
| 18.0, Decimal('2.50'), np.float64(3.5) | `18`, `2.50`, `3.5`; 1e+22 stays `1e+22` |
| Fraction(1, 3), (3+4j), inf | `1/3`, `3+4i`, `\infty` |
| [5], [1, 2], (1, 2), {1, 2} | `5`, `1, 2`, `(1, 2)`, `\{1, 2\}`; with one entry {x: 5}: `5` |
| SymPy's sqrt(3)/2, x**2 + pi | `\frac{\sqrt{3}}{2}`, `x^{2}+\pi` |
| 'B', printed `The answer is 42 apples` | what `extract` finds, else the text |
| None, NaN, an empty list, text or dict, a function, anything else | none |
| True | `True` |

Used as: `answer_of(Outcome("value", "18.000000000000004", "float"), whole=1e-9)` -> `"18"`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

from mathmill.grading.answers import LONGEST, extract
from mathmill.grading.sandbox.blocks import parsed
from mathmill.grading.sandbox.outcome import VALUE, Outcome

WHOLE = 1e-9  # the usual `whole`: far above the noise of sums, far below a cent's rounding
DIGITS = 12  # significant digits of a decimal that a program can have meant
_NAMES = {"inf": r"\infty", "oo": r"\infty", "zoo": r"\infty", "pi": r"\pi", "E": "e", "I": "i",
          "True": "True", "False": "False", "EmptySet": r"\emptyset"}
_FUNCTIONS = {"log": r"\ln", "ln": r"\ln", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan",
              "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan"}
# Wrappers whose first argument is the value: NumPy 2 writes np.float64(3.5).
_WRAPPERS = {"Integer", "Float", "array", "list", "tuple", "Matrix"}


class _Unreadable(Exception):
    """A value that is no answer."""


def answer_of(outcome: Outcome, *, whole: float = 0.0) -> str | None:
    """Return the answer text of an outcome, or None where it is no answer.

    `whole`: the switch for the noise of floats; 0 takes every float exactly. Above 0, a
    float at most that far from a whole number other than 0 is that number, and one within
    4 units in the last place of a decimal of at most 12 digits is that decimal.
    """
    if outcome.kind != VALUE or outcome.value is None:
        return None
    text = outcome.value.strip()
    if outcome.type == "printed":
        return _of_text(text, whole)
    if outcome.type == "int" or not text:
        return text[:LONGEST + 1] if 0 < len(text) <= LONGEST else None
    try:
        return _of_tree(text, whole)
    except _Unreadable:
        return None


def number_text(value: float, whole: float = 0.0) -> str | None:
    r"""Return a float as an answer text: `18` for 18.0, `\infty` for inf, None for NaN."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    if whole > 0:
        value = without_noise(value, whole)
    if value == int(value) and abs(value) < 1e16:
        return str(int(value))
    return repr(value)


def without_noise(value: float, whole: float) -> float:
    """Return the number that a float near it was meant to be (see `answer_of`)."""
    near = float(round(value))
    # At 1e13 a float's last place is 0.002: the limit of 0.001 keeps cents apart.
    reach = min(1e-3, max(whole, 4 * math.ulp(value)))
    if near and abs(value - near) <= reach:
        return near
    short = float(f"{value:.{DIGITS}g}")
    return short if abs(value - short) <= 4 * math.ulp(value) else value


def _of_text(text: str, whole: float) -> str | None:
    """Return the answer in a printed or returned text: a Python value, else what it says."""
    if not text or len(text) > 10 * LONGEST:
        return None
    try:
        if text not in _NAMES and not text.isidentifier():
            return _of_tree(text, whole, plain=True)
    except _Unreadable:
        pass
    if text in {"None", "nan", "NaN"}:
        return None
    marked = extract(text, guess=False).text
    if marked is not None:
        return marked
    last = text.rsplit("\n", 1)[-1].strip()
    found = extract(last).text if " " in last else last
    answer = found or last
    return answer if 0 < len(answer) <= LONGEST else None


def _of_tree(text: str, whole: float, plain: bool = False) -> str | None:
    """Return the answer of a `repr`; `plain` takes values only, no names and no algebra."""
    tree = parsed(text)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        raise _Unreadable
    node = tree.body[0].value
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if plain:  # a printed text in quotes
            raise _Unreadable
        return _of_text(node.value.strip(), whole)
    if plain and isinstance(node, ast.Tuple) and text[0] != "(":
        return text  # `2,500` or `3, 5`: whether it is one number or two, equality knows
    if plain and any(isinstance(n, ast.Name | ast.Attribute) for n in ast.walk(node)):
        raise _Unreadable
    if plain and isinstance(node, ast.BinOp) and _complex(node, whole) is None:
        raise _Unreadable
    try:
        answer = _written(node, whole)
    except RecursionError:
        raise _Unreadable from None
    return answer if 0 < len(answer) <= LONGEST else None


def _written(node: ast.expr, whole: float) -> str:
    """Write one value of a tree as maths; raises _Unreadable for what is no value."""
    if isinstance(node, ast.Constant):
        return _constant(node.value, whole)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inside = _written(node.operand, whole)
        if isinstance(node.operand, ast.BinOp) and isinstance(node.operand.op, ast.Add | ast.Sub):
            inside = f"({inside})"
        return inside if isinstance(node.op, ast.UAdd) or inside == "0" else f"-{inside}"
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return _several(node, whole)
    if isinstance(node, ast.Dict):
        if len(node.values) != 1:
            raise _Unreadable
        return _written(node.values[0], whole)
    if isinstance(node, ast.BinOp):
        return _complex(node, whole) or _operation(node, whole)
    if isinstance(node, ast.Call):
        return _call(node, whole)
    if isinstance(node, ast.Name) and node.id not in {"nan", "None"}:
        return _NAMES.get(node.id, node.id)
    raise _Unreadable


def _constant(value: object, whole: float) -> str:
    """Write a literal."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = number_text(value, whole)
        if text is not None:
            return text
    if isinstance(value, complex):
        imaginary = number_text(value.imag, whole)
        if imaginary is not None:
            return "0" if imaginary == "0" else f"{'' if imaginary == '1' else imaginary}i"
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise _Unreadable


def _several(node: ast.List | ast.Tuple | ast.Set, whole: float) -> str:
    """Write a list bare, a tuple in brackets, a set in braces; a single element alone."""
    items = [_written(item, whole) for item in node.elts]
    if not items:
        raise _Unreadable
    inside = ", ".join(items)
    if len(items) == 1:
        return inside
    return (inside if isinstance(node, ast.List)
            else f"({inside})" if isinstance(node, ast.Tuple) else rf"\{{{inside}\}}")


def _complex(node: ast.BinOp, whole: float) -> str | None:
    """Write `(3+4j)`, dropping a part that is 0; None for another operation."""
    right = node.right
    if not (isinstance(right, ast.Constant) and isinstance(right.value, complex)
            and isinstance(node.op, ast.Add | ast.Sub)):
        return None
    real, imaginary = _written(node.left, whole), _constant(right.value, whole)
    if imaginary == "0":
        return real
    sign = "+" if isinstance(node.op, ast.Add) else "-"
    if real == "0":
        return imaginary if sign == "+" else f"-{imaginary}"
    return f"{real}{sign}{imaginary}"


def _operation(node: ast.BinOp, whole: float) -> str:
    """Write an operation of SymPy's as LaTeX."""
    left, right = _written(node.left, whole), _written(node.right, whole)
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{left}}}{{{right}}}"
    if isinstance(node.op, ast.Pow):
        return f"{_bracketed(node.left, left)}^{{{right}}}"
    if isinstance(node.op, ast.Mult):
        return rf"{_bracketed(node.left, left)}\cdot {_bracketed(node.right, right)}"
    if isinstance(node.op, ast.Add):
        return f"{left}+{right}"
    if isinstance(node.op, ast.Sub):
        return f"{left}-{_bracketed(node.right, right)}"
    raise _Unreadable


def _bracketed(node: ast.expr, text: str) -> str:
    """Put brackets around an operand that is an operation itself."""
    return f"({text})" if isinstance(node, ast.UnaryOp | ast.BinOp) else text


def _decimal(text: str) -> str:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise _Unreadable from None
    if value.is_nan():
        raise _Unreadable
    return (r"\infty" if value > 0 else r"-\infty") if value.is_infinite() else text


def _call(node: ast.Call, whole: float) -> str:
    """Write a value that `repr` shows as a call: Fraction(1, 3), np.float64(2.0), sqrt(2)."""
    name = (node.func.id if isinstance(node.func, ast.Name)
            else node.func.attr if isinstance(node.func, ast.Attribute) else "")
    given: Sequence[ast.expr] = node.args
    if not given:
        raise _Unreadable
    first = given[0]
    if name == "Decimal" and isinstance(first, ast.Constant):
        return _decimal(str(first.value))
    if name == "Float" and isinstance(first, ast.Constant):
        return _constant(float(str(first.value)), whole)
    if name in {"Fraction", "Rational"}:
        over, under = _written(first, whole), _written(given[1], whole) if given[1:] else "1"
        return over if under == "1" else f"{over}/{under}"
    if name in _WRAPPERS or name.startswith(("float", "int", "uint", "bool", "str")):
        return _written(first, whole)
    if name in {"set", "frozenset", "FiniteSet"}:
        items = first if isinstance(first, ast.Set | ast.List) else ast.Set(list(given))
        return _several(ast.Set(items.elts), whole)
    if len(given) == 1:
        write: Callable[[str], str] | None = _FORMS.get(name)
        if write is not None:
            return write(_written(first, whole))
    raise _Unreadable



def _named(sign: str) -> Callable[[str], str]:
    return lambda inside: f"{sign}({inside})"


_FORMS: dict[str, Callable[[str], str]] = {
    "sqrt": lambda inside: rf"\sqrt{{{inside}}}",
    "Abs": lambda inside: f"|{inside}|",
    "factorial": lambda inside: f"({inside})!",
    "exp": lambda inside: f"e^{{{inside}}}",
    **{name: _named(sign) for name, sign in _FUNCTIONS.items()},
}
