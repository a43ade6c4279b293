"""The crew of a Ray cluster: shards as tasks, with Ray's own scheduling, retries and node losses.

Why: one option moves a run to many machines, and what happens to a shard there must be the same
function on the same rows. Ray Core's tasks are all that is taken of Ray: its data engine would
bring other rows to memory, and another way to resume (LOG.md has the figures).

Every node must have the same mathmill, and reach the run's folder under the same path or the
storage of `--shared`.

Used as: `Cluster("auto")`, `Cluster("ray://head:10001")`, by `mapping.Mapper`.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mathmill.errors import MissingExtra, UsageError
from mathmill.execution.actors import OnCluster
from mathmill.execution.crew import Lost
from mathmill.execution.gone import here_or_gone, last_line
from mathmill.execution.part import Job, Result, Task, do
from mathmill.workbench import Actors, Needs

RETRIES = 3  # by Ray itself, of a task whose worker or node died
KNOCK = 5.0  # seconds for a cluster to open its door
CLIENT_PORT = 10001  # of Ray's client, where none is said
AHEAD = 2  # tasks a processor under way: one runs, one is on its way
GLANCE = 5.0  # seconds after which it is looked whether the head is still there
OUTAGE = 40.0  # seconds that it may be away: after 60 Ray ends this process without a word
DEATHS = ("WorkerCrashedError", "OutOfMemoryError", "NodeDiedError")


class Cluster:
    """A Ray cluster that runs already."""

    sure = True

    def __init__(self, address: str) -> None:
        """Connect; raises MissingExtra, or UsageError where no cluster answers."""
        # Under `uv run`, Ray would pack the whole working directory and ship it to each node.
        os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        # When a cluster is gone, the next call would look for another one, for minutes.
        os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
        try:
            import ray
        except ImportError as error:
            raise MissingExtra("ray", "ray") from error
        self._ray, self._own = ray, not ray.is_initialized()
        if self._own:
            try:
                _knock(address)
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
            except Exception as error:  # ConnectionError, RuntimeError, ValueError, RpcError ...
                if "ray[client]" in str(error):
                    raise MissingExtra("ray[client]", "ray") from error
                raise UsageError(_cure(address, error)) from error
        self._remote = ray.remote(_do)
        self._running: dict[Any, Task] = {}
        self._job: tuple[str, Any] = ("", None)
        self._full: set[str] = set()  # nodes that lack something: no shard goes there any more
        # Ray's client sees for itself whether its server is there.
        self._head = "" if "://" in address else str(ray.get_runtime_context().gcs_address)
        self._seen = time.monotonic()  # when the head was there
        self._looked = self._seen

    def slots(self, needs: Needs) -> int:
        """Return what keeps the cluster busy; raises UsageError where it has no such GPUs."""
        there: dict[str, float] = self._ray.cluster_resources()  # type: ignore[no-untyped-call]
        at_most = needs.at_once or AHEAD * max(1, int(there.get("CPU", 1)))
        if needs.gpus:
            gpus = int(there.get("GPU", 0))
            if gpus < needs.gpus:
                raise UsageError(f"this stage asks for {needs.gpus} GPUs at a time, and the "
                                 f"cluster has {gpus}; add nodes that have them")
            at_most = min(at_most, AHEAD * (gpus // needs.gpus))
        return at_most

    def submit(self, job: Job, task: Task) -> None:
        """Hand a task to the cluster; a job travels once, whatever the number of its tasks."""
        name = f"{job.part.__qualname__}: shard {task.shard.number}"
        with here_or_gone():
            if self._job[0] != job.shelf:  # two steps may ask the same of other rows
                self._job = (job.shelf, self._ray.put(job))
            self._running[self._remote.options(
                num_cpus=1, num_gpus=job.gpus, scheduling_strategy="SPREAD", name=name,
                max_retries=0 if task.alone else RETRIES, label_selector=self._elsewhere(),
                ).remote(self._job[1], task)] = task

    def finished(self) -> list[tuple[Task, Result | Exception]]:
        """Wait for tasks to end; raises StepFailed where the cluster is gone."""
        done = self._first(list(self._running))
        return [(self._running.pop(one), self._came(one)) for one in done]

    def actors(self, make: Callable[..., Any],
               each: Callable[[int, bool], Sequence[tuple[Any, ...]]]) -> Actors:
        """Start objects as actors, as many as there are processors."""
        with here_or_gone():
            there: dict[str, float] = self._ray.cluster_resources()  # type: ignore[no-untyped-call]
        given = each(max(1, int(there.get("CPU", 1))), True)
        with here_or_gone():
            return OnCluster(self._ray, make, given, self._first)

    def rest(self) -> None:
        """Do nothing: Ray's workers let go when they do another part, or when the run ends."""

    def close(self) -> None:
        """Cancel what is under way, and leave the cluster."""
        for one in self._running:
            with suppress(Exception):  # a cluster that is gone
                self._ray.cancel(one, force=True)
        self._running.clear()
        if self._own:
            self._ray.shutdown()

    def _first(self, ones: Sequence[Any]) -> list[Any]:
        """Wait for one of some to end; raises StepFailed where the cluster is gone meanwhile."""
        done: list[Any] = []
        with here_or_gone():
            while not done:
                done, _ = self._ray.wait(list(ones), num_returns=1, timeout=GLANCE)
                self._glance()
        return done

    def _came(self, one: Any) -> Result | Exception:
        errors = self._ray.exceptions
        try:
            came: Result
            node, came = self._ray.get(one)
            return replace(came, trouble=self._told(node, came.trouble)) if came.trouble else came
        except errors.RayTaskError as error:  # `do` itself raises nothing: no module there, say
            return UsageError(f"a worker of the cluster cannot do a shard ({last_line(error)}); "
                              "install the same mathmill, and the recipe's own files, on "
                              "every node")
        except (errors.LocalRayletDiedError, errors.RaySystemError) as error:
            with here_or_gone():
                raise error
        except errors.RayError as error:
            how = f"{type(error).__name__}: {last_line(error)}"[:300]
            # Whatever else Ray lacks (a full disk under its objects, say) is no row's fault.
            return Lost(how) if type(error).__name__ in DEATHS else Result(trouble=how)

    def _told(self, node: str, trouble: str) -> str:
        """Return where a machine lacked something; shards go elsewhere from now on."""
        nodes: list[dict[str, Any]] = self._ray.nodes()  # type: ignore[no-untyped-call]
        there = {one["NodeID"]: one["NodeManagerAddress"] for one in nodes if one["Alive"]}
        self._full.add(node)
        if there.keys() <= self._full:
            self._full.clear()  # all of them: each may be tried again
            return f"{trouble}, on node {there.get(node, node)} and every other"
        return f"{trouble}, on node {there.get(node, node)}; it gets no more shards"

    def _elsewhere(self) -> dict[str, str]:
        """Return labels of the nodes that may do a shard."""
        return {"ray.io/node-id": f"!in({','.join(sorted(self._full))})"} if self._full else {}

    def _glance(self) -> None:
        """Raise ConnectionError where the head has been away for too long."""
        now = time.monotonic()
        if not self._head or now - self._looked < GLANCE:
            return
        self._looked = now
        try:
            _knock(self._head)
            self._seen = now
        except OSError as error:
            if now - self._seen >= OUTAGE:
                raise ConnectionError(f"no answer from its head at {self._head}") from error


def _do(job: Job, task: Task) -> tuple[str, Result]:
    """Do a shard; return on which node, and what came of it."""
    import ray

    return ray.get_runtime_context().get_node_id(), do(job, task)


def _knock(address: str) -> None:
    """Raise OSError where nothing listens at an address: Ray itself takes two minutes to say so.

    Where none is named Ray takes `RAY_ADDRESS`, or the file that the last cluster left.
    """
    place = address.removeprefix("ray://")
    if address == "auto":
        from ray._private.services import canonicalize_bootstrap_address

        place = canonicalize_bootstrap_address("auto") or ""
    host, _, port = place.partition("/")[0].rpartition(":")
    with socket.create_connection((host or port, int(port) if host else CLIENT_PORT), KNOCK):
        pass


def _cure(address: str, error: Exception) -> str:
    """Say why a cluster did not answer, and what to do about it."""
    what = f"{type(error).__name__}: {last_line(error)}"[:300]
    if "auth" in what.lower():
        return (f"the Ray cluster refused ({what}); set RAY_AUTH_TOKEN to its token, or "
                "RAY_AUTH_MODE=disabled where it has none")
    if address == "auto":
        return (f"no Ray cluster answers here ({what}); start one with `ray start --head`, after "
                "`ray stop` where an old one was killed, or say --on ray://HOST:10001")
    return (f"the Ray cluster at {address} does not answer ({what}); check the address, and that "
            "its head runs the same Ray and Python")
