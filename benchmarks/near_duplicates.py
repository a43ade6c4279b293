"""Near duplicates by MinHash: rows a CPU-second, growth, memory, and recall against theory.

Why: pairs grow with the square of the rows, and what finds them must not. Each size runs in a
process of its own, so that its peak of memory is its own.

Rows are questions of 66 words by Zipf's law. 2 % are copies in other case, 2 % have one or two
words changed, 1 % four or five; the pair's Jaccard is known, and with it how often theory says
that they share a band. A crowd of rows that differ in one word, and one row a million times
over, show that neither goes quadratic. Where datasketch is installed its MinHashLSH, with as
many hashes and bands, runs on some of the same rows.

    python benchmarks/near_duplicates.py [250000]
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
from pathlib import Path
from typing import Any

import numpy as np
from dedup_decontaminate import drawn

from mathmill.stages.select.clusters import clustered
from mathmill.stages.select.minhash import Near, Sketches

WORDS, CROWD, SAME, PEER = 66, 50_000, 1_000_000, 2_000
KINDS = {"copies": (0.02, 0, 0), "near": (0.02, 1, 2), "mid": (0.01, 4, 5)}
"Share of the rows; fewest and most words that are changed."
GOAL = 90_000  # rows/s/core in all
POINTS = 0.02  # recall may be below theory


def corpus(count: int) -> tuple[list[str], dict[str, list[tuple[int, int, float]]]]:
    """Return texts, and by kind the planted pairs with their Jaccard."""
    rng = np.random.default_rng(count)
    words = drawn()[rng.integers(0, len(drawn()), (count, WORDS))]
    pairs: dict[str, list[tuple[int, int, float]]] = {kind: [] for kind in KINDS}
    place = 0
    for kind, (share, few, most) in KINDS.items():
        for _ in range(int(share * count)):
            place += 2
            words[place + 1] = words[place]
            for at in rng.choice(WORDS, int(rng.integers(few, most + 1)), replace=False):
                words[place + 1, at] = f"{words[place, at]}ly"
            pairs[kind].append((place, place + 1, jaccard(words[place], words[place + 1])))
    texts = [" ".join(row) for row in words.tolist()]
    for _, other, _ in pairs["copies"]:
        texts[other] = texts[other].upper() + "!"
    return texts, pairs


def make(count: int, folder: Path) -> None:
    """Write rows and planted pairs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts, pairs = corpus(count)
    pq.write_table(pa.table({"text": texts}), folder / "rows.parquet")
    (folder / "pairs.json").write_text(json.dumps(pairs))


def jaccard(one: Any, other: Any) -> float:
    """Return the share of the two texts' 5-grams that both have."""
    sets = [{tuple(words[at:at + 5]) for at in range(len(words) - 4)}
            for words in (one.tolist(), other.tolist())]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def child(count: int, folder: Path) -> dict[str, Any]:
    """Sketch and cluster; return CPU seconds, peak of memory, and recall by kind."""
    import pyarrow.parquet as pq

    column = pq.read_table(folder / "rows.parquet").column("text").combine_chunks()
    pairs = json.loads((folder / "pairs.json").read_text())
    size, peer = column.nbytes / count, peer_rate(column.slice(0, PEER).to_pylist())
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    near = Near()
    Sketches(near).add(column.slice(0, 2_000))  # tables are made once
    began = time.process_time()
    sketches = Sketches(near)
    sketches.add(column)
    sketched = time.process_time()
    found = clustered(sketches, lambda: iter([column]), folder)
    ended = time.process_time()
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    keys = [sketches.keys(band) for band in range(near.bands)]
    recall = {}
    for kind, own in pairs.items():
        one, other = (np.array([pair[at] for pair in own]) for at in (0, 1))
        shares = np.any([key[one] == key[other] for key in keys], axis=0)
        alike = np.array([pair[2] for pair in own])
        joined = found.firsts[one] == found.firsts[other]
        recall[kind] = [len(own), float(alike.mean()), float(shares.mean()),
                        float(np.mean([near.recall(j) for j in alike])),
                        float(joined[alike >= near.threshold].mean())
                        if (alike >= near.threshold).any() else None]
    planted = int(sum(joined_pairs(pairs, found.firsts)))
    return {"count": count, "bytes": size, "sketch": sketched - began, "all": ended - began,
            "mib": mib, "start": before_mib,
            "recall": recall, "others": int((found.firsts != np.arange(count)).sum()) - planted,
            "compared": found.compared, "peer": peer}


def joined_pairs(pairs: dict[str, list[tuple[int, int, float]]], firsts: Any) -> list[bool]:
    """Tell for each planted pair whether it was joined."""
    return [firsts[one] == firsts[other] for own in pairs.values() for one, other, _ in own]


def peer_rate(texts: list[str]) -> float | None:
    """Return rows/s/core of datasketch on the same shingles, or None where it is not installed."""
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        return None
    began = time.process_time()
    index = MinHashLSH(num_perm=112, params=(14, 8))
    for place, text in enumerate(texts):
        words = text.lower().split()
        sketch = MinHash(num_perm=112)
        sketch.update_batch([" ".join(words[at:at + 5]).encode() for at in range(len(words) - 4)])
        index.query(sketch)
        index.insert(place, sketch)
    return len(texts) / (time.process_time() - began)


def crowds(folder: Path) -> None:
    """Print what a crowd that differs in a word costs, and one row many times over."""
    import pyarrow as pa

    base = drawn()[:WORDS].tolist()
    for name, rows in (
            (f"{CROWD:,} rows that differ in one word", pa.array(
                [" ".join([*base[:30], f"n{row}", *base[31:]]) for row in range(CROWD)])),
            (f"one row {SAME:,} times", pa.array([" ".join(base)] * SAME))):
        began = time.process_time()
        sketches = Sketches(Near())
        sketches.add(rows)
        found = clustered(sketches, lambda rows=rows: iter([rows]), folder)
        spent = time.process_time() - began
        print(f"{name}: {len(rows) / spent:,.0f} rows/s/core, {found.compared:,} pairs compared, "
              f"{len(np.unique(found.firsts)):,} clusters", flush=True)


def main() -> None:
    """Print rates beside the goal, recall beside theory, growth of time and memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=int, default=250_000)
    parser.add_argument("--child", type=Path)
    given = parser.parse_args()
    if given.child:
        given.child.write_text(json.dumps(child(given.rows, given.child.parent)))
        return
    results = []
    with tempfile.TemporaryDirectory() as place:
        for count in (given.rows // 10, given.rows):
            out = Path(place) / "found.json"
            make(count, Path(place))
            subprocess.run([sys.executable, __file__, str(count), "--child", str(out)], check=True)
            found = json.loads(out.read_text())
            results.append(found)
            print(f"{count:,} rows of {found['bytes']:.0f} bytes: signatures "
                  f"{count / found['sketch']:,.0f} rows/s/core, in all "
                  f"{count / found['all']:,.0f} (goal {GOAL:,}); {found['compared']:,} pairs "
                  f"compared, {found['others']} rows joined that were not planted; peak "
                  f"{found['mib']:.0f} MiB, {found['start']:.0f} before")
            for kind, (pairs, mean, shares, theory, joined) in found["recall"].items():
                print(f"  {kind}: {pairs:,} pairs, Jaccard {mean:.3f}: {shares:.3f} share a band, "
                      f"theory {theory:.3f}" + ("" if joined is None else
                                                f"; joined {joined:.3f} of those above the "
                                                "threshold"), flush=True)
                spread = 3 * math.sqrt(theory * (1 - theory) / pairs)
                assert shares > theory - POINTS - spread, "recall is below theory"
            if found["peer"]:
                print(f"  datasketch on {PEER:,} of them: {found['peer']:,.0f} rows/s/core; ratio "
                      f"{count / found['all'] / found['peer']:.1f}")
        few, many = results
        times = math.log(many["count"] / few["count"])
        more = (many["mib"] - many["start"]) * 2**20 / many["count"]
        print(f"time grows as rows ^ {math.log(many['all'] / few['all']) / times:.2f}; "
              f"memory beside the texts: {more:.0f} bytes a row")
        crowds(Path(place))


if __name__ == "__main__":
    main()
