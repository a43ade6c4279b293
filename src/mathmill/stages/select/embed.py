"""Texts as points, with no model: hashed words and word pairs, weighted by rarity.

Why: a core-set needs distances, and a laptop without downloads needs them too. Each word,
pair of neighbouring words and run of three signs is a feature; its hash gives it a place
and a sign among `dims` numbers (the hashing trick); rare features weigh more (tf-idf).
Coordinates are rounded to whole numbers on a grid: then sums of products are whole numbers
below 2^24, which float32 holds exactly, so that distances do not depend on the machine,
its threads or the block size, and ties are true ties.

Used as: `points = embed(texts)`; `squared(points, centres)` gives distances.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

GRID = 2000.0  # length of a unit vector: 4 * (2000 + 8)^2 < 2^24 at 256 dimensions
BUCKETS = 1 << 20  # places of the table of rarity
_TOKENS = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+|[+\-*/=<>^%$]")
_BLOCK = 4096


def features(text: str) -> NDArray[np.uint32]:
    """Return the hashed features of a text: words, pairs of words, runs of three signs."""
    words = [_hashed(word) for word in _TOKENS.findall(text.lower())]
    found = [word[0] for word in words]
    found += [zlib.crc32(after[1], word[0]) for word, after in pairwise(words)]
    for word in words:
        found += word[2]
    return np.array(found, np.uint32)


@lru_cache(1 << 16)  # words come again: a quarter more texts a second
def _hashed(word: str) -> tuple[int, bytes, tuple[int, ...]]:
    """Return a word's hash, what a pair's second word adds to that of the first, and its runs."""
    code = word.encode("utf-8", "replace")
    runs = range(len(word) - 2 if len(word) > 4 else 0)  # so that `apple` and `apples` are near
    return zlib.crc32(code), b" " + code, tuple(
        zlib.crc32(f"#{word[at:at + 3]}".encode("utf-8", "replace")) for at in runs)


def embed(texts: Sequence[str], dims: int = 256, also: Iterable[str] = ()) -> Points:
    """Return points of shape (texts, dims) on the grid, each of length about `GRID`.

    `also`: texts that count in the rarity of features but get no point (other sets that
    will be compared). A text without features lies at the origin. dims: 16 to 1024.
    """
    assert 16 <= dims <= 1024, "the grid is made for 16 to 1024 dimensions"
    bags = [features(text) for text in texts]
    seen, total = np.zeros(BUCKETS, np.int64), len(bags)
    for bag in bags:
        seen[np.unique(bag % BUCKETS)] += 1
    for text in also:
        total += 1
        seen[np.unique(features(text) % BUCKETS)] += 1
    rarity = rarity_of(seen, total)
    points = np.zeros((len(bags), dims), np.float32)
    for start in range(0, len(bags), _BLOCK):
        block = bags[start:start + _BLOCK]
        points[start:start + len(block)] = placed(block, rarity, dims)
    return points


def rarity_of(seen: NDArray[np.int64], total: int) -> NDArray[np.float64]:
    """Return what a feature weighs, by how many of all texts have it."""
    weights: NDArray[np.float64] = np.log((1.0 + total) / (1.0 + seen)) + 1.0
    return weights


def placed(bags: Sequence[NDArray[np.uint32]], rarity: NDArray[np.float64],
           dims: int) -> NDArray[np.float64]:
    """Sum the features of each bag into its row, scale to the grid, round."""
    flat = np.concatenate(bags) if bags else np.zeros(0, np.uint32)
    rows = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
    place = (flat >> np.uint32(1)) % np.uint32(dims)
    sign = 1.0 - 2.0 * (flat & np.uint32(1))
    weights: NDArray[np.float64] = sign * rarity[flat % BUCKETS]
    sums = np.bincount(rows * dims + place, weights,
                       len(bags) * dims).reshape(len(bags), dims).astype(np.float64)
    length = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    points: NDArray[np.float64] = np.rint(sums / np.where(length == 0, 1.0, length) * GRID)
    return points


def squared(points: Points, centres: Points) -> Any:
    """Return squared distances, shape (points, centres), in grid units, exact in float32."""
    own = np.einsum("ij,ij->i", points, points)
    theirs = np.einsum("ij,ij->i", centres, centres)
    distances = points @ centres.T
    distances *= -2.0
    distances += own[:, None]
    distances += theirs[None, :]
    return distances
