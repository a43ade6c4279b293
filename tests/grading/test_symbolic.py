"""The symbolic tier: its verdicts on known pairs, and what it does when its workers die."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from clocks import quiet
from mathmill.grading.policy import TOLERANT
from mathmill.grading.symbolic import client, close, settle
from processes import runs

CASES = [json.loads(line) for line in (Path(__file__).resolve().parents[1] / "cases"
                                       / "symbolic.jsonl").read_text("utf-8").splitlines()]
HANGS = r"\int_0^{\infty} \frac{\sin(x)}{x^3+x+1} dx"
installed = pytest.mark.skipif(importlib.util.find_spec("math_verify") is None,
                               reason="needs math-verify: pip install 'mathmill[grade]'")


@pytest.fixture(autouse=True, scope="module")
def _closed() -> Iterator[None]:
    yield
    close()


def worker_pids() -> list[tuple[int, int]]:
    """Return supervisor and worker of every pair of processes that runs."""
    pool = client._pool()
    return [(worker.process.pid, worker.child) for worker in pool.workers if worker.process]


def zombies() -> list[str]:
    """Return the dead children of this process that nobody has waited for."""
    text = subprocess.run(["ps", "-o", "stat=,comm=", "--ppid", str(os.getpid())],
                          capture_output=True, text=True, check=False).stdout
    return [line for line in text.splitlines() if line.startswith("Z")]


@installed
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['gold']}~{c['answer']}")
def test_the_verdict_on_a_pair_is_the_right_one_both_ways(case: dict[str, str]) -> None:
    assert settle(case["gold"], case["answer"]).value == case["verdict"], case["about"]
    assert settle(case["answer"], case["gold"]).value == case["verdict"], "not symmetric"


@installed
def test_the_order_of_a_bare_list_counts_where_the_policy_says_so() -> None:
    ordered = replace(TOLERANT, ordered_lists=True)
    assert settle(r"\sqrt{2}, 3", r"3, \sqrt{2}").value == "correct"
    assert settle(r"\sqrt{2}, 3", r"3, \sqrt{2}", ordered).value == "wrong"


@installed
def test_a_relative_difference_is_overlooked_where_the_policy_says_so() -> None:
    near = replace(TOLERANT, relative=0.01)
    assert settle(r"\sqrt{2}", "1.41").value == "wrong"
    assert settle(r"\sqrt{2}", "1.41", near).value == "correct"


@pytest.mark.slow
@installed
def test_a_pair_that_hangs_is_a_time_out_and_the_next_one_is_answered() -> None:
    settle("x", "y")
    supervisors = {supervisor for supervisor, _ in worker_pids()}
    start = quiet()
    assert settle(HANGS, "1").how == "time-out"
    assert quiet() - start < 3
    start = quiet()
    assert settle(r"\sqrt{12}", r"2\sqrt{3}").value == "correct"
    assert quiet() - start < 1.5
    assert {supervisor for supervisor, _ in worker_pids()} <= supervisors, (
        "the worker should be forked, not imported anew")


SLOW = pytest.mark.slow  # each new supervisor imports the algebra system: a second and more


@pytest.mark.slow
@installed
@pytest.mark.parametrize("who", ["worker", pytest.param("supervisor", marks=SLOW)])
def test_processes_killed_in_the_middle_of_a_pair_leave_it_undecided(who: str) -> None:
    settle("x", "y")
    before = {pair for pair in worker_pids() if pair[1]}
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(settle, HANGS, "1")
        time.sleep(0.4)
        for supervisor, worker in before:
            os.kill(worker if who == "worker" else supervisor, signal.SIGKILL)
        verdict = asked.result(timeout=20)
    assert verdict.value == "undecided"
    assert verdict.how in ("time-out", "crashed")
    assert settle(r"\sqrt{12}", r"2\sqrt{3}").value == "correct"
    assert not zombies()


@SLOW
@installed
def test_a_worker_retires_after_its_share_and_no_pair_is_lost(
        monkeypatch: pytest.MonkeyPatch) -> None:
    close()
    monkeypatch.setattr(client, "_CODE", client._CODE.replace(
        "import main;", "import main; import mathmill.grading.symbolic.worker as w; w.SERVED = 3;"))
    assert [settle("x+1", f"x+{n}").value for n in range(1, 12)] == ["correct"] + ["wrong"] * 10
    close()


@SLOW
@installed
def test_a_worker_out_of_memory_says_so_or_dies_but_never_judges(
        monkeypatch: pytest.MonkeyPatch) -> None:
    close()
    monkeypatch.setattr(client, "_CODE", client._CODE.replace(
        "import main;", "import main; import mathmill.grading.symbolic.worker as w; "
                        "w.MEMORY = 1 << 20;"))
    verdict = settle(r"\begin{pmatrix}" + "&".join("1234567890" * 3) + r"\end{pmatrix}",
                     "^".join("xy") + "+".join(f"a_{{{n}}}" for n in range(60)))
    close()
    assert verdict.value == "undecided"
    assert verdict.how.startswith(("memory", "crashed"))


@pytest.mark.slow
@installed
def test_many_threads_share_the_workers() -> None:
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda n: settle(rf"\sqrt{{{n * n}}}+x", f"{n}+x").value,
                                 range(2, 80)))
    assert set(found) == {"correct"}
    assert len(worker_pids()) <= (os.cpu_count() or 1)


@installed
def test_async_code_may_ask_in_threads() -> None:
    async def both() -> list[str]:
        found = await asyncio.gather(*(asyncio.to_thread(settle, "x+1", f"x+{n}")
                                       for n in range(1, 9)))
        return [verdict.value for verdict in found]
    assert asyncio.run(both()) == ["correct"] + ["wrong"] * 7


@SLOW
@installed
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_caller_starts_workers_of_its_own_and_leaves_ours() -> None:
    settle("x", "y")
    ours = worker_pids()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        theirs = pool.starmap(settle, [(r"\sqrt{12}", r"2\sqrt{3}")] * 4)
    assert [verdict.value for verdict in theirs] == ["correct"] * 4
    assert settle(r"\sqrt{12}", r"2\sqrt{3}").value == "correct"
    assert set(ours) == set(worker_pids())


@SLOW
@installed
def test_nothing_is_left_when_the_caller_ends(tmp_path: Path) -> None:
    code = ("from mathmill.grading.symbolic import client, settle\n"
            "print(settle('x+1', '1+x').value)\n"
            "print(*[pid for w in client._pool().workers if w.process "
            "for pid in (w.process.pid, w.child)])\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=tmp_path, timeout=60)
    value, pids = done.stdout.splitlines()
    assert value == "correct"
    assert done.stderr == ""
    assert all(_gone(int(pid)) for pid in pids.split())


def _gone(pid: int, patience: float = 5.0) -> bool:
    """Tell whether a process ends soon (a zombie that its new parent has not met counts)."""
    ends = time.monotonic() + patience
    while time.monotonic() < ends:
        if not runs(pid):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def killed() -> list[str]:
    """Return what a caller said that asked one pair, told of itself and was killed."""
    code = ("import os, signal, sys; from mathmill.grading.symbolic import client, settle\n"
            "settle('x', 'y')\n"
            # Not ru_maxrss: Linux hands a process that of whoever started it.
            "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) // 1024)\n"
            "print(*{name.split('.')[0] for name in sys.modules})\n"
            "print(*[pid for w in client._pool().workers if w.process "
            "for pid in (w.process.pid, w.child)], flush=True)\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n")
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          check=False).stdout.splitlines()


def test_asking_loads_no_algebra_into_the_caller(killed: list[str]) -> None:
    size, loaded = killed[:2]
    assert not {"sympy", "mpmath", "math_verify", "numpy", "pyarrow"} & set(loaded.split())
    assert int(size) < 60


@installed
def test_workers_end_when_their_caller_is_killed(killed: list[str]) -> None:
    pids = killed[2].split()
    assert pids
    assert all(_gone(int(pid)) for pid in pids)


@SLOW
@installed
def test_ctrl_c_stops_the_caller_without_a_word_from_the_workers(tmp_path: Path) -> None:
    code = ("import signal\nfrom mathmill.grading.symbolic import settle\n"
            # A shell starts what runs in the background with Ctrl-C ignored, and tests with it.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\nsettle('x', 'y')\n"
            f"try:\n    print('ready', flush=True)\n    settle({HANGS!r}, '1')\n"
            "except KeyboardInterrupt:\n"
            "    print(settle('x+1', '1+x').value, flush=True)\n")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE, cwd=tmp_path, start_new_session=True) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "ready\n"
        time.sleep(0.3)
        os.killpg(caller.pid, signal.SIGINT)
        said, noise = caller.communicate(timeout=30)
    assert said == "correct\n"
    assert noise == ""


def test_without_math_verify_the_verdict_names_the_install_command(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_installed", lambda: False)
    verdict = settle("x", "y")
    assert (verdict.value, verdict.how) == (
        "undecided", "needs algebra; pip install 'mathmill[grade]'")


@installed
def test_the_tolerances_of_the_policy_count() -> None:
    pair = r"\int_0^1 x^2\,dx", "0.34"
    assert settle(*pair).value == "wrong"
    assert settle(*pair, replace(TOLERANT, absolute=0.01)).value == "correct"
    assert settle(*pair, replace(TOLERANT, relative=0.03)).value == "correct"


@installed
def test_a_thread_at_work_while_workers_are_closed_gets_a_verdict() -> None:
    settle("x", "y")
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(settle(HANGS, "1").value))
    thread.start()
    time.sleep(0.2)
    close()
    thread.join(timeout=20)
    assert found == ["undecided"]
    assert not zombies()


@installed
@pytest.mark.parametrize("who", [
    pytest.param(who, marks=SLOW) for who in ("worker", "supervisor", "both")])
def test_processes_killed_while_idle_are_replaced(who: str) -> None:
    settle("x", "y")
    for supervisor, worker in worker_pids():
        for pid in {"worker": [worker], "supervisor": [supervisor],
                    "both": [supervisor, worker]}[who]:
            if pid:
                os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    assert settle(r"\sqrt{12}", r"2\sqrt{3}").value == "correct"
    assert not zombies()


def test_a_worker_that_does_not_start_is_left_alone_for_a_while(
        monkeypatch: pytest.MonkeyPatch) -> None:
    close()
    starts: list[int] = []

    class Broken(client._Worker):
        def _ready(self) -> bool:
            starts.append(1)
            return False

    monkeypatch.setattr(client, "_installed", lambda: True)
    monkeypatch.setattr(client, "_Worker", Broken)
    try:
        assert [settle("x", "y").how for _ in range(5)] == [client.DOWN] * 5
        assert len(starts) == 1
    finally:
        close()
