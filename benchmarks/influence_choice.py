"""The best of a million features: 16 GB on disk, read once, against a plain read of the file.

Why: features of 1M rows x 8,192 numbers must be compared with the targets within 10 minutes on
2 cores and under 4 GiB. What that costs is reading them, so the time stands beside that of
reading the same file from end to end, doing nothing; before either the file is put out of the
page cache. The planted rows must be the ones that are found.

    python benchmarks/influence_choice.py [--rows 1000000] [--dimension 8192] [--folder /tmp]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from mathmill.train.influence.features import Features, Writer
from mathmill.train.influence.header import RADEMACHER, Header, Space

MINUTES, GIB = 10, 4
BLOCK, K = 2048, 1000


def main() -> None:
    """Write the features, read them plainly and to choose, and print both."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--dimension", type=int, default=8192)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options.add_argument("--part", choices=["read", "choose", "value"])
    given = options.parse_args()
    if given.part:
        print(json.dumps(PARTS[given.part](given.folder)))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        folder = Path(place)
        planted = write(folder, given.rows, given.dimension)
        own = [sys.executable, __file__, "--folder", str(folder), "--part"]
        told: dict[str, Any] = {}
        for part in PARTS:
            forget(folder / "rows" / "rows.f16")
            # A process of its own: its greatest memory is that of this part alone.
            print(f"{part} ...", flush=True)
            told[part] = json.loads(subprocess.run([*own, part], check=True, text=True,
                                                   stdout=subprocess.PIPE).stdout)
    show(told, planted)


def header(dimension: int) -> Header:
    """Return a header for made-up features."""
    return Header(Space(RADEMACHER, dimension, 0, 1024, (("factor", (dimension,)),), "made up"))


def write(folder: Path, rows: int, dimension: int) -> set[str]:
    """Write rows of noise with K that lean to the target among them; return the ids of these."""
    draw = np.random.default_rng(0)
    target = draw.standard_normal(dimension, np.float32)
    noise = draw.standard_normal((BLOCK, dimension), np.float32)
    lean = set(draw.choice(rows, K, replace=False).tolist())
    with Writer(folder / "target", header(dimension)) as writer:
        writer.append(["0" * 32], ["0" * 32], target[None], 1)
    begun = time.perf_counter()
    with Writer(folder / "rows", header(dimension)) as writer:
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            block = np.roll(noise, start // BLOCK, axis=1)[:count]
            for row in range(count):
                if start + row in lean:
                    block[row] += target
            ids = [f"{start + row:032x}" for row in range(count)]
            writer.append(ids, ids, block, start + count)
    seconds = time.perf_counter() - begun
    size = (folder / "rows" / "rows.f16").stat().st_size
    print(f"{rows:,} rows x {dimension:,}, {size / 1e9:.2f} GB, written in {seconds:.1f} s "
          f"({rows / seconds:,.0f} rows a second)", flush=True)
    return {f"{row:032x}" for row in lean}


def forget(path: Path) -> None:
    """Put a file out of the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(folder: Path) -> dict[str, Any]:
    """Read the file from end to end into one buffer."""
    buffer, size = bytearray(16 << 20), 0
    begun = time.perf_counter()
    with (folder / "rows" / "rows.f16").open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            size += count
    return clocks(begun, bytes=size)


def choose(folder: Path) -> dict[str, Any]:
    """Find the K rows of the greatest value, features only."""
    from mathmill.train.influence.values import TopK, direction, worths

    begun = time.perf_counter()
    rows, target = Features(folder / "rows"), Features(folder / "target")
    top, ids = TopK(K), rows.ids
    for start, worth in worths([rows], [direction([target])[:, None]], [1.0]):
        top.take(ids[start:start + len(worth)], worth[:, 0])
    return clocks(begun, best=[name for name, _ in top.best()])


def value(folder: Path) -> dict[str, Any]:
    """Do the same by way of the table of all values: what the step writes and `select` reads."""
    from mathmill.io import write_rows
    from mathmill.texts import Valued
    from mathmill.train.influence.values import valued

    begun = time.perf_counter()
    found = valued([Features(folder / "rows")], {"target": [Features(folder / "target")]})
    return clocks(begun, rows=write_rows(folder / "rows.parquet", found, Valued))


def clocks(begun: float, **more: Any) -> dict[str, Any]:
    """Return seconds since `begun`, CPU seconds and the greatest memory of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"seconds": time.perf_counter() - begun, "cpu": used.ru_utime + used.ru_stime,
            "gib": used.ru_maxrss / (1 << 20), **more}


PARTS = {"read": read, "choose": choose, "value": value}


def show(told: dict[str, Any], planted: set[str]) -> None:
    """Print times, the ratio, memory, and whether the planted rows were found."""
    plain, chosen = told["read"], told["choose"]
    for part, words in (("read", "plain read"), ("choose", f"best {K:,}"),
                        ("value", "table of values")):
        one = told[part]
        print(f"{words:16} {one['seconds']:7.1f} s, {one['cpu']:6.1f} CPU s, at most "
              f"{one['gib']:.2f} GiB, {plain['bytes'] / one['seconds'] / 1e9:.2f} GB/s, "
              f"{plain['seconds'] / one['seconds']:.2f} of the plain read's pace")
    kept = chosen["seconds"] < 60 * MINUTES and chosen["gib"] < GIB
    hits = len(planted & set(chosen["best"]))
    print(f"planted rows among the best {K:,}: {hits:,}; limits of {MINUTES} minutes and {GIB} "
          f"GiB: {'kept' if kept and hits == K else 'BROKEN'}")


if __name__ == "__main__":
    main()
