"""The line that starts ranks, and whose death is told where several died."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.ranks import devices, launch
from mathmill.ranks.launch import Launch, birth, line
from mathmill.workbench import Devices


def test_the_line_for_one_machine_and_for_two_can_be_copied() -> None:
    settings = Path("/runs/my run/ranks.json")
    assert line("mathmill.train.sft.rank", settings, 8) == (
        "torchrun --standalone --nproc-per-node 8 -m mathmill.train.sft.rank "
        "'/runs/my run/ranks.json'")
    assert line("m", Path("/r.json"), 8, nodes=2, name="train-1") == (
        "torchrun --nnodes 2 --rdzv-backend c10d --rdzv-endpoint HOST:29400 --rdzv-id train-1 "
        "--nproc-per-node 8 -m m /r.json")


def failed(folder: Path, *ranks: tuple[int, float, str]) -> StepFailed:
    """Return what is told of ranks that ended with (exit code, when, what they said last)."""
    launch = Launch("m", folder / "settings.json", len(ranks), folder)
    for rank, (_, _, words) in enumerate(ranks):
        log = folder / "logs" / "none_x" / "attempt_0" / str(rank) / "stderr.log"
        log.parent.mkdir(parents=True)
        log.write_text(words, encoding="utf-8")
    (folder / "failed.json").write_text(json.dumps([
        {"rank": rank, "local": rank, "exitcode": code, "at": at}
        for rank, (code, at, _) in enumerate(ranks) if code]), encoding="utf-8")
    error: Any = launch._failure()
    return error


LOST = "RuntimeError: [../gloo/transport/tcp/pair.cc] Connection closed by peer [127.0.0.1]:4"


@pytest.mark.parametrize(("ranks", "says"), [
    ([(1, 1.0, LOST), (-9, 2.0, "a\nb\n\nc\nd\n")],
     r"rank 1 of 2 was killed by SIGKILL \(often: out of memory\), .* last lines: b \| c \| d;"),
    ([(1, 1.0, LOST), (1, 2.0, "Traceback\n  x\nOSError: no\n")],
     r"rank 1 of 2 ended with exit code 1, .* last lines: Traceback \| x \| OSError: no;"),
    ([(1, 1.0, "first"), (1, 2.0, "then")], "rank 0 of 2 ended .* last lines: first;"),
    ([(0, 0.0, ""), (-11, 1.0, "")], r"rank 1 of 2 was killed by SIGSEGV, .* lines: \(none\);")])
def test_of_several_dead_ranks_the_one_that_died_of_itself_is_told_in_one_line(
        tmp_path: Path, ranks: list[tuple[int, float, str]], says: str) -> None:
    error = failed(tmp_path, *ranks)
    assert isinstance(error, StepFailed)
    with pytest.raises(StepFailed, match=says):
        raise error
    assert "\n" not in str(error)
    assert str(error).endswith("give the same command again: it goes on from what is finished")


def test_what_a_rank_asks_the_user_to_mend_comes_up_as_it_was_said(tmp_path: Path) -> None:
    (tmp_path / "error-00001.json").write_text(
        json.dumps({"kind": "InputError", "line": "x: holds no model; give one"}), "utf-8")
    error = Launch("m", tmp_path / "s.json", 2, tmp_path)._failure()
    assert type(error) is InputError
    assert str(error) == "x: holds no model; give one"


def test_torchrun_that_cannot_start_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "agent.log").write_text("No module named torch\n", encoding="utf-8")
    assert str(Launch("m", tmp_path / "s.json", 2, tmp_path)._failure()) == (
        "torchrun itself ended: No module named torch")


def test_a_process_that_cannot_be_told_from_another_of_its_number_is_not_killed(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "birth", lambda pid: "")  # as where there is no /proc
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as other:
        launch._kill(other.pid, "")
        assert other.poll() is None
        other.communicate(b"\n")
    assert other.returncode == 0


GB = 10**9


@pytest.mark.parametrize(("asked", "weights", "processes", "room", "split"), [
    (None, 7 * GB, 8, 80 * GB, True),  # 112 GB of weights, gradients and moments
    (None, 1 * GB, 8, 80 * GB, False),
    (None, 7 * GB, 1, 80 * GB, False),  # nobody to share with
    (None, 7 * GB, 8, None, False),  # CPUs
    (True, 1, 2, None, True), (False, 70 * GB, 8, 80 * GB, False)])
def test_a_model_is_split_where_one_gpu_cannot_hold_it_or_as_the_user_says(
        asked: bool | None, weights: int, processes: int, room: int | None, split: bool) -> None:
    assert devices.split(Devices(shard=asked), weights, processes, room) is split


@pytest.mark.parametrize(("asked", "there", "wanted"), [
    (None, 0, 1), (None, 8, 8), (2, 0, 2), (2, 8, 2), (1, 8, 1)])
def test_as_many_processes_as_gpus_unless_told(
        monkeypatch: pytest.MonkeyPatch, asked: int | None, there: int, wanted: int) -> None:
    monkeypatch.setattr(devices, "gpus", lambda: there)
    assert devices.wanted(Devices(asked)) == wanted


def test_one_process_is_one_without_a_look_at_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look takes the seconds in which torch is imported."""
    monkeypatch.setattr(devices, "gpus", lambda: pytest.fail("it looked"))
    assert devices.wanted(Devices(1)) == 1


def test_more_processes_than_gpus_and_none_at_all_are_refused(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpus", lambda: 2)
    with pytest.raises(UsageError, match="--processes 4: this machine has 2 GPUs; give at most"):
        devices.wanted(Devices(4))
    with pytest.raises(UsageError, match="--processes 0: give a number of at least 1"):
        Devices(0)
    with pytest.raises(UsageError, match="--nodes -1: give a number of at least 1"):
        Devices(nodes=-1)


def start(folder: Path, do: str) -> Launch:
    (folder / "signs").mkdir()
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"signs": str(folder / "signs"), "do": do}), "utf-8")
    return Launch("stub_rank", settings, 2, folder / "ranks")


def wait_for(what: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def signs(folder: Path) -> list[str]:
    return sorted(sign.name for sign in (folder / "signs").iterdir())


def pids_of(folder: Path) -> list[int]:
    return [int(one.name) for one in (folder / "ranks" / "pids").iterdir()]


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(
        [str(Path(__file__).parent), str(Path(devices.__file__).parents[2])]))


def interrupted(folder: Path) -> None:
    with start(folder, "stay") as ranks:
        wait_for(lambda: len(signs(folder)) == 2 or ranks.ended())
        assert all(map(birth, pids_of(folder)))
        raise KeyboardInterrupt


@pytest.mark.slow
def test_ranks_end_well_or_say_what_is_to_be_mended_and_ctrl_c_ends_them_all(
        tmp_path: Path, importable: None) -> None:
    for name in ("end", "refuse", "stay"):
        (tmp_path / name).mkdir()
    with start(tmp_path / "end", "end") as ranks:
        wait_for(ranks.ended)
    assert signs(tmp_path / "end") == ["0 of 2", "1 of 2"]
    with (pytest.raises(UsageError, match=r"^no such thing; give another$"),
          start(tmp_path / "refuse", "refuse") as ranks):
        wait_for(ranks.ended)
    assert not any(map(birth, pids_of(tmp_path / "refuse")))
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "stay")
    assert not any(map(birth, pids_of(tmp_path / "stay")))


PARENT = """
import sys, time
from pathlib import Path
from mathmill.ranks.launch import Launch
with Launch("stub_rank", Path(sys.argv[1]) / "settings.json", 2, Path(sys.argv[1]) / "ranks"):
    time.sleep(600)
"""


@pytest.mark.slow
def test_ranks_do_not_outlive_whoever_started_them(tmp_path: Path, importable: None) -> None:
    start(tmp_path, "stay")
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
    try:
        wait_for(lambda: len(signs(tmp_path)) == 2)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(map(birth, pids_of(tmp_path))), seconds=20)
