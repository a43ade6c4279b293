"""Rows of files chosen: any JSONL or Parquet in, some of its rows out as they came.

Why: many have data of their own and want just this: some at random, those of some levels, or
those that lie far apart. Rows keep every field; each that is not chosen stands in a file beside
the output with its reason, so that a person can judge both.

Files are read twice, for a core-set a third time; 23 bytes of a row are held, and a core-set's
points lie on the disk. What is chosen rests on what rows say and on the seed, not on their order
or on how they lie in files; of two counts the smaller choice at random is part of the larger.

Used as: `summary = choose_files(files, out, Wish(how="random", count=1000))`.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import InputError, StepFailed
from mathmill.grading.files.rows import files_at
from mathmill.identity import draw
from mathmill.stages.any_rows import Places, Row, RowsFile, beside, chunks, texts_of, unknown
from mathmill.stages.select.coreset import covering, k_center
from mathmill.stages.select.difficulty import level_by_steps
from mathmill.stages.select.duplicates import REASONS, repeated
from mathmill.stages.select.embed import GRID
from mathmill.stages.select.embed_on_disk import embed_on_disk
from mathmill.stages.select.rating import level_rater
from mathmill.stages.select.wish import Chosen, Wish, level_of_row, passes
from mathmill.stages.tokens import Array, row_digests, tiles
from mathmill.words import counted
from mathmill.workbench import Workbench

UNKNOWN = "unknown"
DIMS = 256  # of points
LABELS = 10_000  # different levels: what has more is no level
Tell = Callable[[int, str], None]
"Hears how many rows are done, and with what."


def choose_files(files: Sequence[str], out: Path, wish: Wish, bench: Workbench | None = None,
                 teacher: str = "", tell: Tell = lambda _, __: None) -> Chosen:
    """Write the rows of files that are wished for, whole; return the counts.

    `bench`: where `teacher` is opened for levels, with the tools of the stage `select`. Rows
    whose text cannot be found can be chosen at random or by a given level, but not for a
    core-set. Raises UsageError; InputError for a file that cannot be read, or that changes
    meanwhile; StepFailed where nothing is left, or less than the count.
    """
    sources = files_at(files)
    summary = Chosen(out, beside(out, sources))
    with RowsFile(out, sources) as kept, RowsFile(summary.aside, ()) as left:
        summary.notes = kept.notes
        found = _read(sources, wish, _rater(wish, bench, teacher), tell)
        _choose(sources, wish, found, summary, tell)

        place = 0
        for chunk in chunks(sources, summary.skips(left)):
            fates = found.fates[place:place + len(chunk)].tolist()
            chosen = []
            for at, (row, fate) in enumerate(zip(chunk, fates, strict=False), place):
                if fate == CHOSEN:
                    chosen.append(row[2])
                    summary.levels.update([found.label(at)] if wish.levels is not None else [])
                elif fate == NO_TEXT:
                    summary.pass_over(left, row[0], row[1], unknown(row[2]), row[2])
                else:
                    summary.drop(left, row, *_reason(fate, at, wish, found))
            kept.write(chosen)
            place += len(chunk)
            summary.rows += len(chunk)
            summary.kept += len(chosen)
            tell(place, "rows written")
        if place != len(found.fates):
            raise InputError(sources[0], f"{place:,} rows, and {len(found.fates):,} when read "
                             "before: one of the files changed", "give the command again")
    return summary


CHOSEN, NOT_CHOSEN, REPEAT, LEVEL, RATE, NO_TEXT = range(6)  # what becomes of a row


@dataclass
class _Found:
    """What is known of the rows, in their order: 23 bytes a row, and 16 of one that repeats."""

    places: Places = field(default_factory=Places)
    digests: Array = field(default_factory=lambda: np.zeros((0, 2), np.uint64))
    "128 bits of what each row says."
    fates: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    "`NOT_CHOSEN` so far, or why it cannot be."
    codes: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    "Which of the labels its level is; empty where levels are not asked for."
    labels: dict[str, int] = field(default_factory=lambda: {UNKNOWN: 0})
    repeats: tuple[NDArray[np.int64], NDArray[np.int64]] = field(
        default_factory=lambda: (np.zeros(0, np.int64), np.zeros(0, np.int64)))
    "Rows that repeat another, ascending, and for each of them that one."
    broken: list[tuple[str, int, str]] = field(default_factory=list)
    "The first row that cannot be read: file, row, why."
    with_text: int = 0
    "Rows whose text was found."
    graded: int = 0
    "Rows that came with a level; counted where levels are asked for."
    _names: list[str] = field(default_factory=list)

    def skip(self, file: str, number: int, why: str) -> None:
        """Hear of a row that cannot be read."""
        if not self.broken:
            self.broken.append((file, number, why))

    def label(self, place: int) -> str:
        """Return the level of a row."""
        if len(self._names) != len(self.labels):
            self._names = list(self.labels)
        return self._names[int(self.codes[place])]

    def code(self, label: str | None) -> int:
        """Return the number of a label, a new one where there is room."""
        if label is None or (label not in self.labels and len(self.labels) >= LABELS):
            return 0
        return self.labels.setdefault(label, len(self.labels))


Rater = Callable[[Sequence[str]], list[int | None]]


def _rater(wish: Wish, bench: Workbench | None, teacher: str
           ) -> AbstractContextManager[Rater | None]:
    """Open what asks a teacher for levels, where that is wished for."""
    if wish.difficulty != "teacher" or wish.levels is None:
        return nullcontext()
    assert bench is not None, "a teacher is opened at a bench"
    return level_rater(bench, teacher)


def _read(sources: Sequence[Path], wish: Wish, opened: AbstractContextManager[Rater | None],
          tell: Tell) -> _Found:
    """Read all rows once, for what they say and for what decides whether they can be chosen."""
    found = _Found()
    digests, fates, codes = [found.digests], [found.fates], [found.codes]
    with opened as rater:
        for chunk in chunks(sources, found.skip):
            found.places.note(chunk)
            texts = [texts_of(row, wish.name) for *_, row in chunk]
            found.with_text += sum(text is not None for text in texts)
            digests.append(_digests(chunk, texts))
            own = np.full(len(chunk), NOT_CHOSEN, np.int8)
            if wish.levels is not None:
                levels = [level_of_row(row, wish) for *_, row in chunk]
                found.graded += len(levels) - levels.count(None)
                _fill(levels, texts, wish, rater)
                codes.append(np.array([found.code(level) for level in levels], np.int16))
                own[[level not in wish.levels for level in levels]] = LEVEL
            if wish.rates is not None:
                own[[not passes(row, wish) for *_, row in chunk]] = RATE
            if wish.how == "coreset":
                own[[text is None for text in texts]] = NO_TEXT
            fates.append(own)
            tell(len(found.places), "rows read")
    found.digests, found.fates = np.concatenate(digests), np.concatenate(fates)
    found.codes = np.concatenate(codes)
    return found


def _digests(chunk: Sequence[Row], texts: Sequence[tuple[str, str | None] | None]) -> Array:
    """Return 128 bits over the words and signs of each row's text; of none over all it holds."""
    import pyarrow as pa

    whole = pa.array([f"{text[0]}\n{text[1] or ''}" if text else "" for text in texts], pa.string())
    found = np.concatenate([row_digests(tile) for _, tile in tiles(whole)])
    for place, text in enumerate(texts):
        if text is None:
            said = json.dumps(chunk[place][2], sort_keys=True, default=str).encode()
            found[place] = np.frombuffer(blake2b(said, digest_size=16).digest(), np.uint64)
    return found


def _fill(levels: list[str | None], texts: Sequence[tuple[str, str | None] | None], wish: Wish,
          rater: Rater | None) -> None:
    """Rate the rows without a level, as far as that is wished for."""
    without = [place for place, level in enumerate(levels) if level is None and texts[place]]
    found: Sequence[int | None] = [None] * len(without)
    if rater is not None:
        found = rater([text[0] for place in without if (text := texts[place])])
    elif wish.difficulty == "by_steps":
        found = [level_by_steps(text[1] or "") for place in without if (text := texts[place])]
    for place, level in zip(without, found, strict=True):
        levels[place] = None if level is None else str(level)


def _choose(sources: Sequence[Path], wish: Wish, found: _Found, summary: Chosen, tell: Tell
            ) -> None:
    """Decide on every row."""
    if not wish.repeats:
        able = np.flatnonzero(found.fates == NOT_CHOSEN)
        again, first = repeated(found.digests[able])
        found.fates[able[again]] = REPEAT
        found.repeats = able[again], able[first]
    able = np.flatnonzero(found.fates == NOT_CHOSEN)
    summary.candidates = n = len(able)
    if not len(found.fates) and found.broken:
        file, number, why = found.broken[0]
        raise InputError(file, f"{why}, and no other row can be read", "check the files", number)
    wish.check_fields(len(found.fates), found.with_text, found.graded)
    if not n:
        raise StepFailed(f"select was left with none of {counted(len(found.fates), 'row')}"
                         f"{_causes(found)}; ask for other levels, or name the fields (--field, "
                         "--level)")
    k = wish.number(n)
    if k > n:
        raise StepFailed(f"select was asked for {k:,} rows, but {n:,} of {len(found.fates):,} can "
                         f"be chosen{_causes(found)}; give more rows or ask for fewer")
    order = able[np.argsort(_drawn(found.digests[able], wish.seed), kind="stable")]
    if wish.how == "coreset" and k < n:
        with tempfile.TemporaryDirectory(dir=summary.out.parent, prefix=".core-set-") as folder:
            order = _far_apart(_questions(sources, wish, found, tell), order, k, summary,
                               Path(folder), tell)
    found.fates[order[:k]] = CHOSEN
    found.digests = found.digests[:0]


def _causes(found: _Found) -> str:
    """Return why rows cannot be chosen, in a few words."""
    names = {REPEAT: "repeats", LEVEL: "of another level, or of none", RATE: "of another pass "
             "rate, or of none", NO_TEXT: "without a text that is known"}
    said = [f"{count:,} {name}" for fate, name in names.items()
            if (count := int((found.fates == fate).sum()))]
    return f" ({', '.join(said)})" if said else ""


def _drawn(digests: Array, seed: int) -> Array:
    """Return a number a row by which rows stand in a random order of this seed.

    Two odd multipliers over bits that are random already: every high bit rests on all of them.
    """
    lots = draw("select files", seed)
    one, two = (np.uint64(lots.getrandbits(64) | 1) for _ in range(2))
    drawn: Array = digests[:, 0] * one + digests[:, 1] * two
    return drawn


def _questions(sources: Sequence[Path], wish: Wish, found: _Found, tell: Tell
               ) -> Iterator[list[str]]:
    """Yield the questions, or texts, of the rows that can be chosen, in their order."""
    place = 0
    for chunk in chunks(sources, lambda *_: None):
        fates = found.fates[place:place + len(chunk)].tolist()
        yield [text[0] for (*_, row), fate in zip(chunk, fates, strict=False)
               if fate == NOT_CHOSEN and (text := texts_of(row, wish.name))]
        place += len(chunk)
        tell(place, "rows embedded")


def _far_apart(questions: Iterator[list[str]], order: NDArray[np.int64], k: int, summary: Chosen,
               folder: Path, tell: Tell) -> NDArray[np.int64]:
    """Return k of the rows in `order` that lie far apart; note the covering radius."""
    try:  # points in this order: no file's order decides ties
        points = embed_on_disk(questions, len(order), folder, DIMS, np.argsort(order))
    except ValueError as error:
        raise InputError(summary.out, f"a file changed while it was read ({error})",
                         "give the command again") from error
    tell(0, f"choosing {k:,} of {len(points):,} rows")
    picks, _ = k_center(points, k, first=0)
    one, other = (math.sqrt(max(0.0, covering(points, rows))) / GRID
                  for rows in (picks, list(range(k))))
    summary.radius = one, other
    chosen: NDArray[np.int64] = order[np.array(picks)]
    return chosen


def _reason(fate: int, place: int, wish: Wish, found: _Found) -> tuple[str, str]:
    """Return why a row goes, and the detail."""
    if fate == REPEAT:
        again, first = found.repeats
        return REASONS["text"], f"of {found.places.name(int(first[np.searchsorted(again, place)]))}"
    if fate == LEVEL:
        return f"level {found.label(place)}", f"wanted {', '.join(wish.levels or ())}"
    if fate == RATE:
        assert wish.rates is not None, "rows go by it"
        return "pass rate", f"{wish.rate} wanted from {wish.rates[0]} to {wish.rates[1]}"
    return f"not chosen ({wish.how})", ""
