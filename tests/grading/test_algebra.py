"""The parser and the probe: laws on random formulas, and texts made to hurt them."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.grading.algebra.exact import decimal_value, rational
from mathmill.grading.algebra.formulas import same
from mathmill.grading.algebra.parse import parse
from mathmill.grading.algebra.tree import Node
from mathmill.grading.equal import equal
from mathmill.grading.policy import Policy
from mathmill.grading.reading.normal import tidy

EXACT = Policy("exact tiers", symbolic=False)


def tree(text: str) -> Node:
    found = parse(tidy(text))
    assert found is not None, text
    return found


@st.composite
def polynomials(draw: st.DrawFn) -> list[int]:
    return draw(st.lists(st.integers(-9, 9), min_size=2, max_size=5).filter(lambda p: p[-1] != 0))


def expanded(coefficients: list[int]) -> str:
    return "+".join(f"({c})x^{{{k}}}" for k, c in enumerate(coefficients))


def nested(coefficients: list[int]) -> str:
    text = f"({coefficients[-1]})"
    for each in reversed(coefficients[:-1]):
        text = rf"\left({text}x+({each})\right)"
    return text


@given(polynomials(), polynomials())
def test_two_polynomials_are_equal_exactly_when_their_coefficients_are(
        p: list[int], q: list[int]) -> None:
    assert equal(expanded(p), nested(p), EXACT).value == "correct"
    assert equal(expanded(p), nested(q), EXACT).value == ("correct" if p == q else "wrong")


@given(st.integers(-99, 99), st.integers(1, 99), st.integers(2, 99), st.integers(1, 9))
def test_a_surd_may_be_written_with_its_square_inside(a: int, b: int, n: int, k: int) -> None:
    one = rf"\frac{{{a}+{k}\sqrt{{{n}}}}}{{{b}}}"
    other = rf"\frac{{{a}}}{{{b}}}+\frac{{\sqrt{{{k * k * n}}}}}{{{b}}}"
    assert equal(one, other, EXACT).value == "correct"
    assert equal(one, one.replace(f"{k}\\sqrt", f"{k + 1}\\sqrt"), EXACT).value == "wrong"
    assert equal(one, one.replace("+", "-"), EXACT).value == "wrong"


@given(st.fractions(max_denominator=10**6), st.fractions(max_denominator=10**6))
def test_arithmetic_in_figures_is_that_of_fractions(a: Fraction, b: Fraction) -> None:
    assert rational(tree(f"({a})+({b})")) == a + b
    assert rational(tree(f"({a})*({b})")) == a * b
    assert rational(tree(rf"({a})-\frac{{{b.numerator}}}{{{b.denominator}}}")) == a - b


@pytest.mark.parametrize(("text", "value"), [
    (r"1/2x", "x/2"), ("2^3^2", "512"), ("-2^2", "-4"), (r"\sin 2x", r"\sin(2x)"),
    (r"\sin x\cos x", r"(\sin x)(\cos x)"), (r"\frac12x", r"\frac{x}{2}"), ("2\\frac12", "5/2"),
    (r"\sqrt2x", r"x\sqrt{2}"), ("a/b/c", r"\frac{a}{bc}"), ("|x||y|", "|xy|"), ("3!x", "6x"),
    ("x^-1", r"\frac1x"), (r"\log_2 8", "3"), ("e^{2x}", "(e^x)^2"), ("50%x", "x/2")])
def test_what_is_written_is_read_as_meant(text: str, value: str) -> None:
    assert same(tree(text), tree(value))[0] == "correct"


@pytest.mark.parametrize("text", [
    "apples", "3 4", "x=", "2**", "(1", "1)", r"\frac{1}", r"\int_0^1 x", "{", "a^b^c^d^", "",
    "x _"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    assert parse(text) is None


def test_fifty_digits_tell_a_near_integer_from_an_integer() -> None:
    near = decimal_value(tree(r"e^{\pi\sqrt{163}}"))
    assert near is not None
    assert 0 < abs(near - 262537412640768744) < 1e-11
    assert same(tree(r"e^{\pi\sqrt{163}}"), tree("262537412640768744"))[0] == "wrong"


HURTFUL = [
    "9^{9^{9^9}}", "((9!)!)!", r"\binom{3000}{1500}", "(3000!)^{5}", "x" + "!" * 100,
    "(" * 39 + "x" + ")" * 39, "x^" * 100 + "2", "1/" * 190 + "2", r"\sqrt" * 100 + "2",
    r"\sum_{k=1}^{200}\sum_{j=1}^{200} j^k", r"\prod_{k=1}^{200} k^{9999}", "e^{e^{e^{e}}}",
    r"\sin(10^{400})", "(x+1)^{999}", "|" * 60 + "x" + "|" * 60, r"\ln 0", "0^{-1}", "-" * 400,
    "+".join(rf"\sqrt{{{n}}}" for n in range(90)), "+".join(f"x_{{{n}}}" for n in range(60)),
    "{" + ",".join(rf"{n}\sqrt{{{n}}}" for n in range(58)) + "}", "x=1," * 300, "±" * 50 + "1",
    "max(" * 30 + "1" + ")" * 30, "一" * 30, "minus " * 200 + "one", "1 to " * 100 + "2",
    r"\begin{pmatrix}" + "&".join([r"\sqrt2"] * 400) + r"\end{pmatrix}", "1" * 1900 + "!"]


@pytest.mark.parametrize("text", HURTFUL, ids=lambda t: t[:24])
def test_a_text_that_would_grow_is_settled_or_left_at_once(text: str) -> None:
    start = time.thread_time()  # a busy machine is not the text's fault
    for other in ("5", r"\sqrt{2}x", "(1,2)", f"{text}+1", text):
        equal(other, text, EXACT)
        equal(text, other, EXACT)
    assert time.thread_time() - start < 1.0


PIECES = [
    "1", "2", "x", "y", "+", "-", "*", "/", "^", "{", "}", "(", ")", "[", "]", "|", "=", "<", ",",
    ";", ":", "!", "%", " ", "\\frac", "\\sqrt", "\\pi", "i", "e", "\\pm", "\\cup", "\\{", "\\}",
    "\\infty", "\\text{cm}", "\\sin", "\\log", "\\le", "\\in", "∖", "\\ldots", "and", "or", "to",
    "二", "half", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "_", "0.5", "°", "\\binom",
    "\\sum_{k=1}^{3}", "≈", "\\ne", "\\cap", "pm", "\\overline{3}", "."]
texts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@settings(max_examples=400, deadline=None)
@given(texts, texts)
def test_any_two_texts_get_one_verdict_whichever_comes_first(one: str, other: str) -> None:
    here, there = equal(one, other, EXACT), equal(other, one, EXACT)
    assert here.value in ("correct", "wrong", "undecided")
    assert "Error" not in here.how
    if tidy(one) and tidy(other):
        assert here.value == there.value
        assert equal(one, one, EXACT).value == "correct" or tidy(one).casefold() == "nan"
