"""What a model cost adds up part by part, beside its teacher's price for the same rows."""

from __future__ import annotations

from typing import Any

import pytest

from mathmill.accounting import (
    API,
    REST,
    SELECTION,
    SYNTHESIS,
    SYNTHESIZER,
    TRAINING,
    Account,
)
from mathmill.dollars import PICO
from mathmill.io import read_json, write_json
from mathmill.report.account import account_of
from mathmill.report.graph import walk
from mathmill.report.run import run as write_report
from mathmill.teachers.money.sheet import Sheet
from mathmill.texts import Text, text_id
from mathmill.types import Problem, Sample, Score, make_problem, sample_id
from mathmill.workbench import Terms

from .conftest import scores

PRICES = """[prices."m@api.example.com"]
input = 2
output = 10
[gpu-hour.h200]
dollars = 8
[core-hour]
dollars = 0.05
"""
TEACHER = "openai:m@https://api.example.com/v1"


def rows(name: str, number: int) -> list[Sample]:
    return [Sample(sample_id(f"{name} {n}", "4"), f"{name} {n}", "4", "4", "4", "s", "s",
                   "from_text.grade") for n in range(number)]


def asked(calls: int, accepted: int, pico: int = 0) -> dict[str, Any]:
    return {"accepted": accepted, "methods": {"from_text.grade": {
        "requests": calls, "tokens_in": 300 * calls, "tokens_out": 100 * calls, "unpriced": 0,
        "attempts": calls, "accepted": accepted, "picodollars": pico}}}


def took(run: Any, step: str, seconds: float, cpu: float, gpus: int = 0) -> str:
    """Write down what a step took of the machine."""
    path = run.folder(step) / "manifest.json"
    write_json(path, read_json(path) | {"seconds": seconds, "machine": {
        "cpu_seconds": cpu, "device": "NVIDIA H200" if gpus else "cpu", "gpus": gpus}})
    return step


def synthesizer_run(run: Any, gpus: int = 0, teacher: str = TEACHER) -> dict[str, str]:
    """Write a run of a synthesizer with a selection, two students of it and one without it."""
    def bill(calls: int) -> int:
        return calls * (300 * 2 + 100 * 10) * 10**6 if teacher == TEACHER else 0

    def step(verb: str, name: str, cpu: float, **more: Any) -> str:
        heavy = gpus if verb in ("train", "value") or "teacher" in more.get("inputs", {}) else 0
        return took(run, run.step(verb, name, **more), 1800, cpu, heavy)

    web = step("texts", "web", 36, rows=[Text(text_id("2 + 2"), "2 + 2")], record=Text)
    kd = step("synthesize", "pairs", 0, literals={"teacher": teacher}, inputs={"seeds": web},
              rows=rows("kd", 40), facts=asked(50, 40, bill(50)))
    study = step("lessons", "lessons", 0, inputs={"rows": kd, "texts": web}, rows=rows("l", 40))
    synth = step("train", "synthesizer", 3600, inputs={"rows": study}, facts={"device": "cpu"})
    drawn = step("synthesize", "drawn", 360, literals={"teacher": "local:step-x"},
                 inputs={"seeds": web, "teacher": synth}, rows=rows("d", 30),
                 facts=asked(60, 30))
    ref = step("train", "reference", 720, inputs={"rows": drawn})
    worth = step("value", "worth", 1440, inputs={"rows": drawn, "reference": ref})
    mass = step("synthesize", "mass", 7200, literals={"teacher": "local:step-x"},
                inputs={"seeds": worth, "teacher": synth}, rows=rows("m", 400),
                facts=asked(900, 400))
    found = {"mass": mass, "kd": kd}
    for name, source, cpu in (("boosted, seed 0", mass, 1800), ("boosted, seed 1", mass, 3600),
                              ("teacher only", kd, 1800)):
        found[name] = step("train", name, cpu, inputs={"rows": source}, literals={"n": name})
        found[f"score__{name}"] = step("evaluate", f"score {name}", 36, record=Score,
                                       inputs={"model": found[name]}, rows=scores(name, 0.5, 50),
                                       literals={"suites": ["symbolic"]})
    return found


def bench_of(run: Any, found: dict[str, str], prices: str = "") -> Any:
    bench = run.bench(data=found["mass"], **{name: step for name, step in found.items()
                                             if name.startswith("score__")})
    bench.tools = {**bench.tools, "sheet": Sheet.load}
    if prices:
        path = run.home / "prices.toml"
        path.write_text(prices)
        bench.terms = Terms(prices=path)
    return bench


def account(bench: Any) -> Account:
    found = account_of(walk(bench), Sheet.load(bench.terms.prices))
    assert found is not None
    return found


def test_every_part_is_the_sum_of_its_steps_and_can_be_multiplied_again(run: Any) -> None:
    found = account(bench_of(run, synthesizer_run(run), PRICES))
    cells = {line.name: line.cells for line in found.by_part}
    assert cells[API][:2] == (
        "50 calls: 15,000 tokens in (300 a call), 5,000 tokens out (100 a call)",
        "15,000 x $2/M + 5,000 x $10/M = $0.08")
    hours = {line.name: line.times[0].hours for line in found.by_part if line.times}
    assert hours == {API: 0, SYNTHESIZER: 1, SELECTION: 0.6, SYNTHESIS: 2.1, TRAINING: 2,
                     REST: 0.04}
    assert cells[SYNTHESIS][1:] == ("no server is asked: $0.00", "2.1 h of processor core",
                                    "2.1 h x $0.05 = $0.105", "$0.105")
    assert found.whole.money().pico == round((0.08 + 5.7 * 0.05) * PICO)
    assert sum(line.money().pico for line in found.steps if line.part != REST) == (
        found.whole.money().pico)


def test_a_model_bears_what_it_rests_on_and_stands_beside_its_teachers_price(run: Any) -> None:
    boosted, plain = account(bench_of(run, synthesizer_run(run), PRICES)).models
    assert boosted.student.names == ("boosted, seed 0", "boosted, seed 1")
    assert boosted.rows == 400
    assert boosted.by_part[TRAINING].times[0].words == "0.75 h of processor core (mean of 2)"
    assert boosted.whole.money().pico == round((0.08 + (1 + 0.6 + 2.1 + 0.75) * 0.05) * PICO)
    assert boosted.a_row == (375.0, 125.0), "the failed attempts too"
    assert boosted.by_teacher is not None
    assert boosted.by_teacher.calls is not None
    assert boosted.by_teacher.calls.bill == "150,000 x $2/M + 50,000 x $10/M = $0.80"
    assert (plain.rows, plain.by_teacher) == (40, None), "its teacher wrote them all"
    assert plain.by_part[SYNTHESIS].times == ()


def test_gpus_count_by_hours_held_and_what_has_no_price_is_not_told(run: Any) -> None:
    found = account(bench_of(run, synthesizer_run(run, gpus=2), PRICES))
    cells = {line.name: line.cells for line in found.by_part}
    assert cells[SYNTHESIZER][2:] == ("1 h of NVIDIA H200", "1 h x $8 = $8.00", "$8.00")
    assert {line.name: line.cells[2] for line in found.steps}["mass"] == (
        "0.5 h x 2 NVIDIA H200 = 1 h")
    untold = {line.name: line for line in account(bench_of(
        run, synthesizer_run(run, teacher="openai:unheard@https://x.example/v1"))).by_part}
    assert untold[SYNTHESIS].cells[3:] == ("price of an hour: not told", "not told")
    assert untold[API].cells[1] == "as billed: $0.00"


@pytest.mark.parametrize(("verb", "kept"), [("verify", "votes"), ("select", "rating"),
                                            ("decontaminate", "judging")])
def test_calls_of_a_check_are_calls_of_the_teacher(run: Any, verb: str, kept: str) -> None:
    found = synthesizer_run(run)
    usage = {**asked(7, 7, 7 * PICO)["methods"]["from_text.grade"]}
    checked = run.step(verb, "checked", literals={"teacher": TEACHER}, rows=rows("m", 400),
                       inputs={"rows": found["mass"]}, facts={kept: usage})
    line, = (line for line in account(bench_of(run, {**found, "mass": checked}, PRICES)).steps
             if line.name == "checked")
    assert line.part == API
    assert line.calls is not None
    assert (line.calls.number, line.calls.pico) == (7, 7 * PICO)


def test_a_run_without_a_synthesizer_has_no_account(run: Any) -> None:
    seed = run.step("seeds", "seeds", rows=[make_problem("2 + 2?")], record=Problem)
    made = run.step("synthesize", "made", literals={"teacher": "symbolic:"},
                    inputs={"seeds": seed}, rows=rows("x", 5), facts=asked(5, 5))
    assert account_of(walk(run.bench(data=made))) is None


@pytest.mark.parametrize("prices", ["", PRICES])
def test_the_page_shows_the_account_beside_what_papers_told(run: Any, prices: str) -> None:
    bench = bench_of(run, synthesizer_run(run, teacher="symbolic:"), prices)
    write_report(bench, title="A synthesizer")
    text = (bench.out / "report.html").read_text("utf-8")
    page = text[text.index('id="account"'):text.index('id="cost"')]
    for words in ("boosted, seed 0 and 1 more", "400 rows x 375.0 = 150,000 tokens in",
                  "9,335 calls: 2,800,500 tokens in (300 a call)", "4 h x 64 A100 = 256 h",
                  "4.45 h x $0.05" if prices else "4.45 h of processor core",
                  "1,536 h of A100", "160 h x 64 A100 = 10,240 h", "RL not counted",
                  "about $8,480 (a secondary source)", "above $40,000",
                  "no server is asked: $0.00", "10.0\u00a0%"):
        assert words in page, words
    assert ("2.1 h x $0.05" in page) is bool(prices)
