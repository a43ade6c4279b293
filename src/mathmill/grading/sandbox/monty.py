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
import re
import secrets
import threading
from collections.abc import Callable, Sequence

from mathmill.errors import MissingExtra, UsageError
from mathmill.grading.sandbox import confine, screen, wire
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
from mathmill.grading.sandbox.worker import Lost, Reply, Worker

NAME = "monty"
TOO_LONG = "value too long"
RETIRE = 10_000  # programs after which a worker is replaced
SENT = 256  # programs handed to a worker at once
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
            from pydantic_monty import _binary
        except ImportError:
            raise MissingExtra("pydantic-monty", "sandbox") from None
        try:
            self._binary = _binary.find_monty_binary()
        except FileNotFoundError:
            raise MissingExtra("pydantic-monty-runtime", "sandbox") from None
        self.missing: list[str] = _missing() if confine else ["confinement (switched off)"]
        self._confined = confine and not self.missing
        self._retire, self._beat = retire, beat
        self._worker: Worker | None = None
        self._limits: Limits | None = None
        self._served = 0
        self._way_out = ""
        self._lock = threading.Lock()
        self.retired = 0

    def __enter__(self) -> MontyEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, programs: Sequence[Program], limits: Limits) -> list[Outcome]:
        """Return an outcome for each program, in order; callers in threads take turns.

        The last program runs last, whatever the others ask for: a canary there stands behind
        all of them. Raises UsageError only where no worker can be started.
        """
        with self._lock:
            outcomes = dict(enumerate(_unfit(program, limits) for program in programs))
            todo = [place for place, outcome in outcomes.items() if outcome is None]
            try:
                asking = self._through(programs, todo, limits, outcomes)
                if asking:
                    asking += [place for place in todo[-1:] if place not in asking]
                    self._through(programs, asking, limits, outcomes, alone=True)
            except BaseException:  # Ctrl-C: its replies must not meet the next programs
                self._end()
                raise
            return [outcome for outcome in outcomes.values() if outcome is not None]

    def close(self) -> None:
        """End the worker process."""
        with self._lock:
            self._end()

    def _through(self, programs: Sequence[Program], todo: Sequence[int], limits: Limits,
                 outcomes: dict[int, Outcome | None], alone: bool = False) -> list[int]:
        """Fill in the outcomes at these places; return the places that want to be run alone."""
        asking: list[int] = []
        at = 0
        while at < len(todo):
            worker = self._open(limits)
            part = todo[at:at + min(SENT, self._retire - self._served)]
            sources = [(_source(programs[place], limits, self._way_out), programs[place].state)
                       for place in part]
            try:
                for place, reply in zip(part, worker.replies(sources, alone), strict=True):
                    at, self._served = at + 1, self._served + 1
                    if reply.kind in wire.ASKS and not alone:
                        asking.append(place)
                        continue
                    outcome = outcomes[place] = _outcome(programs[place], reply, limits)
                    if self._beat is not None:
                        self._beat()
                    # An interpreter stopped midway is not trusted.
                    if outcome.kind in (TIMEOUT, MEMORY, CRASHED):
                        self._lose()
                        break
            except Lost as lost:
                kind, error = (TIMEOUT, "") if lost.late else (CRASHED, _line(str(lost)))
                outcomes[todo[at]] = Outcome(kind, None, "", error, NAME, limits.seconds)
                at += 1
                self._lose()
        return asking

    def _open(self, limits: Limits) -> Worker:
        """Return the worker for these limits, started."""
        worker = self._worker
        if worker is not None and worker.usable() and (
                self._limits == limits and self._served < self._retire):
            return worker
        self._end()
        try:
            self._worker = Worker(self._command(limits), limits, DEPTH)
        except (Lost, OSError) as error:
            raise UsageError(f"the worker of pydantic-monty does not start ({_line(str(error))}); "
                             f"see that {self._binary} runs on this machine") from None
        self._limits, self._served = limits, 0
        self._way_out = f"_{secrets.token_hex(8)}"
        return self._worker

    def _lose(self) -> None:
        self._end()
        self.retired += 1

    def _end(self) -> None:
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.end()

    def _command(self, limits: Limits) -> list[str]:
        """Return what starts a worker: the binary, or the script that confines it first."""
        if not self._confined:
            return [self._binary, "subprocess"]
        memory = (limits.memory_mb << 20) + OVERHEAD
        return confine.launch_command(self._binary, ["subprocess"], limits={"AS": memory})


def _unfit(program: Program, limits: Limits) -> Outcome | None:
    """Return the refusal of a program that is not shown to the worker."""
    reason = screen.unfit(program.code, limits) or screen.unfit(program.result, limits)
    if not reason and screen.first_cannot(program.code):
        reason = "text that the first engine keeps otherwise"
    if not reason and program.state and screen.orders(program.code):
        reason = "the first engine has one order of sets"
    return Outcome(REFUSED, error=reason, engine=NAME) if reason else None


def _missing() -> list[str]:
    found = confine.report()["missing"]
    return [str(part) for part in found] if isinstance(found, list) else []


def _source(program: Program, limits: Limits, name: str) -> str:
    # The blank line ends a continuation; None keeps a script's last value from crossing.
    before = _ROUND if "round(" in program.code or "round(" in program.result else ""
    if not program.result:
        return f"{before}{program.code}\n\nNone"
    return before + _RETURN.format(name=name, cap=limits.output + 1, code=program.code,
                          result=program.result)


def _outcome(program: Program, reply: Reply, limits: Limits) -> Outcome:
    """Return what a reply says."""
    kind, text, name, error = REFUSED, None, "", "it asks the system for too much"
    if reply.kind == wire.ERROR or program.result:
        try:
            if reply.kind == wire.ERROR:
                kind, error = _raised(*wire.raised(reply.body))
            elif reply.kind == wire.COMPLETE:
                kind, text, name, error = _value(wire.value(reply.body), limits.output)
        except ValueError as wrong:
            kind, error = CRASHED, f"a malformed reply: {wrong}"
        if kind == TIMEOUT and reply.seconds < 0.9 * limits.seconds:
            kind, error = REFUSED, "TimeoutError of the program's own"
    elif reply.kind == wire.COMPLETE:
        text = reply.printed.last_line() if reply.printed is not None else None
        kind, name, error = ((ERROR, "", "NothingPrinted") if text is None
                             else (VALUE, "printed", ""))
        if text is not None and len(text) > limits.output:
            kind, text, name, error = REFUSED, None, "", TOO_LONG
    return Outcome(kind, text, name, error, NAME, reply.seconds)


def _value(value: object, cap: int) -> tuple[str, str | None, str, str]:
    """Return the outcome of what crossed: a float, or the name of a type and a repr."""
    if type(value) is float:
        return VALUE, repr(value), "float", ""
    if type(value) is tuple and len(value) == 2 and all(type(part) is str for part in value):
        name, text = value
        return (VALUE, text, name, "") if len(text) <= cap else (REFUSED, None, "", TOO_LONG)
    return REFUSED, None, "", "a value that did not come by the way out"


def _raised(name: str, message: str) -> tuple[str, str]:
    """Return kind and error of an exception that came out of a program."""
    name, text = _line(name), _line(message)
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


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
