"""Tests of the stage `synthesize`."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_makers import Echo, ShuffledTeacher, failing, problems, row

from mathmill.errors import StepFailed, TeacherError, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.methods import PROGRAM
from mathmill.stages import by_place, synthesize
from mathmill.teachers.symbolic import SymbolicTeacher, make_problems
from mathmill.texts import Text, make_text
from mathmill.types import Drop, Message, Problem, Request, Sample, make_problem
from mathmill.workbench import Workbench

ONE = (Echo(),)


def run(folder, teacher, *, methods=ONE, seeds=None, weights=None, concurrency=8,
        **literals):
    write_rows(folder / "seeds" / "rows.parquet", problems(10) if seeds is None else seeds,
               Problem)
    opened = []

    def open_teacher(name, home, terms):
        opened.append((name, home))
        return teacher

    bench = Workbench(folder / "out", inputs={"seeds": folder / "seeds"}, tools={
        "methods": list(methods), "open_teacher": open_teacher, "concurrency": concurrency})
    budget = {name: literals.pop(name) for name in ("attempts", "per_question", "refill", "wave")
              if name in literals}
    entries = [{"method": m.name, "weight": (weights or {}).get(m.name, 1.0), **m.identity()}
               for m in methods]
    synthesize.run(bench, methods=entries, teacher="scripted:test", budget=budget,
                   **{"samples": 20, **literals})
    tally = bench.close()
    assert opened == [("scripted:test", bench.home)]
    return list(read_rows(folder / "out" / "rows.parquet", Sample)), bench.drops, tally


def uneven(request):
    """Fail one reply in three, by what is asked."""
    kind = random.Random(request.id).randrange(6)
    return "bad form" if kind == 0 else "bad luck" if kind == 1 else f"said {request.id}"


def test_exactly_the_rows_asked_for_are_accepted_and_all_attempts_are_accounted_for(tmp_path):
    rows, drops, tally = run(tmp_path, ShuffledTeacher(uneven), samples=200)
    facts = tally["facts"]
    assert len(rows) == 200 == facts["accepted"]
    assert facts["attempts"] == len(rows) + len(drops) == facts["rows_in"]
    assert facts["ended"] == "all rows accepted"
    method = facts["methods"]["echo"]
    assert method["attempts"] == method["accepted"] + sum(method["dropped"].values())
    assert set(tally["dropped"]) <= {"bad form", "bad luck", "surplus"}
    assert method["tokens_out"] == 2 * facts["attempts"]
    assert all(drop.row for drop in drops if drop.reason == "surplus")


def test_the_rows_do_not_depend_on_who_answers_first_or_how_many_are_asked_at_once(tmp_path):
    results = [run(tmp_path / f"{i}", ShuffledTeacher(uneven, seed=i), concurrency=at_once,
                   methods=(Echo("a"), Echo("b", turns=2)), samples=90)
               for i, at_once in enumerate((1, 3, 64))]
    assert results[0][0] == results[1][0] == results[2][0]
    assert results[0][1] == results[1][1] == results[2][1]


def test_attempts_lie_evenly_over_the_seeds_and_each_has_its_number(tmp_path):
    teacher = ShuffledTeacher(lambda request: f"said {request.id}")
    rows, *_ = run(tmp_path, teacher, samples=25)
    per_seed = Counter(r.seed for r in rows)
    assert sorted(per_seed.values()) == [2] * 5 + [3] * 5
    assert len({r.question for r in rows}) == 25


def test_a_smaller_run_is_the_beginning_of_a_larger_one(tmp_path):
    small, *_ = run(tmp_path / "s", ShuffledTeacher(uneven), samples=40)
    large, *_ = run(tmp_path / "l", ShuffledTeacher(uneven), samples=400)
    assert [r.id for r in large[:40]] == [r.id for r in small]


def test_another_seed_visits_the_seeds_in_another_order(tmp_path):
    one, *_ = run(tmp_path / "1", ShuffledTeacher(uneven), seed=1)
    two, *_ = run(tmp_path / "2", ShuffledTeacher(uneven), seed=2)
    assert [r.seed for r in one] != [r.seed for r in two]


def test_weights_share_out_the_rows(tmp_path):
    _, _, tally = run(tmp_path, ShuffledTeacher(uneven), samples=80,
                      methods=(Echo("a"), Echo("b")), weights={"a": 3})
    assert {n: m["accepted"] for n, m in tally["facts"]["methods"].items()} == {"a": 60, "b": 20}


def only_a(request):
    return uneven(request) if request.messages[0].content.startswith("a ") else "bad form"


def test_what_one_method_owes_the_other_gives_or_the_facts_say_that_it_is_missing(tmp_path):
    methods = (Echo("a"), Echo("b"))
    rows, _, tally = run(tmp_path / "1", ShuffledTeacher(only_a), methods=methods, samples=40)
    assert len(rows) == 40
    facts = tally["facts"]
    assert facts["refilled"] == 20
    assert facts["methods"]["b"]["ended"] == "attempt budget spent"
    assert facts["methods"]["a"]["ended"] == "rows accepted"
    rows, _, tally = run(tmp_path / "2", ShuffledTeacher(only_a), methods=methods, samples=40,
                         refill=False)
    assert len(rows) == 20
    assert tally["facts"]["ended"] == "attempt budget spent"


def test_the_attempt_budget_ends_a_run_that_cannot_reach_its_rows(tmp_path):
    rows, drops, tally = run(tmp_path, ShuffledTeacher(uneven), samples=50, attempts=60)
    assert len(rows) + len(drops) == 60
    assert len(rows) < 50
    assert tally["facts"]["ended"] == "attempt budget spent"


def test_repeats_and_surplus_copies_of_a_question_are_dropped(tmp_path):
    same = ShuffledTeacher(lambda request: "always the same")
    rows, drops, _ = run(tmp_path / "1", same, methods=(Echo(fresh=False),))
    assert len(rows) == 10
    assert {d.reason for d in drops} == {"duplicate"}
    rows, drops, _ = run(tmp_path / "2", ShuffledTeacher(lambda request: request.id),
                         methods=(Echo(fresh=False),), per_question=1)
    assert len({r.question for r in rows}) == len(rows) == 10
    assert {d.reason for d in drops} == {"question has its rows"}


@dataclass(frozen=True)
class Fixed(Echo):
    """Returns what it is told to, whatever the teacher says."""

    name: str = "fixed"
    result: Sample | Drop | None = None

    def attempt(self, seed, number):
        yield from ()
        return self.result


@pytest.mark.parametrize(("result", "reason"), [
    (row("", "4"), "empty text"), (row("q", "4", " "), "empty text"),
    (row("q", None), "no answer"), (row("q", " "), "no answer"),
    (row("q \ud800", "4"), "broken text"), (Drop("x", "no number to mask", "\ud800"), "no number"),
])
def test_a_row_that_is_not_well_formed_is_dropped_with_its_reason(tmp_path, result, reason):
    methods = (Fixed(result=result), Echo())
    rows, drops, _ = run(tmp_path, ShuffledTeacher(uneven), methods=methods, samples=4,
                         attempts=40)
    assert len(rows) == 4
    assert any(reason in d.reason and d.method == "fixed" for d in drops)


def test_a_row_with_a_false_id_is_our_own_fault(tmp_path):
    bad = Sample(**{**{f: getattr(row(), f) for f in row().__slots__}, "id": "0" * 32})
    with pytest.raises(AssertionError, match="id that is not its content's"):
        run(tmp_path, ShuffledTeacher(uneven), methods=(Fixed(result=bad),))


def test_no_row_at_all_names_the_commonest_reasons(tmp_path):
    with pytest.raises(StepFailed, match=r"no row was accepted in 80 attempts \(bad form: 80\)"):
        run(tmp_path, ShuffledTeacher(lambda request: "bad form"))


def test_a_teacher_that_is_down_stops_after_fifty_attempts_with_its_last_error(tmp_path):
    teacher = ShuffledTeacher(failing)
    with pytest.raises(StepFailed, match=r"50 of 50 attempts .*503 overloaded") as caught:
        run(tmp_path, teacher, samples=10_000)
    assert len(teacher.asked) == 50
    assert "\n" not in str(caught.value)


def test_a_teacher_that_goes_down_later_stops_the_run_and_spares_the_budget(tmp_path):
    teacher = ShuffledTeacher(lambda r: failing(r) if len(teacher.asked) > 60 else f"said {r.id}")
    with pytest.raises(StepFailed, match="teacher failed on 100 of 100"):
        run(tmp_path, teacher, samples=10_000, wave=100)
    assert len(teacher.asked) < 300


def test_now_and_then_a_failed_call_is_a_drop(tmp_path):
    teacher = ShuffledTeacher(
        lambda r: failing(r) if random.Random(r.id).random() < 0.3 else f"said {r.id}")
    rows, drops, _ = run(tmp_path, teacher, samples=60)
    assert len(rows) == 60
    assert Counter(d.reason for d in drops)["teacher failed"] > 5


def test_a_teacher_that_can_answer_nothing_is_told_at_once(tmp_path):
    def refuse(request):
        raise TeacherError("the key was refused; set OPENAI_API_KEY")

    with pytest.raises(TeacherError, match="refused"):
        run(tmp_path, ShuffledTeacher(refuse))


@pytest.mark.parametrize(("literals", "says"), [
    ({"samples": 0}, "samples=0"), ({"samples": 5, "attempts": 4}, "attempts=4"),
    ({"wave": 0}, "wave"), ({"per_question": 0}, "per_question"),
    ({"methods": (Echo("a"), Echo("a"))}, "twice"), ({"methods": ()}, "no method is given"),
    ({"weights": {"echo": 0.0}}, "weight 0"), ({"weights": {"echo": float("inf")}}, "weight inf"),
])
def test_what_cannot_be_right_is_refused_before_anything_is_asked(tmp_path, literals, says):
    teacher = ShuffledTeacher(uneven)
    with pytest.raises(UsageError, match=says):
        run(tmp_path, teacher, **literals)
    assert not teacher.asked


def test_an_unknown_method_is_named_with_those_there_are(tmp_path):
    bench = Workbench(tmp_path, tools={"methods": [Echo()]})
    with pytest.raises(UsageError, match="'evolve'; there are: echo"):
        synthesize.run(bench, methods=[{"method": "evolve"}], teacher="t", samples=1)


def test_an_empty_seed_set_is_one_line(tmp_path):
    with pytest.raises(StepFailed, match="no seed to start from"):
        run(tmp_path, ShuffledTeacher(uneven), seeds=[])


def test_seeds_with_a_solution_may_come_first_as_rows(tmp_path):
    seeds = [make_problem("What is 1 + 1?", answer="2", solution="1 + 1 = 2"),
             make_problem("What is 2 + 1?", answer="3"),
             make_problem("What is 4 + 1?", answer="5", solution="4 + 1 = 5\nThe answer is 5")]
    rows, _, tally = run(tmp_path, ShuffledTeacher(uneven), seeds=seeds, samples=6,
                         include_seeds=True)
    assert [r.solution for r in rows[:2]] == ["1 + 1 = 2\nThe answer is 2",
                                              "4 + 1 = 5\nThe answer is 5"]
    assert [r.method for r in rows] == ["seed"] * 2 + ["echo"] * 6
    assert tally["dropped"]["seed without a worked solution"] == 1
    assert tally["facts"]["from_seeds"] == 2


@settings(max_examples=25, deadline=None)
@given(samples=st.integers(1, 60), extra=st.integers(0, 80), wave=st.integers(1, 40),
       luck=st.floats(0.1, 1), names=st.integers(1, 3))
def test_rows_in_are_rows_kept_and_rows_dropped(tmp_path_factory, samples, extra, wave, luck,
                                                names):
    folder = tmp_path_factory.mktemp("property")
    teacher = ShuffledTeacher(
        lambda r: f"said {r.id}" if random.Random(r.id).random() < luck else "bad form")
    methods = tuple(Echo(f"m{i}") for i in range(names))
    try:
        rows, drops, tally = run(folder, teacher, samples=samples, attempts=samples + extra,
                                 wave=wave, methods=methods)
    except StepFailed as error:
        assert "no row was accepted" in str(error)  # noqa: PT017
        return
    assert len(rows) <= samples
    assert len(rows) + len(drops) == tally["facts"]["attempts"] <= max(
        samples + extra, samples) + names
    assert len({r.id for r in rows}) == len(rows)
    assert (len(rows) == samples) == (tally["facts"]["ended"] == "all rows accepted")


@dataclass(frozen=True)
class Batch(Echo):
    """Makes several rows, or drops, of one call; its rows tell no answer."""

    name: str = "batch"
    together: int = 10
    answers: bool = False

    def attempt(self, seed, number):
        reply = yield Request((Message("user", f"ten like {seed.question}"),), sample=number)
        rows = [row(f"{seed.question} {number} {place} {reply.text}", None, "result = 2 + 3",
                    method="batch", seed=seed.id) for place in range(self.together - 1)]
        return (*rows, Drop(f"{seed.id} {number}", "torn"))


def test_a_call_that_writes_ten_rows_is_paid_and_started_once(tmp_path):
    teacher = ShuffledTeacher(lambda request: "done")
    rows, drops, tally = run(tmp_path, teacher, methods=(Batch(),), samples=45)
    assert len(rows) == 45
    assert all(r.answer is None for r in rows)
    facts = tally["facts"]["methods"]["batch"]
    assert len(teacher.asked) == facts["requests"] == facts["units"] == 5
    assert facts["attempts"] == 50 == len(rows) + len(drops)
    assert facts["dropped"] == {"torn": 5}
    assert facts["tokens_out"] == 2 * 5
    assert len({request.id for request in teacher.asked}) == 5
    assert Counter(r.seed for r in rows).most_common(1)[0][1] == 9


def test_routes_of_programs_make_ten_rows_a_call(tmp_path):
    seeds = list(make_problems(12, 4, languages=("en", "zh")))
    rows, drops, tally = run(tmp_path, SymbolicTeacher(), methods=PROGRAM, seeds=seeds, samples=60)
    assert Counter(r.method for r in rows) == {m.name: 20 for m in PROGRAM}
    assert all(r.answer is None and r.solution.endswith("return result") for r in rows)
    methods = tally["facts"]["methods"]
    assert {name: each["requests"] for name, each in methods.items()} == {
        "program.ten": 2, "program.two": 22, "program.two_distractor": 22}
    assert len({r.requests[0] for r in rows}) == 6
    assert not drops


def test_calls_that_write_ten_rows_share_the_rows_with_other_methods(tmp_path):
    teacher = ShuffledTeacher(lambda request: f"said {request.id}")
    rows, _, tally = run(tmp_path / "1", teacher, methods=(Batch(), Echo()), samples=200)
    again, *_ = run(tmp_path / "2", ShuffledTeacher(lambda request: f"said {request.id}", seed=9),
                    methods=(Batch(), Echo()), samples=200, concurrency=1)
    assert [r.id for r in rows] == [r.id for r in again]
    methods = tally["facts"]["methods"]
    assert {name: each["accepted"] for name, each in methods.items()} == {"batch": 100,
                                                                        "echo": 100}
    assert methods["batch"]["requests"] <= 14


def test_a_teacher_that_is_down_stops_ten_at_a_time_as_well(tmp_path):
    teacher = ShuffledTeacher(failing)
    with pytest.raises(StepFailed, match=r"the teacher failed on 50 of 50 attempts"):
        run(tmp_path, teacher, methods=(Batch(),), samples=10_000)
    assert len(teacher.asked) == 50


@dataclass(frozen=True)
class OfTexts(Echo):
    """Writes a row from a text."""

    name: str = "of_texts"
    takes: str = "texts"

    def attempt(self, seed, number):
        assert isinstance(seed, Text)
        return (yield from super().attempt(make_problem(seed.text, answer="4"), number))


def of_texts(folder, texts, **more):
    """Run with texts as seeds; what `run` writes as problems is written over."""
    write_rows(folder / "seeds" / "rows.parquet", texts, Text)
    bench = Workbench(folder / "out", inputs={"seeds": folder / "seeds"}, tools={
        "methods": more.pop("methods"), "concurrency": 4,
        "open_teacher": lambda *_: ShuffledTeacher(lambda request: f"said {request.id}")})
    synthesize.run(bench, methods=[{"method": m.name} for m in bench.tools["methods"]],
                   teacher="scripted:test", samples=30, **more)
    bench.close()
    return list(read_rows(bench.out / "rows.parquet", Sample))


def test_texts_are_seeds_of_the_methods_that_take_them(tmp_path, monkeypatch):
    texts = [make_text(f"The baker sells {n} loaves.") for n in range(12)]
    held = of_texts(tmp_path / "a", texts, methods=[OfTexts()])
    assert len(held) == 30
    monkeypatch.setattr(by_place, "HELD", 5)  # as if there were too many to hold
    assert of_texts(tmp_path / "b", texts, methods=[OfTexts()]) == held


def test_methods_and_seeds_that_do_not_fit_are_one_line_before_the_first_call(tmp_path):
    texts = [make_text("The baker sells loaves.")]
    with pytest.raises(UsageError, match=r"echo starts from problems, and these seeds are texts; "
                       r"give it the rows of seeds\(\.\.\.\)"):
        of_texts(tmp_path / "a", texts, methods=[Echo()])
    with pytest.raises(UsageError, match=r"of_texts starts from texts, and these seeds are "
                       r"problems; give it the rows of texts\(\.\.\.\)"):
        run(tmp_path / "b", ShuffledTeacher(uneven), methods=[OfTexts()])
    with pytest.raises(UsageError, match="include_seeds asks for the seeds as rows"):
        of_texts(tmp_path / "c", texts, methods=[OfTexts()], include_seeds=True)
