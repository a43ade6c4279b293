"""How many rows each step of the run will have, from what the probe kept and dropped.

A step that writes rows has as many as its literal says; one that drops some keeps the share
that the probe kept; a choice of so many or of a fraction is one. What the probe did not make
smaller is as large as it was there.

Used as: `Sizes(probe, tallies, rng).of(step)`: as a number.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mathmill.execution.step import Step
from mathmill.io import read_rows, rows_in
from mathmill.planning.probe import Probe
from mathmill.planning.smaller import thinned
from mathmill.types import Problem


@dataclass
class Sizes:
    """Rows of each step: at the shares that the probe saw, or at drawn ones with `rng`."""

    probe: Probe
    "The small steps."
    tallies: Mapping[str, Mapping[str, Any]]
    "What they came to, by the recipe's step."
    rng: random.Random | None = None
    "Draws the shares."
    made: dict[str, float] = field(default_factory=dict)
    "Rows that steps write where that is fewer than they were asked, by id."
    worked: dict[str, float] = field(default_factory=dict)
    "Share of seeds that carry a solution, by the id of the step that reads them."
    known: dict[str, float] = field(default_factory=dict)
    "What was found so far."

    def of(self, step: Step) -> float:
        """Return the rows of a step of the recipe."""
        if step.id not in self.known:
            self.known[step.id] = self._find(step)
        return self.known[step.id]

    def came(self, step: Step) -> float:
        """Return the rows that a step is given, by one step or several (`rows`, `rows.1`)."""
        return sum(self.of(given) for name, given in step.inputs.items()
                   if name.partition(".")[0] == "rows")

    def _find(self, step: Step) -> float:
        tally = self.tallies[step.id]
        if step.name == "synthesize":
            own = 0.0
            if step.literals.get("include_seeds"):
                given = step.inputs["seeds"]
                own = self.of(given) * self._worked(given)
            return float(self.made.get(step.id, step.literals["samples"]) + own)
        if thinned(step):
            return float(step.literals.get("count") or math.inf)  # how many there are nobody read
        kept, dropped = tally["kept"].get("rows", 0), sum(tally["dropped"].values())
        if self.probe.whole(step) or "rows" not in step.inputs:
            return float(kept)
        came = self.came(step)
        if math.isinf(came):
            return float(step.literals.get("count") or came)
        if step.name == "select" and (chosen := self._chosen(step, came)) is not None:
            return came * chosen
        if step.name == "seeds" and step.literals.get("limit"):
            came = min(came, float(step.literals["limit"]))
        return came * self._share(kept, dropped)

    def _chosen(self, step: Step, came: float) -> float | None:
        """Return the share that a choice by number or fraction leaves, None for another."""
        if step.literals.get("levels") is not None:
            return None
        if step.literals.get("count") is not None:
            return min(1.0, int(step.literals["count"]) / max(1.0, came))
        fraction = step.literals.get("fraction")
        return None if fraction is None else float(fraction)

    def _share(self, kept: int, dropped: int) -> float:
        if self.rng is None or not dropped:
            return kept / max(1, kept + dropped)
        return self.rng.betavariate(kept + 0.5, dropped + 0.5)

    def _worked(self, given: Step) -> float:
        """Return the share of seeds that carry a worked solution and an answer."""
        if given.id not in self.worked:
            rows = hits = 0
            for problem in read_rows(rows_in(self.tallies[given.id]["folder"]), Problem):
                rows += 1
                hits += bool(problem.solution and problem.answer)
            self.worked[given.id] = hits / max(1, rows)
        return self.worked[given.id]
