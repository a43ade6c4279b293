"""The recipe tinygsm: both scales build; a smoke run of two steps ends, resumed, in a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mathmill.candidates import Candidate, candidate_id
from mathmill.errors import UsageError
from mathmill.execution import local
from mathmill.execution.step import Step, in_order
from mathmill.io import read_json
from mathmill.planning.estimate import Totals
from mathmill.programs import make_function
from mathmill.types import CORRECT, WRONG, Problem
from mathmill.workbench import Workbench
from mathmill_recipes import tinygsm

SMALL = replace(
    tinygsm.EMBEDDED_SCALE, rows=30, seeds="symbolic:count=20,seed=1,levels=1",
    test="symbolic:count=8,seed=2,levels=1", verified="symbolic:count=12,seed=3,levels=1",
    length={"steps": 2}, checkpoints=(0.5, 1.0), candidates=4,
    training={**tinygsm.EMBEDDED_SCALE.training, "batch_size": 2},
    verifying={"epochs": 1, "batch_size": 4, "held_out": 0.2}, again={"steps": 2},
    sampling={"max_new_tokens": 8, "batch": 64}, models=(0,))


def candidates(bench: Workbench, *, models: list[str], suite: str, n: int) -> None:
    """Write right and wrong programs for every problem: two steps teach a model none."""
    rows = []
    for problem in bench.rows("suite", Problem):
        for model in models:
            for number in range(n + 1):
                answer = problem.answer if number % 2 else f"{number + 100}"
                body, heat = f"result = {answer}", 0.7 if number else 0.0
                rows.append(Candidate(
                    id=candidate_id(problem.id, suite, model, heat, number, body),
                    item=problem.id, suite=suite, question=problem.question,
                    gold=problem.answer or "", response=body,
                    program=make_function(problem.question, body), answer=answer, kind="value",
                    error="", verdict=CORRECT if answer == problem.answer else WRONG,
                    model=model, temperature=heat, sample=number, tokens=5, finish="stop",
                    logprob=-1.0 - number))
    bench.keep(rows, Candidate)


def written(models: Mapping[str, Any], suites: Mapping[str, Step], *, label: str = "",
            n: int = 48, **_: Any) -> Step:
    """Stand in for the verb `sample`; the models are inputs all the same."""
    (suite, problems), = suites.items()
    trained = {f"model.{name}": model[0] if isinstance(model, tuple) else model
               for name, model in models.items()}
    return Step("sample", candidates, {"models": sorted(models), "suite": suite, "n": min(n, 4)},
                {"suite": problems, **trained}, label=label)


def verbs(last: Step) -> list[str]:
    return [step.name for step in in_order(last)]


def test_the_paper_s_scale_takes_the_paper_s_settings(shared_data: Path) -> None:
    train = str(shared_data / "gsm8k" / "train.jsonl")
    steps = in_order(tinygsm.recipe(scale="paper", seeds=train, base="embedded:"))
    (write,) = [step for step in steps if step.name == "synthesize"]
    assert write.literals["samples"] == 12_300_000
    models = [step for step in steps if step.label.startswith("generator, seed")]
    controls = [step for step in steps if step.label.startswith(tinygsm.CONTROL)]
    assert len(models) == len(controls) == 3
    for model in models:
        assert (model.literals["learning_rate"], model.literals["weight_decay"],
                model.literals["batch_size"]) == (1e-4, 0.01, 1024)
        assert [stage["steps"] for stage in model.literals["stages"]] == [20_000]
        steps_kept = [round(20_000 * share) for share in model.literals["checkpoints"]]
        assert steps_kept == [1_000, 6_000, 12_000]
    for pool in (step for step in steps if step.name == "sample"):
        assert pool.literals["n"] * len(pool.literals["models"]) == 48
        assert tuple(pool.literals["temperatures"]) == (0.5, 0.7)
    sources = {step.literals["source"] for step in steps if "source" in step.literals}
    assert sources == {"gsm8k/train.jsonl", "gsm8k/test.jsonl"}  # the test set only to test on


def test_a_scale_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="it has embedded, paper"):
        tinygsm.recipe(scale="huge")


def test_the_embedded_scale_has_three_seeds_and_problems_of_its_own_for_the_verifier() -> None:
    steps = in_order(tinygsm.recipe())
    assert verbs(steps[-1]).count("choose") == 3
    sources = [step.literals["source"] for step in steps if step.name == "seeds"]
    assert len(set(sources)) == len(sources) == 3  # seeds, test, the verifier's problems
    guarded = [step for step in steps if step.name == "decontaminate"]
    assert all(step.literals["against"] == ["symbolic"] for step in guarded)
    assert len(guarded) == 2  # the rows and the verifier's problems


def test_what_the_paper_paid_stands_beside_a_plan_and_the_plan_at_the_papers_lengths() -> None:
    def cost(read: float, cached: float, written: float) -> float:
        return read * 0.25e6 + written * 2e6  # picodollars

    plan = SimpleNamespace(
        total=(Totals(rows=12.3e6, calls=6e6, read=1.5e9, written=4e9, cost=8.375e15), []),
        steps=[SimpleNamespace(charge=SimpleNamespace(cost=cost))])
    lines = tinygsm.beside_plan(plan).splitlines()
    assert lines[1].split()[-1] == "$8,375.00"
    assert "1,795,800,000" in lines[2]
    assert lines[2].split()[-1] == "$3,966.60"
    assert lines[3].endswith("about $3,600")
    assert "2023" in lines[3]
    unknown = SimpleNamespace(total=plan.total, steps=[SimpleNamespace(charge=None)])
    assert len(tinygsm.beside_plan(unknown).splitlines()) == len(lines) - 1


@pytest.mark.slow
def test_a_run_of_two_steps_ends_in_a_report_and_is_resumed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tinygsm.SCALES, "embedded", SMALL)
    monkeypatch.setattr(tinygsm, "sample", written)
    last, out = tinygsm.recipe(), tmp_path / "run"
    first = next(step for step in in_order(last) if step.name == "train_verifier")
    local.run(first, out, jobs=2)
    before = {path: path.stat().st_mtime_ns for path in out.glob("steps/*/manifest.json")}
    page = local.run(last, out, jobs=2) / "report.html"
    assert {path: path.stat().st_mtime_ns for path in before} == before  # nothing twice
    text = page.read_text(encoding="utf-8")
    assert "Choosing among samples" in text
    assert "The best of 4 samples by a verifier" in text
    for manifest in out.glob("steps/choose*/manifest.json"):
        (table,) = read_json(manifest)["tally"]["facts"]["measured"]
        curve = {(one["way"], one["n"]): one["value"] for one in table["curve"]}
        assert curve["oracle", 4] == 1.0
        assert curve["greedy", 1] == 0.0
