r"""Find the final answer in a response: what it declares, or what it ends on.

Why: everything after this compares two short strings; where the short string came from
decides more grades than how it is compared, so the finding says how it was found. Only the
tail of a response is read, and every pattern here runs in time linear in it.

Used as: `extract("... The answer is 5.")` -> `Extracted("5", "answer is")`;
`printed(stdout)` for what a program wrote.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from mathmill.grading import ending
from mathmill.grading.ending import DECLARES, last_line, last_match, statement

TAIL = 20_000  # characters of a response that are read: an answer stands at the end
LONGEST = 2_000  # characters of an answer: what is longer is no answer
# Ways of finding that rest on no claim of the response.
GUESSES = frozenset({"whole", "output", "bold", "last maths", "last number"})

# `\boxed` as models write it: escaped twice, or with the backspace that "\b" turns into.
_BOX = r"(?:\\{1,2}(?:boxed|fbox|framebox)|\x08oxed|(?<![A-Za-z\\])(?:boxed|fbox))"
_BRACES = re.compile(_BOX + r"\s{0,3}\{|\\.|[{}]", re.DOTALL)
_BARE_BOX = re.compile(_BOX + r"[ ]?(?<=[ d])([^\s${}\\,]{1,50})")
# Two boxes are one list where only `,`, `and`, `or` and a name (`x =`) stand between them.
_SPACING = re.compile(r"[\s$~{}]|\\[,;: ()\[\]]|\\q?quad(?![a-z])|\\text(?=\{)")
_JOIN = re.compile(r"(?:(?:[,;、，；&]|and|or|和|或|与|以及) ?){1,2}(?:\\?[A-Za-z]\w{0,7} ?= ?)?")
# A heading of the fourth level looks like GSM8K's mark, and most chat models write some.
_HEADING = re.compile(
    r"(?:step|part|case|solution|explanation|conclusion|verification|check|note|method|final|"
    r"summary|answer|problem|question|approach|calculat\w*|comput\w*|analysis|given|find\w*|"
    r"understanding|identify|set ?up|let|now|so|therefore|步骤|解|第|分析|结论|验证|计算|问题|"
    r"答案|总结|题目)|[0-9]{1,2}[.、)][ ]{0,2}[^\W\d]|.{0,80}[:：]\**$", re.IGNORECASE)
_TITLE = re.compile(r"[^\W\d]{1,30}(?:[ ]{1,3}[^\W\d]{1,30}){1,20}")  # a heading, if text follows
_HASHES = re.compile(r"####[# ]{0,12}")
# After `A:` a list of choices goes on, so it announces no answer.
_LETTERED = re.compile(r"[^\n]{0,300}\n[ \t\n]{0,8}\(?B\)?[ ]?[.:：)]")
_PLACEHOLDERS = frozenset({"", "answer", "your answer", "final answer", "...", "…", "\\ldots",
                           "\\text{answer}"})
_TAG = re.compile(r"</?answer>", re.IGNORECASE)
_APPROX = re.compile(r"\\approx(?![a-z])|≈|≒|\\simeq(?![a-z])|\\doteq(?![a-z])")
_CLAUSE = re.compile(r"(?:[,;]?[ ~]?\\(?:text|mbox|textrm)\{)?[ ,;]{1,3}"
                     r"(?:where|for (?:all|any|every|each|some))\b|[，,]?其中")
_NAME_ONLY = re.compile(r"[\s$]*(?:\\?[A-Za-z]{1,20}(?:_\{?\w{1,5}\}?)?)?[\s$]*")
_LABELLED = re.compile(r"[^=:：<>!]{0,60}+(?:[:：]|=(?!=))\s{0,9}(?=\S)")


@dataclass(frozen=True, slots=True)
class Extracted:
    """The answer that a response concludes with."""

    text: str | None
    "The answer; None where none was found or it is too long to be one."
    how: str
    """`boxed`, `####`, `<answer>`, `answer is`, `A:` where the response declares it; `whole`,
    `output`, `bold`, `last maths`, `last number` where it is what the response ends on;
    `nothing found` or `too long`."""


NOTHING = Extracted(None, "nothing found")


def extract(text: str, *, guess: bool = True) -> Extracted:
    r"""Return the final answer of a response and how it was found. Never raises.

    In order: the last `<answer>` tag; the last balanced `\boxed{}` or `\fbox{}` (several
    that only commas and `and` join are one list, `1, 2`); the text after the last `####`
    that is no heading; after the last `The answer is`, `Answer:`, `答案是`, `故选`, `A:`.
    With `guess`, what the response ends on: all of it where it is one word or formula, the
    last printed line of a closing output block, bold in its last line, and the last number
    with the formula it stands in. What follows `</think>` goes before what was thought.
    Only the last `TAIL` characters are read; more than `LONGEST` are no answer.
    """
    tail = text[-TAIL:]
    thought, closed, said = tail.rpartition("</think>")
    for part in (said, thought) if closed and said.strip() else (tail,):
        for finder in (_tagged, _boxed, _hashes, _marked):
            found = finder(part)
            if found is not None:
                return _capped(found)
        ends = ending.guess(part) if guess else None
        if ends is not None:
            return _capped(Extracted(*ends))
    return NOTHING


def printed(output: str) -> Extracted:
    """Return the answer in what a program printed: its last line, without a label.

    `Total: 5` and `x = 5` are the answer 5; the way is `output`.
    """
    line = last_line(output[-TAIL:])
    if not line:
        return NOTHING
    declared = _marked(line) or _boxed(line)
    if declared is not None and declared.text:
        return _capped(Extracted(declared.text, "output"))
    label = _LABELLED.match(line)
    if label is not None and line[:1].isalpha():
        line = line[label.end():]
    return _capped(Extracted(line, "output"))


def _capped(found: Extracted) -> Extracted:
    """Refuse an answer longer than any answer; keep the exact side of `1/3 ≈ 0.33`."""
    text = (found.text or "").strip()
    if len(text) > LONGEST:
        return Extracted(None, "too long")
    text = without_clause(text)
    near = _APPROX.search(text)
    if near is not None:
        exact = text[:near.start()].strip()
        text = text[near.end():].strip() if _NAME_ONLY.fullmatch(exact) else exact
    return Extracted(text, found.how) if text else found


def without_clause(text: str) -> str:
    """Return a formula without the clause that explains it: `2n+1, where n > 0`."""
    clause = _CLAUSE.search(text)
    before = text[:clause.start()].rstrip(" ,;") if clause else ""
    return before if any(sign in "=\\(" or sign.isdigit() for sign in before) else text


def _tagged(tail: str) -> Extracted | None:
    """Return what the last `<answer>` tag holds: the answer that it declares, or all of it."""
    if "answer>" not in tail.lower():
        return None
    start = end = -1
    for mark in deque(_TAG.finditer(tail), maxlen=4):
        if mark.group()[1] != "/":
            start, end = mark.end(), -1
        elif start >= 0:
            end = mark.start()
    inside = tail[start:end].strip() if 0 <= start <= end else ""
    if not inside:
        return None
    found = _boxed(inside) or _hashes(inside) or _marked(inside)
    return Extracted(found.text if found else inside, "<answer>")


def _boxed(tail: str) -> Extracted | None:
    """Return the content of the last box whose braces close, in one pass over the text.

    Boxes that are joined into one list (`_JOIN`) are returned joined by commas, each once.
    """
    if "boxed" not in tail and "fbox" not in tail and "\x08oxed" not in tail and (
            "framebox" not in tail):
        return None
    opened: list[tuple[int, int]] = []  # where a box and its content start; -1: plain brace
    boxes: list[tuple[int, int, int]] = []
    for mark in _BRACES.finditer(tail):
        sign = mark.group()
        if sign == "{":
            opened.append((-1, -1))
        elif sign == "}":
            whole, start = opened.pop() if opened else (-1, -1)
            # Of boxes in a box the innermost says it; an empty one says nothing.
            if start >= 0 and not (boxes and boxes[-1][0] >= start) and (
                    tail[start:mark.start()].strip().lower() not in _PLACEHOLDERS):
                boxes.append((whole, start, mark.start()))
        elif len(sign) > 2:
            opened.append((mark.start(), mark.end()))
    if not boxes:
        bare = last_match(_BARE_BOX, tail)
        return Extracted(bare[1].rstrip(".,"), "boxed") if bare else None
    contents = [tail[boxes[-1][1]:boxes[-1][2]].strip()]
    for before, after in zip(boxes[-2::-1], boxes[:0:-1], strict=False):
        gap = tail[before[2] + 1:min(after[0], before[2] + 62)]
        if len(gap) > 60 or not _JOIN.fullmatch(" ".join(_SPACING.sub(" ", gap).split())):
            break
        contents.insert(0, tail[before[1]:before[2]].strip())
    return Extracted(", ".join(dict.fromkeys(contents)), "boxed")


def _hashes(tail: str) -> Extracted | None:
    """Return what follows the last `####` on its line (GSM8K's ending), unless a heading."""
    if "####" not in tail:
        return None
    for mark in reversed(deque(_HASHES.finditer(tail), maxlen=20)):
        line = tail[mark.end():mark.end() + LONGEST + 1].split("\n", 1)[0].strip()
        bare = line.strip("*_ ")
        titled = _TITLE.fullmatch(bare) and tail[mark.end() + len(line):].strip()
        if bare and not titled and not _HEADING.match(bare):
            said = _marked(line)
            if said is None and (bare != line or line[0].isalpha()):
                said = Extracted(statement(line), "####")
            return Extracted(said.text if said and said.text else line, "####")
    return None


def _marked(tail: str) -> Extracted | None:
    """Return what follows the last phrase or line that announces an answer."""
    for mark in reversed(deque(DECLARES.finditer(tail), maxlen=8)):
        if mark["line"] and _LETTERED.match(tail, mark.end()):
            continue
        # One character over the longest, so that what is too long is seen to be.
        text = statement(tail[mark.end():mark.end() + LONGEST * 2])
        if text:
            return Extracted(text, "A:" if mark["line"] else "answer is")
    return None
