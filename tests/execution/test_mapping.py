"""Parts on shards give the rows of the whole, whoever does them and whatever dies meanwhile."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.execution import shard_parts
from tests.execution.shard_parts import loud, problems

from mathmill.errors import StepFailed, UsageError
from mathmill.execution import local, mapping, part, workers
from mathmill.execution.crew import Here, Lost, crew_at
from mathmill.execution.mapping import Mapper
from mathmill.execution.part import Job
from mathmill.execution.pool import Pool
from mathmill.io import read_json, read_rows, rows_in, write_rows
from mathmill.types import Drop, Problem
from mathmill.workbench import Needs, Workbench


def done(out: Path, rows: int, mapper: Mapper | None = None, count: int = 100, **literals: Any
         ) -> tuple[list[Problem], list[Drop], dict[str, Any]]:
    source = out / "in"
    if not source.exists():
        write_rows(source / "rows.parquet", problems(count), Problem)
    if mapper is not None:
        mapper.rows = rows
    bench = Workbench(out / "out", inputs={"rows": source}, mapper=mapper)
    loud(bench, **literals)
    if mapper is not None:
        mapper.close()
    tally = bench.close()
    return (list(read_rows(rows_in(out / "out"), Problem)),
            list(read_rows(rows_in(out / "out", "drops"), Drop)), tally)


def here() -> Mapper:
    return Mapper(Here, lambda text: None)


def pool(workers: int = 2, said: list[str] | None = None) -> Mapper:
    return Mapper(lambda: Pool(workers), (said if said is not None else []).append)


@pytest.mark.parametrize("rows", [1, 7, 50, 100, 1000])
def test_rows_drops_and_facts_are_those_of_the_whole(tmp_path: Path, rows: int) -> None:
    whole = done(tmp_path / "whole", 0)
    sharded = done(tmp_path / "shards", rows, here())
    assert sharded == whole
    assert len(whole[0]) == 80


def test_a_single_shard_is_a_file_and_more_are_a_folder(tmp_path: Path) -> None:
    done(tmp_path / "one", 100, here())
    done(tmp_path / "two", 50, here())
    assert rows_in(tmp_path / "one" / "out").name == "rows.parquet"
    assert [file.name for file in sorted(rows_in(tmp_path / "two" / "out").iterdir())] == [
        "000000.parquet", "000001.parquet"]


def test_one_bad_row_is_one_reject_with_its_content(tmp_path: Path) -> None:
    rows, drops, tally = done(tmp_path, 40, here(), bad=[13, 66])
    assert len(rows) == 78
    poisonous = [drop for drop in drops if drop.reason == "poisonous row"]
    assert [json.loads(drop.row)["question"] for drop in poisonous] == [
        "What is 13 + 1?", "What is 66 + 1?"]
    assert "ValueError: 13 cannot be shouted (shard_parts.py:" in poisonous[0].detail
    assert tally["facts"] == {"rows_in": 100, "poisonous": 2}
    assert [row.id for row in rows] == [
        row.id for n, row in enumerate(problems(100)) if n % 5 and n not in (13, 66)]


def test_what_all_shards_need_is_made_once_from_inputs_that_are_whole(tmp_path: Path) -> None:
    assert unlisted(tmp_path, here()) == problems(30)[20:]
    assert (tmp_path / "log").read_text() == "read\n"


@pytest.mark.slow
def test_steps_that_ask_the_same_of_other_inputs_are_not_taken_for_each_other(
        tmp_path: Path) -> None:
    mapper, log = pool(1), tmp_path / "log"
    for listed in (20, 10):
        assert unlisted(tmp_path / str(listed), mapper, listed, log) == problems(30)[listed:]
    mapper.close()


def unlisted(out: Path, mapper: Mapper, listed: int = 20, log: Path | None = None
             ) -> list[Problem]:
    inputs = {"rows": out / "in", "list": out / "list"}
    for folder, rows in ((inputs["rows"], problems(30)), (inputs["list"], problems(listed))):
        write_rows(folder / "rows.parquet", rows, Problem)
    mapper.rows = 7
    bench = Workbench(out / "out", inputs=inputs, mapper=mapper)
    bench.map(shard_parts.unlisted, {"log": str(log or out / "log")}, merge=shard_parts.merged)
    assert bench.close()["dropped"] == {"listed": listed}
    return list(read_rows(rows_in(out / "out"), Problem))


def test_a_run_killed_while_it_gathered_goes_on(tmp_path: Path) -> None:
    first = done(tmp_path, 100, here())
    [shard] = (tmp_path / "out" / "shards").glob("*/*.rows.parquet")
    os.link(shard, tmp_path / "out" / "rows.writing")
    assert done(tmp_path, 100, here()) == first
    assert not (tmp_path / "out" / "rows.writing").exists()


def test_a_shard_that_the_run_itself_does_leaves_its_collector_as_it_is(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "_spared", 0)
    before = gc.get_threshold(), gc.get_freeze_count()
    done(tmp_path, 50, here())
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


class Stillborn(Here):
    """Its workers die at once."""

    def submit(self, job: Job, task: part.Task) -> None:
        self._over.append((task, Lost("exit code 1")))


def test_where_workers_die_without_a_row_no_row_is_accused(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(StepFailed, match="before they have a row"):
        done(tmp_path, 20, Mapper(Stillborn, said.append))
    assert not any("dropped" in line for line in said)


def test_a_part_that_fails_everywhere_is_its_own_fault(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)shard 0 as a whole.*cannot be shouted"):
        done(tmp_path, 50, here(), bad=list(range(100)))


def test_finished_shards_are_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                            ) -> None:
    log = tmp_path / "log"
    monkeypatch.setattr(mapping, "gathered", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        done(tmp_path, 10, here(), log=str(log))
    monkeypatch.undo()
    gone = sorted((tmp_path / "out" / "shards").glob("*/*.json"))[3]
    gone.unlink()
    rows, *_ = done(tmp_path, 10, here(), log=str(log))
    assert len(rows) == 80
    assert Counter(log.read_text().split()[1::2])["35"] == 2
    assert len(log.read_text().splitlines()) == 110


def test_shards_of_other_settings_are_not_taken_for_these(tmp_path: Path) -> None:
    done(tmp_path, 10, here())
    rows, *_ = done(tmp_path, 10, here(), bad=[3])
    assert len(rows) == 79


def test_a_disk_that_is_full_now_and_then_is_tried_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mathmill.execution.shelf import Shelf

    left, commit = [1], Shelf.commit

    def full(*given: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError(28, "No space left on device")
        return commit(*given)

    monkeypatch.setattr(Shelf, "commit", full)
    assert len(done(tmp_path, 10, here())[0]) == 80
    left[0] = 99
    with pytest.raises(StepFailed, match="No space left on device"):
        done(tmp_path / "again", 10, here())


def test_who_does_the_shards_is_told_by_a_word() -> None:
    with pytest.raises(UsageError, match="--on mars: say local, ray"):
        crew_at("mars", 2)
    with pytest.raises(UsageError, match="asks for 64 GPUs at a time"):
        Pool(2).slots(Needs(gpus=64))
    assert Pool(4).slots(Needs(at_once=2)) == 2


@pytest.mark.parametrize(("shards", "each"), [(1, 8), (2, 4), (3, 2), (100, 2)])
def test_few_shards_have_several_cores_each(monkeypatch: pytest.MonkeyPatch, shards: int,
                                            each: int) -> None:
    monkeypatch.setattr(workers, "cores", lambda: 8)
    job = Job("key", shard_parts.shout, {}, {}, {}, "rows", "shelf", shards=shards)
    assert Pool(4)._cores(job) == each


@pytest.mark.slow
def test_a_killed_worker_costs_no_more_than_the_shards_under_way(tmp_path: Path) -> None:
    log, said = tmp_path / "log", []
    whole = done(tmp_path / "whole", 0)
    found = done(tmp_path, 10, pool(2, said), log=str(log), once=str(tmp_path / "died"))
    assert found == whole
    assert 100 < len(log.read_text().splitlines()) <= 100 + 2 * 10
    assert any("its worker died" in line for line in said)


@pytest.mark.slow
def test_workers_that_are_killed_leave_no_temporary_files(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)  # looks for it anew
    mapper = pool()
    mapper.shared = f"file://{tmp_path}/shared"  # of which each worker fetches whole inputs
    assert unlisted(tmp_path, mapper) == problems(30)[20:]
    mapper.close()
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.slow
def test_a_row_that_kills_its_worker_is_found_and_dropped(tmp_path: Path) -> None:
    said: list[str] = []
    rows, drops, _ = done(tmp_path, 20, pool(2, said), count=60, deadly=[33])
    assert len(rows) == 47
    [drop] = [drop for drop in drops if drop.reason == "poisonous row"]
    assert drop.detail == "kills its worker: killed, or it crashed"
    assert json.loads(drop.row)["question"] == "What is 33 + 1?"
    assert "row 33 kills the worker that does it (killed, or it crashed); dropped" in said


DRIVER = """
import sys
from pathlib import Path
from mathmill.execution import local
from tests.execution.shard_parts import recipe
if __name__ == "__main__":
    local.run(recipe(log=sys.argv[2], wait=0.01), Path(sys.argv[1]), jobs=2, rows=10)
"""


@pytest.mark.slow
def test_a_killed_driver_costs_no_more_and_the_same_command_goes_on(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    script, log, run = tmp_path / "go.py", tmp_path / "log", tmp_path / "run"
    script.write_text(DRIVER)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (root, root / "src")))}
    command = [sys.executable, str(script), str(run), str(log)]
    process = subprocess.Popen(command, env=env)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and len(list(run.glob("steps/*/shards/*/*.json"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.7)  # its workers notice
    begun = len(log.read_text().splitlines())
    assert 30 <= begun < 100
    subprocess.run(command, env=env, check=True, timeout=60)
    assert len(log.read_text().splitlines()) <= 100 + 2 * 10
    [folder] = run.glob("steps/loud-*")
    assert read_json(folder / "manifest.json")["tally"]["kept"] == {"rows": 80}
    assert not (folder / "shards").exists()
    assert list(read_rows(rows_in(folder), Problem)) == done(tmp_path / "whole", 0)[0]


def test_a_run_does_shards_and_later_steps_read_them(tmp_path: Path) -> None:
    folder = local.run(shard_parts.recipe(), tmp_path)
    assert read_json(folder / "manifest.json")["tally"]["kept"] == {"rows": 80}
    assert not (folder / "shards").exists()
