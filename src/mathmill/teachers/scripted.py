"""A teacher that reads its replies from a script: for tests, demonstrations and replays.

Why: what a method does with a bold heading, a refusal or a cut-off reply must be tried
without a model; and a person can put words into a teacher's mouth with a text file.

A script is one of
- a sequence of texts (or `Reply`s), given out in the order in which they are asked for;
- a mapping from request id, prompt label or user message to text;
- a function from `Request` to text or `Reply`;
- a JSONL file: `{"text": ...}` rows are given out in order, `{"match": REGEX, "text": ...}`
  rows answer every request whose last message the pattern is found in (first match wins);
  `"finish": "length"` or `"error"` may be added to either.

A request that the script has nothing for gets a reply with `finish="error"`. Replies in order
depend on the order of asking: with several requests in flight, use a mapping or `match`.

Used as: `ScriptedTeacher(["The answer is 5"])`, `scripted:replies.jsonl`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mathmill.errors import InputError
from mathmill.io import read_json_rows
from mathmill.types import Reply, Request

Line = str | Reply
Script = Sequence[Line] | Mapping[str, Line] | Callable[[Request], Line | None]
FINISHES = ("stop", "length", "error")


class ScriptedTeacher:
    """Answers from a script; `asked` keeps every request in order, for tests to look at."""

    def __init__(self, script: Script, name: str = "scripted:") -> None:
        """Take a sequence, a mapping or a function (see the top of this file)."""
        self.name = name
        self.asked: list[Request] = []
        self._given = 0
        self._script = script

    @classmethod
    def from_file(cls, path: Path, name: str | None = None) -> ScriptedTeacher:
        """Read a JSONL script; raises InputError with the row that cannot be right."""
        patterns: list[tuple[re.Pattern[str], Reply]] = []
        in_order: list[Reply] = []
        for number, row in read_json_rows(path):
            text, finish = row.get("text"), row.get("finish", "stop")
            if not isinstance(text, str) or finish not in FINISHES:
                raise InputError(path, "a script row needs a text, and a finish (if any) of "
                                 + ", ".join(FINISHES), 'write {"text": "..."}', number)
            line = Reply(request="", text=text, teacher="", finish=finish,
                         error="the script says so" if finish == "error" else "")
            if "match" not in row:
                in_order.append(line)
                continue
            try:
                patterns.append((re.compile(row["match"], re.DOTALL), line))
            except (re.error, TypeError) as error:
                raise InputError(path, f"match is no regular expression ({error})",
                                 "mend the pattern", number) from error
        queue = iter(in_order)

        def look_up(request: Request) -> Line | None:
            text = request.messages[-1].content if request.messages else ""
            for pattern, line in patterns:
                if pattern.search(text):
                    return line
            return next(queue, None)

        return cls(look_up, name or f"scripted:{path}")

    async def answer(self, request: Request) -> Reply:
        """Return the script's reply to this request."""
        self.asked.append(request)
        line = self._line(request)
        if line is None:
            return Reply(request=request.id, text="", teacher=self.name, finish="error",
                         error="the script has no reply to this request")
        if isinstance(line, str):
            line = Reply(request="", text=line, teacher="")
        return replace(
            line, request=request.id, teacher=self.name, cost=line.cost or 0.0,
            prompt_tokens=line.prompt_tokens or sum(
                len(message.content.split()) for message in request.messages),
            completion_tokens=line.completion_tokens or len(line.text.split()))

    def _line(self, request: Request) -> Line | None:
        """Return what the script holds for this request, or None."""
        if isinstance(self._script, Mapping):
            last = request.messages[-1].content if request.messages else ""
            for key in (request.id, request.prompt, last):
                if key in self._script:
                    return self._script[key]
            return None
        if callable(self._script):
            return self._script(request)
        self._given += 1
        return self._script[self._given - 1] if self._given <= len(self._script) else None
