"""Grading policies: the switches on which honest graders differ, named and in one place.

Why: whether `10 cm` equals `10` or `1/3` equals `0.3333` is a decision, not a fact, and a
score means nothing without it. A policy is a frozen record, so it can stand in a manifest.
Test sets that are scored by a rule of their own have a policy of their own here, under
their own name; docs/grade.md says where each rule comes from.

Used as: `named("tolerant")`, `for_suite("jeebench")`, or
`dataclasses.replace(TOLERANT, relative=0.01)`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    absolute: float = 0.0
    "Absolute difference that is overlooked between two numbers; 0 compares exactly."
    symbolic: bool = True
    "Whether math-verify is asked, in a process of its own, about what the exact tiers leave."
    names: bool = True
    "Whether `x = 5` equals `5`."
    choice: str = "auto"
    """Whether a gold answer of letters is a choice: `auto`, one letter is (several only against
    a list of letters); `always`, `AC` is the choices A and C; `never`, letters are symbols."""


TOLERANT = Policy("tolerant")
STRICT = Policy("strict", rule="papers")
STRICT_MATH = Policy("strict-math", rule="papers-math")

# Sets whose own scripts overlook a difference, or whose answers are letters. The rest of a
# suite's policy is the tolerant one, so that scores can be read across suites.
_CHOICES = replace(TOLERANT, choice="always")
_NUMBERS = replace(TOLERANT, choice="never")
BY_SUITE = {
    "gsm8k": replace(_NUMBERS, name="gsm8k"),
    "svamp": replace(_NUMBERS, name="svamp"),
    # PAL, whose set it is, counts a difference below 0.001 as none.
    "gsm_hard": replace(_NUMBERS, name="gsm_hard", absolute=0.001),
    "cmath": replace(_NUMBERS, name="cmath"),
    "cmath_distractor": replace(_NUMBERS, name="cmath_distractor"),
    "mgsm_en": replace(_NUMBERS, name="mgsm_en"),
    "mgsm_zh": replace(_NUMBERS, name="mgsm_zh"),
    "symbolic": replace(_NUMBERS, name="symbolic"),
    "math": replace(TOLERANT, name="math"),
    "agieval/aqua-rat": replace(_CHOICES, name="agieval/aqua-rat"),
    "agieval/sat-math": replace(_CHOICES, name="agieval/sat-math"),
    "agieval/gaokao-mathqa": replace(_CHOICES, name="agieval/gaokao-mathqa"),
    # Blanks are numbered: the order of `5; 10` counts. One gold answer is the point A.
    "agieval/gaokao-mathcloze": replace(_NUMBERS, name="agieval/gaokao-mathcloze",
                                        ordered_lists=True),
    # Its answers are figures read off with two or three digits; 5 % is its paper's tolerance.
    "scibench": replace(_NUMBERS, name="scibench", relative=0.05),
    # Its script: the very set of letters, and numbers within 0.01. No part credit here.
    "jeebench": replace(_CHOICES, name="jeebench", absolute=0.01),
    # Its judge overlooks 1e-8 unless an item states its own error (one of 675 does).
    "olympiadbench": replace(_NUMBERS, name="olympiadbench", absolute=1e-8),
}
BY_NAME = {policy.name: policy for policy in (TOLERANT, STRICT, STRICT_MATH, *BY_SUITE.values())}


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


def for_suite(suite: str) -> Policy:
    """Return the policy by which a test set is scored; the tolerant one where none is known.

    `suite` is a name such as `gsm8k` or `agieval/aqua-rat`.
    """
    return BY_SUITE.get(suite, TOLERANT)
