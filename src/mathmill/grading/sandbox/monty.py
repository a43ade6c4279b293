r"""The first engine: pydantic-monty, an interpreter of its own in confined worker processes.

Why: it knows no operating system at all, starts a fresh session in microseconds, and runs
nearly every arithmetic program that models write. What it lacks (generators, inheritance,
SymPy, ...) is `refused`, so that the front asks another engine; it is never a wrong program.

The value's `repr` is made inside: handed over as it is, a list that holds itself twice, sixty
deep, had taken 13 GB and ten minutes in *this* process before it was killed.

Used as: `with MontyEngine() as engine: engine.run([Program("x = 6 * 7", "x")], Limits())`.
"""

from __future__ import annotations

import builtins
import os
import re
import secrets
import shlex
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mathmill.errors import MissingExtra, UsageError
from mathmill.grading.sandbox import confine, screen
from mathmill.grading.sandbox.outcome import (
    CRASHED,
    ERROR,
    MEMORY,
    REFUSED,
    TIMEOUT,
    VALUE,
    Limits,
    Outcome,
    Program,
)

NAME = "monty"
TOO_LONG = "value too long"
GRACE = 0.5  # seconds past a program's limit after which its worker is killed
RETIRE = 10_000  # programs after which a worker is replaced
DEPTH = 500  # calls; deeper recursion is refused, since CPython allows 1,000
OVERHEAD = 512 << 20  # bytes of address space that a worker has before any program
# Defaults bind the builtins before the program can rename them; `{name}` cannot be guessed.
# A float crosses as it is: of two shortest texts for it Monty takes another than Python now and
# then (2.9802322387695312e-08). One line: more than that costs 20 us of a program's 50 in there.
_RETURN = """{name}=lambda v,T=type,R=repr,F=float:v if T(v)is F else(T(v).__name__,R(v)[:{cap}])
{code}

{name}({result}
)"""
# Monty 1.4 rounds the product: round(616.395, 2) is 616.4 there and 616.39 in Python, and so a
# third of all decimals half way. Its formatting rounds the float itself, as Python does. Keep:
# test_fidelity.py fails without it. It costs programs that round 30 us.
_ROUND = """def round(number, ndigits=None, R=round, T=type, F=float, I=int):
    if T(number) is F and T(ndigits) is I and 0 <= ndigits < 300:
        return F(f"{number:.{ndigits}f}")
    return R(number) if ndigits is None else R(number, ndigits)
"""
# Exceptions that are Python's too. Any other may be Monty's own (an attribute or a module that
# it lacks; `pow(3, -1, 7)` is a ValueError there and 5 in Python): the second engine decides.
_SURE = {"ZeroDivisionError", "IndexError", "KeyError", "AssertionError", "UnboundLocalError"}
_SURE_TEXTS = {
    "TypeError": re.compile(
        r"unsupported operand type|'\w+' object (?:is not|does not|cannot)|can only concatenate|"
        r"object of type '\w+' has no len|not supported between instances|\w+\(\) missing \d+|"
        r"'\w+' object can't"),
    "ValueError": re.compile(
        r"invalid literal for int|could not convert string|cannot convert float|substring not|"
        r"(?:max|min)\(\) |not enough values|too many values|expected a (?:nonneg|posit)|math dom"),
    "OverflowError": re.compile(r"int too large to convert|cannot convert float|\(34, |math range"),
}
_NAME_ERROR = re.compile(r"name '(\w+)' is not defined")
_BUILTINS = frozenset(dir(builtins)) | {"exit", "quit"}


class MontyEngine:
    """Engine of outcome.py over one worker process, confined where the kernel can."""

    name = NAME

    def __init__(self, confine: bool = True, *, retire: int = RETIRE,
                 beat: Callable[[], None] | None = None) -> None:
        """Prepare; the worker starts at the first program.

        `confine`: put the worker behind Landlock and seccomp; what this machine lacks is in
        `missing`, and the worker runs all the same: the interpreter itself gives a program
        nothing. `beat`: called before each program (a sign of life). Raises MissingExtra.
        """
        try:
            import pydantic_monty
            from pydantic_monty._binary import find_monty_binary
        except ImportError:
            raise MissingExtra("pydantic-monty", "sandbox") from None
        self._monty: Any = pydantic_monty
        try:
            self._binary = find_monty_binary()
        except FileNotFoundError:
            raise MissingExtra("pydantic-monty-runtime", "sandbox") from None
        self.missing: list[str] = _missing() if confine else ["confinement (switched off)"]
        self._confined = confine and not self.missing
        self._retire, self._beat = retire, beat
        self._folder = ""
        self._pool: Any = None
        self._pool_limits: Limits | None = None
        self._session: dict[str, Any] = {}
        self._way_out = ""
        self._lock = threading.Lock()
        self.retired = 0

    def __enter__(self) -> MontyEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, programs: Sequence[Program], limits: Limits) -> list[Outcome]:
        """Return an outcome for each program, in order; callers in threads take turns.

        Raises UsageError only where no worker can be started.
        """
        with self._lock:
            outcomes = []
            for program in programs:
                if self._beat is not None:
                    self._beat()
                outcomes.append(self._one(program, limits))
            return outcomes

    def close(self) -> None:
        """End the worker process."""
        with self._lock:
            self._end()
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = ""

    def _one(self, program: Program, limits: Limits) -> Outcome:
        reason = screen.unfit(program.code, limits) or screen.unfit(program.result, limits)
        if not reason and screen.first_cannot(program.code):
            reason = "text that the first engine keeps otherwise"
        if reason:
            return Outcome(REFUSED, error=reason, engine=NAME)
        pool = self._open(limits)
        source = _source(program, limits, self._way_out)
        printed = _Printed(limits.output)
        began = time.perf_counter()
        try:
            with pool.checkout(**self._session) as session:
                value = session.feed_run(source, print_callback=printed)
            kind, text, name, error = (printed.outcome() if not program.result
                                       else _value(value, limits.output))
        except self._monty.MontyCrashedError as crash:
            late = crash.timed_out
            kind, text, name, error = (TIMEOUT if late else CRASHED), None, "", (
                "" if late else f"the worker died: {_line(crash)}")
        except self._monty.MontyError as raised:
            kind, error = _raised(raised.exception())
            text, name = None, ""
            if kind == TIMEOUT and time.perf_counter() - began < 0.9 * limits.seconds:
                kind, error = REFUSED, "TimeoutError of the program's own"
        except (ValueError, TypeError, TimeoutError, OSError) as raised:
            kind, text, name, error = CRASHED, None, "", f"{type(raised).__name__}: {_line(raised)}"
        if kind in (TIMEOUT, MEMORY, CRASHED):  # an interpreter stopped midway is not trusted
            self._end()
            self.retired += 1
        return Outcome(kind, text, name, error, NAME, time.perf_counter() - began)

    def _open(self, limits: Limits) -> Any:
        """Return the pool for these limits, started."""
        if self._pool is None or self._pool_limits != limits:
            self._end()
            pool = self._monty.Monty(
                binary_path=self._start_command(limits), min_processes=1, max_processes=1,
                checkout_timeout=30.0, request_timeout=limits.seconds + 2 * GRACE,
                feed_duration_limit_grace=GRACE, max_checkouts_per_worker=self._retire)
            try:
                pool.__enter__()
            except (self._monty.MontyError, OSError, RuntimeError, TimeoutError) as error:
                raise UsageError(f"the worker of pydantic-monty does not start ({_line(error)}); "
                                 f"see that {self._binary} runs on this machine") from None
            self._pool, self._pool_limits, self._session = pool, limits, _session(limits)
            self._way_out = f"_{secrets.token_hex(8)}"
        return self._pool

    def _end(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.__exit__(None, None, None)

    def _start_command(self, limits: Limits) -> str:
        """Return the file that starts a worker: the binary, or a script that confines it first."""
        if not self._confined:
            return self._binary
        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="mathmill-monty-")
        memory = (limits.memory_mb << 20) + OVERHEAD
        command = confine.launch_command(self._binary, limits={"AS": memory})
        path = Path(self._folder, "monty")
        path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        path.chmod(0o700)
        return str(path)


class _Printed:
    """What a program prints: its end is kept, so that the last line can be read."""

    def __init__(self, cap: int) -> None:
        self._cap, self._text = cap, ""

    def __call__(self, stream: str, text: str) -> None:
        if stream == "stdout":
            whole = self._text + text
            # Blank lines after the last line must not push it out.
            self._text = whole if len(whole) <= 2 * self._cap else (
                whole.rstrip()[-self._cap - 1:] + "\n" * whole[-1].isspace())

    def outcome(self) -> tuple[str, str | None, str, str]:
        lines = [line for line in self._text.splitlines() if line.strip()]
        if not lines:
            return ERROR, None, "", "NothingPrinted"
        last = lines[-1].strip()
        return ((VALUE, last, "printed", "") if len(last) <= self._cap
                else (REFUSED, None, "", TOO_LONG))


def _missing() -> list[str]:
    found = confine.report()["missing"]
    missing = [str(part) for part in found] if isinstance(found, list) else []
    return missing + ([] if os.path.exists("/bin/sh") else ["/bin/sh"])


def _session(limits: Limits) -> dict[str, Any]:
    """Return what every session starts with: the limits, and the same random numbers."""
    return {
        "limits": {"max_feed_duration_secs": limits.seconds,
                   "max_memory": limits.memory_mb << 20, "max_recursion_depth": DEPTH,
                   "max_total_sleep_secs": 0.01, "max_suspensions": 100},
        "os_policy": {"random_start": {"seed": 0}}, "assert_message_annotations": False}


def _source(program: Program, limits: Limits, name: str) -> str:
    # The blank line ends a continuation; None keeps a script's last value from crossing.
    before = _ROUND if "round(" in program.code or "round(" in program.result else ""
    if not program.result:
        return f"{before}{program.code}\n\nNone"
    return before + _RETURN.format(name=name, cap=limits.output + 1, code=program.code,
                          result=program.result)


def _value(value: object, cap: int) -> tuple[str, str | None, str, str]:
    """Return the outcome of what crossed: a float, or the name of a type and a repr."""
    if type(value) is float:
        return VALUE, repr(value), "float", ""
    if type(value) is tuple and len(value) == 2 and all(type(part) is str for part in value):
        name, text = value
        return (VALUE, text, name, "") if len(text) <= cap else (REFUSED, None, "", TOO_LONG)
    return REFUSED, None, "", "a value that did not come by the way out"


def _raised(error: BaseException) -> tuple[str, str]:
    """Return kind and error of an exception that came out of a program."""
    name, text = type(error).__name__, _line(error)
    if name == "TimeoutError" and text.startswith("feed time limit"):
        return TIMEOUT, ""
    if name == "MemoryError":
        return MEMORY, name
    if name == "NameError":
        unknown = _NAME_ERROR.match(text)
        sure = unknown is not None and unknown[1] not in _BUILTINS
    else:
        sure = name in _SURE or (name in _SURE_TEXTS and bool(_SURE_TEXTS[name].match(text)))
    return (ERROR, name) if sure else (REFUSED, f"{name}: {text}")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
