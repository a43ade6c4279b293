"""Objects that live in workers and keep what they hold between questions: processes, or on Ray.

Why: shards (`mapping`) suit work that is done once and written down. A choice among points that
lie in parts asks every part thousands of times, and each must remember; so a part is an object
in a worker process, or an actor of the cluster, and is asked by the name of a method. One whose
worker dies is made anew from what it was made of, and knows nothing since: that is told by None
in place of its answer, and the asker says what it needs to hear again.

Used as: `actors = crew.actors(Part, each)`; `answers = actors.ask("step", rows)`;
`actors.close()`.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from mathmill.errors import StepFailed
from mathmill.execution import workers as processes
from mathmill.execution.gone import here_or_gone

DEATHS = 3  # of one actor: it is killed by what it does
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class InTurn:
    """Objects of this process, asked one after the other."""

    def __init__(self, make: Callable[..., Any], each: Sequence[tuple[Any, ...]]) -> None:
        """Make one object of each of the arguments."""
        self._held = [make(*given) for given in each]

    def ask(self, method: str, *given: Any, only: int | None = None) -> list[Any]:
        """Return what each answers; see `workbench.Actors`."""
        asked = self._held if only is None else [self._held[only]]
        return [getattr(one, method)(*given) for one in asked]

    def close(self) -> None:
        """There is nothing to stop."""
        self._held.clear()


class Processes:
    """Objects in worker processes of this machine, one each."""

    def __init__(self, make: Callable[..., Any], each: Sequence[tuple[Any, ...]]) -> None:
        """Start them all."""
        self._make, self._each = make, list(each)
        self._deaths = [0] * len(self._each)
        self._began = [self._begin(at) for at in range(len(self._each))]

    def ask(self, method: str, *given: Any, only: int | None = None) -> list[Any]:
        """Return what each answers; see `workbench.Actors`."""
        asked = range(len(self._each)) if only is None else [only]
        question = pickle.dumps((method, given), pickle.HIGHEST_PROTOCOL)
        for at in asked:
            with suppress(OSError):  # a dead one is found out when it is to answer
                self._began[at][1].send_bytes(question)
        return [self._answer(at) for at in asked]

    def pids(self) -> list[int]:
        """Return the ids of the processes."""
        return [process.pid or 0 for process, _ in self._began]

    def close(self) -> None:
        """End them at once."""
        for process, wire in self._began:
            process.kill()
            process.join()
            wire.close()
        self._began.clear()

    def _begin(self, at: int) -> tuple[Any, Connection]:
        context = multiprocessing.get_context("spawn")
        wire, theirs = context.Pipe()
        threads = max(1, processes.cores() // len(self._each))
        process = context.Process(target=_serve, args=(theirs, os.getpid(), threads), daemon=True)
        with _environment(dict.fromkeys(THREADS, str(threads))):  # read when NumPy is imported
            process.start()
        theirs.close()
        with suppress(OSError):
            wire.send_bytes(pickle.dumps((self._make, self._each[at])))
        return process, wire

    def _answer(self, at: int) -> Any:
        process, wire = self._began[at]
        try:
            answer = pickle.loads(wire.recv_bytes())
        except (EOFError, OSError):
            process.join()
            wire.close()
            self._deaths[at] += 1
            _too_many(self._deaths[at], f"exit code {process.exitcode}")
            self._began[at] = self._begin(at)
            return None
        if isinstance(answer, _Raised):
            raise answer.error
        return answer


class OnCluster:
    """Actors of a Ray cluster, one a processor."""

    def __init__(self, ray: Any, make: Callable[..., Any], each: Sequence[tuple[Any, ...]],
                 wait: Callable[[Sequence[Any]], Any]) -> None:
        """Start them all.

        `ray`: the module, connected; `wait`: waits for one of some answers, and raises
        StepFailed where the cluster is gone meanwhile.
        """
        self._ray, self._make, self._wait = ray, make, wait
        self._each = [ray.put(given) for given in each]
        self._deaths = [0] * len(self._each)
        self._kind = ray.remote(_Holder)
        self._began = [self._begin(at, 1) for at in range(len(self._each))]

    def ask(self, method: str, *given: Any, only: int | None = None) -> list[Any]:
        """Return what each answers; see `workbench.Actors`."""
        asked = range(len(self._each)) if only is None else [only]
        with here_or_gone():
            question = self._ray.put(given)
            under_way = [(at, self._began[at].ask.remote(method, question)) for at in asked]
        return [self._answer(at, came) for at, came in under_way]

    def close(self) -> None:
        """End them at once."""
        for one in self._began:
            with suppress(Exception):  # a cluster that is gone
                self._ray.kill(one)
        self._began.clear()

    def _answer(self, at: int, came: Any) -> Any:
        self._wait([came])
        try:
            return self._ray.get(came)
        except self._ray.exceptions.RaySystemError as error:
            with here_or_gone():
                raise error
        except self._ray.exceptions.RayActorError as error:
            self._deaths[at] += 1
            _too_many(self._deaths[at], str(error).strip().splitlines()[0])
            # Beside another: where a node died, the processors that are left all have one.
            self._began[at] = self._begin(at, 0)
            return None

    def _begin(self, at: int, processors: int) -> Any:
        return self._kind.options(
            num_cpus=processors, scheduling_strategy="SPREAD", max_restarts=0,
            ).remote(self._make, self._each[at])


class _Holder:
    """An actor: holds one object."""

    def __init__(self, make: Callable[..., Any], given: tuple[Any, ...]) -> None:
        self._held = make(*given)

    def ask(self, method: str, given: tuple[Any, ...]) -> Any:
        return getattr(self._held, method)(*given)


class _Raised:
    """What went wrong in a worker, on its way to who asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _serve(wire: Connection, parent: int, threads: int) -> None:
    """Be a worker: make the object, and answer what it is asked, until nobody asks."""
    processes._begin(None, parent, threads)
    try:
        make, given = pickle.loads(wire.recv_bytes())
        held, fault = None, None
        try:
            held = make(*given)
        except Exception as error:
            fault = error
        while True:
            method, given = pickle.loads(wire.recv_bytes())
            try:
                if fault is not None:
                    raise fault
                answer = getattr(held, method)(*given)
            except Exception as error:
                answer = _Raised(error)
            wire.send_bytes(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
    except (EOFError, OSError):
        return


def _too_many(deaths: int, how: str) -> None:
    """Raise StepFailed for an actor that dies whenever it works."""
    if deaths >= DEATHS:
        raise StepFailed(f"a worker that holds part of the rows died {DEATHS} times ({how}); "
                         "often: out of memory. Run with --jobs 1, or on a machine with more")


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set variables for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
