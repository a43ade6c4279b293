"""Tables from scores: accuracy with its interval, by level, by subject, and what went unread.

Why: one number hides cut-off responses, missing answers and undecided verdicts; the papers
report the strict score alone. Here both matchings stand side by side with every count.

Used as: `summarise(scores)` -> `{"gsm8k": {"n": 1319, "tolerant": {...}, ...}}` (JSON).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mathmill.grading.wilson import wilson
from mathmill.types import CORRECT, UNDECIDED, Score


def summarise(scores: Iterable[Score]) -> dict[str, dict[str, Any]]:
    """Return, for each suite in order of appearance, its table of measures.

    Each holds n; `strict` and `tolerant` (`accuracy`, `low`, `high`, `correct`, `undecided`,
    `at_most`: the accuracy were all undecided ones right); `by_level` and `by_subject` with
    the same two; `truncated`, `no_answer`, `tokens`, `tokens_mean`.
    """
    suites: dict[str, list[Score]] = {}
    for score in scores:
        suites.setdefault(score.suite, []).append(score)
    return {name: _suite(rows) for name, rows in suites.items()}


def accuracy(rows: Sequence[Score], matching: str) -> dict[str, Any]:
    """Return the accuracy of scores under one matching with Wilson's 95 % interval.

    An undecided row counts as not shown right, and is counted aloud: the truth lies
    between `accuracy` and `at_most`.
    """
    verdicts = [getattr(row, matching) for row in rows]
    correct, undecided = verdicts.count(CORRECT), verdicts.count(UNDECIDED)
    low, high = wilson(correct, len(rows))
    share = max(len(rows), 1)
    return {"n": len(rows), "correct": correct, "undecided": undecided,
            "accuracy": correct / share, "low": low, "high": high,
            "at_most": (correct + undecided) / share}


def _suite(rows: Sequence[Score]) -> dict[str, Any]:
    """Return the table of one suite."""
    tokens = sum(row.tokens for row in rows)
    return {
        "n": len(rows), "strict": accuracy(rows, "strict"),
        "tolerant": accuracy(rows, "tolerant"),
        "by_level": _by(rows, lambda row: row.level),
        "by_subject": _by(rows, lambda row: row.subject),
        "truncated": sum(row.finish == "length" for row in rows),
        "no_answer": sum(row.answer is None for row in rows),
        "tokens": tokens, "tokens_mean": tokens / max(len(rows), 1),
    }


def _by(rows: Sequence[Score], key: Callable[[Score], object]) -> dict[str, dict[str, Any]]:
    """Return both accuracies for each value of a field; rows without a value are left out."""
    groups: dict[str, list[Score]] = {}
    for row in rows:
        value = key(row)
        if value is not None:
            groups.setdefault(str(value), []).append(row)
    return {name: {"strict": accuracy(each, "strict"), "tolerant": accuracy(each, "tolerant")}
            for name, each in sorted(groups.items())}
