"""The recipe jiuzhang3: both scales build; a smoke run of two steps ends, resumed, in a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mathmill.errors import UsageError
from mathmill.execution import local
from mathmill.execution.step import Step, in_order
from mathmill.io import read_json
from mathmill.pipeline import synthesize
from mathmill_recipes import jiuzhang3

STRAND = replace(
    jiuzhang3.EMBEDDED_SCALE.strands[0], first=12, more=8, rows=16,
    known="symbolic:count=12,seed=3,levels=2,families=bus",
    written={"temperature": 0.4, "max_tokens": 60},
    teaching={**jiuzhang3.EMBEDDED_SCALE.strands[0].teaching, "epochs": 1.0, "batch_size": 8})
SMALL = replace(
    jiuzhang3.EMBEDDED_SCALE, texts={"symbolic:count=24,seed=1,families=bus+shop": None},
    snippets={"symbolic:count=16,seed=2,families=bus+shop": None}, strands=(STRAND,),
    test="symbolic:count=8,seed=4,levels=2,families=bus",
    school="symbolic:count=40,seed=5,levels=1,families=bus+shop", schooling={"steps": 2},
    reference={"rows": 8, "epochs": 1.0, "lora": {"rank": 2}}, features={"dimension": 64},
    length={"steps": 2}, scoring={"max_new_tokens": 8, "batch": 64}, models=(0,))


def by_label(last: Step) -> dict[str, Step]:
    return {step.label: step for step in in_order(last)}


def by_the_world(problems: Step, methods: Any, samples: int, teacher: str | Step = "symbolic:",
                 **more: Any) -> Step:
    """Stand in for the verb: two steps teach no model to write; it is an input all the same."""
    made = synthesize(problems, methods, samples, "symbolic:", **more)
    if isinstance(teacher, str):
        return made
    return replace(made, inputs={**made.inputs, "model": teacher})
