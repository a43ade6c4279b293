r"""Kinds of answers of combinatorics: factorials, binomials; numbers tiny or huge.

Why: graders that compare floats call all tiny numbers equal and all huge ones equal to
within a relative error; these pairs differ only there.

Used as: `KINDS["binomials"](draw)` -> `Answer(r"\binom{10}{3}", ...)`.
"""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb, factorial

from mathmill.grading.conformance.figures import decimal, misdigit, tex
from mathmill.grading.conformance.pair import Answer, Maker


def factorials(draw: random.Random) -> Answer:
    """Factorials, small ones worked out, and one over a large one."""
    if draw.random() < 0.5:
        n = draw.randint(4, 14)
        same = [("worked out", str(factorial(n))), ("factor", f"{n} \\cdot {n - 1}!"),
                ("grouped", f"{factorial(n):,}"),
                ("quotient", f"\\frac{{{n + 1}!}}{{{n + 1}}}"), ("brackets", f"({n})!"),
                ("two factors", f"{n}({n - 1})({n - 2}!)"),
                ("product", " \\cdot ".join(str(k) for k in range(n, 0, -1)))]
        other = [("next", f"{n + 1}!"), ("last", f"{n - 1}!"), ("mark dropped", str(n)),
                ("twice", f"2 \\cdot {n}!"),
                 ("worked out, off", str(factorial(n) + 1)),
                 ("a factor missing", str(factorial(n) // (n - 1))),
                 ("sign", f"-{n}!"), ("upside down", f"\\frac{{1}}{{{n}!}}"),
                 ("power", f"{n}^{{{n}}}")]
        return Answer(f"{n}!", same, other)
    n = draw.randint(15, 2100)
    same = [("factor", f"\\frac{{1}}{{{n} \\cdot {n - 1}!}}"), ("power", f"({n}!)^{{-1}}"),
            ("slash", f"1/{n}!"),
            ("unreduced", f"\\frac{{2}}{{2 \\cdot {n}!}}"),
            ("quotient", f"\\frac{{{n + 1}}}{{{n + 1}!}}"), ("brackets", f"\\frac{{1}}{{({n})!}}")]
    other = [("next", f"\\frac{{1}}{{{n + 1}!}}"), ("next but one", f"\\frac{{1}}{{{n + 2}!}}"),
            ("numerator", f"\\frac{{2}}{{{n}!}}"),
             ("sign", f"-\\frac{{1}}{{{n}!}}"), ("upside down", f"{n}!"),
             ("mark dropped", f"\\frac{{1}}{{{n}}}"), ("nought", "0")]
    return Answer(f"\\frac{{1}}{{{n}!}}", same, other)


def binomials(draw: random.Random) -> Answer:
    """Binomial coefficients."""
    n = draw.randint(6, 40)
    k = draw.randint(2, n // 2 - 1)
    value = comb(n, k)
    same = [("other side", f"\\binom{{{n}}}{{{n - k}}}"), ("worked out", str(value)),
            ("dbinom", f"\\dbinom{{{n}}}{{{k}}}"),
            ("choose", f"{{{n} \\choose {k}}}"), ("factorials",
            f"\\frac{{{n}!}}{{{k}!\\,{n - k}!}}"),
            ("factorials, cdot", f"\\frac{{{n}!}}{{{k}! \\cdot {n - k}!}}"),
            ("sum", f"\\binom{{{n - 1}}}{{{k}}}+\\binom{{{n - 1}}}{{{k - 1}}}"),
            ("factor", f"\\frac{{{n}}}{{{k}}}\\binom{{{n - 1}}}{{{k - 1}}}"),
            ("tbinom", f"\\tbinom{{{n}}}{{{k}}}"), ("grouped", f"{value:,}")]
    other = [("top off", f"\\binom{{{n + 1}}}{{{k}}}"),
            ("bottom off", f"\\binom{{{n}}}{{{k + 1}}}"), ("worked out, off", str(value + 1)),
             ("ordered", f"\\frac{{{n}!}}{{{n - k}!}}"), ("quotient", tex(Fraction(n, k))),
             ("sign", f"-\\binom{{{n}}}{{{k}}}"),
             ("bottom less", f"\\binom{{{n}}}{{{k - 1}}}"), ("twice", f"2\\binom{{{n}}}{{{k}}}"),
             ("less one", f"\\binom{{{n}}}{{{k}}}-1")]
    other += [(f"worked out, {how}", slip) for how, slip in misdigit(str(value), draw)]
    return Answer(f"\\binom{{{n}}}{{{k}}}", same, other)


def tiny(draw: random.Random) -> Answer:
    """Numbers so near to nought that floats of six places cannot tell them apart."""
    a, n, k = draw.choice([2, 3, 5, 7]), draw.randint(20, 900) * 2, draw.randint(3, 9)
    if draw.random() < 0.5:
        gold = f"\\frac{{1}}{{{a}^{{{n}}}}}"
        same = [("power", f"{a}^{{-{n}}}"), ("brackets",
                f"\\left(\\frac{{1}}{{{a}}}\\right)^{{{n}}}"), ("slash", f"1/{a}^{{{n}}}"),
                ("unreduced", f"\\frac{{{a}}}{{{a}^{{{n + 1}}}}}"),
                ("square below", f"\\frac{{1}}{{{a * a}^{{{n // 2}}}}}"),
                ("product", f"\\frac{{1}}{{{a}}} \\cdot \\frac{{1}}{{{a}^{{{n - 1}}}}}")]
        other = [("power less", f"\\frac{{1}}{{{a}^{{{n - 1}}}}}"),
                ("power more", f"\\frac{{1}}{{{a}^{{{n + 1}}}}}"),
                ("base", f"\\frac{{1}}{{{a + 1}^{{{n}}}}}"),
                 ("sign", f"-\\frac{{1}}{{{a}^{{{n}}}}}"), ("twice", f"\\frac{{2}}{{{a}^{{{n}}}}}"),
                 ("nought", "0"), ("upside down", f"{a}^{{{n}}}"),
                 ("from one", f"1-\\frac{{1}}{{{a}^{{{n}}}}}")]
        return Answer(gold, same, [o for o in other if o[0] != "twice" or a != 1])
    gold = f"\\frac{{{a}^{{{n}}}+1}}{{{k} \\cdot {a}^{{{n + 1}}}}}"
    same = [("split", f"\\frac{{1}}{{{k * a}}}+\\frac{{1}}{{{k} \\cdot {a}^{{{n + 1}}}}}"),
            ("reordered", f"\\frac{{1+{a}^{{{n}}}}}{{{a}^{{{n + 1}}} \\cdot {k}}}"),
            ("bottom split", f"\\frac{{{a}^{{{n}}}+1}}{{{k * a} \\cdot {a}^{{{n}}}}}"),
            ("unreduced", f"\\frac{{2({a}^{{{n}}}+1)}}{{{2 * k} \\cdot {a}^{{{n + 1}}}}}")]
    other = [("plus one dropped", f"\\frac{{1}}{{{k * a}}}"),
            ("one over", f"\\frac{{1}}{{{k} \\cdot {a}^{{{n + 1}}}}}"),
             ("inner sign", f"\\frac{{{a}^{{{n}}}-1}}{{{k} \\cdot {a}^{{{n + 1}}}}}"),
             ("power off", f"\\frac{{{a}^{{{n}}}+1}}{{{k} \\cdot {a}^{{{n + 2}}}}}"),
             ("factor off", f"\\frac{{{a}^{{{n}}}+1}}{{{k + 1} \\cdot {a}^{{{n + 1}}}}}"),
             ("two for one", f"\\frac{{{a}^{{{n}}}+2}}{{{k} \\cdot {a}^{{{n + 1}}}}}")]
    return Answer(gold, same, other)


def huge(draw: random.Random) -> Answer:
    """Whole numbers of up to sixty digits, and large powers with a small summand."""
    if draw.random() < 0.5:
        n = draw.randint(10**18, 10 ** draw.randint(20, 60))
        same = [("grouped", f"{n:,}"), ("sum", f"{n - 1}+1"),
                ("braced", f"{n:,}".replace(",", "{,}")), ("decimals", f"{n}.0"),
                ("quotient", f"\\frac{{{2 * n}}}{{2}}"), ("spaces", f"{n:,}".replace(",", "\\,")),
                ("named", f"N={n}")]
        other = [("one more", str(n + 1)), ("one less", str(n - 1)), ("sign", str(-n)),
                ("rounded", f"{n // 1000}000" if n % 1000 else str(n + 2)),
                 ("tenfold", f"{n}0"), *misdigit(str(n), draw)]
        return Answer(str(n), same, other, "number")
    a, n, k = draw.choice([2, 3, 5, 10]), draw.randint(40, 400), draw.randint(1, 9)
    sign = draw.choice("+-")
    gold = f"{a}^{{{n}}}{sign}{k}"
    same = [("reordered", f"{k}+{a}^{{{n}}}" if sign == "+" else f"-{k}+{a}^{{{n}}}"),
            ("split", f"{a} \\cdot {a}^{{{n - 1}}}{sign}{k}"),
            ("brackets", f"({a}^{{{n}}}){sign}{k}"),
            ("two steps", f"{a}^{{{n}}}{sign}{k + 1}{'-' if sign == '+' else '+'}1"),
            ("quotient", f"\\frac{{{a}^{{{n + 1}}}{sign}{k * a}}}{{{a}}}")]
    other = [("summand off", f"{a}^{{{n}}}{sign}{k + 1}"),
            ("sign", f"{a}^{{{n}}}{'-' if sign == '+' else '+'}{k}"),
            ("summand dropped", f"{a}^{{{n}}}"),
             ("power off", f"{a}^{{{n + 1}}}{sign}{k}"), ("base off", f"{a + 1}^{{{n}}}{sign}{k}"),
             ("in the power", f"{a}^{{{n}{sign}{k}}}"), ("twice", f"2({gold})")]
    return Answer(gold, same, other)


def scientific(draw: random.Random) -> Answer:
    """Numbers with a power of ten."""
    places, power = draw.randint(1, 3), draw.choice([draw.randint(3, 25), draw.randint(-25, -3)])
    units = draw.randint(10**places, 10 ** (places + 1) - 1) | 1
    head = decimal(units, places)
    value = Fraction(units, 10**places) * Fraction(10) ** power
    same = [("cdot", f"{head} \\cdot 10^{{{power}}}"), ("tight", f"{head}\\times10^{{{power}}}"),
            ("letter e", f"{head}e{power}"), ("capital", f"{head}E{power:+03d}"),
            ("shifted", f"{units} \\times 10^{{{power - places}}}"),
            ("ascii", f"{head}*10^{power}"), ("sign", f"{head} × 10^{{{power}}}"), ("small head",
             f"{decimal(units, places + 1)} \\times 10^{{{power + 1}}}"),
            ("quotient", f"\\frac{{{units}}}{{10^{{{places - power}}}}}")]
    if power < 0 and power > -12:
        same.append(("decimal", decimal(units, places - power)))
    if places < power < 16:
        same += [("written out", str(value)), ("grouped", f"{int(value):,}")]
    other = [("power more", f"{head} \\times 10^{{{power + 1}}}"), ("sign of power",
             f"{head} \\times 10^{{{-power}}}"), ("power less", f"{head}e{power - 1}"),
             ("sign", f"-{head} \\times 10^{{{power}}}"), ("power dropped", head),
             ("head off", f"{decimal(units + 1, places)} \\times 10^{{{power}}}"),
             ("point moved", f"{units} \\times 10^{{{power}}}"), ("other base",
             f"{head} \\times 2^{{{power}}}")]
    return Answer(f"{head} \\times 10^{{{power}}}", same, other)


KINDS: dict[str, Maker] = {
    "factorials": factorials, "binomials": binomials, "tiny numbers": tiny, "huge numbers": huge,
    "scientific": scientific,
}
