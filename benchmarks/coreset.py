"""Core-sets: k-center greedy against the plain loop, at size, in two rounds, and on rows all alike.

Why: a choice that takes a pass over all points for each row chosen is 2 hours for 100,000 of 2.1
million. What is measured: the same choices by fewer, larger products; how much of all distances
is computed at all; what worker processes cost in time and memory; and what the form in two
rounds loses of the covering radius.

Points of 256 numbers on the grid of `embed`, three kinds: `topics` lie as a model lays texts
(300 topics of a skewed law, each with 24 directions of its own, noise in all), `halves` are half
of one GSM8K question and half of another in the default encoder (where ../shared/data has them),
`sphere` is uniform, the worst there is. The plain loop does 300 centres, and its time for all is
that of one times their number; its choices are compared with ours.

    python benchmarks/coreset.py [--rows 100000] [--centres 10000] [--big topics] [--workers 2]

`--big KIND` does 2.1 million x 100,000 of that kind, from a file, in worker processes.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mathmill.execution.actors import Processes
from mathmill.execution.workers import cores
from mathmill.stages.select.coreset import covering, k_center, two_round
from mathmill.stages.select.coreset.greedy import shares
from mathmill.stages.select.coreset.points import opened, wide
from mathmill.stages.select.coreset.rounds import Picker
from mathmill.stages.select.embed import GRID, embed

DIMS, NAIVE, BLOCK = 256, 300, 50_000
TOPICS, INNER = 300, 24
BIG = (2_100_000, 100_000)
QUESTIONS = Path(__file__).resolve().parents[2] / "shared" / "data" / "gsm8k" / "train.jsonl"
GOALS = {"ratio": 10.0, "seconds": 300.0, "gib": 4.0}


def topics(count: int, seed: int) -> np.ndarray[Any, Any]:
    """Return points about 300 topics."""
    fixed, rng = np.random.default_rng(0), np.random.default_rng([seed, count])
    share = 1 / np.arange(1, TOPICS + 1)
    of = rng.choice(TOPICS, count, p=share / share.sum())
    middle = unit(fixed.standard_normal((TOPICS, DIMS), np.float32))
    ways = fixed.standard_normal((TOPICS, INNER, DIMS), np.float32) / math.sqrt(DIMS)
    found = rng.standard_normal((count, DIMS), np.float32) * np.float32(0.25 / math.sqrt(DIMS))
    for topic in range(TOPICS):
        own = np.flatnonzero(of == topic)
        along = rng.standard_normal((len(own), INNER), np.float32) / math.sqrt(INNER)
        found[own] += middle[topic] + np.float32(0.75) * (along @ ways[topic])
    return found


def sphere(count: int, seed: int) -> np.ndarray[Any, Any]:
    """Return points that lie evenly."""
    return np.random.default_rng([seed, count]).standard_normal((count, DIMS), np.float32)


def halves(count: int, seed: int) -> np.ndarray[Any, Any]:
    """Return points of questions that begin as one and end as another."""
    rng = np.random.default_rng([seed, count])
    parts = beginnings_and_ends()
    one, other = rng.integers(0, len(parts) // 2, (2, count))
    return parts[2 * one] + parts[2 * other + 1]


@cache
def beginnings_and_ends() -> np.ndarray[Any, Any]:
    """Return the points of the halves of all questions, each's beginning before its end."""
    asked = [json.loads(line)["question"].split(". ") for line in
             QUESTIONS.read_text("utf-8").splitlines()]
    return embed([". ".join(some) for one in asked for some in (
        one[:max(1, len(one) // 2)], one[len(one) // 2:])])


KINDS: dict[str, Callable[[int, int], np.ndarray[Any, Any]]] = {
    "topics": topics, "halves": halves, "sphere": sphere}


def unit(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return points at length 1."""
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return points / np.where(length > 0, length, 1)


def made(path: Path, kind: str, count: int) -> None:
    """Write points of a kind to a file of float16."""
    file = np.lib.format.open_memmap(path, "w+", np.float16, (count, DIMS))
    for number, start in enumerate(range(0, count, BLOCK)):
        size = min(BLOCK, count - start)
        file[start:start + size] = np.rint(unit(KINDS[kind](size, number)) * GRID)
    file.flush()


def plain(points: np.ndarray[Any, Any], k: int) -> list[int]:
    """Return the first k choices of the plain loop: a product with one centre each."""
    own = np.einsum("ij,ij->i", points, points)
    near, chosen = np.full(len(points), np.inf, np.float32), [0]
    while True:
        near = np.minimum(near, own + own[chosen[-1]] - 2 * (points @ points[chosen[-1]]))
        near[chosen[-1]] = -1
        if len(chosen) == k:
            return chosen
        chosen.append(int(near.argmax()))


def clocked(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what work returns, its seconds by the clock and of the processor."""
    began, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - began, time.process_time() - cpu


def against_the_plain_loop(points: Any, k: int, kind: str) -> None:
    """Print both, and the two-round forms, on points in this process."""
    floats = wide(points)
    first, wall, cpu = clocked(lambda: plain(floats, NAIVE))
    wall, cpu = wall * k / NAIVE, cpu * k / NAIVE
    (chosen, radius), ours, ours_cpu = clocked(lambda: k_center(points, k))
    assert chosen[:NAIVE] == first, "other choices than the plain loop"
    told(f"{kind}: {len(points):,} x {k:,}, seconds by the clock (CPU)",
         f"{ours:.1f} ({ours_cpu:.1f}); plain loop {wall:.0f} ({cpu:.0f}) from {NAIVE} centres")
    told(f"{kind}: times the plain loop, by the clock (CPU)",
         f"{wall / ours:.1f} ({cpu / ours_cpu:.1f}); goal {GOALS['ratio']:.0f}")
    for count in (4, 16):
        picked, took, took_cpu = clocked(lambda count=count: two_round(points, k, count))
        ratio = math.sqrt(covering(points, picked) / radius)
        told(f"{kind}: two rounds, {count} shares: radius of the exact one's {short(radius)}",
             f"x {ratio:.3f} in {took:.1f} s ({took_cpu:.1f})")


def all_alike(count: int = 1_000_000, k: int = 10_000) -> None:
    """Print what it costs to choose among rows that are all the same."""
    points = np.repeat(embed(["Tom has 3 apples."]), count, axis=0).astype(np.float16)
    (chosen, radius), wall, cpu = clocked(lambda: k_center(points, k))
    assert len(set(chosen)) == k
    assert radius == 0
    told(f"{count:,} rows all the same, {k:,} chosen once each: seconds (CPU)",
         f"{wall:.1f} ({cpu:.1f})")


def big(kind: str, workers: int, rows: int, k: int) -> None:
    """Print the exact choice at size, from a file, in worker processes."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        path = Path(folder) / "points.npy"
        maker = multiprocessing.get_context("spawn").Process(target=made, args=(path, kind, rows))
        maker.start()
        maker.join()
        load, before = [os.getloadavg()[0]], resource.getrusage(resource.RUSAGE_CHILDREN)
        began, cpu, points = time.perf_counter(), time.process_time(), opened(path)
        last = [began]

        def show(done: int, of: int | None, words: str) -> None:
            if time.perf_counter() - last[0] > 30:
                last[0] = time.perf_counter()
                print(f"    {done:,} {words} after {last[0] - began:.0f} s", flush=True)

        actors = Processes(Picker, [(path, *share) for share in shares(rows, workers)])
        try:
            chosen, radius = k_center(points, k, parts=actors, show=show)
            wall = time.perf_counter() - began
            peak = sum(high(pid) for pid in (os.getpid(), *actors.pids()))
        finally:
            actors.close()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = (time.process_time() - cpu + used.ru_utime + used.ru_stime
                 - before.ru_utime - before.ru_stime)
        load.append(os.getloadavg()[0])
        assert len(set(chosen)) == k
        told(f"{kind}: {rows:,} x {k:,}, {workers} workers: seconds by the clock",
             f"{wall:.0f}; goal {GOALS['seconds']:.0f} (load {load[0]:.1f} to {load[1]:.1f})")
        told(f"{kind}: CPU seconds, making the points aside", f"{spent:.0f}")
        told(f"{kind}: peak of memory, files mapped included",
             f"{peak:.2f} GiB; goal {GOALS['gib']:.0f}")
        told(f"{kind}: covering radius", short(radius))


def high(pid: int) -> float:
    """Return the most memory that a process has held, in GiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2 ** 20


def short(squared: float) -> str:
    """Return a distance, of unit vectors, as text."""
    return f"{math.sqrt(squared) / GRID:.4f}"


def told(what: str, value: str) -> None:
    """Print a figure."""
    print(f"  {what:<70} {value}", flush=True)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--centres", type=int, default=10_000)
    options.add_argument("--kinds", nargs="*", default=list(KINDS))
    options.add_argument("--big", choices=KINDS)
    options.add_argument("--size", type=int, nargs=2, default=BIG)
    options.add_argument("--workers", type=int, default=cores())
    given = options.parse_args()
    print(f"core-sets, {DIMS} numbers a point, load {os.getloadavg()[0]:.1f}")
    if given.big:
        big(given.big, given.workers, *given.size)
        return
    for kind in given.kinds:
        if kind == "halves" and not QUESTIONS.exists():
            told("halves: not measured", f"no {QUESTIONS.name} of GSM8K beside the repository")
            continue
        with tempfile.TemporaryDirectory() as folder:
            made(Path(folder) / "points.npy", kind, given.rows)
            against_the_plain_loop(np.load(Path(folder) / "points.npy"), given.centres, kind)
    all_alike()


if __name__ == "__main__":
    main()
