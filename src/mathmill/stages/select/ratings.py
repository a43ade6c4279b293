"""Rows chosen by what a step `rate` told of them: levels, and pass rates of a student.

Why: a rating stands beside the rows, so that one can be made without touching them and several
can be compared; here it is joined to them by id. In memory a rating is 44 bytes.

Used as: `ratings = ratings_of(bench, record, pass_rate=(0.1, 0.7))`; `ratings.fits(levels)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathmill.candidates import Rated
from mathmill.errors import StepFailed, UsageError
from mathmill.stages.select.rating import NONE
from mathmill.stages.select.worth import coded
from mathmill.texts import Text
from mathmill.workbench import Workbench

RATINGS = "ratings"  # the input


@dataclass(frozen=True)
class Ratings:
    """The ratings of the rows, in their order."""

    levels: NDArray[np.int32]
    "`NONE` where a row has none."
    rates: NDArray[np.float64]
    "NaN where a row has none."
    wanted: tuple[float, float] | None
    "Least and greatest pass rate that stays."

    def over(self, known: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the levels of the rows: the rating's, else what was known."""
        return np.where(self.levels == NONE, known, self.levels)

    def fits(self, levels: Sequence[int] | None) -> NDArray[np.bool_]:
        """Tell which rows have the ratings that are asked for; `levels`: those that stay.

        The level that a row came with is no rating: it stands on another scale.
        """
        found = np.ones(len(self.levels), np.bool_)
        if levels is not None:
            found &= np.isin(self.levels, list(levels))
        if self.wanted is not None:
            found &= (self.rates >= self.wanted[0]) & (self.rates <= self.wanted[1])
        return found

    def reason(self, row: int, levels: Sequence[int] | None) -> tuple[str, str] | None:
        """Return why a row's rating does not fit, and the detail; None where it does."""
        rate = self.rates[row]
        if (self.wanted is not None and np.isnan(rate)) or (
                levels is not None and self.levels[row] == NONE):
            return "no rating", "none of the ratings given is of this row, or tells it"
        if self.wanted is not None and not self.wanted[0] <= rate <= self.wanted[1]:
            return "pass rate", f"{rate:.4g}, wanted {self.wanted[0]:g} to {self.wanted[1]:g}"
        return None


def ratings_of(bench: Workbench, record: type, pass_rate: Sequence[float] | None
               ) -> Ratings | None:
    """Return the ratings in input `ratings`, in the order of input `rows`; None without it.

    Raises UsageError for a pass rate without ratings, or one that cannot be; StepFailed where
    none of the ratings is of these rows.
    """
    wanted = wanted_rates(pass_rate)
    if RATINGS not in bench.inputs:
        if wanted is not None:
            raise UsageError("a pass rate is what a step `rate` tells; give select ratings=...")
        return None
    if record is Text:
        raise UsageError("texts have no rating; leave out ratings")
    ids, levels, rates = [np.zeros(0, "S1")], [np.zeros(0, np.int32)], [np.zeros(0)]
    for batch in bench.batches(RATINGS, Rated, ["id", "level", "rate"]):
        ids.append(coded(batch.column("id")))
        levels.append(batch.column("level").fill_null(NONE).to_numpy(zero_copy_only=False))
        rates.append(batch.column("rate").fill_null(np.nan).to_numpy(zero_copy_only=False))
    name = np.concatenate(ids)
    order = np.argsort(name, kind="stable")
    name, level, rate = name[order], np.concatenate(levels)[order], np.concatenate(rates)[order]
    found = [(np.zeros(0, np.int32), np.zeros(0))]
    hits = 0
    for batch in bench.batches("rows", record, ["id"]):
        own = coded(batch.column("id"))
        at = np.searchsorted(name, own).clip(max=max(0, len(name) - 1))
        hit = name[at] == own if len(name) else np.zeros(len(own), np.bool_)
        hits += int(hit.sum())
        found.append((np.where(hit, level[at], NONE) if len(name) else np.full(len(own), NONE),
                      np.where(hit, rate[at], np.nan) if len(name) else np.full(len(own), np.nan)))
    joined = Ratings(np.concatenate([one for one, _ in found]).astype(np.int32),
                     np.concatenate([two for _, two in found]), wanted)
    if len(joined.levels) and not hits:
        raise StepFailed(f"none of {len(joined.levels)} rows is among the {len(name)} that were "
                         "rated; give the step that rated these rows")
    bench.facts["ratings"] = {"given": len(name), "rows_rated": hits,
                              "with_pass_rate": int(np.isfinite(joined.rates).sum())}
    return joined


def wanted_rates(pass_rate: Sequence[float] | None) -> tuple[float, float] | None:
    """Return least and greatest pass rate; raises UsageError for what is no range of shares."""
    if pass_rate is None:
        return None
    if len(pass_rate) != 2 or not 0 <= pass_rate[0] <= pass_rate[1] <= 1:
        raise UsageError(f"pass_rate={list(pass_rate)}: give two shares of 1, the lower one "
                         "first, such as (0.1, 0.7)")
    return float(pass_rate[0]), float(pass_rate[1])


def check_ratings(given: bool, rater: bool, pass_rate: Sequence[float] | None) -> None:
    """Refuse, before anything runs, what ratings cannot do; raises UsageError."""
    if wanted_rates(pass_rate) is not None and not given:
        raise UsageError("a pass rate is what a step `rate` tells; give select ratings=...")
    if given and rater:
        raise UsageError("levels come from ratings or from a rater; give select one of them")
