"""A teacher decides whether two questions are one problem told twice.

Why: what the other finders are unsure about, a model can read. It is asked only about rows that
one of them found, so a run of millions asks thousands; replies are journalled as any teacher's.

Used as: `with Judge.opened(bench, "openai:...") as judge: words = judge.decide(pairs)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mathmill.errors import TeacherError
from mathmill.stages.asking import Asking, open_asking
from mathmill.types import Request
from mathmill.workbench import Workbench

VERDICTS = ("same", "different", "unclear")


@dataclass
class Judge:
    """A teacher, the prompt it is asked by and how its reply is read."""

    asking: Asking
    request: Callable[[str, str], Request]
    read: Callable[[str], str | None]
    said: Counter[str] = field(default_factory=Counter)
    "How often it said what."

    @classmethod
    @contextmanager
    def opened(cls, bench: Workbench, teacher: str) -> Iterator[Judge]:
        """Open the teacher with the bench's tools `judge_request` and `read_judgement`."""
        with open_asking(bench, teacher) as asking:
            yield cls(asking, bench.tools["judge_request"], bench.tools["read_judgement"])

    def decide(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Return `same`, `different` or `unclear` for each pair of a row and an item.

        Unclear is a reply that says neither, was cut off, or never came. Raises TeacherError
        where the teacher can answer nothing at all.
        """
        found: list[str] = []
        replies = self.asking.all([self.request(*pair) for pair in pairs])
        for reply in replies:
            word = self.read(reply.text) if reply.finish == "stop" else None
            found.append(word or "unclear")
        if replies and all(reply.finish == "error" for reply in replies):
            raise TeacherError(f"the judge answered none of {len(replies)} questions: "
                               f"{self.asking.usage.last_error[:300]}; mend that, then give the "
                               "same command again")
        self.said.update(found)
        return found

    def facts(self) -> dict[str, int]:
        """Return how many were asked and what was said."""
        return {"asked": self.said.total(), **{word: self.said[word] for word in VERDICTS}}

    def usage(self) -> dict[str, Any]:
        """Return what it cost."""
        return self.asking.usage.facts()
