"""The process that forks one child per program: preloads, confines itself, then only forks.

Why: starting Python costs 15 ms and a fork of a warm one 1 ms, so modules are loaded once,
before the walls go up; after that neither this process nor its children can open a file.
It runs no program itself, so a program can change nothing that the next one sees.

Used as: started by zygote.py, `python -P -s -S -B zygote_child.py JOBS WALLS FOLDER NAMES MODULES`;
requests on standard input, answers on standard output, in the frames that zygote.py describes.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import math
import os
import resource
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import confine  # type: ignore[import-not-found]
import landlock  # type: ignore[import-not-found]
import program  # type: ignore[import-not-found]
import seccomp  # type: ignore[import-not-found]
import state  # type: ignore[import-not-found]

sys.path.pop(0)

# Not os.fork: its hooks seed `random` anew and rebuild `threading`, 0.6 ms a child. This process
# has one thread, and programs that draw without a seed then draw alike in every run.
_fork = ctypes.PyDLL(None).fork  # PyDLL: the interpreter's lock stays ours on both sides
RESULT = 3  # the one descriptor that a child has
YOUNG = 0.01  # seconds in which a child's end is awaited, not its words: one waking instead of two


@dataclass
class Job:
    """A child at work."""

    number: bytes
    process: int
    pidfd: int
    pipe: int
    started: float
    deadline: float
    cap: int
    how: str = "ended"
    text: bytes = b""
    heard: bool = False


def main() -> int:
    """Preload, confine, say `ready` (or why not), then serve until standard input ends."""
    most, unconfined = int(sys.argv[1]), sys.argv[2] == "unconfined"
    folder, names, more = sys.argv[3:6]  # packages, and modules of the standard library
    try:
        sys.modules["_hashlib"] = None  # type: ignore[assignment]  # OpenSSL: 4 MB to map anew
        for name in more.split():
            importlib.import_module(name)
        if folder:
            _preload(folder, names.split(","))
        base = _address_space()
        enter, applied = _wall(unconfined)
    except Exception as error:  # said on the one line that the client waits for
        _send(json.dumps({"refused": str(error) or type(error).__name__}).encode() + b"\n")
        return 1
    gc.collect()
    state.enter(int(os.environ["PYTHONHASHSEED"]))
    gc.freeze()  # the collector of a child then leaves these pages alone, and shared
    _send(json.dumps({"applied": applied}).encode() + b"\n")
    with contextlib.suppress(BrokenPipeError):  # the client is gone
        Forker(base, enter, most).serve()
    return 0


def _preload(path: str, names: list[str]) -> None:
    """Import packages from `path` and warm what they load at first use: a child cannot open it."""
    sys.path.append(path)
    for name in names:
        importlib.import_module(name)
    sympy, numpy = sys.modules.get("sympy"), sys.modules.get("numpy")
    if sympy:
        x, y = sympy.symbols("x y")
        sympy.solve([x + y - 3, x - y - 1], [x, y])
        sympy.solve(x ** 2 - 5 * x + 6, x)
        sympy.solveset(sympy.sin(x), x)
        sympy.integrate(x ** 2 * sympy.sin(x), (x, 0, 1))
        sympy.limit(sympy.sin(x) / x, x, 0)
        sympy.summation(x, (x, 1, y))
        sympy.simplify(sympy.sympify("(x**2-1)/(x-1)")).evalf()
        sympy.Matrix([[1, 2], [3, 4]]).inv().eigenvals()
        sympy.nsolve(x ** 3 - 2, x, 1)
        sympy.factorint(360)
        sympy.latex(x)
        with contextlib.suppress(ImportError):  # 33 of 7,590 published programs asked for it
            importlib.import_module("sympy.polys.domains.old_polynomialring")
    if numpy:
        matrix = numpy.eye(3)
        numpy.linalg.solve(matrix @ matrix, numpy.ones(3))
        numpy.linalg.eigvals(matrix)
        numpy.roots([1, -3, 2])
        numpy.random.default_rng(0).random()
        str(matrix)


def _address_space() -> int:
    """Return the bytes of address space in use; a child's allowance comes on top."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _wall(unconfined: bool) -> tuple[Callable[[int, int, int], None], dict[str, object]]:
    """Confine this process; return what a child calls to confine itself, and what was applied."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")  # if the machine runs out of memory, this goes before its owner
    missing = confine.report()["missing"]
    if missing and not unconfined:
        raise confine.Unconfined("this machine lacks " + " and ".join(missing))
    has_landlock, has_seccomp = landlock.abi() > 0, seccomp.available()
    filtered = seccomp.installer(seccomp.compiled(seccomp.CHILD, RESULT)) if has_seccomp else None
    confine.no_new_privileges()
    inner = landlock.layer() if has_landlock else None
    applied = confine.apply(confine.Confinement(
        landlock=has_landlock, filter="zygote" if has_seccomp else None,
        limits={"CORE": 0, "FSIZE": 0, "MEMLOCK": 0, "MSGQUEUE": 0, "NOFILE": 256}))
    prctl = seccomp.libc().prctl

    def enter(end: int, memory: int, seconds: int) -> None:
        prctl(confine.SET_PDEATHSIG, 9, 0, 0, 0)
        if inner is not None:
            inner()
        os.dup2(end, RESULT)
        os.closerange(0, RESULT)
        os.closerange(RESULT + 1, 256)
        for which, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds),
                            (resource.RLIMIT_NPROC, 0), (resource.RLIMIT_NOFILE, 0)):
            resource.setrlimit(which, (most, most))
        if filtered is not None:
            filtered()

    return enter, applied | {"missing": missing}


class Forker:
    """Reads requests, keeps a bounded number of children at work, answers for each."""

    def __init__(self, base: int, enter: Callable[[int, int, int], None], most: int) -> None:
        """Take the address space in use, the way into the child's confinement, the bound."""
        self._base, self._enter, self._most = base, enter, most
        self._waiting = bytearray()
        self._jobs: list[Job] = []
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN)

    def serve(self) -> None:
        """Work until the client's end of standard input is closed; its children go with it."""
        while True:
            while len(self._jobs) < self._most and (request := self._request()) is not None:
                self._start(*request)
            self._poll.modify(0, select.POLLIN if len(self._jobs) < self._most else 0)
            soonest = min((job.deadline for job in self._jobs), default=math.inf)
            if any(not job.heard for job in self._jobs):
                soonest = min(soonest, time.monotonic() + YOUNG)
            patience = None if soonest == math.inf else max(0.0, soonest - time.monotonic())
            ready = dict(self._poll.poll(None if patience is None else patience * 1000 + 1))
            if ready.get(0, 0) & ~select.POLLIN:
                return
            if 0 in ready:
                self._waiting += os.read(0, 1 << 16)
            now = time.monotonic()
            for job in [*self._jobs]:
                if job.pipe in ready:
                    self._take(job)
                if job.how == "ended" and now >= job.deadline and job.pidfd not in ready:
                    self._stop(job, "timeout")
                if job.pidfd in ready:
                    self._finish(job)
                elif not job.heard and now - job.started > YOUNG:
                    job.heard = True  # what it writes may be more than the pipe holds
                    self._poll.register(job.pipe, select.POLLIN)

    def _request(self) -> tuple[bytes, float, int, int, str, str] | None:
        """Return the next request, whole: number, seconds, bytes, cap, code, result."""
        end = self._waiting.find(b"\n")
        if end < 0:
            return None
        number, seconds, memory, cap, code, result = bytes(self._waiting[:end]).split()
        middle = end + 1 + int(code)
        last = middle + int(result)
        if len(self._waiting) < last:
            return None
        texts = [bytes(self._waiting[a:b]).decode("utf-8", "surrogatepass")
                 for a, b in ((end + 1, middle), (middle, last))]
        del self._waiting[:last]
        return number, float(seconds), int(memory), int(cap), texts[0], texts[1]

    def _start(self, number: bytes, seconds: float, memory: int, cap: int,
               code: str, result: str) -> None:
        pipe, end = os.pipe()
        fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_NONBLOCK)  # set_blocking would need ioctl
        started = time.monotonic()
        # From here until the child ends every page that this process writes to is copied.
        process = _fork()
        if process == 0:
            self._waiting.clear()  # other programs' text is none of this one's business
            self._jobs.clear()
            _child(end, seconds, self._base + memory, self._enter, (code, result, cap))
        os.close(end)
        # A child may have written its line and be gone already; the descriptors still tell.
        job = Job(number, process, os.pidfd_open(process), pipe, started, started + seconds,
                  12 * cap + 1000)
        self._jobs.append(job)
        self._poll.register(job.pidfd, select.POLLIN)

    def _take(self, job: Job) -> None:
        """Read what a child says, up to one byte more than a line can be."""
        while True:
            try:
                part = os.read(job.pipe, 1 << 16)
            except BlockingIOError:
                return
            if not part:
                with contextlib.suppress(KeyError):
                    self._poll.unregister(job.pipe)
                return
            job.text += part
            if len(job.text) > job.cap:
                self._stop(job, "overflow")
                return

    def _stop(self, job: Job, how: str) -> None:
        if job.how == "ended":
            job.how = how
            os.kill(job.process, 9)  # not reaped yet, so the number is still its own
            with contextlib.suppress(KeyError):
                self._poll.unregister(job.pipe)

    def _finish(self, job: Job) -> None:
        """Reap a child that has ended and answer for it."""
        if job.how == "ended":
            self._take(job)
        _, status, used = os.wait4(job.process, 0)
        wall = time.monotonic() - job.started
        self._poll.unregister(job.pidfd)
        with contextlib.suppress(KeyError):
            self._poll.unregister(job.pipe)
        os.close(job.pidfd)
        os.close(job.pipe)
        self._jobs.remove(job)
        text = job.text if job.how == "ended" else b""
        head = f"{job.how} {status} {used.ru_utime + used.ru_stime:.6f} {wall:.6f} {len(text)}\n"
        _send(job.number + b" " + head.encode() + text)


def _child(end: int, seconds: float, memory: int,
           enter: Callable[[int, int, int], None], task: tuple[str, str, int]) -> None:
    """Confine this process, run the program in it, write the one line, end. Never returns."""
    try:
        enter(end, memory, math.ceil(seconds) + 1)
    except BaseException as error:
        why = program.line(program.UNCONFINED, type(error).__name__, str(error))
        try:
            os.write(end, why)
        except OSError:  # it had become RESULT
            os.write(RESULT, why)
        os._exit(0)
    try:
        try:
            text = program.line_of(*task)
        except MemoryError:
            text = program.OUT_OF_MEMORY
        except BaseException as error:  # raised by an error's own tricks, such as its `name`
            text = program.line(program.ERROR, type(error).__name__, "")
        sent = 0
        while sent < len(text):
            sent += os.write(RESULT, text[sent:])
        os._exit(0)
    finally:  # the program may have broken what the lines above stand on
        os._exit(1)


def _send(text: bytes) -> None:
    sent = 0
    while sent < len(text):
        sent += os.write(1, text[sent:])


if __name__ == "__main__":
    os._exit(main())
