"""The stage `select`: near-duplicates out, levels in, and the rows that are worth most.

Why: seeds that lie far apart give more varied data (Skywork-Math's core-set). The papers
lack the control, so choosing at random is the same stage with another word, and the facts
give both a covering radius and MetaMath's diversity gain on the same embedding.

Used as: `run(bench, how="coreset", fraction=0.5)` or `run(bench, how="random", count=1000)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mathmill.errors import StepFailed, UsageError
from mathmill.identity import draw
from mathmill.io import as_json
from mathmill.stages.asking import open_asking
from mathmill.stages.overlap import words_of
from mathmill.stages.records import record_of
from mathmill.stages.select.difficulty import level_by_steps
from mathmill.stages.select.embed import GRID, Points, embed
from mathmill.stages.select.kcenter import k_center, nearest
from mathmill.types import Drop, Problem, Sample
from mathmill.workbench import Workbench

Row = Problem | Sample
MEASURED = 20_000  # rows on which coverage is measured: enough for three digits
DIMS = 256


def run(bench: Workbench, *, how: str = "coreset", fraction: float | None = None,
        count: int | None = None, seed: int = 0, levels: Sequence[int] | None = None,
        difficulty: str = "by_steps", teacher: str = "") -> None:
    """Write a choice of the rows of input `rows` (Problem or Sample), in their order.

    `how`: `coreset`, `random` or `all`; how many: `count`, or `fraction` of the rows that came
    so far; all where neither is given. `levels`: the only ones that stay. `difficulty`: how
    rows without a level get one: `by_steps`, `teacher` (tools `difficulty_request`, `read_level`,
    `open_teacher`) or `none`. Input `base` (Problem), where given: rows far from these too.
    Raises UsageError; StepFailed where nothing is left, or less than `count`.
    """
    _check(how, fraction, count, levels, difficulty)
    record = record_of(bench, "rows")
    rows: list[Row] = list(bench.rows("rows", record))
    came = len(rows)
    rows = _without_repeats(bench, rows)
    rows = _rated(bench, rows, difficulty, teacher)
    if levels is not None:
        rows = _of_levels(bench, rows, levels)
    if not rows:
        raise StepFailed(f"select was left with none of {came} rows; ask for other levels, or "
                         "see what the step before dropped")
    if count is not None and count > len(rows):
        raise StepFailed(f"select was asked for {count} rows, but {len(rows)} of {came} are left "
                         "to choose from; make more rows or ask for fewer")
    wanted = count or (math.ceil(fraction * len(rows)) if fraction else len(rows))
    chosen = set(_chosen(bench, rows, wanted, how, seed))

    def kept() -> Iterator[Row]:
        for place, row in enumerate(rows):
            if place in chosen:
                yield row
            else:
                bench.drop(Drop(row.id, f"not chosen ({how})", "", as_json(row),
                                getattr(row, "method", "")))

    bench.keep(kept(), record)
    bench.facts.update(rows_in=came, candidates=len(rows), chosen=wanted, how=how,
                       levels_kept=_histogram([rows[i] for i in chosen]))


def _check(how: str, fraction: float | None, count: int | None, levels: Sequence[int] | None,
           difficulty: str) -> None:
    """Refuse what cannot be right before anything is read."""
    if how not in ("coreset", "random", "all"):
        raise UsageError(f"how={how!r}: say coreset, random or all")
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


def _without_repeats(bench: Workbench, rows: Sequence[Row]) -> list[Row]:
    """Drop rows whose text differs from an earlier one's only in case and punctuation.

    A sample's text is question and solution: other solutions of one question are no repeats.
    """
    seen: dict[tuple[str, ...], str] = {}
    kept: list[Row] = []
    for row in rows:
        text = f"{row.question}\n{row.solution}" if isinstance(row, Sample) else row.question
        # Signs of maths count: 5 + 3 and 5 - 3 are other questions.
        key = tuple(words_of(text)) + tuple(sign for sign in text if sign in "+-*/=<>^%.,")
        if key in seen:
            bench.drop(Drop(row.id, "near duplicate", f"of {seen[key]}", as_json(row),
                            getattr(row, "method", "")))
        else:
            seen[key] = row.id
            kept.append(row)
    return kept


def _rated(bench: Workbench, rows: list[Row], difficulty: str, teacher: str) -> list[Row]:
    """Return the rows, those without a level rated; facts say how many could be."""
    places = [place for place, row in enumerate(rows) if row.level is None]
    found: dict[int, int | None] = {}
    if difficulty == "by_steps":
        found = {p: level_by_steps(rows[p].solution or "") for p in places}
    elif difficulty == "teacher" and places:
        request, read = bench.tools["difficulty_request"], bench.tools["read_level"]
        with open_asking(bench, teacher) as asking:
            replies = asking.all(
                [request(rows[p].question, rows[p].language) for p in places],
                lambda done: bench.show(done, len(places), "rows rated"))
            found = {p: read(reply.text) if reply.finish == "stop" else None
                     for p, reply in zip(places, replies, strict=True)}
            bench.facts["rating"] = asking.usage.facts()
    rated = list(rows)
    for place, level in found.items():
        if level is not None:
            rated[place] = replace(rows[place], level=level)
    bench.facts["levels"] = {"given": len(rows) - len(places), "how": difficulty,
                             "rated": sum(level is not None for level in found.values()),
                             "without": sum(row.level is None for row in rated),
                             "rows": _histogram(rated)}
    return rated


def _histogram(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many rows there are of each level (`none` where it is unknown)."""
    names = [str(row.level) if row.level else "none" for row in rows]
    return {name: names.count(name) for name in sorted(set(names))}


def _of_levels(bench: Workbench, rows: Sequence[Row], levels: Sequence[int]) -> list[Row]:
    """Drop the rows of other levels."""
    kept = []
    for row in rows:
        if row.level in levels:
            kept.append(row)
        else:
            bench.drop(Drop(row.id, f"level {row.level or 'unknown'}",
                            f"wanted {', '.join(map(str, levels))}", as_json(row),
                            getattr(row, "method", "")))
    return kept


def _chosen(bench: Workbench, rows: Sequence[Row], k: int, how: str, seed: int) -> list[int]:
    """Return the places of the chosen rows; put coverage of choice and control into facts."""
    order = sorted(range(len(rows)), key=lambda place: rows[place].id)
    rng = draw("select", seed)
    control = [order[i] for i in rng.sample(range(len(order)), k)]
    if how == "all" or k == len(rows):
        return list(range(len(rows)))[:k] if how == "all" else order[:k]
    base = [p.question for p in bench.rows("base", Problem)] if "base" in bench.inputs else []
    bench.show(0, k, "embedding rows")
    points = embed([rows[place].question for place in order], DIMS, also=base)
    given = embed(base, DIMS, also=[rows[p].question for p in order]) if base else None
    places = {place: at for at, place in enumerate(order)}
    picks = [places[place] for place in control]
    if how == "coreset":
        picks, _ = k_center(points, k, first=picks[0], centres=given)
    bench.facts["coverage"] = {
        how: _coverage(points, picks, given),
        **({"random": _coverage(points, [places[p] for p in control], given)}
           if how != "random" else {})}
    return [order[at] for at in picks]


def _coverage(points: Points, picks: Sequence[int], base: Points | None) -> dict[str, Any]:
    """Return the covering radius, the mean distance and the diversity gain of a choice.

    Distances between unit vectors, on the first `MEASURED` points in id order (ids are
    hashes, so these are a fair sample). Gain: MetaMath's mean squared distance of the chosen
    to their nearest of `base`; without a base, to the mean point of all.
    """
    near = np.sqrt(nearest(points[:MEASURED], points[picks]).clip(0)) / GRID
    own = points[list(picks)]
    if base is None:
        gain = ((own - points.mean(axis=0)) ** 2).sum(axis=1).mean() / GRID ** 2
    else:
        gain = nearest(own, base).clip(0).mean() / GRID ** 2
    return {"rows": len(picks), "radius": round(float(near.max()), 4),
            "mean_distance": round(float(near.mean()), 4), "diversity_gain": round(float(gain), 4),
            "gain_over": "the mean of all rows" if base is None else "base"}
