r"""What a student reads and writes: prose, prose with code that is run, a program, a function.

Why: a prompt in training must have the very text that it has in evaluation and in sampling,
so the forms stand here once. `prose`: the chat template and the solution as it is. `tool`:
the question with a cue that code is wanted; the solution holds blocks of Python and what they
print (`mathmill.transcripts`). `program`: the prompt of prose, so that any base model knows it,
and the body of the program at the margin. `function`: TinyGSM's own, no template at all: the
head of a function with the question as its docstring, and then its indented body.

Used as: `prompt(tokenizer, "How many?", "program")`; `target(sample.solution, "program")`.
"""

from __future__ import annotations

from typing import Any

from mathmill.decoding.prompts import render
from mathmill.errors import UsageError
from mathmill.programs import function_body, function_head, split_function
from mathmill.transcripts import code

PROSE, PROGRAM, FUNCTION, TOOL = "prose", "program", "function", "tool"
FORMS = (PROSE, PROGRAM, FUNCTION, TOOL)
BY_ROW = "by_row"  # a training's only: `tool` for rows whose solution holds code, else `prose`
CUE = "\n\nSolve it with Python."  # in the question, so that any chat template takes it


def check_form(form: str) -> None:
    """Raise UsageError for a form that is not known."""
    if form not in FORMS:
        raise UsageError(f"form is {form!r}; it is one of {', '.join(FORMS)}")


def prompt(tokenizer: Any, question: str, form: str = PROSE, **switches: Any) -> str:
    """Return the text that a student reads before it answers, special tokens included.

    `switches` go to the chat template, which the form `function` has no use for.
    """
    if form == FUNCTION:
        return (tokenizer.bos_token or "") + function_head(question)
    return render(tokenizer, question + CUE if form == TOOL else question, **switches)


def target(solution: str, form: str = PROSE) -> str:
    """Return the text that a student learns to write, the end token not included.

    Raises UsageError where a program is asked for and the solution is no function, and where
    code is asked for and there is none in it.
    """
    if form == TOOL and form_of(solution) != TOOL:
        raise UsageError("this solution holds no ```python block")
    if form in (PROSE, TOOL):
        return solution.strip()
    body = split_function(solution)[1]
    return body if form == PROGRAM else function_body(body)


def form_of(solution: str) -> str:
    """Return `tool` for a solution with a block of Python, else `prose`."""
    return TOOL if "```" in solution and code(solution) else PROSE
