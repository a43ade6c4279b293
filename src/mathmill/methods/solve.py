"""Solve: ask for a worked solution and bring it to the one ending that training uses.

Why: the strict grader of the papers, and every student trained here, look for a last line
`The answer is X`; teachers write boxes, hashes and bold. One place makes them equal.

Used as: `solve_request(question, "en", sample=3)`, then `finish_solution(reply.text)`.
"""

from __future__ import annotations

import re
from itertools import islice

from mathmill.grading.answers import extract
from mathmill.methods.prompt import load
from mathmill.methods.replies import clean
from mathmill.types import Message, Request

ENDING = "The answer is "

# The ending sentence in any dress; what follows it on its line is the answer.
_ENDING = re.compile(r"[*_#> \t]{0,8}(?:so,? |thus,? |therefore,? |hence,? )?"
                     r"the (?:final )?answer is\b", re.IGNORECASE)
# A model that does not stop goes on with a next problem of its own.
_NEXT = re.compile(r"\n[ \t]*(?:#{1,4}[ ]?)?(?:problem|question|instruction|response|task|user"
                   r"|assistant|题目|问题)[ ]?[0-9]{0,3}[ ]?[:：]", re.IGNORECASE)
_BARE = re.compile(r"^(?:\*\*|\$\$?|\\\(|\\\[)(.{1,200}?)(?:\*\*|\$\$?|\\\)|\\\])$")


def solve_request(question: str, language: str = "en", sample: int = 0,
                  temperature: float = 0.7, max_tokens: int = 1024) -> Request:
    """Return the request for one worked solution of `question`."""
    return load("solve", language).request({"problem": question}, sample=sample,
                                           temperature=temperature, max_tokens=max_tokens)


def question_request(question: str, language: str = "en", sample: int = 0,
                     temperature: float = 0.7, max_tokens: int = 1024) -> Request:
    """Return the request of the bare question: how a student is asked that was trained on rows."""
    del language
    return Request((Message("user", question),), temperature, max_tokens, sample=sample,
                   prompt="question@1")


def find_answer(text: str) -> str | None:
    """Return the answer that a text states outright, or None.

    A text whose only candidate is its last number states nothing: that is a guess, which a
    grader may make about a student but which must not become training data.
    """
    found = extract(text, guess=False).text
    if found is None:
        return None
    found = " ".join(clean(found).split())
    bare = _BARE.match(found)
    found = (bare.group(1) if bare else found).strip(" *_")
    return found or None


def finish_solution(text: str) -> tuple[str, str] | None:
    """Return (solution ending in the line `The answer is X`, X), or None without an answer.

    Chatter after the ending sentence is cut away, and so is a next problem that a model puts
    to itself; a solution that states its answer in
    another form (a box, `####`, `答案是`) gets the line added. GSM8K's own `#### X` line is
    replaced by it.
    """
    text = clean(text)
    for following in islice(_NEXT.finditer(text), 50):  # each one reads the text before it
        if find_answer(text[:following.start()]) is not None:
            text = text[:following.start()].rstrip()
            break
    answer = find_answer(text)
    if answer is None or answer == "X":  # X is the prompt's own place for the answer
        return None
    endings = list(_ENDING.finditer(text))
    body = text
    if endings and find_answer(text[endings[-1].start():].split("\n\n", 1)[0]) == answer:
        body = text[:endings[-1].start()]
    else:
        lines = text.split("\n")
        if lines[-1].lstrip().startswith("####"):
            body = "\n".join(lines[:-1])
    body = body.rstrip()
    line = ENDING + answer
    return (f"{body}\n{line}" if body else line), answer
