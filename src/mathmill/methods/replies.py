"""Read a teacher's reply: find the labelled section, or say briefly why there is none.

Why: models wrap labels in bold, headings and quotes, forget them, chat afterwards, or
decline. All of that is met here once; nothing here raises anything but `Unusable`, and
every pattern runs in time linear in the reply.

Used as: `rewritten = section(text, "Rewritten problem", "改写后的题目")`.
"""

from __future__ import annotations

import re

from mathmill.teachers.declining import declines as declines

DETAIL = 600  # characters of a reply that a drop keeps: enough for a person to see what it was
LONGEST = 20_000  # characters of a reply that are read for sections: no problem comes near it

_CHATTER = re.compile(
    r"^\W{0,4}(?:(?:notes?|explanation|changes?(?: made)?|solution|answer|hint|check|reasoning)"
    r"[*_]{0,2}\s?:|this (?:new |revised |rewritten |rephrased )?(?:problem|version|rewrite)\b"
    r"|the (?:rewritten|rephrased|revised) (?:problem|version)\b|i (?:added|changed|replaced)\b"
    r"|i(?:'ve| have) (?:added|changed|replaced|kept|rewritten|rephrased)\b|(?:i )?hope th(?:is|at)"
    r"|let me know|please let me|feel free|step 1\b|here(?:'s| is) (?:the|a) (?:solution|answer)"
    r"|(?:注|说明|解释|解答|答案|解)[:：]|instruction:|response:)"
    r"|^(?:-{3,}|\*{3,})\s*$", re.IGNORECASE)
_MARKUP = r"[ \t>*_#`~-]{0,12}[\"“]?"  # prompts show the form in quotes, and some copy them
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "`": "`", "«": "»"}


class Unusable(Exception):
    """A reply of which no row can be made; becomes a `Drop` and never leaves `methods`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Give a short countable reason and what a person would want to see."""
        super().__init__(reason)
        self.reason = reason
        self.detail = detail[:DETAIL]


def clean(text: str) -> str:
    """Return text that every file can hold: no lone surrogates, one kind of line end."""
    whole = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
    return whole.replace("\r\n", "\n").replace("\r", "\n").strip()


def sections(text: str, *labels: str) -> dict[str, str]:
    """Return the text under each label that the reply holds, as it was written.

    A label counts at the start of a line, in any case, in bold or as a heading, followed
    by a colon or standing on its line alone. A label that comes twice counts the last time:
    models that plan aloud name their sections before they write them.
    """
    text = text[:LONGEST]
    # ASCII labels match in any case; the colon may stand inside or outside the bold marks.
    names = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    marks = re.compile(
        rf"^{_MARKUP}(?P<label>{names})[*_`]{{0,3}}[\"”]?(?:[ \t]?[:：][*_`]{{0,3}}|[ \t]*$)",
        re.IGNORECASE | re.MULTILINE)
    found = list(marks.finditer(text))
    ends = [mark.start() for mark in found[1:]] + [len(text)]
    known = {label.lower(): label for label in labels}
    return {known.get(mark["label"].lower(), labels[0]): _inside(mark, text[mark.end():end])
            for mark, end in zip(found, ends, strict=False)}


def _inside(mark: re.Match[str], body: str) -> str:
    """Return a section without the quote that closes one opened before its label."""
    body = body.strip()
    still_open = sum(sign in '"“”' for sign in mark.group()) == 1
    return body[:-1].rstrip() if still_open and body.endswith(('"', "”")) else body


def unwrap(text: str) -> str:
    """Return the section without chatter after it, quotes round it, or bold marks."""
    kept = []
    for line in text.split("\n"):
        if _CHATTER.match(line[:100]):
            break
        kept.append(line)
    whole = "\n".join(kept).strip()
    for _ in range(4):  # bold round quotes round bold: four layers are more than any seen
        before = whole
        for mark in ("**", "__"):
            if len(whole) > 4 and whole.startswith(mark) and whole.endswith(mark):
                whole = whole[2:-2].strip()
        closing = _QUOTES.get(whole[:1])
        if closing and len(whole) > 2 and whole.endswith(closing) and (
                closing not in whole[1:-1]):
            whole = whole[1:-1].strip()
        if whole == before:
            break
    return whole


def section(text: str, *labels: str) -> str:
    """Return the one section that was asked for, under any of its labels, unwrapped.

    Without a label, a reply that is one paragraph ending in a question mark is taken as the
    section itself: models that were told to write the problem only often do just that.
    Raises Unusable (`section missing`, `empty section`).
    """
    found = sections(text, *labels)
    for label in labels:
        if label in found:
            whole = unwrap(found[label])
            if not whole:
                raise Unusable("empty section", text)
            return whole
    bare = unwrap(text)
    if "\n\n" not in text and bare.endswith(("?", "？")):
        return bare
    raise Unusable("section missing", text)
