"""Rows of files told how hard they are: any JSONL or Parquet in, the same rows with more out.

Why: many have data of their own and want just this: how often their model solves each row, to
leave out what it always or never does. Rows keep every field as it came; what is told stands in
fields of its own (`FIELDS`), so that `select --pass-rate` and people can read it.

Used as: `summary = rate_files(files, out, "pass_rate", asked, bench)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathmill.candidates import Rated
from mathmill.errors import UsageError
from mathmill.grading.answers import extract
from mathmill.grading.files.rows import ABSENT, files_at, value_at
from mathmill.stages.any_rows import Row, RowsFile, Sifted, beside, chunks, texts_of
from mathmill.stages.rate.pupil import PASS_RATE
from mathmill.stages.rate.stage import BATCH, Rater, check, opened
from mathmill.stages.seeds import formats
from mathmill.stages.texts.language import language_of
from mathmill.types import Problem, make_problem
from mathmill.words import counted
from mathmill.workbench import Workbench

LEVEL, BY = "rated_level", "rated_by"
SHARE = ("pass_rate", "pass_rate_low", "pass_rate_high", "pass_rate_samples")
FIELDS = (LEVEL, BY, *SHARE)
"What rows get: level, who or what told it; of a student share, interval, samples."


@dataclass
class RatedFiles(Sifted):
    """What became of the rows."""

    levels: Counter[str] = field(default_factory=Counter)
    without_text: int = 0
    "Rows whose question was not found: they stay, without a rating."
    without_answer: int = 0
    "Rows without an answer to hold samples against: they too."
    right: int = 0
    samples: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    "Of the asking: what a student's replies came to (`student`), and their cost (`rating`)."

    def text(self) -> str:
        """Return the counts for people."""
        lines = [self.told("rated"), "  levels: " + (", ".join(
            f"{level}: {count:,}" for level, count in sorted(self.levels.items())) or "none")]
        if self.samples:
            lines.append(f"  {self.right:,} of {self.samples:,} samples are right "
                         f"({100 * self.right / self.samples:.1f} %)")
        student = self.facts.get("student", {})
        if silent := student.get("no_answer_read"):
            lines.append(f"  {silent:,} of them end on no answer that can be read, "
                         f"{student.get('cut_off', 0):,} as they are cut off (--max-tokens)")
        if student.get("undecided"):
            lines.append(f"  {student['undecided']:,} could not be compared and count as not right")
        if failed := self.facts.get("rating", {}).get("failed_calls"):
            lines.append(f"  {counted(failed, 'call')} failed: not counted as samples")
        for count, why in ((self.without_text, "without a question that is known"),
                           (self.without_answer, "without an answer to hold samples against")):
            if count:
                lines.append(f"  {counted(count, 'row')} {why}: written without a rating")
        return "\n".join(lines)


def rate_files(files: Sequence[str], out: Path, by: str, asked: Mapping[str, Any],
               bench: Workbench | None = None, name: str | None = None,
               answer: str | None = None, tell: Callable[[int], None] = lambda _: None
               ) -> RatedFiles:
    """Write the rows of files with how hard each is; return the counts.

    `by`, `asked`: those of `stage.part`, with the tools of the stage at `bench`. `name` and
    `answer`: fields with the question and its answer; None: a shape that is known. Rows that
    cannot be read are put aside and counted. Raises UsageError, InputError, StepFailed,
    TeacherError.
    """
    check(by, **asked)
    sources = files_at(files)
    summary = RatedFiles(out, beside(out, sources))
    desk = bench or Workbench(out.parent)
    with RowsFile(out, sources, more=True) as kept, RowsFile(summary.aside, ()) as left:
        summary.notes = kept.notes

        with opened(desk, by, **asked) as rater:
            for chunk in chunks(sources, summary.skips(left)):
                for start in range(0, len(chunk), BATCH):
                    rows = chunk[start:start + BATCH]
                    kept.write(list(_rated(rows, rater, by, summary, (name, answer))))
                    summary.rows += len(rows)
                    summary.kept += len(rows)
                    tell(summary.rows)
    summary.facts = desk.facts
    return summary


def _rated(rows: Sequence[Row], rater: Rater, by: str, summary: RatedFiles,
           names: tuple[str | None, str | None]) -> Iterator[dict[str, Any]]:
    """Yield rows with their ratings."""
    for file, number, row in rows:  # before anything is asked for them
        taken = [name for name in _fields(by) if name in row]
        if taken:
            raise UsageError(f"{file}:{number}: has a field {taken[0]!r} already, which the "
                             "rating would be written to; rename it, or rate the rows it is of")
    problems = [_problem(row, *names) for *_, row in rows]
    ratings = iter(rater([problem for problem in problems if problem is not None]))
    for (*_, row), problem in zip(rows, problems, strict=True):
        one = None if problem is None else next(ratings)
        summary.without_text += problem is None
        summary.without_answer += (by == PASS_RATE and problem is not None
                                   and problem.answer is None)
        summary.levels[str(one.level) if one is not None and one.level else "none"] += 1
        if one is not None:
            summary.right += one.right or 0
            summary.samples += one.samples or 0
        yield {**row, **_told(one, by)}


def _fields(by: str) -> Sequence[str]:
    """Return the fields that rows get."""
    return FIELDS if by == PASS_RATE else (LEVEL, BY)


def _told(one: Rated | None, by: str) -> dict[str, Any]:
    """Return a rating as fields."""
    if one is None:
        return dict.fromkeys(_fields(by))
    told: dict[str, Any] = {LEVEL: one.level, BY: one.by or one.how}
    if by == PASS_RATE:
        told |= dict(zip(SHARE, (one.rate, one.low, one.high, one.samples), strict=True))
    return told


def _problem(row: Mapping[str, Any], name: str | None, answer: str | None) -> Problem | None:
    """Return a row as a problem with its answer and solution, or None without a question."""
    found = texts_of(row, name)
    if found is None:
        return None
    question, solution = found
    shape = formats.read(row)
    if answer is not None:
        value = value_at(dict(row), answer)
        known = None if value is ABSENT else formats.plain(value)
    else:
        known = shape[1].answer if shape else None
    if known is not None and answer is not None and ("\n" in known or "####" in known):
        known = extract(known, guess=False).text
    if known is None and answer is None and solution:
        known = extract(solution, guess=False).text
    return make_problem(question, answer=known, solution=solution,
                        language="zh" if language_of(question) == "zh" else "en")
