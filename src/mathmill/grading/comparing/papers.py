r"""Compare as the papers do: MetaMath's script, which Skywork-Math uses (papers.md 5.2).

Why: a score can be set beside a paper's only if it is taken by the paper's rule, loose and
strict where that rule is; nothing else of the grader is touched by it.

Used as: `papers_equal("18", " 18.0 dollars", STRICT)` after `The answer is`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from mathmill.grading.answers import LONGEST
from mathmill.grading.policy import Policy
from mathmill.grading.reading.normal import SHORT_FRACTION, SHORT_ROOT, whole_fraction
from mathmill.types import CORRECT, WRONG, Verdict

_INTEGER = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,400})(?:\.0{1,20})?")
_PAPER_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)(?:/[0-9]+)?")
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
    text = SHORT_ROOT.sub(r"\\sqrt{\1}", text).replace(" ", "")
    text = SHORT_FRACTION.sub(whole_fraction, text)
    return "\\frac{1}{2}" if text == "0.5" else _RATIO.sub(r"\\frac{\1}{\2}", text)


def papers_equal(gold: str, text: str, policy: Policy) -> Verdict:
    r"""Compare as MetaMath and Skywork-Math do (papers.md 5.2); never undecided.

    A whole gold number: the first number of the text, commas removed, fractions divided,
    rounded to an integer (so 3.5 passes for 4, as in the paper), is compared with it. Any
    other gold answer: the text up to `.\n`, final stop removed, is compared as a string
    after the papers' normalisation.
    """
    whole = gold.strip()
    if policy.rule == "papers" and _INTEGER.fullmatch(whole):
        found = _PAPER_NUMBER.search(text[:LONGEST])
        number = _paper_number(found.group()) if found else None
        if number is None:
            return Verdict(WRONG, "papers: no number")
        right = Fraction(whole.replace(",", "")) == round(number)
        return Verdict(CORRECT if right else WRONG, "papers: rounded number")
    answer = text[:LONGEST].split(".\n", 1)[0].strip()
    answer = answer[:-1] if answer.endswith(".") else answer
    theirs = papers_form(answer)
    right = bool(theirs) and papers_form(whole[:LONGEST]) == theirs  # nothing answers nothing
    return Verdict(CORRECT if right else WRONG, "papers: string")


def _paper_number(text: str) -> Fraction | None:
    """Return the number the papers' pattern found, or None for a division by zero."""
    over, _, under = text.replace(",", "").partition("/")
    if len(over) > 400 or len(under) > 400:
        return None
    try:
        return Fraction(over) / Fraction(under or 1)
    except (ValueError, ZeroDivisionError):
        return None
