"""Find the final answer in a response: the last box, the last marked answer, or a number.

Why: everything after this compares two short strings; where the short string came from
decides more grades than how it is compared, so the finding says how it was found. Only the
tail of a response is read, and every pattern here runs in time linear in it.

Used as: `extract("... The answer is 5.")` -> `Extracted("5", "answer is")`.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

TAIL = 20_000  # characters of a response that are read: an answer stands at the end
LONGEST = 2_000  # characters of an answer: what is longer is no answer

_BRACES = re.compile(r"\\(?:boxed|fbox)[ ]{0,3}\{|\\.|[{}]", re.DOTALL)
_BARE_BOX = re.compile(r"\\boxed[ ]([^\s${}]{1,50})")
_MARKS = re.compile(
    r"(?P<says>answer[ ]{0,2}(?:is|are|[:：=])|(?:答案|结果)[ ]{0,2}(?:是|为|[:：]))"
    r"|^[ \t]{0,8}(?P<line>A)[ \t]{0,3}[:：]", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile(
    r"(?:(?<![\w)\]])[-−－])?(?:[$￥¥][-−－]?)?[0-9０-９]+(?:[,，][0-9]{3}(?![0-9]))*"
    r"(?:[.．][0-9０-９]+)?(?:/[0-9]+)?[%％]?")
_SENTENCE_END = re.compile(r"[.!?](?=[\s)\"”*]|$)|[。！？；]")
_AFTERTHOUGHT = re.compile(r",?[ ](?:which|because|since|so|where)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The answer that a response concludes with."""

    text: str | None
    "The answer; None where none was found or it is too long to be one."
    how: str
    "`boxed`, `####`, `answer is`, `A:`, `last number`, `nothing found` or `too long`."


def extract(text: str, *, guess: bool = True) -> Extracted:
    r"""Return the final answer of a response and how it was found.

    In order: the last balanced `\boxed{}` or `\fbox{}`; the text after the last `####`;
    after the last `The answer is`, `答案是`, `答案为`, `A:`; and, with `guess`, the last
    number. At most `TAIL` characters from the end are read.
    """
    tail = text[-TAIL:]
    for finder in (_boxed, _hashes, _marked):
        found = finder(tail)
        if found is not None:
            return _capped(found)
    if guess:
        number = last_match(_NUMBER, tail)
        if number is not None:
            return _capped(Extracted(number.group(), "last number"))
    return Extracted(None, "nothing found")


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the last match of a pattern in a text, in one pass."""
    last = deque(pattern.finditer(text), maxlen=1)
    return last[0] if last else None


def _capped(found: Extracted) -> Extracted:
    """Refuse an answer that is longer than any answer."""
    if found.text is not None and len(found.text) > LONGEST:
        return Extracted(None, "too long")
    return found


def _boxed(tail: str) -> Extracted | None:
    """Return the content of the last box whose braces close, in one pass over the text."""
    if "\\boxed" not in tail and "\\fbox" not in tail:
        return None
    opened: list[int] = []  # where the content of a box starts, or -1 for a plain brace
    last: tuple[int, int] | None = None
    for mark in _BRACES.finditer(tail):
        sign = mark.group()
        if sign == "{":
            opened.append(-1)
        elif sign == "}":
            start = opened.pop() if opened else -1
            if start >= 0:
                last = (start, mark.start())
        elif len(sign) > 2:
            opened.append(mark.end())
    if last is not None:
        return Extracted(tail[last[0]:last[1]].strip(), "boxed")
    bare = _BARE_BOX.findall(tail)
    return Extracted(bare[-1].rstrip(".,"), "boxed") if bare else None


def _hashes(tail: str) -> Extracted | None:
    """Return what follows the last `####` on its line (GSM8K's own ending)."""
    place = tail.rfind("####")
    if place < 0:
        return None
    line = tail[place + 4:].lstrip("# ").split("\n", 1)[0].strip()
    return Extracted(line, "####") if line else None


def _marked(tail: str) -> Extracted | None:
    """Return what follows the last phrase or line that announces an answer."""
    mark = last_match(_MARKS, tail)
    if mark is None:
        return None
    text = statement(tail[mark.end():])
    return Extracted(text, "answer is" if mark["says"] else "A:") if text else None


def statement(rest: str) -> str:
    r"""Return the first statement of the text that follows `The answer is`.

    One maths span (`$...$`, `\(...\)`, `\[...\]`) if it starts with one, else the first
    line up to the end of its sentence; marks of emphasis and the full stop are dropped.
    """
    rest = rest.lstrip(" \t\r\n:：*")
    for opening, closing in (("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"), ("$", "$")):
        if rest.startswith(opening):
            inside, found, after = rest[len(opening):].partition(closing)
            # `$5 to $6` is money, not a maths span: its second `$` comes before a digit.
            if found and "\n\n" not in inside and not after[:1].isdigit():
                tail = after.split("\n", 1)[0]
                if not _more_maths(tail):
                    return inside.strip()
            break
    line = rest.split("\n", 1)[0]
    for stop in (_SENTENCE_END, _AFTERTHOUGHT):
        end = stop.search(line)
        if end is not None:
            line = line[:end.start()]
    return line.strip(" \t*.")


def _more_maths(tail: str) -> bool:
    """Tell whether a list of maths spans goes on (`$1$, $2$ and $3$`) or a unit follows."""
    end = _SENTENCE_END.search(tail)
    return "$" in (tail[:end.start()] if end else tail)
