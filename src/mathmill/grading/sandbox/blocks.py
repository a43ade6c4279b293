r"""Find the Python in what a model wrote: fences, prompts, prose around it, a missing end.

Why: a program that is not found is a row lost, and prose that is taken for code is an error
that the model did not make. Text is only parsed here (`ast`), never compiled or run; a source
longer than `SOURCE` is not even parsed, so that no depth of nesting can reach the C stack.

Used as: `blocks("Sure:\n```python\nprint(2)\n```")` -> `["print(2)"]`, then `parsed(block)`.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
import warnings
from functools import lru_cache

SOURCE = 20_000  # characters: `Limits.source`; engines refuse what is longer
PYTHON = {"", "python", "py", "python3", "py3", "pycon", "ipython", "python-repl", "tool_code"}

_TAGS = re.compile(r"</?(?:llm-code|code|pre)>|\[/?PYTHON\]", re.IGNORECASE)
_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*([\w+#.-]*)")
_SPACES = str.maketrans({**dict.fromkeys("\u00a0\u1680\u2007\u2009\u202f\u205f\u3000", " "),
                         **dict.fromkeys("\ufeff\u200b\u200c\u200d\u2060", None)})
_CODE = re.compile(
    r"(?:async[ ]+)?def[ ]+\w+[ ]*\(|class[ ]+\w+|import[ ]+\w|from[ ]+[\w.]+[ ]+import[ ]|@\w|#"
    r"|print[ ]*\(|(?:for|while|if|elif|else|with|try|except|finally|return|assert)\b[^\n]*:?"
    r"|[A-Za-z_]\w*(?:[ ]*,[ ]*[A-Za-z_]\w*)*[ ]*(?::[ ]*\w+[ ]*)?(?:=(?!=)|[-+*/%]=|//=|\*\*=)")
_BUILTINS = set(dir(builtins))
TRIES = 24  # cuts tried in one text: each parses what is left once more
STARTS = 6  # lines at which code may begin in a text without fences


def cleaned(text: str) -> str:
    r"""Return the text with `\n` line ends and plain spaces, without zero-width characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_SPACES)


@lru_cache(maxsize=16)  # a text is looked at several times in a row: x2 in programs a second
def parsed(code: str) -> ast.Module | None:
    """Return the syntax tree, or None where there is none that Python would accept."""
    if len(code) > SOURCE:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in docstrings are no concern here
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def blocks(text: str) -> list[str]:
    """Return the pieces of a cleaned text that may be Python, in order.

    Fenced pieces (backticks, tildes, `<llm-code>`, `[PYTHON]`) where there are any: those in
    Python or without a language; an unclosed fence runs to the end. Without fences: the
    text itself, or what of it parses. Prompts (`>>>`) are taken off with what they printed.
    """
    if "<" in text or "[" in text:
        text = _TAGS.sub(lambda tag: "\n```\n" if "/" in tag[0] else "\n```python\n", text)
    if "```" in text or "~~~" in text:
        found = [straightened(block) for block in _fenced(text)]
        found = [block for block in found if block.strip()]
        if found:
            return found
        text = "\n".join(line for line in text.split("\n") if not _FENCE.match(line.strip()))
    text = straightened(text)
    if parsed(text) is not None or len(text) > SOURCE:
        return [_without_words(text)] if text.strip() else []
    return _in_prose(text)


def straightened(block: str) -> str:
    """Return a block without prompts and common indentation; mixed tabs become four spaces."""
    if ">>>" in block and re.search(r"^[ \t]*>>>(?: |$)", block, re.MULTILINE):
        lines = [line.strip("\n").lstrip() for line in block.split("\n")]
        block = "\n".join(line[4:] for line in lines if line.startswith((">>>", "...")))
    code = textwrap.dedent(block).strip("\n")
    if "\t" in code and parsed(code) is None:
        code = "\n".join(_untabbed(line) for line in code.split("\n"))
    return code


def looks_like_code(line: str) -> bool:
    """Tell whether a line begins as statements do."""
    return _CODE.match(line) is not None


def bound_names(tree: ast.Module) -> set[str]:
    """Return the names that a block leaves behind."""
    names = {node.id for node in ast.walk(tree)
             if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def free_names(tree: ast.Module) -> set[str]:
    """Return the names that a block uses and nobody in it binds."""
    used = {node.id for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return used - own - bound_names(tree) - _BUILTINS


def _untabbed(line: str) -> str:
    body = line.lstrip(" \t")
    return line[:len(line) - len(body)].expandtabs(4) + body


def _fenced(text: str) -> list[str]:
    """Return the contents of the fences that are in Python or in no named language."""
    found: list[str] = []
    inside: list[str] | None = None
    mark = language = ""

    def close() -> None:
        if inside is not None and language.lower() in PYTHON:
            found.append("\n".join(inside))

    for line in text.split("\n"):
        if inside is None:
            fence = _FENCE.search(line)
            if fence is not None and not line[fence.end():].count(fence[1]):
                mark, language, inside = fence[1], fence[2], []
                rest = line[fence.end():].strip()
                if rest and looks_like_code(rest):  # "```python x = 1": code beside the fence
                    inside.append(rest)
        elif (place := line.find(mark)) >= 0 and not line[place:].strip(mark[0] + " \t"):
            if line[:place].strip():
                inside.append(line[:place])
            close()
            inside = None
        else:
            inside.append(line)
    close()
    return found


def _in_prose(text: str) -> list[str]:
    """Return the code of a text without fences: what parses from a line that begins as code.

    Where code breaks off in the middle (a reply cut short), the whole rest is returned: it
    fails as it stands, which is the truth about it, and nothing is guessed.
    """
    lines = text.split("\n")
    found, begin, started = [], 0, 0
    while begin < len(lines) and started < STARTS:
        if not looks_like_code(lines[begin]):
            begin += 1
            continue
        started += 1
        kept = _parsing_part(lines[begin:])
        code = "\n".join(lines[begin:begin + kept]).strip("\n")
        rest = [line for line in lines[begin + kept:] if line.strip()]
        if rest and (looks_like_code(rest[0].strip()) or rest[0][:1].isspace()):
            found.append("\n".join(lines[begin:]).rstrip())  # torn: left as it is
            break
        if code and not _only_comments(code):
            found.append(_without_words(code))
        begin += max(kept, 1)
    return [code for code in found if code.strip()]


def _parsing_part(lines: list[str]) -> int:
    """Return how many of the lines, from the first, parse together."""
    end = len(lines)
    for _ in range(TRIES):
        code = "\n".join(lines[:end])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(code)
            return end
        except SyntaxError as error:
            end = min((error.lineno or end) - 1, end - 1)
        except (ValueError, RecursionError, MemoryError):
            return 0
        if end <= 0:
            return 0
    return 0


def _only_comments(code: str) -> bool:
    return all(not line.strip() or line.startswith("#") for line in code.split("\n"))


def _without_words(code: str) -> str:
    """Drop lines at the end that parse by accident: `Done`, `Answer: 42`."""
    lines = code.split("\n")
    while lines:
        tree = parsed("\n".join(lines))
        last = tree.body[-1] if tree is not None and tree.body else None
        word = isinstance(last, ast.Expr) and isinstance(last.value, ast.Name)
        note = isinstance(last, ast.AnnAssign) and last.value is None
        if last is None or len(tree.body) < 2 or not (word or note):  # type: ignore[union-attr]
            break
        if word and any(isinstance(node, ast.Name) and node.id == last.value.id  # type: ignore[attr-defined]
                        and isinstance(node.ctx, ast.Store) for node in ast.walk(tree)):  # type: ignore[arg-type]
            break
        lines = lines[:last.lineno - 1]
    return "\n".join(lines)
