"""The metrics of other harnesses: called as they call them, and by them where they are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mathmill.errors import UsageError
from mathmill.grading.harness import lighteval_metric, lm_eval_results, math_correct, scores

ITEMS = [("2+2?", "#### 4", "So 2 + 2 = 4. The answer is 4."), ("Half?", "1/2", r"\boxed{0.5}"),
         ("3+3?", "6", "The answer is 7."), ("A word?", "", "The answer is 1.")]


@pytest.mark.parametrize(("gold", "response", "found"), [
    ("4", "The answer is 4", (1, 0)), ("4", "The answer is 5", (0, 0)), (None, "4", (0, 1)),
    (["A", "C"], "The answer is A, C", (1, 0)), (18.0, "#### 18", (1, 0))])
def test_an_item_has_a_share_of_correct_and_one_of_undecided(
        gold: object, response: str, found: tuple[float, float]) -> None:
    process_results = lm_eval_results()
    assert process_results({"answer": gold}, [response]) == {
        "math_correct": found[0], "math_undecided": found[1]}


def test_several_samples_of_an_item_are_averaged() -> None:
    process_results = lm_eval_results(gold="right", policy="gsm8k")
    assert process_results({"right": "4"}, [["4", "5", "4", "4"]])["math_correct"] == 0.75


def test_one_of_several_golds_is_enough() -> None:
    assert scores(["The answer is 4"], ["5", "4"])["math_correct"] == 1
    assert math_correct(references=["4"], predictions=["The answer is 4"]) == 1.0


def test_a_document_without_the_field_names_those_it_has() -> None:
    with pytest.raises(UsageError, match="no field 'answer'; seen: question, gold"):
        lm_eval_results()({"question": "q", "gold": "4"}, ["4"])


YAML = """
task: mathmill_local
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
process_results: !function utils.process_results
generation_kwargs: {{until: ["Q:"]}}
metric_list:
  - {{metric: math_correct, aggregation: mean, higher_is_better: true}}
  - {{metric: math_undecided, aggregation: mean, higher_is_better: false}}
"""


@pytest.mark.slow
def test_lm_evals_own_evaluator_runs_a_task_with_it(tmp_path: Path) -> None:
    lm_eval = pytest.importorskip("lm_eval")
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    class Fixed(LM):  # type: ignore[misc]
        def generate_until(self, requests: list[Any], **_: Any) -> list[str]:
            said = {question: response for question, _, response in ITEMS}
            return [said[request.args[0]] for request in requests]

        def loglikelihood(self, requests: list[Any], **_: Any) -> list[Any]:
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    rows, task = tmp_path / "rows.jsonl", tmp_path / "task"
    rows.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a, _ in ITEMS))
    task.mkdir()
    (task / "local.yaml").write_text(YAML.format(file=rows))
    (task / "utils.py").write_text("from mathmill.grading.harness import lm_eval_results\n"
                                   "process_results = lm_eval_results(gold='answer')\n")
    manager = TaskManager(include_path=str(task), include_defaults=False)
    found = lm_eval.simple_evaluate(model=Fixed(), tasks=["mathmill_local"], task_manager=manager,
                                    bootstrap_iters=0)
    result = found["results"]["mathmill_local"]
    assert result["math_correct,none"] == 0.5
    assert result["math_undecided,none"] == 0.25


@pytest.mark.slow
def test_lightevals_own_metric_code_calls_it() -> None:
    pytest.importorskip("lighteval")
    from lighteval.metrics import apply_metric
    from lighteval.models.model_output import ModelResponse
    from lighteval.tasks.requests import Doc

    docs = [Doc(query=q, choices=[a], gold_index=0) for q, a, _ in ITEMS]
    answers = [ModelResponse(text=[response]) for _, _, response in ITEMS]
    metric = lighteval_metric("math")
    found = apply_metric(answers, docs, [metric])
    means = {name: combine([row[name] for row in found])
             for name, combine in metric.get_corpus_aggregations().items()}
    assert means == {"math_correct": 0.5, "math_undecided": 0.25}
