"""Shards on a Ray cluster of two nodes, one of them killed: the run ends, with the same rows."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.execution import shard_parts
from tests.execution.shard_parts import problems
from tests.execution.test_mapping import done, unlisted

from mathmill.errors import UsageError
from mathmill.execution import local
from mathmill.execution.crew import crew_at
from mathmill.execution.mapping import Mapper
from mathmill.execution.step import in_order
from mathmill.io import read_json, read_rows, rows_in
from mathmill.types import Drop, Problem
from mathmill.workbench import Needs
from mathmill_recipes import demo, scaling_sweep

pytest.importorskip("ray", reason="needs pip install 'mathmill[ray]'")
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    with pytest.MonkeyPatch.context() as patch:
        root = Path(__file__).resolve().parents[2]
        patch.setenv("PYTHONPATH", f"{root}:{root / 'src'}")
        patch.setenv("RAY_AUTH_TOKEN", "0" * 32)  # else Ray writes one to the home folder
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        port = free_port()
        for chance in (2, 1, 0):  # Ray gives a node 30 s to start, which a busy machine may pass
            try:
                nodes = Cluster(initialize_head=True, head_node_args={
                    "num_cpus": 1, "include_dashboard": False, "ray_client_server_port": port})
                break
            except Exception:
                if not chance:
                    raise
        patch.setenv("RAY_ADDRESS", nodes.address)
        nodes.client_port = port
        yield nodes
        nodes.shutdown()


def on_ray(said: list[str]) -> Mapper:
    return Mapper(crew_at("ray", 2), said.append, always=True)


def test_a_node_killed_in_the_middle_changes_no_row(cluster, tmp_path: Path) -> None:
    whole = done(tmp_path / "whole", 0, count=300)
    node, log = cluster.add_node(num_cpus=1), tmp_path / "log"
    at_the_kill: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = list((tmp_path / "out").glob("shards/*/*.json"))
            if len(found) >= 8:
                node.all_processes["raylet"][0].process.kill()
                at_the_kill.append(len(found))
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    found = done(tmp_path, 10, on_ray([]), count=300, log=str(log), wait=0.02)
    killer.join()
    assert 8 <= at_the_kill[0] < 25
    assert found == whole
    lines = [line.split() for line in log.read_text().splitlines()]
    assert len({pid for pid, _ in lines}) >= 2  # both nodes had a part in it
    assert 300 <= len(lines) <= 300 + 2 * 10 * 2


def test_steps_that_ask_the_same_of_other_inputs_are_not_taken_for_each_other(
        cluster, tmp_path: Path) -> None:
    mapper, log = on_ray([]), tmp_path / "log"
    for listed in (20, 10):
        assert unlisted(tmp_path / str(listed), mapper, listed, log) == problems(30)[listed:]
    mapper.close()


def steps_of(run: Path) -> dict[str, object]:
    """Return what each step of a run kept and dropped, by its id."""
    found = {}
    for manifest in (run / "steps").glob("*/manifest.json"):
        told, folder = read_json(manifest), manifest.parent
        tables = {name: pq.read_table(rows_in(folder, name)).to_pylist()
                  for name in (*told["tally"]["kept"], "drops")}
        found[told["id"]] = (told["name"], told["tally"]["kept"], told["tally"]["dropped"], tables)
    return found


def test_a_node_killed_in_the_middle_of_the_demo_changes_no_row_of_any_step(
        cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "TEST", "symbolic:count=20,seed=2")
    monkeypatch.setattr(demo, "SCORING", {"max_new_tokens": 16, "batch": 64})
    monkeypatch.setattr(demo, "Stage", partial(demo.Stage, steps=2))  # an epoch takes 5 s
    monkeypatch.setattr(demo, "EPOCHS", 0.5)
    monkeypatch.setattr(demo, "FIXED_STEPS", 1)
    monkeypatch.setattr(scaling_sweep, "halvings", lambda rows: [rows >> n for n in (4, 3, 2, 1)])
    recipe = demo.recipe(samples=96, seeds="symbolic:count=60,seed=1", teacher="symbolic:")
    local.run(recipe, tmp_path / "here", jobs=2)
    node, at_the_kill = cluster.add_node(num_cpus=1), []

    def kill() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not at_the_kill:
            done = list(tmp_path.glob("there/steps/verify-*/shards/*/*.json"))
            if len(done) >= 8:
                node.all_processes["raylet"][0].process.kill()
                at_the_kill.append(len(done))
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    last = local.run(recipe, tmp_path / "there", jobs=2, on="ray", rows=2)
    killer.join()
    assert (last / "report.html").exists()
    assert 8 <= at_the_kill[0] < 60
    here, there = steps_of(tmp_path / "here"), steps_of(tmp_path / "there")
    assert here.keys() == there.keys() == {step.id for step in in_order(recipe)}
    assert here == there
    for name in ("verify", "select", "decontaminate"):
        [rows] = tmp_path.glob(f"there/steps/{name}-*/rows")
        assert len(list(rows.glob("*.parquet"))) > 40, name


def test_a_row_that_kills_its_worker_is_found_on_a_cluster_too(
        cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathmill.execution.ray.RETRIES", 0)  # each costs a worker's start
    said: list[str] = []
    rows, drops, _ = done(tmp_path, 4, on_ray(said), count=8, deadly=[6])
    assert len(rows) == 5
    assert [drop.reason for drop in drops] == ["fifth", "fifth", "poisonous row"]
    assert any(line.startswith("row 6 kills the worker that does it") for line in said)


def test_a_run_on_ray_gives_the_rows_of_one_here(cluster, tmp_path: Path) -> None:
    here = local.run(shard_parts.recipe(bad=[7]), tmp_path / "here")
    there = local.run(shard_parts.recipe(bad=[7]), tmp_path / "there", on="ray")
    for name, record in (("rows", Problem), ("drops", Drop)):
        rows = [list(read_rows(rows_in(folder, name), record)) for folder in (here, there)]
        assert rows[0] == rows[1]
    tallies = [read_json(folder / "manifest.json")["tally"] for folder in (here, there)]
    assert tallies[0] == tallies[1]


def test_gpus_that_a_cluster_has_not_are_told(cluster) -> None:
    crew = crew_at("ray", 2)()
    with pytest.raises(UsageError, match="asks for 2 GPUs at a time, and the cluster has 0"):
        crew.slots(Needs(gpus=2))
    assert crew.slots(Needs(at_once=1)) == 1
    crew.close()


CLIENT = """
import sys
from pathlib import Path
from mathmill.execution import local
from tests.execution.shard_parts import recipe
if __name__ == "__main__":
    local.run(recipe(bad=[7]), Path(sys.argv[1]), on=sys.argv[2])
"""


def test_a_run_by_ray_client_gives_the_same_rows(cluster, tmp_path: Path) -> None:
    script = tmp_path / "go.py"
    script.write_text(CLIENT)
    env = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    subprocess.run([sys.executable, str(script), str(tmp_path / "there"),
                    f"ray://127.0.0.1:{cluster.client_port}"], env=env, check=True, timeout=90)
    here = local.run(shard_parts.recipe(bad=[7]), tmp_path / "here")
    [there] = (tmp_path / "there" / "steps").glob("loud-*")
    assert list(read_rows(rows_in(there), Problem)) == list(read_rows(rows_in(here), Problem))


@pytest.mark.parametrize(("address", "where", "says"), [
    ("127.0.0.1:1", "ray", "no Ray cluster answers here"),
    ("", "ray://127.0.0.1:1", "the Ray cluster at ray://127.0.0.1:1 does not answer")])
def test_a_cluster_that_does_not_answer_is_told_at_once(
        address: str, where: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    begun = time.monotonic()
    with pytest.raises(UsageError, match=says):
        crew_at(where, 2)()
    assert time.monotonic() - begun < 10
