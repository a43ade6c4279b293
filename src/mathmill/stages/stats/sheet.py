"""Statistics of files as a sheet for people: what is told down the side, sources across.

Used as: `print(sheet(survey_files(["a.jsonl", "b.jsonl"])))`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

from mathmill.stages.stats.columns import FEW, TELLING
from mathmill.stages.stats.files import ANSWERS, SAME, Survey, Surveys

WIDE = 118  # characters of a line: sources that do not fit go beneath
SHOWN = 12  # values of a histogram, and languages
LINES = 40  # columns that are told
LONGEST = 30  # characters of a name: the end of a path tells more than its beginning
BESIDE = 8  # sources that stand beside each other
EMPTY = frozenset({"-", "0"})
Line = tuple[str, list[str]]
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
REPEATS = dict(zip(SAME, ("repeats, letter by letter", "repeats, by words and signs",
                          "questions asked before"), strict=True))


def sheet(surveys: Surveys) -> str:
    """Return what the sources hold, beside each other, with all of them where there are several.

    Of more than `BESIDE` sources each has a line, and all of them together the whole sheet.
    """
    whole, sources = surveys.together, surveys.sources
    told = [one.told() for one in sources]
    names, parts = _names([one.name for one in sources]), []
    if len(sources) > BESIDE:
        parts.append(_list(names, told))
        told, names = [], []
    if len(sources) > 1:
        told, names = [*told, whole.told()], [*names, "together"]
    parts.append(_laid_out(names, [*_counts(told), *_lengths(told), *_shares(told)]))
    for title, lines in (("columns (share that is null or absent), length or range:",
                          list(_columns(whole, told))), ("", list(_histograms(whole, told)))):
        if lines:
            parts.append((title + "\n") * bool(title) + _laid_out(names, lines, EMPTY))
    return "\n\n".join(parts)


def _list(names: Sequence[str], told: Sequence[Mapping[str, Any]]) -> str:
    """Return one line a source."""
    return _laid_out(["rows", "size", "could not be read", "different questions", "repeats"], [
        (name, [f"{one['rows']:,}", _size(one["bytes"]), f"{one['unreadable']:,}",
                _share(one["distinct"]["questions"], one["with_text"]),
                _share(one["repeats"]["words"], one["with_text"])])
        for name, one in zip(names, told, strict=True)])


def _counts(told: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield how much there is."""
    for label, name in (("files", "files"), ("rows", "rows"), ("could not be read", "unreadable"),
                        ("with a question or text", "with_text")):
        if name != "unreadable" or any(one[name] for one in told):
            yield label, [f"{one[name]:,}" for one in told]
    yield "size", [_size(one["bytes"]) for one in told]


def _lengths(told: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield quantiles of the lengths of questions and solutions."""
    names = dict.fromkeys(name for one in told for name in one["lengths"])
    if names:
        yield "5 %, median, 95 %, most:", [""] * len(told)
    for name in names:
        yield f"  {name}", [_quantiles(one["lengths"].get(name)) for one in told]


def _shares(told: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield repeats, answers and languages, each with its share of the rows with a text."""
    def line(label: str, count: Callable[[Mapping[str, Any]], int]) -> Line:
        return label, [_share(count(one), one["with_text"]) for one in told]

    if not any(one["with_text"] for one in told):
        return
    yield line("different questions", lambda one: one["distinct"]["questions"])
    for name, label in REPEATS.items():
        yield line(label, lambda one, name=name: one["repeats"][name])  # type: ignore[misc]
    for name in ANSWERS:
        yield line(f"answer {name}" if name != ANSWERS[-1] else "no answer that can be read",
                   lambda one, name=name: one["answers"][name])  # type: ignore[misc]
    languages = dict.fromkeys(name for one in reversed(told) for name in one["languages"])
    for name in list(languages)[:SHOWN]:
        yield line(f"language {name}",
                   lambda one, name=name: one["languages"].get(name, 0))  # type: ignore[misc]


def _columns(whole: Survey, told: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield kinds, emptiness and lengths of the columns."""
    names = list(told[-1]["columns"])
    for name in names[:LINES]:
        yield f"  {name}", [_column(one["columns"].get(name), one["rows"]) for one in told]
    if len(names) > LINES or whole.columns.further:
        more = len(names) - LINES if len(names) > LINES else 0
        yield f"  ... and {more:,} more" + (
            ", and others beyond" if whole.columns.further else ""), [""] * len(told)


def _column(column: Mapping[str, Any] | None, rows: int) -> str:
    """Return one column of one source in a few words."""
    if column is None:
        return "-"
    kinds = [kind for kind in column["kinds"] if kind != "null"]
    said = " or ".join(kinds) or "null"
    if column["empty"] and kinds:
        said += f" ({100 * column['empty'] / rows:.3g} %)"
    if column["lengths"] and column["lengths"]["most"]:
        said += f" {column['lengths']['median']:,} to {column['lengths']['most']:,}"
    elif "range" in column:
        said += f" {_number(column['range']['least'])} to {_number(column['range']['most'])}"
    return said


def _histograms(whole: Survey, told: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield how often each value comes, of columns that name kinds of rows."""
    for name, column in told[-1]["columns"].items():
        values = column.get("values", {})
        if not values or (name not in TELLING and not 1 < len(values) <= FEW):
            continue
        if len(values) == whole.rows > 1:  # a value of its own for each row names nothing
            continue
        if all(map(_NUMBER.fullmatch, values)):
            values = dict(sorted(values.items(), key=lambda pair: float(pair[0])))
        for value in list(values)[:SHOWN]:
            yield f"{name}: {value}", [f"{_count(one, name, value):,}" for one in told]
        if len(values) > SHOWN:
            rest = list(values)[SHOWN:]
            yield f"{name}: {len(rest):,} other values", [
                f"{sum(_count(one, name, value) for value in rest):,}" for one in told]


def _count(told: Mapping[str, Any], name: str, value: str) -> int:
    return int(told["columns"].get(name, {}).get("values", {}).get(value, 0))


def _laid_out(names: Sequence[str], lines: Sequence[Line], empty: Set[str] = frozenset()) -> str:
    """Return lines in columns; sources that do not fit beside the others stand beneath.

    `empty`: words that tell nothing; a line of nothing else is left out.
    """
    side = max(len(label) for label, _ in lines)
    widths = [max(len(name), *(len(cells[place]) for _, cells in lines))
              for place, name in enumerate(names)]
    blocks, start = [], 0
    while start < len(names):
        end, width = start + 1, side + 2 + widths[start]
        while end < len(names) and width + 2 + widths[end] <= WIDE:
            width += 2 + widths[end]
            end += 1
        block = [("", names[start:end]), *((label, cells[start:end]) for label, cells in lines
                                           if not set(cells[start:end]) <= empty)]
        blocks.append("\n".join((f"{label:<{side}}" + "".join(
            f"  {cell:>{size}}" for cell, size in zip(cells, widths[start:end], strict=True)
        )).rstrip() for label, cells in block))
        start = end
    return "\n\n".join(blocks)


def _quantiles(lengths: Mapping[str, Any] | None) -> str:
    if lengths is None:
        return "-"
    return ", ".join(f"{lengths[name]:,}" for name in ("5 %", "median", "95 %", "most"))


def _share(count: int, whole: int) -> str:
    return f"{count:,} ({100 * count / whole:.3g} %)" if whole else "-"


def _number(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.4g}"


def _size(count: int) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << power:
            return f"{count / (1 << power):,.1f} {unit}"
    return f"{count} B"


def _names(sources: Sequence[str]) -> list[str]:
    """Return what tells sources from each other: without what all paths begin with, and short."""
    parts = [source.split(os.sep) for source in sources]
    shared = 0
    while len(sources) > 1 and all(len(own) > shared + 1 and own[shared] == parts[0][shared]
                                   for own in parts):
        shared += 1
    names = [os.sep.join(own[shared:]) for own in parts]
    return [name if len(name) <= LONGEST else "..." + name[3 - LONGEST:] for name in names]
