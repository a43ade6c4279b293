r"""Bring two spellings of one answer to one text: LaTeX, Unicode, units' signs, punctuation.

Why: nine in ten right answers differ from the gold one in spelling only. `tidy` is a fixed
row of linear replacements on at most 2,000 characters; nothing is evaluated. One sign
stands for each relation and set (`≤ ∈ ∪ ∞ …`) whichever way it was written.

Used as: `tidy(r"\dfrac12")` -> `\frac{1}{2}`.
"""

from __future__ import annotations

import re

SET_OPEN, SET_CLOSE = "⦃", "⦄"  # stand for `\{` and `\}`, apart from LaTeX's own braces
ROW = "⏎"  # stands for the `\\` between the rows of a matrix

_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_CHARACTERS = str.maketrans({
    **_FULL_WIDTH, **dict.fromkeys("−–—‐‑‒﹣", "-"), "×": "*", "·": "*",
    "⋅": "*", "÷": "/", "⁄": "/",
    "∶": ":", "π": "\\pi ", "√": "\\sqrt", "º": "°", "˚": "°",
    "²": "^2", "³": "^3", "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3",
    "、": ",", "。": ".", "；": ";", "（": "(", "）": ")", "《": "", "》": "", "【": "[",
    "】": "]", "⩽": "≤", "⩾": "≥", "≦": "≤", "≧": "≥", "≃": "≈", "≅": "≈", "⟨": "(",
    "⟩": ")", "∖": "∖", "θ": "\\theta ", "α": "\\alpha ", "β": "\\beta ",
    "∅": "∅", "ℝ": "ℝ", "′": "'", "’": "'",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u3000": " ", "\u200b": "", "\ufeff": "",
    "\n": " ", "\r": " ", "\t": " ", "\x00": "", "€": "", "£": "", "¥": "", "￥": "",
    "⏎": "", "⦃": "", "⦄": "",
})
_COMMANDS = {
    **dict.fromkeys(re.findall(r"\S+",
    "left right bigl bigr Bigl Bigr biggl biggr Biggl Biggr big Big bigg Bigg "
    "displaystyle textstyle limits rm bf it boldsymbol vec overrightarrow hat noindent "
    "dollar degrees nobreak phantom"), ""),
    **dict.fromkeys(re.findall(r"\S+", "quad qquad enspace thinspace space newline hfill"), " "),
    **dict.fromkeys(["cdot", "times", "ast", "bullet"], "*"), "div": "/",
    **dict.fromkeys(["dfrac", "tfrac", "cfrac"], "\\frac"),
    **dict.fromkeys(["leq", "le", "leqslant", "leqq"], "≤"),
    **dict.fromkeys(["geq", "ge", "geqslant", "geqq"], "≥"), "lt": "<", "gt": ">",
    **dict.fromkeys(["neq", "ne"], "≠"), "in": " ∈ ",
    **dict.fromkeys(["approx", "simeq", "thickapprox"], "≈"), "cup": "∪", "cap": "∩",
    **dict.fromkeys(["setminus", "backslash", "smallsetminus"], "∖"), "infty": "∞",
    **dict.fromkeys(["emptyset", "varnothing"], "∅"), "pm": "±", "mp": "∓",
    **dict.fromkeys(["ldots", "dots", "cdots", "dotsc", "dotsb"], "…"), "degree": "°",
    **dict.fromkeys(["langle", "lparen"], "("), **dict.fromkeys(["rangle", "rparen"], ")"),
    **dict.fromkeys(["lvert", "rvert", "vert", "mid"], "|"), "lbrack": "[", "rbrack": "]",
    # a wrapper that still stands has a group of braces in it, which will do without it
    **dict.fromkeys(re.findall(r"\S+", "text textbf textit textrm mathbf mathrm mathit mathsf mbox "
                               "hbox boxed operatorname"), ""),
    **dict.fromkeys(["dbinom", "tbinom"], "\\binom"),
    "lbrace": SET_OPEN, "rbrace": SET_CLOSE, "percent": "%", "Re": "ℝ", "R": "ℝ", "reals": "ℝ",
    **dict.fromkeys(["land", "wedge"], " and "), **dict.fromkeys(["lor", "vee"], " or "),
    "lg": "\\lg ", "colon": ":",
}
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_SETS = re.compile(r"\\(?:mathbb|mathbf|Bbb)[ ]?(?:\{([RZNQC])\}|([RZNQC])(?![A-Za-z]))")
_WRAPPERS = re.compile(
    r"\\(?:text|textbf|textit|textrm|textnormal|texttt|textsf|mbox|hbox|mathrm|mathbf|mathit|"
    r"mathsf|mathcal|vec|hat|boldsymbol|overrightarrow|rm|operatorname|boxed|fbox|emph|underline|uppercase)\*?"
    r"[ ]{0,2}\{([^{}]*)\}")
_BRACED_UNIT = re.compile(r"(?<=[0-9]) ?\{ ?([A-Za-z]{2,20}) ?\}")
_SPACES = re.compile(r"\\[,;: !]|~")
_NEGATIVE_SPACE = re.compile(r"\\![ ]?")
_THIN_GROUPS = re.compile(r"(?<=[0-9])\\,(?=[0-9]{3}(?![0-9]))")
_CIRCLE = re.compile(r"\^[ ]?\{[ ]?(?:\\circ|°)[ ]?\}|\^?[ ]?\\circ(?![A-Za-z])|\^[ ]?°")
_PERCENT = re.compile(r"\\%|[ ]?(?:per ?cent(?:age)?(?: points?)?(?![a-z])|pct(?![a-z])|％)",
                      re.IGNORECASE)
_PART = r"[ ]?(?:\{([^{}]*)\}|([0-9A-Za-z]))"
SHORT_FRACTION = re.compile(r"\\frac" + _PART + _PART)
_CHOOSE = re.compile(r"\{([^{}]{1,40})\\choose(?![a-z])([^{}]{1,40})\}"
                     r"|^([^{}]{1,40})\\choose(?![a-z])([^{}]{1,40})$")
_ROOT_SIGN = re.compile(r"√ ?([0-9]+(?:\.[0-9]+)?|[A-Za-zπ])")
SHORT_ROOT = re.compile(r"\\sqrt[ ]?([0-9A-Za-z])")
_GLUED = re.compile(r"(?<=[0-9)\]}$])(or|and)(?=[0-9A-Z(\[{$\\-])")  # `(1,2)or(2,1)`
_DOLLARS = re.compile(r"\\?\$|\\[()\[\]]")
_SET_BRACES = re.compile(r"\\([{}])")
_ROWS = re.compile(r"\\\\(?:\[[^\[\]]{0,8}\])?")
_SPACE = re.compile(r" {2,}")
_PLAIN_SIGNS = {"<=": "≤", ">=": "≥", "=>": "≥", "!=": "≠", "...": "…", "+-": "±", "+/-": "±"}
_PLAIN_SIGN = re.compile(r"<=|>=|=>|!=|\.\.\.+|\+/-|(?<![0-9A-Za-z)}\] ])\+-")
_TRIGONOMETRY = re.compile(r"(?:sin|cos|tan|cot|sec|csc)(?![a-z])")
_LEADERS, _CLOSERS = " ,;:*`", " .,;:*`\\"  # a leading stop may be `.5`, a last `!` is 5!

_UNIT_WORDS = re.compile(
    r"(?<=[0-9A-Za-z})\]|!°$])(?:\\[ ,;:!]|[ ~$])*"
    r"\\(?:text|textrm|textbf|textit|mathrm|mbox|hbox|rm)[ ]?\{[ ~]*(?:\\ )?"
    r"([A-Za-z][A-Za-z. /-]{0,40}?)[ ]*(?:\^?\{?[23²³]\}?)?[ ]*\}(?:[ ]?\^[ ]?\{?-?[1-3]\}?)?"
    r"[ .$]*$")
_NO_UNITS = frozenset(
    re.findall(r"\S+",
    "and or if when for million billion thousand hundred dozen trillion i e odd even pi "
    "percent am pm a.m. p.m. half to is with mod base none where all sin cos tan log ln "
    "max min"))
_UNIT_LETTERS = frozenset(re.findall(r"\S+", "m g s l L h N J V W A K C F"))


def tidy(text: str) -> str:
    """Return an answer in the tolerant canonical spelling; single spaces are kept."""
    if "√" in text:
        text = _ROOT_SIGN.sub(r"\\sqrt{\1}", text)
    text = text.translate(_CHARACTERS)
    if "or" in text or "and" in text:
        text = _GLUED.sub(r" \1 ", text)
    if "\\" in text or "$" in text or "%" in text or "{" in text or "erc" in text.lower() or (
            "pct" in text):
        text = _tidy_latex(text)
    if "°" in text and not _TRIGONOMETRY.search(text):
        text = text.replace("°", "")  # an angle's unit; under a sine it is a factor
    text = _bare(_SPACE.sub(" ", _PLAIN_SIGN.sub(_plain_sign, text)))
    if text[:1] in "\"'“‘" and text[-1:] in "\"'”’" and len(text) > 2:
        text = _bare(text[1:-1])
    if text[-1:] == "}" and text.count("}") == text.count("{") + 1:  # one too many at the end
        text = _bare(text[:-1])
    while text[:1] == "{" and text[-1:] == "}" and _one_group(text) and "," not in text:
        text = _bare(text[1:-1])
    return text


def without_units(text: str) -> str:
    r"""Return a text without the unit words in `\text{}` at its end: `2\pi\text{ cm}^2`.

    Scales (`\text{ million}`), words that are no units and single letters that may be
    variables stay. Plain unit words behind a number are read with the number.
    """
    if "{" not in text:
        return text
    found = _UNIT_WORDS.search(text[-120:])
    if found is None:
        return text
    words = found[1].split()
    if any(word.lower() in _NO_UNITS for word in words) or (
            len(found[1]) == 1 and found[1] not in _UNIT_LETTERS):
        return text
    before = text[:max(0, len(text) - 120) + found.start()]
    known = any(sign.isdigit() for sign in before) or "\\pi" in before or "\\frac" in before
    return before if known else text


def _plain_sign(found: re.Match[str]) -> str:
    """Return the one sign for a relation typed in plain characters."""
    return _PLAIN_SIGNS.get(found.group(), "…")


def _bare(text: str) -> str:
    """Return the text without the punctuation around it."""
    return text.lstrip(_LEADERS).rstrip(_CLOSERS)


def _tidy_latex(text: str) -> str:
    """Return the text with LaTeX's spellings of one thing brought to one."""
    if "\\\\" in text:
        if "\\\\begin" in text:
            text = text.replace("\\\\", "\\")  # escaped twice on its way here
        text = _ROWS.sub(ROW, text) if "\\begin" in text else text.replace("\\\\", "\\")
    text = _NEGATIVE_SPACE.sub("", text).replace("{,}", "").replace("{, }", "")
    text = _SET_BRACES.sub(_set_brace, text)
    text = _SPACES.sub(" ", _THIN_GROUPS.sub("", text))
    text = _DOLLARS.sub("", text)
    if "\\" in text:
        text = _SETS.sub(lambda found: "ℝℤℕℚℂ"["RZNQC".index(found[1] or found[2])], text)
        if "\\choose" in text:
            text = _CHOOSE.sub(_binomial, text)
        for _ in range(2):  # a wrapper may stand in a wrapper: \text{\textbf{A}}
            text = _WRAPPERS.sub(r" \1 ", text)
        text = _CIRCLE.sub("°", text)
        text = _COMMAND.sub(_command, text)
        text = SHORT_ROOT.sub(r"\\sqrt{\1}", text)
        text = SHORT_FRACTION.sub(whole_fraction, text)
    elif "°" in text:
        text = _CIRCLE.sub("°", text)
    text = _BRACED_UNIT.sub(r" \1", text)
    text = _PERCENT.sub("%", text)
    return text


def _command(found: re.Match[str]) -> str:
    """Return the one spelling of a command."""
    return _COMMANDS.get(found[1], found.group())


def _binomial(found: re.Match[str]) -> str:
    r"""Return `{n \choose k}` as a binomial."""
    top, bottom = (found[1], found[2]) if found[1] else (found[3], found[4])
    return f"\\binom{{{top}}}{{{bottom}}}"


def _set_brace(found: re.Match[str]) -> str:
    """Return the sign that stands for an escaped brace."""
    return SET_OPEN if found[1] == "{" else SET_CLOSE


def whole_fraction(found: re.Match[str]) -> str:
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
