r"""Decide what may go to the algebra system at all, and how it is written for it.

Why: most of what makes an algebra system hang is seen in the text (towers, a million
digits), and most of what makes math-verify say a wrong thing is seen there too: it drops
the base of `1011_2`, the dots of `1,2,\ldots,n`, the degree sign in `\sin 30^\circ`, reads
`3.54e-07` with Euler's number and prose as a product of letters. Such texts are undecided
here, before any process is asked. Everything is one pass over at most `LENGTH` characters.

Used as: `refusal(text)` -> a reason or an empty text; `pieces("(1, 2)")` -> `("(", ")", ...)`.
"""

from __future__ import annotations

import re

LENGTH = 500  # characters
DIGITS = 400  # digits in all
EXPONENTS = 2  # `e^{x^2}`; a third level is a tower
NESTING = 20  # brackets within brackets; the parser takes 1.5 s for 20 sets, over 3 for 45

_SIGNS = str.maketrans({
    "−": "-", "–": "-", "π": "\\pi ", "∞": "\\infty ", "×": "\\times ", "·": "\\cdot ",
    "≤": "\\le ", "≥": "\\ge ", "≠": "\\ne ", "∪": "\\cup ", "÷": "/", "⦃": "\\{", "⦄": "\\}",
    "\n": " ", "\r": " ", "\t": " ", "\u00a0": " ",
})
_DOLLARS = re.compile(r"\\?\$|\\[()\[\]]")
_THIN = re.compile(r"\\[,;:](?![ ]?[0-9])")  # `\,dx` would not be read
_SIZES = re.compile(r"\\(?:left|right|bigl?|bigr|Bigl?|Bigr|displaystyle)(?![A-Za-z])")
_SCIENTIFIC = re.compile(r"(?<![0-9A-Za-z.])([0-9]{1,20}(?:\.[0-9]{0,40})?)[eE]([+-]?[0-9]{1,4})"
                         r"(?![0-9A-Za-z.])")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)[ ]{0,2}\{[A-Za-z]{1,10}\*?\}")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_WORD = re.compile(r"[A-Za-z]{3,}")
_KNOWN = frozenset(re.findall(
    r"\S+", "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log exp sqrt max min gcd "
    "lcm mod and"))
_REASONS = (
    ("a tower", re.compile(r"\^[ ]?\{?[ ]?-?[0-9]{5}|\*\*|\^[ ]?\w[ ]?\^|\}[ ]?\^[ ]?\{?[0-9]{3}")),
    ("a factorial", re.compile(r"[0-9]{5}[0-9 ]*!|\([^()a-z]{0,80}\)[ ]?!|[!)]\)[ ]?!|![ ]?!")),
    ("a huge binomial", re.compile(r"binom[^}]{0,4}[0-9^{ ]{6}")),
    ("number base", re.compile(r"[0-9][0-9A-F]*[ ]?_|_[ ]?\\?[a-z]*\{?[ ]?(?:two|ten|eight)")),
    # gcd(10^{999}, 6) comes out as 1: the parser evaluates them on unevaluated powers.
    ("gcd and its kin", re.compile(r"\\?(?:gcd|lcm|max|min|mod)(?![A-Za-z])")),
    ("dots", re.compile(r"\\(?:[lcdv]?dots|dots[bcimo]|hdots)(?![A-Za-z])|\.\.\.|…")),
    ("degrees in a function", re.compile(
        r"\\?(?:sin|cos|tan|cot|sec|csc)(?![a-z]).{0,200}(?:\\circ|°|\\degree)")),
    ("several ±", re.compile(r"(?:\\pm|\\mp|±|∓).{0,400}(?:\\pm|\\mp|±|∓)|\\mp|∓|±")),
    ("a ratio or a time", re.compile(r"[0-9a-z)}][ ]?:[ ]?[0-9a-z({\\]|\\colon")),
    ("bound variables", re.compile(r"\\(?:in|mid|forall|exists|to|rightarrow|mapsto|implies|sim|"
                                   r"equiv|pmod|bmod|approx)(?![A-Za-z])|\|[ ]?[a-z][ ]?[<>=]")),
    ("text", re.compile(r"\\(?:text|mbox|mathrm|textbf|textit|operatorname|overline|underline|"
                        r"underbrace|hat|vec|bar)[a-z]{0,3}[ ]?\{")),
)
_GROUPED = re.compile(r"[0-9],[0-9]{3}(?![0-9])")
_MEMBER = re.compile(r"[a-z][ ]?\\in(?![A-Za-z])")


def written(text: str) -> str:
    r"""Return a text as the algebra system is to read it: no `$`, no sizes, `e-7` as a power."""
    text = _DOLLARS.sub(" ", text.translate(_SIGNS).replace("\\!", "").replace("{,}", ""))
    text = _SCIENTIFIC.sub(r"\1 \\times 10^{\2}", _SIZES.sub("", _THIN.sub(" ", text)))
    text = re.sub(r"\\text[ ]?\{[ ]{0,3}(and|or)[ ]{0,3}\}", r" \1 ", text)
    text = re.sub(r"\\mathrm[ ]?\{[ ]?e[ ]?\}", " e ", text)
    text = text.replace("\\%", "%").strip(" .,;")
    member = _MEMBER.match(text)  # `x \in (1, 2)` answers as `(1, 2)` does
    return text[member.end():].strip() if member is not None else text


def refusal(text: str) -> str:
    """Return why a text (as `written` gives it) must not be put to the algebra system, or ''."""
    if len(text) > LENGTH:
        return "too long"
    if not text:
        return "empty"
    if not (text.isascii() and text.isprintable()):
        return "characters"
    if sum(map(str.isdigit, text)) > DIGITS:
        return "too many digits"
    depth = deepest = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
        if depth < -1:
            return "brackets"
    if deepest > NESTING:
        return "nesting"
    if _exponents(text) > EXPONENTS:
        return "a tower"
    for reason, pattern in _REASONS:
        if pattern.search(text):
            return reason
    plain = _COMMAND.sub(" ", _ENVIRONMENT.sub(" ", text))
    if any(word.lower() not in _KNOWN for word in _WORD.findall(plain)):
        return "words"
    return ""


def _exponents(text: str) -> int:
    """Return how many exponents stand within each other at the most."""
    braces: list[bool] = []
    highest = 0
    for place, sign in enumerate(text):
        if sign == "{":
            braces.append(text[:place].endswith(("^", "^ ")))
        elif sign == "}" and braces:
            braces.pop()
        elif sign == "^":
            highest = max(highest, sum(braces) + 1)
    return highest


def pieces(text: str) -> tuple[str, str, list[str]]:
    r"""Split `(a, b]`, `\{a, b\}` or a bare list at its own commas: brackets and elements.

    A text that is no list is its own only element. math-verify reads a pair as an open
    interval (so `(3, 1)` is the empty set) and forgets doubles in a list.
    """
    text = text.strip()
    opening, closing, inside = "", "", text
    if text.startswith("\\{") and text.endswith("\\}") and _end(text, 1) == len(text) - 1:
        opening, closing, inside = "{", "}", text[2:-2]
    elif text[:1] in ("(", "[") and text[-1:] in (")", "]") and _end(text, 0) == len(text) - 1:
        opening, closing, inside = text[0], text[-1], text[1:-1]
    parts = _split(inside, thousands=not opening)
    if len(parts) == 1 and opening in ("(", "["):  # brackets around one thing are no group
        return "", "", [text]
    if not opening:
        parts = [part for bit in parts for part in re.split(r"(?<![A-Za-z\\])(?:and|or)"
                                                            r"(?![A-Za-z])", bit)]
        parts = [part for part in parts if part.strip()]
    return opening, closing, [part.strip() for part in parts]


def _end(text: str, start: int) -> int:
    """Return where the bracket at `start` closes, or -1."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if depth == 0:
            return place
    return -1


def _split(text: str, thousands: bool) -> list[str]:
    """Split at commas and semicolons outside every bracket; `10,000` is one number if asked."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign in ",;" and depth == 0 and not (thousands and _thousands(text, place)):
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _thousands(text: str, place: int) -> bool:
    """Tell whether a comma groups digits: `10,000` but not `1, 200` nor `1,2000`."""
    return _GROUPED.match(text, max(0, place - 1)) is not None
