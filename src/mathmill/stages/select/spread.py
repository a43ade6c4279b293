"""Which of the rows that may be chosen are: at random, or far apart; and what the choice covers.

Why: the choice is made of points alone, in the order of the rows' ids, so that it does not
depend on where rows stand. Few rows are embedded in memory; many into a file (`encoders`), of
which worker processes or a cluster's actors hold parts while the choice is made (`coreset`).
Neither changes what is chosen.

Used as: `places = spread(bench, record, able, Wanted(1000, "coreset", seed=0))`, by `choose`.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import UsageError
from mathmill.identity import content_id, draw
from mathmill.stages.select.coreset import covering, k_center, nearest, two_round
from mathmill.stages.select.coreset.greedy import Parts
from mathmill.stages.select.coreset.points import Stored, wide
from mathmill.stages.select.coreset.rounds import Picker, spans
from mathmill.stages.select.embed import GRID, embed
from mathmill.stages.select.encoders import DIMS, HASHED, check_encoder, points_of
from mathmill.stages.select.worth import ids_of
from mathmill.texts import Text
from mathmill.types import Problem
from mathmill.workbench import Workbench

FAR = ("encoder", "encoder_content", "two_round")
"Literals of a step that says how its core-set is made."
MEASURED = 20_000  # rows on which coverage is measured: enough for three digits
EMBEDDED = 100_000  # rows at most whose points are made in memory: 100 MB, and as much of text
SHARED = 10 ** 9  # rows times choices from which on workers are worth their start
BESIDE = 30_000  # rows on which two rounds are compared with the exact choice


@dataclass(frozen=True)
class Wanted:
    """What is to be chosen, and how."""

    count: int
    "Rows."
    how: str
    "`coreset`, `random` or `all`."
    seed: int = 0
    "Of the random choice, whose first row begins a core-set."
    encoder: str = HASHED
    "Whose points (`encoders`)."
    encoder_content: str = ""
    "What a model's folder holds, where it is one."
    two_round: int = 0
    "Shares that pick by themselves first; 0: the exact choice."


def far_literals(how: str, encoder: dict[str, Any], shares: int | None) -> dict[str, Any]:
    """Return what a core-set's own settings add to a step's identity; nothing where none is given.

    Raises UsageError for settings of another choice.
    """
    given = {**encoder, **({} if shares is None else {"two_round": shares})}
    if given and how != "coreset":
        raise UsageError(f"{' and '.join(sorted(given))}: how={how!r} makes no core-set; say "
                         "how=\"coreset\", or leave it out")
    if shares is not None and shares < 2:
        raise UsageError(f"two_round={shares}: name how many shares pick by themselves first, 2 "
                         "or more, or leave it out for the exact choice")
    return given


def spread(bench: Workbench, record: type, able: NDArray[np.bool_], wanted: Wanted
           ) -> NDArray[np.int64]:
    """Return which of the able rows are chosen; put coverage of choice and control into facts."""
    n, k, how = int(able.sum()), wanted.count, wanted.how
    if how == "all" or k == n:
        return np.arange(k)
    ids = ids_of(bench, record)[able]
    order = np.argsort(ids, kind="stable")
    rng = draw("select", wanted.seed)
    picks = control = rng.sample(range(n), k)
    # Chosen blindly of so many: to embed all of them for a figure takes 300 us and 1 kB a row.
    if how == "random" and (record is Text or n > EMBEDDED):
        return order[picks]
    bench.show(0, k, "embedding rows")
    points, given = _points(bench, record, able, order, wanted,
                            content_id("points", [one.decode() for one in ids[order[:1000]]]))
    if how == "coreset":
        picks = _far_apart(bench, points, given, wanted, control[0])
    bench.facts["coverage"] = {
        how: _coverage(points, picks, given),
        **({"random": _coverage(points, control, given)} if how != "random" else {})}
    shutil.rmtree(bench.out / "points", ignore_errors=True)
    return order[picks]


def _far_apart(bench: Workbench, points: Stored, given: Stored | None, wanted: Wanted, first: int
               ) -> list[int]:
    """Return the core-set; what two rounds lose goes into facts."""
    k, shares = wanted.count, wanted.two_round
    with _parts(bench, points, k, shares or len(points)) as parts:
        if not shares:
            return k_center(points, k, first, given, parts=parts, show=bench.show)[0]
        chosen = two_round(points, k, shares, first, given, parts)
        radius = covering(points, chosen, given, parts)
    some = points[:BESIDE]
    few = max(1, k * len(some) // len(points))
    start = first if first < len(some) else 0
    exact = k_center(some, few, start, given)[1]
    rounds = covering(some, two_round(some, few, shares, start, given), given)
    bench.facts["two_rounds"] = {
        "shares": shares, "radius": _length(radius),
        "beside": {"rows": len(some), "chosen": few, "exact": _length(exact),
                   "two_rounds": _length(rounds)}}
    return chosen


@contextmanager
def _parts(bench: Workbench, points: Stored, k: int, shares: int) -> Iterator[Parts | None]:
    """Start who holds parts of the points where that is worth it: each holds whole shares."""
    path = bench.out / "points" / "points.npy"
    if bench.mapper is None or len(points) * k < SHARED or not path.exists():
        yield None
        return

    def each(workers: int, apart: bool) -> list[tuple[Any, ...]]:
        own = spans(len(points), shares, workers)
        if apart:
            return [(np.array(points[start:stop]), 0, None, start) for start, stop in own]
        return [(path, start, stop) for start, stop in own]

    actors = bench.mapper.actors(Picker, each)
    try:
        yield actors
    finally:
        actors.close()


def _points(bench: Workbench, record: type, able: NDArray[np.bool_], order: NDArray[np.int64],
            wanted: Wanted, key: str) -> tuple[Stored, Stored | None]:
    """Return the points of the able rows in the order of their ids, and those of the base."""
    base = [p.question for p in bench.rows("base", Problem)] if "base" in bench.inputs else []
    check_encoder(wanted.encoder)
    if wanted.encoder == HASHED and len(order) <= EMBEDDED:
        questions = [text for texts in _questions(bench, record, able) for text in texts]
        asked = [questions[place] for place in order]
        return (embed(asked, DIMS, also=base),
                embed(base, DIMS, also=asked) if base else None)
    count = len(order)
    rows = np.empty(count + len(base), np.int64)
    rows[order] = np.arange(count)
    rows[count:] = np.arange(count, len(rows))

    def chunks() -> Iterator[Sequence[str]]:
        yield from _questions(bench, record, able)
        yield base

    points = points_of(wanted.encoder, chunks, len(rows), bench.out / "points", rows,
                       content_id(key, wanted.encoder, wanted.encoder_content, len(rows)),
                       bench.tools.get("encoder"), bench.show)
    return points[:count], points[count:] if base else None


def _questions(bench: Workbench, record: type, able: NDArray[np.bool_]
               ) -> Iterator[Sequence[str]]:
    """Yield the questions, or texts, of the rows that may be chosen."""
    import pyarrow as pa

    start, column = 0, "text" if record is Text else "question"
    for batch in bench.batches("rows", record, [column]):
        here = batch.filter(pa.array(able[start:start + len(batch)]))
        yield here.column(column).to_pylist()
        start += len(batch)


def _coverage(points: Stored, picks: Sequence[int], base: Stored | None) -> dict[str, Any]:
    """Return the covering radius, the mean distance and the diversity gain of a choice.

    Distances between unit vectors, on the first `MEASURED` points in id order (ids are
    hashes, so these are a fair sample). Gain: MetaMath's mean squared distance of the chosen
    to their nearest of `base`; without a base, to the mean point of all.
    """
    near = np.sqrt(nearest(points[:MEASURED], points[picks]).clip(0)) / GRID
    gain = _gains(points, picks, base).mean() / GRID ** 2
    return {"rows": len(picks), "radius": round(float(near.max()), 4),
            "mean_distance": round(float(near.mean()), 4), "diversity_gain": round(float(gain), 4),
            "gain_over": "the mean of all rows" if base is None else "base"}


def _gains(points: Stored, picks: Sequence[int], base: Stored | None) -> Any:
    """Return the squared distance of each chosen point to its nearest of `base`, or the middle.

    In blocks: wide, a point takes 1 kB.
    """
    middle: Any = _middle(points) if base is None else None
    found = []
    for at in range(0, len(picks), MEASURED):
        own = wide(points[picks[at:at + MEASURED]])
        found.append(((own - middle) ** 2).sum(axis=1) if base is None else
                     nearest(own, base).clip(0))
    return np.concatenate(found)


def _middle(points: Stored) -> Any:
    """Return the mean point; of a file it is summed in blocks."""
    if points.dtype != np.float16:
        return points.mean(axis=0)
    sums = np.zeros(points.shape[1])
    for at in range(0, len(points), MEASURED):
        sums += wide(points[at:at + MEASURED]).sum(axis=0, dtype=np.float64)
    return (sums / len(points)).astype(np.float32)


def _length(squared: float) -> float:
    """Return a distance of unit vectors."""
    return round(math.sqrt(squared) / GRID, 4)
