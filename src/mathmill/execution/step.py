"""A step: a piece of work with an identity, known before it runs.

Why: what is written as a literal in a recipe is identity; paths, worker counts and machines
are not. Two recipes that say the same share the same step id, and a finished step is never
done twice. Executors below (`local`) and verbs above (`pipeline`) meet in this record.

Used as: `Step("verify", work=verify.run, literals={"votes": 5}, inputs={"rows": drafts})`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mathmill.identity import canonical, content_id

DATA_VERSION = 1  # raised when the same literals would give other rows than before


@dataclass(frozen=True)
class Step:
    """One step of a recipe; a handle that later steps take as input. Nothing has run yet."""

    name: str
    "The verb: `synthesize`, `train`, ..."
    work: Callable[..., None]
    "Module-level function `work(bench, **literals)`."
    literals: Mapping[str, Any] = field(default_factory=dict)
    "What decides the result, as JSON."
    inputs: Mapping[str, Step] = field(default_factory=dict)
    "Steps whose folders the work reads, by the name it knows them under."
    tools: Mapping[str, Any] = field(default_factory=dict)
    "Functions and objects handed to the work; picklable; not identity."
    label: str = ""
    "What people call this step in this recipe; the verb where empty. Not identity."
    apart: bool = False
    "Runs in a process of its own (training, generation), beside others of its kind."

    def __post_init__(self) -> None:
        """Refuse literals that JSON cannot hold, where they are written."""
        canonical(dict(self.literals))

    @cached_property
    def id(self) -> str:
        """Content id over verb, literals and the ids of the inputs (12 hex digits shown)."""
        return content_id("step", DATA_VERSION, self.name, dict(self.literals),
                          {name: step.id for name, step in self.inputs.items()})

    @property
    def title(self) -> str:
        """The label, or the verb."""
        return self.label or self.name

    @property
    def folder(self) -> str:
        """Name of the step's folder under `steps/`: title for people, id for the machine."""
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in self.title)
        return f"{safe[:48]}-{self.id[:12]}"


def in_order(last: Step) -> list[Step]:
    """Return `last` and all steps it rests on, each after its inputs, each once."""
    order: dict[str, Step] = {}

    def visit(step: Step) -> None:
        if step.id in order:
            return
        for name in sorted(step.inputs):
            visit(step.inputs[name])
        order[step.id] = step

    visit(last)
    return list(order.values())


def changed_literals(step: Step, before: Mapping[str, Any]) -> list[str]:
    """Say in words how a step's literals differ from those of an earlier manifest."""
    words = []
    for name in sorted({*step.literals, *before}):
        old, new = before.get(name, "nothing"), step.literals.get(name, "nothing")
        if canonical(old) != canonical(new):
            words.append(f"{name}: {_short(old)} -> {_short(new)}")
    return words


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else canonical(value)
    return text if len(text) <= 60 else text[:57] + "..."
