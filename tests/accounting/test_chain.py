"""Which part of the account a step belongs to follows from who takes what it makes."""

from __future__ import annotations

from dataclasses import replace

from mathmill.accounting import (
    API,
    REST,
    SELECTION,
    SYNTHESIS,
    SYNTHESIZER,
    TRAINING,
    Work,
    holds_synthesizer,
    parts,
    students,
)

WORKS = [Work(name, verb, name, inputs, asks) for name, verb, inputs, asks in (
    ("web", "texts", {}, False),
    ("kd", "synthesize", {"seeds": "web"}, True),
    ("study", "lessons", {"rows": "kd", "texts": "web"}, False),
    ("synth", "train", {"rows": "study"}, False),
    ("pairs", "synthesize", {"seeds": "web", "teacher": "synth"}, True),
    ("ref", "train", {"rows": "pairs"}, False),
    ("worth", "value", {"rows": "pairs", "reference": "ref", "target.train": "known"}, False),
    ("best", "select", {"rows": "web", "values": "worth"}, False),
    ("kd2", "synthesize", {"seeds": "best"}, True),
    ("study2", "lessons", {"rows.0": "kd", "rows.1": "kd2", "texts": "web"}, False),
    ("synth2", "train", {"rows": "study2"}, False),
    ("mass", "synthesize", {"seeds": "web", "teacher": "synth2"}, True),
    ("checked", "verify", {"rows": "mass", "teacher": "synth2"}, True),
    ("judged", "verify", {"rows": "kd"}, True),
    ("known", "seeds", {}, False),
    ("clean", "decontaminate", {"rows": "checked", "against.test": "test"}, False),
    ("model", "train", {"synthetic": "clean", "sft": "known"}, False),
    ("again", "train", {"synthetic": "clean", "sft": "known"}, False),
    ("first half", "train", {"rows": "judged"}, False),
    ("plain", "train", {"rows": "judged", "base": "first half"}, False),
    ("score", "evaluate", {"model": "model"}, False))]


def test_each_step_has_its_part() -> None:
    found = parts(WORKS)
    by_part = {part: {name for name, its in found.items() if its == part}
               for part in (API, SYNTHESIZER, SELECTION, SYNTHESIS, TRAINING, REST)}
    assert by_part[API] == {"kd", "kd2", "judged"}
    assert by_part[SYNTHESIZER] == {"synth", "synth2"}
    assert by_part[SELECTION] == {"ref", "worth"}
    assert by_part[SYNTHESIS] == {"pairs", "mass"}
    assert by_part[TRAINING] == {"model", "again", "first half", "plain"}
    assert holds_synthesizer(WORKS)
    assert not holds_synthesizer([work for work in WORKS if "teacher" not in work.inputs])


def test_a_base_goes_with_what_was_built_on_it() -> None:
    school = Work("school", "train", "school", {"rows": "kd"})
    before = Work("before", "train", "before", {"rows": "kd"})
    works = [before, school, *(replace(work, inputs={**work.inputs, "base": base}) if base else work
                               for work in WORKS
                               for base in [{"synth": "school", "synth2": "school",
                                             "ref": "before"}.get(work.id)])]
    found = parts(works)
    assert (found["school"], found["before"]) == (SYNTHESIZER, SELECTION)
    assert {student.names for student in students(works)} == {
        student.names for student in students(WORKS)}
    shared = [*works, Work("own", "train", "own", {"rows": "kd", "base": "school"})]
    assert parts(shared)["school"] == TRAINING  # a student is built on it too


def test_a_student_rests_on_all_behind_it_and_was_taught_by_the_nearest_rows() -> None:
    boosted, plain = students(WORKS)
    assert boosted.names == ("model", "again"), "they rest on the same steps"
    assert boosted.rows_of == ("mass",)
    assert {"kd", "kd2", "synth", "synth2", "ref", "worth"} <= set(boosted.rests_on)
    assert boosted.synthetic
    assert plain.names == ("plain",), "its first half is no student of its own"
    assert (plain.rows_of, plain.synthetic) == (("kd",), False)
    assert "first half" in plain.rests_on
