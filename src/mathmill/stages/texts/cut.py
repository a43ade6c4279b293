"""Cutting a document into snippets: where, and how much of it, by its kind.

Why: what a teacher sees decides what it writes. The cuts are JiuZhang3.0's: the first 1,000
characters of a page or an article, of each LaTeX section of a paper, of each `## ` heading of
a book, of a thread's question and of its answer; for tools the first 2,000 characters of the
document, back to the last end of a sentence or line.

Used as: `for part, title, text in pieces(document, "prose", 1_000): ...`
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator

from mathmill.errors import UsageError
from mathmill.stages.texts.fields import Document

CUTS = {"prose": 1_000, "tool": 2_000, "all": 1_000}
"Ways to cut, with the characters of a snippet where the recipe does not say."
AHEAD = 1.25  # raw text that is mended to fill a snippet, of its length; more where blanks are many

# Bounded, so that no text makes them look at the same signs again and again.
_SECTION = re.compile(r"\\section\*?\s{0,9}(?:\[[^\]]{0,300}\])?\s{0,9}"
                      r"\{((?:[^{}]|\{[^{}]{0,300}\}){0,600})\}")
_HEADING = re.compile(r"^##[ \t]+(\S.*)$", re.MULTILINE)
_BEGIN = re.compile(r"\\begin\s{0,9}\{document\}")
_END = re.compile(r"\\end\s{0,9}\{document\}|\\bibliography\s{0,9}\{"
                  r"|\\begin\s{0,9}\{thebibliography\}")
_COMMENT = re.compile(r"(?<!\\)%.*\n?")
_SENTENCE = re.compile(r"[.!?][)\"'’”]?(?=\s)|[。！？](?:\s|)|\n|[.!?][)\"'’”]?$")

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_ODD_BLANK = re.compile(r"[^\S\n \t]")
_BLANKS = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)|(?<=\S)\t")
_TRAILING = re.compile(r"(?<![ \t])[ \t]+\n")  # each run is tried once, however long
_GAPS = re.compile(r"\n{3,}")


def mended(text: str) -> str:
    """Return text in Unicode NFC with plain line ends, single blanks and no control signs.

    Blanks at the start of a line stay: they may be a table, a list or code.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
        text = _ODD_BLANK.sub(" ", unicodedata.normalize("NFC", text))
    text = _CONTROL.sub("", text)
    text = _TRAILING.sub("\n", _BLANKS.sub(" ", text))
    return _GAPS.sub("\n\n", text).strip()


def pieces(document: Document, how: str, characters: int) -> Iterator[tuple[int, str | None, str]]:
    """Yield (number, heading, text) of the snippets of a document, mended, in its order.

    `how`: `prose` and `tool` as the paper; `all` goes on through the document in pieces that
    end with a sentence or line. `characters`: most of a snippet (of question and of answer
    each in a thread cut as prose). Snippets may be too short to be of use, or empty.
    """
    assert how in CUTS, how
    if how == "tool":
        start, end = _body(document)
        whole = "\n\n".join(filter(None, (document.text[start:end], document.answer)))
        yield 0, document.title, backed(*_head(whole, characters))
    elif document.answer is not None:
        asked, said = (_head(part, characters)[0] for part in (document.text, document.answer))
        yield 0, document.title, f"{asked}\n\n{said}".strip()
    else:
        number = 0
        for title, start, end in sections(document):
            for text in (_head(document.text[start:end], characters)[:1] if how == "prose"
                         else _consecutive(document.text[start:end], characters)):
                yield number, title or document.title, text
                number += 1


def sections(document: Document) -> Iterator[tuple[str | None, int, int]]:
    """Yield heading, start and end of the parts into which a document's kind divides it.

    What stands before the first heading is a part too. Without headings there is one part.
    """
    text, title, (start, end) = document.text, None, _body(document)
    pattern = {"paper": _SECTION, "book": _HEADING}.get(document.kind)
    for found in pattern.finditer(text, start, end) if pattern else ():
        if text[start:found.start()].strip():
            yield title, start, found.start()
        title, start = mended(found.group(1)).rstrip(" \t#")[:200] or None, found.end()
    yield title, start, end


def _body(document: Document) -> tuple[int, int]:
    """Return where the body of a document begins and ends: of LaTeX, without its preamble."""
    if document.kind != "paper":
        return 0, len(document.text)
    begin, last = _BEGIN.search(document.text), _END.search(document.text)
    start = begin.end() if begin else 0
    return start, last.start() if last and last.start() > start else len(document.text)


def uncommented(latex: str) -> str:
    """Return LaTeX without its comments."""
    return _COMMENT.sub("", latex)


def backed(text: str, cut_off: bool = True) -> str:
    """Return text back to its last end of a sentence or line, where it was cut off.

    A text without any such end stays as it is.
    """
    if not cut_off:
        return text
    last = 0
    for found in _SENTENCE.finditer(text):
        last = found.end()
    return text[:last].rstrip() if last else text


def _head(raw: str, characters: int) -> tuple[str, bool]:
    """Return the first characters of a mended text, and whether there were more.

    Of a document of megabytes only so much is mended as is looked at.
    """
    looked = math.ceil(AHEAD * characters)
    while True:
        text = mended(raw[:looked])
        if len(text) > characters:
            return text[:characters].rstrip(), True
        if looked >= len(raw):
            return text, False
        looked *= 4


def _consecutive(raw: str, characters: int) -> Iterator[str]:
    """Yield a text in pieces that end with a sentence or line (or a word, where none ends)."""
    text, start = mended(raw), 0
    while start < len(text):
        piece = text[start:start + characters]
        if start + characters < len(text):
            ended = backed(piece)
            piece = (ended if len(ended) * 4 >= characters and ended != piece
                     else piece.rpartition(" ")[0] or piece)
        yield piece.strip()
        start += len(piece)


def check(how: str, characters: int | None) -> int:
    """Return the characters of a snippet; raises UsageError for a cut that there is not."""
    if how not in CUTS:
        raise UsageError(f"cut={how!r}: say one of {', '.join(CUTS)}")
    if characters is not None and characters < 1:
        raise UsageError(f"characters={characters} leaves nothing of a text; give 1 or more")
    return characters or CUTS[how]
