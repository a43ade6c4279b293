"""Texts of a known Jaccard, for the tests of near duplicates."""

from __future__ import annotations

import random

WORDS = 5  # in a shingle
SHINGLES = 60


def drawn(rng: random.Random, count: int) -> list[str]:
    """Return words that come nowhere else."""
    return [f"w{rng.getrandbits(40):x}" for _ in range(count)]


def pair(rng: random.Random, jaccard: float) -> tuple[str, str, float]:
    """Return two texts of `SHINGLES` shingles, and their Jaccard: as near as whole words allow."""
    common = round(2 * SHINGLES * jaccard / (1 + jaccard))
    one = drawn(rng, SHINGLES + WORDS - 1)
    other = one[:common + WORDS - 1] + drawn(rng, SHINGLES - common)
    return " ".join(one), " ".join(other), common / (2 * SHINGLES - common)
