"""Write the tables of docs/attacks.md: what each attack reached, on each engine, as each user.

Why: a page of outcomes typed by hand is out of date with the next commit. The runs are the ones
that tests/grading/sandbox/test_attacks.py judges, so the page cannot say more than the tests.

Used as: `python benchmarks/attacks.py --write` as root on Linux (under a minute); without
`--write` it counts breaches and leaves the page alone.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "grading" / "sandbox"))
import test_attacks  # noqa: E402

PAGE = ROOT / "docs" / "attacks.md"
FRONT = ROOT / "tests" / "cases" / "attacks_front.jsonl"
COLUMNS = [("zygote", None), ("zygote", test_attacks.NOBODY),
           ("monty", None), ("monty", test_attacks.NOBODY)]


def cell(attack: dict[str, Any]) -> str:
    """Return how one run ended, and in capitals that it reached something."""
    outcome = attack["outcome"]
    said = outcome["kind"] + (f" ({outcome['error'].split(':')[0]})" if outcome["error"]
                              and outcome["kind"] != "refused" else "")
    return said + "".join(f" REACHED: {breach}" for breach in attack["breaches"])


def table() -> str:
    """Run everything and return the table of attacks on the engines."""
    with test_attacks.laid_out() as place:
        plain = test_attacks.seen("none", None, place)["attacks"]
        found = [test_attacks.seen(engine, user, place)["attacks"] for engine, user in COLUMNS]
    lines = ["| attack | plain process | zygote, root | zygote, nobody | Monty, root | "
             "Monty, nobody |", "|---|---|---|---|---|---|"]
    for name in test_attacks.NAMES:
        cells = [cell(column[name]) for column in found]
        for root, nobody in ((0, 1), (2, 3)):
            if cells[nobody] == cells[root]:
                cells[nobody] = "the same"
        wanted = test_attacks.CONTROLS.get(name)
        control = ", ".join(breach for breach in plain.get(name, {}).get("breaches", ())
                            if breach != "memory" or wanted == "memory")  # said of every escape
        shown = re.sub(r"([*_|])", r"\\\1", name)
        lines.append(f"| {shown} | {control or '—'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def front() -> str:
    """Return the table of programs against the whole front: how each may end."""
    rows = [json.loads(line) for line in FRONT.read_text(encoding="utf-8").splitlines()]
    return "| program | may end as |\n|---|---|\n" + "\n".join(
        f"| {row['name']} | {', '.join(row['kinds'])} |" for row in rows)


def main() -> None:
    """Put both tables, and what they were made on, between the marks of the page."""
    if sys.platform != "linux" or os.geteuid() != 0:
        print("needs Linux, and root to become another user")
        return
    report = test_attacks.confine.report()
    where = (f"{len(test_attacks.NAMES)} attacks, on Linux {report['kernel']}, Landlock ABI "
             f"{report['landlock']}, {report['machine']}, Python {platform.python_version()}.")
    text = PAGE.read_text(encoding="utf-8")
    for mark, new in (("engines", f"{where}\n\n{table()}"), ("front", front())):
        text = re.sub(rf"(<!-- {mark} -->\n).*?(<!-- end of {mark} -->)",
                      lambda found, new=new: f"{found[1]}{new}\n{found[2]}", text, flags=re.DOTALL)
    if "--write" in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    print(f"{where} {text.count('REACHED:')} cells tell of a breach")


if __name__ == "__main__":
    main()
