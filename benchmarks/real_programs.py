"""Run every published program in ../shared/data and hold the results against what was published.

Why: made-up programs cannot show that the sandbox runs what models write. GSM-hard gives a
target for each of its 1,319 programs; the outputs of Program-of-Thoughts (Chen et al., 2022)
record what their authors' own run returned, and their repository's README what came of it.

Their run read values in ways of its own, and their multiple choice was settled by a language
model (Codex, asked for the closest option). So for each file: in how many rows the sandbox
returns the recorded value, read as they read it; the accuracy by their rule; the accuracy by our
grader; and for AQuA the accuracy with the option nearest by number.

Used as: `python benchmarks/real_programs.py` (about two minutes); the tests import it.
"""

from __future__ import annotations

import ast
import json
import math
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from mathmill.grading.equal import equal
from mathmill.grading.policy import TOLERANT
from mathmill.grading.sandbox.form import WHOLE, answer_of, program_of
from mathmill.grading.sandbox.outcome import VALUE, Limits, Outcome, Program
from mathmill.grading.sandbox.rows import gold_text
from mathmill.grading.sandbox.run import Sandbox
from mathmill.grading.voting import vote
from mathmill.grading.wilson import wilson

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
# File -> (exact match in the README of TIGER-AI-Lab/Program-of-Thoughts, how its authors read
# values: `abs` dropped the sign, `zero` took 0 for no answer).
NUMERIC = {"gsm8K_s0_e-1_11_17_10_20": (0.716, ""), "svamp_s0_e-1_11_24_14_38": (0.852, "abs"),
           "gsm8K_zs_s0_e-1_11_19_09_55": (0.569, "zero"),
           "svamp_zs_s0_e-1_11_18_20_12": (0.708, ""),
           "multiarith_zs_s0_e-1_11_19_20_12": (0.922, "abs")}
AQUA = {"aqua_s0_e-1_11_06_18_38": 0.541, "aqua_sc_s0_e-1_11_07_20_49": 0.582,
        "aqua_zs_s0_e-1_11_19_11_56": 0.438}
# What stood around the authors' `exec`; imports that a program does not use fall away.
AROUND = """import math
import statistics
import numpy as np
from sympy import Eq, Symbol, simplify
from sympy.solvers import solve
"""
SOLVE_IT = """def solve_it(equation, variable):
    found = solve(equation, variable, dict=True)
    if found:
        return found[0]
    return {each: None for each in variable} if isinstance(variable, list) else {variable: None}
"""
VOTING = replace(TOLERANT, name="aqua", symbolic=False, choice="never", relative=1e-9)
CHOOSING = replace(VOTING, relative=1e-3)
_NUMBER = re.compile(r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?")
_OPERATIONS = {ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b,
               ast.Mult: lambda a, b: a * b, ast.Div: lambda a, b: a / b,
               ast.Pow: lambda a, b: a ** b}


@dataclass
class Held:
    """What a file of programs came to."""

    rows: int = 0
    "Questions."
    same: int = 0
    "Those on which the sandbox gives the recorded value (AQuA: on which the votes do)."
    recorded: int = 0
    "Right by what the file records."
    theirs: int = 0
    "Right by our run, read by the authors' rule (AQuA: their option where the value is theirs)."
    ours: int = 0
    "Right by our run and our grader (AQuA: with the option nearest by number)."
    kinds: Counter[str] = field(default_factory=Counter)
    "Outcomes of the programs, with the errors."
    apart: list[tuple[Any, ...]] = field(default_factory=list)
    "(row, outcome, our value, recorded value) where they differ."


def rows_of(folder: Path, name: str, every: int = 1) -> list[dict[str, Any]]:
    """Return every n-th row with a program of a file of Program-of-Thoughts."""
    lines = (folder / "pred_pot" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if "generated" in row][::every]


def ran(texts: Sequence[str], limits: Limits) -> dict[str, Outcome]:
    """Return the outcome of each text; equal ones are run once."""
    programs: dict[str, Program | None] = {
        text: program_of(AROUND + (SOLVE_IT if "solve_it" in text else "") + text)
        for text in dict.fromkeys(texts)}
    todo = [text for text, program in programs.items() if program is not None]
    with Sandbox(limits) as sandbox:
        outcomes = dict(zip(todo, sandbox.run(p for p in programs.values() if p), strict=True))
    return {text: outcomes.get(text, Outcome("no program")) for text in programs}


def number(value: str | None) -> float | None:
    """Return a value's `repr` as a number, of a group its first; None where it is none."""
    def read(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=bool() | int() | float()):
                return float(node.value)
            case ast.UnaryOp(op=ast.USub()):
                return -read(node.operand)
            case ast.Tuple(elts=[first, *_]) | ast.List(elts=[first, *_]) | ast.Dict(
                    values=[first, *_]):
                return read(first)
            case ast.BinOp():
                return float(_OPERATIONS[type(node.op)](read(node.left), read(node.right)))
            case ast.Name(id="pi" | "E"):
                return math.pi if node.id == "pi" else math.e
            case ast.Call(func=ast.Name(id="sqrt" | "log"), args=[inside]):
                return float(getattr(math, node.func.id)(read(inside)))
            case ast.Call(func=ast.Attribute(attr="float64") | ast.Name(id="array"),
                          args=[inside, *_]):
                return read(inside)
        raise ValueError

    try:
        found = read(ast.parse(value or "", mode="eval").body)
        return found if math.isfinite(found) else None
    except (ValueError, KeyError, TypeError, SyntaxError, ArithmeticError, RecursionError):
        return None


def near(left: float | None, right: float | None, gap: float = 1e-9) -> bool:
    """Tell whether two numbers, or two Nones, are the same but for noise."""
    if left is None or right is None:
        return left is right
    return abs(left - right) <= gap * max(1.0, abs(left), abs(right))


def exact_match(value: float | None, answer: float) -> bool:
    """Compare as the authors' script does: rounded to the fewer places of the two."""
    if value is None:
        return False
    places = min(len(str(n).rpartition(".")[2]) if "." in str(n) else 5 for n in (value, answer))
    return round(value, places) == round(answer, places)


def numeric(folder: Path, name: str, every: int = 1) -> Held:
    """Run a file whose answers are numbers."""
    _, reading = NUMERIC[name]
    rows, held = rows_of(folder, name, every), Held()
    texts = [r["generated"] if isinstance(r["generated"], str) else r["generated"][0]
             for r in rows]
    outcomes = ran(texts, Limits())
    for place, (row, text) in enumerate(zip(rows, texts, strict=True)):
        outcome, before = outcomes[text], row["executed"]
        mine, recorded = number(outcome.value), number(None if before is None else str(before))
        if reading == "abs" and mine is not None:
            mine = abs(mine)
        if reading == "zero":
            mine, recorded = mine or None, recorded or None
        answer = answer_of(outcome, whole=WHOLE)
        gold = gold_text(row["answer"], WHOLE) or ""
        held.rows += 1
        held.kinds[f"{outcome.kind} {outcome.error}".strip()] += 1
        held.recorded += exact_match(before if isinstance(before, float) else None, row["answer"])
        held.theirs += exact_match(mine, row["answer"])
        held.ours += answer is not None and equal(gold, answer, "gsm8k").value == "correct"
        if near(mine, recorded):
            held.same += 1
        else:
            held.apart.append((place * every + 1, outcome.kind, outcome.value, before))
    return held


def nearest(answer: str, value: float | None, options: Sequence[str]) -> str | None:
    """Return the letter of the option that equals an answer, else of the nearest by number."""
    bare = [re.sub(r"^(?:[A-E]\)\s*)+", "", option) for option in options]
    for letter, option in zip("ABCDE", bare, strict=False):
        if equal(option, answer, CHOOSING).value == "correct":
            return letter
    gaps = []
    for letter, option in zip("ABCDE", bare, strict=False):
        found = _NUMBER.search(option)
        if found is None or value is None or found[0].endswith("/0"):
            continue
        there = abs(float(Fraction(found[0].replace(",", "").replace(" ", ""))))
        gaps.append((abs(abs(value) - there), letter))
        if "%" in option:
            gaps.append((abs(abs(value) * 100 - there), letter))
    return min(gaps)[1] if gaps else None


def aqua(folder: Path, name: str, every: int = 1) -> Held:
    """Run a file of AQuA, vote where a question has several programs, choose an option."""
    rows, held = rows_of(folder, name, every), Held()
    texts = [r["generated"] if isinstance(r["generated"], list) else [r["generated"]]
             for r in rows]
    outcomes = ran([text for each in texts for text in each], Limits(5.0, 1024))
    held.kinds = Counter(f"{outcomes[text].kind} {outcomes[text].error}".strip()
                         for each in texts for text in each)
    for place, (row, each) in enumerate(zip(rows, texts, strict=True)):
        votes = vote([answer_of(outcomes[text], whole=WHOLE) for text in each], VOTING)
        leader = votes.leader
        said = outcomes[each[leader.places[0]]].value if leader else None
        before, value = row["generated_prediction"], number(said)
        same = (before == "None" if said is None else said.replace(" ", "")
                == before.replace(" ", "") or (value is not None and number(before) is not None
                                               and abs(value - (number(before) or 0)) < 0.00501))
        # Without a value the authors say A, in the zero-shot file when they score it.
        option = (nearest(leader.representative, value, row["options"]) if leader else None) or "A"
        recorded = "A" if row["prediction"] == "None" and "_zs_" in name else row["prediction"]
        held.rows += 1
        held.same += same
        held.recorded += recorded == row["answer"]
        held.theirs += (recorded if same else option) == row["answer"]
        held.ours += option == row["answer"]
        if not same:
            held.apart.append((place * every + 1, f"{votes.leaders} lead", said, before))
    return held


def gsm_hard(folder: Path, every: int = 1) -> tuple[int, list[tuple[Any, ...]]]:
    """Return how many programs of GSM-hard there are, and those that miss their target.

    The targets are written to 10 places, so values are rounded to them.
    """
    lines = (folder / "gsm_hard" / "gsmhardv2.jsonl").read_text("utf-8").splitlines()[::every]
    rows = list(map(json.loads, lines))
    outcomes = ran([row["code"] for row in rows], Limits(seconds=10.0))  # one counts far
    missed = []
    for place, row in enumerate(rows):
        outcome = outcomes[row["code"]]
        value = number(outcome.value) if outcome.kind == VALUE else None
        if value is None or round(value, 10) != round(float(row["target"]), 10):
            missed.append((place * every + 1, outcome, row["target"]))
    return len(rows), missed


def main() -> None:
    """Print what each file came to."""
    total, missed = gsm_hard(DATA)
    print(f"GSM-hard: {total - len(missed):,} of {total:,} programs return their target")
    for words in missed:
        print(f"  {words}")
    for name in (*NUMERIC, *AQUA):
        begun = time.monotonic()
        published = NUMERIC[name][0] if name in NUMERIC else AQUA[name]
        held = numeric(DATA, name) if name in NUMERIC else aqua(DATA, name)
        low, high = wilson(held.ours, held.rows)
        print(f"{name}: published {published:.1%}, recorded {held.recorded / held.rows:.1%}; the "
              f"recorded value in {held.same:,} of {held.rows:,} rows; by the authors' reading "
              f"{held.theirs / held.rows:.1%}, by ours {held.ours / held.rows:.1%} ({low:.1%} to "
              f"{high:.1%}); {time.monotonic() - begun:.0f} s", flush=True)
        print("  " + ", ".join(f"{kind} {n:,}" for kind, n in held.kinds.most_common(8)))
        for words in held.apart[:None if "--all" in sys.argv else 3]:
            print(f"  {words}")


if __name__ == "__main__":
    if not (DATA / "pred_pot").is_dir():
        print("real data is not here: put it into ../shared/data to run this")
    else:

        main()
