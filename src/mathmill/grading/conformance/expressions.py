r"""Kinds of answers with letters in them: polynomials, fractions of them, roots, names.

Why: equal expressions are written in many ways (expanded, factored, by partial fractions),
and one coefficient off is another answer. Equality holds by construction: the product is
multiplied out here, on whole numbers.

Used as: `KINDS["polynomials"](draw)` -> `Answer("x^{2}-4", [("factored", "(x-2)(x+2)")], ...)`.
"""

from __future__ import annotations

import random
from fractions import Fraction

from mathmill.grading.conformance.figures import tex
from mathmill.grading.conformance.pair import Answer, Maker
from mathmill.grading.conformance.polynomial import (
    Poly,
    add,
    horner,
    linear,
    multiply,
    nudged,
    scale,
    shuffled,
    signed,
    slips,
    term,
    write,
)


def _factors(draw: random.Random, count: int) -> list[Poly]:
    """Return that many linear factors with small coefficients."""
    return [linear(draw.choice([1, 1, 1, 2, 3]), draw.choice([-1, 1]) * draw.randint(1, 9))
            for _ in range(count)]


def _product(factors: list[Poly], name: str) -> str:
    """Return factors as they are written side by side."""
    return "".join(f"({write(factor, name)})" for factor in factors)


def polynomials(draw: random.Random) -> Answer:
    """Expanded polynomials in one letter."""
    name = draw.choice("xxxtnyk")
    factors = _factors(draw, draw.choice([2, 2, 3]))
    poly = factors[0]
    for factor in factors[1:]:
        poly = multiply(poly, factor)
    k, part = draw.randint(2, 6), linear(draw.randint(1, 5), draw.randint(1, 9))
    same = [("factored", _product(factors, name)),
            ("factored, reordered", _product(factors[::-1], name)),
            ("terms reordered", shuffled(poly, name, draw)), ("Horner", horner(poly, name)),
            ("ascii", write(poly, name, "ascii")), ("cdot", write(poly, name, "cdot")),
            ("short powers", write(poly, name, "short")),
            ("over a number", f"\\frac{{{write(scale(poly, k), name)}}}{{{k}}}"),
            ("minus outside", f"-({write(scale(poly, -1), name)})"),
            ("in two sums", f"({write(add(poly, part), name)})-({write(part, name)})"),
            ("spaced", write(poly, name).replace("+", " + ").replace("-", " - ").strip())]
    wrong = [*factors[:-1], nudged(factors[-1], draw)]
    return Answer(write(poly, name), same, [*slips(poly, name, draw),
            ("a factor off", _product(wrong, name)),
                                            ("a factor dropped", _product(factors[:-1], name))])


def factored(draw: random.Random) -> Answer:
    """Products of powers of linear factors."""
    name, k, n = draw.choice("xxtn"), draw.randint(2, 9), draw.randint(2, 3)
    one, two = _factors(draw, 2)
    while multiply(one, {0: two.get(1, 1)}) == multiply(two, {0: one.get(1, 1)}):
        one, two = _factors(draw, 2)
    a, b = f"({write(one, name)})", f"({write(two, name)})"
    poly = multiply(one, two)
    whole = scale(multiply(poly, one) if n == 2 else multiply(multiply(poly, one), one), k)
    gold = f"{k}{a}^{n}{b}"
    swap = f"({write(scale(one, -1), name)})"
    same = [("expanded", write(whole, name)), ("reordered", f"{k}{b}{a}^{n}"),
            ("braced power", f"{k}{a}^{{{n}}}{b}"),
            ("repeated", f"{k}{a * n}{b}"), ("cdot", f"{k} \\cdot {a}^{n} \\cdot {b}"),
            ("number last", f"{b}{a}^{n} \\cdot {k}"),
            ("signs turned", f"{'' if n % 2 == 0 else '-'}{k}{swap}^{n}{b}"),
            ("half expanded", f"({write(scale(two, k), name)}){a}^{n}"),
            ("ascii", f"{k}*{a}^{n}*{b}")]
    other = [("power off", f"{k}{a}^{n + 1}{b}"), ("power moved", f"{k}{a}{b}^{n}"),
            ("number off", f"{k + 1}{a}^{n}{b}"), ("sign", "-" + gold),
             ("factor off", f"{k}({write(nudged(one, draw), name)})^{n}{b}"),
             ("plus for times", f"{k}{a}^{n}+{b}"), ("power dropped", f"{k}{a}{b}"),
             ("expanded, off", write(nudged(whole, draw), name)), ("factor dropped", f"{k}{a}^{n}"),
             ("other letter", gold.replace(name, "y"))]
    return Answer(gold, same, other)


def rational(draw: random.Random) -> Answer:
    """Fractions of polynomials, with partial fractions among the rewrites."""
    name = draw.choice("xxxtsn")
    p, q = draw.sample([n for n in range(-9, 10) if n], 2)
    a, b = (draw.choice([-1, 1]) * draw.randint(1, 9) for _ in range(2))
    top = add(scale(linear(1, -q), a), scale(linear(1, -p), b))
    if len(top) == 0:
        return rational(draw)
    one, two = write(linear(1, -p), name), write(linear(1, -q), name)
    bottom = multiply(linear(1, -p), linear(1, -q))
    low, k = write(bottom, name), draw.randint(2, 5)
    extra = linear(1, draw.randint(10, 15))
    gold = f"\\frac{{{write(top, name)}}}{{({one})({two})}}"
    sign, size = "+" if b > 0 else "-", abs(b)
    same = [("expanded below", f"\\frac{{{write(top, name)}}}{{{low}}}"),
            ("partial fractions", f"{tex_over(a, one)}{sign}\\frac{{{size}}}{{{two}}}"),
            ("unreduced", f"\\frac{{{write(scale(top, k), name)}}}{{{k}({low})}}"),
            ("signs turned",
            f"\\frac{{{write(scale(top, -1), name)}}}{{({one})({write(linear(-1, q), name)})}}"),
            ("slash", f"({write(top, name)})/(({one})({two}))"),
            ("minus outside", f"-\\frac{{{write(scale(top, -1), name)}}}{{{low}}}"),
            ("common factor",
            f"\\frac{{{write(multiply(top, extra), name)}}}"
            f"{{({one})({two})({write(extra, name)})}}"),
            ("power", f"({write(top, name)})({low})^{{-1}}"),
            ("reordered below", f"\\frac{{{write(top, name)}}}{{({two})({one})}}")]
    other = [("top off", f"\\frac{{{write(nudged(top, draw), name)}}}{{{low}}}"),
            ("bottom off", f"\\frac{{{write(top, name)}}}{{{write(nudged(bottom, draw), name)}}}"),
             ("sign", "-" + gold), ("upside down", f"\\frac{{{low}}}{{{write(top, name)}}}"),
             ("a factor dropped", f"\\frac{{{write(top, name)}}}{{{one}}}"),
             ("partial fractions, sign",
             f"{tex_over(a, one)}{'-' if b > 0 else '+'}\\frac{{{size}}}{{{two}}}"),
             ("plus one", f"{gold}+1"),
             ("partial fractions, swapped", f"{tex_over(a, two)}{sign}\\frac{{{size}}}{{{one}}}"),
             ("only the top", write(top, name))]
    return Answer(gold, same, [o for o in other if o[0] != "partial fractions, swapped" or a != b])


def tex_over(value: int, text: str) -> str:
    r"""Return `\frac{value}{text}` with its minus sign before it."""
    return f"{'-' if value < 0 else ''}\\frac{{{abs(value)}}}{{{text}}}"


def several_letters(draw: random.Random) -> Answer:
    """Expressions in two letters, some with subscripts."""
    x, y = draw.choice([("x", "y"), ("a", "b"), ("m", "n"), ("p", "q"), ("x_1", "x_2"),
            ("\\alpha", "\\beta"), ("a", "c")])
    p, q, r, s = (draw.choice([-1, 1, 1]) * draw.randint(1, 6) for _ in range(4))
    mixed = p * s + q * r
    if mixed == 0 or p * r == q * s:
        return several_letters(draw)
    gap = " " if x.startswith("\\") else ""
    def form(c: tuple[int, int, int]) -> list[str]:
        return [term(c[0], x, 2), term(c[1], f"{x}{gap}{y}", 1), term(c[2], y, 2)]
    full = (p * r, mixed, q * s)
    terms = form(full)
    one, two = signed([term(p, x, 1), term(q, y, 1)]), signed([term(r, x, 1), term(s, y, 1)])
    k = draw.randint(2, 5)
    same = [("factored", f"({one})({two})"), ("factored, reordered", f"({two})({one})"),
            ("terms reordered", signed([terms[2], terms[0], terms[1]])),
            ("letters reordered", signed([terms[0], term(mixed, f"{y}{gap}{x}", 1), terms[2]])),
            ("half factored",
            f"{x}({signed([term(p * r, x, 1), term(mixed, y, 1)])})+({terms[2]})"),
            ("over a number",
            f"\\frac{{{signed(form((k * full[0], k * full[1], k * full[2])))}}}{{{k}}}"),
            ("minus outside", f"-({signed(form((-full[0], -full[1], -full[2])))})"),
            ("cdot", signed([terms[0], term(mixed, f"{x} \\cdot {y}", 1), terms[2]]))]
    other = [("coefficient off", signed(form((full[0], mixed + 1 or 2, full[2])))),
            ("one sign", signed(form((full[0], -mixed, full[2])))),
            ("letters swapped", signed([term(full[0], y, 2), terms[1], term(full[2], x, 2)])),
             ("term dropped", signed([terms[0], terms[2]])),
             ("power off", signed([term(full[0], x, 3), terms[1], terms[2]])),
             ("factor off", f"({one})({signed([term(r, x, 1), term(s + 1 or 2, y, 1)])})"),
             ("all signs", signed(form((-full[0], -mixed, -full[2])))),
             ("one letter", signed([terms[0], term(mixed, x, 2), terms[2]])),
             ("constant added", signed([*terms, str(k)]))]
    return Answer(signed(terms), same, other)


def roots_of_letters(draw: random.Random) -> Answer:
    """Square roots and broken powers of expressions."""
    name, a, k = draw.choice("xxat"), draw.randint(1, 9), draw.randint(2, 6)
    inner = {2: 1, 0: a}
    gold = f"{k}\\sqrt{{{write(inner, name)}}}"
    same = [("under the root", f"\\sqrt{{{write(scale(inner, k * k), name)}}}"),
            ("power", f"{k}({write(inner, name)})^{{1/2}}"),
            ("frac power", f"{k}({write(inner, name)})^{{\\frac{{1}}{{2}}}}"),
            ("reordered", f"{k}\\sqrt{{{a}+{name}^2}}"),
            ("cdot", f"{k} \\cdot \\sqrt{{{write(inner, name)}}}"),
            ("rationalised",
            f"\\frac{{{k}({write(inner, name)})}}{{\\sqrt{{{write(inner, name)}}}}}"),
            ("root first", f"\\sqrt{{{write(inner, name)}}} \\cdot {k}"),
            ("sum", f"{k - 1}\\sqrt{{{write(inner, name)}}}+\\sqrt{{{write(inner, name)}}}")]
    other = [("root distributed", f"{k}({name}+\\sqrt{{{a}}})"),
            ("inner sign", f"{k}\\sqrt{{{name}^2-{a}}}"),
            ("inner off", f"{k}\\sqrt{{{name}^2+{a + 1}}}"),
            ("factor off", f"{k + 1}\\sqrt{{{write(inner, name)}}}"),
             ("root dropped", f"{k}({write(inner, name)})"), ("sign", "-" + gold),
             ("factor inside", f"\\sqrt{{{write(scale(inner, k), name)}}}"),
             ("cube root", f"{k}\\sqrt[3]{{{write(inner, name)}}}"),
             ("root over part", f"{k}\\sqrt{{{name}^2}}+{a}"),
             ("power off", f"{k}\\sqrt{{{name}^3+{a}}}")]
    return Answer(gold, same, other)




def functions(draw: random.Random) -> Answer:
    """Answers that name what they define: `f(x)=2x+3`."""
    poly = multiply(*_factors(draw, 2)) if draw.random() < 0.5 else linear(draw.choice([2, 3, 5, -1,
            -4]), draw.randint(1, 9))
    head, text = draw.choice(["f(x)", "g(x)", "y", "P(x)"]), write(poly)
    same = [("bare", text), ("spaced", f"{head} = {text}"),
            ("reordered", f"{head}={shuffled(poly, 'x', draw)}"),
            ("as y", f"y={text}") if "(" in head else ("as f", f"f(x)={text}"),
            ("over two", f"{head}=\\frac{{{write(scale(poly, 2))}}}{{2}}"),
            ("ascii", f"{head}={write(poly, style='ascii')}"), ("Horner", horner(poly, "x"))]
    other = [(how, f"{head}={slip}" if draw.random() < 0.7 else slip) for how,
            slip in slips(poly, "x", draw) if how != "other letter"]
    return Answer(f"{head}={text}", same, other)


def antiderivatives(draw: random.Random) -> Answer:
    """Fractions of powers, as integrals and sums of series leave them."""
    n, a, b = draw.randint(2, 6), draw.randint(1, 9), draw.randint(2, 9)
    name = draw.choice("xxnt")
    first, rest = Fraction(a, b), draw.randint(1, 9)
    gold = f"{tex(first)}{name}^{n}-{rest}{name}" if first != 1 else f"{name}^{n}-{rest}{name}"
    over = f"{a}{name}^{n}" if a > 1 else f"{name}^{n}"
    same = [("above the line", f"\\frac{{{over}}}{{{b}}}-{rest}{name}"),
            ("one line", f"\\frac{{{over}-{b * rest}{name}}}{{{b}}}"),
            ("factored", f"{name}({tex(first)}{name}^{{{n - 1}}}-{rest})"),
            ("reordered", f"-{rest}{name}+{tex(first)}{name}^{n}"),
            ("slash", f"{over}/{b}-{rest}{name}"),
            ("cdot", f"{tex(first)} \\cdot {name}^{{{n}}}-{rest} \\cdot {name}"),
            ("factor out", f"\\frac{{{name}({a}{name}^{{{n - 1}}}-{b * rest})}}{{{b}}}")]
    other = [("power off", f"\\frac{{{a}{name}^{n + 1}}}{{{b}}}-{rest}{name}"),
            ("upside down", f"\\frac{{{b}{name}^{n}}}{{{a}}}-{rest}{name}"),
            ("sign", f"\\frac{{{over}}}{{{b}}}+{rest}{name}"),
             ("summand off", f"\\frac{{{over}}}{{{b}}}-{rest + 1}{name}"),
             ("all over", f"\\frac{{{over}-{rest}{name}}}{{{b}}}"),
             ("letter below", f"\\frac{{{a}}}{{{b}{name}^{n}}}-{rest}{name}"),
             ("bottom off", f"\\frac{{{over}}}{{{b + 1}}}-{rest}{name}"),
             ("square dropped", f"{over}-{rest}{name}"),
             ("summand's power", f"\\frac{{{over}}}{{{b}}}-{rest}{name}^{n + 1}")]
    return Answer(gold, same, [o for o in other if o[0] != "upside down" or a != b])


def lopsided(draw: random.Random) -> Answer:
    """Expressions of a huge and a small part, which floats of 16 digits run together."""
    name, n, k, part = draw.choice("xtn"), draw.randint(9, 30), draw.randint(2, 9), draw.random()
    big = draw.randint(10**9, 10**18)
    if part < 0.4:
        same = [("reordered", f"{k}+{big}{name}"), ("two steps", f"{big}{name}+{k - 1}+1"),
                ("cdot", f"{big} \\cdot {name}+{k}"), ("split", f"{big - 1}{name}+{name}+{k}")]
        other = [("small off", f"{big}{name}+{k + 1}"), ("huge off", f"{big + 1}{name}+{k}"),
                 ("small dropped", f"{big}{name}"), ("sign", f"{big}{name}-{k}")]
        return Answer(f"{big}{name}+{k}", same, other)
    if part < 0.7:
        same = [("reordered", f"{k}{name}+10^{{{n}}}"),
                ("split", f"10 \\cdot 10^{{{n - 1}}}+{k}{name}"),
                ("two steps", f"10^{{{n}}}+{k - 1}{name}+{name}")]
        other = [("small off", f"10^{{{n}}}+{k + 1}{name}"), ("small dropped", f"10^{{{n}}}"),
                 ("sign", f"10^{{{n}}}-{k}{name}"), ("power off", f"10^{{{n + 1}}}+{k}{name}"),
                 ("square", f"10^{{{n}}}+{k}{name}^2")]
        return Answer(f"10^{{{n}}}+{k}{name}", same, other)
    tiny = f"\\frac{{1}}{{10^{{{n}}}}}"
    same = [("power", f"{k}{name}+10^{{-{n}}}"), ("reordered", f"{tiny}+{k}{name}"),
            ("one fraction", f"\\frac{{{k} \\cdot 10^{{{n}}}{name}+1}}{{10^{{{n}}}}}")]
    other = [("small dropped", f"{k}{name}"), ("sign", f"{k}{name}-{tiny}"),
             ("small off", f"{k}{name}+\\frac{{1}}{{10^{{{n + 1}}}}}"),
             ("twice", f"{k}{name}+\\frac{{2}}{{10^{{{n}}}}}")]
    return Answer(f"{k}{name}+{tiny}", same, other)


KINDS: dict[str, Maker] = {
    "polynomials": polynomials, "products of factors": factored, "rational expressions": rational,
    "several letters": several_letters, "roots of expressions": roots_of_letters,
            "named functions": functions, "powers over numbers": antiderivatives,
    "huge beside small": lopsided,
}
