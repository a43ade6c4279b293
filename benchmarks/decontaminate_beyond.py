"""Finders of contamination: rows a second of one core, and memory, by finder.

Why: 2.5 million rows against 10,000 items must pass in minutes and in flat memory, whatever looks
at them. Each finder runs in a process of its own, on one thread, at a fifth of the rows and at all
of them, so that its peak of memory is its own and growth is seen. A Python set of 13-grams, the
plainest thing that works, is the measure beside them.

Items and rows are questions of the symbolic world: few words, in nearly every item, which is the
worst case for an index by word; with ../shared/data there, GSM8K's too (6,000 items; rows are
GSM8K's questions with other numbers).

    python benchmarks/decontaminate_beyond.py [50000] [6000]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is there

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mathmill.stages.decontaminate.encoders import open_encoder
from mathmill.stages.decontaminate.finders import ACROSS, NEIGHBOURS, NUMBERS
from mathmill.stages.decontaminate.likeness import Likeness
from mathmill.stages.decontaminate.neighbours import Neighbours
from mathmill.stages.decontaminate.trial import with_other_numbers
from mathmill.stages.overlap import Overlap, words_of
from mathmill.stages.screen import Screen
from mathmill.stages.tokens import tiles, words_of_all
from mathmill.teachers import symbolic

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "gsm8k"
CHUNK, NGRAM = 10_000, 13
FINDERS = ("Python set of 13-grams", "13-grams (screen)", "numbers", "neighbours svd",
           "neighbours words")
Search = Callable[[list[str]], int]


def questions(source: str, items: int) -> tuple[list[str], list[str]]:
    """Return the items, and the questions that rows are made of."""
    if source == "gsm8k":
        found = [json.loads(line)["question"] for name in ("test", "train")
                 for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]
        return found[:items], found[items:] or found
    made = [p.question for p in symbolic.make_problems(items + 4_000, 0)]
    return made[:items], made[items:]


def rows(source: list[str], count: int) -> Iterator[list[str]]:
    """Yield rows in chunks: the questions again and again, each time with other numbers."""
    for start in range(0, count, CHUNK):
        yield [with_other_numbers(source[n % len(source)], random.Random(n))
               for n in range(start, min(start + CHUNK, count))]


def opened(finder: str, items: list[str]) -> Search:
    """Return the search of a finder over the items: how many of some rows it hits."""
    if finder.startswith("Python"):
        known = {run for item in items for run in grams(item)}
        return lambda batch: sum(not known.isdisjoint(grams(row)) for row in batch)
    if finder.startswith("13"):
        overlap = Overlap(NGRAM)
        for place, item in enumerate(items):
            overlap.add("b", str(place), item)
        screen = Screen(overlap)
        return lambda batch: screened(overlap, screen, batch)
    if finder == "numbers":
        index = Likeness()
        index.add(items)
        index.close()
        return lambda batch: int((index.nearest(batch, NUMBERS, ACROSS)[0] >= 0).sum())
    name = finder.split()[1]
    near = Neighbours(open_encoder(name))
    near.add(items)
    near.close()
    return lambda batch: int((near.nearest(batch, NEIGHBOURS[name])[0] >= 0).sum())


def grams(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the runs of 13 words of a text."""
    words = words_of(text)
    return zip(*(words[start:] for start in range(NGRAM)), strict=False)


def screened(overlap: Overlap, screen: Screen, batch: list[str]) -> int:
    """Return how many rows share a run, by the look-up in arrays and then word by word."""
    import pyarrow as pa

    return sum(overlap.find(tile[int(place)].as_py()) is not None
               for _, tile in tiles(pa.array(batch))
               for place in screen.suspects(words_of_all(tile, "words")))


def child(finder: str, source: str, count: int, items: int) -> dict[str, Any]:
    """Run one finder here; return its CPU seconds, hits and peak of memory."""
    benchmark, base = questions(source, items)
    before = time.process_time()
    search = opened(finder, benchmark)
    index, spent, hits = time.process_time() - before, 0.0, 0
    for batch in rows(base, count):
        before = time.process_time()
        hits += search(batch)
        spent += time.process_time() - before
    return {"index": index, "cpu": spent, "hits": hits, "rows": count,
            "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    """Print a line a finder, for each source of questions."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("rows", nargs="?", type=int, default=50_000)
    words.add_argument("items", nargs="?", type=int, default=6_000)
    words.add_argument("--child", nargs=2)
    given = words.parse_args()
    if given.child:
        print(json.dumps(child(*given.child, given.rows, given.items)))
        return
    for source in ("gsm8k", "symbolic") if DATA.is_dir() else ("symbolic",):
        print(f"\n{source}: {given.rows:,} rows, {given.items:,} items, one core")
        print(f"{'finder':<24}{'rows/s':>10}{'times set':>10}{'index s':>9}{'hits':>9}"
              f"{'MiB':>7}{'growth':>8}")
        plain = 0.0
        for finder in FINDERS:
            few, many = (json.loads(subprocess.run(
                [sys.executable, __file__, str(size), str(given.items), "--child", finder, source],
                check=True, capture_output=True, text=True).stdout)
                for size in (max(CHUNK, given.rows // 5), given.rows))
            speed = many["rows"] / many["cpu"]
            plain = plain or speed
            print(f"{finder:<24}{speed:>10,.0f}{speed / plain:>10.2f}{many['index']:>9.1f}"
                  f"{many['hits']:>9,}{many['mib']:>7,.0f}{many['mib'] - few['mib']:>+8,.0f}",
                  flush=True)


if __name__ == "__main__":
    main()
