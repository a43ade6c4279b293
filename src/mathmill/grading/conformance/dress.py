r"""What a model puts around an answer: dollars, boxes, sentences, spacing, other characters.

Why: dress changes no value, so it goes over right and wrong answers alike; a grader that
stumbles over `\left(` shows it here, whatever the kind of answer.

Used as: `dressed(r"\frac{1}{2}", "maths", random.Random(5))` -> `(text, name, whole)`.
"""

from __future__ import annotations

import random
import re

_SUM = re.compile(r"(?<![eE^{(\[,<>]) ?([+=]) ?")  # not the signs of `2e+5`, `{+3}`
_WIDE = {ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789.-+"}

RESPONSES = (
    "Adding both parts gives the result, so the answer is $\\boxed{%s}$.",
    "We first simplify.\nThen \\boxed{%s}",
    "Since 3 of the 12 cases are left, we get\n\\[\n\\boxed{%s}\n\\]",
    "Step 1: we have 7 rows.\nStep 2: done.\nThe answer is $%s$.",
    "First 5 and then 8 are tried.\n#### %s",
    "所以答案是 $%s$。",
)
TEXT_RESPONSES = (
    "We compare 4 things.\n#### %s",
    "After 3 tries we know that the answer is \\boxed{\\text{%s}}.",
    "There are 2 ways to see it.\n\nThe answer is: %s.",
)


def dressed(text: str, dress: str, draw: random.Random) -> tuple[str, str, bool]:
    """Return an answer in some dress, the dress's name, and whether it is a response now.

    A third of all answers stays as it is; a fifth becomes a whole response.
    """
    chance = draw.random()
    if chance < 0.34:
        return text, "", False
    if dress == "text":
        if chance < 0.54:
            whole = draw.choice(TEXT_RESPONSES)
            if "\\" in text:  # maths stands in no \text{}
                whole = whole.replace("\\text{%s}", "%s")
            return whole % text, "response", True
        name = draw.choice(("spaces", "full stop", "text", "bold", "as it is"))
        return _text_dress(text, name), name, False
    if chance < 0.54 and "\n" not in text:
        return draw.choice(RESPONSES) % text, "response", True
    names = ["dollars", "round", "square", "spaces", "full stop", "displaystyle", "airy",
             "sized fractions", "sized brackets", "minus sign", "thin spaces", "commands"]
    if dress == "number":
        names += ["full width", "bold maths"]
    name = draw.choice(names)
    return _maths_dress(text, name), name, False


def _text_dress(text: str, name: str) -> str:
    """Return words in their dress."""
    if name == "text":  # maths stands in no \text{}
        return text if "\\" in text else f"\\text{{{text}}}"
    return {"spaces": f"  {text} ", "full stop": f"{text}.", "bold": f"**{text}**"}.get(name, text)


def _maths_dress(text: str, name: str) -> str:
    """Return maths in its dress; the value is that of `text` under every name."""
    simple = {
        "dollars": f"${text}$", "round": f"\\({text}\\)", "square": f"\\[{text}\\]",
        "spaces": f"  {text} ", "full stop": f"${text}$.", "displaystyle":
        f"$\\displaystyle {text}$", "bold maths": f"\\mathbf{{{text}}}",
        "airy": _SUM.sub(r" \1 ", text), "full width": text.translate(_WIDE),
        "minus sign": text.replace("-", "−"),
        "thin spaces": _SUM.sub(r"\\,\1\\;", text.replace(", ", ",\\ ")),
    }
    if name in simple:
        return simple[name]
    if name == "sized fractions":
        return text.replace("\\frac", "\\dfrac")
    if name == "commands":
        for one, two in (("\\le ", "\\leq "), ("\\ge ", "\\geq "), ("\\cdot", "\\times"),
                         ("\\{", "\\lbrace "), ("\\}", "\\rbrace ")):
            text = text.replace(one, two)
        return text
    if any(sign in text for sign in ("\\left", "\\begin", "\\sqrt[", "\\mathrm", "\\text")):
        return text
    return re.sub(r"[)\]]", r"\\right\g<0>", re.sub(r"[(\[]", r"\\left\g<0>", text))
