"""Wilson's interval for a share: how far a count of successes tells the true rate.

Why: a score without an interval invites reading noise. It stands beside the grader since
both a graded file and an evaluation report shares; `evaluate.stats` hands it on.

Used as: `wilson(950, 1000)` -> `(0.9347..., 0.9618...)`.
"""

from __future__ import annotations

import math

Z95 = 1.959963984540054  # standard normal quantile at 0.975


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Return Wilson's score interval (1927) of a share, 95 % by default, as fractions.

    With no trials nothing is known: (0, 1). Asserts 0 <= successes <= trials.
    """
    assert 0 <= successes <= trials, f"{successes} successes in {trials} trials"
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, z * z
    middle = share + square / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    whole = 1 + square / trials
    # The ends are exact at 0 and n; floating point would leave 1e-17 there.
    low = 0.0 if successes == 0 else (middle - spread) / whole
    high = 1.0 if successes == trials else (middle + spread) / whole
    return low, high
