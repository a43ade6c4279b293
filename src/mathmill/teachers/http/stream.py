"""A streamed completion, put together again from its events.

Why: a server that streams shows that it is alive, so that a reply which stalls in its middle
is cut after seconds and not after the whole time of a call. Plain replies cost less to read.

Used as: `pieces = Pieces(); pieces.feed(chunk); pieces.whole()`.
"""

from __future__ import annotations

import json
from typing import Any

from mathmill.teachers.http.faults import TROUBLE, Fault

TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


class Pieces:
    """What has come of a stream so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.done = False
        self._rest = b""
        self._choices: dict[int, dict[str, Any]] = {}
        self._usage: Any = None
        self._error: Any = None

    def feed(self, data: bytes) -> None:
        """Take bytes as they come; raises Fault for an event that is no JSON."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue  # comments keep the line open; names of events say nothing more
            text = line[5:].strip()
            if text == b"[DONE]":
                self.done = True
            elif text:
                self._event(text)

    def whole(self) -> dict[str, Any]:
        """Return the completion as if it had come at once.

        Raises Fault where the stream ended before its end.
        """
        if self._error is not None:
            return {"error": self._error}
        finished = self._choices and all(c["finish_reason"] for c in self._choices.values())
        if not self.done and not finished:
            raise Fault(TROUBLE, "the stream ended in the middle of the reply")
        return {"choices": [self._choices[place] for place in sorted(self._choices)],
                "usage": self._usage}

    def _event(self, text: bytes) -> None:
        try:
            event = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Fault(TROUBLE, "Error: the stream holds an event that is no JSON") from error
        if not isinstance(event, dict):
            raise Fault(TROUBLE, "Error: the stream holds an event that is no object")
        self._usage = event.get("usage") or self._usage
        self._error = event.get("error") or self._error
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._add(choice)

    def _add(self, choice: dict[str, Any]) -> None:
        place = choice.get("index") or 0
        whole = self._choices.setdefault(
            place, {"index": place, "message": {}, "finish_reason": None, "logprobs": None})
        whole["finish_reason"] = choice.get("finish_reason") or whole["finish_reason"]
        delta = choice.get("delta")
        for name in TEXTS:
            piece = delta.get(name) if isinstance(delta, dict) else None
            if isinstance(piece, str):
                whole["message"][name] = whole["message"].get(name, "") + piece
        logprobs = choice.get("logprobs")
        tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
        if isinstance(tokens, list):
            kept = whole["logprobs"] or {"content": []}
            kept["content"] += tokens
            whole["logprobs"] = kept
