"""The conformance suite: its pairs are the same everywhere, its labels true, its limits kept."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mathmill.grading.conformance.dress import dressed
from mathmill.grading.conformance.figures import decimal, misdigit, tex
from mathmill.grading.conformance.page import page, self_test
from mathmill.grading.conformance.pair import Pair
from mathmill.grading.conformance.pairs import KINDS, generated, written
from mathmill.grading.conformance.polynomial import horner, linear, multiply, write
from mathmill.grading.conformance.sheet import Sheet, measure
from mathmill.grading.conformance.wording import in_han, in_words

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


def test_there_are_six_thousand_pairs_a_hundred_of_every_kind_and_half_are_alike() -> None:
    pairs = generated()
    counts = Counter((pair.kind, pair.same) for pair in pairs)
    assert len(pairs) >= 6000
    assert all(counts[kind, same] >= 50 for kind in KINDS for same in (True, False))
    assert len({(p.kind, p.gold, p.answer) for p in pairs}) == len(pairs), "a pair with both labels"


def test_there_are_five_hundred_written_cases_and_none_stands_twice() -> None:
    pairs = written()
    assert len(pairs) >= 500
    assert len({(p.gold, p.answer) for p in pairs}) == len(pairs)
    assert sum(p.same for p in pairs) > 200 < sum(not p.same for p in pairs)
    labels = {(p.gold, p.answer): p.same for p in pairs}
    assert all(labels.get((a, g), same) == same for (g, a), same in labels.items())


def test_the_pairs_are_the_same_in_another_process_and_others_under_another_seed() -> None:
    code = ("from mathmill.grading.conformance.pairs import generated;"
            "from mathmill.identity import content_id;"
            "print(content_id('pairs', [[p.gold, p.answer, p.same] for p in generated(20)]))")
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True).stdout for _ in range(2)}
    assert len(runs) == 1
    assert generated(20, ["surds"]) == generated(20, ["surds"])
    assert generated(20, ["surds"], seed="another") != generated(20, ["surds"])


def test_what_the_generators_write_is_what_they_say() -> None:
    assert [tex(3), tex(-3)] == ["3", "-3"]
    assert decimal(-5, 3) == "-0.005"
    assert decimal(1234, 2) == "12.34"
    poly = multiply(linear(2, -1), linear(1, 3))
    assert write(poly) == "2x^{2}+5x-3"
    assert horner(poly, "x") == "(2x+5)x-3"
    assert in_words(4305) == "four thousand three hundred five"
    assert [in_han(n) for n in (7, 10, 18, 105, 1010, 2350)] == [
        "七", "十", "十八", "一百零五", "一千零一十", "二千三百五十"]
    for seed in range(200):
        draw = random.Random(seed)
        digits = str(draw.randint(1, 10**6))
        assert all(int(slip) != int(digits) for _, slip in misdigit(digits, draw))


def test_dress_changes_no_digit_sign_or_bracket_and_their_order() -> None:
    for seed in range(100):
        text, _, whole = dressed("-34+5", "maths", random.Random(seed))
        kept = "".join(sign for sign in text.replace("−", "-") if sign in "-34+5")
        assert whole or kept == "-34+5"
    names = {dressed("x", "maths", random.Random(seed))[1] for seed in range(300)}
    assert {"", "response", "dollars", "sized brackets", "thin spaces"} <= names


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    """The sheet over all pairs, without math-verify: the exact tiers by themselves."""
    return measure(generated() + written(), symbolic=False)


@pytest.mark.slow
def test_the_exact_tiers_alone_keep_the_limit_of_wrong_matches(sheet: Sheet) -> None:
    whole = sheet.total()
    wrong = [(p.kind, p.gold, p.answer, v.how) for p, v in sheet.errors if not p.same]
    assert whole.accepted <= 0.002 * whole.unlike, wrong


def test_the_exact_tiers_alone_keep_the_limit_of_missed_matches(sheet: Sheet) -> None:
    whole = sheet.total()
    assert whole.missed <= 0.02 * whole.alike, sheet.text()


def test_undecided_counts_as_missed_for_a_true_match_and_as_no_error_for_a_wrong_one() -> None:
    unreadable = "\\mystery{1}{2}"
    pairs = [Pair("k", "5", unreadable, True, ""), Pair("k", "5", unreadable, False, ""),
             Pair("k", "5", "5", False, ""), Pair("k", "5", "so \\boxed{5}", True, "", True)]
    result = measure(pairs, symbolic=False)
    row = result.total()
    assert (row.alike, row.missed, row.unlike, row.accepted, row.undecided) == (2, 1, 2, 1, 2)
    assert not result.within_limits()
    assert "LIMITS BROKEN" in result.text()


@pytest.mark.slow
@pytest.mark.alone
def test_the_self_test_keeps_the_limits_and_the_page_is_what_a_fresh_run_writes(
        sheet: Sheet, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("math_verify")
    assert self_test(), capsys.readouterr().out
    assert "within the limits" in capsys.readouterr().out
    fresh = page(measure(generated() + written()), sheet)
    table, rest = PAGE.read_text("utf-8").split("## What settled the pairs")
    assert fresh.split("## What settled the pairs")[0] == table, (
        "write it anew: python -m mathmill.grading.conformance > docs/conformance.md")
    assert "## Every pair that it gets wrong" in rest


@pytest.mark.parametrize("seed", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_pairs_that_nobody_has_seen_keep_the_limits(seed: str) -> None:
    whole = measure(generated(60, seed=seed), symbolic=False).total()
    assert whole.accepted <= 0.002 * whole.unlike + 1
    assert whole.missed <= 0.03 * whole.alike


ALGEBRA = ("fractions", "decimals", "powers", "surds", "surd sums", "nested and higher roots",
           "multiples of pi", "logarithms", "exponentials", "complex numbers", "polynomials",
           "products of factors", "rational expressions", "several letters",
           "roots of expressions", "letters in exponents", "powers over numbers")
MISREAD = {"word", "roman", "ascii", "sign", "mixed"}  # rewrites that the reader does not know


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALGEBRA)
def test_an_algebra_system_finds_the_labels_true_wherever_it_reads_the_pair(kind: str) -> None:
    reader = pytest.importorskip("latex2sympy2_extended")
    from sympy import Abs, Expr, I, N, Rational, Symbol, simplify

    checked = 0
    pairs = [pair for pair in generated(kinds=[kind])
             if "+" not in pair.change and (pair.change not in MISREAD or not pair.same)]
    for pair in random.Random(kind).sample(pairs, min(30, len(pairs))):
        try:
            left, right = (reader.latex2sympy(text.strip("$"), normalization_config=None)
                           for text in (pair.gold, pair.answer))
        except Exception:  # what it cannot read it says in many ways
            continue
        if not (isinstance(left, Expr) and isinstance(right, Expr)):
            continue
        left, right = (value.subs(Symbol("i"), I) for value in (left, right))
        letters = sorted(left.free_symbols | right.free_symbols, key=str)
        point = {letter: Rational(37 + 61 * place, 100) for place, letter in enumerate(letters)}
        gap, size = (Abs(N(value.subs(point), 40)) for value in (left - right, left))
        near = bool(gap <= 1e-12 * min(1, size)) or simplify(left - right) == 0
        assert near == pair.same, (pair, left, right)
        checked += 1
    assert checked >= 12, f"only {checked} of {len(pairs)} could be read"
