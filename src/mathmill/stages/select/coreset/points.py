"""Points on the grid, in memory or mapped from a file of float16.

Why float16: whole numbers up to 2,048 are exact in it, and the grid ends at 2,016 (`embed`), so
half the bytes hold the same points: 2.1 million of 256 dimensions are 1.1 GB on disk, of which
the kernel keeps in memory what is used. Products are taken in float32, where they are exact.

Used as: `points = opened(path)`; `squared(wide(points[rows]), wide(points[others]))`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stored = NDArray[Any]
"Points as they lie: float16, mapped or not, or float32."
Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_BLOCK = 4_096
_SIGN_AND_REST = np.int32(-0x70000001)  # 0x8fffffff: what stays of a sign that was spread
_EXPONENTS = np.float32(2.0 ** 112)  # between the exponents of float16 and of float32


def opened(path: Path) -> Stored:
    """Return the points of a `.npy` file, mapped: nothing is read yet."""
    points: Stored = np.load(path, mmap_mode="r")
    return points


def wide(points: Stored) -> Floats:
    """Return points as float32.

    NumPy takes a float16 apart sign by sign: 1.8 ns, a third of what a product of 64 centres
    costs. Shifted as whole numbers they are there in 0.5 ns.
    """
    if points.dtype != np.float16:
        return np.asarray(points, np.float32)
    bits = np.ascontiguousarray(points).view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _SIGN_AND_REST
    found = bits.view(np.float32)
    found *= _EXPONENTS
    return found


def copies(points: Stored) -> Rows:
    """Return the rows that are, number for number, an earlier row.

    Rows are compared where a sum of their numbers times large random ones agrees. Of rows that
    agree without being the same none is told: that costs time, not truth.
    """
    keys = np.random.default_rng(0).integers(1, 1 << 30, points.shape[1]).astype(np.float64)
    sums = np.concatenate([np.zeros(0), *(
        wide(points[at:at + _BLOCK]).astype(np.float64) @ keys
        for at in range(0, len(points), _BLOCK))])  # whole numbers below 2^53
    order = np.argsort(sums, kind="stable")
    again = np.flatnonzero(sums[order][1:] == sums[order][:-1]) + 1
    if not len(again):
        return np.zeros(0, np.int64)
    fresh = np.ones(len(order), np.bool_)
    fresh[again] = False
    firsts = np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))
    rows, others = order[again], order[firsts[again]]
    same = np.concatenate([
        (points[rows[at:at + _BLOCK]] == points[others[at:at + _BLOCK]]).all(axis=1)
        for at in range(0, len(rows), _BLOCK)])
    return np.sort(rows[same])
