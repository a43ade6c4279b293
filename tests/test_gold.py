"""Every gold answer of every known test set is graded correct against itself.

A grader that cannot read an answer of a set scores every model on it too low, and nobody
sees it. Each gold answer is held against itself as it stands and inside every form in which
a response states an answer. The real files are read where they are; rows in MATH's form,
which may not be kept here, are our own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mathmill.grading.answers import GUESSES, extract
from mathmill.grading.choice import letters, options_of
from mathmill.grading.equal import equal, grade
from mathmill.grading.policy import BY_SUITE, Policy, for_suite
from mathmill.stages.seeds import formats

PLACES = {  # suite -> its files
    "gsm8k": ("gsm8k/test.jsonl", "gsm8k/train.jsonl"),
    "svamp": ("svamp/SVAMP.json",),
    "gsm_hard": ("gsm_hard/gsmhardv2.jsonl",),
    "cmath": ("cmath/cmath_dev.jsonl",),
    "cmath_distractor": ("cmath/distractor.jsonl",),
    "mgsm_en": ("mgsm/mgsm_en.tsv",),
    "mgsm_zh": ("mgsm/mgsm_zh.tsv",),
    **{f"agieval/{name}": (f"agieval/{name}.jsonl",)
       for name in ("aqua-rat", "sat-math", "gaokao-mathqa", "gaokao-mathcloze")},
    "scibench": tuple(
        f"scibench/{book}{part}.json" for part in ("", "_sol") for book in (
            "atkins", "calculus", "chemmc", "class", "diff", "fund", "matter", "quan", "stat",
            "thermo")),
    "jeebench": ("jeebench/dataset.json",),
    "olympiadbench": ("olympiadbench/OE_TO_maths_en_COMP.json",),
}
ITEMS = {"gsm8k": 8792, "svamp": 1000, "gsm_hard": 1319, "cmath": 600, "cmath_distractor": 360,
         "mgsm_en": 250, "mgsm_zh": 250, "agieval/aqua-rat": 254, "agieval/sat-math": 220,
         "agieval/gaokao-mathqa": 351, "agieval/gaokao-mathcloze": 118, "scibench": 692,
         "jeebench": 450, "olympiadbench": 675}
FORMS = {
    "in a box": "We get 3 + 4 = 7 first.\nSo the result is $\\boxed{%s}$.",
    "after The answer is": "First 3 + 4 = 7.\nThe answer is %s.",
    "as Minerva ends": "Final Answer: The final answer is $%s$. I hope it is correct.",
    "after ####": "3 + 4 = 7\n#### %s",
    "in bold": "### Step 2\n3 + 4 = 7\n\n**Final Answer:** **%s**\n",
    "in a tag": "<think>3 + 4 = 7, or \\boxed{8}?</think>\n<answer>%s</answer>",
    "in Chinese": "因为 3 + 4 = 7，所以答案是%s。",
    "in prose": "We had 3 + 4 = 7 of them.\nAdding up, we find %s.",
}
_DOLLAR = re.compile(r"(?<!\\)\$")
# What no reader could tell at the end of a sentence to be its answer: words, the point A, and
# a formula with a clause that ends in another formula.
NO_GUESS = ("三组对面", "\\text{", "$f(x)=a x+b$, where")


def rows(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text("utf-8")
    if path.suffix == ".tsv":
        for line in filter(None, text.split("\n")):
            question, answer = line.split("\t")
            yield {"question": question, "answer": answer}
    elif path.suffix == ".json":
        yield from json.loads(text)
    else:
        yield from map(json.loads, filter(None, text.split("\n")))


def golds(folder: Path, suite: str) -> list[tuple[str, str]]:
    """Return (question, gold answer) of each row, as the seeds' reader gives them."""
    found = []
    for place in PLACES[suite]:
        if not (folder / place).is_file():
            pytest.skip(f"{place} is not in {folder}")
        for row in rows(folder / place):
            read = formats.read(row)
            assert read is not None
            assert read[1].answer
            found.append((read[1].question, read[1].answer))
    return found


def own(suite: str) -> Policy:
    """Return the suite's policy without algebra: the exact tiers must do for these."""
    return replace(for_suite(suite), symbolic=False)


def stated(form: str, gold: str) -> str:
    """Write a gold answer into a form; formulas get dollar signs where a person sets them."""
    if "$%s" in form or "boxed{%" in form:
        return form % _DOLLAR.sub("", gold)
    formula = any(sign in gold for sign in "\\=^,;(_") or (
        any(sign.isdigit() for sign in gold) and any(sign.isalpha() for sign in gold))
    if form == FORMS["in prose"] and formula and not letters(gold):
        return form % f"${_DOLLAR.sub('', gold)}$"
    return form % gold


def refused(suite: str, found: list[str]) -> list[tuple[str, str, str]]:
    """Return (form, gold, verdict) of every gold answer that is not correct as itself."""
    policy, bad = own(suite), []
    for gold in dict.fromkeys(found):
        verdict = equal(gold, gold, policy)
        if verdict.value != "correct":
            bad.append(("as it stands", gold, str(verdict)))
        for name, form in FORMS.items():
            if name == "in prose" and (gold.startswith(NO_GUESS) or (
                    gold.isalpha() and policy.choice == "never")):
                continue
            verdict = grade(stated(form, gold), gold, policy)
            if verdict.value != "correct":
                bad.append((name, gold, str(verdict)))
    return bad


@pytest.mark.slow
@pytest.mark.parametrize("suite", PLACES)
def test_every_gold_answer_is_correct_as_itself_in_every_form(
        shared_data: Path, suite: str) -> None:
    found = golds(shared_data, suite)
    assert len(found) == ITEMS[suite]
    assert refused(suite, [gold for _, gold in found]) == []


@pytest.mark.parametrize("suite", ["agieval/aqua-rat", "agieval/sat-math", "agieval/gaokao-mathqa"])
def test_the_content_of_the_right_option_is_correct_and_of_another_is_not(
        shared_data: Path, suite: str) -> None:
    policy, checked, undecided = own(suite), 0, 0
    for question, gold in golds(shared_data, suite):
        options = options_of(question)
        right = letters(gold) or ""
        if len(right) != 1 or not options or any("\n" in option for option in options):
            continue
        for letter, option in zip("ABCDE", options, strict=False):
            content = option[option.index(letter) + 1:].lstrip(").").strip()
            said = f"So the answer is \\boxed{{{content}}}"
            verdict = grade(said, gold, policy, options)
            checked += 1
            undecided += verdict.value == "undecided"
            same = letter == right or equal(
                content, options[ord(right) - 65][3:], policy).value
            assert verdict.value != "wrong" if letter == right else (
                verdict.value != "correct" or same == "correct"), (question, content, verdict)
    assert checked > 800
    assert undecided <= 0.02 * checked


def test_scibench_figures_agree_with_its_formulas_within_its_tolerance(shared_data: Path) -> None:
    # `answer_latex` writes the figure as a formula; a few rows of the file disagree themselves.
    policy, counts = own("scibench"), {"correct": 0, "wrong": 0, "undecided": 0}
    for place in PLACES["scibench"]:
        for row in rows(shared_data / place):
            counts[equal(row["answer_number"], row["answer_latex"], policy).value] += 1
    assert sum(counts.values()) == 692
    assert counts["correct"] >= 0.97 * 692, counts


# MATH's form, on problems of our own: the answer is the last box of the worked solution.
MATH_ROWS = [
    ("What is $\\frac{2}{3}$ of 21?", "Take $21 \\cdot \\frac{2}{3} = \\boxed{14}$.", "14"),
    ("Simplify $\\sqrt{18}$.", "$\\sqrt{18}=\\sqrt{9\\cdot2}=\\boxed{3\\sqrt{2}}$.", "3\\sqrt{2}"),
    ("Solve $x^2=9$.", "Here $x=\\boxed{3}$ or $x=\\boxed{-3}$.", "-3,3"),
    ("Write 13 in base 2.", "$8+4+1$, so $\\boxed{1101_2}$.", "1101_2"),
    ("Find the chance.", "It is $\\boxed{\\dfrac{5}{12}}$ by counting.", "\\frac{5}{12}"),
    ("Where do lines meet?", "At $\\boxed{\\left(2,\\,-\\frac{1}{2}\\right)}$.", "(2,-\\frac12)"),
    ("For which $x$ is it real?", "For $x \\in \\boxed{(-\\infty, 4]}$.", "(-\\infty,4]"),
    ("Is it odd?", "It is $\\boxed{\\text{even}}$, since $f(-x)=f(x)$.", "\\text{even}"),
    ("What is the angle?", "It is $\\boxed{45^\\circ}$.", "45^\\circ"),
    ("How much?", "She pays $\\boxed{\\$12.50}$.", "\\$12.50"),
    ("How many?", "There are $\\boxed{12{,}345}$ of them.", "12345"),
    ("Expand.", "We find $\\boxed{x^2-2x+1}$.", "x^2 - 2x + 1"),
    ("Find the inverse.", "$\\boxed{\\begin{pmatrix} 1 & 0 \\\\ -2 & 1 \\end{pmatrix}}$",
     "\\begin{pmatrix} 1 & 0 \\\\ -2 & 1 \\end{pmatrix}"),
    ("Which?", "So the choice is $\\boxed{\\text{(D)}}$.", "D"),
    ("What share?", "It is $\\boxed{37.5\\%}$.", "37.5\\%"),
    ("Find $z$.", "Then $z = \\boxed{3-4i}$.", "3-4i"),
    ("How far?", "It is $\\boxed{7 \\text{ cm}}$ away.", "7"),
    ("How many ways?", "There are $\\boxed{\\binom{7}{2}}$.", "\\binom{7}{2}"),
    ("What is the line?", "It is $\\boxed{y = 2x - 5}$.", "y=2x-5"),
    ("Divide.", "The quotient is $\\boxed{0.\\overline{3}}$.", "0.\\overline{3}"),
]


@pytest.mark.parametrize(("problem", "solution", "answer"), MATH_ROWS, ids=lambda t: t[:20])
def test_rows_in_the_form_of_math(problem: str, solution: str, answer: str) -> None:
    row = {"problem": problem, "solution": solution, "level": "Level 3", "type": "Algebra"}
    read = formats.read(row)
    assert read is not None
    assert read[0] == "MATH"
    assert read[1].answer
    assert grade(solution, answer, own("math")).value == "correct"
    assert equal(read[1].answer, answer, own("math")).value == "correct"
    assert refused("math", [answer, read[1].answer]) == []


def test_every_suite_with_a_policy_is_tested_here() -> None:
    assert set(BY_SUITE) == {*PLACES, "math", "symbolic"}


def test_no_form_of_this_file_is_a_guess_but_prose() -> None:
    for name, form in FORMS.items():
        assert (extract(form % "12").how in GUESSES) == (name == "in prose"), name
