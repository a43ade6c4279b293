"""What votes on a row ask for and read: worked solutions in words, and programs.

Why: TinyGSM filters by no agreement of programs and says why; whether it should is a study,
and the programs that vote are asked by the prompt that wrote the rows of its two-step route.

Used as: `prompts, tools = voting(["programs_agree(4)"])`, by the verb `verify`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mathmill.methods.prompt import identities, load
from mathmill.methods.replies import Unusable
from mathmill.methods.solve import solve_request
from mathmill.programs import make_function
from mathmill.types import Request

PROGRAM = "program/write"


def voting(by: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the identities of the prompts by which these checks ask, and the stage's tools."""
    tools: dict[str, Any] = {"solve_request": solve_request}
    if not any(check.startswith("programs_agree") for check in by):
        return identities("solve"), tools
    return identities("solve", PROGRAM), {**tools, "program_request": program_request,
                                          "read_program": read_program}


def program_request(question: str, language: str = "en", sample: int = 0,
                    temperature: float = 0.7, max_tokens: int = 1024) -> Request:
    """Return the request for one program that solves `question`."""
    from mathmill.methods.program.routes import END

    asked = load(PROGRAM, language).request({"problem": question}, sample=sample,
                                           temperature=temperature, max_tokens=max_tokens)
    return replace(asked, stop=(END,))


def read_program(question: str, text: str) -> str | None:
    """Return the function of a reply, as rows store it; None where it holds no program."""
    from mathmill.methods.program.code import body_of

    try:
        return make_function(question, body_of(text))
    except Unusable:
        return None
