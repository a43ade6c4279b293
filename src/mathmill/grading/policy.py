"""Grading policies: the switches on which honest graders differ, named and in one place.

Why: whether `10 cm` equals `10` or `1/3` equals `0.3333` is a decision, not a fact, and a
score means nothing without it. A policy is a frozen record, so it can stand in a manifest.

Used as: `named("tolerant")`, or `dataclasses.replace(TOLERANT, relative=0.01)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mathmill.errors import UsageError


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts as the same answer."""

    name: str
    "How it is called in a recipe and in a report."
    rule: str = "value"
    "`value` compares what the texts mean; `papers`, `papers-math` compare as the papers do."
    percent: str = "either"
    "`either`: 24% equals 0.24 and 24; `value`: 24% equals 0.24 only."
    units: bool = True
    "Whether unit words around a number are set aside (`10 cm` equals `10`)."
    ordered_lists: bool = False
    "Whether the order of a bare comma list counts (that of a tuple always does)."
    fold_case: bool = True
    "Whether `Odd` equals `odd`."
    places: int = 6
    "Written places from which a decimal may stand for a fraction that it only comes near."
    relative: float = 0.0
    "Relative difference that is overlooked between two numbers; 0 compares exactly."
    symbolic: bool = True
    "Whether math-verify is asked, in a process of its own, about what the exact tiers leave."


TOLERANT = Policy("tolerant")
STRICT = Policy("strict", rule="papers")
STRICT_MATH = Policy("strict-math", rule="papers-math")
BY_NAME = {policy.name: policy for policy in (TOLERANT, STRICT, STRICT_MATH)}


def named(policy: str | Policy) -> Policy:
    """Return the policy of that name (a Policy is returned as it is).

    Raises UsageError for an unknown name.
    """
    if isinstance(policy, Policy):
        return policy
    if policy not in BY_NAME:
        raise UsageError(f"there is no grading policy {policy!r}; use one of "
                         f"{', '.join(BY_NAME)}")
    return BY_NAME[policy]
