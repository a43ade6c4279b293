"""Candidates of a toy world whose wrong programs a reader can tell from the right ones.

Used as: `toy(60)`; `make_candidate("item", "question", "body", right=True)`.
"""

from __future__ import annotations

from typing import Any

from mathmill.candidates import Candidate, candidate_id


def make_candidate(item: str, question: str, response: str, right: bool | None,
                   **fields: Any) -> Candidate:
    verdict = "undecided" if right is None else "correct" if right else "wrong"
    values = {"suite": "toy", "gold": "1", "program": "", "answer": "1" if right else "2",
              "kind": "value", "error": "", "model": "m", "temperature": 0.7, "sample": 0,
              "tokens": 5, "finish": "stop", **fields}
    return Candidate(id=candidate_id(item, "toy", "m", 0.7, values["sample"], response),
                     item=item, question=question, response=response, verdict=verdict, **values)


def toy(problems: int) -> list[Candidate]:
    """Return two right and two wrong programs a problem: right ones begin as the problem does."""
    rows = []
    for number in range(problems):
        left, right = 10 + number % 37, 10 + (number * 7) % 41
        question = f"Tom has {left} pens and buys {right} more."
        for place, (text, ok) in enumerate((
                (f"pens = {left} + 1", True), (f"pens = {left} + 2", True),
                (f"pens = {right + 50} + 1", False), (f"pens = {right + 50} + 2", False))):
            rows.append(make_candidate(f"item {number}", question, text, ok, sample=place))
    return rows
