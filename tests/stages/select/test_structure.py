"""Tests of what programs and questions are once names and numbers are taken away."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.programs import make_function
from mathmill.stages.select.structure import skeleton_of, structure_of

BASE = "pens = 3\nprice = pens * 2\nresult = price + 4"


@pytest.mark.parametrize(("other", "same"), [
    ("caps = 9\ncost = caps * 5\nresult = cost + 1", True),  # names and numbers
    ("caps = 9.5\ncost = 5 * caps\nresult = 1 + cost", True),  # order of a sum and a product
    ("# why\ncaps = 9  # so\n\ncost = (caps * 5)\nresult = cost + 1", True),  # comments, brackets
    ("caps: int = 9\ncost = caps * 5\nresult = cost + 1", False),
    ("caps = 9\ncost = caps * 5\nresult = cost - 1", False),  # another operation
    ("caps = 9\ncost = caps * 5\nresult = 1 - cost", False),
    ("caps = 9\ncost = caps * 5\nresult = caps + 1", False),  # another variable
    ("caps = 9\nresult = caps * 5 + 1", False),  # another number of lines
    ("caps = round(9)\ncost = caps * 5\nresult = cost + 1", False)])
def test_programs_are_alike_but_for_names_constants_and_order(other, same):
    one, two = (structure_of(make_function("A question?", body)) for body in (BASE, other))
    assert one is not None
    assert (one == two) is same


@pytest.mark.parametrize(("one", "two", "same"), [
    ("a - b", "b - a", False), ("math.ceil(a / b)", "math.floor(a / b)", False),
    ("max(a, b)", "max(b, a)", False), ("a if a > b else b", "b if b > a else a", False),
    ("sum([a, b])", "sum((a, b))", False), ("a ** 2", "a ** 3", True)])
def test_calls_keep_their_names_and_what_does_not_commute_its_order(one, two, same):
    bodies = [f"a = 1\nb = 2\nresult = {text}" for text in (one, two)]
    assert (structure_of(bodies[0]) == structure_of(bodies[1])) is same


@pytest.mark.parametrize("text", ["", "Four plus four.", "def f(:", "x\0y", "'''only words'''",
                                  "(" * 500 + ")" * 500, "x = " + "-" * 5_000 + "1"])
def test_what_is_no_program_has_no_structure_and_nothing_is_raised(text):
    assert structure_of(text) is None or isinstance(structure_of(text), str)


NAMES = st.from_regex(r"[a-z]{1,6}_?[0-9]?", fullmatch=True)


@given(st.lists(NAMES, min_size=3, max_size=3, unique=True), st.lists(
    st.integers(0, 10**6), min_size=3, max_size=3))
def test_no_choice_of_names_and_numbers_changes_a_structure(names, numbers):
    new = iter(numbers)
    body = re.sub(r"\d", lambda _: str(next(new)), BASE)
    for old, name in zip(("pens", "price", "result"), names, strict=True):
        body = re.sub(rf"\b{old}\b", f"{name}_x", body)
    assert structure_of(body) == structure_of(BASE)


@pytest.mark.parametrize(("one", "two", "same"), [
    ("Tom has 3 pens. He buys 4.", "Ann has 12 pens. She buys seven.", True),
    ("Tom has 3 pens.", "Tom sells 3 pens.", False),
    ("Tom has 3 PENS", "Tom has 3", True),
    ("小明有3个苹果", "小明有15个苹果", True), ("小明有三个苹果", "小明有五个苹果", True),
    ("小明有3个苹果", "小明有3个梨", False)])
def test_a_skeleton_is_a_question_without_names_and_numbers(one, two, same):
    assert (skeleton_of(one) == skeleton_of(two)) is same


def test_real_problems_share_programs_and_are_no_duplicates(shared_data):
    """Why structure counts only beside the question: 1,319 problems written by people."""
    rows = [json.loads(line) for line in (
        shared_data / "gsm_hard" / "gsmhardv2.jsonl").read_text(encoding="utf-8").splitlines()]
    programs = [structure_of(row["code"]) for row in rows]
    both = {(structure, skeleton_of(row["input"]))
            for structure, row in zip(programs, rows, strict=True)}
    assert None not in programs
    assert len(rows) - len(set(programs)) > 200
    assert len(both) == len(rows) == 1_319
