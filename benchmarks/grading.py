r"""The grader against math-verify on the same pairs in the same run: speed, agreement, errors.

Why: the dear grader is worth calling only for what the cheap tiers leave; this prints what
that saves, in processor seconds of this process and all its children, and lists every pair
on which the two disagree, with the reason. Neither pays for its imports here: both are
asked one pair before the clock starts. math-verify gets the answers that our extraction
found, free of charge, wrapped in `$`, which is its best way (bare LaTeX costs it half of
all true matches).

Used as: `python benchmarks/grading.py` (about a minute; `--quick` takes a fifth of the pairs).
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.grading.answers import extract
from mathmill.grading.conformance.dress import dressed
from mathmill.grading.conformance.pairs import KINDS, generated, written
from mathmill.grading.conformance.sheet import limits, measure
from mathmill.grading.equal import equal, grade
from mathmill.grading.symbolic import settle
from mathmill.grading.wilson import wilson
from mathmill.types import CORRECT, UNDECIDED, Verdict

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
WANTED = {"GSM8K": 8.0, "LaTeX": 6.0}  # times the throughput of math-verify
# Answers of MATH by our estimate, in pairs of a thousand: most are whole numbers.
MIX = {"integers": 520, "fractions": 130, "decimals": 25, "thousands": 10, "mixed numbers": 5,
       "percent": 10, "money": 15, "units": 25, "degrees": 15, "powers": 10, "surds": 35,
       "surd sums": 20, "nested and higher roots": 5, "multiples of pi": 20, "polynomials": 25,
       "products of factors": 10, "rational expressions": 8, "several letters": 12,
       "complex numbers": 10, "equations": 10, "intervals": 12, "unions of intervals": 6,
       "inequalities": 4, "tuples": 20, "bare lists": 10, "sets": 3, "matrices": 5, "vectors": 5,
       "bases": 7, "names": 4, "choices": 4}


@dataclass(frozen=True, slots=True)
class Case:
    """One pair as both graders get it."""

    gold: str
    "The right answer."
    text: str
    "What our grader is given: a response, or an answer."
    answer: str
    "What math-verify is given: the answer."
    whole: bool
    "Whether `text` is a response."
    label: bool | None
    "Whether both mean the same, where that is known."
    kind: str
    "Where the pair is from."


def main() -> None:
    """Print the figures; exit code 1 where one is missed."""
    logging.disable(logging.WARNING)  # math-verify logs every time-out
    part = 0.2 if "--quick" in sys.argv else 1.0
    broken = False
    for name, cases in (("GSM8K", list(gsm8k())), ("LaTeX", [*real_latex(), *mixed()])):
        broken |= not contest(name, sample(cases, part))
    broken |= not perturbations(part / 8)
    raise SystemExit(broken)


def sample(cases: list[Any], part: float) -> list[Any]:
    """Return a part of a list, drawn the same way in every run."""
    return random.Random(len(cases)).sample(cases, round(part * len(cases)))


def contest(name: str, cases: list[Case]) -> bool:
    """Print speed and agreement on a list of pairs; return whether the target is met."""
    ours_one, theirs_one = settler(), peer()
    ours_one(cases[0]), theirs_one(cases[0])  # imports and workers are started here
    settle("\\int_0^1 x\\,dx", "\\frac{1}{2}")
    calm()
    start = cpu()
    ours = [ours_one(case) for case in cases]
    mine = cpu() - start
    start = cpu()
    theirs = [theirs_one(case) for case in cases]
    his = cpu() - start
    gain = his / mine
    undecided = sum(verdict.value == UNDECIDED for verdict in ours)
    asked = sum("math-verify" in verdict.how for verdict in ours)
    print(f"{name}: {len(cases):,} pairs; {len(cases) / mine:,.0f} a CPU-second against "
          f"{len(cases) / his:,.0f} of math-verify: x{gain:.1f} (wanted: x{WANTED[name]:.0f}); "
          f"settled by math-verify's worker {asked:,}, undecided {undecided:,}")
    print("  kinds: " + ", ".join(f"{kind} {count:,}" for kind, count
                                  in Counter(case.kind for case in cases).most_common(40)))
    settled = [(case, verdict, other) for case, verdict, other
               in zip(cases, ours, theirs, strict=True) if verdict.value != UNDECIDED]
    apart = [(case, verdict, other) for case, verdict, other in settled
             if (verdict.value == CORRECT) != (other is True)]
    print(f"  agree on {len(settled) - len(apart):,} of {len(settled):,} settled pairs "
          f"({1 - len(apart) / len(settled):.2%}); the others by cause:")
    disagreements(apart)
    return gain >= WANTED[name]


def disagreements(apart: list[tuple[Case, Verdict, bool | None]]) -> None:
    """Print every disagreement, grouped by its cause."""
    table: dict[str, list[str]] = defaultdict(list)
    for case, verdict, other in apart:
        table[cause(case, verdict, other)].append(
            f"{case.gold!r} ~ {case.answer!r}: ours {verdict.value} ({verdict.how}), "
            f"label {case.label}")
    for why, lines in sorted(table.items(), key=lambda item: -len(item[1])):
        print(f"  {len(lines):>5} {why}")
        for line in lines:
            print(f"          {line[:220]}")


_CAUSES: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
    ("number base", lambda g, a: bool(re.search(r"[0-9A-F)]_\{?\d", g + " " + a))),
    ("mixed number", lambda g, a: bool(re.search(
        r"\d ?\\[dt]?frac|\d (?:and )?\d+/\d|\d[\\~, ]+\\d?frac", g + " " + a))),
    ("unit, money or degrees left beside the number", lambda g, a: bool(re.search(
        r"circ|°|degree|\$|dollar|USD|(?:text|mathrm|mbox)\s*\{|[a-z]{2,}|\d ?[a-z]\b",
        re.sub(r"\\(?:[dt]?frac|sqrt|pi|cdot|times|left|right)", "", g + " " + a)))),
    ("percent", lambda g, a: "%" in g + a),
    ("thousands separators", lambda g, a: bool(re.search(
        r"\d(?:\{,\}|,|\\,| )\d{3}", g + " " + a))),
    ("powers of ten", lambda g, a: bool(re.search(r"10\^|\de-?\d", g + " " + a))),
    ("order or number of a bare list's parts", lambda g, a: "," in g + a),
    ("a decimal against a fraction, to few digits", lambda g, a: "." in g + a),
)


def cause(case: Case, verdict: Verdict, other: bool | None) -> str:
    """Return why the two graders differ on a pair: whose error it is, and of what class."""
    if case.label is not None and (verdict.value == CORRECT) != case.label:
        return f"OUR error: {case.kind}: {verdict.how}"
    did = "accepts" if other else "cannot read" if other is None else "misses"
    if case.kind in KINDS:
        return f"math-verify {did}: {case.kind}"
    known = next((name for name, fits in _CAUSES if fits(case.gold, case.answer)), "other")
    doubt = "" if case.label is not None else " (no label)"
    return f"math-verify {did}: {known}{doubt}"


def settler() -> Callable[[Case], Verdict]:
    """Return our whole grader: extraction where there is a response, then equality."""
    return lambda case: (grade(case.text, case.gold) if case.whole
                         else equal(case.gold, case.text))


def peer() -> Callable[[Case], bool | None]:
    """Return math-verify on a pair: True, False, or None where it reads nothing."""
    from math_verify import parse, verify

    def judge(case: Case) -> bool | None:
        gold, answer = parse(f"${bare(case.gold)}$"), parse(f"${bare(case.answer)}$")
        return verify(gold, answer) if gold and answer else None

    return judge


def bare(text: str) -> str:
    """Return an answer without the signs of a maths span, which are put around it anew."""
    text = text.strip()
    for opening, closing in (("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        for end in (closing, closing + "."):
            if text.startswith(opening) and text.endswith(end) and len(text) > 3:
                return text[len(opening):-len(end)]
    return text


def gsm8k() -> Iterator[Case]:
    """Yield the published solutions of four systems with their labels, or pairs made up."""
    path = DATA / "gsm8k" / "example_model_solutions.jsonl"
    if not path.exists():
        for pair in generated(800, ["integers", "thousands", "decimals", "money", "units"]):
            yield _case(pair.gold, pair.answer, pair.whole, pair.same, pair.kind)
        return
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        gold = extract(row["ground_truth"]).text or ""
        for each in row.values():
            if isinstance(each, dict):
                yield _case(gold, each["solution"], True, each["is_correct"], "GSM8K")


def real_latex() -> Iterator[Case]:
    """Yield gold answers of three test sets, each with itself dressed and with another's."""
    for kind, golds in golds_of().items():
        chance = random.Random(kind)
        for place, gold in enumerate(golds):
            text, _, whole = dressed(bare(gold), "maths", chance)
            yield _case(gold, text, whole, True, kind)
            other = golds[(place + chance.randrange(1, len(golds))) % len(golds)]
            yield _case(gold, other, False, True if other == gold else None, kind)


def golds_of() -> dict[str, list[str]]:
    """Return the gold answers of OlympiadBench, SciBench and JEEBench, where they are."""
    found: dict[str, list[str]] = {}
    olympiad = DATA / "olympiadbench" / "OE_TO_maths_en_COMP.json"
    if olympiad.exists():
        rows = json.loads(olympiad.read_text("utf-8"))
        found["OlympiadBench"] = [row["final_answer"][0] for row in rows]
    if (DATA / "scibench").exists():
        found["SciBench"] = [row["answer_latex"].strip()
                             for path in sorted((DATA / "scibench").glob("*.json"))
                             for row in json.loads(path.read_text("utf-8"))
                             if row["answer_latex"].strip()]
    jee = DATA / "jeebench" / "dataset.json"
    if jee.exists():
        found["JEEBench"] = [row["gold"] for row in json.loads(jee.read_text("utf-8"))
                             if row["type"] in ("Numeric", "Integer")]
    return found


def mixed() -> Iterator[Case]:
    """Yield labelled pairs of the conformance suite in the mix of MATH, `MIX` a thousand."""
    for kind, share in MIX.items():
        for pair in generated(share, [kind], seed="benchmark"):
            yield _case(pair.gold, pair.answer, pair.whole, pair.same, kind)


def _case(gold: str, text: str, whole: bool, label: bool | None, kind: str) -> Case:
    """Return a case; the answer in a response is found beforehand, for math-verify."""
    answer = (extract(text).text or "") if whole else text
    return Case(gold, text, answer, whole, label, kind)


def perturbations(part: float) -> bool:
    """Print the shares missed and accepted of labelled pairs, ours and math-verify's."""
    pairs = generated() + written()
    sheet = measure(pairs)
    print(f"labelled pairs, ours, {len(pairs):,}:")
    print("".join(f"  {line}\n" for line in limits(sheet.total())), end="")
    judge, some = peer(), sample(pairs, part)
    missed = accepted = alike = 0
    for pair in some:
        right = judge(_case(pair.gold, pair.answer, pair.whole, pair.same, pair.kind)) is True
        alike += pair.same
        missed += pair.same and not right
        accepted += right and not pair.same
    unlike = len(some) - alike
    print(f"  math-verify on {len(some):,} of them: missed {missed:,} of {alike:,} = "
          f"{missed / alike:.1%}, accepted {accepted:,} of {unlike:,} = {accepted / unlike:.1%} "
          f"(95 %: {wilson(accepted, unlike)[0]:.1%} to {wilson(accepted, unlike)[1]:.1%})")
    return sheet.within_limits()


def cpu() -> float:
    """Return the processor seconds of this process, its dead children and its live ones."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + _living()


def calm() -> None:
    """Wait until the worker has finished its imports, at most twenty seconds."""
    for _ in range(20):
        before = cpu()
        time.sleep(1)
        if cpu() - before < 0.05:
            return


def _living() -> float:
    """Return the processor seconds of all living descendants (Linux; elsewhere 0)."""
    parents: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat") if Path("/proc").exists() else ():
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        ticks = sum(int(field) for field in fields[11:15])
        parents[int(entry.parent.name)] = int(fields[1]), ticks / os.sysconf("SC_CLK_TCK")
    ours, seconds = {os.getpid()}, 0.0
    for _ in range(6):  # generations
        ours |= {pid for pid, (parent, _) in parents.items() if parent in ours}
    for pid in ours - {os.getpid()}:
        seconds += parents[pid][1] if pid in parents else 0.0
    return seconds


if __name__ == "__main__":
    started = time.perf_counter()
    try:
        main()
    finally:
        print(f"{time.perf_counter() - started:.0f} s")
