"""What a step took of the machine stands in its manifest: its own time, and its children's."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from mathmill.execution import local
from mathmill.execution.meter import Meter
from mathmill.execution.step import Step
from mathmill.execution.store import Store
from mathmill.workbench import Workbench

BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


def burn(bench: Workbench, *, number: int = 0) -> None:
    exec(BURN)
    bench.kept["rows"] = 0


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", BURN + "print(flush=True)\ninput()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="living children are read from /proc")
def test_children_count_while_they_live_and_when_they_are_gone(child: Any) -> None:
    meter, apart = Meter(), Meter(without=[child.pid])
    child.stdout.readline()
    assert 0.25 < meter.read()["cpu_seconds"] < 1
    assert apart.read()["cpu_seconds"] < 0.1, "it works for somebody else"
    child.communicate(b"\n")
    assert 0.25 < meter.read()["cpu_seconds"] < 1


def test_waiting_costs_nothing() -> None:
    meter = Meter()
    time.sleep(0.2)
    assert meter.read() == {"cpu_seconds": pytest.approx(0, abs=0.1), "device": "cpu", "gpus": 0}


def test_a_gpu_counts_where_something_was_put_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [7, 0]
    cuda = SimpleNamespace(
        is_available=lambda: True, is_initialized=lambda: True, device_count=lambda: 2,
        get_device_name=lambda n: f"GPU {n}",
        memory_stats=lambda n: {"allocation.all.allocated": made[n]} if made[n] else {})
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    meter = Meter()
    assert meter.read()["gpus"] == 0, "what an earlier step put there is not this one's"
    made[1] = 3
    assert meter.read() | {"cpu_seconds": 0} == {"cpu_seconds": 0, "device": "GPU 1", "gpus": 1}


@pytest.mark.parametrize("apart", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_manifest_tells_what_a_step_took(tmp_path: Any, apart: bool) -> None:
    last = Step("burn", burn, apart=apart)
    local.run(last, tmp_path, jobs=1)
    manifest = Store(tmp_path).manifest(last)
    assert manifest is not None
    assert manifest["machine"]["device"] == "cpu"
    assert 0.25 < manifest["machine"]["cpu_seconds"] < 2
