r'''A problem and its program as one Python function, as TinyGSM stores them, and as a chat.

Why: the paper keeps each row as a function whose docstring is the question and whose body
returns the result; a student reads the question and writes the body alone. Both forms are
made from each other here and nowhere else, so that no character is lost on the way: quotes,
backslashes and line ends of the question, strings over several lines in the body.

Used as: `make_function("How many?", "riders = 8 * 2\nresult = riders + 23")` ->
`def simple_math_problem() -> int|float:\n    """\n    How many?\n    """\n    riders = ...`;
`split_function(text)` -> `(question, body)`; `to_chat(sample)`, `from_chat(messages)`.
'''

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Mapping, Sequence

from mathmill.errors import UsageError
from mathmill.types import Sample, problem_id, sample_id

NAME = "simple_math_problem"
CALL = f"{NAME}()"
INDENT = "    "
RETURN = "return result"
_HEAD = f"def {NAME}() -> int|float:\n"
_OPEN, _CLOSE = f"\n{INDENT}", f"\n{INDENT}"
_RETURNS = re.compile(r"return\b")
_FENCED = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL | re.IGNORECASE)


def make_function(question: str, body: str) -> str:
    """Return the paper's function: the question as docstring, the body, the result returned.

    `body`: statements at the margin (or indented alike) that assign `result`; where the last
    line is no `return` of its own, `return result` is added. A body that is no Python gives a
    function that is none either. Never raises.
    """
    return function_head(question) + function_body(body)


def function_head(question: str) -> str:
    """Return the function down to the end of its docstring, with the line end after it."""
    text = _OPEN + question.replace("\n", f"\n{INDENT}") + _CLOSE
    return f'{_HEAD}{INDENT}"""{_escaped(text)}"""\n'


def function_body(body: str) -> str:
    """Return a body as it stands in the function: indented, its result returned, no line end."""
    body = tidy(body)
    lines, inside = body.split("\n"), _inside_strings(body)
    if not _RETURNS.match(lines[-1]) or len(lines) - 1 in inside:
        lines = [*lines, RETURN] if body else [RETURN]
    return "\n".join(line if number in inside or not line else INDENT + line
                     for number, line in enumerate(lines))


def split_function(text: str) -> tuple[str, str]:
    """Return question and body of a function in the paper's form: the inverse of `make_function`.

    The body stands at the margin and ends by assigning `result`: the last `return` is turned
    into that. Imports above the function become the body's first lines. The function is the one
    of the paper's name, else the last; without a docstring the question is empty. Raises
    UsageError where there is no function that Python can read.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"no Python function ({error}); give a whole one") from error
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not found:
        raise UsageError(f"no function in the text; the form is `def {CALL}: ...`")
    function = next((node for node in reversed(found) if node.name == NAME), found[-1])
    question, statements = ast.get_docstring(function, clean=False), function.body
    lines = text.split("\n")
    imports = [line for node in tree.body[:tree.body.index(function)]
               if isinstance(node, ast.Import | ast.ImportFrom)
               for line in lines[node.lineno - 1:node.end_lineno]]
    code = statements[question is not None:]
    start = statements[0].end_lineno or 0
    if code:  # what stands between docstring and code is comments: they stay
        if question is None:
            start = code[0].lineno - 1
            while not lines[start - 1].strip() or lines[start - 1].lstrip().startswith("#"):
                start -= 1
        if lines[code[0].lineno - 1].encode()[:code[0].col_offset].strip():
            raise UsageError("the function's body begins on another's line; put it below")
    body = _result_assigned(lines[start:function.end_lineno], code, start)
    return _plain(question or ""), tidy("\n".join([*imports, tidy("\n".join(body))]))


def tidy(body: str) -> str:
    """Return a body at the margin: Unix line ends, no empty lines around, no idle spaces.

    The indentation of the first line is taken off every line that has it; what stands inside
    a string over several lines is left alone.
    """
    lines = body.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    while len(lines) > 1 and not lines[0].strip():
        del lines[0]
    margin = lines[0][:len(lines[0]) - len(lines[0].lstrip())]
    if not margin and all(lines):
        return "\n".join(lines)
    inside = _inside_strings("\n".join(lines))
    return "\n".join(line if number in inside else
                     line.removeprefix(margin) if line.strip() else ""
                     for number, line in enumerate(lines))


def to_chat(sample: Sample) -> list[dict[str, str]]:
    """Return a program row as a conversation: the question, then the body that answers it.

    Raises UsageError where the row's solution is no function.
    """
    return [{"role": "user", "content": sample.question},
            {"role": "assistant", "content": split_function(sample.solution)[1]}]


def from_chat(messages: Sequence[Mapping[str, str]], method: str = "program.chat") -> Sample:
    """Return a conversation's last question and answer as a program row, not yet run.

    The answer is a body or a whole function, in a fence or not; the last fenced block counts.
    Raises UsageError where a user's turn followed by an assistant's is missing.
    """
    turns = [turn for turn in messages if turn.get("role") in ("user", "assistant")]
    if len(turns) < 2 or [turn["role"] for turn in turns[-2:]] != ["user", "assistant"]:
        raise UsageError("a chat needs a user's turn with the question and then an "
                         "assistant's with the program")
    question, answer = turns[-2]["content"], turns[-1]["content"]
    fenced = _FENCED.findall(answer)
    body = fenced[-1] if fenced else answer
    if f"def {NAME}" in body:
        body = split_function(body)[1]
    solution, problem = make_function(question, body), problem_id(question)
    return Sample(id=sample_id(question, solution), question=question, solution=solution,
                  answer=None, expected=None, seed=problem, parent=problem, method=method)


def _inside_strings(text: str) -> set[int]:
    """Return the lines (from 0) that begin inside a string: their spaces belong to its value."""
    inside: set[int] = set()
    if not any(sign in text for sign in ('"""', "'''", "\\\n")):
        return inside  # nearly all programs: the tokenizer takes 50 us a line
    strings = []  # where f-strings that are still open began (they are many tokens from 3.12 on)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "STRING":
                inside.update(range(token.start[0], token.end[0]))
            elif kind == "FSTRING_START":
                strings.append(token.start[0])
            elif kind == "FSTRING_END":
                inside.update(range(strings.pop(), token.end[0]))
    except (tokenize.TokenError, SyntaxError):
        pass  # no Python: what was read so far counts
    return inside


def _result_assigned(body: list[str], code: Sequence[ast.stmt], start: int) -> list[str]:
    """Return the body's lines with the last `return` dropped or made an assignment."""
    last = code[-1] if code else None
    if not isinstance(last, ast.Return) or last.value is None:
        return body
    place = last.lineno - 1 - start
    if isinstance(last.value, ast.Name) and last.value.id == "result":
        return [*body[:place], body[place].encode()[:last.col_offset].decode()]
    body = list(body)
    line = body[place].encode()
    body[place] = (line[:last.col_offset] + line[last.col_offset:].replace(
        b"return", b"result =", 1)).decode()
    return body


def _plain(docstring: str) -> str:
    """Return the question of a docstring: as `function_head` lays it out, else tidied."""
    body = docstring[len(_OPEN):-len(_CLOSE)]
    if (docstring.startswith(_OPEN) and docstring.endswith(_CLOSE)
            and len(docstring) >= len(_OPEN) + len(_CLOSE)
            and all(line.startswith(INDENT) for line in body.split("\n")[1:])):
        return body.replace(f"\n{INDENT}", "\n")
    return inspect.cleandoc(docstring)


def _escaped(text: str) -> str:
    """Return a text as it may stand between three quotes: one to one, whatever it holds."""
    text = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return "".join(c if c.isprintable() or (c.isspace() and c not in "\r\f") else c.encode(
        "unicode_escape", "surrogatepass").decode() for c in text)
