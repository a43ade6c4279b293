"""Every stage that keeps a processor busy, at three sizes: time, memory, how both grow, goals.

Why: everything that is not a model call must be small beside the calls, grow linearly, and run in
the memory of a laptop; and the executor beneath must cost next to nothing of the stage itself.

Each stage (`sizes.stages`) is done by a process of its own, on rows of 1.1 kB (`sizes.corpus`),
with as many workers as there are cores where it goes over shards. CPU seconds are those of the
process and its children, memory the peak of the sum of their proportional sets; what it takes to
import is no part of the time. The stage `verify` is also done on the whole and on shards in one
process, by turns: their difference is what the executor costs. With `--ray`, on a cluster of one
node with so many workers, too.

    python benchmarks/scale.py                                        # 25,000 and 250,000 rows
    python benchmarks/scale.py --sizes 25000 250000 2500000 --folder DIR   # the whole table

Rows are written to `--folder` once, and found there again: 2.5 million are 1.3 GB of Parquet and
2.6 GB of JSON lines; what a stage writes beside them is taken away when it is done.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import shutil
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from sizes.process import watched

GOALS = {"overhead": 0.03, "ray": 0.15, "time": 1.05, "memory": 0.1, "mib": 4096, "all": 2700}
FULL = 2_500_000  # rows for which peaks and sums have their goals
BYTES = 4_000  # of disk a row: as Parquet, as JSON lines, and what the largest stage writes
Found = dict[str, Any]
missed: list[str] = []


def child(name: str, way: str, folder: Path, out: Path) -> Found:
    """Do a stage one way in this process; return its seconds and what came of it."""
    from sizes.stages import STAGES, Place

    from mathmill.execution.crew import Here, crew_at
    from mathmill.execution.mapping import Mapper
    from mathmill.execution.meter import processor_seconds
    from mathmill.execution.workers import cores
    mapper = {"whole": None, "shards": Mapper(Here, print)}.get(way, Mapper(
        crew_at(way if way == "ray" else "local", cores()), print, always=way == "ray"))
    if way == "ray":
        assert mapper is not None
        mapper.crew = mapper.hire()  # a cluster runs already: its start is no part of the work
    if way in ("whole", "shards"):  # as workers have it, so that it is no part of the difference
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)
    work = STAGES[name].work(Place(folder, out, mapper))
    began, clock = processor_seconds(), time.monotonic()
    tally = work()
    wall, cpu = time.monotonic() - clock, processor_seconds() - began
    if mapper is not None:
        mapper.close()
    return {"wall": wall, "cpu": cpu, "tally": tally}


def measured(name: str, way: str, folder: Path) -> Found:
    """Do a stage one way in a process of its own."""
    out = folder / f"out-{os.getpid()}"
    shutil.rmtree(out, ignore_errors=True)
    try:
        return watched([sys.executable, __file__, "--child", name, "--way", way,
                        "--folder", str(folder), "--out", str(out)])
    finally:
        shutil.rmtree(out, ignore_errors=True)


def beside(name: str, value: float, goal: float, least: bool = False, form: str = ",.3f") -> str:
    """Return a figure beside its goal, and remember where it misses it."""
    met = value >= goal if least else value <= goal
    if not met:
        missed.append(name)
    return f"{value:{form}} ({'>=' if least else '<='} {goal:{form}}{'' if met else ', MISSED'})"


def row(name: str, count: int, found: Found, goals: dict[str, float]) -> str:
    """Return a line of the table."""
    at = f"{name} at {count:,}"
    cpu = (beside(at, found["cpu"], goals["cpu"], form=",.1f") if "cpu" in goals and count == FULL
           else f"{found['cpu']:,.1f}")
    rate = count / found["cpu"]
    pace = (beside(at, rate, goals["rate"], True, ",.0f") if "rate" in goals
            and (count == FULL or (name.endswith("_alone") and count > 25_000))  # else: starts
            else f"{rate:,.0f}")
    mib = (beside(at, found["mib"], goals.get("mib", GOALS["mib"]), form=",.0f") if count == FULL
           else f"{found['mib']:,.0f}")
    hours = found["cpu"] / count * 1e9 / 3600
    return f"  {name:<16}{found['wall']:>9,.1f}   {cpu:<24}{pace:<30}{mib:<24}{hours:,.1f}"


def checked(name: str, count: int, tally: Found) -> None:
    """Assert that a stage dropped what was planted, and nothing else."""
    from sizes.corpus import planted
    from sizes.stages import STAGES

    if STAGES[name].finds:
        dropped = sum(tally["dropped"].values())
        wanted = planted(count)[STAGES[name].finds]
        assert dropped == wanted, f"{name} dropped {tally['dropped']}; planted were {wanted}"


def executor(folder: Path, count: int, ray: bool, times: int) -> None:
    """Print what shards cost beside the stage alone, and Ray beside the local workers."""
    ways = ["whole", "shards", *(["local", "ray"] if ray else [])]
    best: dict[str, Found] = {}
    for _ in range(times):
        for way in ways:
            once = measured("verify", way, folder)
            assert once["tally"] == best.setdefault(way, once)["tally"] == best["whole"]["tally"]
            best[way] = min(best[way], once, key=lambda one: one["cpu"])
    for way in ways:
        print(row(f"verify, {way}", count, best[way], {}) + (
            "  (the driver's alone)" if way == "ray" else ""), flush=True)
    more = best["shards"]["cpu"] / best["whole"]["cpu"] - 1
    print("  CPU of shards over the stage alone, one process, best of "
          f"{times}: {beside('overhead of shards', more, GOALS['overhead'])}")
    if ray:
        more = best["ray"]["wall"] / best["local"]["wall"] - 1
        print(f"  wall of Ray over local: {beside('Ray', more, GOALS['ray'])}")


def toll(place: Path) -> None:
    """Print what a worker's death costs, and one bad row."""
    from sizes.deaths import ROWS, SHARD, WORKERS, bad_row, deaths

    with tempfile.TemporaryDirectory(dir=place) as folder:
        again, lost = deaths(Path(folder))
        rejects = bad_row(Path(folder))
    print(f"a worker of {WORKERS} killed in {ROWS:,} rows, shards of {SHARD:,}: rows done again "
          f"{beside('rows done again', again, WORKERS * SHARD, form=',.0f')}, rows lost "
          f"{beside('rows lost', lost, 0, form='.0f')}; one bad row: rejects "
          f"{beside('rejects', rejects, 1, form='.0f')}", flush=True)


def growth(grown: list[tuple[int, dict[str, Found]]]) -> None:
    """Print exponents from each size to the next, and from the smallest to the largest."""
    spans = list(pairwise(grown))
    if len(spans) > 1:
        spans.append((grown[0], grown[-1]))
    for (few, small), (many, large) in spans:
        print(f"growth from {few:,} to {many:,} rows, as rows to the power of: time (CPU), memory")
        for name in [name for name in small if name in large]:
            time_of, memory_of = (math.log(large[name][measure] / small[name][measure])
                                  / math.log(many / few) for measure in ("cpu", "mib"))
            span = f"{name} from {few:,} to {many:,}"
            took = beside(f"time of {span}", time_of, GOALS["time"], form=".2f")
            held = (f"{memory_of:.2f} (sketches of all rows)" if name == "near_alone" else
                    beside(f"memory of {span}", memory_of, GOALS["memory"], form=".2f"))
            print(f"  {name:<16}{took:<26}{held}", flush=True)


def ahead(grown: list[tuple[int, dict[str, Found]]]) -> None:
    """Print what the largest two sizes let expect of 2.5 million rows, beside the goals of that."""
    from sizes.stages import STAGES

    (few, small), (many, large) = grown[-2:]
    print(f"at {FULL:,} rows, by what each row from {few:,} to {many:,} took:")
    walls = 0.0
    for name, before in small.items():
        found = large.get(name, before)
        cpu, wall = (expected(few, before[measure], many, found[measure])
                     if name in large else before[measure] * FULL / few
                     for measure in ("cpu", "wall"))
        walls += wall
        goals, at = STAGES[name].goals, f"{name} at {FULL:,}, by slope"
        told = f"{cpu:,.0f}" if "cpu" not in goals else beside(at, cpu, goals["cpu"], form=",.0f")
        pace = (f"{FULL / cpu:,.0f}" if "rate" not in goals else
                beside(at, FULL / cpu, goals["rate"], True, ",.0f"))
        print(f"  {name:<16}{wall:>9,.0f}   {told:<24}{pace}")
    print("  all of them, wall s: " + beside("all, by slope", walls, GOALS["all"], form=",.0f"),
          flush=True)


def page(grown: list[tuple[int, dict[str, Found]]]) -> None:
    """Print the lines of the table in docs/scale.md: growth of time from the size before."""
    from sizes.stages import STAGES

    (least, first), (few, small), (many, large) = grown[0], grown[-2], grown[-1]
    for name, one in large.items():
        goals = [f"{goal:,} {unit}" for key, unit in (
            ("rate", "rows/s/core"), ("cpu", "CPU-s"), ("mib", "MiB"))
            if (goal := STAGES[name].goals.get(key)) is not None]
        time_of = math.log(one["cpu"] / small[name]["cpu"]) / math.log(many / few)
        memory_of = math.log(one["mib"] / first[name]["mib"]) / math.log(many / least)
        print(f"| `{name}`: {STAGES[name].words} | {', '.join(goals)} | {small[name]['cpu']:,.1f}, "
              f"{small[name]['mib']:,.0f} | {one['wall']:,.0f}, {one['cpu']:,.0f} | "
              f"{many / one['cpu']:,.0f} | {one['mib']:,.0f} | {time_of:.2f} | {memory_of:.2f} |")


def expected(few: int, small: float, many: int, large: float) -> float:
    """Return what 2.5 million rows take, by slope; by rows where there is hardly any slope."""
    slope = (large - small) / (many - few)
    return large + (FULL - many) * (slope if slope > large / many / 2 else large / many)


def table(place: Path, given: argparse.Namespace) -> None:
    """Print the table of each size, then how it grows."""
    from sizes.corpus import made
    from sizes.stages import STAGES, facts_of

    grown: list[tuple[int, dict[str, Found]]] = []
    sizes = sorted(given.sizes)
    place.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(place).free < BYTES * sizes[-1]:
        raise SystemExit(f"{place}: {BYTES * sizes[-1] / 1e9:.0f} GB must be free for "
                         f"{sizes[-1]:,} rows; give another --folder")
    for count in sizes:
        clock = time.monotonic()
        folder = made(place, count)
        size = facts_of(folder)
        print(f"{count:,} rows: {size['arrow'] / count:,.0f} bytes each in memory, "
              f"{size['parquet'] / count:,.0f} as Parquet, {size['json'] / count:,.0f} as JSON "
              f"lines ({time.monotonic() - clock:.0f} s); load {os.getloadavg()[0]:.1f}")
        print(f"  {'stage':<16}{'wall s':>9}   {'CPU-s':<24}{'rows/s/core':<30}{'peak MiB':<24}"
              "core-h a billion",
              flush=True)
        here: dict[str, Found] = {}
        walls = 0.0
        for name in given.stages:
            most = STAGES[name].most
            if most is not None and count > most and not given.whole and grown:
                few, before = next(pair for pair in reversed(grown) if name in pair[1])
                guess = before[name]["wall"] * count / few
                print(f"  {name:<16}{guess:>9,.1f}   not done: as at {few:,} rows, by rows")
                walls += guess
                continue
            here[name] = measured(name, "local", folder)
            checked(name, count, here[name]["tally"])
            print(row(name, count, here[name], dict(STAGES[name].goals)), flush=True)
            walls += here[name]["wall"]
        print("  all of them, one after another, wall s: " + (
            beside("all stages", walls, GOALS["all"], form=",.0f") if count == FULL
            else f"{walls:,.1f}"), flush=True)
        if count == sizes[-1]:
            executor(folder, count, given.ray, given.times)
        grown.append((count, here))
    growth(grown)
    if len(grown) > 1 and sizes[-1] < FULL:
        ahead(grown)
    toll(place)
    if given.page and len(grown) > 1:
        page(grown)


def main() -> int:
    """Print the table; return 1 where a goal is missed."""
    from sizes.stages import TABLE

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[25_000, 250_000])
    parser.add_argument("--stages", nargs="+", choices=TABLE, default=list(TABLE))
    parser.add_argument("--whole", action="store_true",
                        help="all sizes of the slow stages too, which else are scaled up")
    parser.add_argument("--ray", action="store_true", help="on the Ray cluster that runs here, too")
    parser.add_argument("--times", type=int, default=3, help="turns in which ways are compared")
    parser.add_argument("--page", action="store_true", help="lines for docs/scale.md, too")
    parser.add_argument("--folder", type=Path, help="where rows are kept; else they go again")
    parser.add_argument("--child", choices=TABLE)
    parser.add_argument("--way", default="local")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(given.child, given.way, given.folder, given.out)))
        return 0
    with tempfile.TemporaryDirectory(prefix="mathmill-scale-") as aside:
        table((given.folder or Path(aside)).absolute(), given)
    print(f"missed: {', '.join(missed)}" if missed else "every goal is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
