"""Skywork-Math with hard seeds told by the student: what stage 1 cannot solve goes to stage 2.

The paper takes MATH's own levels 4 and 5, which most seeds do not have, and which say what is
hard for people. Here the model of stage 1 answers every seed eight times; those of which it gets
fewer than two in five right are the seeds of the hard synthesis (levels 4 and 5 by pass rate).
Everything else is `skywork_math`, step for step, so that the two can be compared.

Used as: `mathmill run skywork_hard --seeds train.jsonl --teacher openai:MODEL --base MODEL`.
"""

from __future__ import annotations

from mathmill.pipeline import Step
from mathmill_recipes import demo, skywork_math


def recipe(samples: int = 10_000, seeds: str = demo.SEEDS, teacher: str = demo.TEACHER,
           base: str = demo.BASE, test: str = "") -> Step:
    """Make `samples` rows from `seeds`, those of stage 2 from seeds that stage 1 fails."""
    return skywork_math.recipe(samples, seeds, teacher, base, test, hard_by="pass_rate")
