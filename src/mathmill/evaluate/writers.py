"""Who writes answers: the model in this process, or one in each of several, one a GPU.

Why: batches of prompts do not wait for each other, so each process takes every n-th batch of the
very plan that one process would go through. What a batch holds does not depend on how many there
are, and so neither does what is written; answers come back in the order of the plan.

Used as: `with open_writers(bench, name, batches) as writers: writers.tokenizer; for outs in
writers.decode(asks_of_each_batch): ...`, by `evaluate.run`, `evaluate.pool` and `evaluate.rounds`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from mathmill.decoding.generation import Ask, Generated, Written, decode, generate
from mathmill.decoding.models import open_tokenizer
from mathmill.io import write_json
from mathmill.ranks import devices
from mathmill.ranks.launch import Launch
from mathmill.workbench import Workbench

MODULE = "mathmill.evaluate.rank"
WORK, END = "ranks", "end"
AHEAD = 4  # batches that a process is told at once; so many more wait for it
Batch = tuple[Sequence[Sequence[int]], int]
"""Prompts that are answered greedily, and the most tokens of an answer."""


class Writers(Protocol):
    """Whoever writes; answers come batch by batch, in the order given."""

    tokenizer: Any

    def generate(self, batches: Iterable[Batch]) -> Iterator[list[Generated]]:
        """Answer greedily, as `decoding.generation.generate`."""
        ...

    def decode(self, batches: Iterable[Sequence[Ask]]) -> Iterator[list[Written]]:
        """Write as `decoding.generation.decode`."""
        ...


@contextmanager
def open_writers(bench: Workbench, name: str, batches: int) -> Iterator[Writers]:
    """Open the model `name` here, or in as many processes as there are devices and batches.

    Raises what `open_model` does, wherever it is opened; StepFailed where a process died.
    """
    processes = min(devices.wanted(bench.devices), batches)
    folder, settings = bench.out / WORK, bench.out / "ranks.json"
    if processes < 2:
        _clear(folder, settings)  # of an attempt with more
        yield Here(*bench.tools["open_model"](name))
        return
    bench.facts["processes"] = processes  # what they take to start counts as generation
    place = Path(name)
    write_json(settings, {"model": str(place.absolute()) if place.exists() else name,
                          "folder": str(folder.absolute())})
    with Launch(MODULE, settings, processes, folder) as ranks:
        bench.say(f"{processes} processes answer:\n  {ranks.line}")
        yield Several(ranks, folder, processes, open_tokenizer(name))
        (folder / END).touch()
        while not ranks.ended():
            ranks.wait()
    _clear(folder, settings)


def _clear(folder: Path, settings: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    settings.unlink(missing_ok=True)


class Here:
    """The model in this process."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """Take an opened model."""
        self.model, self.tokenizer = model.eval(), tokenizer

    def generate(self, batches: Iterable[Batch]) -> Iterator[list[Generated]]:
        """Answer greedily, a batch when it is asked for."""
        for prompts, limit in batches:
            yield generate(self.model, self.tokenizer, [list(ids) for ids in prompts], limit)

    def decode(self, batches: Iterable[Sequence[Ask]]) -> Iterator[list[Written]]:
        """Write, a batch when it is asked for."""
        for asks in batches:
            yield decode(self.model, self.tokenizer, asks)


class Several:
    """A model in each of several processes, told batches and read through files."""

    def __init__(self, ranks: Launch, folder: Path, processes: int, tokenizer: Any) -> None:
        """Take processes that run `evaluate.rank` in this folder."""
        self.ranks, self.folder, self.processes = ranks, folder, processes
        self.tokenizer = tokenizer
        self._told = 0

    def generate(self, batches: Iterable[Batch]) -> Iterator[list[Generated]]:
        """Answer greedily, some batches ahead of what is asked for."""
        for outs in self._work(["generate", [list(map(list, prompts)), limit]]
                               for prompts, limit in batches):
            yield [Generated(*out) for out in outs]

    def decode(self, batches: Iterable[Sequence[Ask]]) -> Iterator[list[Written]]:
        """Write, some batches ahead of what is asked for."""
        for outs in self._work(["decode", [asdict(ask) for ask in asks]] for asks in batches):
            yield [Written(*out) for out in outs]

    def _work(self, tasks: Iterable[list[Any]]) -> Iterator[list[Any]]:
        source, waiting = iter(tasks), deque[tuple[int, int]]()
        while True:
            while len(waiting) < 2 and (part := list(islice(source, AHEAD * self.processes))):
                waiting.append((self._tell(part), len(part)))
            if not waiting:
                return
            yield from self._read(*waiting.popleft())

    def _tell(self, tasks: Sequence[list[Any]]) -> int:
        """Hand out batches; return the number under which their answers come."""
        number, self._told = self._told, self._told + 1
        aside = self.folder / "telling"
        aside.write_text("".join(json.dumps(task) + "\n" for task in tasks), encoding="utf-8")
        os.replace(aside, tasks_file(self.folder, number))
        return number

    def _read(self, number: int, count: int) -> Iterator[list[Any]]:
        """Yield the answers to batches in their order, as they come."""
        files = [answers_file(self.folder, number, rank) for rank in range(self.processes)]
        for place in range(count):
            yield self._line(files[place % self.processes], place // self.processes)
        for file in files[:count]:
            file.unlink()

    def _line(self, file: Path, place: int) -> list[Any]:
        while True:
            if file.exists():
                with file.open("rb") as lines:
                    found = next(islice(lines, place, None), b"")
                if found.endswith(b"\n"):
                    made: list[Any] = json.loads(found)
                    return made
            self.ranks.ended()  # raises where one died
            self.ranks.wait(0.02)


def tasks_file(folder: Path, number: int) -> Path:
    """Return where batches stand, one a line."""
    return folder / f"tasks-{number:06d}.jsonl"


def answers_file(folder: Path, number: int, rank: int) -> Path:
    """Return where a process writes its answers to them, one batch a line."""
    return folder / f"answers-{number:06d}-{rank:05d}.jsonl"
