r"""What a student reads and what it writes: prose, the body of a program, or a whole function.

Why: a prompt in training must have the very text that it has in evaluation and in sampling,
so the three forms stand here once. `prose`: the chat template and the solution as it is.
`program`: the same prompt, so that any base model knows it, and the body of the program at
the margin. `function`: TinyGSM's own, no template at all: the head of a function with the
question as its docstring, and then its indented body.

Used as: `prompt(tokenizer, "How many?", "program")`; `target(sample.solution, "program")`.
"""

from __future__ import annotations

from typing import Any

from mathmill.decoding.prompts import render
from mathmill.errors import UsageError
from mathmill.programs import function_body, function_head, split_function

PROSE, PROGRAM, FUNCTION = "prose", "program", "function"
FORMS = (PROSE, PROGRAM, FUNCTION)


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
    return render(tokenizer, question, **switches)


def target(solution: str, form: str = PROSE) -> str:
    """Return the text that a student learns to write, the end token not included.

    Raises UsageError where a program is asked for and the solution is no function.
    """
    if form == PROSE:
        return solution.strip()
    body = split_function(solution)[1]
    return body if form == PROGRAM else function_body(body)
