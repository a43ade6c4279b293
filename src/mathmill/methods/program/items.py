"""Reads replies that hold several problems, or several problems with their programs.

Why: one call writes ten items, and models number them, fence them, put titles over them, lose
the end markers or break off in the middle; nine good items must not be lost for the tenth.
Everything is read line by line, in time linear in the reply.

Used as: `for item in read_items(text, cut): item.question, item.code`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mathmill.methods.replies import unwrap

LONGEST = 60_000  # characters of a reply that are read: ten items have a tenth of that
_EDGE = r"[ \t>*_#~-]{0,10}"
_CLOSE = (r"[ \t]{0,4}[*_]{0,3}[ \t]{0,4}(?:[:：.)\]、—–-][*_]{0,3}|(?=[*_]{0,3}[ \t]*$))"
          r"[*_]{0,3}[ \t]*")
_HEAD = re.compile(
    rf"^{_EDGE}(?:new |similar |math |word )?(?:problem|question|题目|问题)[ \t]?(?:#|no\.?[ ]?)?"
    rf"(?P<number>[0-9]{{1,3}})?{_CLOSE}(?P<rest>.*)$", re.IGNORECASE)
_NTH = re.compile(rf"^{_EDGE}第[ ]?(?P<number>[0-9]{{1,3}}|[一二三四五六七八九十]{{1,2}})[ ]?题"
                  r"[*_]{0,3}[:：.、]?[*_]{0,3}[ \t]*(?P<rest>.*)$")
_NUMBERED = re.compile(r"^[ \t*_#]{0,6}(?P<number>[0-9]{1,2})[*_]{0,2}[.)、．][*_]{0,3}"
                       r"(?:[ \t]+|(?=[^0-9\s]))(?P<rest>.*)$")
_PROGRAM = re.compile(
    rf"^{_EDGE}(?:the |its )?(?:python[ ]?)?(?:program|solution|code|程序|代码|解答|解法)"
    rf"(?:[ ](?:in |for )?[a-z]{{0,8}})?[ \t]?(?:[0-9]{{1,3}})?{_CLOSE}$", re.IGNORECASE)
_ENDS = r"end[ _-]{0,2}(?:of[ _-]{0,2})?(?:the )?"


def _marker(english: str, chinese: str) -> re.Pattern[str]:
    """Return the pattern of an end marker: in brackets anywhere, or bare on its own line."""
    body = (rf"(?:{_ENDS}(?:{english})|(?:{english})[ _-]{{0,2}}end|{chinese}结束|结束{chinese})"
            r"[ ]?[0-9]{0,3}")
    return re.compile(rf"[*_`]{{0,3}}[<\[(（【|]{{1,3}}[/ ]{{0,2}}{body}[ ]?[|)\]>）】]{{1,3}}"
                      rf"[*_`]{{0,3}}|^{_EDGE}{body}[*_.]{{0,3}}[ \t]*$",
                      re.IGNORECASE | re.MULTILINE)


END_PROBLEM = _marker("problem|question", "题目")
END_PROGRAM = _marker("program|code|solution", "程序")
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})")
_CODE_LINE = re.compile(r"^(?:def |import |from \w+ import |[a-z_]\w*[ ]?=[ ]?[^=])")


@dataclass(frozen=True, slots=True)
class Item:
    """A problem of a reply, and the text in which its program stands."""

    question: str
    "The problem's text; empty where it stands in the program, as a docstring."
    code: str
    "What came after it, without the end marker; empty where nothing did."
    torn: bool = False
    "Whether the reply broke off in it."


def read_items(text: str, cut: bool = False) -> list[Item]:
    """Return the problems of a reply with their programs, in order; `cut`: it broke off."""
    lines = _straight(text[:LONGEST])
    parts = _parts(lines) or _by_ends(lines)
    items = []
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        torn = cut and last and not any(END_PROGRAM.search(line) for line in part)
        item = _item(part)
        if item.question or item.code:
            items.append(Item(item.question, item.code, torn))
    return items


def read_questions(text: str, cut: bool = False) -> list[Item]:
    """Return the problems of a reply that holds problems only."""
    lines = _straight(text[:LONGEST])
    parts = _parts(lines)
    if not parts:
        parts = [block.split("\n") for block in re.split(
            r"\n[ \t]*\n", END_PROBLEM.sub("\n\n", "\n".join(lines)))
            if block.rstrip(" \t\"”*").endswith(("?", "？"))]
    items = []
    for place, part in enumerate(parts):
        question = _item(part).question  # without the program that some models add all the same
        if question:
            torn = cut and place == len(parts) - 1
            torn = torn and not any(END_PROBLEM.search(line) for line in part)
            items.append(Item(question, "", torn))
    return items


def _straight(text: str) -> list[str]:
    """Return the lines of a text with every fence closed before what cannot stand in it."""
    lines = text.split("\n")
    made: list[str] = []
    fenced = False
    idle = False  # whether the next fence closes one that an end marker has closed already
    for line in lines:
        if _FENCE.match(line):
            if idle:
                idle = False
                continue
            fenced = not fenced
        elif fenced and (END_PROGRAM.search(line) or _starts_in_fence(line)):
            made.append("```")
            fenced, idle = False, END_PROGRAM.search(line) is not None
        elif line.strip():
            idle = False
        made.append(line)
    return made


def _starts_in_fence(line: str) -> bool:
    """Tell whether a line begins the next problem though a fence is open: no comment does."""
    head = _HEAD.match(line)
    return head is not None and head["number"] is not None and not line.lstrip().startswith("#")


def _outside(lines: list[str]) -> list[bool]:
    """Return for each line whether it stands outside of fences."""
    flags, fenced = [], False
    for line in lines:
        fence = _FENCE.match(line) is not None
        flags.append(not fenced and not fence)
        fenced ^= fence
    return flags


def _parts(lines: list[str]) -> list[list[str]]:
    """Return the lines of each item, split where headings (or the numbers of a list) stand."""
    outside = _outside(lines)
    starts = [(place, head["rest"]) for place, line in enumerate(lines) if outside[place]
              and (head := _HEAD.match(line) or _NTH.match(line)) is not None]
    if not starts:
        wanted = 1
        for place, line in enumerate(lines):
            head = _NUMBERED.match(line) if outside[place] else None
            if head is not None and int(head["number"]) == wanted:
                starts.append((place, head["rest"]))
                wanted += 1
    if not starts:
        return []
    ends = [place for place, _ in starts[1:]] + [len(lines)]
    parts = [[_first(rest, lines[place + 1:end]), *lines[place + 1:end]]
             for (place, rest), end in zip(starts, ends, strict=True)]
    return [part for part in parts if any(line.strip(" \t*_#-") for line in part)]


def _first(rest: str, following: list[str]) -> str:
    """Return what stands beside a heading, but no title: `Problem 3: The bakery`."""
    title = (rest and len(rest.split()) <= 8 and not any(sign.isdigit() for sign in rest)
             and not rest.rstrip(" *_").endswith((".", "?", "!", "。", "？", ">", "）", ")")))
    after = next((line for line in following if line.strip()), "")
    return "" if title and len(after.split()) > 4 and not _FENCE.match(after) else rest


def _by_ends(lines: list[str]) -> list[list[str]]:
    """Return items that nothing announces: each ends with its marker, or with its fence."""
    outside = _outside(lines)
    marked = any(END_PROGRAM.search(line) for line in lines)
    parts: list[list[str]] = [[]]
    for place, line in enumerate(lines):
        parts[-1].append(line)
        closes = (_FENCE.match(line) and place + 1 < len(lines) and place > 0
                  and not outside[place - 1] and (outside[place + 1] or not lines[place + 1]))
        if END_PROGRAM.search(line) if marked else closes:
            parts.append([])
    return [part for part in parts if any(_FENCE.match(line) or END_PROGRAM.search(line)
                                          or _CODE_LINE.match(line) for line in part)]


def _item(lines: list[str]) -> Item:
    """Return question and code of one item's lines."""
    ended = next((place for place, line in enumerate(lines) if END_PROGRAM.search(line)), None)
    if ended is not None:
        lines = [*lines[:ended], END_PROGRAM.split(lines[ended], maxsplit=1)[0]]
    for place, line in enumerate(lines):
        mark = END_PROBLEM.search(line)
        if mark is not None:
            question = [*lines[:place], line[:mark.start()]]
            after = [line[mark.end():], *lines[place + 1:]]
            while after and (not after[0].strip() or _PROGRAM.match(after[0])):
                after.pop(0)
            return Item(_question(question), "\n".join(after).strip("\n"))
    for place, line in enumerate(lines):
        if _PROGRAM.match(line) and line.strip():
            return Item(_question(lines[:place]), "\n".join(lines[place + 1:]).strip("\n"))
        if _FENCE.match(line) or _CODE_LINE.match(line):
            return Item(_question(lines[:place]), "\n".join(lines[place:]).strip("\n"))
    return Item(_question(lines), "")


def _question(lines: list[str]) -> str:
    """Return a problem's text without the marks round it."""
    text = unwrap("\n".join(line.rstrip() for line in lines).strip())
    return unwrap(re.sub(r"\n{2,}", "\n", text.strip(" \t\n-")))
