r"""Matrices and vectors: reading them within a formula, and working them out by entries.

Why: a matrix left to an algebra system costs 20-60 ms a pair; its entries are ordinary
formulas, and a sum, a product or a scaled matrix is a grid of such formulas.

Used as: `grid(parse(r"2\begin{pmatrix}1\\2\end{pmatrix}"))` -> rows of nodes, or None.
"""

from __future__ import annotations

import re
from typing import Protocol

from mathmill.grading.algebra.tree import Node, NotAFormula, has

ROW = "⏎"  # what `tidy` writes for the `\\\\` between rows
SIZE = 12  # rows and columns; a product of two costs SIZE^3 nodes
Grid = tuple[tuple[Node, ...], ...]


class Reader(Protocol):
    """What reading a matrix needs of the parser."""

    kind: str
    text: str

    def step(self) -> None:
        """Go on to the next token."""

    def take(self, kind: str) -> None:
        """Step over a token of a kind."""

    def sum(self) -> Node:
        """Read a formula."""


_KNOWN = frozenset(re.findall(r"\S+", "matrix pmatrix bmatrix Bmatrix array smallmatrix"))


def read_matrix(reader: Reader) -> Node:
    r"""Read `\begin{pmatrix} a & b \\ c & d \end{pmatrix}` from its `\begin` on."""
    reader.step()
    kind = _name(reader)
    if kind not in _KNOWN:
        raise NotAFormula
    if kind == "array" and reader.kind == "{":
        _name(reader)
    rows: list[Node] = []
    cells: list[Node] = []
    while True:
        if reader.kind == " " or (reader.kind == "\\" and reader.text == "hline"):
            reader.step()
        elif reader.kind == "\\" and reader.text == "end":
            break
        elif reader.kind in ("&", ROW):
            if reader.kind == ROW and cells:
                rows.append(Node("row", tuple(cells)))
                cells = []
            reader.step()
        else:
            cells.append(reader.sum())
        if len(rows) > SIZE or len(cells) > SIZE:
            raise NotAFormula
    if cells:
        rows.append(Node("row", tuple(cells)))
    reader.step()
    _name(reader)
    if not rows or len({len(row.args) for row in rows}) != 1:
        raise NotAFormula
    return Node("m", tuple(rows))


def _name(reader: Reader) -> str:
    """Read `{name}` and return the name."""
    reader.take("{")
    parts: list[str] = []
    while reader.kind != "}":
        if reader.kind == "end" or len(parts) > 20:
            raise NotAFormula
        parts.append(reader.text)
        reader.step()
    reader.step()
    return "".join(parts)


def grid(tree: Node) -> Grid | None:
    """Return the entries of a formula whose value is a matrix; None where it is not clear."""
    if tree.kind == "m":
        return tuple(row.args for row in tree.args)
    if tree.kind == "-":
        inside = grid(tree.args[0])
        return inside and _each(inside, lambda cell: Node("-", (cell,)))
    if tree.kind == "+":
        grids = [grid(each) for each in tree.args]
        return _added(grids)
    if tree.kind == "*":
        return _multiplied(tree)
    if tree.kind == "/" and not has(tree.args[1], "m"):
        inside = grid(tree.args[0])
        return inside and _each(inside, lambda cell: Node("/", (cell, tree.args[1])))
    return None


def _each(cells: Grid, change: object) -> Grid:
    """Return the grid with a function applied to every entry."""
    assert callable(change)
    return tuple(tuple(change(cell) for cell in row) for row in cells)


def _added(grids: list[Grid | None]) -> Grid | None:
    """Return the sum of grids of one shape."""
    whole: list[Grid] = [each for each in grids if each is not None]
    if len(whole) != len(grids):
        return None
    if len({(len(each), len(each[0])) for each in whole}) != 1:
        return None
    return tuple(tuple(Node("+", tuple(cells)) for cells in zip(*rows, strict=True))
                 for rows in zip(*whole, strict=True))


def _multiplied(tree: Node) -> Grid | None:
    """Return the product of scalars and matrices in the order written."""
    scalars = [each for each in tree.args if not has(each, "m")]
    grids = [grid(each) for each in tree.args if has(each, "m")]
    result = grids[0] if grids else None
    for other in grids[1:]:
        if result is None or other is None or len(result[0]) != len(other):
            return None
        result = tuple(tuple(
            Node("+", tuple(Node("*", (left, right)) for left, right in
                            zip(row, column, strict=True)))
            for column in zip(*other, strict=True)) for row in result)
        if len(grids) > 3:
            return None
    if result is None or not scalars:
        return result
    return _each(result, lambda cell: Node("*", (*scalars, cell)))
