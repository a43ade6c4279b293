"""The grader as a metric of lm-evaluation-harness and of lighteval.

Why: whoever evaluates with one of these should get the verdicts that mathmill gives, with
the undecided ones counted beside the correct ones instead of vanishing among the wrong.

Used as: in the `utils.py` beside a task of lm-eval, `process_results = lm_eval_results(
gold="answer")` with `process_results: !function utils.process_results`; in a task of
lighteval, `metrics=[lighteval_metric()]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mathmill.errors import UsageError
from mathmill.grading.files.response import field_text, gold_text, judge
from mathmill.grading.policy import Policy, named
from mathmill.types import CORRECT, UNDECIDED, WRONG

CORRECT_NAME = "math_correct"
UNDECIDED_NAME = "math_undecided"
Scores = dict[str, float]


def scores(responses: Sequence[Any], golds: Sequence[Any], policy: str | Policy = "tolerant",
           ) -> Scores:
    """Return the shares of correct and undecided ones among the responses to one item.

    A response is correct if it equals one of `golds`, and undecided if it is not and the
    comparison with one of them is. Raises ValueError for fields that hold no text.
    """
    found, rights = named(policy), [gold_text(gold) for gold in golds]
    words = []
    for response in responses:
        text = field_text(response)
        said = {judge(text, right, found).verdict.value for right in rights}
        words.append(CORRECT if CORRECT in said else UNDECIDED if UNDECIDED in said else WRONG)
    return {CORRECT_NAME: words.count(CORRECT) / max(len(words), 1),
            UNDECIDED_NAME: words.count(UNDECIDED) / max(len(words), 1)}


def lm_eval_results(gold: str = "answer", policy: str | Policy = "tolerant",
                    ) -> Callable[[Mapping[str, Any], Sequence[Any]], Scores]:
    """Return a `process_results` for a task of lm-eval whose documents hold a field `gold`.

    The task lists `math_correct` and `math_undecided` under `metric_list`, aggregated by
    `mean`. Under `repeats` the shares are those of all samples. Raises UsageError for an
    unknown policy, and when called for a document without the field.
    """
    found = named(policy)

    def process_results(doc: Mapping[str, Any], results: Sequence[Any]) -> Scores:
        if gold not in doc:
            raise UsageError(f"the document has no field {gold!r}; seen: {', '.join(doc)}; name "
                             "the one with the right answer: lm_eval_results(gold=...)")
        first = results[0]
        return scores(first if isinstance(first, list) else [first], [doc[gold]], found)

    return process_results


def math_correct(references: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Return 1.0 for a correct answer and 0.0 for any other: a `metric` of lm-eval.

    Used as `- metric: !function utils.math_correct` where the target is the right answer.
    """
    return scores(predictions[:1], references)[CORRECT_NAME]


def lighteval_metric(policy: str | Policy = "tolerant") -> Any:
    """Return lighteval's metric group of `math_correct` and `math_undecided` of one sample.

    A document's gold choices count as alternatives. Raises UsageError without lighteval.
    """
    try:
        import numpy as np
        from lighteval.metrics.metrics_sample import SampleLevelComputation
        from lighteval.metrics.utils.metric_utils import SampleLevelMetricGrouping
        from lighteval.tasks.requests import SamplingMethod
    except ImportError as error:
        # No extra of ours: whoever writes a task of lighteval has it.
        raise UsageError("this needs the package lighteval; install it with: pip install "
                         "lighteval") from error
    found = named(policy)

    class Grader(SampleLevelComputation):  # type: ignore[misc]
        """Grades the responses to one document of lighteval."""

        def compute(self, doc: Any, model_response: Any, **kwargs: Any) -> Scores:
            """Return the shares of correct and undecided responses."""
            return scores(model_response.final_text, doc.get_golds(), found)

    names = [CORRECT_NAME, UNDECIDED_NAME]
    return SampleLevelMetricGrouping(
        metric_name=names, sample_level_fn=Grader(), category=SamplingMethod.GENERATIVE,
        corpus_level_fn=dict.fromkeys(names, np.mean),
        higher_is_better={CORRECT_NAME: True, UNDECIDED_NAME: False})
