"""The columns of rows: which there are, of what kind, how often empty, how long, which values.

Why: rows of other people come with fields that nobody documented; what stands in them is the
first thing to know, and it must not cost more memory for more rows. A column counts its values
while they are few and short; of columns that are known to say where rows come from or how they
fared (`method`, `source`, `verdict`, `level`, ...) the first `VALUES` are counted in any case.

Used as: `columns.add([{"question": "...", "level": 3}])`; `columns.told()`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mathmill.io import storable
from mathmill.stages.stats.lengths import Lengths

MOST = 1_000  # columns that are told apart; objects with ids as names have any number
VALUES = 1_000  # of a column that are counted apart
SHORT = 60  # characters of a value that may name a kind of row
HUGE = 1e250  # numbers beyond it, which JSON allows, have no mean
FEW = 30  # values up to which any column is told as a histogram
KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object",
         list: "list", type(None): "null"}
PLAIN = (str, int, float, bool)  # kinds whose values may name a kind of row
TELLING = frozenset({"method", "source", "data_source", "dataset", "verdict", "verdict_by", "level",
                     "difficulty", "language", "lang", "subject", "type", "category", "kind",
                     "teacher", "model", "split", "suite", "how", "finish"})
_ROW = re.compile(r":\d+$")


@dataclass
class Column:
    """What one column holds."""

    kinds: Counter[str] = field(default_factory=Counter)
    lengths: Lengths = field(default_factory=Lengths)
    "Of its strings, in characters."
    numbers: tuple[float, float, float, int] | None = None
    "Least, most, sum and count of its numbers, but for those that are none or beyond `HUGE`."
    values: Counter[str] | None = field(default_factory=Counter)
    "How often each value comes; None once they are many, or long."
    others: int = 0
    "Values beyond those, in a column that is counted in any case; and what has no short name."

    def add(self, values: Sequence[Any], telling: bool) -> None:
        """Take some more values."""
        kinds = Counter(map(type, values))
        for kind, number in kinds.items():
            self.kinds[KINDS.get(kind, kind.__name__)] += number
        texts = _of_kind(values, str, kinds)
        self.lengths.add(np.fromiter(map(len, texts), np.int64, len(texts)))
        numbers = [value for value in values if type(value) in (int, float)
                   and -HUGE < value < HUGE] if kinds[int] or kinds[float] else []
        if numbers:
            self._widen(min(numbers), max(numbers), float(sum(numbers)), len(numbers))
        if self.values is not None:
            self._count(values, kinds, telling)

    def include(self, other: Column, telling: bool) -> None:
        """Take what another column of the name held."""
        self.kinds.update(other.kinds)
        self.lengths.include(other.lengths)
        if other.numbers is not None:
            self._widen(*other.numbers)
        self.others += other.others
        if self.values is not None:
            self._take(other.values, telling)

    def told(self, rows: int) -> dict[str, Any]:
        """Return kinds, what is absent among so many rows, lengths, range and histogram."""
        there = sum(self.kinds.values())
        found: dict[str, Any] = {
            "kinds": dict(self.kinds.most_common()),
            "empty": self.kinds["null"] + rows - there,
            "lengths": self.lengths.told()}
        if self.numbers is not None:
            least, most, total, count = self.numbers
            mean = round(total / count, 4)
            found["range"] = {"least": least, "most": most,
                              "mean": mean if abs(mean) >= 1 else float(f"{total / count:.4g}")}
        if self.values:
            found["values"] = dict(self.values.most_common()) | (
                {"other values": self.others} if self.others else {})
        return found

    def _count(self, values: Sequence[Any], kinds: Mapping[type, int], telling: bool) -> None:
        labels: Counter[str] = Counter()
        for kind in PLAIN:  # apart: to Python True, 1 and 1.0 are one
            if kind in kinds:
                for value, number in Counter(_of_kind(values, kind, kinds)).items():
                    label = _label(value)
                    labels[_ROW.sub("", label)[:SHORT] if telling else label] += number
        if not telling and any(len(label) > SHORT for label in labels):
            self.values = None
        else:
            self._take(labels, telling)
            self.others += sum(number for kind, number in kinds.items()
                               if kind not in PLAIN and kind is not type(None))

    def _take(self, values: Mapping[str, int] | None, telling: bool) -> None:
        """Count values, as many as have room."""
        assert self.values is not None, "asked before"
        if values is None or (not telling and len(self.values.keys() | values.keys()) > FEW):
            self.values = None
            return
        for value, number in values.items():
            if value in self.values or len(self.values) < VALUES:
                self.values[value] += number
            else:
                self.others += number

    def _widen(self, least: float, most: float, total: float, count: int) -> None:
        was = self.numbers or (least, most, 0.0, 0)
        self.numbers = min(was[0], least), max(was[1], most), was[2] + total, was[3] + count


def _of_kind(values: Sequence[Any], kind: type, kinds: Mapping[type, int]) -> Sequence[Any]:
    """Return the values of a kind; where all are, they are not looked at one by one."""
    if kinds.get(kind, 0) in (0, len(values)):
        return values if kind in kinds else ()
    return [value for value in values if type(value) is kind]


def _label(value: str | int | float | bool) -> str:
    """Return a value as a histogram has it: 3.0, which tables make of 3 beside a null, is 3."""
    if type(value) is float and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    elif type(value) is int and not -HUGE < value < HUGE:
        return "beyond 1e250"  # thousands of digits take time to write
    return str(storable(value))


@dataclass
class Columns:
    """All columns of some rows, in the order in which they came up."""

    rows: int = 0
    columns: dict[str, Column] = field(default_factory=dict)
    further: int = 0
    "Values in columns beyond `MOST`."

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take some more rows."""
        self.rows += len(rows)
        for name, values in _by_name(rows).items():
            column = self._column(name)
            if column is None:
                self.further += len(values)
            else:
                column.add(values, name in TELLING)

    def include(self, other: Columns) -> None:
        """Take those of other rows."""
        self.rows += other.rows
        self.further += other.further
        for name, column in other.columns.items():
            own = self._column(name)
            if own is None:
                self.further += sum(column.kinds.values())
            else:
                own.include(column, name in TELLING)

    def told(self) -> dict[str, Any]:
        """Return what each column holds."""
        return {storable(name): column.told(self.rows) for name, column in self.columns.items()}

    def _column(self, name: str) -> Column | None:
        if name not in self.columns:
            if len(self.columns) >= MOST:
                return None
            self.columns[name] = Column()
        return self.columns[name]


def _by_name(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[Any]]:
    """Return the values of each column."""
    shapes = set(map(tuple, rows))
    if len(shapes) == 1:  # rows of a table, or of one writer: four times as quick
        return dict(zip(*shapes, zip(*(row.values() for row in rows), strict=True), strict=True))
    found: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found
