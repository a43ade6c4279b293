"""Start-up: how long `import mathmill` and `mathmill --help` take, against bare Python.

Why: a command line that thinks before it speaks is not used. The limit is Python's own start;
the goals are 0.3 s for the import and 0.6 s for the help.

    python benchmarks/startup.py
"""

from __future__ import annotations

import subprocess
import sys
import time

GOALS = {"import mathmill": 0.3, "mathmill --help": 0.6}
CODE = {
    "bare python": "pass",
    "import mathmill": "import mathmill, mathmill.pipeline",
    "mathmill --help": "import sys; sys.argv = ['mathmill', '--help']; "
                       "from mathmill.cli import main; main()",
}
TIMES = 5


def seconds(code: str) -> float:
    """Return the best wall time of a few starts: the least disturbed one."""
    best = float("inf")
    for _ in range(TIMES):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - began)
    return best


def main() -> None:
    """Print each start, its ratio to bare Python's and its goal."""
    taken = {name: seconds(code) for name, code in CODE.items()}
    for name, spent in taken.items():
        goal = f", goal {GOALS[name]} s" if name in GOALS else ""
        print(f"{name}: {spent:.3f} s, {spent / taken['bare python']:.1f} x bare Python{goal}")


if __name__ == "__main__":
    main()
