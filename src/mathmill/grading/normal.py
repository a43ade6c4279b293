r"""Bring two spellings of one answer to one text: LaTeX, Unicode, units' signs, punctuation.

Why: nine in ten right answers differ from the gold one in spelling only. `tidy` is the
tolerant form; `papers_form` is the one that MetaMath and Skywork-Math compare as strings
(papers.md 5.2 gives its rules). Each is a fixed row of linear replacements on at most
2,000 characters; nothing is evaluated.

Used as: `tidy(r"\dfrac12")` -> `\frac{1}{2}`.
"""

from __future__ import annotations

import re

SET_OPEN, SET_CLOSE = "⦃", "⦄"  # stand for `\{` and `\}`, apart from LaTeX's own braces

_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_CHARACTERS = str.maketrans({
    **_FULL_WIDTH, **dict.fromkeys("−–—‐‑‒﹣", "-"), "×": "*", "·": "*",
    "⋅": "*", "÷": "/", "⁄": "/",
    "∶": ":", "π": "\\pi ", "∞": "\\infty ", "√": "\\sqrt", "∪": "\\cup ", "°": "",
    "²": "^2", "³": "^3", "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3",
    "、": ",", "。": ".", "；": ";", "（": "(", "）": ")", "《": "", "》": "",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u3000": " ", "\u200b": "", "\ufeff": "",
    "\n": " ", "\r": " ", "\t": " ", "\x00": "", "€": "", "£": "", "¥": "", "￥": "",
})
_WRAPPERS = re.compile(
    r"\\(?:text|textbf|textit|textrm|mbox|hbox|mathrm|mathbf|mathit|mathsf|rm|operatorname)"
    r"[ ]{0,2}\{([^{}]*)\}")
_BRACED_UNIT = re.compile(r"(?<=[0-9]) ?\{ ?([A-Za-z]{2,20}) ?\}")
_SIZES = re.compile(r"\\(?:left|right|bigl|bigr|Bigl|Bigr|big|Big|displaystyle|limits)(?![A-Za-z])")
_SPACES = re.compile(r"\\[,;: !]|\\q?quad(?![A-Za-z])|~")
_THIN_GROUPS = re.compile(r"([0-9])\\,([0-9]{3})")
_FRACTIONS = re.compile(r"\\[dtc]frac(?![a-z])")
_DEGREES = re.compile(r"\^?[ ]?\{?\\circ\}?|\\degree")
_PERCENT = re.compile(r"\\%|[ ]?(?:per ?cent(?:age)?(?![a-z])|％)", re.IGNORECASE)
_PART = r"[ ]?(?:\{([^{}]*)\}|([0-9A-Za-z]))"
_SHORT_FRACTION = re.compile(r"\\frac" + _PART + _PART)
_SHORT_ROOT = re.compile(r"\\sqrt[ ]?([0-9A-Za-z])")
_DOLLARS = re.compile(r"\\?\$|\\[()\[\]]")
_SYMBOLS = re.compile(r"\\(?:cdot|times)(?![A-Za-z])")
_SET_BRACES = re.compile(r"\\([{}])|\\(l|r)brace(?![A-Za-z])")
_SPACE = re.compile(r" {2,}")
_LEADERS, _CLOSERS = " ,;:*`", " .,;:*`\\"  # a leading stop may be `.5`, a last `!` is 5!


def tidy(text: str) -> str:
    """Return an answer in the tolerant canonical spelling; single spaces are kept."""
    text = text.translate(_CHARACTERS)
    if "\\" in text or "$" in text or "%" in text or "{" in text or "ercent" in text.lower():
        text = _tidy_latex(text)
    text = _bare(_SPACE.sub(" ", text))
    if text[:1] in "\"'“‘" and text[-1:] in "\"'”’" and len(text) > 2:
        text = _bare(text[1:-1])
    while text[:1] == "{" and text[-1:] == "}" and _one_group(text) and "," not in text:
        text = _bare(text[1:-1])
    return text


def _bare(text: str) -> str:
    """Return the text without the punctuation around it."""
    return text.lstrip(_LEADERS).rstrip(_CLOSERS)


def _tidy_latex(text: str) -> str:
    """Return the text with LaTeX's spellings of one thing brought to one."""
    text = _SIZES.sub("", text.replace("\\!", "").replace("{,}", ""))
    text = _SET_BRACES.sub(_set_brace, text)
    text = _SPACES.sub(" ", _THIN_GROUPS.sub(r"\1\2", text))
    for _ in range(2):  # a wrapper may stand in a wrapper: \text{\textbf{A}}
        text = _WRAPPERS.sub(r" \1 ", text)
    text = _BRACED_UNIT.sub(r" \1", text)
    text = _DEGREES.sub("", text)
    text = _PERCENT.sub("%", text)
    text = _DOLLARS.sub("", text)
    text = _SYMBOLS.sub("*", text)
    text = _FRACTIONS.sub(r"\\frac", text)
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", text)
    return _SHORT_FRACTION.sub(_whole_fraction, text)


def _set_brace(found: re.Match[str]) -> str:
    """Return the sign that stands for an escaped brace."""
    return SET_OPEN if found[1] == "{" or found[2] == "l" else SET_CLOSE


def _whole_fraction(found: re.Match[str]) -> str:
    r"""Return `\frac12` and its kin with both braces written."""
    over = found[1] if found[1] is not None else found[2]
    under = found[3] if found[3] is not None else found[4]
    return f"\\frac{{{over.strip()}}}{{{under.strip()}}}"


def _one_group(text: str) -> bool:
    """Tell whether the first brace of `{...}` closes at the very end."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return place == len(text) - 1
    return False


_TRAILING_UNIT = re.compile(r"\\text\{ [^{}]*\}$")
_SHORT_NAME = re.compile(r"^[^=]{1,2}=")
_RATIO = re.compile(r"^(-?[0-9]+)/(-?[0-9]+)$")
_PAPER_DROPS = ("\n", "\\!", "\\left", "\\right", "^{\\circ}", "^\\circ", "\\$", "\\%", "%")


def papers_form(text: str) -> str:
    r"""Return an answer as the papers normalise it before they compare strings.

    Skywork-Math uses MetaMath's script (papers.md 5.2): LaTeX sizes, degrees, dollar and
    percent signs and a trailing `\text{ unit}` are dropped, `dfrac` is `frac`, short
    fractions and roots get their braces, `k=` goes, `0.5` and `a/b` become `\frac`.
    """
    for sign in _PAPER_DROPS:
        text = text.replace(sign, "")
    text = text.replace("tfrac", "frac").replace("dfrac", "frac")
    text = _TRAILING_UNIT.sub("", text).strip()
    text = text.replace(" .", " 0.").replace("{.", "{0.")
    if text.startswith("."):
        text = "0" + text
    text = _SHORT_NAME.sub("", text, count=1) if text.count("=") == 1 else text
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", text).replace(" ", "")
    text = _SHORT_FRACTION.sub(_whole_fraction, text)
    return "\\frac{1}{2}" if text == "0.5" else _RATIO.sub(r"\\frac{\1}{\2}", text)
