"""Run the programs of a file: the engine of `mathmill exec FILE --field F`.

Why: ten million model-written programs are run by one command that can be stopped anywhere.
Rows are read, run and written in one stream; a row without a program, or one that cannot be
read, is a row of the result too, so that line n of the output is line n of the work.

Used as: `exec_file(Path("rows.jsonl"), "code", gold="target").text()`.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from mathmill import __version__
from mathmill.errors import InputError, UsageError
from mathmill.grading.equal import equal
from mathmill.grading.policy import Policy, named
from mathmill.grading.sandbox.determinism import both
from mathmill.grading.sandbox.form import WHOLE, answer_of, program_of
from mathmill.grading.sandbox.journal import Journal
from mathmill.grading.sandbox.outcome import ERROR, KINDS, VALUE, Limits, Outcome, Program
from mathmill.grading.sandbox.reason import reason
from mathmill.grading.sandbox.rows import NO_FIELD, UNREADABLE, Item, check_fields, items, size
from mathmill.grading.wilson import wilson
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict
from mathmill.words import counted as counted_of

NO_PROGRAM = "no program"
WITHOUT = (NO_PROGRAM, NO_FIELD, UNREADABLE)  # outcomes of rows that were never run
SHOWN = 10  # rows of a kind that a summary names
DIFFER = "engines differ"  # how `run.Sandbox` begins the error of a program that they disagree on
Show = Callable[[int, int | None, str], None]


class Runner(Protocol):
    """What runs programs: `run.Sandbox`, or a stand-in of a test."""

    def run(self, programs: Iterable[Program]) -> Iterator[Outcome]:
        """Yield an outcome for each program, in order."""
        ...


@dataclass(frozen=True, slots=True)
class ExecOptions:
    """What changes the result of running a file, and how many cores run it."""

    limits: Limits = field(default_factory=Limits)
    "What one program may use."
    crosscheck: float = 0.01
    "Share of the programs that both engines run."
    whole: float = WHOLE
    "How far a float may lie from a whole number to be read as it; 0 takes floats exactly."
    policy: str | Policy = "tolerant"
    "The grader's, where gold answers are given."
    jobs: int | None = None
    "Workers at once; None for one a core. It changes no result."
    twice: bool = False
    "Run each program in two states, and refuse what ends otherwise (determinism.py)."


@dataclass
class ExecSummary:
    """What a file of programs came to."""

    path: str
    "The input."
    out: str
    "The output."
    total: int = 0
    "Rows of the output."
    before: int = 0
    "Those of them that an earlier start had made."
    seconds: float = 0.0
    "Wall-clock seconds of this start."
    outcomes: Counter[str] = field(default_factory=Counter)
    "Rows by outcome."
    engines: Counter[str] = field(default_factory=Counter)
    "Programs by the engine that ran them."
    errors: Counter[str] = field(default_factory=Counter)
    "Failed programs by exception, or by why they did not run."
    differ: list[int] = field(default_factory=list)
    "The first rows on whose program the engines differ."
    differing: int = 0
    "How many there are."
    bad: list[str] = field(default_factory=list)
    "The first rows that could not be read, with the reason."
    verdicts: Counter[str] = field(default_factory=Counter)
    "Rows by verdict, where gold answers were given."

    @property
    def unread(self) -> int:
        """Rows without a program that could be read."""
        return self.outcomes[UNREADABLE] + self.outcomes[NO_FIELD]

    def add(self, row: dict[str, Any]) -> None:
        """Count one row of the output."""
        self.total += 1
        outcome, error = row["outcome"], row["error"] or ""
        self.outcomes[outcome] += 1
        if row["engine"]:
            self.engines[row["engine"]] += 1
        if error.startswith(DIFFER):
            self.differing += 1
            if len(self.differ) < SHOWN:
                self.differ.append(row["row"])
        elif outcome in (UNREADABLE, NO_FIELD):
            if len(self.bad) < SHOWN:
                self.bad.append(f"row {row['row']}: {error}")
        elif outcome != VALUE and error:
            self.errors[f"{outcome}: {error[:60]}"] += 1
        if row.get("verdict"):
            self.verdicts[row["verdict"]] += 1

    def text(self, rows: bool = True) -> str:
        """Return the summary for people, several lines; `rows`: name those that are unread."""
        lines = [f"{self.path}: {counted_of(self.total, 'program')}, results in {self.out}",
                 counted(self.outcomes, (*KINDS, *WITHOUT))]
        if self.engines:
            lines.append("run by " + counted(self.engines))
        if self.differing:
            first = ", ".join(map(str, self.differ))
            lines.append(f"engines differ on {self.differing:,} (dropped as refused): rows {first}"
                         + (", ..." if self.differing > len(self.differ) else ""))
        lines += [f"  {error}: {n:,}" for error, n in self.errors.most_common(SHOWN)]
        lines += [f"  {words}" for words in self.bad if rows]
        if rows and self.unread > len(self.bad):
            lines.append(f"  and {self.unread - len(self.bad):,} more such rows")
        graded = sum(self.verdicts.values())
        if graded:
            right = self.verdicts[CORRECT]
            low, high = wilson(right, graded)
            lines += [f"{right / graded:.1%} correct, 95 % interval {low:.1%} to {high:.1%}",
                      counted(self.verdicts, (CORRECT, WRONG, UNDECIDED))]
        new = self.total - self.before
        if new and self.seconds:
            lines.append(f"{new:,} in {self.seconds:,.1f} s, {new / self.seconds:,.0f} a second"
                         + (f"; {self.before:,} were there before" if self.before else ""))
        elif self.before:
            lines.append("all of it was there before; nothing was run")
        return "\n".join(lines)


def exec_file(path: Path, field: str, out: Path | None = None, gold: str | None = None,
              options: ExecOptions = ExecOptions(), show: Show | None = None,
              sandbox: Callable[[], AbstractContextManager[Runner]] | None = None) -> ExecSummary:
    """Run every program of a field and write one row for each, in order; sum up.

    `field`, `gold`: names of fields, dots reach into objects; a list of texts gives one row
    a text. `out`: JSONL or, by its suffix, Parquet; FILE.exec.jsonl beside the file unless
    given. `show(done, total, words)` hears of progress. The same call goes on where an
    earlier one stopped. Raises InputError for a file or a field that is not there,
    UsageError for other settings than those that began the output, MissingExtra where no
    engine is installed.
    """
    if not path.is_file():
        what = "this is no file but a folder" if path.is_dir() else "there is no such file"
        raise InputError(path, what, "check the path")
    if out is not None and out.suffix not in (".jsonl", ".parquet"):
        raise UsageError(f"{out}: results are written to a .jsonl or a .parquet file; "
                         "give --out one of these endings")
    settings = _settings(path, field, gold, options)
    check_fields(path, field, gold)
    target = out or path.with_name(path.stem + ".exec.jsonl")
    summary = ExecSummary(str(path), str(target))
    begun = time.monotonic()
    with Journal(target, settings) as journal:
        for row in journal.rows() if journal.done else ():
            summary.add(row)
        summary.before = summary.total
        if not journal.finished:
            with (sandbox or _sandbox(options))() as runner:
                todo = islice(items(path, field, gold, options.whole), summary.before, None)
                reach = size(path)
                for item, outcome in ran(runner, todo, options.twice):
                    row = row_of(item, outcome, gold is not None, options)
                    journal.append(row)
                    summary.add(row)
                    if show is not None:
                        show(*_progress(summary, item, reach))
            journal.finish()
    summary.seconds = time.monotonic() - begun
    return summary


def ran(runner: Runner, todo: Iterable[Item], twice: bool = False,
        ) -> Iterator[tuple[Item, Outcome]]:
    """Yield each item with its outcome, in order; items without a program are never run."""
    waiting: deque[tuple[Item, Outcome | None]] = deque()

    def programs() -> Iterator[Program]:
        for item in todo:
            program = program_of(item.text) if item.text is not None else None
            if program is None:
                waiting.append((item, Outcome(item.problem or NO_PROGRAM, error=item.error)))
            else:
                waiting.append((item, None))
                yield program

    for outcome in both(runner.run, programs()) if twice else runner.run(programs()):
        while waiting[0][1] is not None:
            item, known = waiting.popleft()
            assert known is not None, "checked by the loop"
            yield item, known
        yield waiting.popleft()[0], outcome
    while waiting:
        item, known = waiting.popleft()
        assert known is not None, f"row {item.row}: the sandbox gave no outcome"
        yield item, known


def row_of(item: Item, outcome: Outcome, graded: bool, options: ExecOptions) -> dict[str, Any]:
    """Return one row of the output. It has no time in it: equal runs give equal files."""
    answer = answer_of(outcome, whole=options.whole)
    row: dict[str, Any] = {
        "row": item.row, "sample": item.sample, "id": item.id, "outcome": outcome.kind,
        "value": outcome.value, "type": outcome.type, "answer": answer,
        "error": outcome.error, "reason": reason(outcome, answer, options.limits),
        "engine": outcome.engine}
    if graded:
        verdict = verdict_on(item.gold, outcome, answer, options.policy)
        row.update(gold=item.gold, verdict=verdict.value, how=verdict.how)
    return row


def verdict_on(gold: str | None, outcome: Outcome, answer: str | None,
               policy: str | Policy = "tolerant") -> Verdict:
    """Return whether an outcome gives the gold answer.

    A program that fails, or gives no answer, is wrong; one that was stopped, refused or
    crashed its engine might have been right, so it is undecided.
    """
    if gold is None:
        return Verdict(UNDECIDED, "no gold answer")
    if answer is not None:
        return equal(gold, answer, policy)
    if outcome.kind in (VALUE, ERROR, NO_PROGRAM):
        return Verdict(WRONG, "no answer" if outcome.kind == VALUE else outcome.kind)
    return Verdict(UNDECIDED, outcome.kind)


def counted(counts: Counter[str], order: Iterable[str] = ()) -> str:
    """Return counts in words: `value 1,200, error 3`; those of 0 are left out."""
    names = [name for name in order if counts[name]]
    names += [name for name, _ in counts.most_common() if name not in names and counts[name]]
    return ", ".join(f"{name} {counts[name]:,}" for name in names) or "nothing to run"


def _settings(path: Path, field: str, gold: str | None, options: ExecOptions) -> dict[str, Any]:
    """Return what the output depends on; raises UsageError for options out of range."""
    limits = options.limits
    if not 0 < limits.seconds <= 3600 or limits.memory_mb < 16:
        raise UsageError("--seconds must be above 0 and at most 3600, --memory at least 16 MiB")
    if not 0 <= options.crosscheck <= 1:
        raise UsageError("--crosscheck is a share from 0 to 1, such as 0.01")
    if not 0 <= options.whole < 0.5:
        raise UsageError("--whole is a small distance, such as 1e-9, or 0 to take floats exactly")
    if options.jobs is not None and options.jobs < 1:
        raise UsageError("--jobs must be at least 1")
    digest = hashlib.blake2b(digest_size=16)
    length = path.stat().st_size
    with path.open("rb") as file:  # a file that was replaced differs at its ends or in length
        digest.update(file.read(2**20))
        file.seek(max(0, length - 2**20))
        digest.update(file.read(2**20))
    return {"file": path.name, "bytes": length, "ends": digest.hexdigest(), "field": field,
            "gold": gold, "seconds": limits.seconds, "memory": limits.memory_mb,
            "crosscheck": options.crosscheck, "whole": options.whole,
            "policy": named(options.policy).name, "mathmill": __version__
            } | ({"twice": True} if options.twice else {})


def _sandbox(options: ExecOptions) -> Callable[[], AbstractContextManager[Runner]]:
    """Return what opens the real sandbox."""
    from mathmill.grading.sandbox.run import Sandbox

    return lambda: Sandbox(replace(options.limits), jobs=options.jobs,
                           crosscheck=options.crosscheck)


def _progress(summary: ExecSummary, item: Item, reach: int) -> tuple[int, int | None, str]:
    """Return (rows of this start, how many there will be about, words)."""
    new = summary.total - summary.before
    share = item.at / reach if reach else 1.0
    total = max(summary.total, round(summary.total / share)) if share else None
    words = f"({summary.before:,} were there before)" if summary.before else ""
    return new, None if total is None else total - summary.before, words
