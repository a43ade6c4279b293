"""The stage `rate`: a rating a row, beside the rows, by a student, a teacher, or the steps.

Used as: `run(bench, by="steps")`; `run(bench, by="pass_rate", teacher="openai:small", samples=8)`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from mathmill.candidates import Rated
from mathmill.errors import StepFailed, UsageError
from mathmill.grading.policy import named
from mathmill.stages.asking import Asking, open_asking
from mathmill.stages.rate.pupil import PASS_RATE, Pupil, Row, of_pool, rated
from mathmill.stages.records import record_of
from mathmill.stages.select.difficulty import level_by_steps
from mathmill.stages.select.rating import asked_levels
from mathmill.types import Problem, Sample
from mathmill.workbench import Facts, Workbench

STEPS, TEACHER = "steps", "teacher"
BY = (PASS_RATE, TEACHER, STEPS)
Rater = Callable[[Sequence[Row]], Iterable[Rated]]
BATCH = 512  # rows whose questions are asked together
TENTHS = 10  # of a pass rate, as the facts count them


def run(bench: Workbench, *, by: str = PASS_RATE, teacher: str = "", samples: int = 8,
        temperature: float = 0.7, max_tokens: int = 1024, policy: str = "tolerant",
        prompts: Sequence[str] = ()) -> None:
    """Write a `Rated` row for each row of input `rows` (Problem or Sample), in their order.

    `by`: `pass_rate` (of `samples` replies by `teacher`, the student, held against the row's
    answer by the grader's `policy`; or of the samples in input `pool`, Candidate, where given),
    `teacher` (its word on the level) or `steps` (of the solution; alone of these done in
    shards). `prompts`: identities of those by which is asked (identity only). Tools:
    `open_teacher`, `request` for a pass rate, `difficulty_request` and `read_level` for a
    teacher. Raises UsageError, StepFailed, TeacherError.
    """
    del prompts
    check(by, samples, temperature, max_tokens, policy)
    asked = {"teacher": teacher, "samples": samples, "temperature": temperature,
             "max_tokens": max_tokens, "policy": policy}
    bench.map(part, {"by": by, "asked": asked}, merge=merged, sharded=by == STEPS)
    if not bench.facts["rated"]:
        raise StepFailed(f"rate could tell nothing of {bench.facts['rows_in']} rows "
                         f"({_why(bench, by)})")


def check(by: str, samples: int = 1, temperature: float = 0.7, max_tokens: int = 1,
          policy: str = "tolerant", **_: Any) -> None:
    """Raise UsageError for what cannot be right, before anything is asked."""
    if by not in BY:
        raise UsageError(f"by={by!r}: say {', '.join(BY)}")
    if samples < 1:
        raise UsageError(f"samples={samples} tells no rate; ask for 1 or more")
    if not 0 <= temperature < math.inf:
        raise UsageError(f"temperature={temperature}: give 0 or more")
    if max_tokens < 1:
        raise UsageError(f"max_tokens={max_tokens} leaves no room for a reply; give 1 or more")
    named(policy)


def part(bench: Workbench, *, by: str, asked: Mapping[str, Any]) -> None:
    """Rate the rows of a shard, or all; facts are counts, for `merged`."""
    rows = bench.rows("rows", record_of(bench, "rows", (Problem, Sample)))
    counts: Counter[str] = Counter()
    if "pool" in bench.inputs:
        known = of_pool(bench)
        bench.keep(_counted((rated(row.id, *known.get(row.id, (0, 0, ""))) for row in rows),
                            counts), Rated)
    else:
        with opened(bench, by, **asked) as rater:
            bench.keep(_counted(_shown(bench, rater, rows), counts), Rated)
    bench.facts.update(rows_in=sum(counts[name] for name in counts if name.startswith("level ")),
                       counts=dict(counts))


def merged(facts: Sequence[Facts]) -> Facts:
    """Return the facts of the stage from those of its shards."""
    counts: Counter[str] = Counter()
    for each in facts:
        counts.update(each["counts"])
    levels = {name.removeprefix("level "): number for name, number in sorted(counts.items())
              if name.startswith("level ")}
    rates = {name.removeprefix("rate "): number for name, number in sorted(counts.items())
             if name.startswith("rate ")}
    more = {name: value for each in facts for name, value in each.items()
            if name in ("rating", "student")}
    return {"rows_in": sum(levels.values()), "levels": levels,
            "rated": sum(levels.values()) - levels.get("none", 0),
            **({"pass_rates": rates, "samples": counts["samples"], "right": counts["right"]}
               if rates else {}), **more}


@contextmanager
def opened(bench: Workbench, by: str, *, teacher: str, samples: int, temperature: float,
           max_tokens: int, policy: str) -> Iterator[Rater]:
    """Open what rates some rows at a time; what was asked is told in the facts at the end."""
    if by == STEPS:
        yield lambda rows: [Rated(row.id, STEPS, level_by_steps(row.solution or ""))
                            for row in rows]
        return
    with open_asking(bench, teacher) as asking:
        if by == TEACHER:
            yield partial(_told, bench, asking)
            bench.facts["rating"] = asking.usage.facts()
            return
        pupil = Pupil(asking, bench.tools["request"], samples, temperature, max_tokens, policy)
        yield pupil.rate
        bench.facts.update(rating=pupil.usage.facts(), student=dict(pupil.counts))


def _told(bench: Workbench, asking: Asking, rows: Sequence[Row]) -> Iterator[Rated]:
    """Yield the levels that a teacher gives rows."""
    levels = asked_levels(bench, asking, [row.question for row in rows],
                          [row.language for row in rows])
    for row, level in zip(rows, levels, strict=True):
        yield Rated(row.id, TEACHER, level, by=asking.teacher.name)


def _shown(bench: Workbench, rater: Rater, rows: Iterator[Row]) -> Iterator[Rated]:
    """Yield the ratings of rows, some at a time."""
    done = 0
    while batch := list(islice(rows, BATCH)):
        yield from rater(batch)
        done += len(batch)
        bench.show(done, None, "rows rated")


def _counted(ratings: Iterator[Rated], counts: Counter[str]) -> Iterator[Rated]:
    """Yield ratings; count their levels and rates."""
    for one in ratings:
        counts[f"level {'none' if one.level is None else one.level}"] += 1
        if one.rate is not None:
            counts[f"rate {min(int(one.rate * TENTHS), TENTHS - 1) / TENTHS:.1f}"] += 1
            counts["samples"] += one.samples or 0
            counts["right"] += one.right or 0
        yield one


def _why(bench: Workbench, by: str) -> str:
    """Return why nothing could be rated, with the cure."""
    if not bench.facts["rows_in"]:
        return "there are none; see what the step before dropped"
    if by == STEPS:
        return "none has a solution; rate them by a teacher, or give rows that are solved"
    if by == TEACHER:
        return "the teacher's replies name no level; ask another"
    return ("no pool has them; give the problems that the samples were drawn for"
            if "pool" in bench.inputs else
            "none has an answer to hold samples against; give rows with answers")
