r"""A solution that computes: words, blocks of Python, and what they print, in turn.

Why: JiuZhang3.0's tool solutions are told in three voices, and each reader wants another: the
student learns words and code, the sandbox runs the code, a check holds the output against
it. Where each piece stands is decided here once, in one pass over the lines.

Used as: `parts("So:\n```python\nprint(2)\n```\n```output\n2\n```\nIt is 2.")` -> words, python,
output, words; `code(text)` -> `["print(2)"]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS, PYTHON, OUTPUT = "words", "python", "output"
OPEN_PYTHON, OPEN_OUTPUT, CLOSE = "```python\n", "```output\n", "```"

_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})[ \t]*([A-Za-z0-9_+#.-]{0,20})[ \t]*$")
_PYTHON = frozenset({"python", "py", "python3", "py3"})
_OUTPUT = frozenset({"output", "out", "stdout", "result"})
_TAG = re.compile(r"[ \t]*<(/?)llm-code(-output)?>[ \t]*\n?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a solution."""

    kind: str
    "`words`, `python` or `output`."
    text: str
    "The words, or what stands inside the fence, without the line ends round it."
    start: int
    "Where the piece begins in the solution, its fence included."
    end: int
    "Where it ends, its closing fence and line end included."
    closed: bool = True
    "Whether its fence is closed; words always are."


def parts(text: str) -> list[Part]:
    r"""Return the pieces of a solution (`\n` line ends) in order; together they are all of it.

    Fences in other languages, or in none, are words. A fence that is never closed runs to
    the end. Time is linear in the text.
    """
    found: list[Part] = []
    kind, mark, begin, inside = WORDS, "", 0, 0
    place = 0
    for line in text.split("\n"):
        after = min(place + len(line) + 1, len(text))
        fence = _FENCE.match(line) if len(line) <= 40 else None
        if mark:
            if fence is not None and not fence[2] and fence[1][0] == mark[0] and len(
                    fence[1]) >= len(mark):
                if kind != WORDS:
                    found.append(_part(kind, text, begin, inside, place, after))
                    begin = inside = after
                kind, mark = WORDS, ""
        elif fence is not None:
            mark, kind = fence[1], _kind(fence[2])
            if kind != WORDS:
                if text[begin:place].strip():
                    found.append(_part(WORDS, text, begin, begin, place, place))
                elif found:  # blank lines belong to the piece before them
                    last = found.pop()
                    found.append(Part(last.kind, last.text, last.start, place, last.closed))
                begin, inside = (place if found else 0), after
        place = after
    if kind != WORDS:
        found.append(_part(kind, text, begin, inside, place, place, closed=False))
    elif text[begin:].strip() or not found:
        found.append(_part(WORDS, text, begin, begin, place, place))
    elif begin < place:
        last = found.pop()
        found.append(Part(last.kind, last.text, last.start, place, last.closed))
    return found


def code(text: str) -> list[str]:
    """Return the blocks of Python of a solution, in order."""
    return [part.text for part in parts(text) if part.kind == PYTHON]


def fenced(text: str) -> str:
    """Return a solution with the tags of OpenMathInstruct-1 (`<llm-code>`) written as fences."""
    def fence(tag: re.Match[str]) -> str:
        opened = OPEN_OUTPUT if tag[2] else OPEN_PYTHON
        begins = not tag.start() or text[tag.start() - 1] == "\n"
        return ("" if begins else "\n") + (f"{CLOSE}\n" if tag[1] else opened)

    return _TAG.sub(fence, text)


def _kind(language: str) -> str:
    """Return what a fence with this language holds; words for what is no code of ours."""
    name = language.lower()
    return PYTHON if name in _PYTHON else OUTPUT if name in _OUTPUT else WORDS


def _part(kind: str, text: str, begin: int, inside: int, close: int, end: int,
          closed: bool = True) -> Part:
    """Return the piece between two places, its inside between two others."""
    body = text[inside:close]
    return Part(kind, body.strip() if kind == WORDS else body.strip("\n"), begin, end, closed)
