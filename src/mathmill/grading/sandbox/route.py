r"""Which engine runs a program, which runs it again, and whether an engine can be believed.

Why: two engines that share no code settle what one alone cannot say. A batch's outcomes leave
here only when a canary that ran after it, on the same worker, came back right; and a drawn
share of programs runs on both engines: results that differ are refused, not chosen between.

Used as: `Router([MontyEngine(), ZygoteEngine()], Limits(), crosscheck=0.01).run(programs)`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from mathmill import identity
from mathmill.errors import MathmillError, UsageError
from mathmill.grading.sandbox import screen
from mathmill.grading.sandbox.outcome import (
    CRASHED,
    ERROR,
    REFUSED,
    TIMEOUT,
    VALUE,
    Engine,
    Limits,
    Outcome,
    Program,
)

SLICE = 8  # programs of the second engine between two signs of life
SPARSE = 64  # programs between two canaries of an engine that gives each a process of its own
_FINAL = {"value too long"}  # refusals that another engine would repeat
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_CANARY = """from math import floor
def canary():
    text = "{text}"
    total = sum(int(c) for c in text) if len(text) > 3 else 0
    pairs = sorted({{c: i for i, c in enumerate(text)}}.items())
    return [total, floor({a} / 7 * 1.5), round({a} / 8, 2), max(pairs)[0], str({a} ** 5), {a} % 97]
"""


class Router:
    """Two engines, or one, behind one `run`; not for more than one thread."""

    def __init__(self, engines: Sequence[Engine], limits: Limits, crosscheck: float = 0.0,
                 beat: Callable[[], None] | None = None) -> None:
        """Take the engines in the order of asking; `beat` is called between slices."""
        self._first, self._second = engines[0], engines[1] if len(engines) > 1 else None
        self._limits, self._share = limits, crosscheck
        self._beat = beat or (lambda: None)
        self._canaries = 0
        self._unproved: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()

    def run(self, programs: Sequence[Program]) -> list[Outcome]:
        """Return an outcome for each program, in order.

        Raises UsageError where an engine cannot start, or is wrong on a canary from the start.
        """
        outcomes: list[Outcome | None] = [None] * len(programs)
        fit = []
        for place, program in enumerate(programs):
            reason = (screen.unfit(program.code, self._limits)
                      or screen.unfit(program.result, self._limits))
            if reason:
                outcomes[place] = Outcome(REFUSED, error=reason)
            else:
                fit.append(place)
        for place, outcome in zip(fit, self._trusted(self._first, [programs[p] for p in fit]),
                                  strict=True):
            outcomes[place] = outcome
        if self._second is not None:
            self._pass_on(self._second, programs, outcomes, fit)
        return [outcome for outcome in outcomes if outcome is not None]

    def close(self) -> None:
        """End both engines."""
        self._first.close()
        if self._second is not None:
            self._second.close()

    def _pass_on(self, second: Engine, programs: Sequence[Program],
                 outcomes: list[Outcome | None], fit: Sequence[int]) -> None:
        """Have the second engine run what the first refused, and the share that both run."""
        again: list[int] = []
        for place in fit:
            outcome, program = outcomes[place], programs[place]
            assert outcome is not None
            if outcome.kind == REFUSED and outcome.error not in _FINAL:
                broken = _broken(outcome, program, self._limits)
                if broken is None:
                    again.append(place)
                else:
                    outcomes[place] = broken
            elif outcome.kind in (VALUE, ERROR) and self.drawn(program):
                again.append(place)
        for start in range(0, len(again), SLICE):
            places = again[start:start + SLICE]
            self._beat()
            found = self._trusted(second, [programs[p] for p in places])
            for place, outcome in zip(places, found, strict=True):
                before = outcomes[place]
                assert before is not None
                outcomes[place] = (outcome if before.kind == REFUSED
                                   else self._compared(before, outcome))

    def drawn(self, program: Program) -> bool:
        """Tell whether a program is of the share that both engines run: the same everywhere."""
        return self._share > 0 and (
            self._share >= 1
            or int(identity.content_id("crosscheck", program.code, program.result)[:12], 16)
            < self._share * 16 ** 12)

    def _compared(self, first: Outcome, second: Outcome) -> Outcome:
        """Return the first engine's outcome, or a refusal where the second contradicts it."""
        if second.kind not in (VALUE, ERROR):
            self.facts["crosscheck: the second engine has no result"] += 1
            return first
        if agree(first, second):
            self.facts["crosscheck: agree"] += 1
            return first
        self.facts["crosscheck: differ"] += 1
        said = " against ".join(
            f"{one.engine} {one.type or one.error} {(one.value or '')[:60]}".strip()
            for one in (first, second))
        return Outcome(REFUSED, error=f"engines differ: {said}", engine=first.engine,
                       seconds=first.seconds + second.seconds)

    def _trusted(self, engine: Engine, programs: Sequence[Program],
                 crashed: bool = True) -> list[Outcome]:
        """Return outcomes that a right canary stands behind.

        `crashed`: run what crashed once more, for it may have been the machine's doing.
        """
        if not programs:
            return []
        outcomes = self._guarded(engine, programs)
        if outcomes is not None:
            again = [n for n, one in enumerate(outcomes) if crashed and one.kind == CRASHED]
            found = self._trusted(engine, [programs[n] for n in again], crashed=False)
            for place, outcome in zip(again, found, strict=True):
                outcomes[place] = outcome
            return outcomes
        engine.close()  # the next run starts a fresh worker
        self._unproved[engine.name] = 0
        self.facts["canary: wrong, worker retired"] += 1
        self._beat()
        if len(programs) > 1:
            return [outcome for one in programs for outcome in self._trusted(engine, [one])]
        if self._guarded(engine, []) is None:
            raise UsageError(f"the engine {engine.name} is wrong on programs whose results are "
                             "known, from a fresh start; reinstall it, or use another machine")
        outcomes = self._guarded(engine, programs)
        if outcomes is not None:
            return outcomes
        engine.close()
        return [Outcome(CRASHED, error="left its worker wrong on a known program",
                        engine=engine.name)]

    def _guarded(self, engine: Engine, programs: Sequence[Program]) -> list[Outcome] | None:
        """Run programs and a canary; None where the engine broke or the canary is wrong.

        Programs that share no process (`engine.apart`) cannot poison one another. There a canary
        shows only that the engine works: with its first programs and with every 64th.
        """
        sparse = getattr(engine, "apart", False) and bool(programs)
        if sparse and 0 < self._unproved[engine.name] < SPARSE:
            self._unproved[engine.name] += len(programs)
            return self._ran(engine, programs)
        self._unproved[engine.name] = 1
        self._canaries += 1
        program, value = canary(self._canaries)
        outcomes = self._ran(engine, [*programs, program])
        if outcomes is None:
            return None
        # A known program that is merely late, on a loaded machine, poisons nothing.
        if outcomes[-1].kind == TIMEOUT:
            self.facts["canary: late"] += 1
            outcomes[-1:] = engine.run([program], replace(
                self._limits, seconds=max(10.0, self._limits.seconds)))
        right = outcomes[-1].kind == VALUE and outcomes[-1].value == value
        self.facts["canary: right"] += right
        return outcomes[:-1] if right else None

    def _ran(self, engine: Engine, programs: Sequence[Program]) -> list[Outcome] | None:
        """Run programs; None where the engine broke."""
        try:
            outcomes = list(engine.run(programs, self._limits))
        except MathmillError:
            raise
        except Exception:
            outcomes = []
        if len(outcomes) == len(programs):
            return outcomes
        self.facts["engine broke"] += 1
        self._unproved[engine.name] = 0
        return None


def canary(number: int) -> tuple[Program, str]:
    """Return the canary of this number and the `repr` of its value, worked out here."""
    a = 1000 + (number * 7919) % 90_000
    text = f"{a * 31:07d}"
    pairs = sorted({c: i for i, c in enumerate(text)}.items())
    value = [sum(map(int, text)), math.floor(a / 7 * 1.5), round(a / 8, 2), max(pairs)[0],
             str(a ** 5), a % 97]
    return Program(_CANARY.format(text=text, a=a), "canary()"), repr(value)


def agree(first: Outcome, second: Outcome) -> bool:
    """Tell whether two outcomes are the same result.

    Values: type and `repr`, but that a float may differ in its last bit (1 ulp; engines round
    `**` and `sum` differently), a flat set may come in any order, and addresses do not count.
    Errors: any error agrees with any error; no answer follows from either.
    """
    if first.kind != second.kind:
        return False
    if first.kind != VALUE:
        return True
    if first.type != second.type:
        return False
    texts = [_ADDRESS.sub("", outcome.value or "") for outcome in (first, second)]
    if first.type in ("set", "frozenset"):
        texts = [", ".join(sorted(re.findall(r"[^\s{}(),]+", text))) for text in texts]
    if texts[0] == texts[1]:
        return True
    rests = [_NUMBER.sub("#", text) for text in texts]
    return rests[0] == rests[1] and all(
        map(_near, _NUMBER.findall(texts[0]), _NUMBER.findall(texts[1])))


def _near(one: str, other: str) -> bool:
    if one == other:
        return True
    if one.isdigit() or other.isdigit():  # whole numbers are exact, and a float is not one
        return False
    a, b = float(one), float(other)
    return a == b or (math.isfinite(a) and math.isfinite(b)
                      and abs(a - b) <= math.ulp(max(a, b)))


def _broken(refused: Outcome, program: Program, limits: Limits) -> Outcome | None:
    """Return the outcome of a program that is no Python, which needs no second engine."""
    if not refused.error.startswith("SyntaxError"):
        return None
    look = screen.look(program.code, limits)
    if look.kind != screen.BROKEN:
        return None
    return Outcome(ERROR, error=look.reason, engine="screen")
