r"""Kinds of answers with logarithms, angles and powers of `e` or of a letter.

Why: an identity in one of these is settled by no rearranging of terms, only by a probe at
points or by an algebra system; `1-\frac{1}{e}` and `1+\frac{1}{e}` must stay apart.

Used as: `KINDS["logarithms"](draw)` -> `Answer(r"3\ln 2", [("power", r"\ln 8")], ...)`.
"""

from __future__ import annotations

import random
from fractions import Fraction

from mathmill.grading.conformance.constants import times
from mathmill.grading.conformance.figures import tex
from mathmill.grading.conformance.pair import Answer, Maker


def logarithms(draw: random.Random) -> Answer:
    """Natural logarithms and those to a base."""
    a, b, k = draw.choice([2, 3, 5, 7]), draw.choice([11, 13, 6, 10]), draw.randint(2, 5)
    if draw.random() < 0.5:
        gold = f"{k}\\ln {a}"
        same = [("power", f"\\ln {a**k}"), ("brackets", f"{k}\\ln({a})"),
                ("inner power", f"\\ln({a}^{{{k}}})"),
                ("minus", f"-{k}\\ln\\frac{{1}}{{{a}}}"),
                ("sum", f"\\ln {a * b}+\\ln\\frac{{{a ** (k - 1)}}}{{{b}}}"),
                ("split", f"{k - 1}\\ln {a}+\\ln {a}"),
                ("quotient", f"\\ln\\frac{{{a**k * b}}}{{{b}}}"),
                ("cdot", f"{k} \\cdot \\ln({a})"),
                ("half of square", f"\\frac{{1}}{{2}}\\ln {a ** (2 * k)}")]
        other = [("sign", "-" + gold), ("factor off", f"{k + 1}\\ln {a}"),
                ("argument off", f"{k}\\ln {a + 1}"),
                 ("factor inside", f"\\ln {a * k}"), ("power of log", f"(\\ln {a})^{k}"),
                 ("log dropped", str(a * k)), ("base 2", f"{k}\\log_2 {b}"),
                 ("only the log", f"\\ln {a}"), ("plus", f"{k}+\\ln {a}")]
        return Answer(gold, same, [o for o in other if o[0] != "factor inside" or a**k != a * k])
    gold = f"\\log_{{{a}}} {b}"
    same = [("change of base", f"\\frac{{\\ln {b}}}{{\\ln {a}}}"), ("short base", f"\\log_{a} {b}"),
            ("brackets", f"\\log_{{{a}}}({b})"), ("upside down",
            f"\\frac{{1}}{{\\log_{{{b}}} {a}}}"),
            ("common base", f"\\frac{{\\log_{{10}} {b}}}{{\\log_{{10}} {a}}}"),
            ("power of both", f"\\log_{{{a * a}}} {b * b}"),
            ("shifted", f"\\log_{{{a}}} {a * b}-1"),
            ("half of square", f"\\frac{{1}}{{2}}\\log_{{{a}}} {b * b}")]
    other = [("swapped", f"\\log_{{{b}}} {a}"), ("base off", f"\\log_{{{a + 1}}} {b}"),
             ("argument off", f"\\log_{{{a}}} {b + 1}"), ("sign", f"-\\log_{{{a}}} {b}"),
             ("natural", f"\\ln {b}"), ("quotient", tex(Fraction(b, a))),
             ("minus", f"\\ln {b}-\\ln {a}"), ("shifted off", f"\\log_{{{a}}} {a * b}+1")]
    return Answer(gold, same, other)


def trigonometry(draw: random.Random) -> Answer:
    """Values of sines, cosines, tangents and of their inverses."""
    n, k = draw.choice([d for d in range(1, 90) if d not in (15, 30, 45, 60, 75)]), draw.randint(2,
            9)
    if draw.random() < 0.4:
        angle, value = draw.choice([("\\sin 30^\\circ", "\\frac{1}{2}"),
                ("\\cos 45^\\circ", "\\frac{\\sqrt{2}}{2}"),
                                    ("\\tan 60^\\circ", "\\sqrt{3}"),
                                    ("\\cos\\frac{\\pi}{6}", "\\frac{\\sqrt{3}}{2}"),
                                    ("\\sin\\frac{\\pi}{12}", "\\frac{\\sqrt{6}-\\sqrt{2}}{4}"),
                                    ("\\cos 36^\\circ", "\\frac{1+\\sqrt{5}}{4}"),
                                    ("\\tan\\frac{\\pi}{8}", "(\\sqrt{2}-1)")])
        gold = f"{k}{angle}"
        same = [("value", f"{k} \\cdot {value}"), ("value before", f"{value} \\cdot {k}"),
                ("sum", f"{k - 1}{angle}+{value}"), ("quotient", f"\\frac{{{angle}}}{{1/{k}}}"),
                ("cdot", f"{k} \\cdot {angle}")]
        other = [("sign", f"-{k} \\cdot {value}"), ("factor off", f"{k + 1} \\cdot {value}"),
                ("plus", f"{k}+{value}"),
                 ("square", f"{k} \\cdot {value}^2" if value[0] == "("
                 else f"{k} \\cdot ({value})^2"),
                 ("only the value", value), ("angle off",
                 gold.replace("30", "31").replace("45", "54").replace(
                     "60", "6").replace("{6}", "{7}").replace("{12}", "{21}").replace("36",
                     "63").replace("{8}", "{9}"))]
        return Answer(gold, same, other)
    gold = f"{k}\\sin {n}^\\circ"
    same = [("cofunction", f"{k}\\cos {90 - n}^\\circ"),
            ("supplement", f"{k}\\sin {180 - n}^\\circ"),
            ("brackets", f"{k}\\sin({n}^\\circ)"), ("turn", f"{k}\\sin {360 + n}^\\circ"),
            ("radians", f"{k}\\sin\\frac{{{n}\\pi}}{{180}}"), ("minus", f"-{k}\\sin(-{n}^\\circ)"),
            ("braced", f"{k}\\sin {n}^{{\\circ}}"),
            ("cosecant", f"\\frac{{{k}}}{{\\csc {n}^\\circ}}"),
            ("tangent", f"{k}\\tan {n}^\\circ\\cos {n}^\\circ"), ("sign", f"{k}\\sin {n}°")]
    other = [("cosine", f"{k}\\cos {n}^\\circ"), ("tangent", f"{k}\\tan {n}^\\circ"),
            ("angle off", f"{k}\\sin {n + 1}^\\circ"),
             ("factor off", f"{k + 1}\\sin {n}^\\circ"), ("sign", f"-{k}\\sin {n}^\\circ"),
             ("square", f"{k}\\sin^2 {n}^\\circ"),
             ("factor inside", f"\\sin {n * k}^\\circ"),
             ("upside down", f"\\frac{{{k}}}{{\\sin {n}^\\circ}}")]
    return Answer(gold, same, other)


def exponentials(draw: random.Random) -> Answer:
    r"""Numbers with `e`: `1-\frac{1}{e}` is not `1+\frac{1}{e}`."""
    a, b, n = draw.randint(1, 9), draw.randint(1, 9), draw.randint(1, 6)
    sign, flip = draw.choice([("+", "-"), ("-", "+")])
    power = "e" if n == 1 else f"e^{{{n}}}"
    gold = f"{a}{sign}\\frac{{{b}}}{{{power}}}"
    same = [("power", f"{a}{sign}{times(b, f'e^{{-{n}}}')}"),
            ("reordered", f"{'' if sign == '+' else '-'}\\frac{{{b}}}{{{power}}}+{a}"),
            ("one fraction", f"\\frac{{{times(a, power)}{sign}{b}}}{{{power}}}"),
            ("roman", gold.replace("{e", "{\\mathrm{e}")),
            ("exp", f"{a}{sign}{b}\\exp(-{n})"), ("minus outside",
            f"-(-{a}{flip}\\frac{{{b}}}{{{power}}})")]
    other = [("sign", f"{a}{flip}\\frac{{{b}}}{{{power}}}"),
            ("power off", f"{a}{sign}\\frac{{{b}}}{{e^{{{n + 1}}}}}"),
             ("above", f"{a}{sign}{times(b, power)}"),
             ("first off", f"{a + 1}{sign}\\frac{{{b}}}{{{power}}}"),
             ("second off", f"{a}{sign}\\frac{{{b + 1}}}{{{power}}}"),
             ("e dropped", f"{a}{sign}{tex(Fraction(b, n + 1))}"),
             ("pi", gold.replace("{e", "{\\pi")), ("numerator",
             f"\\frac{{{a}{sign}{b}}}{{{power}}}" if sign == "+" or a != b else "0")]
    return Answer(gold, same, other)


def growth(draw: random.Random) -> Answer:
    r"""Formulas with a letter in the exponent: `2^{n+1}-2`."""
    name, a, b, k = draw.choice("nnkxm"), draw.choice([2, 3, 5, 7]), draw.randint(1,
            9), draw.randint(2, 6)
    gold = f"{k} \\cdot {a}^{{{name}}}-{b}"
    same = [("exponent split", f"{k * a} \\cdot {a}^{{{name}-1}}-{b}"),
            ("reordered", f"-{b}+{k} \\cdot {a}^{{{name}}}"),
            ("quotient", f"\\frac{{{k} \\cdot {a}^{{{name}+1}}-{a * b}}}{{{a}}}"),
            ("brackets", f"{k}({a}^{{{name}}})-{b}"), ("times", f"{k} \\times {a}^{name}-{b}"),
            ("power first", f"{a}^{{{name}}} \\cdot {k}-{b}"), ("ascii", f"{k}*{a}^{name}-{b}"),
            ("negative exponent", f"\\frac{{{k}}}{{{a}^{{-{name}}}}}-{b}"),
            ("two steps", f"{k} \\cdot {a}^{{{name}}}-{b + 1}+1")]
    other = [("exponent more", f"{k} \\cdot {a}^{{{name}+1}}-{b}"),
            ("exponent less", f"{k} \\cdot {a}^{{{name}-1}}-{b}"),
            ("base off", f"{k} \\cdot {a + 1}^{{{name}}}-{b}"),
            ("sign", f"{k} \\cdot {a}^{{{name}}}+{b}"),
             ("factor off", f"{k + 1} \\cdot {a}^{{{name}}}-{b}"),
             ("all in the exponent", f"{k} \\cdot {a}^{{{name}-{b}}}"),
             ("power swapped", f"{k} \\cdot {name}^{{{a}}}-{b}"),
             ("power dropped", f"{k * a}{name}-{b}"),
             ("factor over all", f"{k}({a}^{{{name}}}-{b})"),
             ("summand off", f"{k} \\cdot {a}^{{{name}}}-{b + 1}")]
    return Answer(gold, same, other)


def functions_of_angles(draw: random.Random) -> Answer:
    """Trigonometric, logarithmic and exponential expressions of a letter."""
    name, k, c = draw.choice(["x", "x", "\\theta", "t"]), draw.randint(2, 9), draw.randint(1, 9)
    gold, rewrites, wrong = draw.choice([
        ("\\sin 2X", ("2\\sin X\\cos X", "2\\cos X\\sin X", "\\sin(2X)",
        "\\frac{2\\tan X}{1+\\tan^2 X}"), ("2\\sin X", "\\sin X\\cos X", "\\cos 2X", "\\sin^2 X",
        "\\sin 3X")),
        ("\\cos 2X", ("1-2\\sin^2 X", "2\\cos^2 X-1", "\\cos^2 X-\\sin^2 X", "\\cos(2X)"),
        ("2\\cos X", "1-\\sin^2 X", "2\\sin^2 X-1", "\\sin 2X", "\\cos^2 X")),
        ("\\tan X", ("\\frac{\\sin X}{\\cos X}", "\\frac{1}{\\cot X}", "\\tan(X)",
        "\\sin X\\sec X"), ("\\frac{\\cos X}{\\sin X}", "\\cot X", "\\tan 2X", "\\sin X",
        "\\tan^2 X")),
        ("\\sec^2 X", ("1+\\tan^2 X", "\\frac{1}{\\cos^2 X}", "(\\sec X)^2", "\\tan^2 X+1"),
        ("1-\\tan^2 X", "\\sec X", "\\csc^2 X", "\\tan^2 X", "\\frac{1}{\\cos X}")),
        ("e^{2X}", ("(e^{X})^2", "e^{X} \\cdot e^{X}", "\\frac{1}{e^{-2X}}", "\\exp(2X)"),
        ("e^{X^2}", "e^{X}", "2e^{X}", "e^{-2X}", "e^{2X+1}")),
        ("\\ln(3X)", ("\\ln X+\\ln 3", "\\ln 3+\\ln X", "\\ln(X)+\\ln(3)",
        "-\\ln\\frac{1}{3}+\\ln X"), ("3\\ln X", "\\ln X+3", "\\ln(3+X)", "\\ln 3 \\cdot \\ln X",
        "\\ln(X^3)")),
    ])
    fill = {"X": name + (" " if name.startswith("\\") else "")}
    def put(text: str) -> str:
        return text.replace("X", fill["X"]).replace(" )", ")").replace(" }", "}").replace(" ^",
                "^").rstrip()
    same = [("identity", f"{k}({put(r)})+{c}") for r in rewrites] + [("reordered",
            f"{c}+{k}{put(gold)}"), ("cdot", f"{k} \\cdot {put(gold)}+{c}"),
            ("doubled", f"\\frac{{{2 * k}{put(gold)}+{2 * c}}}{{2}}")]
    other = [("another function", f"{k}({put(w)})+{c}")
            for w in wrong] + [("sign", f"-{k}{put(gold)}+{c}"),
            ("factor off", f"{k + 1}{put(gold)}+{c}"),
             ("summand off", f"{k}{put(gold)}+{c + 1}"), ("summand dropped", f"{k}{put(gold)}"),
             ("swapped", f"{c}{put(gold)}+{k + c}")]
    return Answer(f"{k}{put(gold)}+{c}", same, other)


KINDS: dict[str, Maker] = {
    "logarithms": logarithms, "trigonometry": trigonometry, "exponentials": exponentials,
    "letters in exponents": growth, "functions of angles": functions_of_angles,
}
