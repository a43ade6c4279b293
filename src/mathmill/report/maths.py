r"""Text with formulas, as it may be shown: LaTeX becomes MathML, all the rest is escaped.

Why: a page that must stand alone can load no script that sets formulas, and browsers have
known MathML for years. What models write is hostile until shown otherwise: the converter
can pass markup through `\text{...}`, so its tree is rebuilt from a list of allowed elements.

Used as: `maths.show("The area is $\pi r^2$.")`.
"""

from __future__ import annotations

import html
import re
from typing import Any

from mathmill.report.markup import Html, safe

LONGEST = 400
"Characters of a formula that are tried; longer ones are shown as text."

# Presentation MathML that formulas need: nothing that loads, links or runs.
ELEMENTS = frozenset([
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle",
    "msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd",
    "mpadded", "mphantom", "menclose", "mmultiscripts", "mprescripts", "none"])
ATTRIBUTES = frozenset([
    "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form",
    "separator", "lspace", "rspace", "minsize", "maxsize", "width", "height", "depth",
    "linethickness", "columnalign", "rowspacing", "columnspacing", "columnlines", "rowlines",
    "notation", "accent", "accentunder", "largeop", "movablelimits", "symmetric"])
CHILDREN = {"mfrac": 2, "mroot": 2, "msup": 2, "msub": 2, "munder": 2, "mover": 2,
            "msubsup": 3, "munderover": 3}
"Elements that mean nothing with another number of parts: the formula was malformed."
VALUE = re.compile(r"[\w .%+-]*")

# $$..$$, \[..\], \(..\) and $..$; a dollar before a digit after the close is money, not maths.
SPANS = re.compile(
    r"\$\$(?P<block>[^$]+)\$\$|\\\[(?P<bracket>.+?)\\\]|\\\((?P<round>.+?)\\\)"
    r"|(?<![\\$])\$(?P<inline>[^\s$](?:[^$\n]*[^\s$\\])?)\$(?!\d)", re.DOTALL)
MARKS = re.compile(r"[\\^_{}=<>]|^[A-Za-z]$|^[\d.,+\-*/() A-Za-z]{1,12}$")
WORD = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,}")


def show(text: str) -> Html:
    """Return text as markup: formulas as MathML where that works, the rest escaped."""
    parts, end = [], 0
    for found in SPANS.finditer(text):
        kind = found.lastgroup or "inline"
        latex = found.group(kind)
        if kind == "inline" and not _is_formula(latex):
            continue
        made = formula(latex.strip(), block=kind in ("block", "bracket"))
        if made is None:
            continue
        parts += [safe(text[end:found.start()]), made]
        end = found.end()
    return Html("".join([*parts, safe(text[end:])]))


def formula(latex: str, block: bool = False) -> Html | None:
    """Return one formula as MathML, or None where it cannot be read (or the package is missing)."""
    if len(latex) > LONGEST:
        return None
    try:
        from latex2mathml.converter import convert_to_element
    except ImportError:
        return None
    try:
        tree = convert_to_element(latex, display="block" if block else "inline")
        return Html(_written(tree))
    except Exception:  # the converter raises what it likes on malformed input; text is the answer
        return None


def _is_formula(latex: str) -> bool:
    """Tell a formula from the text between two sums of money (`$5 for tea and 3$`)."""
    return bool(MARKS.search(latex)) and len(WORD.findall(latex)) < 3  # three words: a sentence


def _written(element: Any) -> str:
    """Return an element of the converter's tree as text, or raise ValueError if not allowed."""
    name = str(element.tag).rpartition("}")[2]
    if name not in ELEMENTS or len(element) != CHILDREN.get(name, len(element)):
        raise ValueError(name)
    attributes = "".join(
        f' {key}="{value}"' for key, value in element.attrib.items()
        if key in ATTRIBUTES and VALUE.fullmatch(str(value)))
    # The converter leaves entities in its texts: they are read first, then all is escaped.
    inside = safe(html.unescape(element.text or ""))
    return (f"<{name}{attributes}>{inside}{''.join(map(_written, element))}</{name}>"
            + safe(html.unescape(element.tail or "")))
