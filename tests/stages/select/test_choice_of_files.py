"""Tests of rows of files chosen: any shape in, some of the rows out as they came."""

from __future__ import annotations

import json
import random
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stage_makers import ShuffledTeacher, solve_request

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.pipeline.selection import choose_rows, levels_of, rates_of
from mathmill.stages import any_rows
from mathmill.stages.select import choice_of_files
from mathmill.stages.select.choice_of_files import choose_files
from mathmill.stages.select.wish import Wish
from mathmill.workbench import Workbench

TOPICS = ["apples in a basket", "trains and hours", "area of a field", "prices at a market"]
ROWS = [{"question": f"Question {n} about {TOPICS[0 if n % 20 else n // 20 % 4]}: what is {n}?",
         "tag": [n], "level": f"Level {n % 5 + 1}"} for n in range(160)]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path, rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return str(path)


def chosen(folder, rows, *, teacher=None, **wish):
    folder.mkdir(exist_ok=True)
    given = write(folder / "in.jsonl", rows)
    bench = Workbench(folder / "bench", tools={
        "open_teacher": lambda name, home, terms: teacher, "difficulty_request": solve_request,
        "read_level": lambda text: int(text[-1]) if text[-1].isdigit() else None})
    summary = choose_files([given], folder / "out.jsonl", Wish(**wish), bench)
    return lines(folder / "out.jsonl"), lines(folder / "out.dropped.jsonl"), summary


@pytest.mark.parametrize("how", ["coreset", "random"])
@pytest.mark.parametrize(("wish", "left"), [({"count": 12}, 12), ({"fraction": 0.1}, 16),
                                            ({}, 160)])
def test_as_many_rows_as_asked_are_written_whole_in_their_order(tmp_path, how, wish, left):
    rows, aside, summary = chosen(tmp_path, ROWS, how=how, **wish)
    places = [ROWS.index(row) for row in rows]
    assert len(rows) == left == 160 - len(aside) == summary.kept
    assert places == sorted(places)
    assert {row["reason"] for row in aside} <= {f"not chosen ({how})"}
    assert all(ROWS[row["row"] - 1] == row["fields"] for row in aside)


@pytest.mark.parametrize("how", ["coreset", "random"])
def test_the_choice_rests_on_rows_and_seed_and_not_on_order_or_pieces(tmp_path, how, monkeypatch):
    mixed = random.Random(0).sample(ROWS, len(ROWS))
    sets = []
    for name, rows, seed in (("1", ROWS, 0), ("2", mixed, 0), ("3", ROWS, 1)):
        found, *_ = chosen(tmp_path / name, rows, how=how, count=12, seed=seed)
        sets.append({row["question"] for row in found})
        monkeypatch.setattr(any_rows, "ROWS", 7)
    assert sets[0] == sets[1] != sets[2]


def test_a_smaller_choice_at_random_is_part_of_the_larger(tmp_path):
    small, large = ([row["tag"] for row in chosen(tmp_path, ROWS, how="random", count=k)[0]]
                    for k in (10, 80))
    assert all(tag in large for tag in small)
    sizes = [len(set(map(str, small)) & set(map(str, (row["tag"] for row in chosen(
        tmp_path, ROWS, how="random", count=80, seed=seed)[0])))) for seed in range(1, 5)]
    assert 2 <= sum(sizes) / 4 <= 8, "another seed is another choice, also in its larger half"


def test_a_coreset_covers_better_than_chance(tmp_path):
    for seed in range(3):
        _, _, summary = chosen(tmp_path, ROWS, how="coreset", count=12, seed=seed)
        assert summary.radius[0] < summary.radius[1]
    assert "covering radius" in summary.text()


def test_levels_are_read_in_any_spelling_or_counted_from_steps(tmp_path):
    rows = [{"question": "a", "level": "Level 4"}, {"question": "b", "difficulty": 4},
            {"question": "c", "solution": "x = 1\ny = 2\nz = 3\nw = 4"}, {"question": "d"},
            {"question": "e", "level": "Level ?"}, {"question": "f", "meta": {"hard": "Very"}}]
    found, aside, summary = chosen(tmp_path, rows, how="all", levels=["4"])
    assert [row["question"] for row in found] == ["a", "b", "c"]
    assert [row["reason"] for row in aside] == [
        "level unknown", "level level ?", "level unknown"]
    assert summary.levels == {"4": 3}
    found, *_ = chosen(tmp_path, rows, how="all", levels=["4"], difficulty="given")
    assert [row["question"] for row in found] == ["a", "b"]
    found, *_ = chosen(tmp_path, rows, how="all", levels=["very"], level="meta.hard")
    assert [row["question"] for row in found] == ["f"]


def test_a_teacher_rates_rows_without_a_level(tmp_path):
    teacher = ShuffledTeacher(lambda r: "Level: 5" if "b" in r.messages[0].content else "No idea")
    rows = [{"question": "a", "level": 5}, {"question": "b"}, {"question": "c"}]
    found, *_ = chosen(tmp_path, rows, teacher=teacher, how="all", levels=["5"],
                       difficulty="teacher")
    assert [row["question"] for row in found] == ["a", "b"]
    assert len(teacher.asked) == 2


def test_rows_stay_by_the_pass_rate_of_a_student(tmp_path):
    rows = [{"question": str(n), "pass_rate": rate} for n, rate in enumerate((0.0, 0.25, 1, None))]
    found, aside, _ = chosen(tmp_path, rows, how="all", rates=(0.1, 0.7))
    assert [row["question"] for row in found] == ["1"]
    assert {row["reason"] for row in aside} == {"pass rate"}


def test_repeats_and_rows_without_a_text_are_treated_as_asked(tmp_path):
    rows = [{"question": "What is 5?"}, {"question": "what is 5"}, {"zzz": 1}, {"zzz": 1},
            "not json", {"zzz": 2}]
    found, aside, summary = chosen(tmp_path, rows, how="all")
    assert found == [rows[0], rows[2], rows[5]]
    aside.sort(key=lambda row: row["row"])
    assert [(row["row"], row["reason"]) for row in aside] == [
        (2, "near duplicate"), (4, "near duplicate"), (5, "could not be compared")]
    assert aside[1]["detail"].endswith("in.jsonl:3")
    assert (summary.rows, summary.kept, summary.unreadable) == (6, 3, 1)
    assert len(chosen(tmp_path, rows, how="random", repeats=True)[0]) == 5
    found, aside, _ = chosen(tmp_path, rows, how="coreset")
    assert found == [rows[0]]
    assert sum("no text is known" in row["detail"] for row in aside) == 3


def test_tables_stay_tables(tmp_path):
    table = pa.table({"text": [f"Text {n} of a table" for n in range(9)],
                      "n": pa.array(range(9), pa.int8())})
    pq.write_table(table, tmp_path / "rows.parquet")
    choose_rows([str(tmp_path / "rows.parquet")], tmp_path / "out.parquet", how="random", count=4)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field("n").type == pa.int8()
    assert found.num_rows == 4


def test_what_a_table_holds_and_json_has_not_is_written_as_text(tmp_path):
    table = pa.table({"text": ["Three of them", "Four of them"], "b": [b"\xffa", b"b"],
                      "d": [Decimal("1.50")] * 2, "t": [datetime(2020, 1, 2)] * 2})
    pq.write_table(table, tmp_path / "rows.parquet")
    choose_rows([str(tmp_path / "rows.parquet")], tmp_path / "out.jsonl", how="random", count=1)
    rows = lines(tmp_path / "out.jsonl") + [
        row["fields"] for row in lines(tmp_path / "out.dropped.jsonl")]
    assert {(row["b"], row["d"], row["t"]) for row in rows} == {
        ("\\xffa", "1.50", "2020-01-02 00:00:00"), ("b", "1.50", "2020-01-02 00:00:00")}


@pytest.mark.parametrize("wish", [
    {"how": "best"}, {"count": 0}, {"fraction": 1.5}, {"fraction": 0.5, "count": 3},
    {"how": "all", "count": 3}, {"difficulty": "guess"}, {"rates": "0.7-0.1"}, {"rates": "half"},
    {"levels": " , "}, {"difficulty": "teacher", "levels": "4"},
    {"difficulty": "teacher", "teacher": "symbolic:"}, {"teacher": "symbolic:"}])
def test_what_cannot_be_right_is_refused(tmp_path, wish):
    with pytest.raises(UsageError):
        choose_rows([write(tmp_path / "a.jsonl", ROWS)], tmp_path / "out.jsonl", **wish)
    assert not (tmp_path / "out.jsonl").exists()


def test_words_for_levels_and_rates():
    with pytest.raises(UsageError, match="--levels 5-3: give the lower one first"):
        levels_of("1,5-3")
    assert levels_of("3-5, Hard,4") == ["3", "4", "5", "hard"]
    assert rates_of("0.1-.7") == (0.1, 0.7)


def test_too_few_rows_are_one_line_with_the_causes(tmp_path):
    with pytest.raises(StepFailed, match=r"161 rows, but 160 of 160 can be chosen; give more"):
        chosen(tmp_path, ROWS, how="random", count=161)
    with pytest.raises(StepFailed, match=r"none of 160 rows \(160 of another level"):
        chosen(tmp_path, ROWS, how="all", levels=["7"])
    with pytest.raises(StepFailed, match="none of 0 rows"):
        chosen(tmp_path, [], how="all")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_that_changes_meanwhile_is_told(tmp_path, monkeypatch):
    given, choose = write(tmp_path / "a.jsonl", ROWS), choice_of_files._choose

    def late(*words):
        choose(*words)
        write(tmp_path / "a.jsonl", ROWS[:-1])

    monkeypatch.setattr(choice_of_files, "_choose", late)
    with pytest.raises(InputError, match="one of the files changed"):
        choose_rows([given], tmp_path / "out.jsonl", how="random", count=5)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_field_that_no_row_has_is_told(tmp_path):
    for wish, message in (({"name": "txt"}, "--field txt: none of 160 rows has a text"),
                          ({"level": "lvl", "levels": ["4"]}, "--level lvl: none of 160 rows has a "
                                                              "level")):
        with pytest.raises(UsageError, match=message):
            chosen(tmp_path, ROWS, how="random", **wish)
    assert len(chosen(tmp_path, [*ROWS, {"question": "Other?", "lvl": 4}], how="all", level="lvl",
                      levels=["4"])[0]) == 1
    assert chosen(tmp_path, [{"zzz": 1}], how="all")[0] == [{"zzz": 1}]


def test_levels_of_another_scale_and_of_broken_letters_are_themselves(tmp_path):
    rows = [{"question": f"What is {n}?", "difficulty": level}
            for n, level in enumerate([4, 14, 8.5, "Level 4", "HARD ", "\ud800", 0.4])]
    kept, _, summary = chosen(tmp_path, rows, how="all", levels=levels_of("Level 4, hard,8.5,?"))
    assert [row["difficulty"] for row in kept] == [4, 8.5, "Level 4", "HARD ", "\ud800"]
    assert "?: 1" in summary.text().encode().decode()


@pytest.mark.parametrize(("wish", "number"), [
    ({"fraction": 0.07}, 7), ({"fraction": 0.55}, 55), ({"fraction": 0.001}, 1), ({}, 100),
    ({"fraction": 1e-9}, 1), ({"count": 3}, 3)])
def test_a_share_is_taken_as_it_is_written(wish, number):
    assert Wish(**wish).number(100) == number
