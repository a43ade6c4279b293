"""The grader against a table of cases, its laws on random values, and hostile texts."""

from __future__ import annotations

import json
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.grading.equal import equal, grade
from mathmill.grading.policy import TOLERANT, Policy
from mathmill.types import UNDECIDED, WRONG

CASES = Path(__file__).resolve().parents[1] / "cases"


def cases(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (CASES / name).read_text("utf-8").splitlines()]


TABLES = ("grading_equal", "grading_equal_algebra", "grading_equal_relations",
          "grading_equal_parts", "grading_equal_words", "grading_equal_more",
          "grading_equal_attacks", "grading_equal_units")
EXACT = Policy("exact tiers", symbolic=False)


@pytest.mark.parametrize("case", [case for name in TABLES for case in cases(f"{name}.jsonl")],
                         ids=lambda c: f"{c['gold']}~{c['answer']}")
def test_the_tolerant_verdict_is_the_one_a_person_gives(case: dict[str, str]) -> None:
    assert equal(case["gold"], case["answer"], EXACT).value == case["verdict"]
    if case["gold"] and case["about"] not in ("no answer", "no gold answer"):
        assert equal(case["answer"], case["gold"], EXACT).value == case["verdict"], "not symmetric"


def test_the_tables_hold_enough_cases_of_both_labels() -> None:
    verdicts = [case["verdict"] for name in TABLES for case in cases(f"{name}.jsonl")]
    assert len(verdicts) >= 600
    assert min(verdicts.count("correct"), verdicts.count("wrong")) >= 200


@pytest.mark.parametrize("case", cases("grading_strict.jsonl"),
                         ids=lambda c: f"{c['gold']}~{c['response'][:30]}")
def test_the_strict_verdict_follows_the_papers_rules(case: dict[str, str]) -> None:
    assert grade(case["response"], case["gold"], case["policy"]).value == case["verdict"]


numbers = st.fractions(max_denominator=1000).filter(lambda f: abs(f) < 10**9)


@given(numbers, numbers)
def test_two_fractions_are_equal_exactly_when_their_values_are(a: Fraction, b: Fraction) -> None:
    assert equal(str(a), str(b)).value == ("correct" if a == b else "wrong")


@given(numbers)
def test_rewriting_a_fraction_without_changing_its_value_keeps_the_verdict(f: Fraction) -> None:
    n, d = f.numerator, f.denominator
    for text in (rf"\frac{{{n}}}{{{d}}}", rf"$\dfrac{{{3 * n}}}{{{3 * d}}}$", f"x = {n}/{d}",
                 f"{n}/{d} metres", rf"\left({n}/{d}\right)"):
        assert equal(str(f), text).value == "correct", text


@given(st.integers(-10**12, 10**12))
def test_thousands_commas_units_and_currency_leave_an_integer_as_it_is(n: int) -> None:
    for text in (f"{n:,}", f"{n}.0", f"{n}元", f"{n} apples", rf"\text{{{n}}}"):
        assert equal(str(n), text).value == "correct", text
        assert equal(str(n + 1), text).value == "wrong", text


@given(st.lists(st.integers(0, 99), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_counts_in_a_tuple_and_not_in_a_set(items: list[int], random: object) -> None:
    moved = sorted(items)
    asked, given_ = ", ".join(map(str, items)), ", ".join(map(str, moved))
    assert equal(f"({asked})", f"({given_})").value == ("correct" if items == moved else "wrong")
    assert equal(rf"\{{{asked}\}}", rf"\{{{given_}\}}").value == "correct"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.one_of(st.sampled_from("\\{}()[]$^_,.;:/%=+-* 0123456789eEx frac"),
                                  st.characters()), max_size=80))
def test_no_text_raises_and_every_verdict_is_symmetric(text: str) -> None:
    for gold in ("5", r"\frac{1}{2}", "(1, 2)", "odd"):
        one = equal(gold, text, EXACT)
        assert one.value in ("correct", "wrong", "undecided")
        if one.how != "no answer":
            assert equal(text, gold, EXACT).value == one.value
        grade(text, gold, EXACT)
        assert grade(text, gold, "strict").value != "undecided"


HOSTILE = [
    "9^{9^{9^9}}", "10^{10^{10}}", "7^{99999999}", "2^{9999}", "((9!)!)!", "1" * 10**6, "(" * 10**5,
    "\\boxed{" * 30_000, "$" * 10**5, "{" * 10**5 + "}" * 10**5, "\x00", "\ud800", "😀" * 1000,
    "\\frac{" * 5_000, ",".join("1" * 5_000), "1," * 10**5, " " * 10**6, "\\text{" * 20_000,
    "The answer is " * 50_000, "0." + "3" * 10**5, "٣٤", "a=" * 10**5, "1/0", "\\frac{1}{0}",
    "__import__('os').system('touch hacked')", "1e999999999", "5 " + "cm " * 10**5, "-" * 10**5,
    "\\sqrt" * 10**4, "A: " * 10**5, "[" + "(1,2)," * 10**4 + "]", "1 " * 1000, "x" * 2000 + "=5",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: ascii(t[:12]))
def test_a_hostile_text_is_graded_at_once(text: str) -> None:
    start = time.thread_time()
    for policy in (EXACT, "strict", "strict-math"):
        for whole in (text, text[:2000]):
            equal("5", whole, policy)
            grade(whole, "5", policy)
    assert time.thread_time() - start < 2.0


def test_nothing_equals_nothing() -> None:
    assert equal("", "").value != "correct"
    assert grade("", "5").value == "wrong"
    assert grade("x", "").value != "correct"


def test_a_policy_decides_percent_units_case_and_tolerance() -> None:
    assert equal("24", "24%", Policy("p", percent="value")).value == "wrong"
    assert equal("10", "10 cm", Policy("p", units=False)).value == "wrong"
    assert equal("1, 2", "2, 1", Policy("p", ordered_lists=True)).value == "wrong"
    assert equal("100", "100.5", Policy("p", relative=0.01)).value == "correct"
    assert equal("Odd", "odd", Policy("p", fold_case=False)).value == "wrong"
    assert equal("x=5", "5", Policy("p", names=False)).value == "wrong"
    assert equal("x=5", "5=x", Policy("p", names=False)).value == "correct"
    assert equal(r"\sqrt{2}", "1.4142", Policy("p", places=3)).value == "correct"
    assert equal(r"\sqrt{2}", "1.414", Policy("p", places=3)).value == "correct"
    assert equal(r"\sqrt{2}", "1.4", Policy("p", relative=0.05)).value == "correct"
    assert equal("100", "100.5", TOLERANT).value == "wrong"


def test_an_unknown_policy_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="tolerant, strict"):
        equal("1", "1", "lenient")


def test_none_is_no_text_and_other_types_are_refused_with_a_cure() -> None:
    for policy in ("tolerant", "strict"):
        assert equal("5", None, policy).value == WRONG  # type: ignore[arg-type]
        assert grade(None, "5", policy).value == WRONG  # type: ignore[arg-type]
    assert equal(None, "5") == equal("", "5")  # type: ignore[arg-type]
    assert equal(None, "5").value == UNDECIDED  # type: ignore[arg-type]
    for call in (lambda: equal(5, "5"), lambda: equal("5", 5.0), lambda: grade("5", ["5"])):
        with pytest.raises(UsageError, match=r"is no text but of type .*; give a text"):
            call()
