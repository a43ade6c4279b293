r"""Run one program inside the process that was forked for it, and say in one line how it went.

Why: the value's `repr` is made here, under the limits, since `__repr__` may be the program's
own. What leaves is one line: a letter, a name, a JSON string. Whatever the program does to
this module (it can: they share a process), the line says no more than its own result.

Used as: `line_of(code, "simple_math_problem()", 10_000)` -> `b'V\tint\t"42"\n'`.
"""

from __future__ import annotations

import io
import json
import sys
import types

_quoted = json.encoder.encode_basestring_ascii
VALUE, PRINTED, ERROR, REFUSED, UNCONFINED = "V", "P", "E", "R", "U"
OUT_OF_MEMORY = b'E\tMemoryError\t""\n'
_LONGEST_NUMBER = 1_000_000  # digits; no cap on output asks for more


class Printed(io.TextIOBase):
    """Standard output that keeps its last line, and no more than the cap."""

    encoding = "utf-8"

    def __init__(self, cap: int) -> None:
        """Keep a line of at most `cap` characters; of a longer one, that it was longer."""
        super().__init__()
        self._cap, self._tail = cap, ""

    def writable(self) -> bool:
        """Say that it takes text."""
        return True

    def write(self, text: str) -> int:
        """Take text of any size; keep what may be the last line."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        room = 2 * self._cap + 2  # a line's end may be far from the line: blank lines follow it
        tail = self._tail + text[-room:]
        if len(tail) > room:
            kept = tail.rstrip()[-self._cap - 1:]
            tail = kept + ("\n" if tail[-1:].isspace() else "")
        self._tail = tail
        return len(text)

    def last_line(self) -> str | None:
        """Return the last line with anything on it; None if there is none."""
        lines = [line for line in self._tail.splitlines() if line.strip()]
        return lines[-1].strip() if lines else None


def line_of(code: str, result: str, cap: int) -> bytes:
    """Run `code`, then evaluate `result` (empty: take the last line printed); return the line.

    `cap`: characters of the value's repr, or of the printed line; a longer one is refused.
    """
    printed = Printed(cap)
    main = types.ModuleType("__main__")
    main.__dict__["exit"] = main.__dict__["quit"] = sys.exit  # `site` would have put them there
    sys.modules["__main__"] = main
    sys.argv = ["program.py"]
    sys.stdin = io.StringIO("")
    sys.stdout = sys.__stdout__ = printed  # type: ignore[assignment, misc]
    sys.stderr = sys.__stderr__ = Printed(0)  # type: ignore[assignment, misc]
    space = main.__dict__
    try:
        try:
            exec(compile(code, "<program>", "exec", dont_inherit=True), space)
        except SystemExit as error:
            if result or error.code not in (None, 0):
                raise
        if result:
            value = eval(compile(result, "<result>", "eval", dont_inherit=True), space)
            return _value_line(value, cap)
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException as error:  # also what a program raises to get past `Exception`
        return _error_line(error)
    last = printed.last_line()
    if last is None:
        return line(ERROR, "NothingPrinted", "")
    return line(PRINTED, "printed", last) if len(last) <= cap else _too_long()


def _value_line(value: object, cap: int) -> bytes:
    kind = type(value)
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()  # type: ignore[attr-defined]  # np.float64(3.0) is the number 3.0
        kind = type(value)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(min(max(cap, 640), _LONGEST_NUMBER))
    try:
        text = repr(value)
    except ValueError:
        if isinstance(value, int):
            return _too_long()
        raise
    return line(VALUE, kind.__name__, text) if len(text) <= cap else _too_long()


def _error_line(error: BaseException) -> bytes:
    name = getattr(error, "name", None)
    absent = name if isinstance(error, ImportError) and isinstance(name, str) else ""
    return line(ERROR, type(error).__name__, absent[:200])


def _too_long() -> bytes:
    return line(REFUSED, "length", "the value is longer than the cap on output")


def line(letter: str, name: str, text: str) -> bytes:
    """Return the one line that leaves the process: no tab or line end but its own three."""
    return f"{letter}\t{name}\t{_quoted(str(text))}\n".encode("ascii", "replace")
