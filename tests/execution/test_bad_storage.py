"""What a machine lacks is no row's fault: tried again, told in a line, nothing left behind."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.execution.test_mapping import done, here

from mathmill.errors import MissingExtra, StepFailed, UsageError
from mathmill.execution import shards
from mathmill.execution.crew import Here, crew_at
from mathmill.execution.mapping import Mapper
from mathmill.execution.shelf import Shelf

fsspec = pytest.importorskip("fsspec", reason="needs pip install 'mathmill[s3]'")


class Gone(Exception):
    """What a storage's own packages raise: no OSError."""


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the storage `memory:`, whose calls of a name fail `left[name]` times."""
    from fsspec.implementations.memory import MemoryFileSystem

    left: dict[str, int] = {}

    def failing(name: str) -> Any:
        whole = getattr(MemoryFileSystem, name)

        def call(*given: Any, **more: Any) -> Any:
            if left.get(name, 0):
                left[name] -= 1
                raise Gone(f"no answer to {name}")
            return whole(*given, **more)
        return call

    for name in ("_open", "put_file", "pipe_file", "get_file", "find"):
        monkeypatch.setattr(MemoryFileSystem, name, failing(name))
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    return left


def on_memory() -> Mapper:
    mapper = here()
    mapper.shared = "memory://mill"
    return mapper


def test_storage_that_fails_now_and_then_costs_no_row(
        tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, opened, left = done(tmp_path / "whole", 10, here()), shards.opened, [2]

    def torn(place: str) -> Any:
        if "000003.in.parquet" in place and left[0]:
            left[0] -= 1
            raise Gone("no answer")
        return opened(place)

    monkeypatch.setattr(shards, "opened", torn)
    memory["pipe_file"] = 2
    assert done(tmp_path, 10, on_memory()) == whole
    assert left == [0]


@pytest.mark.parametrize("name", ["_open", "put_file", "pipe_file", "get_file", "find"])
def test_storage_that_is_gone_is_told(tmp_path: Path, memory: Any, name: str) -> None:
    memory[name] = 999
    with pytest.raises(StepFailed, match=f"memory://mill.*Gone: no answer to {name}.*finished "
                                         "shards stay"):
        done(tmp_path, 10, on_memory())
    memory.clear()
    assert len(done(tmp_path, 10, on_memory())[0]) == 80


def test_storage_that_takes_nothing_is_told_before_the_start(memory: Any) -> None:
    on_memory().check()
    memory["pipe_file"] = 1
    with pytest.raises(UsageError, match=r"--shared memory://mill/.* give storage that is"):
        on_memory().check()


def test_a_full_disk_is_found_at_once_and_what_was_begun_is_taken_away(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, create = [], Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if self.name.startswith(".0000") and len(list(self.parent.glob("*.json"))) == 3:
            tried.append(self.name)
            create(self, content[:9])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return create(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StepFailed, match=r"shard 3 failed 3 times .*No space left on device"):
        done(tmp_path, 10, here())
    assert len(tried) == 3
    [shelf] = (tmp_path / "out/shards").iterdir()
    assert len(list(shelf.iterdir())) == 3 * 3  # rows, drops and manifest of each shard
    assert len(Shelf(str(shelf)).manifests()) == 3
    monkeypatch.undo()
    assert len(done(tmp_path, 10, here())[0]) == 80


def test_workers_may_be_in_another_folder(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(Here):
        def submit(self, job: Any, task: Any) -> None:
            here = os.getcwd()
            os.chdir("/")
            super().submit(job, task)
            os.chdir(here)

    monkeypatch.chdir(tmp_path)
    whole = done(Path("whole"), 0)
    assert done(Path("shards"), 10, Mapper(Elsewhere, lambda text: None)) == whole


def test_without_ray_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for where in ("ray", "ray://head"):
        with pytest.raises(MissingExtra, match=r"pip install 'mathmill\[ray\]'"):
            crew_at(where, 2)()
