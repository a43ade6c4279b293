"""The records of the conformance suite: an answer with its rewrites, and a labelled pair.

Why: whoever adds a kind of answer only writes one function that draws an `Answer`; how
many pairs are drawn from it, and how they are dressed, is decided in one place.

Used as: `Answer("1/2", [("decimal", "0.5")], [("sign", "-1/2")])`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

Variant = tuple[str, str]  # what was done to the answer, and the text that came of it


@dataclass(frozen=True, slots=True)
class Answer:
    """A right answer with texts that mean the same and texts that do not."""

    gold: str
    "The right answer as a problem's author would write it."
    same: list[Variant]
    "Rewrites that keep the value."
    other: list[Variant]
    "Changes that do not keep it."
    dress: str = "maths"
    "What may be put around it: `maths`, `number` (also other scripts' digits) or `text`."


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold answer and another text, with the label that is known by construction."""

    kind: str
    "The kind of answer, such as `surds`."
    gold: str
    "The right answer."
    answer: str
    "What is compared with it: an answer, or with `whole` a response that holds one."
    same: bool
    "Whether both mean the same under the tolerant policy."
    change: str
    "What was done to the gold answer; what was put around it follows a `+`."
    whole: bool = False
    "Whether `answer` is a whole response."


Maker = Callable[[random.Random], Answer]
