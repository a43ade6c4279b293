"""How many machine hours a step of a plan will take, and whence that is known.

In this order: what the step took, where it is done; what a step of its kind took in the run's
folder (same verb, same base model, same training), by its rows; what JiuZhang3.0 told of its 7B
models on A100, by rows, where the base is a model of the hub; else it is not told. A small model
on processor cores says nothing of a large one on GPUs, so the second asks for the same base, and
the third is not taken for a model of mathmill's own making.

Used as: `Hours.of(steps, store, hour).times(step_id)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mathmill.accounting import SELECTION, SYNTHESIS, TRAINING, Time, Work, rows_of
from mathmill.accounting.lines import CORE, DIGITS
from mathmill.accounting.published import GPU, JIUZHANG, ROWS, VALUED
from mathmill.io import read_json

HOUR = 3600  # seconds
HEAVY = ("synthesize", "train", "value")
OURS = ("embedded:", "pretrain", "")
TOLD: Mapping[str, int] = {SELECTION: VALUED, SYNTHESIS: ROWS, TRAINING: ROWS}
"Rows to which the hours that the paper told of a part belong."


@dataclass(frozen=True)
class Known:
    """A step, planned or done, as far as its hours are asked for."""

    work: Work
    "Its place in the chain."
    literals: Mapping[str, Any]
    "What decides it."
    manifest: Mapping[str, Any] | None = None
    "What it came to, where it is done."

    @property
    def measured(self) -> Time | None:
        """Return what it took, None where it is not done or nobody measured."""
        took = (self.manifest or {}).get("machine") or {}
        if self.manifest is None or "cpu_seconds" not in took:
            return None
        if took.get("gpus"):
            return Time.held(str(took["device"]), self.manifest["seconds"] / HOUR,
                             int(took["gpus"]))
        return Time(CORE, round(took["cpu_seconds"] / HOUR, DIGITS))


@dataclass(frozen=True)
class Hours:
    """The steps of a recipe and those that its folder holds."""

    known: Mapping[str, Known]
    "All of them by id."
    hour: Callable[[str], int | None]
    "Picodollars of an hour of a device."

    def times(self, step: str, part: str) -> tuple[Time, ...]:
        """Return the hours of a step of the recipe; none where it takes none that count."""
        this = self.known[step]
        if this.work.verb not in HEAVY or (this.work.verb == "synthesize"
                                           and "teacher" not in this.work.inputs):
            return ()
        done = this.measured
        found = (self._priced(done, "measured: it is done") if done is not None else
                 self._by_others(this) or self._as_told(this, part))
        return (found,)

    def rows(self, step: str) -> float:
        """Return the rows of a step that writes any, or of those that it learns from."""
        this = self.known[step]
        if this.work.verb != "synthesize":
            works = {name: known.work for name, known in self.known.items()}
            return sum(self.rows(each) for each in dict.fromkeys(rows_of(this.work, works)))
        came = this.manifest["tally"]["facts"].get("accepted") if this.manifest else None
        return float(this.literals["samples"] if came is None else came)

    def base(self, step: str) -> str:
        """Return the name of the model from which a step's model was made."""
        this = self.known.get(step)
        if this is None:
            return ""
        if this.work.verb == "train" and this.literals.get("base"):
            return str(this.literals["base"])
        ahead = {"synthesize": "teacher", "value": "reference"}.get(this.work.verb, "base")
        return (self.base(this.work.inputs[ahead]) if ahead in this.work.inputs
                else this.work.verb)

    def _by_others(self, this: Known) -> Time | None:
        """Return the hours by the largest step of the same kind that was measured here."""
        alike = [(self.rows(other.work.id), other, time) for other in self.known.values()
                 if (time := other.measured) is not None and self._kind(other) == self._kind(this)]
        if not alike:
            return None
        rows, other, time = max(alike, key=lambda each: each[0])
        wanted = self.rows(this.work.id)
        if time.hours is None or not rows or not wanted:
            return None
        note = f"as {other.work.name}: {time.hours:g} h"
        if _counted_in_steps(this):
            return self._priced(Time(time.device, time.hours), f"{note}, as many steps")
        hours = round(time.hours * wanted / rows, DIGITS)
        return self._priced(Time(time.device, hours), f"{note} x {wanted:,.0f} / {rows:,.0f} rows")

    def _kind(self, this: Known) -> tuple[Any, ...]:
        told = this.literals
        same = {"train": ("stages", "lora", "batch_size"), "value": ("by", "dimension")}
        return (this.work.verb, self.base(this.work.id),
                *(repr(told.get(name)) for name in same.get(this.work.verb, ())))

    def _as_told(self, this: Known, part: str) -> Time:
        """Return the hours that the paper told, by rows; untold for what it did not tell."""
        base, rows = self.base(this.work.id), self.rows(this.work.id)
        if part not in TOLD or base in OURS or (part == SELECTION and this.work.verb != "value"):
            # The paper's hours of selection may hold the reference's training: it does not say.
            return Time(GPU if base not in OURS else CORE, None)
        told = next(line for line in JIUZHANG.lines if line.part == part).times[0]
        assert told.hours is not None
        return self._priced(Time(GPU, round(told.hours * rows / TOLD[part], DIGITS)),
                            f"the paper's {told.hours:g} h x {rows:,.0f} / {TOLD[part]:,} rows")

    def _priced(self, time: Time, note: str) -> Time:
        return Time(time.device, time.hours, time.wall, time.devices, self.hour(time.device), note)


def _counted_in_steps(this: Known) -> bool:
    stages = this.literals.get("stages") or ()
    return bool(stages) and all(stage.get("steps") is not None for stage in stages)


def done_in(home: Any) -> Iterator[Known]:
    """Yield the finished steps of a run's folder."""
    for path in sorted(home.glob("steps/*/manifest.json")):
        manifest = read_json(path)
        inputs = {name: str(given["id"]) for name, given in manifest["inputs"].items()}
        yield Known(Work(manifest["id"], manifest["name"], manifest["label"], inputs),
                    manifest["literals"], manifest)
