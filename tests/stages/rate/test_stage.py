"""Tests of the stage `rate`, and of its verb."""

from __future__ import annotations

import pytest
from stage_makers import ShuffledTeacher, problems, row, solve_request

from mathmill.candidates import Candidate, Rated
from mathmill.errors import StepFailed, UsageError
from mathmill.execution import local
from mathmill.execution.step import in_order
from mathmill.io import read_rows, write_rows
from mathmill.pipeline import EMBEDDED, Stage, rate, sample, seeds, select, train
from mathmill.planning.probe import asks
from mathmill.planning.rates import rates_of
from mathmill.stages import rate as stage
from mathmill.types import Problem, Sample, make_problem
from mathmill.workbench import Workbench


def run(folder, rows, record=Problem, answers=None, pool=None, **literals):
    write_rows(folder / "in" / "rows.parquet", rows, record)
    inputs = {"rows": folder / "in"}
    if pool is not None:
        inputs["pool"] = folder / "pool"
        write_rows(folder / "pool" / "rows.parquet", pool, Candidate)
    bench = Workbench(folder / "out", inputs=inputs, tools={
        "open_teacher": lambda name, home, terms: answers, "difficulty_request": solve_request,
        "request": lambda question, language, sample, temperature, max_tokens: solve_request(
            question, language, sample, temperature),
        "read_level": lambda text: int(text[-1]) if text[-1].isdigit() else None})
    stage.run(bench, **literals)
    return list(read_rows(folder / "out" / "rows.parquet", Rated)), bench.close()["facts"]


def test_a_student_rates_rows_by_its_samples(tmp_path):
    teacher = ShuffledTeacher(lambda r: "The answer is 3" if "is 2 +" in r.messages[0].content
                              else f"The answer is {r.sample % 2}")
    found, facts = run(tmp_path, problems(4), answers=teacher, samples=4)
    assert [one.rate for one in found] == [0.5, 0.0, 1.0, 0.0]
    assert facts["levels"] == {"1": 1, "3": 1, "5": 2}
    assert facts["pass_rates"] == {"0.0": 2, "0.5": 1, "0.9": 1}
    assert (facts["samples"], facts["right"], facts["rated"]) == (16, 6, 4)
    assert (facts["rating"]["requests"], facts["rating"]["units"]) == (16, 4)


def test_batches_make_no_difference(tmp_path, monkeypatch):
    rows = [row(f"Is it {n % 3}?", answer=str(n)) for n in range(7)]
    teachers = [ShuffledTeacher(lambda r: "The answer is 4") for _ in range(2)]
    whole = run(tmp_path / "1", rows, Sample, teachers[0], samples=2)[0]
    monkeypatch.setattr("mathmill.stages.rate.stage.BATCH", 2)
    assert run(tmp_path / "2", rows, Sample, teachers[1], samples=2)[0] == whole


def test_a_teacher_or_the_steps_rate_too(tmp_path):
    teacher = ShuffledTeacher(lambda r: "Level: 5" if "is 3 +" in r.messages[0].content else "?")
    found, facts = run(tmp_path / "t", problems(5), answers=teacher, by="teacher")
    assert [one.level for one in found] == [None, None, None, 5, None]
    assert facts["rating"]["requests"] == 5
    found, facts = run(tmp_path / "s", [row(solution="a = 1\nb = 2"), row(solution="")], Sample,
                       by="steps")
    assert [(one.level, one.by) for one in found] == [(2, ""), (None, "")]
    assert (facts["rows_in"], facts["rated"]) == (2, 1)


def test_a_pool_that_was_drawn_tells_pass_rates(tmp_path):
    rows = problems(3)
    pool = [Candidate(str(n), rows[n % 2].id, "s", "q", "1", "r", "p", "1", "value", "",
                      "correct" if n % 4 == 0 else "wrong", "m", 0.7, n, 3, "stop")
            for n in range(8)]
    found, _ = run(tmp_path, rows, pool=pool)
    assert [(one.right, one.samples, one.by) for one in found] == [
        (2, 4, "m"), (0, 4, "m"), (0, 0, "")]
    assert found[2].rate is None


@pytest.mark.parametrize(("literals", "rows", "says"), [
    ({"by": "steps"}, [], "there are none"),
    ({"by": "steps"}, [make_problem("Why?")], "none has a solution"),
    ({"by": "pass_rate"}, [make_problem("Why?")], "none has an answer"),
    ({"by": "teacher"}, problems(2), "replies name no level")])
def test_nothing_rated_is_one_line_with_the_cure(tmp_path, literals, rows, says):
    with pytest.raises(StepFailed, match=says):
        run(tmp_path, rows, answers=ShuffledTeacher(lambda r: "?"), **literals)


PROBLEMS = seeds("symbolic:count=20,seed=1")


def test_the_verb_says_what_cannot_be_before_anything_runs():
    student = train(EMBEDDED, PROBLEMS, [Stage(steps=1)])
    programs = train(EMBEDDED, PROBLEMS, [Stage(steps=1)], form="function")
    drawn = sample({"m": EMBEDDED}, {"rows": PROBLEMS}, n=2)
    for given, says in (({"by": "pass_rate"}, "asks a model"),
                        ({"by": "luck", "model": "symbolic:"}, "by='luck'"),
                        ({"by": "steps", "model": "symbolic:"}, "asks nobody"),
                        ({"model": "symbolic:", "samples": 0}, "samples=0"),
                        ({"model": programs}, "writes programs"),
                        ({"model": "symbolic:", "ask": "kindly"}, "ask='kindly'"),
                        ({"by": "steps", "pool": drawn}, "a pool is what")):
        with pytest.raises(UsageError, match=says):
            rate(PROBLEMS, **given)
    assert rate(PROBLEMS, model=student).literals["prompts"] == ["question@1"]
    assert rate(PROBLEMS, model=student).inputs["teacher"] is student
    assert rate(PROBLEMS, pool=drawn).inputs["pool"] is drawn
    ids = {rate(PROBLEMS, model="symbolic:", samples=n).id for n in (2, 3)}
    assert len(ids) == 2
    for given, says in (({"pass_rate": (0, 1)}, "ratings="), ({"ratings": drawn, "rater": student},
                        "one of them"), ({"ratings": drawn, "pass_rate": (1, 0)}, "lower one")):
        with pytest.raises(UsageError, match=says):
            select(PROBLEMS, **given)


def test_a_plan_counts_the_calls_of_who_is_asked():
    assert asks(rate(PROBLEMS, model="symbolic:"))
    assert asks(rate(PROBLEMS, "teacher", "symbolic:"))
    assert not asks(rate(PROBLEMS, "steps"))
    facts = {"rows_in": 5, "rating": {"requests": 32, "units": 4, "tokens_in": 64}}
    [one] = rates_of(rate(PROBLEMS, model="symbolic:"), {"facts": facts})
    assert (one.attempts_a_row, one.calls_an_attempt) == (0.8, 8)


def test_hard_seeds_are_those_that_a_student_fails(tmp_path):
    rated = rate(PROBLEMS, model="symbolic:error_rate=0.5", samples=4)
    hard = select(PROBLEMS, how="all", levels=(4, 5), ratings=rated, label="hard")
    middle = select(PROBLEMS, how="all", ratings=rated, pass_rate=(0.2, 0.8), label="middle")
    ratings = {one.id: one for one in read_rows(
        local.run(rated, tmp_path) / "rows.parquet", Rated)}
    found = list(read_rows(local.run(hard, tmp_path) / "rows.parquet", Problem))
    assert 0 < len(found) < 20
    assert {one.id for one in found} == {
        key for key, one in ratings.items() if one.level in (4, 5)}
    assert all(one.level == ratings[one.id].level for one in found)
    found = list(read_rows(local.run(middle, tmp_path) / "rows.parquet", Problem))
    assert {one.id for one in found} == {
        key for key, one in ratings.items() if one.rate and 0.2 <= one.rate <= 0.8}


@pytest.mark.slow
def test_a_model_in_this_process_is_a_student_like_any_other(tmp_path):
    pytest.importorskip("torch")
    rated = rate(seeds("symbolic:count=6,seed=3"), model="local:embedded:", ask="question",
                 samples=3, max_tokens=96)
    found = list(read_rows(local.run(rated, tmp_path) / "rows.parquet", Rated))
    assert len(found) == 6
    assert all(one.samples == 3 and one.low <= one.rate <= one.high for one in found)
    assert {one.by for one in found} == {found[0].by}
    assert found[0].by.startswith("local:")


def test_the_second_stage_takes_what_the_first_fails():
    from mathmill_recipes import skywork_hard, skywork_math

    titles = {step.title: step for step in in_order(skywork_hard.recipe())}
    plain = {step.title: step for step in in_order(skywork_math.recipe())}
    assert titles["pass rates of stage 1"].inputs["teacher"].id == plain["stage 1"].id
    assert titles["hard seeds"].inputs["ratings"] is titles["pass rates of stage 1"]
    assert titles["stage 1"].id == plain["stage 1"].id
    assert titles["stage 2"].id != plain["stage 2"].id
