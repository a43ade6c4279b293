"""Whether the methods asked for can start from the seeds at hand, and in which shares they work.

Why: a method that rephrases a problem can do nothing with a page of a book, and the other way
round; that should be one line before the first call, and not a drop for every attempt.

Used as: `weights = weights_of(entries, at_hand)`, `check(Text, methods, include_seeds=False)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mathmill.errors import UsageError
from mathmill.texts import Text
from mathmill.types import Method


def weights_of(entries: Sequence[Mapping[str, Any]], at_hand: Mapping[str, Method]
               ) -> dict[str, float]:
    """Return name -> weight of the methods asked for; raises UsageError for a bad entry."""
    weights: dict[str, float] = {}
    for entry in entries:
        name, weight = str(entry["method"]), float(entry.get("weight", 1.0))
        if name not in at_hand:
            raise UsageError(f"no method is called {name!r}; there are: "
                             f"{', '.join(sorted(at_hand)) or 'none'}")
        if name in weights:
            raise UsageError(f"the method {name} is listed twice; give it one weight")
        if not 0 < weight < float("inf"):
            raise UsageError(f"the method {name} has weight {weight}; give a number above 0")
        weights[name] = weight
    if not weights:
        raise UsageError("no method is given; name at least one")
    return weights


def check(record: type, methods: Sequence[Method], include_seeds: bool) -> None:
    """Raise UsageError where a method cannot start from such seeds."""
    given, cure = ("texts", "seeds(...)") if record is Text else ("problems", "texts(...)")
    for method in methods:
        takes = getattr(method, "takes", "problems")
        if takes != given:
            raise UsageError(f"the method {method.name} starts from {takes}, and these seeds are "
                             f"{given}; give it the rows of {cure}, or take another method")
    if include_seeds and record is Text:
        raise UsageError("include_seeds asks for the seeds as rows, and texts have no solution; "
                         "leave it out")
