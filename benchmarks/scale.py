"""What it costs to do a stage on shards: the executor's overhead, rows a second, memory, growth.

Why: everything that is not a model call must be small beside the calls, grow linearly, and run in
the memory of a laptop; and the executor beneath must cost next to nothing of the stage itself.

The stage is `verify` with the grader on answers (`answer_agrees`) on rows of about 1 kB: a light
one, so that whatever else it costs shows. For each size a process of its own does it three ways:
on the whole, as the stage alone would; on shards of 10,000 rows in one process; on shards in as
many worker processes as there are cores. CPU seconds are those of the process and its children,
memory the peak of the sum of their proportional sets. With `--ray`, on a cluster of one node with
so many workers too.

    python benchmarks/scale.py [--sizes 25000 250000] [--ray]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mathmill.columns import write_batches
from mathmill.execution.crew import Here, crew_at
from mathmill.execution.mapping import Mapper
from mathmill.execution.meter import processor_seconds
from mathmill.execution.workers import cores
from mathmill.io import arrow_schema
from mathmill.schemas import SCHEMAS
from mathmill.types import Sample
from mathmill.workbench import Workbench

CHUNK = 10_000
BY = ["answer_agrees"]
WAYS = ("whole", "shards", "local", "ray")
GOALS = {"overhead": 0.03, "rows": 60_000, "mib": 600, "time": 1.05, "memory": 0.1, "ray": 0.15}


def batches(count: int) -> Iterator[Any]:
    """Yield rows of about 1 kB of text: one in ten wrong, one in fifty without a digit."""
    import pyarrow as pa

    schema = arrow_schema(Sample)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        numbers = range(start, start + size)
        ids = [f"{n:032x}" for n in numbers]
        answers = [str(n % 9973) for n in numbers]
        given = {
            "id": ids, "seed": ids, "parent": ids, "method": ["made"] * size,
            "question": ["How many are there in all, says nobody?" if n % 50 == 7 else
                         f"A baker packs {n} loaves in boxes of {n % 17 + 2}; the miller brings "
                         f"{n % 31} sacks of flour on each of {n % 7 + 1} days. How many loaves "
                         f"and sacks are there at the end of day {n % 7 + 1}, if {n % 5} boxes "
                         "fall from the cart on the way to the market?" for n in numbers],
            "solution": [" ".join(f"Step {k}: {n % 97} times {k} gives {n % 97 * k}, and with the "
                                  f"{n % 31} of before it is {n % 97 * k + n % 31}."
                                  for k in range(1, 10)) for n in numbers],
            "answer": [str(int(a) + 1) if n % 10 == 3 else f"{a}.0" if n % 10 == 4 else a
                       for n, a in zip(numbers, answers, strict=True)],
            "expected": answers, "prompts": [["made@1"]] * size, "requests": [[one] for one in ids],
            "teacher": ["made"] * size, "language": ["en"] * size, "verdict": [""] * size,
            "verdict_by": [""] * size, "checks": [[]] * size}
        yield pa.record_batch([pa.array(given.get(name, [None] * size), schema.field(name).type)
                               for name in SCHEMAS[Sample]], schema=schema)


class Peak:
    """Watches the peak of memory that this process and its descendants hold together."""

    def __init__(self) -> None:
        """Begin to watch."""
        self.mib, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Return MiB."""
        self._over.set()
        self._thread.join()
        return self.mib

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self.mib = max(self.mib, sum(map(held, family(os.getpid()))) / 1024)


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def held(pid: int) -> int:
    """Return the proportional set of a process in KiB; 0 where it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def child(way: str, folder: Path) -> dict[str, Any]:
    """Do the stage one way in this process; return its seconds, memory and rows."""
    from mathmill.stages import verify
    from mathmill.stages.verify import answers  # what it takes to import is no part of the work

    del answers
    mapper = {"whole": None, "shards": Mapper(Here, print)}.get(way, Mapper(
        crew_at(way if way == "ray" else "local", cores()), print, always=True))
    if way == "ray":
        assert mapper is not None
        mapper.crew = mapper.hire()  # a cluster runs already: its start is no part of the work
    peak, began, clock = Peak(), processor_seconds(), time.monotonic()
    bench = Workbench(folder / way, inputs={"rows": folder / "rows"}, mapper=mapper)
    verify.run(bench, by=BY)
    tally = bench.close()
    wall, cpu = time.monotonic() - clock, processor_seconds() - began
    if mapper is not None:
        mapper.close()
    return {"wall": wall, "cpu": cpu, "mib": peak.stop(), "kept": tally["kept"]["rows"],
            "dropped": tally["dropped"]}


def measured(way: str, folder: Path) -> dict[str, Any]:
    """Do the stage one way in a process of its own."""
    said = subprocess.run([sys.executable, __file__, "--child", way, "--folder", str(folder)],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def told(name: str, value: float, goal: float, least: bool, form: str = ",.3f") -> None:
    """Print a figure beside its goal."""
    met = value >= goal if least else value <= goal
    print(f"    {name}: {value:{form}} (goal {'>=' if least else '<='} {goal:{form}}"
          f"{'' if met else ', MISSED'})", flush=True)


def main() -> None:
    """Print the figures of each size, and how they grow from the smallest to the largest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[25_000, 250_000])
    parser.add_argument("--ray", action="store_true", help="on the Ray cluster that runs here, too")
    parser.add_argument("--times", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--child", choices=WAYS)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(given.child, given.folder)))
        return
    ways = WAYS[:4 if given.ray else 3]
    grown: list[tuple[int, dict[str, dict[str, Any]]]] = []
    with tempfile.TemporaryDirectory() as place:
        for count in given.sizes:
            folder = Path(place) / str(count)
            write_batches(folder / "rows" / "rows.parquet", batches(count), Sample)
            found: dict[str, dict[str, Any]] = {}
            for _ in range(given.times):
                for way in ways:
                    once = measured(way, folder)
                    best = found.setdefault(way, once)
                    assert {**once, **dict.fromkeys(("wall", "cpu", "mib"))} == {
                        **best, **dict.fromkeys(("wall", "cpu", "mib"))}, "other rows"
                    if once["cpu"] < best["cpu"]:
                        found[way] = once
            print(f"{count:,} rows, {found['whole']['kept']:,} kept", flush=True)
            for way in ways:
                one = found[way]
                print(f"  {way}: {one['wall']:.1f} s, {one['cpu']:.1f} CPU-s, "
                      f"{count / one['cpu']:,.0f} rows/s/core, {one['mib']:.0f} MiB")
            told("overhead of shards, one process", found["shards"]["cpu"]
                 / found["whole"]["cpu"] - 1, GOALS["overhead"], False)
            told("rows/s/core, local", count / found["local"]["cpu"], GOALS["rows"], True, ",.0f")
            told("MiB, local", found["local"]["mib"], GOALS["mib"], False, ",.0f")
            if given.ray:
                told("wall of Ray over local", found["ray"]["wall"] / found["local"]["wall"] - 1,
                     GOALS["ray"], False)
            grown.append((count, found))
    (few, small), (many, large) = grown[0], grown[-1]
    if many > few:
        for name, measure in (("time", "cpu"), ("memory", "mib")):
            told(f"{name} grows as rows ^", math.log(
                large["shards"][measure] / small["shards"][measure]) / math.log(many / few),
                GOALS[name], False, ".2f")


if __name__ == "__main__":
    main()
