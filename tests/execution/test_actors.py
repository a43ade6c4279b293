"""Tests of `execution.actors`: objects that remember, in processes."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest
from tests.execution.actor_kinds import Counter

from mathmill.errors import StepFailed
from mathmill.execution.actors import InTurn, OnCluster, Processes


@pytest.fixture(scope="module")
def counters():
    actors = Processes(Counter, [(0,), (10,)])
    yield actors
    actors.close()


def test_each_keeps_what_it_was_told_in_a_process_of_its_own(counters):
    assert counters.ask("add", 1) == [1, 11]
    assert counters.ask("add", 1) == [2, 12]
    assert counters.ask("add", 5, only=1) == [17]
    assert len({os.getpid(), *counters.ask("pid")}) == 3
    assert all(int(n) >= 1 for row in counters.ask("threads") for n in row)


def test_one_that_dies_is_made_anew_and_says_so_once(counters):
    before = counters.ask("add", 0)
    os.kill(counters.pids()[0], signal.SIGKILL)
    assert counters.ask("add", 3) == [None, before[1] + 3]
    assert counters.ask("add", 1) == [1, before[1] + 4]


def test_what_it_raises_is_raised_here_and_it_goes_on(counters):
    with pytest.raises(ValueError, match="as asked"):
        counters.ask("fail", only=1)
    assert counters.ask("add", 0, only=1)[0] >= 10


def test_one_that_dies_again_and_again_is_one_line(counters):
    start = counters.ask("add", 0, only=1)[0]
    assert counters.ask("die", start, only=1) == [None]
    assert counters.ask("die", 10, only=1) == [None]
    with pytest.raises(StepFailed, match=r"died 3 times \(exit code 3\)"):
        counters.ask("die", 10, only=1)


def test_those_of_this_process_are_asked_in_turn():
    actors = InTurn(Counter, [(0,), (10,)])
    assert actors.ask("add", 2) == [2, 12]
    assert actors.ask("add", 2, only=1) == [14]
    actors.close()


class Gone(Exception):
    """As Ray's `RayActorError`."""


class HeadGone(Exception):
    """As Ray's `RaySystemError`."""


class OneProcessor:
    """As much of Ray as actors need: a machine of one processor, whose first actor's node dies."""

    exceptions = SimpleNamespace(RayActorError=Gone, RaySystemError=HeadGone)

    def __init__(self):
        self.taken = []

    def put(self, value):
        return value

    def remote(self, kind):
        def options(*, num_cpus, **_):
            return SimpleNamespace(remote=lambda make, given: self.start(
                kind(make, given), num_cpus))

        return SimpleNamespace(options=options)

    def start(self, actor, num_cpus):
        self.taken.append(num_cpus)
        number = len(self.taken)
        return SimpleNamespace(ask=SimpleNamespace(
            remote=lambda *asked: (number, actor.ask(*asked))))

    def get(self, came):
        if came[0] == 1:
            raise Gone("The actor died because its node has died.")
        return came[1]


def test_one_whose_node_died_waits_for_no_processor():
    ray = OneProcessor()
    waited = []
    actors = OnCluster(ray, Counter, [(0,), (10,)], waited.extend)
    assert actors.ask("add", 1) == [None, 11]
    assert actors.ask("add", 1) == [1, 12]
    assert ray.taken == [1, 1, 0]
    assert len(waited) == 4, "an answer is not fetched before somebody has looked at the head"


@pytest.mark.parametrize("where", ["put", "get"])
def test_a_cluster_that_is_gone_is_one_line_with_what_to_do(where, monkeypatch):
    ray = OneProcessor()
    actors = OnCluster(ray, Counter, [(0,)], lambda _: None)

    def gone(_):
        raise HeadGone("no answer")

    monkeypatch.setattr(ray, where, gone)
    with pytest.raises(StepFailed, match=r"the Ray cluster is gone \(HeadGone: no answer\)"):
        actors.ask("add", 1)
