"""Points of millions of texts, made in flat memory: features and points lie on the disk.

Why: `embed` holds all features (about 500 bytes a text) and points (1 kB in float32) at once, which
2.5 million texts have no room for beside anything else. Here features go to a scratch file as
they are made, and points into a mapped file of float16, which holds the grid's numbers exactly:
the same points, in 4 bytes of memory a text and what of the files the kernel keeps.

Used as: `points = embed_on_disk(chunks, count, folder, order=order)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.select.coreset.points import Stored
from mathmill.stages.select.embed import BUCKETS, features, placed, rarity_of

BLOCK = 4_096  # texts placed at a time


def embed_on_disk(chunks: Iterable[Sequence[str]], count: int, folder: Path, dims: int = 256,
                  order: NDArray[np.int64] | None = None) -> Stored:
    """Return the points of texts as `embed` has them, mapped from a file in `folder`.

    `chunks`: `count` texts in all; `order`: at which row each stands, as they come where None.
    Raises ValueError where there are more or fewer.
    """
    seen, sizes = np.zeros(BUCKETS, np.int64), [np.zeros(0, np.int32)]
    scratch = folder / "features"
    with scratch.open("wb") as file:
        for texts in chunks:
            bags = [features(text) for text in texts]
            for bag in bags:
                seen[np.unique(bag % BUCKETS)] += 1
            np.concatenate([np.zeros(0, np.uint32), *bags]).tofile(file)
            sizes.append(np.array([len(bag) for bag in bags], np.int32))
    size = np.concatenate(sizes)
    if len(size) != count:
        raise ValueError(f"{len(size)} texts came, and {count} were told")
    points = np.lib.format.open_memmap(folder / "points.npy", "w+", np.float16, (count, dims))
    rarity = rarity_of(seen, count)
    with scratch.open("rb") as file:
        for start in range(0, count, BLOCK):
            own = size[start:start + BLOCK]
            flat = np.fromfile(file, np.uint32, int(own.sum()))
            block = placed(np.split(flat, np.cumsum(own)[:-1]), rarity, dims)
            rows = slice(start, start + len(own))
            points[rows if order is None else order[rows]] = block
    scratch.unlink()
    return points
