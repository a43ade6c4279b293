"""One process of the sandbox's front: it holds a pair of engines and answers batches.

Why: what turns a worker's bytes into values can itself hang, grow or die; here that costs one
process, which the front kills from outside and replaces, not the caller. Frames both ways are
four bytes of length and JSON: nothing that came out of a sandbox is ever unpickled.

Used as: `python -m mathmill.grading.sandbox.job`, by pool.py, with frames on its standard
input and output.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from mathmill.errors import MathmillError, MissingExtra
from mathmill.grading.sandbox.outcome import Engine, Limits, Outcome, Program
from mathmill.grading.sandbox.route import Router

HEAD = struct.Struct(">I")
MEMORY = 4 << 30  # bytes of address space: a value that grows on its way in ends this process
BEAT = 0.25  # seconds between two signs of life, at least


def read(stream: BinaryIO) -> Any:
    """Return the next frame; None at the end."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    body = stream.read(length)
    return json.loads(body) if len(body) == length else None


def frame(message: Any) -> bytes:
    """Return a message as a frame; lone surrogates travel as escapes."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    return HEAD.pack(len(body)) + body


def row(outcome: Outcome) -> list[Any]:
    """Return an outcome as it travels."""
    return [outcome.kind, outcome.value, outcome.type, outcome.error, outcome.engine,
            outcome.seconds]


def main() -> None:
    """Answer frames until standard input ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may write between frames
    _begin()
    hello = read(source)
    if hello is None:
        return
    lock, last = threading.Lock(), [0.0]

    def send(message: Any) -> None:
        with lock:
            sink.write(frame(message))
            sink.flush()

    def beat() -> None:
        if time.monotonic() - last[0] > BEAT:
            last[0] = time.monotonic()
            send({"beat": 1})

    engines, missing, errors = _engines(hello, beat)
    if not engines:
        extra = [e for e in errors if isinstance(e, MissingExtra)]
        send({"missing": missing, "error": str((extra or errors)[0]),
              "extra": bool(extra) and len(extra) == len(errors)})
        return
    send({"engines": [engine.name for engine in engines], "missing": missing})
    router = Router(engines, Limits(**hello["limits"]), hello["crosscheck"], beat)
    try:
        while (batch := read(source)) is not None:
            router.facts.clear()
            try:
                rows = [row(o) for o in router.run([Program(*pair) for pair in batch])]
                send({"outcomes": rows, "facts": dict(router.facts)})
            except MathmillError as error:
                send({"error": str(error)})
    except BrokenPipeError:  # the front was killed: nobody is there to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sink.fileno())
    finally:
        router.close()


def _begin() -> None:
    """Set this process up: Ctrl-C is the front's, memory is bounded, no orphan stays."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (
            MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard), hard))
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


def _engines(hello: Mapping[str, Any], beat: Callable[[], None],
             ) -> tuple[list[Engine], list[str], list[MathmillError]]:
    """Return the engines that can be had, what is missing, and why the others cannot be had."""
    engines: list[Engine] = []
    missing: list[str] = []
    errors: list[MathmillError] = []
    for name in hello["engines"]:
        try:
            engine = _engine(name, bool(hello["allow_unconfined"]), beat)
            missing += [f"{name}: {part}" for part in getattr(engine, "missing", [])]
            engines.append(engine)
        except MathmillError as error:
            missing.append(f"{name}: {error}")
            errors.append(error)
    return engines, missing, errors


def _engine(name: str, allow_unconfined: bool, beat: Callable[[], None]) -> Engine:
    if name == "monty":
        from mathmill.grading.sandbox.monty import MontyEngine

        return MontyEngine(beat=beat)
    if name == "zygote":
        from mathmill.grading.sandbox.zygote import ZygoteEngine

        return ZygoteEngine(allow_unconfined=allow_unconfined)
    module, _, factory = name.partition(":")
    made: Engine = getattr(importlib.import_module(module), factory)()
    return made


if __name__ == "__main__":
    main()
