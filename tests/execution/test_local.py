"""Steps are done once, resumed after a kill, and never mixed up by two runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing.util import Finalize
from pathlib import Path

import pytest

from mathmill.errors import BusyDirectory, StepFailed
from mathmill.execution import local
from mathmill.execution.step import Step
from mathmill.execution.store import Store
from mathmill.io import read_json, read_rows
from mathmill.types import Drop, Problem, make_problem
from mathmill.workbench import Workbench


def make(bench: Workbench, *, count: int) -> None:
    log(bench, "make")
    bench.facts["rows_in"] = count
    bench.keep([make_problem(f"What is {n} + 1?", answer=str(n + 1)) for n in range(count)],
               Problem)


def halve(bench: Workbench, *, word: str = "") -> None:
    log(bench, "halve")
    rows = list(bench.rows("rows", Problem))
    bench.facts["rows_in"] = len(rows)
    for row in rows[::2]:
        bench.drop(Drop(row.id, "even"))
    bench.keep(rows[1::2], Problem)


def lose(bench: Workbench) -> None:
    bench.facts["rows_in"] = 3
    bench.keep([], Problem)


def refuse(bench: Workbench) -> None:
    raise StepFailed("nothing was accepted; give more seeds")


def die_once(bench: Workbench, *, number: int = 0) -> None:
    mark = bench.out / "died"
    if not mark.exists():
        mark.write_text("x")
        os.kill(os.getpid(), signal.SIGKILL)
    bench.keep([make_problem(f"Who lives? {number}")], Problem)


def hold(bench: Workbench) -> None:
    Finalize(None, (bench.home / "given back").touch, exitpriority=1)
    bench.keep([make_problem("What is held?")], Problem)


def join(bench: Workbench) -> None:
    bench.keep([row for name in sorted(bench.inputs) for row in bench.rows(name, Problem)],
               Problem)


def log(bench: Workbench, word: str) -> None:
    with (bench.home / "log").open("a") as file:
        file.write(word + "\n")


def recipe(count: int = 6, word: str = "", apart: bool = False) -> Step:
    made = Step("make", make, {"count": count})
    return Step("halve", halve, {"word": word}, {"rows": made}, apart=apart)


def test_a_recipe_runs_its_steps_in_order_and_keeps_their_rows(tmp_path: Path) -> None:
    folder = local.run(recipe(), tmp_path)
    assert len(list(read_rows(folder / "rows.parquet", Problem))) == 3
    manifest = read_json(folder / "manifest.json")
    assert manifest["tally"] == {"kept": {"rows": 3}, "dropped": {"even": 3},
                                 "facts": {"rows_in": 6}}
    assert manifest["inputs"]["rows"]["folder"].startswith("steps/make-")


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    assert local.run(recipe(), tmp_path) == local.run(recipe(), tmp_path)
    assert (tmp_path / "log").read_text().split() == ["make", "halve"]


def test_a_changed_literal_makes_a_new_step_and_says_which(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    local.run(recipe(word="a"), tmp_path)
    local.run(recipe(word="b"), tmp_path)
    assert (tmp_path / "log").read_text().split() == ["make", "halve", "halve"]
    assert "halve: new, because word: a -> b" in capsys.readouterr().err


def test_a_new_label_is_not_a_new_step(tmp_path: Path) -> None:
    local.run(Step("make", make, {"count": 2}, label="one"), tmp_path)
    local.run(Step("make", make, {"count": 2}, label="two"), tmp_path)
    assert (tmp_path / "log").read_text().split() == ["make"]


def test_a_step_whose_rows_vanish_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="3 rows came in, but 0 kept"):
        local.run(Step("lose", lose), tmp_path)


def test_what_was_finished_before_a_failure_stays(tmp_path: Path) -> None:
    made = Step("make", make, {"count": 2})
    with pytest.raises(StepFailed, match="give more seeds"):
        local.run(Step("refuse", refuse, inputs={"rows": made}), tmp_path)
    assert Store(tmp_path).manifest(made) is not None


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path).locked(), pytest.raises(BusyDirectory, match="another run holds"):
        local.run(recipe(), tmp_path)


def test_state_shows_what_is_done_without_running(tmp_path: Path) -> None:
    assert [m for _, m in local.state(recipe(), tmp_path)] == [None, None]
    assert not tmp_path.joinpath("log").exists()
    local.run(recipe(), tmp_path)
    assert all(m is not None for _, m in local.state(recipe(), tmp_path))


def test_literals_must_be_json() -> None:
    with pytest.raises(TypeError):
        Step("make", make, {"count": object()})


def test_heavy_steps_run_in_processes_of_their_own_with_the_same_rows(tmp_path: Path) -> None:
    here = local.run(recipe(), tmp_path / "here")
    apart = local.run(recipe(apart=True), tmp_path / "apart", jobs=2)
    rows = [list(read_rows(folder / "rows.parquet", Problem)) for folder in (here, apart)]
    assert rows[0] == rows[1]


def test_a_killed_worker_costs_its_step_one_more_try(tmp_path: Path) -> None:
    folder = local.run(Step("die", die_once, apart=True), tmp_path, jobs=1)
    assert next(read_rows(folder / "rows.parquet", Problem)).question == "Who lives? 0"


def test_workers_that_are_done_give_back_what_they_hold(tmp_path: Path) -> None:
    local.run(Step("hold", hold, apart=True), tmp_path, jobs=1)
    assert (tmp_path / "given back").exists(), "killed, it leaves the locks of libraries behind"


@pytest.mark.slow
def test_workers_that_die_side_by_side_are_all_replaced(tmp_path: Path) -> None:
    steps = {f"s{n}": Step("die", die_once, {"number": n}, apart=True) for n in range(2)}
    folder = local.run(Step("join", join, inputs=steps), tmp_path, jobs=2)
    assert [row.question for row in read_rows(folder / "rows.parquet", Problem)] == [
        f"Who lives? {n}" for n in range(2)]


def alive(pid: int) -> bool:
    # A dead worker that nobody has reaped yet is still listed, as a zombie.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")


SLOW = """
import sys, time; sys.path.insert(0, {source!r})
from pathlib import Path
from mathmill.execution import local
from mathmill.execution.step import Step
sys.path.insert(0, {here!r})
import slow_steps
local.run(slow_steps.recipe(), Path({out!r}), jobs=2)
"""
SLOW_STEPS = """
import os, time
from mathmill.execution.step import Step
from mathmill.types import Problem, make_problem
def slow(bench, *, number):
    (bench.home / f"pid{number}").write_text(str(os.getpid()))
    time.sleep(0.6)
    bench.keep([make_problem(f"q{number}")], Problem)
def recipe():
    steps = [Step("slow", slow, {"number": n}, apart=True) for n in range(4)]
    return Step("slow", slow, {"number": 9}, {f"s{n}": s for n, s in enumerate(steps)})
"""


@pytest.mark.slow
def test_a_killed_parent_takes_its_workers_along_and_the_same_command_goes_on(
        tmp_path: Path) -> None:
    (tmp_path / "slow_steps.py").write_text(SLOW_STEPS)
    source = str(Path(__file__).resolve().parents[2] / "src")
    script = tmp_path / "go.py"
    script.write_text("if __name__ == '__main__':\n" + "\n".join(
        "    " + line for line in SLOW.format(source=source, here=str(tmp_path),
                                              out=str(tmp_path / "run")).splitlines()))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([source, str(tmp_path)])}
    process = subprocess.Popen([sys.executable, str(script)], env=env)
    deadline = time.monotonic() + 20
    while not list((tmp_path / "run").glob("pid*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(0.8)
    for mark in (tmp_path / "run").glob("pid*"):
        assert not alive(int(mark.read_text()))
    subprocess.run([sys.executable, str(script)], env=env, check=True, timeout=60)
    assert len(list((tmp_path / "run" / "steps").glob("*/manifest.json"))) == 5
