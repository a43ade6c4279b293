"""What a training says of itself while it runs: measures, progress, when a checkpoint is due.

Why: a training may go through several stages with one optimiser, and a measure must tell of one
stage alone; so the end of each stage is measured, whatever the pause between measures.

Used as: `recorder = Recorder([Span(1, tokens_of_each_step, steps_a_pass)], show, 60.0)`, by
`train.sft`; `recorder.line(step, loss, rate)` and `saver(recorder, every)` by `train.trainer`.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

MEASURES_FILE = "measures.json"  # written last into a checkpoint: it is whole if this is there
MEASURES = 40  # lines a training leaves in the metrics, at most about
SAVES_SHARE = 20  # times as long as a checkpoint took to write passes before the next, at least


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of a training's metrics."""

    stage: int
    "Number of the stage, from 1."
    step: int
    "Optimiser steps done in this stage."
    epoch: float
    "Passes done over the stage's rows."
    loss: float
    "Mean loss in nats an answer token since the line before."
    learning_rate: float
    "Rate of the first parameter group at this step."
    tokens: int
    "Tokens read in this stage, padding not counted."
    tokens_per_second: float
    "Pace since the line before; wall time, so it differs from run to run."


@dataclass(frozen=True, slots=True)
class Span:
    """One stage's part of a training."""

    stage: int
    "Its number, from 1."
    read: Sequence[int]
    "Tokens of each of its steps."
    steps_a_pass: float
    "Optimiser steps of one pass over its rows."


class Recorder:
    """Keeps a training's measures, shows progress, and asks for a checkpoint now and then."""

    def __init__(self, spans: Sequence[Span], show: Callable[[int, int, str], None],
                 save_seconds: float, keep: Callable[[int], None] = lambda step: None) -> None:
        """Take the stages in order, how often (seconds) to save, and what keeps a model.

        `keep(step)` is called after every step, before a checkpoint of it is written.
        """
        self.keep = keep
        self.spans, self.show, self.save_seconds = spans, show, save_seconds
        self.pause = save_seconds
        self.total = [0]
        self.ends: list[int] = []  # of each stage its last step, counted through all of them
        for span in spans:
            for tokens in span.read:
                self.total.append(self.total[-1] + tokens)
            self.ends.append(len(self.total) - 1)
        self.measures: list[Measure] = []
        self.saved = self.said = time.time()
        self.said_step = 0

    def line(self, step: int, loss: float, rate: float) -> None:
        """Keep one measure."""
        now = time.time()
        pace = (self.total[step] - self.total[self.said_step]) / max(now - self.said, 1e-9)
        self.said, self.said_step = now, step
        place = bisect_left(self.ends, step)
        span, before = self.spans[place], self.ends[place - 1] if place else 0
        self.measures.append(Measure(
            span.stage, step - before, round((step - before) / span.steps_a_pass, 3), loss, rate,
            self.total[step] - self.total[before], round(pace, 1)))
        self.show(step, len(self.total) - 1,
                  f"steps of stage {span.stage}, loss {loss:.3f}, {pace:,.0f} tokens/s")

    def resume(self, measures: Sequence[Measure], step: int) -> None:
        """Take back the measures of a training that was killed after so many steps."""
        self.measures, self.said_step = list(measures), step

    def due(self) -> bool:
        """Say whether it is time for a checkpoint."""
        return time.time() - self.saved >= self.pause

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Write a checkpoint within; the clock starts anew.

        A large model takes its time to be written: that is to be a small part of all of it
        (but for a pause of 0, which asks for every checkpoint there may be).
        """
        begun = time.time()
        yield
        self.saved = time.time()
        if self.save_seconds:
            self.pause = max(self.save_seconds, SAVES_SHARE * (self.saved - begun))


def saver(recorder: Recorder, every: int, agreed: Callable[[bool], int] = bool) -> Any:
    """Return the callback that keeps measures and asks for checkpoints at logged steps.

    `agreed(flag)`: what all processes of a training do where this one would do `flag`.
    """
    from transformers import TrainerCallback

    class Saver(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                recorder.line(state.global_step, logs["loss"], logs["learning_rate"])

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            recorder.keep(state.global_step)
            ends = state.global_step in recorder.ends
            control.should_log = control.should_log or ends
            # At logged steps only: the running loss is then empty, so that a resumed run
            # logs the very numbers of an undisturbed one.
            if (ends or state.global_step % every == 0) and state.global_step < state.max_steps:
                control.should_save = control.should_save or bool(agreed(recorder.due()))
            return control

    return Saver()
