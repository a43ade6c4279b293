"""How a verb builds its step: literals whole, tools handed in, teachers by name or by step.

Why: every verb does the same three things, and what decides a result must not depend on which
verb wrote it down.

Used as: `step("verify", stage.run, literals, {"rows": drafts}, tools, label)`, by the verbs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from mathmill.errors import UsageError
from mathmill.execution.step import Step

EMBEDDED = "embedded:"
SYMBOLIC = "symbolic:"


def step(name: str, work: Callable[..., None], literals: Mapping[str, Any], *given: Any,
         **more: Any) -> Step:
    """Return a step whose literals hold the defaults of its work too: they decide it as much."""
    takes = inspect.signature(work).parameters.values()
    defaults = {p.name: p.default for p in takes if p.kind is p.KEYWORD_ONLY
                and p.default is not p.empty and p.name not in literals}
    return Step(name, work, {**defaults, **literals}, *given, **more)


def who(teacher: str | Step) -> tuple[str, dict[str, Step], dict[str, Any]]:
    """Return identity, inputs and tools of a teacher: by name, or the model of a step."""
    from mathmill.teachers import registry

    if not isinstance(teacher, Step):
        return (registry.identity(teacher), {},
                {"open_teacher": registry.opener(teacher), "teacher": teacher})
    if teacher.name not in ("train", "pretrain"):
        raise UsageError(f"the step {teacher.title!r} trained no model; a teacher is a name, or "
                         "what train or pretrain returned")
    return (f"local:step-{teacher.id[:12]}", {"teacher": teacher},
            {"open_teacher": registry.open_trained})
