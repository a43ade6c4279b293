"""Policies: each switch changes what it names, and each known test set has its own."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from mathmill.errors import UsageError
from mathmill.evaluate.suites import BY_NAME as SUITES
from mathmill.grading.equal import equal
from mathmill.grading.policy import BY_NAME, BY_SUITE, TOLERANT, for_suite, named

SWITCHES = [  # (gold, answer, switch, the value that turns the verdict, from, to)
    ("24", "24%", {"percent": "value"}, "correct", "wrong"),
    ("1, 2", "2, 1", {"ordered_lists": True}, "correct", "wrong"),
    ("Odd", "odd", {"fold_case": False}, "correct", "wrong"),
    ("1/3", "0.3333", {"places": 4}, "wrong", "correct"),
    ("100", "100.5", {"relative": 0.01}, "wrong", "correct"),
    ("100", "100.5", {"absolute": 0.5}, "wrong", "correct"),
    ("A", "(A) 42", {"choice": "never"}, "correct", "other"),
    ("AC", "CA", {"choice": "always"}, "other", "correct"),
    ("10", "10 cm", {"units": False}, "correct", "other"),
    ("5", "x = 5", {"names": False}, "correct", "other"),
]


@pytest.mark.parametrize(("gold", "answer", "switch", "off", "on"), SWITCHES,
                         ids=lambda value: str(value))
def test_each_switch_turns_the_verdict_that_it_names(
        gold: str, answer: str, switch: dict[str, object], off: str, on: str) -> None:
    plain = replace(TOLERANT, name="plain", symbolic=False)
    for policy, told in ((plain, off), (replace(plain, **switch), on)):
        value = equal(gold, answer, policy).value
        assert value != "correct" if told == "other" else value == told


def test_every_known_test_set_has_a_policy_of_its_name() -> None:
    assert set(SUITES) <= set(BY_SUITE)
    for name, policy in BY_SUITE.items():
        assert policy.name == name
        assert named(name) is for_suite(name) is BY_NAME[name] is policy
    assert for_suite("one of my own") is TOLERANT


def test_a_policy_cannot_be_changed_in_place_and_an_unknown_one_is_refused() -> None:
    with pytest.raises(FrozenInstanceError):
        TOLERANT.relative = 1.0  # type: ignore[misc]
    with pytest.raises(UsageError, match="tolerant, strict, strict-math, gsm8k"):
        named("lenient")
    assert named(TOLERANT) is TOLERANT
