"""Tests of the stage `texts` as a whole."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter

import pytest
from text_makers import jsonl, run, sentence

from mathmill import pipeline
from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.texts import KINDS, text_id


def many(path, start, count, **more):
    return str(jsonl(path, [{"text": sentence(n), **more} for n in range(start, start + count)]))


def test_weights_hold_to_the_row_and_the_facts_say_what_came_of_it(tmp_path):
    one, two = many(tmp_path / "a.jsonl", 0, 40), many(tmp_path / "b.jsonl", 100, 400)
    rows, drops, tally = run(tmp_path, {one: 1, two: {"weight": 3, "kind": "web",
                                                      "licence": "CC0-1.0"}}, count=100)
    assert Counter(row.source.partition(":")[0].rpartition("/")[2] for row in rows) == {
        "a.jsonl": 25, "b.jsonl": 75}
    facts = tally["facts"]
    assert not drops
    assert facts["rows_in"] == 100
    assert facts["kinds"] == {"web": 75, "other": 25}
    assert facts["licences"] == {"CC0-1.0": 75, "not told": 25}
    assert [(each["texts"], each["left_over"]) for each in facts["sources"]] == [(25, 15),
                                                                                 (75, 325)]
    assert not list((tmp_path / "out").glob("read-*")), "what was laid aside is gone"


def test_weights_that_cannot_be_met_are_one_line_with_the_most_that_can(tmp_path):
    one, two = many(tmp_path / "a.jsonl", 0, 10), many(tmp_path / "b.jsonl", 100, 400)
    with pytest.raises(StepFailed, match=r"has 10 texts, and 25 of 100 .* ask for 40 or"):
        run(tmp_path, {one: 1, two: 3}, count=100)
    assert not list((tmp_path / "out").glob("read-*"))
    assert len(run(tmp_path, {one: 1, two: 3})[0]) == 40
    assert len(run(tmp_path, [one, two])[0]) == 410


def test_the_same_document_in_two_sources_stays_once(tmp_path):
    one = many(tmp_path / "a.jsonl", 0, 5)
    two = str(jsonl(tmp_path / "b.jsonl", [
        {"content": "  " + sentence(3).upper().replace(",", " ,")}, {"content": sentence(50)}]))
    rows, drops, tally = run(tmp_path, [one, two])
    assert len(rows) == 6
    assert tally["dropped"] == {"duplicate": 1}
    folder = tmp_path.name
    assert drops[0].detail == f"{folder}/b.jsonl:1 repeats {folder}/a.jsonl:4"
    assert tally["facts"]["sources"][1]["dropped"] == {"duplicate": 1}


def test_a_source_that_only_repeats_another_is_refused(tmp_path):
    one, two = many(tmp_path / "a.jsonl", 0, 5), many(tmp_path / "b.jsonl", 0, 3)
    with pytest.raises(StepFailed, match=r"b\.jsonl: each of its texts repeats one of an earlier"):
        run(tmp_path, {one: 1, two: 1})


def test_what_is_left_out_has_a_reason_and_its_place(tmp_path):
    path = str(jsonl(tmp_path / "a.jsonl", [
        {"text": sentence(1), "license": "CC BY 4.0"}, {"text": sentence(2)},
        {"text": sentence(3), "license": "proprietary"}, {"text": "Short.", "license": "CC BY 4.0"},
        {"text": "\x00\x01\x02" * 99, "license": "CC BY 4.0"},
        {"text": "Die Summe der Winkel und der Seiten ist nicht von der Form des Dreiecks "
                 "abhängig, und das ist auch der Satz.", "license": "CC BY 4.0"},
        {"id": 7}, {"text": sentence(1) + " ", "license": "cc-by-4.0"}]))
    rows, drops, tally = run(tmp_path, path, licences=["CC-BY-4.0"])
    assert [row.licence for row in rows] == ["CC BY 4.0"]
    assert tally["dropped"] == {
        "no licence": 1, "licence not allowed": 1, "too short": 1, "binary": 1,
        "another language": 1, "no text": 1, "duplicate": 1}
    assert all("a.jsonl:" in drop.detail for drop in drops)
    assert all(json.loads(drop.row)["text"] for drop in drops if drop.row)
    assert len({drop.id for drop in drops if drop.reason != "duplicate"}) == 6


def test_pieces_of_a_document_know_their_whole(tmp_path):
    (tmp_path / "b.md").write_text(f"# Bread\n## One\n{sentence(1)}\n## Two\n{sentence(2)}")
    (tmp_path / "c.txt").write_text(sentence(3))
    rows, _, _ = run(tmp_path, [str(tmp_path / "b.md"), str(tmp_path / "c.txt")])
    first, second = (row for row in rows if row.kind == "book")
    assert first.whole == second.whole != first.id
    page = next(row for row in rows if row.kind == "other")
    assert page.whole == page.id == text_id(page.text)


@pytest.mark.slow
def test_a_row_of_fifty_megabytes_is_cut_in_little_memory(tmp_path):
    row = json.dumps({"text": sentence(1) + " " + "word " * 10_000_000})
    assert len(row) > 50_000_000
    (tmp_path / "a.jsonl").write_text(row + "\n" + json.dumps({"text": sentence(2)}) + "\n")
    del row
    tracemalloc.start()
    rows, drops, _ = run(tmp_path, str(tmp_path / "a.jsonl"))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {len(text.text) for text in rows} == {1_000, len(sentence(2))}
    assert not drops
    assert most < 250e6, "the line, its text, and what parsing needs"


def test_a_limit_stops_reading(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [{"text": sentence(n)} for n in range(20)] + ["{broken"])
    rows, drops, _ = run(tmp_path, {str(path): {"limit": 5}})
    assert len(rows) == 5
    assert not drops


def test_which_texts_are_taken_is_a_draw_of_the_seed(tmp_path):
    path = many(tmp_path / "a.jsonl", 0, 200)
    first, again, other = ([row.id for row in run(tmp_path, path, count=20, seed=seed)[0]]
                           for seed in (0, 0, 1))
    assert first == again
    assert set(first) != set(other)


def test_texts_of_the_symbolic_world_are_a_source(tmp_path):
    rows, drops, tally = run(tmp_path, {"shipped:": 1, "symbolic:count=600,seed=3": 3})
    kinds = tally["facts"]["kinds"]
    assert set(kinds) == set(KINDS) - {"other"}
    ours = sum(not row.source.startswith("symbolic") for row in rows)
    assert len(rows) == ours * 4
    assert not drops


@pytest.mark.parametrize(("sources", "words"), [
    ("symbolic:count=x", "cannot read 'count=x'"), ("symbolic:", "say how many"),
    ("symbolic:levels=1", "cannot read 'levels=1'"), ([], "name one"), ({}, "name one"),
    (["shipped:", "shipped:"], "listed twice"), ({"shipped:": 0}, "weight 0"),
    ({"shipped:": "3"}, "weight '3'"), ({"shipped:": {"kind": "blog"}}, "kind 'blog'"),
    ({"shipped:": {"wieght": 3}}, "option 'wieght', which there is not"),
    ({"shipped:": {"fields": {"body": "text"}}}, "map text, or question"),
    ({"shipped:": {"limit": 0}}, "limit 0"), ({"shipped:": {"limit": "3"}}, "limit '3'"),
    ("shipped:poem", "no kind 'poem'"),
    ({"shipped:": 1, "symbolic:count=5": None}, "has no weight")])
def test_sources_that_cannot_be_right_are_refused_when_the_recipe_is_read(sources, words):
    with pytest.raises(UsageError, match=words):
        pipeline.texts(sources)


@pytest.mark.parametrize(("settings", "words"), [
    ({"cut": "poem"}, "cut='poem'"), ({"count": 0}, "count=0"), ({"lenght": 3}, "no setting"),
    ({"shortest": 0}, "shortest=0"), ({"licences": "MIT"}, "give a list")])
def test_settings_that_cannot_be_right_are_refused_when_the_recipe_is_read(settings, words):
    with pytest.raises(UsageError, match=words):
        pipeline.texts("shipped:", **settings)


def test_a_path_that_is_not_there_is_refused_when_the_recipe_is_read(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        pipeline.texts(str(tmp_path / "nowhere"))


def test_a_corpus_that_moves_is_the_same_step_and_one_that_changes_is_not(tmp_path):
    one, two = many(tmp_path / "x/in/a.jsonl", 0, 3), many(tmp_path / "y/in/a.jsonl", 0, 3)
    assert pipeline.texts(one).id == pipeline.texts(two).id
    many(tmp_path / "y/in/a.jsonl", 1, 3)
    assert pipeline.texts(one).id != pipeline.texts(two).id


@pytest.mark.parametrize(("cut", "least"), [("prose", 140), ("tool", 75), ("all", 150)])
def test_our_own_corpus_is_fit_in_every_cut(tmp_path, cut, least):
    rows, _, tally = run(tmp_path, "shipped:", cut=cut, licences=["Apache-2.0"])
    assert len(rows) >= least
    assert tally["facts"]["sources"][0]["documents"] == 75
    assert set(tally["dropped"]) <= {"too short"}
    assert all(row.title for row in rows if row.kind in ("web", "qa", "encyclopedia"))
    assert not any("documentclass" in row.text for row in rows)
