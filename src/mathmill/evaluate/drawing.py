"""Which samples are drawn, in which batches, and the journal of what was written.

Why: half a million samples take hours, so what a killed attempt wrote is read back; and no
list of them may stand in memory, so the plan is worked out as it is gone through and what was
written stays on disk.

Used by `evaluate.pool`: `plan = Plan(lengths, draws(48, [0.5, 0.7], True), 256)`; `with
Journal(path) as journal: journal.add(label, plan, number, responses, seconds)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mathmill.errors import InputError
from mathmill.io import append_line


@dataclass(frozen=True, slots=True)
class Draw:
    """One of the samples that every problem gets from a model."""

    temperature: float
    "0 is greedy."
    number: int
    "Among those of the same temperature, from 0."


@dataclass(frozen=True, slots=True)
class Response:
    """What a model wrote for one draw of one problem."""

    text: str
    "As written, without line ends around it."
    tokens: int
    "The end token not counted."
    finish: str
    "`stop` or `length`."
    logprob: float | None
    "Summed over the tokens, at temperature 1."


Row = tuple[int, Draw]
"""Place of a problem, and which of its samples."""


def draws(n: int, temperatures: Sequence[float], greedy: bool) -> list[Draw]:
    """Return the greedy draw, if wanted, and `n` dealt out evenly over the temperatures."""
    shares = [n // len(temperatures) + (place < n % len(temperatures))
              for place in range(len(temperatures))]
    return [Draw(0.0, 0)] * greedy + [Draw(float(temperature), number) for temperature, share
                                      in zip(temperatures, shares, strict=True)
                                      for number in range(share)]


@dataclass(frozen=True, slots=True)
class Plan:
    """The batches of one model: whole problems of like length, as many as fit."""

    lengths: Sequence[int]
    "Tokens of each problem's prompt."
    wanted: Sequence[Draw]
    "What each problem gets."
    batch: int
    "Most rows of a batch; the draws of one problem may take several."

    @property
    def problems(self) -> int:
        """Problems that go together."""
        return max(1, self.batch // len(self.wanted))

    def __iter__(self) -> Iterator[list[Row]]:
        """Yield the batches: longest prompts first, a problem's draws side by side."""
        order = sorted(range(len(self.lengths)), key=lambda place: (-self.lengths[place], place))
        for start in range(0, len(order), self.problems):
            rows = [(place, draw) for place in order[start:start + self.problems]
                    for draw in self.wanted]
            yield from (rows[at:at + self.batch] for at in range(0, len(rows), self.batch))


@dataclass(slots=True)
class Made:
    """What one model has written so far."""

    batches: int = 0
    "Batches, always the first ones of its plan."
    samples: int = 0
    "Samples in them."
    tokens: int = 0
    "Tokens written."
    cut: int = 0
    "Samples that were cut off."
    seconds: float = 0.0
    "Wall time of writing them, over all attempts."


@dataclass
class Journal:
    """The batches on disk, one a line; a context manager. A torn last line is cut off."""

    path: Path
    "Where they stand."
    made: dict[str, Made] = field(default_factory=dict)
    "By the model's label."
    plans: dict[str, Plan] = field(default_factory=dict)
    "By the model's label."
    _file: IO[str] | None = None

    def __enter__(self) -> Journal:
        whole = 0
        if self.path.exists():
            with self.path.open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    whole += len(line)
                    self._count(*json.loads(line))
            with self.path.open("r+b") as file:
                file.truncate(whole)
        self._file = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        self._file.close()

    @property
    def samples(self) -> int:
        """Samples that all models have written."""
        return sum(made.samples for made in self.made.values())

    def start(self, label: str, plan: Plan) -> int:
        """Take a model's plan; return how many of its batches are there."""
        self.plans[label] = plan
        return self.made.setdefault(label, Made()).batches

    def add(self, label: str, number: int, outs: Sequence[Response], seconds: float) -> None:
        """Write one batch, the next of its plan, before anything uses it."""
        line: list[Any] = [label, number, round(seconds, 4),
                           [[out.text, out.tokens, out.finish, out.logprob] for out in outs]]
        assert self._file is not None
        append_line(self._file, json.dumps(line))
        self._count(*line)

    def read(self, label: str, together: int) -> Iterator[tuple[list[Row], list[Response]]]:
        """Yield a model's samples with what each is, about so many at a time."""
        rows: list[Row] = []
        outs: list[Response] = []
        plan = iter(self.plans[label])
        with self.path.open("rb") as file:
            for line in file:
                who, number, _, written = json.loads(line)
                if who != label:
                    continue
                planned = next(plan, [])
                if len(planned) != len(written):
                    raise InputError(self.path, f"batch {number} of {label} is of another plan",
                                     "delete the folder of this step")
                rows += planned
                outs += [Response(*out) for out in written]
                if len(rows) >= together:
                    yield rows, outs
                    rows, outs = [], []
        if rows:
            yield rows, outs

    def _count(self, label: str, number: int, seconds: float,
               written: Sequence[Sequence[object]]) -> None:
        made = self.made.setdefault(label, Made())
        assert number == made.batches, f"batch {number} of {label} follows {made.batches - 1}"
        made.batches += 1
        made.samples += len(written)
        made.tokens += sum(int(str(out[1])) for out in written)
        made.cut += sum(out[2] == "length" for out in written)
        made.seconds += seconds
