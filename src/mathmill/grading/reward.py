"""The grader as a reward function, in the form that TRL's trainers call.

Why: a reward that gives 0 to what the grader could not decide teaches a model to write
answers that are easy to parse. TRL takes None for "no reward here" and leaves the sample out
of the advantage; undecided verdicts are that. It runs in any thread, sets no alarm, travels
by pickle to other processes, and grades exactly as `mathmill grade` does.

Used as: `GRPOTrainer(model, reward_funcs=MathReward(), train_dataset=rows_with_solution)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mathmill.errors import UsageError
from mathmill.grading.files.response import Judged, field_text, gold_text, judge
from mathmill.grading.policy import Policy, named
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

COLUMNS = ("solution", "answer", "gold", "ground_truth", "final_answer", "target")


class MathReward:
    """A reward of 1 for a correct response, 0 for a wrong one, None for an undecided one."""

    def __init__(self, policy: str | Policy = "tolerant", column: str | None = None, *,
                 correct: float = 1.0, wrong: float = 0.0, undecided: float | None = None,
                 name: str = "math_reward") -> None:
        """Take a policy and the dataset's column with the right answer.

        Without `column` the first of `COLUMNS` that the dataset has is taken. `name` is how
        the trainer logs it. Raises UsageError for an unknown policy.
        """
        self.policy = named(policy)
        self.column = column
        self.rewards = {CORRECT: correct, WRONG: wrong, UNDECIDED: undecided}
        self.__name__ = name  # the trainer names its metrics by it

    def __call__(self, prompts: Sequence[Any] | None = None,
                 completions: Sequence[Any] = (), **columns: Any) -> list[float | None]:
        """Return a reward for each completion (a text, or a list of messages).

        `columns` holds the dataset's columns, each as long as `completions`, and what the
        trainer hands over beside them; with its `log_extra` the answers found are logged,
        with `log_metric` the share of undecided ones. Raises UsageError without the column.
        """
        golds = columns.get(self.column or _column(columns))
        if golds is None or isinstance(golds, str) or len(golds) != len(completions):
            raise UsageError(f"the reward needs a column {self.column!r} as long as the "
                             f"completions; seen: {', '.join(columns) or 'none'}")
        judged = [self.judge(completion, gold)
                  for completion, gold in zip(completions, golds, strict=True)]
        self._log(judged, columns.get("log_extra"), columns.get("log_metric"))
        return [self.rewards[one.verdict.value] for one in judged]

    def judge(self, completion: Any, gold: Any) -> Judged:
        """Return the verdict on one completion; fields of another kind are undecided."""
        try:
            return judge(field_text(completion), gold_text(gold), self.policy)
        except ValueError as error:
            return Judged(None, Verdict(UNDECIDED, f"unreadable: {error}"))

    def _log(self, judged: Sequence[Judged], extra: Callable[..., None] | None,
             metric: Callable[..., None] | None) -> None:
        """Tell the trainer's table of completions what was found, and its metrics how often."""
        if extra is not None:
            extra(f"{self.__name__}_answer", [one.answer or "" for one in judged])
            extra(f"{self.__name__}_how", [f"{one.verdict.value}: {one.verdict.how}"
                                           for one in judged])
        if metric is not None and judged:
            counts = Counter(one.verdict.value for one in judged)
            metric(f"{self.__name__}/undecided", counts[UNDECIDED] / len(judged))


def _column(columns: Mapping[str, Any]) -> str:
    """Return the column with the right answer; raises UsageError where no name is known."""
    for name in COLUMNS:
        if name in columns:
            return name
    raise UsageError(f"the reward knows none of these columns: {', '.join(columns) or 'none'}; "
                     "name the one with the right answer: MathReward(column=...)")
