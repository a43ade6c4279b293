"""The same choice from points that lie in worker processes, or in actors of a Ray cluster."""

from __future__ import annotations

import importlib
import os
import signal

import numpy as np
import pytest
from tests.execution import test_ray
from tests.stages.select.coreset.test_greedy import texture

from mathmill.execution.actors import Processes
from mathmill.execution.crew import crew_at
from mathmill.stages.select.coreset import covering, k_center, two_round
from mathmill.stages.select.coreset.greedy import shares
from mathmill.stages.select.coreset.points import opened
from mathmill.stages.select.coreset.rounds import Picker, spans

cluster = test_ray.cluster
N, K = 3_000, 400


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("points") / "points.npy"
    np.save(path, texture(N, 32, 8))
    return path


def test_two_processes_choose_what_one_does_even_if_one_of_them_dies(path):
    points, said = opened(path), []
    actors = Processes(Picker, [(path, *share) for share in shares(N, 2)])

    def kill_once(done, total, words):
        said.append(done)
        if done > 100 and len(said) > 3 and actors is not None and not killed:
            killed.append(actors.pids()[1])
            os.kill(killed[0], signal.SIGKILL)

    killed: list[int] = []
    try:
        assert k_center(points, K, 3, parts=actors, show=kill_once) == k_center(points, K, 3)
        assert killed
        assert actors.pids()[1] not in killed
    finally:
        actors.close()


@pytest.mark.slow
def test_actors_of_a_cluster_choose_what_one_process_does_even_if_one_dies(cluster, path):
    pytest.importorskip("ray", reason="needs pip install 'mathmill[ray]'")
    cluster.add_node(num_cpus=1)
    points, crew = opened(path), crew_at("ray", 2)()
    seen: list[tuple[int, bool]] = []

    def each(workers, apart):
        seen.append((workers, apart))
        return [(np.array(points[start:stop]), 0, None, start) for start, stop in spans(
            N, 4, workers)]

    actors = crew.actors(Picker, each)
    said: list[int] = []

    def kill_once(done, total, words):
        said.append(done)
        if len(said) == 3:
            importlib.import_module("ray").kill(actors._began[0])

    try:
        assert seen == [(2, True)]
        assert k_center(points, K, 3, parts=actors, show=kill_once) == k_center(points, K, 3)
        chosen = two_round(points, K, 4, 3)
        assert two_round(points, K, 4, 3, parts=actors) == chosen
        assert covering(points, chosen, parts=actors) == covering(points, chosen)
    finally:
        actors.close()
        crew.close()
