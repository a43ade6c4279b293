"""What a run cost adds up, over verbs, teachers and methods, and over the rows that were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathmill.report.cost import PICO, Bought, Tokens, bought, cost, paid
from mathmill.report.graph import walk
from mathmill.teachers.money.amount import Amount, Caps
from mathmill.teachers.money.ledger import Account
from mathmill.types import Problem, Sample, make_problem, sample_id

CENT = PICO // 100


def usage(calls: int, cents: int, found: int = 0, unpriced: int = 0) -> dict[str, int]:
    return {"requests": calls, "tokens_in": 100 * calls, "tokens_out": 10 * calls, "found": found,
            "picodollars": cents * CENT, "picodollars_found": cents * CENT * found // (calls or 1),
            "unpriced": unpriced}


def rows(method: str, number: int) -> list[Sample]:
    return [Sample(sample_id(f"{method} {n}", "4"), f"{method} {n}", "4", "4", "4", "s", "s",
                   method) for n in range(number)]


def checked(run: Any) -> str:
    """Two steps of one method in common, both judged by one verify, then decontaminated."""
    seed = run.step("seeds", "seeds", rows=[make_problem("2 + 2?")], record=Problem)
    one = run.step("synthesize", "one", literals={"teacher": "openai:a"}, inputs={"seeds": seed},
                   rows=rows("x", 30) + rows("y", 10),
                   facts={"methods": {"x": usage(60, 30, found=20), "y": usage(20, 10)}})
    two = run.step("synthesize", "two", literals={"teacher": "openai:b"}, inputs={"seeds": seed},
                   rows=rows("x", 10), facts={"methods": {"x": usage(10, 40)}})
    judged = run.step("verify", "judged", literals={"teacher": "openai:a"},
                      inputs={"rows": one, "more": two}, rows=rows("x", 20) + rows("y", 5),
                      facts={"votes": {**usage(150, 25), "asked": 150, "methods": {
                          "x": usage(120, 20), "y": usage(30, 5)}}})
    rated = run.step("select", "rated", literals={"teacher": "openai:b"}, inputs={"rows": judged},
                     rows=rows("x", 8), facts={"rating": usage(25, 3)})
    return str(run.step("decontaminate", "clean", inputs={"rows": rated}, rows=rows("x", 4)))


def test_an_accepted_row_bears_all_attempts_and_all_votes_of_its_method(run: Any) -> None:
    spent = cost(walk(run.bench(data=checked(run))))
    assert [(a.method, a.check, a.rows) for a in spent.per_row] == [("x", "clean", 4),
                                                                    ("y", "clean", 0)]
    x, y = spent.per_row
    assert (x.made.pico, x.voted.pico, x.all.pico_found) == (70 * CENT, 20 * CENT, 10 * CENT)
    assert x.all.money(x.rows) == "$0.225"  # 90 cents over 4 rows
    assert (x.all.calls, x.all.tokens.all) == (190, 190 * 110)
    assert y.all.money(y.rows) == "–"


def test_replies_are_told_by_verb_and_by_teacher(run: Any) -> None:
    spent = cost(walk(run.bench(data=checked(run))))
    assert {s.verb: s.bought.pico // CENT for s in spent.by_verb if s.bought.calls} == {
        "synthesize": 80, "verify": 25, "select": 3}
    assert {name: b.pico // CENT for name, b in spent.by_teacher.items()} == {
        "openai:a": 65, "openai:b": 43}
    assert spent.money == "$1.08"
    assert spent.bought.found == 20


def test_rows_that_no_check_looked_at_are_accepted_by_the_step_that_made_them(run: Any) -> None:
    seed = run.step("seeds", "seeds", rows=[make_problem("2 + 2?")], record=Problem)
    made = run.step("synthesize", "made", inputs={"seeds": seed}, rows=rows("x", 5),
                    facts={"methods": {"x": usage(10, 10)}})
    only, = cost(walk(run.bench(data=made))).per_row
    assert (only.check, only.rows, only.all.money(only.rows)) == ("made", 5, "$0.02")


def test_one_reply_without_a_price_leaves_the_sum_unknown() -> None:
    known, unknown = bought(usage(5, 10)), bought(usage(5, 0, unpriced=1))
    assert known.money() == "$0.10"
    assert (known + unknown).money() == "no price known"
    assert bought({"tokens_in": 5, "tokens_out": 1}).money() == "no price known", "older runs"
    assert bought({"rows_in": 5}) == Bought()


def test_what_was_paid_is_read_from_the_account_with_what_the_dead_held(tmp_path: Path) -> None:
    assert paid(tmp_path) == []
    worst, bill = Amount(5 * CENT, 1, 500, 100), Amount(2 * CENT, 1, 50, 10)
    for _ in range(2):
        account = Account(tmp_path / "spent.jsonl", "openai:x")
        for assumed in (False, True):
            account.hold(worst, Caps())
            account.settle(worst, worst if assumed else bill, assumed)
        account.hold(worst, Caps())
        account.close()
    only, = paid(tmp_path)
    assert (only.invocations, only.calls, only.pico) == (2, 6, 24 * CENT)
    assert (only.assumed, only.pico_assumed) == (4, 20 * CENT)
    assert only.tokens == Tokens(2 * 1050, 2 * 210)
