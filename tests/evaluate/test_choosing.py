"""Choosing among samples: every way on one pool, against what can be told by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.candidates import Candidate, Choice, candidate_id
from mathmill.errors import StepFailed, UsageError
from mathmill.evaluate.choosing import run
from mathmill.evaluate.ranking import pair_accuracy, pooled_auc
from mathmill.io import read_rows, write_rows
from mathmill.types import CORRECT, WRONG
from mathmill.workbench import Workbench


def candidate(item: str, place: int, answer: str | None, gold: str = "7", *,
              temperature: float = 0.7, response: str = "", model: str = "m",
              logprob: float | None = None) -> Candidate:
    text = response or f"result = {answer}  # {place}"
    return Candidate(
        id=candidate_id(item, "symbolic", model, temperature, place, text), item=item,
        suite="symbolic", question=f"{item}?", gold=gold, response=text, program="",
        answer=answer, kind="error" if answer is None else "value",
        error="NameError" if answer is None else "",
        verdict=CORRECT if answer in (gold, f"{gold}.0") else WRONG, model=model,
        temperature=temperature, sample=place, tokens=5, finish="stop", logprob=logprob)


def chosen(folder: Path, rows: Sequence[Candidate], says: dict[str, float] | None = None,
           **more: Any) -> tuple[Workbench, dict[tuple[str, str, int, str], float]]:
    """Run `choose`; return its bench and its values by (way, verifier, n, item)."""
    write_rows(folder / "pool" / "rows.parquet", rows, Candidate)
    asked: list[int] = []

    def scores(where: Path, candidates: list[Candidate]) -> list[float]:
        assert where == folder / "v"
        asked.append(len(candidates))
        return [(says or {})[row.response] for row in candidates]

    given_ = {"verifier.v": folder / "v"} if says is not None else {}
    bench = Workbench(folder / "choose", inputs={"pool": folder / "pool", **given_},
                      tools={"scores": scores})
    run(bench, verifiers=["v"] if says is not None else [], **more)
    bench.facts["asked"] = asked
    found = {(row.way, row.verifier, row.n, row.item): row.value
             for row in read_rows(bench.out / "rows.parquet", Choice)}
    return bench, found


def test_every_way_is_what_it_says_on_a_pool_that_can_be_counted_by_hand(tmp_path: Path) -> None:
    answers = ["7", "7.0", "8", "9"]  # 7 and 7.0 are one answer: by string nothing would lead
    rows = [candidate("q", i, answer) for i, answer in enumerate(answers)]
    rows.append(candidate("q", 0, "8", temperature=0.0))
    says = {rows[0].response: 0.3, rows[1].response: 0.2, rows[2].response: 0.6,
            rows[3].response: 0.1}
    _, found = chosen(tmp_path, rows, says, sizes=[1, 2, 4])
    assert found["greedy", "", 1, "q"] == 0.0
    assert found["random", "", 4, "q"] == found["random", "", 1, "q"] == 0.5
    assert found["majority", "", 4, "q"] == 1.0
    assert found["oracle", "", 2, "q"] == pytest.approx(5 / 6)
    assert found["best", "v", 4, "q"] == 0.0  # 8 has the highest score
    assert found["best", "v", 2, "q"] == pytest.approx(0.5)  # not with 8; {7, 7.0} and each with 9
    assert found["weighted", "v", 4, "q"] == 0.0  # 0.3 + 0.2 < 0.6
    assert found["pairs", "v", 4, "q"] == 0.5  # both beat 9, neither beats 8


def test_a_program_without_an_answer_is_chosen_only_where_none_has_one(tmp_path: Path) -> None:
    rows = [candidate("q", 0, None), candidate("q", 1, "7"), candidate("q", 2, None)]
    says = {row.response: score for row, score in zip(rows, (0.9, 0.1, 0.8), strict=True)}
    _, found = chosen(tmp_path, rows, says, sizes=[1, 3])
    assert found["best", "v", 3, "q"] == found["random", "", 3, "q"] == 1.0
    assert found["random", "", 1, "q"] == pytest.approx(1 / 3)
    assert found["pairs", "v", 3, "q"] == 0.0  # pairs are of all programs
    assert ("pairs that gave an answer", "v", 1, "q") not in found  # of one there is none


def test_a_program_that_occurs_twice_is_scored_once_and_makes_one_pair(tmp_path: Path) -> None:
    rows = [candidate("q", 0, "7", response="same"), candidate("q", 1, "7", response="same"),
            candidate("q", 2, "8", response="other"), candidate("p", 0, "7", response="same"),
            candidate("p", 1, "8", response="x"), candidate("p", 2, "8", response="x")]
    bench, found = chosen(tmp_path, rows, {"same": 0.9, "other": 0.4, "x": 0.95}, sizes=[1, 3])
    assert bench.facts["asked"] == [4]
    assert bench.facts["scoring"]["v"]["programs"] == 4
    assert found["pairs", "v", 2, "q"] == 1.0
    assert found["pairs of samples", "v", 3, "p"] == 0.0


def test_scores_of_a_killed_attempt_are_read_back(tmp_path: Path) -> None:
    rows = [candidate("q", i, a) for i, a in enumerate(["7", "8"])]
    says = {row.response: 0.5 for row in rows}
    assert chosen(tmp_path, rows, says)[0].facts["asked"] == [2]
    again, found = chosen(tmp_path, rows, says)
    assert again.facts["asked"] == []
    assert found["best", "v", 2, "q"] == 0.5


def test_generators_are_measured_apart_and_their_log_probability_stands_as_a_verifier(
        tmp_path: Path) -> None:
    rows = [candidate("q", i, answer, model=model, logprob=-float(i + 1))
            for model in ("small", "large") for i, answer in enumerate(["7", "8", "9"])]
    bench, found = chosen(tmp_path, rows, sizes=[1, 2, 48])
    tables = {table["model"]: table for table in bench.facts["measured"]}
    assert set(tables) == {"small", "large"}
    assert found["best", "log-probability", 2, "q"] == pytest.approx(2 / 3)
    assert not any(way == "weighted" for way, *_ in found)
    assert max(n for way, _, n, _ in found if way == "best") == 2  # 48 of 3 cannot be drawn
    assert tables["small"]["kinds"] == {"value": 3}
    assert tables["small"]["auc"]["log-probability"]["value"] == 1.0


def test_differences_are_paired_problem_by_problem(tmp_path: Path) -> None:
    rows = [candidate(f"q{k}", i, answer) for k in range(30)
            for i, answer in enumerate(["7", "8", "8"])]
    says = {row.response: 0.9 if row.answer == "7" else 0.2 for row in rows}
    bench, _ = chosen(tmp_path, rows, says, sizes=[3])
    (table,) = bench.facts["measured"]
    gap = next(g for g in table["paired"] if (g["way"], g["against"]) == ("best", "majority"))
    assert (gap["value"], gap["low"], gap["high"]) == (1.0, 1.0, 1.0)
    figure = next(f for f in table["curve"] if f["way"] == "best")
    assert figure["low"] < 1.0 == figure["high"]  # Wilson's: 30 problems are not all there are
    assert figure["problems"] == 30


def test_what_cannot_be_chosen_from_is_refused(tmp_path: Path) -> None:
    greedy = [candidate("q", 0, "7", temperature=0.0)]
    with pytest.raises(StepFailed, match="no samples"):
        chosen(tmp_path / "a", greedy)
    rows = [candidate("q", 0, "7")]
    with pytest.raises(UsageError, match="probabilities"):
        chosen(tmp_path / "b", rows, {rows[0].response: 3.0})
    with pytest.raises(UsageError, match="at least 1"):
        chosen(tmp_path / "c", rows, sizes=[0])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.5, 0.9]), st.booleans()), max_size=12))
def test_pairs_are_those_of_right_and_wrong_with_ties_half(rows: list[tuple[float, bool]]) -> None:
    scores, right = [s for s, _ in rows], [ok for _, ok in rows]
    gaps = [a - b for a, x in rows for b, y in rows if x and not y]
    if gaps:
        expected = sum(1.0 if gap > 0 else 0.5 if gap == 0 else 0.0 for gap in gaps) / len(gaps)
        assert pair_accuracy(scores, right) == pytest.approx(expected)
        # One problem: the pooled area is the share of its pairs.
        area = pooled_auc(scores, right, [0] * len(rows))
        assert area is not None
        assert area.value == pytest.approx(expected)
    else:
        assert pair_accuracy(scores, right) is None
        assert not rows or pooled_auc(scores, right, [0] * len(rows)) is None


def test_a_score_that_tells_problems_apart_has_a_good_area_and_chance_within() -> None:
    """What the prototype's verifier did: it had learned how hard a problem is."""
    scores, right, owner = [], [], []
    for problem in range(40):
        easy = problem % 2
        for sample in range(8):
            scores.append(0.9 if easy else 0.1)
            right.append(sample < (6 if easy else 2))
            owner.append(problem)
    area = pooled_auc(scores, right, owner)
    assert area is not None
    assert area.low > 0.7
    assert pair_accuracy(scores[:8], right[:8]) == 0.5
