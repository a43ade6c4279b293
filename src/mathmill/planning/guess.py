"""A probe that costs nothing: who is asked where the teacher itself cannot be, and its tokens.

The symbolic teacher says how many attempts and calls the methods take where all goes well. It
counts words, so tokens are reckoned from the text instead. Measured with GPT-NeoX' vocabulary:
our prompts and GSM8K's questions have one token in 4 characters (0.98 and 0.95 of that), GSM8K's
solutions one in 3, LaTeX solutions one in 3.0 (OpenMathInstruct-2) to 2.7 (OlympiadBench). And a
model writes longer: GSM8K's solutions have 95 tokens, those of a 405B model in
OpenMathInstruct-2 374, the symbolic teacher's about 60. Three times is assumed. Its rows also
fail otherwise: whatever rests on this is a guess, and its intervals are wide on purpose.

Used as: `reason = unreachable("openai:gpt-5-mini")`; `open_counted("symbolic:", ...)`.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mathmill.errors import MathmillError, MissingExtra, TeacherError
from mathmill.teachers import registry
from mathmill.teachers.base import Teacher
from mathmill.types import Reply, Request
from mathmill.workbench import Terms

READ, WRITTEN = 4.0, 3.0  # characters a token, of prompts and of solutions; Chinese: one each
LONGER = 3.0  # times as long as the symbolic teacher's replies are a model's: assumed
A_MESSAGE = 4  # tokens that a template puts round a turn
SECONDS_TO_CONNECT = 3.0
COUNTING = f"{READ:g} and {WRITTEN:g} x {LONGER:g}"  # in the identity of what a probe made
FIRST_TOKEN, TOKENS_A_SECOND = 1.0, 50.0  # seconds of a call that nobody timed: assumed
# Of the natural logarithm of each factor; 95 of 100 lie within exp(1.96 x this) either way.
SPREADS = {"calls": 0.25, "read": 0.2, "written": 0.7, "seconds": 0.7}
_CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


def tokens_of(text: str, characters: float = READ) -> float:
    """Return about how many tokens a text has, of so many characters each."""
    wide = len(_CHINESE.findall(text))
    return wide + (len(text) - wide) / characters


@dataclass(frozen=True)
class Counted:
    """A teacher without a tokenizer, its tokens and seconds reckoned from the text."""

    teacher: Teacher
    "Who answers."

    @property
    def name(self) -> str:
        """Return the teacher's name."""
        return self.teacher.name

    async def answer(self, request: Request) -> Reply:
        """Return its reply with tokens and seconds as they might be of a model."""
        reply = await self.teacher.answer(request)
        written = min(LONGER * tokens_of(reply.text, WRITTEN), request.max_tokens)
        read = sum(A_MESSAGE + tokens_of(turn.content) for turn in request.messages)
        return replace(reply, prompt_tokens=round(read), completion_tokens=round(written),
                       seconds=FIRST_TOKEN + written / TOKENS_A_SECOND)

    async def aclose(self) -> None:
        """Let the teacher close what it opened."""
        close = getattr(self.teacher, "aclose", None)
        if close is not None:
            await close()


def open_counted(name: str, _: str, home: Path | None = None, terms: Terms | None = None,
                 **__: Any) -> Teacher:
    """Open a teacher in the place of another (a tool of steps); one with a server counts itself."""
    teacher = registry.open_teacher(name, home, terms)
    return teacher if registry.understand(name).models else Counted(teacher)


def unreachable(name: str) -> str:
    """Return why a teacher cannot be asked now, or nothing. No call is made."""
    named = registry.understand(name)
    try:
        named.open(None, Terms())
    except (TeacherError, MissingExtra) as error:
        return str(error)
    if any(os.environ.get(variable) for variable in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY",
                                                     "http_proxy", "ALL_PROXY", "all_proxy")):
        return ""  # only the proxy can tell
    for _, url in named.models:
        parts = urlsplit(url)
        try:
            port = parts.port or (80 if parts.scheme == "http" else 443)
            socket.create_connection((parts.hostname or "", port), SECONDS_TO_CONNECT).close()
        except (OSError, ValueError) as error:
            return f"{name}: {parts.hostname} cannot be reached ({error})"
    return ""


def in_one_line(error: MathmillError | str) -> str:
    """Return the first sentence of what went wrong."""
    return str(error).partition("; ")[0]
