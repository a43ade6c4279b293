"""The probe of a plan: the recipe's steps that ask a teacher, at a small size, in a scratch folder.

Why rewritten steps and not the recipe called with a small number: every recipe keeps its shape
so (one of a sweep refuses to be small), and each step of the probe has its step of the run.
What a step of the probe asks of a real teacher goes through the journal of the run. Attempts
are deterministic, so those at seeds that the run has too are found there again by the run.

A step is made small so: `synthesize` writes `size` rows (two a method at least), and of the
seeds' own rows as small a share goes on as of the others; `verify` and `select` look at `size`
rows of their input, evenly spread. A model that is yet to be trained, and a teacher that cannot
be asked, are stood in for; so are, for the symbolic teacher, problems that it cannot read. Of
texts some are read, and values are drawn (`smaller`).

Used as: `probe = Probe(asking_steps(last), 40, {"openai:m": "symbolic:"})`, `probe.run(...)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mathmill.execution import local
from mathmill.execution.step import Step, in_order
from mathmill.execution.store import Store
from mathmill.io import rows_in
from mathmill.planning.guess import COUNTING, open_counted
from mathmill.planning.smaller import drawn_values, few_texts
from mathmill.teachers import registry
from mathmill.types import Problem
from mathmill.workbench import Terms, Workbench

SYMBOLIC = "symbolic:"
WORLD = 200  # problems that stand in for those that the symbolic teacher cannot read


def asking_steps(last: Step) -> list[Step]:
    """Return the steps that ask a teacher, in the order in which they run."""
    return [step for step in in_order(last) if asks(step)]


def asks(step: Step) -> bool:
    """Tell whether a step asks a teacher."""
    if step.name == "verify":
        return any(str(check).startswith(("majority", "programs_agree", "prose_agrees"))
                   for check in step.literals["by"])
    return step.name == "synthesize" or (
        step.name == "select" and step.literals.get("difficulty") == "teacher") or (
        step.name == "decontaminate" and step.literals.get("judge") is not None) or (
        step.name == "rate" and bool(step.literals["teacher"]))


def teacher_of(step: Step) -> str:
    """Return the name of a step's teacher; of one whose model is yet to be trained, `""`."""
    if "teacher" in step.inputs:
        return ""
    return str(step.tools.get("teacher") or step.literals["teacher"])


def asked_at_once(name: str) -> str:
    """Return the teacher for a probe: batches take hours, and their replies are no others."""
    return f"openai:{name.removeprefix('batch:')}" if name.startswith("batch:") else name


def some_rows(bench: Workbench, *, count: int) -> None:
    """Keep so many rows of input `rows`, evenly spread, whatever they are (a step's work)."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(rows_in(bench.inputs["rows"]))
    count = min(count, table.num_rows)
    places = [place * table.num_rows // count for place in range(count)]
    parquet.write_table(table.take(places), bench.out / "rows.parquet")
    bench.kept["rows"] = count


def fewer_seeds(bench: Workbench, *, share: float) -> None:
    """Keep all that was written, and of the seeds' own rows as many as go with it (a step's work).

    `share`: rows written for one of the run, over seeds (input `of`) for one of the run. Input
    `used`: the seeds from which the rows (input `rows`) were written: others, where `of` cannot
    be read.
    """
    import pyarrow.parquet as parquet

    table = parquet.read_table(rows_in(bench.inputs["rows"]))
    seeds, used = (bench.count(name) for name in ("of", "used"))
    methods = table["method"].to_pylist()
    own = [place for place, method in enumerate(methods) if method == "seed"]
    count = min(len(own), math.ceil(len(own) / max(1, used) * seeds * share))
    kept = {own[place * len(own) // count] for place in range(count)}
    places = [place for place, method in enumerate(methods) if method != "seed" or place in kept]
    parquet.write_table(table.take(places), bench.out / "rows.parquet")
    bench.kept["rows"] = len(places)


def own_world(bench: Workbench, *, count: int) -> None:
    """Write problems that the symbolic teacher can read (a step's work)."""
    from mathmill.teachers.symbolic import make_problems

    bench.keep(make_problems(count, 1), Problem)


def from_elsewhere(step: Step) -> bool:
    """Tell whether a step's rows are, or were made from, problems not of the symbolic world."""
    if step.name == "seeds" and "source" in step.literals:
        return not str(step.literals["source"]).startswith(SYMBOLIC)
    return any(from_elsewhere(given) for name, given in step.inputs.items()
               if name.partition(".")[0] in ("rows", "seeds"))


def gather(bench: Workbench) -> None:
    """Do nothing: the step whose inputs are all steps of a probe."""


@dataclass
class Probe:
    """The small steps, each known by the step that it stands for."""

    targets: Sequence[Step]
    "Steps of the recipe that ask a teacher."
    size: int
    "Rows a step."
    stands_in: Mapping[str, str]
    "Who is asked instead of which teacher; `` is a model that is yet to be trained."
    small: dict[str, Step] = field(default_factory=dict)
    "By the id of the recipe's step."
    after: dict[str, Step] = field(default_factory=dict)
    "What stands for the rows of a step where that is not the small step itself, by the same."
    scale: dict[str, float] = field(default_factory=dict)
    "About how many rows of a small step stand for one of the run, by the same."

    def __post_init__(self) -> None:
        """Write the small steps down."""
        for step in self.targets:
            self._shrink(step)

    def run(self, scratch: Path, terms: Terms) -> dict[str, dict[str, Any]]:
        """Do the small steps; return the tally of each by the id of the recipe's step.

        Raises what a run raises: BudgetSpent at a cap, TeacherError, StepFailed.
        """
        # All of them: seeds that are stood in for are read all the same, for their number.
        ends = {f"{place}": step for place, step in enumerate(self.small.values())}
        local.run(Step("plan", gather, {}, ends), scratch, jobs=1, terms=terms)
        store = Store(scratch)
        tallies = {}
        for full, step in self.small.items():
            manifest = store.manifest(step)
            assert manifest is not None, f"{step.title} was run"
            tallies[full] = {**manifest["tally"], "folder": store.folder(step)}
        return tallies

    @property
    def replaced(self) -> bool:
        """Tell whether problems that the symbolic teacher cannot read were stood in for."""
        return any(given.work is own_world for step in self.small.values()
                   for given in step.inputs.values())

    def is_guess(self, step: Step) -> bool:
        """Tell whether another teacher than the step's own is asked for it."""
        return teacher_of(step) in self.stands_in

    def whole(self, step: Step) -> bool:
        """Tell whether a step is in the probe as it is in the recipe."""
        return self.small[step.id].id == step.id

    def _shrink(self, step: Step) -> Step:
        """Write down the small step for a step of the recipe; return whose rows stand for its."""
        if step.id not in self.small:
            left_out = ("teacher" if asks(step) else
                        "reference base target" if step.name == "value" else "").split()
            inputs = {name: self._shrink(given) for name, given in step.inputs.items()
                      if name.partition(".")[0] not in left_out}
            small = self._small(step, inputs)
            self.small[step.id] = small
            above = step.inputs.get("rows") or step.inputs.get("seeds")
            self.scale[step.id] = self.scale[above.id] if above else 1.0
            if step.name == "synthesize":
                self._thin(step, small)
        return self.after.get(step.id, self.small[step.id])

    def _small(self, step: Step, inputs: dict[str, Step]) -> Step:
        if asks(step):
            return self._asking(step, inputs)
        if step.name == "texts":
            return few_texts(step)
        if step.name == "value":
            return drawn_values(step, inputs["rows"])
        if step.name == "select" and "ratings" in inputs:
            # Of the few rows that the probe rates; what share of them stays is what it tells.
            inputs["rows"] = inputs["ratings"].inputs["rows"]
        if step.name == "select" and step.literals.get("count") is not None and any(
                given.id != step.inputs[name].id for name, given in inputs.items()):
            # Of fewer rows than in the run so many cannot be chosen; `sizes` knows how many are.
            return replace(step, inputs=inputs, literals={**step.literals, "count": None})
        return replace(step, inputs=inputs)

    def _thin(self, step: Step, small: Step) -> None:
        """Have no more of the seeds' own rows go on than stand for those of the run."""
        given = step.inputs["seeds"]
        share = small.literals["samples"] / step.literals["samples"]
        before, self.scale[step.id] = self.scale[given.id], share
        if step.literals["include_seeds"] and small.id != step.id:
            of = self.after.get(given.id, self.small[given.id])
            self.after[step.id] = Step(
                "plan", fewer_seeds, {"share": share / before},
                {"rows": small, "of": of, "used": small.inputs["seeds"]},
                label=f"{step.title}, fewer seeds")

    def _asking(self, step: Step, inputs: dict[str, Step]) -> Step:
        literals, tools = dict(step.literals), dict(step.tools)
        if step.name == "synthesize":
            literals |= smaller(literals, self.size)
        else:
            inputs["rows"] = Step("plan", some_rows, {"count": self.size},
                                  {"rows": inputs["rows"]}, label=f"some rows for {step.title}")
        own = teacher_of(step)
        if own not in self.stands_in:
            at_once = asked_at_once(own)
            tools |= {"open_teacher": registry.opener(at_once), "teacher": at_once}
        else:
            other = self.stands_in[own]
            # Not the name alone: its tokens are counted another way than in a run.
            literals["teacher"] = f"{registry.identity(other)} in a plan, {COUNTING}"
            tools |= {"open_teacher": partial(open_counted, other), "teacher": other}
            if (step.name == "synthesize" and other.startswith(SYMBOLIC)
                    and from_elsewhere(step.inputs["seeds"])):
                inputs["seeds"] = Step("plan", own_world, {"count": WORLD}, label="own problems")
        return replace(step, literals=literals, tools=tools, inputs=inputs)


def smaller(literals: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Return what differs in a `synthesize` of so many rows."""
    samples = literals["samples"]
    rows = min(samples, max(size, 2 * len(literals["methods"])))
    budget = dict(literals.get("budget") or {})
    if budget.get("attempts"):
        budget["attempts"] = max(rows, math.ceil(budget["attempts"] * rows / samples))
    return {"samples": rows, **({"budget": budget} if budget else {})}
