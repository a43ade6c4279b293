"""Formulas become MathML; money, malformed formulas and hostile text stay text."""

from __future__ import annotations

import pytest

from mathmill.report.maths import formula, show

pytest.importorskip("latex2mathml", reason="needs the extra `train`")


def test_a_formula_between_dollars_is_rendered() -> None:
    assert "<mfrac>" in show(r"It is $\frac{1}{2}$ of it.")
    assert "<msqrt>" in show(r"\[ x = \sqrt{2} \]")
    assert 'display="block"' in show("$$x^2$$")


@pytest.mark.parametrize("text", [
    "tea costs $5 and milk $3 more", "from $5 for the tea to 10$ now", "$1,000 and $20,",
])
def test_sums_of_money_stay_text(text: str) -> None:
    assert show(text) == text


@pytest.mark.parametrize("text", [r"$\frac{1$", "$x^$", "$" + "x^" * 300 + "$"])
def test_a_malformed_formula_is_shown_as_it_was_written(text: str) -> None:
    assert show(text) == text


@pytest.mark.parametrize("text", [
    "<script>alert(1)</script>", r"$\text{<script>alert(1)</script>}$",
    r"$\text{&lt;img src=x onerror=alert(1)&gt;} = x$", "$x<script>alert(1)</script>$",
    r"$\mathrm{&#60;svg onload=alert(1)&#62;}$", r"$\class{a\" onload=\"x}{y}$",
])
def test_hostile_text_is_inert(text: str) -> None:
    shown = show(text)
    for mark in ("<script", "<img", "<svg", 'onload="'):
        assert mark not in shown


def test_links_do_not_survive_in_formulas() -> None:
    assert "href" not in str(formula(r"\href{javascript:alert(1)}{x}") or "")


def test_a_missing_package_leaves_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "latex2mathml.converter", None)
    assert show("$x^2$") == "$x^2$"
