"""How fast the exact tiers grade, against math-verify on the same pairs in the same run.

Why: the dear grader is worth calling only for what the cheap one leaves; this prints what
that saves. Real pairs (GSM8K's published solutions) where ../shared/data has them.

Used as: `python benchmarks/grading_speed.py` (math-verify gets a tenth of the pairs).
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from mathmill.grading.answers import extract
from mathmill.grading.equal import equal

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "gsm8k" / "example_model_solutions.jsonl"
CASES = ROOT / "tests" / "cases" / "grading_equal.jsonl"


def pairs() -> dict[str, list[tuple[str, str]]]:
    """Return named lists of (gold, answer)."""
    cases = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
    found = {"cases of the tests": [(case["gold"], case["answer"]) for case in cases] * 20}
    if REAL.exists():
        rows = [json.loads(line) for line in REAL.read_text("utf-8").splitlines()]
        found["GSM8K, four systems"] = [
            (extract(row["ground_truth"]).text or "", extract(each["solution"]).text or "")
            for row in rows for each in row.values() if isinstance(each, dict)]
    return found


def main() -> None:
    """Print pairs a CPU-second of both graders, and their ratio."""
    from math_verify import parse, verify

    for name, both in pairs().items():
        start = time.process_time()
        unsettled = sum(equal(gold, answer).value == "undecided" for gold, answer in both)
        ours = len(both) / (time.process_time() - start)
        some = both[::10][:300]
        start = time.process_time()
        for gold, answer in some:
            verify(parse(f"${gold}$"), parse(f"${answer}$"))
        theirs = len(some) / (time.process_time() - start)
        print(f"{name}: {ours:,.0f} pairs/CPU-s against {theirs:,.0f} of math-verify "
              f"(x{ours / theirs:.0f}); left undecided {unsettled / len(both):.2%}")


if __name__ == "__main__":
    main()
