"""The report on choosing among samples: pooled over seeds, plotted, and said in plain words."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from mathmill.candidates import Choice
from mathmill.errors import StepFailed
from mathmill.evaluate.samples import over_problems
from mathmill.evaluate.stats import mean_interval, sign_flip
from mathmill.identity import draw
from mathmill.io import read_json
from mathmill.report.choices import figure
from mathmill.report.run import run as write_report
from mathmill.report.statistics import Statistics
from mathmill.workbench import Workbench

from .conftest import TOOLS, Run

MORE = {**TOOLS, "over_problems": over_problems, "mean_interval": mean_interval,
        "sign_flip": sign_flip}
SIZES = (1, 4, 16)


def measured(run: Run, seed: int, *, lift: float = 0.3, pairs: float = 0.8, area: float = 0.85,
             problems: int = 50, models: tuple[str, ...] = ("small", "large")) -> str:
    """Write a `choose` step whose verifier lifts accuracy by so much at the most samples."""
    rows, tables = [], []
    for model in models:
        for number in range(problems):
            dice = draw("problem", model, number, seed).random()
            item = f"q{number}"
            rows.append(Choice(model, "symbolic", item, "greedy", "", 1, float(dice < .45), True))
            for place, n in enumerate(SIZES):
                ways = {("random", ""): .4, ("majority", ""): .42 + .05 * place,
                        ("oracle", ""): .45 + .2 * place}
                for verifier in models:
                    ways |= {("best", verifier): .4 + lift * place / 2,
                             ("weighted", verifier): .41 + lift * place / 2}
                ways["best", "log-probability"] = .41
                rows += [Choice(model, "symbolic", item, way, verifier, n, float(dice < share),
                                True) for (way, verifier), share in ways.items()]
            for verifier in (*models, "log-probability"):
                rows += [Choice(model, "symbolic", item, way, verifier, 16,
                                min(1.0, max(0.0, pairs + (dice - .5) / 5)), True)
                         for way in ("pairs", "pairs that gave an answer", "pairs of samples")]
        tables.append({
            "model": model, "suite": "symbolic", "problems": problems, "samples": 16,
            "curve": [], "paired": [], "cut_off": 3, "tokens": 31.0,
            "auc": {v: {"value": area, "low": area - .02, "high": area + .02}
                    for v in (*models, "log-probability")},
            "kinds": {"value": 1800, "error <b>NameError": 100, "timeout": 20},
            "verdicts": {"correct": 900, "wrong": 1020}, "temperatures": {"0.7": 1920}})
    pool = run.step("sample", f"pool, seed {seed}", facts={
        "samples": 1920, "seconds_per_1000": {"generation": 10.0, "execution": 2.0,
                                              "grading": 0.25},
        "measured": [{"model": "small", "suite": "symbolic", "problems": 50,
                      "pass": [{"k": 1, "value": 0.41, "low": 0.36, "high": 0.46}],
                      "by_temperature": {"0.5": {"accuracy": 0.4321}}}]})
    return run.step("choose", f"choose, seed {seed}", inputs={"pool": pool}, rows=rows,
                    record=Choice, facts={"measured": tables, "scoring": {
                        "small": {"programs": 700, "candidates": 1920, "seconds": 2.0,
                                  "seconds_per_1000": 2.86}}})


def page_of(run: Run, **settings: Any) -> tuple[str, Workbench]:
    steps = [measured(run, seed, **settings) for seed in range(3)]
    bench = Workbench(run.home / "steps" / "report", home=run.home, tools=MORE, inputs={
        f"choice.{seed}": run.folder(step) for seed, step in enumerate(steps)})
    write_report(bench, title="TinyGSM", choices={f"choice.{seed}": seed for seed in range(3)})
    bench.close()
    return (bench.out / "report.html").read_text(encoding="utf-8"), bench


def plain(page: str) -> str:
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return " ".join(text.replace("\u00a0", " ").split())


def test_the_page_tells_what_choosing_came_to_and_escapes_what_programs_said(run: Run) -> None:
    page, bench = page_of(run)
    text = plain(page)
    assert str(bench.facts["headline"]).startswith("The best of 16 samples by a verifier solves")
    assert "Best of 16 by small against majority" in text
    assert "intervals that do not overlap" in text
    assert "That is above 70%, with its whole interval" in text
    assert "paired permutation test over problems, p < 0.001" in text
    assert "12.25" in text  # seconds for 1,000 samples
    assert "0.5: 43.2 %" in text
    assert "2.86" in text  # and for 1,000 scores
    assert "<b>NameError" not in page
    assert "Generator by verifier on symbolic" in text
    assert page.count("class=\"plot\"") == 2
    assert page.count("class=\"band\"") == 12  # six ways a generator
    assert "url(" not in page
    assert "read_json" not in page
    assert read_json(bench.out / "tally.json")["facts"]["report"] == "report.html"


def test_a_verifier_that_only_knows_how_hard_a_problem_is_is_called_that(run: Run) -> None:
    text = plain(page_of(run, lift=0.0, pairs=0.53, area=0.8, models=("small",))[0])
    assert "no effect that this run could see" in text or "worse by" in text
    assert "which problems are hard" in text
    assert "That is not above 70%" in text
    assert "Generator by verifier" not in text


def test_a_mean_over_seeds_has_the_wider_of_two_intervals() -> None:
    stats = Statistics(MORE)
    alike = [{f"q{i}": float(i % 2) for i in range(100)}] * 3
    found = figure(alike, stats)
    assert (found.mean, found.seeds) == (0.5, (0.5, 0.5, 0.5))
    assert found.low == pytest.approx(0.4, abs=0.03)  # seeds agree: problems decide
    apart = [{f"q{i}": share for i in range(100)} for share in (0.4, 0.5, 0.6)]
    found = figure(apart, stats)
    assert (found.low, found.high) == pytest.approx((0.2516, 0.7484), abs=1e-3)  # seeds decide


def test_ways_that_never_differ_have_no_interval_on_one_side_of_nothing() -> None:
    found = figure([{f"q{i}": 0.0 for i in range(50)}] * 3, Statistics(MORE), low=-1.0)
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_seeds_that_met_other_problems_are_refused(run: Run) -> None:
    steps = [measured(run, 0, problems=20), measured(run, 1, problems=30)]
    bench = Workbench(run.home / "steps" / "report", home=run.home, tools=MORE, inputs={
        f"choice.{seed}": run.folder(step) for seed, step in enumerate(steps)})
    with pytest.raises(StepFailed, match="same problems"):
        write_report(bench, title="TinyGSM", choices={"choice.0": 0, "choice.1": 1})


def test_a_report_without_choices_says_nothing_of_them(
        whole: tuple[Workbench, dict[str, Any]]) -> None:
    bench, literals = whole
    write_report(bench, **literals)
    page = Path(bench.out / "report.html").read_text(encoding="utf-8")
    assert "Choosing among samples" not in page
    assert "id=\"programs\"" not in page
