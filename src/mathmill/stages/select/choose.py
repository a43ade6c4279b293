"""The stage `select`: duplicates out, levels in, and the rows that are worth most.

Why: seeds that lie far apart give more varied data (Skywork-Math's core-set). The papers
lack the control, so choosing at random is the same stage with another word, and the facts
give both a covering radius and MetaMath's diversity gain on the same embedding.

Rows pass on shards, as Arrow batches: for what they repeat, for their levels, and to be written.
The choice itself is made here, of what these told: 16 bytes a row for a rule of duplicates, a
level, and, where rows are compared, ids and questions.

Used as: `run(bench, how="coreset", fraction=0.5)` or `run(bench, how="random", count=1000)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mathmill.errors import StepFailed, UsageError
from mathmill.stages.records import record_of
from mathmill.stages.select import duplicates as rules
from mathmill.stages.select.minhash import settings_of
from mathmill.stages.select.near import with_near
from mathmill.stages.select.rating import histogram, rated
from mathmill.stages.select.ratings import ratings_of
from mathmill.stages.select.spread import FAR, Wanted, spread
from mathmill.stages.select.worth import VALUES, best, ids_of, told, values_of
from mathmill.stages.select.writing import Plan, write
from mathmill.texts import Text
from mathmill.types import Problem, Sample
from mathmill.workbench import Workbench


def run(bench: Workbench, *, how: str = "coreset", fraction: float | None = None,
        count: int | None = None, seed: int = 0, levels: Sequence[int] | None = None,
        difficulty: str = "by_steps", teacher: str = "",
        duplicates: Sequence[str] = ("text",), **beyond: Any) -> None:
    """Write a choice of the rows of input `rows` (Problem, Sample or Text), in their order.

    `how`: `coreset`, `random`, `all`, or `value` or `mean_value` (`worth.values_of`; input
    `values`); how many: `count`, or `fraction` of the rows that came so far; all where neither is
    given. `levels`: the only ones that stay. `difficulty`: how rows without a level get one:
    `by_steps`, `teacher` (tools `difficulty_request`, `read_level`, `open_teacher`) or `none`;
    texts have no levels. `duplicates`: the rules by which a row that repeats an earlier one goes
    (`duplicates.find`); `near`: settings of the rule of that name (`minhash.near_literals`);
    `encoder`, `encoder_content`, `two_round`: see `spread.far_literals`.
    Input `base` (Problem), where given: rows far from these too; `ratings` (Rated): levels and
    pass rates that rows are chosen by (`pass_rate`: least and greatest that stays). Raises
    UsageError; StepFailed where nothing is left, or less than `count`.
    """
    _check(how, fraction, count, levels, difficulty)
    rules.check(duplicates)
    pass_rate = beyond.pop("pass_rate", None)
    far = {name: beyond.pop(name) for name in FAR if name in beyond}
    settings = settings_of(beyond)
    record = record_of(bench, "rows", (Problem, Sample, Text))
    _fits(bench, record, how, levels, difficulty)
    ratings = ratings_of(bench, record, pass_rate)
    repeats = rules.find(bench, record, duplicates)
    if rules.NEAR in duplicates:
        repeats = with_near(bench, record, repeats, duplicates.index(rules.NEAR), settings)
    bench.facts["duplicates"] = {
        rule: {"reason": rules.REASONS[rule], "rows": int((repeats.rules == number).sum())}
        for number, rule in enumerate(duplicates)}
    known = rated(bench, record, repeats, difficulty, teacher)
    able = np.ones(repeats.rows, np.bool_)
    able[repeats.places] = False
    able[bench.lost()] = False
    if ratings is not None:
        known = ratings.over(known)
        able &= ratings.fits(levels)
    if levels is not None:
        able &= np.isin(known, list(levels))
    worths = None
    if how in VALUES:
        worths = values_of(bench, record, ids_of(bench, record), how)
        able &= np.isfinite(worths)
    left = int(able.sum())
    _enough(left, repeats.rows, count)
    wanted = count or (math.ceil(fraction * left) if fraction else left)
    chosen = np.zeros(repeats.rows, np.bool_)
    if worths is None:
        taken = spread(bench, record, able, Wanted(wanted, how, seed, **far))
    else:
        taken = np.array(best(worths[able], ids_of(bench, record)[able], wanted))
    chosen[np.flatnonzero(able)[taken]] = True
    if worths is not None:
        bench.facts["values"] |= told(worths, chosen)
    del taken  # 8 bytes a row, which nobody needs while they are written
    write(bench, record, Plan(repeats, duplicates, known, able, chosen, how, levels, worths,
                              ratings))
    bench.facts.update(rows_in=repeats.rows, candidates=left, chosen=wanted, how=how,
                       levels_kept=histogram(known[chosen]))


def _enough(left: int, came: int, count: int | None) -> None:
    """Raise StepFailed where there are too few rows to choose from."""
    if not left:
        raise StepFailed(f"select was left with none of {came} rows; ask for other levels, or "
                         "see what the step before dropped")
    if count is not None and count > left:
        raise StepFailed(f"select was asked for {count} rows, but {left} of {came} are left "
                         "to choose from; make more rows or ask for fewer")


def _check(how: str, fraction: float | None, count: int | None, levels: Sequence[int] | None,
           difficulty: str) -> None:
    """Refuse what cannot be right before anything is read."""
    if how not in ("coreset", "random", "all", *VALUES):
        raise UsageError(f"how={how!r}: say coreset, random, all, {' or '.join(VALUES)}")
    if fraction is not None and count is not None:
        raise UsageError("give select a fraction or a count, not both")
    if fraction is not None and not 0 < fraction <= 1:
        raise UsageError(f"fraction={fraction}: give a share above 0, at most 1")
    if count is not None and count < 1:
        raise UsageError(f"count={count} chooses nothing; give 1 or more")
    if levels is not None and (not levels or set(levels) - {1, 2, 3, 4, 5}):
        raise UsageError(f"levels={list(levels)}: name some of 1, 2, 3, 4, 5")
    if difficulty not in ("by_steps", "teacher", "none"):
        raise UsageError(f"difficulty={difficulty!r}: say by_steps, teacher or none")


def _fits(bench: Workbench, record: type, how: str, levels: Sequence[int] | None,
          difficulty: str) -> None:
    """Refuse what the rows, or the inputs, have no place for."""
    if how in VALUES and "values" not in bench.inputs:
        raise UsageError(f"how={how!r} needs values; give select the step `value` (values=...)")
    if record is Text and (levels is not None or difficulty == "teacher"):
        raise UsageError("texts have no level; leave out levels and rater")
