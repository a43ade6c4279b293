"""The page as a whole: what it says, that it stands alone, and that nothing hostile runs."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from mathmill.errors import StepFailed
from mathmill.io import read_rows
from mathmill.report.run import run as report
from mathmill.report.studies import in_words
from mathmill.types import Sample, Score
from mathmill.workbench import Workbench

VOID = {"meta", "img", "br", "link"}


class Reader(HTMLParser):
    """Collects elements, attributes and text, and checks that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data.replace("\u00a0", " ")


def read(bench: Workbench) -> Reader:
    reader = Reader()
    reader.feed((bench.out / "report.html").read_text(encoding="utf-8"))
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def made(finished: tuple[Workbench, dict[str, Any]],
         tmp_path_factory: pytest.TempPathFactory) -> tuple[Workbench, Reader]:
    """The page of a finished run, for all who only read it."""
    given, literals = finished
    bench = Workbench(tmp_path_factory.mktemp("page"), inputs=given.inputs, tools=given.tools,
                      home=given.home)
    report(bench, **copy.deepcopy(literals))
    bench.close()
    return bench, read(bench)


def test_the_page_stands_alone_and_runs_nothing(made: tuple[Workbench, Reader]) -> None:
    _, page = made
    assert not page.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert not [k for k, _ in page.attributes if k.startswith("on") or k == "src"]
    links = [v for k, v in page.attributes if k in ("href", "xlink:href")]
    assert links
    assert all(link and link.startswith("#") for link in links)
    assert '<script>document.title="owned"</script>' in page.text  # shown, not run


def test_the_headline_says_what_the_curve_showed(made: tuple[Workbench, Reader]) -> None:
    bench, page = made
    headline = bench.facts["headline"].replace("\u00a0", " ")
    assert re.fullmatch(r"More data helped: accuracy rose from [\d.]+ % at 250 rows to [\d.]+ % "
                        r"at 8,000 rows|More data helped: .* at 8,000", headline)
    assert "no effect that this run could see" in page.text


def test_near_zero_is_said_plainly(made: tuple[Workbench, Reader]) -> None:
    assert re.search(r"base is near zero: 0\.\d % ?\[0\.\d, \d\.\d\], n = 1,000", made[1].text)


def test_every_part_of_the_run_is_there(made: tuple[Workbench, Reader]) -> None:
    text = made[1].text
    for words in ("190 in, 160 kept, 30 dropped", "majority disagrees 32",
                  "Known for 150 rows, unknown for 10",
                  "no share of the rows it called wrong", "gsm8k/train.jsonl:", "metamath/fobar@1",
                  "16,000, predicted", '"teacher": "symbolic:error_rate=0.3"', "no price known",
                  "e8000s0 against base: better by"):
        assert words in text, words
    for rate in (r"98\.2 %\[[\d., ]+\] of the rows it kept are right \(precision\), n = 112",
                 r"94\.8 %\[[\d., ]+\] of the right rows were kept \(recall\), n = 116"):
        assert re.search(rate, text), rate
    assert "<mfrac>" in (made[0].out / "report.html").read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_page(whole: tuple[Workbench, dict[str, Any]]) -> None:
    bench, literals = whole
    report(bench, **literals)
    first = (bench.out / "report.html").read_bytes()
    report(bench, **literals)
    assert (bench.out / "report.html").read_bytes() == first


def test_figures_and_cards_lie_beside_the_page(made: tuple[Workbench, Reader]) -> None:
    out = made[0].out
    assert set(json.loads((out / "scaling.json").read_text())) == {"fixed epochs", "fixed steps"}
    data = (out / "dataset_card.md").read_text(encoding="utf-8")
    assert "128 questions" in data
    assert "| metamath.fobar | 32 |" in data.replace("\\", "")
    assert "e8000s0" in (out / "model_card.md").read_text(encoding="utf-8")


def test_a_curve_with_a_hole_is_refused(whole: tuple[Workbench, dict[str, Any]]) -> None:
    bench, literals = whole
    del literals["curves"]["fixed epochs"][3]
    with pytest.raises(StepFailed, match="lacks 2000 rows with seed 0"):
        report(bench, **literals)


def test_a_score_that_is_no_input_is_refused(whole: tuple[Workbench, dict[str, Any]]) -> None:
    bench, literals = whole
    literals["arms"][0]["score"] = "score.nowhere"
    with pytest.raises(StepFailed, match=r"score\.nowhere"):
        report(bench, **literals)


def test_a_study_without_a_control_is_refused(whole: tuple[Workbench, dict[str, Any]]) -> None:
    bench, literals = whole
    for arm in literals["arms"]:
        arm.pop("control")
    with pytest.raises(StepFailed, match="0 controls"):
        report(bench, **literals)


def test_a_run_without_curves_or_data_is_reported_too(run: Any) -> None:
    rows = [Score(f"i{i}", "gsm8k", "q", "1", "r", None, "wrong", "wrong", "length", 9)
            for i in range(1319)]
    step = run.step("evaluate", "gsm8k", rows=rows, record=Score)
    bench = run.bench(score__gsm8k=step)
    report(bench, title="Real rows", curves={}, arms=[])
    text = read(bench).text
    assert "gsm8k is near zero: 0.0 % [0.0, 0.3], n = 1,319" in text
    assert "More than half of the answers of gsm8k were cut off" in text


def test_two_suites_are_never_one_share(run: Any) -> None:
    rows = [Score(f"{suite}{i}", suite, "q", "1", "r", "1", grade, grade, "stop", 9)
            for suite, grade in (("world", "correct"), ("gsm8k", "wrong")) for i in range(1000)]
    step = run.step("evaluate", "final", rows=rows, record=Score)
    other = run.step("evaluate", "base", rows=[
        replace(row, strict="wrong", tolerant="wrong") for row in rows], record=Score)
    bench = run.bench(score__final=step, score__base=other)
    report(bench, title="Two suites", main="score.final")
    text = read(bench).text
    assert "final solves on world 100.0 %" in text
    assert "on gsm8k near zero, 0.0 %" in text
    assert "final on gsm8k is near zero" in text
    assert "final against base on world: better by 100.0 points" in text
    assert "50.0 %" not in text
    with pytest.raises(StepFailed, match="say which suite"):
        report(bench, title="Two suites", curves={"fixed epochs": [
            {"rows": 250, "seed": 0, "score": "score.final"}]})


def test_all_rows_that_were_trained_on_are_counted(
        whole: tuple[Workbench, dict[str, Any]], run: Any) -> None:
    easy = whole[0].inputs["data"]
    rows = list(read_rows(easy / "rows.parquet", Sample))
    bench = run.bench(data__hard=run.step("decontaminate", "hard", rows=rows[:40]))
    bench.inputs, bench.home = {**bench.inputs, "data.easy": easy}, whole[0].home
    report(bench, title="Two parts")
    assert f"{len(rows) + 40} rows of training data; no model was scored" in read(bench).text


def test_a_synthesis_that_fell_short_says_so(run: Any) -> None:
    made = run.step("synthesize", "drafts", facts={
        "asked": 1000, "accepted": 412, "ended": "attempt budget spent"}, rows=[])
    bench = run.bench(data=made)
    report(bench, title="Short")
    assert "Short of what was asked: 412 of 1,000 rows (attempt budget spent)" in read(bench).text


def test_an_evaluation_without_items_is_refused(run: Any) -> None:
    bench = run.bench(score__none=run.step("evaluate", "none", rows=[], record=Score))
    with pytest.raises(StepFailed, match="holds no items"):
        report(bench, title="Nothing")


def test_differences_are_put_in_words() -> None:
    assert in_words(0.004, -0.012, 0.02).startswith("no effect that this run could see (+0.4")
    assert in_words(0.05, 0.01, 0.09).startswith("better by 5.0 points")
    assert in_words(-0.05, -0.09, -0.01).startswith("worse by 5.0 points")
