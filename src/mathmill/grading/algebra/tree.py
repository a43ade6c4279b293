"""The tree of a formula: nodes, their makers, and the questions asked of a whole tree.

Why: exact values, probes and matrices all walk the same tree; a node is a plain tuple, so
that reading a formula costs microseconds.

Used as: `Node("+", (number(1), name("x")))`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

ZERO = Fraction(0)


class Node(NamedTuple):
    """One operation, number, name or function of a formula."""

    kind: str
    "`n` number, `v` name, `c` constant, `+ * / ^ - !`, `f` function, `C` binomial, `m` matrix."
    args: tuple[Node, ...] = ()
    "What it works on; of a matrix, its rows."
    value: Fraction = ZERO
    "The value of a number."
    name: str = ""
    "The name of a constant, a variable or a function."


class NotAFormula(Exception):
    """A text that the parser does not read; never leaves this package."""


def number(value: int | Fraction) -> Node:
    """Return the node of a number."""
    return Node("n", (), Fraction(value))


def name(text: str) -> Node:
    """Return the node of a variable."""
    return Node("v", (), ZERO, text)


def names(node: Node) -> frozenset[str]:
    """Return the names of all variables in a tree."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.kind == "v":
            found.add(here.name)
        if here.name in ("sum", "prod"):  # the first is the name that runs
            found |= names(here.args[3]) - {here.args[0].name}
            waiting.extend(here.args[1:3])
        else:
            waiting.extend(here.args)
    return frozenset(found)


def size(node: Node) -> int:
    """Return the number of nodes of a tree; a sum within it counts for very many."""
    found, waiting = 0, [node]
    while waiting:
        here = waiting.pop()
        found += 1000 if here.name in ("sum", "prod") else 1
        waiting.extend(here.args)
    return found


def has(node: Node, kind: str, called: str = "") -> bool:
    """Tell whether a tree has a node of a kind (and of a name, if given)."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.kind == kind and (not called or here.name == called):
            return True
        waiting.extend(here.args)
    return False


def filled(tree: Node, called: str, by: Node) -> Node:
    """Return the tree with a node for a name."""
    if tree.kind == "v":
        return by if tree.name == called else tree
    if not tree.args:
        return tree
    return tree._replace(args=tuple(filled(each, called, by) for each in tree.args))


def replaced(node: Node, kind: str, by: Node) -> Node:
    """Return the tree with every node of a kind replaced by another one."""
    if node.kind == kind:
        return by
    if not node.args:
        return node
    return node._replace(args=tuple(replaced(each, kind, by) for each in node.args))
