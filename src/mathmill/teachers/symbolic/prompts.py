"""Finds out what a prompt asks: the last `Task:` line and the text under the input headings.

Why: this teacher gets the very messages that any model gets; it must recognise the task by
reading, and nothing is passed to it on the side.

Used as: `asked = read_prompt(request)`; `asked.task`, `asked.fields["problem"]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mathmill.types import Request

_TASK = re.compile(r"^[ \t>*_#-]*Task[*_]*:[*_]*[ \t]*(.+?)[ \t*_]*$", re.M)
_HEADINGS = {
    "problem": ("Problem", "Reference problem", "题目", "问题", "参考题目"),
    "question": ("Question", "问句"),
    "answer": ("Answer", "答案"),
    "first": ("First problem",),
    "second": ("Second problem",),
}
_NAMES = "|".join(sorted((name for names in _HEADINGS.values() for name in names),
                         key=len, reverse=True))
_HEADING = re.compile(rf"^[ \t>*_#-]*({_NAMES})[ \t]*[*_]*[:：][*_]*[ \t]*", re.M)
_FIELD = {name: field for field, names in _HEADINGS.items() for name in names}


@dataclass(frozen=True)
class Asked:
    """What a prompt asks for."""

    task: str
    "The task line's text, without `Task:`; empty where there is none."
    fields: Mapping[str, str]
    "Text under each input heading: `problem`, `question`, `answer`; the last of each."


def read_prompt(request: Request) -> Asked:
    """Return task and inputs of the last user message; both may be empty."""
    text = last_turn(request)
    tasks = _TASK.findall(text)
    fields: dict[str, str] = {}
    marks = list(_HEADING.finditer(text))
    for place, mark in enumerate(marks):
        end = marks[place + 1].start() if place + 1 < len(marks) else len(text)
        body = text[mark.end():end].strip()
        if body:
            fields[_FIELD[mark[1]]] = body
    return Asked(" ".join(tasks[-1].split()) if tasks else "", fields)


def last_turn(request: Request) -> str:
    """Return the last user message, its line ends plain; empty where there is none."""
    turns = [message.content for message in request.messages if message.role == "user"]
    return turns[-1].replace("\r\n", "\n") if turns else ""


def variants(text: str) -> list[str]:
    """Return ways to take an input: whole, its first paragraph, its first line."""
    whole = " ".join(text.split())
    first = " ".join(re.split(r"\n[ \t]*\n", text, maxsplit=1)[0].split())
    return list(dict.fromkeys((whole, first, text.split("\n", 1)[0].strip())))
