r"""Kinds of answers that are one number written as an expression: roots, powers, multiples of pi.

Why: here equality takes algebra: `\frac{6}{\sqrt{3}}` is `2\sqrt{3}`. Every rewrite is an
identity in closed form, every change alters the value by construction, so no algebra system
is asked.

Used as: `KINDS["surds"](draw)` -> `Answer(r"2\sqrt{3}", ...)`.
"""

from __future__ import annotations

import random
from fractions import Fraction

from mathmill.grading.conformance.figures import tex
from mathmill.grading.conformance.pair import Answer, Maker

FREE = (2, 3, 5, 6, 7, 10, 11, 13, 14, 15, 17, 19, 21)  # square-free


def times(k: int, text: str) -> str:
    """Return `k` times a factor: no 1 is written before it."""
    return {1: text, -1: f"-{text}"}.get(k, f"{k}{text}")


def powers(draw: random.Random) -> Answer:
    """Powers of whole numbers, from `2^{10}` to `2^{2004}`."""
    a, n = draw.choice([2, 3, 5, 7, 10]), draw.choice([draw.randint(4, 14), draw.randint(40, 3000)])
    n += n % 2
    k = draw.randint(2, 3)
    same = [("square below", f"{a * a}^{{{n // 2}}}"),
            ("split", f"{a}^{{{n - k}}} \\cdot {a}^{{{k}}}"),
            ("factor", f"{a**k} \\cdot {a}^{{{n - k}}}"),
            ("quotient", f"\\frac{{{a}^{{{n + k}}}}}{{{a**k}}}"),
            ("brackets", f"({a}^{{{n // 2}}})^2"), ("under one", f"\\frac{{1}}{{{a}^{{-{n}}}}}"),
            ("minus base", f"(-{a})^{{{n}}}")]
    if n < 15:
        same += [("worked out", str(a**n)), ("grouped", f"{a**n:,}")]
    other = [("power more", f"{a}^{{{n + 1}}}"), ("power less", f"{a}^{{{n - 1}}}"),
             ("base more", f"{a + 1}^{{{n}}}"), ("sign", f"-{a}^{{{n}}}"),
             ("sign of power", f"{a}^{{-{n}}}"),
             ("plus one", f"{a}^{{{n}}}+1"), ("minus one", f"{a}^{{{n}}}-1"),
             ("factor", f"{k}\\cdot {a}^{{{n}}}"), ("product", f"{a} \\cdot {n}")]
    if n < 15:
        other += [("worked out, off", str(a**n + 1)), ("worked out, tenfold", f"{a**n}0")]
    return Answer(f"{a}^{{{n}}}", same, other)


def surds(draw: random.Random) -> Answer:
    """A whole or broken multiple of one square root."""
    r, k, d = draw.choice(FREE), draw.randint(2, 12), draw.choice([1, 1, 2, 3, 5, 7])
    part = Fraction(k, d)
    k, d = part.numerator, part.denominator
    over = "" if d == 1 else f"\\frac{{%s}}{{{d}}}"
    root = times(k, f"\\sqrt{{{r}}}")
    gold = over % root if over else root
    split = tex(part - 1) if part != 1 else "0"
    same = [("under the root", f"\\sqrt{{{tex(part * part * r)}}}"),
            ("cdot", f"{tex(part)} \\cdot \\sqrt{{{r}}}"),
            ("beside", f"{tex(part)}\\sqrt{{{r}}}"),
            ("root below", f"\\frac{{{k * r}}}{{{times(d, f'{chr(92)}sqrt{{{r}}}')}}}"),
            ("half power", f"{tex(part)} \\cdot {r}^{{1/2}}"),
            ("sum", f"\\sqrt{{{r}}}+({split})\\sqrt{{{r}}}"),
            ("frac power", f"{tex(part)} \\cdot {r}^{{\\frac{{1}}{{2}}}}"),
            ("ascii", f"{k}sqrt({r})/{d}"),
            ("sign", f"{k}√{r}/{d}" if d > 1 else f"{k}√{r}"), ("slash", f"{k}\\sqrt{{{r}}}/{d}")]
    if r < 10:
        same.append(("short", gold.replace(f"\\sqrt{{{r}}}", f"\\sqrt{r}")))
    other = [("sign", "-" + gold), ("root off", gold.replace(f"sqrt{{{r}}}", f"sqrt{{{r + 1}}}")),
             ("factor off", f"{tex(part + 1)}\\sqrt{{{r}}}"),
             ("root dropped", gold.replace(f"\\sqrt{{{r}}}", str(r))),
             ("swapped", f"{r}\\sqrt{{{k}}}"), ("cube root", gold.replace("\\sqrt", "\\sqrt[3]")),
             ("factor inside", f"\\sqrt{{{tex(part * r)}}}"), ("only the factor", tex(part)),
             ("only the root", f"\\sqrt{{{r}}}"), ("upside down", f"\\frac{{{d}}}{{{root}}}"),
             ("tenfold", f"{tex(10 * part)}\\sqrt{{{r}}}")]
    unlike = {"swapped": part * part * r != Fraction(r * r * k), "only the root": part != 1,
              "factor inside": part != 1}
    return Answer(gold, same if part != 1 else same[:5],
            [o for o in other if unlike.get(o[0], True)])


def surd_sums(draw: random.Random) -> Answer:
    r"""Sums like `3-2\sqrt{5}`, some over a common denominator."""
    r, a, b = draw.choice(FREE), draw.randint(1, 15), draw.choice([-1, 1]) * draw.randint(1, 9)
    root, sign = f"\\sqrt{{{r}}}", "+" if b > 0 else "-"
    term = times(abs(b), root)
    gold, norm = f"{a}{sign}{term}", a * a - b * b * r
    flip = "-" if b > 0 else "+"
    k = draw.randint(2, 5)
    same = [("reordered", f"{times(b, root)}+{a}"), ("under the root",
            f"{a}{sign}\\sqrt{{{b * b * r}}}"), ("minus outside", f"-(-{a}{flip}{term})"),
            ("common factor", f"\\frac{{{k * a}{sign}{k * abs(b)}{root}}}{{{k}}}"),
            ("cdot", f"{a}{sign}{abs(b)} \\cdot {root}"), ("ascii", f"{a}{sign}{abs(b)}*sqrt({r})"),
            ("one apart", f"{a - 1}{sign}{term}+1"),
            ("half power", f"{a}{sign}{abs(b)}\\cdot {r}^{{1/2}}"),
            ("conjugate below", f"\\frac{{{norm}}}{{{a}{flip}{term}}}")]
    other = [("conjugate", f"{a}{flip}{term}"), ("sign", f"-{a}{flip}{term}"),
            ("first sign", f"-{a}{sign}{term}"),
             ("whole off", f"{a + 1}{sign}{term}"), ("factor off", f"{a}{sign}{abs(b) + 1}{root}"),
             ("root off", f"{a}{sign}{abs(b)}\\sqrt{{{r + 1}}}"),
             ("root moved", f"{abs(b)}{sign}{a}{root}"),
             ("all under the root", f"\\sqrt{{{a + b * b * r}}}"),
             ("root dropped", f"{a}{sign}{abs(b) * r}"),
             ("halved", f"\\frac{{{a}{sign}{term}}}{{2}}"),
             ("only half halved", f"\\frac{{{a}}}{{2}}{sign}{term}"),
             ("conjugate above", f"\\frac{{{a}{sign}{term}}}{{{abs(norm) + 1}}}")]
    return Answer(gold, same, [o for o in other if o[0] != "root moved" or a != abs(b)])


def nested_roots(draw: random.Random) -> Answer:
    r"""Roots of sums that denest, `\sqrt{5+2\sqrt{6}}`, and higher roots."""
    if draw.random() < 0.5:
        p, q = sorted(draw.sample([n for n in FREE if n < 16], 2))
        one, two = f"\\sqrt{{{p}}}", f"\\sqrt{{{q}}}"
        gold = f"\\sqrt{{{p + q}+2\\sqrt{{{p * q}}}}}"
        same = [("denested", f"{one}+{two}"), ("denested, reordered", f"{two}+{one}"),
                ("inner factor", f"\\sqrt{{{p + q}+\\sqrt{{{4 * p * q}}}}}"), ("inner reordered",
                f"\\sqrt{{2\\sqrt{{{p * q}}}+{p + q}}}"),
                ("conjugate", f"\\frac{{{q - p}}}{{{two}-{one}}}"),
                ("half power", f"({p + q}+2\\sqrt{{{p * q}}})^{{1/2}}")]
        other = [("inner sign", f"\\sqrt{{{p + q}-2\\sqrt{{{p * q}}}}}"),
                ("difference", f"{two}-{one}"),
                 ("sum under one root", f"\\sqrt{{{p + q}}}"), ("sign", "-" + gold),
                 ("inner factor off", f"\\sqrt{{{p + q}+3\\sqrt{{{p * q}}}}}"),
                 ("one root off", f"{one}+\\sqrt{{{q + 1}}}"), ("outer root dropped",
                 f"{p + q}+2\\sqrt{{{p * q}}}"), ("product", f"\\sqrt{{{p * q}}}")]
        return Answer(gold, same, other)
    n, r, k = draw.choice([3, 4, 5]), draw.choice([2, 3, 5, 6, 7, 10]), draw.randint(2, 5)
    gold = f"{k}\\sqrt[{n}]{{{r}}}"
    same = [("under the root", f"\\sqrt[{n}]{{{k**n * r}}}"),
            ("power", f"{k} \\cdot {r}^{{1/{n}}}"),
            ("frac power", f"{k} \\cdot {r}^{{\\frac{{1}}{{{n}}}}}"), ("twice the order",
            f"{k}\\sqrt[{2 * n}]{{{r * r}}}"), ("cdot", f"{k} \\cdot \\sqrt[{n}]{{{r}}}"),
            ("inverse", f"\\frac{{{k * r}}}{{\\sqrt[{n}]{{{r ** (n - 1)}}}}}")]
    other = [("order off", f"{k}\\sqrt[{n + 1}]{{{r}}}"), ("square root", f"{k}\\sqrt{{{r}}}"),
             ("radicand off", f"{k}\\sqrt[{n}]{{{r + 1}}}"),
             ("factor off", f"{k + 1}\\sqrt[{n}]{{{r}}}"),
             ("factor inside", f"\\sqrt[{n}]{{{k * r}}}"), ("sign", "-" + gold),
             ("power", f"{k} \\cdot {r}^{{{n}}}"), ("index as factor", f"{k * n}\\sqrt{{{r}}}")]
    return Answer(gold, same, other)


def pi_multiples(draw: random.Random) -> Answer:
    r"""Multiples of `\pi`."""
    part = Fraction(draw.randint(1, 40), draw.choice([1, 1, 2, 3, 4, 6, 9]))
    k, d = part.numerator, part.denominator
    top = times(k, "\\pi")
    gold = top if d == 1 else f"\\frac{{{top}}}{{{d}}}"
    same = [("beside", f"{tex(part)}\\pi" if part != 1 else "1\\pi"),
            ("cdot", f"{tex(part)} \\cdot \\pi"),
            ("before", f"\\pi \\cdot {tex(part)}"),
            ("sign", f"{k}π/{d}" if d > 1 else times(k, "π")),
            ("unreduced", f"\\frac{{{2 * k}\\pi}}{{{2 * d}}}"), ("sum", f"\\pi+{tex(part - 1)}\\pi"
             if part > 1 else f"2\\pi-{tex(2 - part)}\\pi"),
             ("word", f"{k}pi/{d}" if d > 1 else f"{k}pi"),
            ("ascii", f"{k}*\\pi/{d}")]
    other = [("factor off", f"{tex(part + 1)}\\pi"), ("pi dropped", tex(part)),
            ("sign", "-" + gold),
             ("square", gold.replace("\\pi", "\\pi^2")), ("twice", f"{tex(2 * part)}\\pi"),
             ("rounded pi", f"{float(part) * 3.14:.2f}"),
             ("bottom off", f"\\frac{{{top}}}{{{d + 1}}}"),
             ("plus", f"{tex(part)}+\\pi"), ("under",
             f"\\frac{{{k}}}{{{times(d, chr(92) + 'pi')}}}"), ("e", gold.replace("\\pi", "e"))]
    return Answer(gold, same, other)





def complex_numbers(draw: random.Random) -> Answer:
    """Complex numbers in Cartesian form."""
    c, d, e, f = (draw.choice([-1, 1]) * draw.randint(1, 9) for _ in range(4))
    a, b = c * e - d * f, c * f + d * e
    if a == 0 or b == 0 or abs(a) == abs(b):
        return complex_numbers(draw)
    show = _gauss
    gold = show(a, b)
    same = [("reordered", f"{times(b, 'i')}{a:+d}"), ("product", f"({show(c, d)})({show(e, f)})"),
            ("cdot", f"{a}{'+' if b > 0 else '-'}{abs(b)} \\cdot i"),
            ("minus outside", f"-({show(-a, -b)})"),
            ("quotient", f"\\frac{{{show(a * e - b * f, a * f + b * e)}}}{{{show(e, f)}}}"),
            ("factor", f"i({show(b, -a)})"), ("doubled", f"\\frac{{{show(2 * a, 2 * b)}}}{{2}}"),
            ("named", f"z = {gold}")]
    other = [("conjugate", show(a, -b)), ("swapped", show(b, a)), ("sign", show(-a, -b)),
            ("real off", show(a + 1, b)),
             ("imaginary off", show(a, b + 1 if b != -1 else 5)), ("i dropped", str(a + b)),
             ("i dropped, written", f"{a}{b:+d}"),
             ("mirrored", show(-a, b)), ("only real", str(a)), ("only imaginary", times(b, "i")),
             ("modulus", f"\\sqrt{{{a * a + b * b}}}")]
    return Answer(gold, same, other)


def _gauss(a: int, b: int) -> str:
    """Return a Gaussian integer as it is written."""
    if a == 0 or b == 0:
        return times(b, "i") if b else str(a)
    return f"{a}{'+' if b > 0 else '-'}{times(abs(b), 'i')}"


KINDS: dict[str, Maker] = {
    "powers": powers, "surds": surds, "surd sums": surd_sums,
            "nested and higher roots": nested_roots,
    "multiples of pi": pi_multiples, "complex numbers": complex_numbers,
}
