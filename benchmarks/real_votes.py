"""Votes over 30 real programs a question, and the mill's own checks on real programs.

Why: a made-up pool cannot show what voting is worth. Program-of-Thoughts (Chen et al., 2022)
published 30 programs by Codex for each of 253 AQuA questions, and 58.2 % for the vote over all
of them. Here the vote is taken at every k from 1 to 30, as the mean over all draws of k, by
mathematical equality and by string, with intervals over questions; and GSM8K's programs and
GSM-hard's go through the checks that a recipe puts to its own rows.

A vote's winner is a value, and AQuA wants an option: the one that equals it or lies nearest by
number (the authors asked a language model that saw the question).

Used as: `python benchmarks/real_votes.py` (about two minutes); the tests import it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import real_programs
from real_programs import AROUND, DATA, SOLVE_IT, VOTING, nearest, number, ran, rows_of

from mathmill.evaluate.samples import Sampled, expected, over_problems
from mathmill.evaluate.stats import Interval, paired_bootstrap
from mathmill.grading.sandbox.form import WHOLE, answer_of
from mathmill.grading.sandbox.outcome import Limits
from mathmill.grading.sandbox.rows import gold_text
from mathmill.grading.voting import vote
from mathmill.io import read_rows, rows_in, write_rows
from mathmill.stages import verify
from mathmill.types import Drop, Sample, problem_id, sample_id
from mathmill.workbench import Workbench

VOTES = "aqua_sc_s0_e-1_11_07_20_49"
PUBLISHED, RECORDED = 0.582, 0.581  # their README, and what their file holds (147 of 253)
CHECKS = ("runs", "deterministic", "long_enough", "has_digits", "answer_agrees")


@dataclass(frozen=True)
class Question:
    """One AQuA question with what its 30 programs came to."""

    id: str
    "Its number."
    by_value: Sampled
    "Answers that are equal in value are one, and right if their option is."
    by_text: Sampled
    "Answers that are written alike are one."
    kinds: tuple[str, ...]
    "How the programs ended."
    first: bool
    """Whether the first leader of all 30 is right, as `real_programs.aqua` counts it: a tie is
    settled by the answers' order, and without a value, or an option near it, it is A."""


def questions(folder: Path, every: int = 1) -> list[Question]:
    """Run the 30 programs of every n-th question, and give each answer its option."""
    rows = rows_of(folder, VOTES, every)
    outcomes = ran([text for row in rows for text in row["generated"]], Limits(5.0, 1024))
    found = []
    for place, row in enumerate(rows):
        ended = [outcomes[text] for text in row["generated"]]
        answers = [answer_of(one, whole=WHOLE) for one in ended]
        options = [None if answer is None else nearest(answer, number(one.value), row["options"])
                   for answer, one in zip(answers, ended, strict=True)]
        right = [option == row["answer"] for option in options]
        groups = [-1] * len(answers)
        votes = vote(answers, VOTING)
        for name, group in enumerate(votes.groups):
            for at in group.places:
                groups[at] = name
        id_ = f"{place * every + 1}"
        # One answer has one option: that of the group's first, as in `real_programs.aqua`.
        first = {group: groups.index(group) for group in set(groups) - {-1}}
        alike = tuple(group >= 0 and right[first[group]] for group in groups)
        texts = {text: at for at, text in enumerate(dict.fromkeys(a for a in answers if a))}
        found.append(Question(id_, Sampled(id_, alike, tuple(groups)),
                              Sampled(id_, tuple(right), tuple(
                                  -1 if a is None else texts[a] for a in answers)),
                              tuple(one.kind for one in ended),
                              ((options[first[0]] if first else None) or "A") == row["answer"]))
    return found


def curve(found: Sequence[Sampled], measure: str, sizes: Sequence[int]) -> dict[int, Interval]:
    """Return a measure at each k, with its interval over questions."""
    return {k: over_problems([expected(item, measure, k)[0] for item in found]) for k in sizes}


def checked(rows: Sequence[tuple[str, str, str | None]], folder: Path,
            policy: str = "gsm8k") -> dict[str, Any]:
    """Put (question, program, gold) to the mill's checks; return their facts and drops."""
    made = [Sample(id=sample_id(question, f"{at} {code}"), question=question, solution=code,
                   answer=None, expected=gold, seed=problem_id(question),
                   parent=problem_id(question), method="program.real")
            for at, (question, code, gold) in enumerate(rows)]
    write_rows(folder / "given" / "rows.parquet", made, Sample)
    bench = Workbench(folder / "verify", inputs={"rows": folder / "given"})
    verify.run(bench, by=list(CHECKS), policy=policy)
    tally = bench.close()
    drops = [(drop.reason, drop.detail) for drop in
             read_rows(rows_in(folder / "verify", "drops"), Drop)]
    return {**tally, "drops": drops}


def codex(folder: Path, every: int = 1) -> list[tuple[str, str, str | None]]:
    """Return GSM8K's questions with Codex' few-shot programs."""
    return [(row["question"], AROUND + (SOLVE_IT if "solve_it" in text else "") + text,
             gold_text(row["answer"], WHOLE))
            for row in rows_of(folder, "gsm8K_s0_e-1_11_17_10_20", every)
            for text in [row["generated"] if isinstance(row["generated"], str)
                         else row["generated"][0]]]


def hard(folder: Path, every: int = 1) -> list[tuple[str, str, str | None]]:
    """Return GSM-hard's questions with their programs and targets."""
    lines = (folder / "gsm_hard" / "gsmhardv2.jsonl").read_text("utf-8").splitlines()[::every]
    return [(row["input"], row["code"], gold_text(row["target"], WHOLE))
            for row in map(json.loads, lines)]


def main() -> None:
    """Print the curves and what the checks came to."""
    sizes, found = range(1, 31), questions(DATA)
    values, texts = [q.by_value for q in found], [q.by_text for q in found]
    curves = {"vote by value": curve(values, "vote", sizes),
              "vote by string": curve(texts, "vote", sizes),
              "some program is right (pass)": curve(texts, "pass", sizes)}
    print(f"AQuA, {len(found)} questions x 30 programs; published for the vote over 30: "
          f"{PUBLISHED:.1%}, recorded {RECORDED:.1%}")
    for k in sizes:
        print(f"  k = {k:>2}: " + "; ".join(
            f"{name} {one[k].value:.1%} [{100 * one[k].low:.1f}, {100 * one[k].high:.1f}]"
            for name, one in curves.items()))
    for k in (5, 10, 30):
        gap = paired_bootstrap([expected(a, "vote", k)[0] - expected(b, "vote", k)[0]
                                for a, b in zip(values, texts, strict=True)])
        print(f"  by value minus by string at k = {k}: {100 * gap.value:+.2f} points "
              f"[{100 * gap.low:+.2f}, {100 * gap.high:+.2f}]")
    kinds = Counter(kind for q in found for kind in q.kinds)
    print("  programs: " + ", ".join(f"{kind} {n:,}" for kind, n in kinds.most_common()))
    print("  one vote of all 30, ties by the order of answers, A without a value: "
          f"{sum(q.first for q in found) / len(found):.1%}; questions without any value: "
          f"{sum(max(q.by_value.groups) < 0 for q in found)}")
    spelt = sum(len(set(q.by_text.groups) - {-1}) > len(set(q.by_value.groups) - {-1})
                for q in found)
    print(f"  questions on which one value is written in several ways: {spelt}")
    for name, policy, rows in (("GSM8K, Codex few-shot", "gsm8k", codex(DATA)),
                               ("GSM-hard", "gsm_hard", hard(DATA))):
        with tempfile.TemporaryDirectory() as folder:
            tally = checked(rows, Path(folder), policy)
        print(f"{name}: {len(rows):,} programs, kept {tally['kept']['rows']:,}; dropped "
              + ", ".join(f"{reason} {n}" for reason, n in sorted(tally["dropped"].items())))
        if name == "GSM-hard":
            for reason, detail in tally["drops"]:
                if not reason.startswith("question"):
                    print(f"  {reason}: {detail}")


if __name__ == "__main__":
    if not (real_programs.DATA / "pred_pot").is_dir():
        print("real data is not here: put it into ../shared/data to run this")
    else:
        main()
