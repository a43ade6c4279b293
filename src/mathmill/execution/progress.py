"""Progress that people can read: a live line on a terminal, plain lines in a log.

Why: work that takes minutes must show how far it is, how fast, and how long it will take;
in a log file a line every few seconds is kind, a redraw is not.

Used by the runner: `with Progress() as progress: progress.start(key, title); ...`.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.text import Text

SECONDS_BETWEEN_LINES = 10.0
RECENT = 60.0  # seconds that decide the rate shown


@dataclass
class _Task:
    title: str
    begun: float
    done: int = 0
    total: int | None = None
    words: str = ""
    said: float = 0.0
    marks: deque[tuple[float, int]] = field(default_factory=deque)  # (when, done), one a second

    def rate(self, now: float) -> float:
        """Return how much is done a second, over the last minute: what was found goes faster."""
        since, before = self.marks[0] if self.marks else (self.begun, 0)
        return (self.done - before) / max(now - since, 1e-9)

    def mark(self, now: float) -> None:
        """Note how much is done, once a second, and forget what is older than a minute."""
        if not self.marks:
            self.marks.append((self.begun, 0))
        if now - self.marks[-1][0] >= 1:
            self.marks.append((now, self.done))
            while len(self.marks) > 2 and now - self.marks[0][0] > RECENT:
                self.marks.popleft()


@dataclass
class Progress:
    """Shows the steps that are running now."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    "Where to write."
    tasks: dict[str, _Task] = field(default_factory=dict)
    "Running steps by key."

    def __enter__(self) -> Progress:
        """Start the live display where there is a terminal."""
        self._live = None
        if self.stream.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self.stream)
            self._live = Live(console=console, refresh_per_second=4, transient=True,
                              get_renderable=self._table)
            self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Stop the live display."""
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        """Print one lasting line."""
        if self._live is not None:
            self._live.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=self.stream, flush=True)

    def start(self, key: str, title: str) -> None:
        """Begin to show a step."""
        self.tasks[key] = _Task(title, time.monotonic(), said=time.monotonic())

    def show(self, key: str, done: int, total: int | None, words: str = "") -> None:
        """Note how far a step is; prints a line now and then where there is no terminal."""
        task = self.tasks.get(key)
        if task is None:
            return
        now = time.monotonic()
        if done < task.done:  # it counts something else now
            task.marks.clear()
            task.marks.append((now, done))
        task.done, task.total, task.words = done, total, words
        task.mark(now)
        if self._live is None and now - task.said >= SECONDS_BETWEEN_LINES:
            task.said = now
            self.say(f"  {self._line(task)}")

    def finish(self, key: str) -> None:
        """Stop showing a step."""
        self.tasks.pop(key, None)

    def _table(self) -> Text:
        from rich.text import Text

        return Text("\n".join(f"  {self._line(task)}" for task in self.tasks.values()))

    def _line(self, task: _Task) -> str:
        now = time.monotonic()
        spent = now - task.begun
        text = f"{task.title}: {task.done:,}"
        if task.total:
            text += f" of {task.total:,}"
        if task.done and spent > 1:
            rate = task.rate(now)
            text += f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.2g}/s"
            if task.total and task.total > task.done and rate:
                text += f", {clock((task.total - task.done) / rate)} left"
        return f"{text}, {clock(spent)} so far {task.words}".rstrip()


def clock(seconds: float) -> str:
    """Return a duration as people say it: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
