"""Tests of `stages.decontaminate.finders` and `judge`, through the stage."""

from __future__ import annotations

import pytest
from stage_makers import ShuffledTeacher, failing, row

from mathmill.errors import TeacherError, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.methods import sameness
from mathmill.pipeline import decontaminate as verb
from mathmill.pipeline import seeds
from mathmill.planning.probe import asks
from mathmill.stages import decontaminate
from mathmill.stages.decontaminate.finders import literals
from mathmill.types import Problem, Sample, make_problem
from mathmill.workbench import Workbench

ITEM = ("Nora keeps 14 hens and each lays 3 eggs a day. She sells the eggs for $2 apiece. How much "
        "does she earn in a day?")
REPHRASED = ("Each day, every one of Nora's fourteen hens produces 3 eggs, and an egg is sold "
             "at two dollars. What are her daily earnings?")
CHANGED = ITEM.replace("14", "71").replace("3", "5").replace("2", "9")
KIN = "Nora keeps 3 geese, 2 cows, 77 pigs. How many animals is that?"  # scores 0.11
CLEAN = "A train with 7 cars carries 80 people in each. 19 step off. How many stay?"


def run(folder, questions, opened=None, **beyond):
    write_rows(folder / "in" / "rows.parquet", [row(q) for q in questions], Sample)
    items = [make_problem(ITEM, source="test:1"), make_problem("Of 5 owls 2 fly off. And?")]
    write_rows(folder / "b" / "rows.parquet", items, Problem)
    bench = Workbench(folder / "out", inputs={"rows": folder / "in", "against.b": folder / "b"},
                      tools={"open_teacher": lambda *_, **__: opened,
                             "judge_request": sameness.same_request,
                             "read_judgement": sameness.read_judgement})
    decontaminate.run(bench, against=["b"], **beyond)
    return ([s.question for s in read_rows(folder / "out" / "rows.parquet", Sample)],
            list(bench.drops), bench.close())


def test_each_finder_drops_with_its_name_and_the_item(tmp_path):
    kept, drops, tally = run(tmp_path, [CLEAN, REPHRASED, CHANGED, ITEM], ngram=13,
                             **literals(numbers=True, neighbours="words"))
    assert kept == [CLEAN]
    assert [d.reason for d in drops] == [
        "numbers: like an item of b", "neighbours words: like an item of b", "13-gram in b"]
    assert drops[0].detail.startswith("test:1 (numbers 0.")
    assert drops[0].detail.endswith(ITEM)
    assert tally["facts"]["against"]["b"]["rows_hit"] == {
        "ngram": 1, "whole text": 0, "signature": 0, "numbers": 1, "neighbours words": 1}
    assert tally["facts"]["beyond"] == {"numbers": {"least": 0.16, "across": 0.23},
                                        "neighbours": {"words": 0.9}}


def test_nothing_is_on_unless_it_is_asked_for(tmp_path):
    kept, _, tally = run(tmp_path, [CLEAN, REPHRASED, CHANGED])
    assert len(kept) == 3
    assert "beyond" not in tally["facts"]
    assert literals() == {}
    rows = seeds("symbolic:count=3,seed=1")
    assert set(verb(rows, {"b": rows}).literals) == {"ngram", "fold", "signatures", "against",
                                                     "fields"}
    asked = verb(rows, {"b": rows}, numbers=True, neighbours={"svd": 0.8}, judge="symbolic:")
    assert asked.literals["neighbours"] == {"svd": 0.8}
    assert asked.literals["teacher"] == "symbolic:"
    assert [asks(step) for step in (asked, verb(rows, {"b": rows}, numbers=0.2))] == [True, False]
    assert asked.literals["judge"]["prompts"][0].startswith("same_problem@1#")


def test_a_judge_spares_what_it_finds_different_and_takes_what_scores_low(tmp_path):
    def say(request):
        text = request.messages[0].content
        assert ITEM in text.partition("Second problem:")[0]
        return "Verdict: **different**" if REPHRASED in text else "Verdict: same"

    teacher = ShuffledTeacher(say)
    kept, drops, tally = run(tmp_path, [CLEAN, REPHRASED, KIN], teacher, teacher="scripted:",
                             **literals(judge=["p@1"]))
    assert kept == [CLEAN, REPHRASED]
    assert [d.reason for d in drops] == ["judge: like an item of b"]
    assert tally["facts"]["judge"] == {"asked": 2, "same": 1, "different": 1, "unclear": 0}
    assert tally["facts"]["judging"]["requests"] == 2
    assert teacher.closed


def test_where_the_judge_says_neither_the_score_decides(tmp_path):
    kept, drops, tally = run(tmp_path, [CLEAN, REPHRASED, KIN], ShuffledTeacher(lambda _: "Well."),
                             teacher="scripted:", **literals(judge=["p@1"]))
    assert kept == [CLEAN, KIN]
    assert drops[0].reason == "numbers: like an item of b"
    assert tally["facts"]["judge"]["unclear"] == 2


def test_a_judge_that_answers_nothing_stops_the_step(tmp_path):
    with pytest.raises(TeacherError, match="answered none of 1 questions: 503 overloaded"):
        run(tmp_path, [REPHRASED], ShuffledTeacher(failing), teacher="scripted:",
            **literals(judge=["p@1"]))


@pytest.mark.parametrize(("beyond", "says"), [
    ({"colour": 1}, "has no switch colour; it has numbers, neighbours"),
    ({"numbers": {"least": 0, "across": 0.2}}, "numbers least=0: a score lies above 0"),
    ({"neighbours": {"bert": 0.5}}, "there is no encoder 'bert'"),
    ({"judge": {"least": 0.1, "prompts": []}}, "a judge needs a teacher"),
])
def test_what_cannot_be_right_is_refused(tmp_path, beyond, says):
    with pytest.raises(UsageError, match=says):
        run(tmp_path, [CLEAN], **beyond)


@pytest.mark.parametrize(("text", "verdict"), [
    ("Verdict: same", "same"), ("**Verdict:** Different.", "different"), ("same", "same"),
    ('They differ.\nVerdict: "different"', "different"), ("verdict same", "same"),
    ("Verdict: same or Verdict: different", None), ("I cannot tell.", None), ("", None),
    ("Verdict: sameness", None)])
def test_a_judgement_is_read(text, verdict):
    assert sameness.read_judgement(text) == verdict
