"""What goes wrong on a Ray cluster that is no worker's death: full disks, a head that is gone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.execution import shard_parts
from tests.execution.test_mapping import done
from tests.execution.test_ray import cluster, on_ray

from mathmill.execution import local
from mathmill.io import read_rows, rows_in
from mathmill.types import Problem

pytest.importorskip("ray", reason="needs pip install 'mathmill[ray]'")
pytestmark = pytest.mark.slow
__all__ = ["cluster"]


def test_a_node_whose_disk_is_full_gets_no_more_shards_and_the_run_ends(
        cluster, tmp_path: Path) -> None:
    node, said = cluster.add_node(num_cpus=1, env_vars={"ITS_DISK_IS_FULL": "1"}), []
    whole = done(tmp_path / "whole", 0, full="NOWHERE")
    begun = time.monotonic()
    assert done(tmp_path, 2, on_ray(said), full="ITS_DISK_IS_FULL", wait=0.05)[:2] == whole[:2]
    told = [line for line in said if "No space left on device" in line]
    assert 1 <= len(told) <= 3  # what was under way there when the first came back
    assert "it gets no more shards; trying again" in told[0]
    assert time.monotonic() - begun < 60
    cluster.remove_node(node)


DRIVE = """
import sys
from pathlib import Path
from mathmill.errors import StepFailed
from mathmill.execution import local, ray
from tests.execution.shard_parts import recipe
ray.GLANCE, ray.OUTAGE = 0.5, 2.0
if __name__ == "__main__":
    try:
        local.run(recipe(count=100, wait=0.05), Path(sys.argv[1]), on="ray", rows=5)
    except StepFailed as error:
        sys.exit(f"said: {error}")
"""


def test_a_head_that_is_gone_is_told_and_the_same_run_goes_on_here(
        cluster, tmp_path: Path) -> None:
    (tmp_path / "drive.py").write_text(DRIVE)
    shards = "out/steps/*/shards/*/*.json"
    drive = subprocess.Popen([sys.executable, str(tmp_path / "drive.py"), str(tmp_path / "out")],
                             stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob(shards))) < 3:
        assert time.monotonic() < deadline
        assert drive.poll() is None
        time.sleep(0.05)
    cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
    assert "said: the Ray cluster is gone" in drive.communicate(timeout=60)[1]
    left = len(list(tmp_path.glob(shards)))
    last = local.run(shard_parts.recipe(count=100, wait=0.05), tmp_path / "out", jobs=1, rows=5)
    whole = local.run(shard_parts.recipe(count=100), tmp_path / "whole")
    assert 3 <= left < 20
    assert [row.id for row in read_rows(rows_in(last), Problem)] == [
        row.id for row in read_rows(rows_in(whole), Problem)]
