"""Duplicates and decontamination at the size of TinyGSM: rows a CPU-second, memory, growth.

Why: 12.3 million rows must pass in minutes on one machine and in the memory of a laptop, which
holds only where time is linear and memory flat. Each stage runs in a process of its own, at a
tenth of the rows and at all of them, so that its peak of memory is its own and growth is seen.

Rows are random words by Zipf's law in TinyGSM's shape: a question of 46 words, the same as the
docstring of a program of 7 lines, about 146 tokens a pair. 5 % repeat an earlier row in other
case and spaces; 1 in 1,000 holds 13 words of a benchmark of 1,319 items, 1 in 250 holds 8: all
of them must be found and nothing else. A line before tells the two look-ups alone, on 50,000
questions in memory.

    python benchmarks/dedup_decontaminate.py [250000]
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mathmill.columns import write_batches
from mathmill.io import arrow_schema, read_json, write_rows
from mathmill.schemas import SCHEMAS
from mathmill.types import Problem, Sample, make_problem
from mathmill.workbench import Workbench

ITEMS, WORDS, CHUNK = 1_319, 46, 10_000
STAGES = {"select": {"how": "all", "duplicates": ["text"]},
          "decontaminate": {"against": ["test"], "ngram": [13, 8], "fold": "letters"}}
STRUCTURE = 50_000  # rows on which the slow rule, by program structure, is measured
CODE = ('def simple_math_problem() -> int|float:\n    """\n    {0}\n    """\n'
        "    {1}_count = {5}\n    {2}_per_{1} = {6}\n    {3}_price = {7}\n"
        "    total_{2} = {1}_count * {2}_per_{1}\n    cost_of_{4} = total_{2} * {3}_price\n"
        "    rest = cost_of_{4} - {5}\n    result = rest + total_{2}\n    return result")


def vocabulary(rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return 5,000 made-up words of one to three syllables."""
    parts = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "is")]
    sizes = rng.choice([1, 2, 3], 16_000, p=[0.3, 0.5, 0.2])
    words = dict.fromkeys("".join(rng.choice(parts, size)) for size in sizes)
    return np.array(list(words)[:5_000], object)


@cache
def drawn() -> np.ndarray[Any, Any]:
    """Return 500,000 words by Zipf's law, one in eight a number."""
    rng = np.random.default_rng(0)
    words = vocabulary(rng)
    rank = np.minimum(rng.zipf(1.2, 500_000) - 1, rng.integers(0, len(words), 500_000))
    found = words[rank]
    found[::8] = rng.integers(2, 500, len(found[::8])).astype(str)
    return found


def questions(count: int, seed: int) -> list[str]:
    """Return questions of `WORDS` words in sentences of about eleven."""
    rng = np.random.default_rng([seed, count])
    words = drawn()[rng.integers(0, len(drawn()), (count, WORDS))].tolist()
    return [f"{' '.join(row[:11])}. {' '.join(row[11:24])}. {' '.join(row[24:34])}. "
            f"{' '.join(row[34:])}?" for row in words]


def rows(count: int, seed: int, items: list[str]) -> Iterator[Any]:
    """Yield Arrow batches of program rows, 5 % copies and some contaminated."""
    import pyarrow as pa

    names = vocabulary(np.random.default_rng(0)).tolist()
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        rng = np.random.default_rng([seed, start])
        asked = questions(size, seed + 1 + start)
        for place in range(0, size, 250):
            words, long = items[(start + place) % len(items)].split(), place % 1_000 == 0
            asked[place] += " " + " ".join(words[:24 if long else 12])
        draws = rng.integers(0, len(names), (size, 4)).tolist()
        numbers = rng.integers(2, 999, (size, 3)).tolist()
        code = [CODE.format(q, *(names[i] for i in four), *three)
                for q, four, three in zip(asked, draws, numbers, strict=True)]
        for place in range(19, size, 20):  # of the row 7 before it
            asked[place] = asked[place - 7].upper().replace(" ", "  ")
            code[place] = code[place - 7].replace(" ", "  ")
        ids = [f"{start + place:032x}" for place in range(size)]
        given = {"id": ids, "question": asked, "solution": code, "answer": ["7"] * size,
                 "seed": ids, "parent": ids, "method": ["program.ten"] * size,
                 "teacher": ["made"] * size, "language": ["en"] * size,
                 "prompts": [["program/ten@1"]] * size, "requests": [[one] for one in ids],
                 "verdict": [""] * size, "verdict_by": [""] * size, "checks": [["runs"]] * size}
        schema = arrow_schema(Sample)
        yield pa.record_batch([pa.array(given.get(name, [None] * size), schema.field(name).type)
                               for name in SCHEMAS[Sample]], schema=schema)


def child(stage: str, folder: Path, literals: dict[str, Any]) -> dict[str, Any]:
    """Run one stage here; return its CPU seconds, peak of memory and tally."""
    from mathmill.stages import decontaminate, select

    bench = Workbench(folder / "out" / stage, inputs={
        "rows": folder / "rows", "against.test": folder / "test"})
    before = time.process_time()
    work = {"select": select.run, "decontaminate": decontaminate.run}[stage]
    work(bench, **literals)
    tally = bench.close()
    return {"cpu": time.process_time() - before, "dropped": tally["dropped"],
            "facts": tally["facts"],
            "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def alone() -> str:
    """Return rows a CPU-second of the look-ups alone, best of three."""
    import pyarrow as pa

    from mathmill.stages.overlap import Overlap
    from mathmill.stages.screen import Screen
    from mathmill.stages.tokens import row_digests, tiles, words_of_all

    asked, overlap = pa.array(questions(50_000, 5)), Overlap(13)
    for item in questions(ITEMS, 99):
        overlap.add("test", "", item)
    screen = Screen(overlap)
    best = {"13-gram": math.inf, "digest": math.inf}
    for _ in range(3):
        for name in best:
            began = time.process_time()
            for _, tile in tiles(asked):
                if name == "digest":
                    row_digests(tile)
                else:
                    screen.suspects(words_of_all(tile))
            best[name] = min(best[name], time.process_time() - began)
    return (f"look-ups alone, questions of {asked.nbytes / len(asked):.0f} bytes: "
            + ", ".join(f"{name} {len(asked) / spent:,.0f} rows/s/core"
                        for name, spent in best.items()))


def measured(stage: str, folder: Path, literals: dict[str, Any]) -> dict[str, Any]:
    """Run one stage in a process of its own."""
    out = folder / f"{stage}.json"
    subprocess.run([sys.executable, __file__, "--child", stage, "--folder", str(folder),
                    "--literals", json.dumps(literals)], check=True)
    found: dict[str, Any] = read_json(out)
    return found


def make(folder: Path, count: int) -> float:
    """Write rows and benchmark; return bytes of text a row."""
    items = questions(ITEMS, 99)
    write_rows(folder / "test" / "rows.parquet",
               [make_problem(text, source=f"test:{n}") for n, text in enumerate(items)], Problem)
    sizes = []

    def each() -> Iterator[Any]:
        for batch in rows(count, 1, items):
            sizes.append(sum(batch.column(name).nbytes for name in ("question", "solution")))
            yield batch

    write_batches(folder / "rows" / "rows.parquet", each(), Sample)
    return sum(sizes) / count


def main() -> None:
    """Print for each stage rows a CPU-second, peak of memory and how both grow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=int, default=250_000)
    parser.add_argument("--child")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--literals", type=json.loads)
    given = parser.parse_args()
    if given.child:
        found = child(given.child, given.folder, given.literals)
        (given.folder / f"{given.child}.json").write_text(json.dumps(found))
        return
    print(alone(), flush=True)
    with tempfile.TemporaryDirectory() as place:
        results: dict[str, list[tuple[int, dict[str, Any]]]] = {name: [] for name in STAGES}
        for count in (given.rows // 10, given.rows):
            folder = Path(place) / str(count)
            size = make(folder, count)
            print(f"{count:,} rows, {size:.0f} bytes of text each", flush=True)
            for stage, literals in STAGES.items():
                found = measured(stage, folder, literals)
                results[stage].append((count, found))
                expected = {"select": {"near duplicate": count // 20},
                            "decontaminate": {"13-gram in test": count // 1_000}}[stage]
                assert found["dropped"] == expected, f"planted {expected}: {found['dropped']}"
                print(f"  {stage}: {count / found['cpu']:,.0f} rows/s/core, {found['cpu']:.1f} "
                      f"CPU-s, peak {found['mib']:.0f} MiB; dropped {found['dropped']}"
                      + (f", rows with a run {found['facts']['rows_with_run']}"
                         if stage == "decontaminate" else ""), flush=True)
            if count <= STRUCTURE:
                found = measured("select", folder, {"how": "all", "duplicates": ["structure"]})
                print(f"  by structure: {count / found['cpu']:,.0f} rows/s/core", flush=True)
        for stage, [(few, small), (many, large)] in results.items():
            grows = math.log(large["cpu"] / small["cpu"]) / math.log(many / few)
            more = (large["mib"] - small["mib"]) * 2**20 / (many - few)
            print(f"{stage}: time grows as rows ^ {grows:.2f}; memory by {more:.0f} bytes a row")


if __name__ == "__main__":
    main()
