"""The second engine: a confined process that forks one confined child for every program.

Why: it runs real CPython, so it takes what the first engine refuses, SymPy and NumPy with
it; and nothing that a program does outlives its process. How a program ended is read from
its process's status; what it wrote is taken only as its own value, one line of it.

Used as: `with ZygoteEngine() as engine: engine.run([Program("x = 6 * 7", "x")], Limits())`.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from mathmill.errors import UsageError
from mathmill.grading.sandbox import confine
from mathmill.grading.sandbox.outcome import REFUSED, Limits, Outcome, Program
from mathmill.grading.sandbox.zygote_process import NAME, Zygote

PACKAGES = ("numpy", "mpmath", "sympy")
STDLIB = ("stdlib",)
Needs = tuple[str, ...]
# A fork copies 5 entries of memory for each shared library: with all modules a program takes 1.9 ms
# of CPU, with these 1.65. They are what the zygote itself needs, and what costs it nothing more.
CORE_MODULES = (
    "abc ast bisect collections collections.abc contextlib copy dataclasses enum functools inspect "
    "io itertools json math operator os random re string struct sys time types typing warnings "
    "weakref encodings.latin_1 encodings.ascii")
MODULES = CORE_MODULES + (
    " array base64 binascii calendar cmath csv datetime decimal fractions graphlib hashlib heapq "
    "locale numbers pprint queue secrets statistics textwrap threading timeit traceback "
    "unicodedata uuid zlib zoneinfo _strptime encodings.idna")
# A mention asks for all of them; a program that needs them and has not said so is run again.
_MENTION = re.compile(
    r"\b(?:array|base64|binascii|calendar|cmath|csv|datetime|decimal|fractions|graphlib|hashlib|"
    r"heapq|locale|pprint|secrets|statistics|strptime|textwrap|threading|timeit|traceback|"
    r"unicodedata|uuid|zlib|zoneinfo)\b")
_ABSENT = ("ModuleNotFoundError", "ImportError", "LookupError")


class ZygoteEngine:
    """Engine of outcome.py over up to four zygotes.

    Each has more loaded: some modules, all of the standard library's that programs find, NumPy,
    SymPy and all.
    """

    name = NAME
    apart = True  # each program has a process of its own

    def __init__(self, jobs: int = 1, *, allow_unconfined: bool = False,
                 python: str | None = None, packages_path: str | None = None,
                 packages: Sequence[str] = PACKAGES, modules: Sequence[str] = ()) -> None:
        """Prepare; processes start at the first program.

        `jobs`: children at work at once. `python`: the interpreter, by default this one.
        `packages_path`: the folder that holds `packages`, by default where this interpreter
        finds them. `modules`: of the standard library, beyond those that programs find anyway
        (another one is refused: after the walls are up nothing can be imported). Raises
        UsageError where the kernel lacks Landlock or seccomp, unless `allow_unconfined`,
        which applies what there is.
        """
        missing = confine.report()["missing"]
        if missing and (not allow_unconfined or sys.platform != "linux"):
            raise UsageError(
                "the zygote needs " + " and ".join(map(str, missing)) +  # type: ignore[call-overload]
                ": use another machine" + ", or allow_unconfined=True for programs that you trust"
                * (sys.platform == "linux"))
        self._jobs, self._python = max(1, jobs), python or sys.executable
        self._modules = " ".join(modules)
        self._walls = "unconfined" if allow_unconfined else "confined"
        self._folder, self._packages = _installed(packages_path, packages)
        self._mention = re.compile(rf"\b(?:{'|'.join(self._packages)})\b")
        self._lock = threading.Lock()
        self._zygotes: dict[tuple[Needs, int], Zygote] = {}

    def __enter__(self) -> ZygoteEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, programs: Sequence[Program], limits: Limits) -> list[Outcome]:
        """Return an outcome for each program, in order; callers in threads take turns.

        Raises UsageError only where a zygote cannot be started.
        """
        outcomes: dict[int, Outcome] = {}
        groups: dict[tuple[Needs, int], list[int]] = {}
        for place, program in enumerate(programs):
            if len(program.code) > limits.source:
                outcomes[place] = Outcome(REFUSED, error="source too long", engine=NAME)
            else:
                groups.setdefault((self._needs(program.code), program.state), []).append(place)
        with self._lock:
            for group, places in groups.items():
                outcomes |= self._through(group, places, programs, limits)
                if group[0] == ():
                    absent = [p for p in places if outcomes[p].error.startswith(_ABSENT)]
                    outcomes |= self._through((STDLIB, group[1]), absent, programs, limits)
        return [outcomes[place] for place in range(len(programs))]

    def _through(self, group: tuple[Needs, int], waiting: Sequence[int],
                 programs: Sequence[Program], limits: Limits) -> dict[int, Outcome]:
        """Return the outcomes of the programs at these places, from one zygote after another."""
        outcomes: dict[int, Outcome] = {}
        while waiting:  # a zygote that dies takes the programs in it along, no others
            zygote = self._zygote(*group)
            try:
                done = zygote.run([(place, programs[place]) for place in waiting], limits)
            except BaseException:  # Ctrl-C: its answers must not meet the next programs
                zygote.end()
                raise
            outcomes |= done
            waiting = [place for place in waiting if place not in done]
        return outcomes

    def close(self) -> None:
        """End the zygotes; their children end with them."""
        with self._lock:
            for zygote in self._zygotes.values():
                zygote.end()
            self._zygotes.clear()

    def applied(self) -> dict[str, object]:
        """Return what the first zygote is confined by, as it reports itself."""
        with self._lock:
            return self._zygote(()).applied

    def _needs(self, code: str) -> Needs:
        """Return what a program is given: little, the standard library, NumPy alone, or all.

        A mention is enough. Most programs that mention NumPy need nothing else, and a fork
        with SymPy's pages costs twice as much.
        """
        if "import" not in code:  # two of three programs; the searches take 40 us
            return ()
        mentioned = set(self._mention.findall(code)) if self._packages else set()
        if not mentioned:
            return STDLIB if _MENTION.search(code) else ()
        return tuple(mentioned) if mentioned <= {"numpy"} else self._packages

    def _zygote(self, needs: Needs, state: int = 0) -> Zygote:
        zygote = self._zygotes.get((needs, state))
        if zygote is None or not zygote.usable():
            if zygote is not None:
                zygote.end()
            packages = () if needs == STDLIB else needs
            modules = f"{MODULES if needs else CORE_MODULES} {self._modules}"
            zygote = Zygote(self._python, self._jobs, [
                self._walls, self._folder if packages else "", ",".join(packages), modules], state)
            # An unknown C library may need a call that the filter kills: said once, at the start.
            first = zygote.run([(0, Program("x = 6 * 7", "x"))], Limits(seconds=20.0))[0]
            if first.value != "42":
                zygote.end()
                raise UsageError(f"the zygote cannot run programs here: {first.kind} {first.error}")
            self._zygotes[needs, state] = zygote
        return zygote


def _installed(folder: str | None, packages: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the folder that holds packages, and those of them that it holds."""
    if folder is None:
        places = [importlib.util.find_spec(name) for name in packages]
        found = [Path(place.origin).parent.parent for place in places if place and place.origin]
        folder = str(found[-1]) if found else ""
    return folder, tuple(name for name in packages if folder and Path(folder, name).is_dir())
