"""Several teachers under one name: shares as weighted, the same draw anywhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from mathmill.errors import BudgetSpent, TeacherError, UsageError
from mathmill.execution import local
from mathmill.io import read_rows
from mathmill.methods import METAMATH
from mathmill.pipeline import seeds, synthesize, verify
from mathmill.stages.asking import hold
from mathmill.teachers import registry
from mathmill.teachers.journal.inspect import stats
from mathmill.teachers.mixture import Fallback, Mixture, Routes, read_order, read_weighted, shares
from mathmill.teachers.scripted import ScriptedTeacher
from mathmill.types import Message, Problem, Reply, Request, Sample


def ask(number: int, **fields) -> Request:
    return Request((Message("user", f"question {number}"),), **fields)


def says(name: str, text: str = "The answer is 5", **fields) -> ScriptedTeacher:
    return ScriptedTeacher(lambda request: Reply(request="", text=text, teacher="", **fields), name)


def writer(teacher, request: Request) -> str:
    return asyncio.run(teacher.answer(request)).teacher


A, B, C = (says(f"scripted:{letter}") for letter in "ABC")
MANY = [ask(number) for number in range(4000)]


def drawn(*members: tuple[ScriptedTeacher, float]) -> list[str]:
    mixture = Mixture(members)
    return [mixture.member(request).name for request in MANY]


def test_each_member_gets_its_share():
    counts = Counter(drawn((A, 0.7), (B, 0.3)))
    assert abs(counts["scripted:A"] / len(MANY) - 0.7) < 0.03


def test_the_draw_is_the_same_whatever_the_order_and_the_scale_of_the_weights():
    assert drawn((A, 0.7), (B, 0.3)) == drawn((B, 3), (A, 7))
    assert Mixture([(A, 0.7), (B, 0.3)]).name == Mixture([(B, 3), (A, 7)]).name == (
        "mix:0.7*scripted:A|0.3*scripted:B")


def test_only_as_many_requests_move_as_the_new_weights_need():
    before, after = drawn((A, 0.7), (B, 0.3)), drawn((A, 0.6), (B, 0.4))
    moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {("scripted:A", "scripted:B")}
    assert 0.07 < len(moved) / len(MANY) < 0.13
    joined = drawn((A, 0.7), (B, 0.3), (C, 0.25))
    assert {new for old, new in zip(before, joined, strict=True) if old != new} == {"scripted:C"}


def test_the_draws_of_the_samples_of_a_prompt_differ():
    mixture = Mixture([(A, 1), (B, 1)])
    assert len({mixture.member(ask(1, sample=n)).name for n in range(20)}) == 2


def test_a_reply_names_the_member_that_wrote_it():
    mixture = Mixture([(A, 1), (B, 1)])
    assert {writer(mixture, request) for request in MANY[:50]} == {"scripted:A", "scripted:B"}


def test_the_next_is_asked_where_one_declines_fails_or_says_nothing():
    last = says("scripted:last")
    for first in (says("scripted:first", "I'm sorry, but I can't help with that."),
                  says("scripted:first", "", finish="error", error="500: down"),
                  says("scripted:first", " \n")):
        assert writer(Fallback([first, last]), ask(1)) == "scripted:last"


def test_an_answer_after_an_apology_and_a_reply_cut_off_are_no_refusals():
    for first in (says("scripted:first", "Sorry, I erred above. The answer is 5"),
                  says("scripted:first", "I cannot see it yet", finish="length")):
        assert writer(Fallback([first, says("scripted:last")]), ask(1)) == "scripted:first"


class Broken:
    """Raises what it is given."""

    name = "scripted:broken"

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    async def answer(self, request: Request) -> Reply:
        self.asked += 1
        raise self.error


def test_a_member_that_can_answer_nothing_is_said_once_and_not_asked_again(caplog):
    broken = Broken(TeacherError("nothing answers at gpu7; start the server"))
    fallback = Fallback([broken, B])
    assert [writer(fallback, request) for request in MANY[:3]] == ["scripted:B"] * 3
    assert broken.asked == 1
    assert [r.message for r in caplog.records] == [
        "nothing answers at gpu7; start the server; fallback:scripted:broken|scripted:B "
        "goes on without it"]


def test_a_spent_budget_and_the_last_member_stop_the_run():
    with pytest.raises(BudgetSpent):
        writer(Fallback([Broken(BudgetSpent("spent")), B]), ask(1))
    with pytest.raises(TeacherError, match="no key"):
        writer(Fallback([says("scripted:A", "Sorry."), Broken(TeacherError("no key"))]), ask(1))


def test_a_fallback_that_is_told_to_stop_asks_nobody_else(caplog):
    fallback = Fallback([Broken(TeacherError("stopped before this call was sent")), B])
    hold(fallback)
    asked = len(B.asked)
    with pytest.raises(TeacherError, match="stopped before"):
        writer(fallback, ask(1))
    assert (len(B.asked), caplog.messages) == (asked, [])


def test_routes_go_by_method_or_prompt_and_the_first_fit_decides():
    routes = Routes([("metamath.*", A), ("solve", B), ("*", C)], "routes:")
    assert routes.member(ask(1, method="metamath.fobar", prompt="solve@1")) is A
    assert routes.member(ask(1, prompt="solve.zh@2")) is B
    assert routes.member(ask(1, method="xwin.create", prompt="xwin/create@1")) is C
    assert routes.member(ask(1)) is C


def test_a_method_is_named_in_its_requests_so_that_routes_can_go_by_it():
    seed = Problem(id="p", question="Tom has 2 pens and 3 more. How many?", answer="5")
    request = next(METAMATH[0].attempt(seed, 0))
    assert request.method == METAMATH[0].name
    assert request.id == Request(request.messages, request.temperature, request.max_tokens,
                                 request.stop, request.sample).id


def test_names_of_several_are_read_with_weights_and_parentheses():
    assert read_weighted("mix:", "0.7*symbolic:|0.3*openai:a@http://h/v1") == [
        ("symbolic:", 0.7), ("openai:a@http://h/v1", 0.3)]
    assert read_weighted("mix:", "A:x|2*(fallback:B:x|C:x)") == [("A:x", 1.0),
                                                              ("fallback:B:x|C:x", 2.0)]
    assert read_order("fallback:", "A:|(mix:B:|C:)") == ["A:", "mix:B:|C:"]


@pytest.mark.parametrize(("name", "words"), [
    ("mix:", "there is no teacher 'mix:'"), ("mix:symbolic:", "name two teachers or more"),
    ("mix:0*symbolic:|symbolic:error_rate=1", "weight 0 must be above 0"),
    ("mix:-1*symbolic:|symbolic:error_rate=1", "weight -1 must be above 0"),
    ("mix:1e999*symbolic:|symbolic:error_rate=1", "weight 1e999 must be above 0"),
    ("mix:.x*symbolic:|symbolic:error_rate=1", "'.x' is no weight"),
    ("fallback:symbolic:|", "name two teachers or more"),
    ("fallback:symbolic:|oracle:", "no teacher 'oracle:'"),
    ("fallback:symbolic:|(symbolic:", "in parentheses"),
    ("mix:symbolic:|openai:a@http://h/v1?api-key=hunter2", "the address holds a key"),
])
def test_a_name_of_several_that_cannot_be_right_is_one_line(name: str, words: str):
    with pytest.raises(UsageError, match=words.replace("(", r"\(")) as caught:
        registry.identity(name)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_identity_is_the_same_for_names_that_mean_the_same_and_names_itself():
    name = "mix:7*symbolic:|2*(fallback:symbolic:error_rate=0.1|symbolic:)|1*symbolic:"
    whose = registry.identity(name)
    assert whose == ("mix:0.2*(fallback:symbolic:error_rate=0.1|symbolic:)|0.8*symbolic:")
    assert registry.identity(whose) == whose


def test_shares_add_up_whatever_the_weights():
    assert shares([("a", 1), ("b", 1), ("c", 1)]) == dict.fromkeys("abc", 0.333333)
    with pytest.raises(UsageError):
        shares([("a", float("nan")), ("b", 1)])


def test_what_a_member_wrote_in_a_mixture_is_found_where_it_is_asked_alone(tmp_path: Path):
    files = []
    for letter in "ab":
        files.append(tmp_path / f"{letter}.jsonl")
        files[-1].write_text(f'{{"match": ".", "text": "by {letter}"}}\n')
    mixture = registry.open_teacher(f"mix:scripted:{files[0]}|scripted:{files[1]}", tmp_path)
    first = asyncio.run(mixture.answer(ask(1)))
    alone = registry.open_teacher(first.teacher, tmp_path)
    again = asyncio.run(alone.answer(ask(1)))
    assert (again.found, again.text, again.teacher) == (True, first.text, first.teacher)
    asyncio.run(mixture.aclose())


def test_rows_of_a_recipe_name_the_member_that_wrote_them_and_votes_go_to_the_mixture(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.toml").write_text("""
[teachers.both]
mix = { "symbolic:" = 1, "symbolic:error_rate=0.5" = 1 }
[teachers.all]
routes = { "metamath.rephrase" = "symbolic:", "*" = "both" }
""")
    drafts = synthesize(seeds("symbolic:count=30"), METAMATH[:2], 40, "config:t.toml#all")
    checked = verify(drafts, ["majority"], votes=3, keep="label")
    assert drafts.literals["teacher"] == checked.literals["teacher"] == (
        "routes:metamath.rephrase=symbolic:|*=(mix:0.5*symbolic:|0.5*symbolic:error_rate=0.5)")
    folder = local.run(checked, tmp_path / "runs" / "one")
    rows = list(read_rows(folder / "rows.parquet", Sample))
    writers = Counter((row.method, row.teacher) for row in rows)
    assert len(rows) == 40
    assert set(writers) == {("metamath.rephrase", "symbolic:"),
                            ("metamath.answer_augmentation", "symbolic:"),
                            ("metamath.answer_augmentation", "symbolic:error_rate=0.5")}
    kept = stats(tmp_path / "runs" / "one").teachers
    assert set(kept) == {"symbolic:", "symbolic:error_rate=0.5"}


def test_closing_closes_every_member():
    closed = []

    class Closing(ScriptedTeacher):
        async def aclose(self) -> None:
            closed.append(self.name)

    teachers = [Closing([], f"scripted:{letter}") for letter in "AB"]
    asyncio.run(Fallback(teachers).aclose())
    assert closed == ["scripted:A", "scripted:B"]
