"""Grade files of responses: the engine of `mathmill grade FILE`.

Why: a grader is held against millions of responses, so rows stream, memory stays flat and
processes share the work; and a bad row is counted and named while the rest goes on. The
files whose shape is known need no field names: mathmill's own scores, and the solutions of
four systems that OpenAI published with GSM8K.

Used as: `grade_file("out.jsonl", gold="answer", pred="response")`, from any thread; in
async code `await asyncio.to_thread(grade_file, "out.jsonl")`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from mathmill.errors import StepFailed, UsageError
from mathmill.grading.files.output import GradedFile
from mathmill.grading.files.response import field_text, gold_text, judge
from mathmill.grading.files.rows import Chunk, Fields, chunks, files_at, responses
from mathmill.grading.files.tally import UNREADABLE, Graded, GradeSummary, Tally
from mathmill.grading.policy import Policy, named
from mathmill.types import Verdict

Sources = Sequence[str | Path] | str | Path
Progress = Callable[[int, float], None]
"""Is told after each chunk how many responses are graded and the share of bytes read."""

ALONE = 5  # chunks, 2,000 rows: graded here before a new process would be up
AHEAD = 3  # chunks handed out for each process: enough to keep it busy, few enough to hold


def grade_file(path: Sources, gold: str | None = None, pred: str | None = None,
               policy: str | Policy = "tolerant", label: str | None = None, *,
               out: str | Path | None = None, jobs: int = 1,
               progress: Progress | None = None) -> GradeSummary:
    """Grade every row of JSONL or Parquet files and sum up; memory does not grow with rows.

    `path`: a file, a folder, a pattern, or several of these. `gold`, `pred` and `label` name
    fields (dots reach into objects); without `gold` and `pred` the rows must be of a known
    shape. `out` (.jsonl or .parquet) takes a row a response; `jobs` is the number of
    processes. Rows that cannot be read are counted and named. Raises InputError for a file
    that cannot be read or has no row that can, UsageError for a policy or an `out` that
    cannot be right, StepFailed where a process dies.
    """
    found, files = named(policy), files_at(path)
    if out is not None and any(Path(out).resolve() == file.resolve() for file in files):
        raise UsageError(f"{out}: this is a file to be graded; write to another")
    tally = Tally(str(files[0]) if len(files) == 1 else f"{len(files)} files", found)
    work = _Work(Fields(gold, pred, label), found)
    with nullcontext() if out is None else GradedFile(Path(out)) as written:
        for rows in _graded(files, work, jobs, progress):
            for row in rows:
                tally.add(row)
            if written is not None:
                written.write(rows)
        return tally.summary()


def grade_rows(path: Sources, gold: str | None = None, pred: str | None = None,
               policy: str | Policy = "tolerant", label: str | None = None, *,
               jobs: int = 1) -> Iterator[Graded]:
    """Yield the verdict on every response of files, in order, some hundred rows in memory.

    As `grade_file`; a row that cannot be read has the verdict `unreadable` and why.
    """
    work = _Work(Fields(gold, pred, label), named(policy))
    return chain.from_iterable(_graded(files_at(path), work, jobs, None))


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with a chunk; small, since it travels with each one."""

    fields: Fields
    policy: Policy

    def __call__(self, chunk: Chunk) -> list[Graded]:
        """Return the responses of a chunk with their verdicts."""
        found = []
        for number, row in chunk.rows():
            try:
                if isinstance(row, str):
                    raise ValueError(row)
                found += [self._one(chunk.file, number, *response)
                          for response in responses(row, self.fields)]
            except ValueError as error:
                found.append(Graded(number, "", "", None, Verdict(UNREADABLE, str(error)), None,
                                    chunk.file))
        return found

    def _one(self, file: str, number: int, system: str, gold: object, response: object,
             label: bool | None) -> Graded:
        """Return one response with its verdict; ValueError names a field of another kind."""
        name = self.fields.gold or "gold"
        try:
            right = gold_text(gold)
            name = self.fields.pred or "response"
            text = field_text(response)
        except ValueError as error:
            raise ValueError(f"the field {name!r} {error}") from error
        judged = judge(text, right, self.policy)
        return Graded(number, system, right, judged.answer, judged.verdict, label, file)


def _graded(files: Sequence[Path], work: _Work, jobs: int,
            progress: Progress | None) -> Iterator[list[Graded]]:
    """Yield graded chunks in order; small work stays in this process."""
    if jobs < 1:
        raise UsageError(f"{jobs} processes grade nothing; give 1 or more")
    parts, done = chunks(files, work.fields), 0
    start = list(islice(parts, ALONE if jobs > 1 else 0))
    pairs = (_in_processes(chain(start, parts), work, jobs) if len(start) == ALONE
             else ((part, work(part)) for part in chain(start, parts)))
    for part, rows in pairs:
        done += len(rows)
        if progress is not None:
            progress(done, part.share)
        yield rows


def _in_processes(parts: Iterable[Chunk], work: _Work,
                  jobs: int) -> Iterator[tuple[Chunk, list[Graded]]]:
    """Yield chunks with their graded rows, in order, graded by processes.

    Chunks are handed out as results are taken, so that a slow reader of results or a quick
    reader of files fills no memory. Processes are spawned: a fork of a program with threads
    may hang.
    """
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin)
    waiting: deque[tuple[Chunk, Future[list[Graded]]]] = deque()
    parts = iter(parts)
    try:
        while True:
            for part in islice(parts, jobs * AHEAD - len(waiting)):
                waiting.append((part, pool.submit(work, part)))
            if not waiting:
                return
            part, result = waiting.popleft()
            yield part, result.result()
    except BrokenProcessPool as error:
        raise StepFailed(f"a process that graded {part.file} died near row {part.items[0][0]} "
                         "(out of memory? then give fewer jobs; or a script calls this outside "
                         "of `if __name__ == '__main__':`)") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """Make a process leave Ctrl-C to its parent, and end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
