r"""Look at a program before it runs: may it be run at all, does it parse, what does it import.

Why: routing, not security; what a program may do is settled by the walls around the engines.
Parsing costs 0.1 to 0.2 ms, as much as a run on the first engine, so the front asks `unfit`
(microseconds) of every program and `look` only of one that the first engine refused.

Used as: `look("import sympy\nx = 5")` -> `Look(kind="other", modules=("sympy",))`.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from mathmill.grading.sandbox.outcome import Limits

PURE, OTHER, BROKEN, OPAQUE = "pure", "other", "broken", "opaque"
SOURCE = Limits().source
NESTING = 90  # brackets; CPython itself stops at 200
# What the parser says of a text that is too much for it, not wrong: other engines may differ.
_TOO_MUCH = ("too many nested", "Exceeds the limit", "null bytes", "too many levels",
             "too many statically")
_ARITHMETIC = {"math", "decimal", "fractions", "itertools", "functools", "collections",
               "statistics", "cmath", "operator", "bisect", "heapq"}
_BRACKETS = re.compile(r"[()\[\]{}]")
# Monty keeps text as UTF-8 and makes a lone surrogate written as an escape into U+FFFD.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|\\U0000[dD][89a-fA-F]|\\N\{")
_SET = re.compile(r"\b(?:set|frozenset|hash)\(|\{[^:{}]*,[^:{}]*\}")
_OUTSIDE = {"open", "exec", "eval", "compile", "input", "__import__", "globals", "locals",
            "vars", "getattr", "setattr", "delattr", "breakpoint", "exit", "quit"}


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a program's source says."""

    kind: str
    "`pure` (arithmetic modules and plain names), `other`, `broken` (no Python), `opaque`."
    modules: tuple[str, ...] = ()
    "Top names of the modules that it imports anywhere, sorted."
    reason: str = ""
    "Why it is broken or opaque: the parser's exception, or the bound that it exceeds."


def unfit(code: str, limits: Limits | None = None) -> str:
    """Return why no engine should read this source, or an empty text. Linear, microseconds."""
    if len(code) > (limits.source if limits else SOURCE):
        return "source too long"
    if "\0" in code:
        return "source with a NUL"
    try:
        code.encode()
    except UnicodeEncodeError:
        return "source with a lone surrogate"
    return ""


def first_cannot(code: str) -> bool:
    """Tell what the first engine would run, but run otherwise than Python does."""
    return _SURROGATE.search(code) is not None or code.rstrip().endswith("\\")  # a line to come


def orders(code: str) -> bool:
    """Tell whether a program may rest on the order of a set, or on a hash."""
    return _SET.search(code) is not None


def look(code: str, limits: Limits | None = None) -> Look:
    """Parse a program and classify it; hostile source is `opaque`, never an exception.

    What the parser could choke on is bounded before it is asked: the length (20,000
    characters, or `limits.source`) and the depth of brackets. What is left ends in
    MemoryError or RecursionError at worst, on 25 hostile forms tried at that length.
    """
    if reason := unfit(code, limits):
        return Look(OPAQUE, reason=reason)
    if _depth(code) > NESTING:
        return Look(OPAQUE, reason="brackets nested too deeply")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
        return _read(tree)
    except SyntaxError as error:
        too_much = any(words in str(error) for words in _TOO_MUCH)
        return Look(OPAQUE if too_much else BROKEN, reason=type(error).__name__)
    except (MemoryError, RecursionError, SystemError, ValueError) as error:
        return Look(OPAQUE, reason=type(error).__name__)


def _depth(code: str) -> int:
    """Return how deep brackets nest, strings and comments counted as if they were code."""
    deepest = depth = 0
    if code.count("(") + code.count("[") + code.count("{") <= NESTING:
        return 0
    for found in _BRACKETS.finditer(code):
        depth = depth + 1 if found[0] in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _read(tree: ast.AST) -> Look:
    modules: set[str] = set()
    pure = True
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Name):
            pure = pure and node.id not in _OUTSIDE
        elif isinstance(node, ast.Attribute):
            pure = pure and not node.attr.startswith("_")
    pure = pure and modules <= _ARITHMETIC
    return Look(PURE if pure else OTHER, tuple(sorted(modules)))
