"""The seam to whoever answers: one protocol of one method.

Why: methods and stages need to know nothing of a teacher but that it answers requests;
an API, a model in this process, a program or a list of canned replies all fit here.

Used as: `reply = await teacher.answer(request)`.
"""

from __future__ import annotations

from typing import Protocol

from mathmill.types import Reply, Request


class Teacher(Protocol):
    """Anything that answers requests."""

    @property
    def name(self) -> str:
        """As in a recipe: `symbolic:`, `openai:gpt-5-mini`, `scripted:replies.jsonl`."""
        ...

    async def answer(self, request: Request) -> Reply:
        """Return the reply to one request.

        A call that failed for good is a Reply with `finish="error"`, never an exception:
        one bad row must not stop a run. Raises TeacherError only where no request can
        ever be answered (no key, wrong key, no such model).
        """
        ...
