"""The recipe jiuzhang3: both scales build; a smoke run of two steps ends, resumed, in a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mathmill.errors import UsageError
from mathmill.execution import local
from mathmill.execution.step import Step, in_order
from mathmill.io import read_json
from mathmill.pipeline import synthesize
from mathmill_recipes import _jiuzhang3 as parts
from mathmill_recipes import jiuzhang3

STRAND = replace(
    jiuzhang3.EMBEDDED_SCALE.strands[0], first=12, more=8, rows=16,
    known=("symbolic:count=12,seed=3,levels=2,families=bus",),
    written={"temperature": 0.4, "max_tokens": 60},
    teaching={**jiuzhang3.EMBEDDED_SCALE.strands[0].teaching, "epochs": 1.0, "batch_size": 8})
SMALL = replace(
    jiuzhang3.EMBEDDED_SCALE, texts={"symbolic:count=24,seed=1,families=bus+shop": None},
    snippets={"symbolic:count=16,seed=2,families=bus+shop": None}, strands=(STRAND,),
    test="symbolic:count=8,seed=4,levels=2,families=bus",
    school=("symbolic:count=40,seed=5,levels=1,families=bus+shop",
            "symbolic:count=40,seed=6,families=bus+shop"), schooling={"steps": 2},
    reference={"rows": 8, "epochs": 1.0, "lora": {"rank": 2}}, features={"dimension": 64},
    length={"steps": 2}, scoring={"max_new_tokens": 8, "batch": 64}, models=(0,),
    arms=(jiuzhang3.TEACHER, jiuzhang3.FIRST, jiuzhang3.RANDOM, jiuzhang3.VALUE))


def by_the_world(problems: Step, methods: Any, samples: int, teacher: str | Step = "symbolic:",
                 **more: Any) -> Step:
    """Stand in for the verb: two steps teach no model to write; it is an input all the same."""
    made = synthesize(problems, methods, samples, "symbolic:", **more)
    if isinstance(teacher, str):
        return made
    return replace(made, inputs={**made.inputs, "model": teacher})


def labelled(last: Step) -> dict[str, Step]:
    return {step.label: step for step in in_order(last)}


def test_a_scale_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="it has embedded, paper"):
        jiuzhang3.recipe(scale="huge")


def test_every_arm_has_three_seeds_and_the_same_length_and_last_rows() -> None:
    steps = labelled(jiuzhang3.recipe())
    for arm in jiuzhang3.EMBEDDED_SCALE.arms:
        for seed in (0, 1, 2):
            student = steps[f"student, {arm}, seed {seed}"]
            first, last = student.literals["stages"]
            assert first["steps"] == jiuzhang3.EMBEDDED_SCALE.length["steps"]
            assert student.literals["continuous"]
            assert student.inputs["known0"].id == steps["clean, known rows"].id
            assert list(last["rows"]) == ["known0"]


def test_the_teacher_is_asked_equally_often_for_the_arms_that_are_compared() -> None:
    strand = jiuzhang3.EMBEDDED_SCALE.strands[0]
    steps = in_order(jiuzhang3.recipe())
    asked: dict[str, int] = {}
    for step in steps:
        if step.name == "synthesize" and step.literals["teacher"] == "symbolic:":
            asked[step.label.rpartition(",")[0]] = step.literals["samples"]
    assert asked == {"first calls": strand.first, "calls on random texts": strand.more,
                     "calls on valued texts": strand.more}
    for step in steps:
        if step.label.startswith("lessons, boosted"):
            assert len([name for name in step.inputs if name.startswith("rows")]) == 2


def test_texts_at_random_are_other_ones_than_those_of_the_first_calls(shared_data: Path) -> None:
    def drawn(**given: Any) -> tuple[Any, ...]:
        steps = labelled(jiuzhang3.recipe(**given))
        first, more = steps["texts asked about first, seed 1"], steps["random texts, seed 1"]
        return first.inputs["rows"] is more.inputs["rows"], *(
            step.literals["seed"] for step in (first, more))

    assert drawn() == (False, 1, 1)  # two corpora
    mine = str(shared_data / "gsm8k" / "train.jsonl")
    _, first, more = drawn(seeds=mine)  # one: the same seed would draw the same texts
    assert first != more


def test_fewer_rows_than_the_reference_s_can_be_asked_for() -> None:
    pairs = "pairs for the reference, seed 0"
    assert labelled(jiuzhang3.recipe())[pairs].literals["count"] == 1_000
    assert labelled(jiuzhang3.recipe(samples=600))[pairs].literals["count"] == 300


def test_no_problem_of_the_test_is_a_target_or_a_student_s() -> None:
    steps = in_order(jiuzhang3.recipe())
    for step in steps:
        if step.name in ("train", "value"):
            given = [one for name, one in step.inputs.items()
                     if name.startswith(("known", "synthetic", "target"))]
            assert all(one.name == "decontaminate" for one in given)
    places = [step.literals["source"] for step in steps if step.name == "seeds"]
    assert len(set(places)) == len(places) == 3  # test, known problems, school


def test_the_paper_s_scale_takes_the_paper_s_settings(shared_data: Path) -> None:
    texts = str(shared_data / "gsm8k" / "train.jsonl")
    steps = labelled(jiuzhang3.recipe(scale="paper", base="embedded:", seeds=texts))
    called = sum(step.literals["samples"] for step in steps.values()
                 if step.name == "synthesize" and "openai" in step.literals["teacher"])
    assert called == 9_336  # the paper tells 9,335, of which about 6,000 are prose
    made = steps["mass synthesis, boosted, by gradient, seed 0"]
    tools = steps["mass synthesis, boosted, by gradient, seed 0, tools"]
    assert (made.literals["samples"], tools.literals["samples"]) == (4_380_000, 1_600_000)
    synth = steps["synthesizer, boosted, by gradient, seed 0"]
    assert (synth.literals["learning_rate"], synth.literals["schedule"],
            synth.literals["stages"][0]["epochs"]) == (1e-5, "cosine", 5.0)
    assert steps["targets, tools"].literals["count"] == 5_000
    student = steps["student, (d) boosted, by gradient, seed 0"]
    assert [student.literals[name] for name in (
        "schedule", "warmup", "decay", "floor", "batch_size", "packing", "form")] == [
        "wsd", 0.03, 0.15, 0.1, 512, "consecutive", "by_row"]


@pytest.mark.slow
def test_a_run_of_two_steps_ends_in_a_report_and_is_resumed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jiuzhang3.SCALES, "embedded", SMALL)
    monkeypatch.setattr(parts, "synthesize", by_the_world)
    last, out = jiuzhang3.recipe(), tmp_path / "run"
    first = next(step for step in in_order(last) if step.name == "value")
    local.run(first, out, jobs=2)
    before = {path: path.stat().st_mtime_ns for path in out.glob("steps/*/manifest.json")}
    page = local.run(last, out, jobs=2) / "report.html"
    assert {path: path.stat().st_mtime_ns for path in before} == before  # nothing twice
    text = page.read_text(encoding="utf-8")
    assert "Census of the rows" in text
    for study in ("what more calls are worth", "which texts to ask about"):
        assert study in text
    (counted,) = out.glob("steps/census*/manifest.json")
    sets = read_json(counted)["tally"]["facts"]["sets"]
    assert sets["(a) teacher only, seed 0"]["rows"] == sets["(a) teacher only, seed 0"]["right"]
