"""The spine: what a verb writes down as a step's identity."""

from __future__ import annotations

import warnings
from dataclasses import fields

import pytest

from mathmill.errors import UsageError
from mathmill.methods import FROM_TEXT, FROM_TEXT_SHORT, FROM_TEXT_TOOL_SHORT, METAMATH
from mathmill.methods.from_text import any_of
from mathmill.pipeline import (
    Stage,
    decontaminate,
    evaluate,
    lessons,
    pretrain,
    report,
    seeds,
    select,
    synthesize,
    texts,
    train,
    value,
    verify,
)
from mathmill.train.sft import SMALL, Recipe

PROBLEMS = seeds("symbolic:count=10")
ROWS = synthesize(PROBLEMS, METAMATH, 10)


def test_defaults_of_the_work_are_identity_too() -> None:
    checked = verify(ROWS)
    assert checked.literals["policy"] == "tolerant"
    assert checked.literals["temperature"] == 0.7
    assert any(text.startswith("solve@") for text in checked.literals["prompts"])
    assert decontaminate(checked, {"test": PROBLEMS}).literals["fold"] == "words"
    assert evaluate("embedded:", {"test": PROBLEMS}).literals["max_new_tokens"] == 512


def test_a_training_names_every_setting() -> None:
    small, large = train("embedded:", ROWS), train("some/seven-b", ROWS, learning_rate=1e-5)
    assert {field.name for field in fields(Recipe)} <= set(small.literals)
    assert SMALL.items() <= small.literals.items()
    assert (large.literals["learning_rate"], large.literals["optimizer"]) == (1e-5, "adamw")
    assert train("embedded:", ROWS, **SMALL).id == small.id


def test_a_rate_that_is_nothing_to_a_small_base_is_warned_of() -> None:
    small, large = train("embedded:", ROWS), train("some/seven-b", ROWS)
    with pytest.warns(UserWarning, match=r"on: learning_rate .* 2e-05, .* train comes of a small"):
        train(small, ROWS, label="on")
    with pytest.warns(UserWarning, match=r"0\.02 with adamw for LoRA"):
        train(pretrain(), ROWS, lora={"rank": 4})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(small, ROWS, learning_rate=1e-3)
        train(small, ROWS, [Stage(learning_rate=1e-3)])
        train(large, ROWS)


def test_a_setting_that_cannot_be_is_refused_before_anything_runs() -> None:
    with pytest.raises(UsageError, match="no setting speed"):
        train("embedded:", ROWS, speed=3)


def test_a_report_may_rest_on_several_sets_of_rows() -> None:
    score = evaluate("embedded:", {"test": PROBLEMS})
    both = report("Two", {"base": score}, data={"easy": ROWS, "hard": verify(ROWS)})
    assert set(both.inputs) == {"score.base", "data.easy", "data.hard"}


def test_lessons_rest_on_rows_texts_and_the_prompts_that_will_be_asked() -> None:
    web = texts("symbolic:count=10")
    kd = synthesize(web, FROM_TEXT, 10)
    one = lessons(kd, web)
    assert list(one.inputs) == ["rows", "texts"]
    names = [method["name"] for method in one.literals["methods"]]
    assert names == [m.name for m in (*FROM_TEXT_SHORT, *FROM_TEXT_TOOL_SHORT)]
    assert lessons(kd, web, FROM_TEXT).id != lessons(kd, web, FROM_TEXT_SHORT).id != one.id
    more = lessons([kd, verify(kd)], [web, web], [any_of(FROM_TEXT_SHORT)])
    assert list(more.inputs) == ["rows", "rows.1", "texts", "texts.1"]
    assert (more.literals["rows"], more.literals["texts"]) == (
        ["rows", "rows.1"], ["texts", "texts.1"])
    with pytest.raises(UsageError, match="lessons without rows"):
        lessons([], web)


def test_a_choice_by_value_rests_on_the_step_that_valued() -> None:
    worth = value(ROWS, by="random")
    chosen = select(PROBLEMS, how="value", values=worth, count=3)
    assert chosen.inputs == {"rows": PROBLEMS, "values": worth}
    assert chosen.literals["how"] == "value"
    for how in ("value", "mean_value"):
        with pytest.raises(UsageError, match="needs values"):
            select(PROBLEMS, how=how, count=3)
