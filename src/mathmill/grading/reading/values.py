"""What an answer can be: a number, words, several values, a formula, a relation, a matrix.

Why: two answers are compared as values of one of few kinds; which kinds may be compared with
which is decided in `compare`, and how a text becomes one of them in `reading`.

Used as: `Group("(", ")", (Number(Fraction(1)), Words("∞")))`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mathmill.grading.algebra.matrices import Grid
from mathmill.grading.algebra.tree import Node
from mathmill.grading.reading.numbers import Number


@dataclass(frozen=True, slots=True)
class Group:
    """Values in brackets or in a bare list."""

    open: str
    "`(`, `[`, the set brace, empty for a bare list, `:` for a ratio, `cup` for a union."
    close: str
    "The bracket that closes it."
    items: tuple[Value, ...]
    "The elements in the order written."


@dataclass(frozen=True, slots=True)
class Words:
    """Plain words: a name, `odd`, a choice's letter, a sign like infinity, a date or time."""

    text: str
    "The words, case folded where the policy says so."


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that is not one rational number in figures."""

    tree: Node
    "Its tree."
    percent: bool = False
    "Whether a percent sign stood at its end (the tree is without it)."


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix or a vector by its entries."""

    rows: Grid
    "The rows of entries, all of one length."


@dataclass(frozen=True, slots=True)
class Relation:
    """An equation, an inequality, or a name said to be in a set."""

    name: str
    "The name that is given a value (`x`, `f(x)`), or empty."
    value: Value | None
    "The value or the set that the name is given; None for another relation."
    signs: tuple[str, ...]
    "The signs between the sides."
    sides: tuple[Node, ...]
    "The sides as formulas; empty where one of them is none."


Value = Number | Group | Words | Formula | Matrix | Relation
