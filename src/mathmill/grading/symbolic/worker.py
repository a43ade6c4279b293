"""The process that asks math-verify: one warm supervisor, and forks of it that do the work.

Why: importing math-verify takes 0.5 s and a fork of a warm process 4 ms, so a worker that
hangs, eats its memory or dies is replaced by a fork. Requests come on the inherited stdin
and replies go to the inherited stdout, whoever serves; every frame is one write of less than
a pipe's atomic size, so a killed worker leaves no torn frame. A new worker first throws away
what lies in the request pipe, then says that it is ready: nothing is sent until it has.

Used as: started by `client`, with the caller's import path as its argument.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from typing import Any

HEAD = struct.Struct("<I")  # length of a frame's JSON text
SERVED = 5_000  # requests a fork serves: memory grows by 10 MB over 1,200 pairs
MEMORY = 1 << 30  # bytes of address space; a warm worker has 0.1 of it
ROOM = 1 << 24  # bytes that a worker within its memory can have at any time
SECONDS = 5  # of processor time a request, should the caller have died
FUTILE = 20  # forks in a row that served nothing before the supervisor gives up
ENDED, RETIRED = 0, 3


def send(fd: int, message: dict[str, Any]) -> None:
    """Write one frame in one piece."""
    text = json.dumps(message).encode("ascii")
    os.write(fd, HEAD.pack(len(text)) + text)


def receive(fd: int) -> dict[str, Any] | None:
    """Return the next frame, or None at the end of the pipe."""
    head = _exactly(fd, HEAD.size)
    body = _exactly(fd, HEAD.unpack(head)[0]) if head is not None else None
    if body is None:
        return None
    message: dict[str, Any] = json.loads(body)
    return message


def _exactly(fd: int, size: int) -> bytes | None:
    """Read that many bytes, or return None at the end of the pipe."""
    parts = b""
    while len(parts) < size:
        part = os.read(fd, size - len(parts))
        if not part:
            return None
        parts += part
    return parts


def main() -> None:
    """Import math-verify once, then fork a worker and another whenever one ends."""
    requests, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _warm()
    if not hasattr(os, "fork"):
        send(replies, {"ready": os.getpid()})
        _serve(requests, replies)
        return
    futile = 0
    while futile < FUTILE:
        served, counter = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(served)
                code = _work(requests, replies, counter)
            finally:
                os._exit(code)
        os.close(counter)
        _, status = os.waitpid(child, 0)
        futile = 0 if os.read(served, 1) else futile + 1
        os.close(served)
        if os.waitstatus_to_exitcode(status) == ENDED:
            return


def _warm() -> None:
    """Import and use what a request needs, so that no fork pays for it."""
    import gc
    import logging

    from mathmill.grading.symbolic.judge import Asked, judge

    logging.disable(logging.CRITICAL)
    # Every kind of answer builds its part of the parser's automaton, 20-100 ms the first time.
    for gold, answer in (
            (r"\frac{\sqrt{3}}{2}+2x^{2}", r"\dfrac{1}{2}\sqrt{3}+2x^2"), ("(1, x)", "(1, 2x)"),
            (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",) * 2, ("x<2", r"(-\infty,2)"),
            (r"(1,2)\cup(3,\infty)", r"(1,2)\cup[3,\infty)"), (r"y=2x+\pi", "2y=4x"),
            (r"\log_2 8-\ln 3", r"|\sin(x)|!"), (r"\binom{n}{2}", r"\sum_{k=1}^{3} k"),
            (r"x=\pm 2", r"\{1,-2\}"), (r"1<x\le 2", r"f(x)=\sqrt[3]{x}"),
            (r"\int_0^1 x\,dx", "a_1")):
        judge(gold, answer, Asked())
    gc.collect()
    gc.freeze()  # collections in the forks then leave the shared pages alone


def _work(requests: int, replies: int, counter: int) -> int:
    """Be one worker: limited, drained, announced, then serving; returns the exit code."""
    import resource

    _confine()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    os.set_blocking(requests, False)
    try:
        while os.read(requests, 1 << 16):
            pass
        return ENDED
    except BlockingIOError:
        os.set_blocking(requests, True)
    send(replies, {"ready": os.getpid()})
    return _serve(requests, replies, counter)


def _confine() -> None:
    """Gain no privileges, die with the supervisor (Linux; elsewhere the limits must do)."""
    if sys.platform == "linux":
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def _serve(requests: int, replies: int, counter: int = -1) -> int:
    """Answer requests until the pipe ends or `SERVED` are done; returns the exit code."""
    for number in range(1, SERVED + 1):
        request = receive(requests)
        if request is None:
            return ENDED
        if number == 1 and counter >= 0:
            os.write(counter, b"1")
        last = number == SERVED and counter >= 0
        send(replies, {"id": request["id"], "last": last, **_answered(request)})
    return RETIRED


def _answered(request: dict[str, Any]) -> dict[str, str]:
    """Return the verdict on one request, whatever it makes the algebra system raise."""
    from mathmill.grading.symbolic.judge import Asked, judge

    _bound_time()
    try:
        value, how = judge(request["gold"], request["answer"], Asked(*request["asked"]))
        if how == "unparsed":  # the parser swallows some errors of memory and has nothing to show
            bytearray(ROOM)
    except MemoryError:
        value, how = "undecided", "memory"
    except RecursionError:
        value, how = "undecided", "unparsed"
    except Exception as error:
        value, how = "undecided", f"crashed: {type(error).__name__}"
    return {"value": value, "how": how}


def _bound_time() -> None:
    """Let this request have `SECONDS` of processor time, after which the kernel kills."""
    if os.name == "posix":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = int(used.ru_utime + used.ru_stime) + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
