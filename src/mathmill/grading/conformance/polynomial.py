r"""Polynomials by their coefficients, and how they are written: expanded, shuffled, Horner.

Why: the conformance pairs need expressions that are equal by construction, not by the word
of an algebra system. Whole coefficients and schoolbook multiplication are enough for that.

Used as: `write({2: 1, 0: -4}, "x")` -> `x^{2}-4`; `multiply(linear(1, 2), linear(1, -2))`.
"""

from __future__ import annotations

import random

Poly = dict[int, int]  # power -> coefficient, no zero among them


def linear(a: int, b: int) -> Poly:
    """Return `ax + b`."""
    return {power: value for power, value in ((1, a), (0, b)) if value}


def multiply(one: Poly, two: Poly) -> Poly:
    """Return the product."""
    product: Poly = {}
    for p, a in one.items():
        for q, b in two.items():
            product[p + q] = product.get(p + q, 0) + a * b
    return {power: value for power, value in product.items() if value}


def scale(poly: Poly, k: int) -> Poly:
    """Return `k` times a polynomial, `k` not 0."""
    return {power: k * value for power, value in poly.items()}


def add(one: Poly, two: Poly) -> Poly:
    """Return the sum."""
    total = {p: one.get(p, 0) + two.get(p, 0) for p in {*one, *two}}
    return {power: value for power, value in total.items() if value}


def write(poly: Poly, name: str = "x", style: str = "", order: list[int] | None = None) -> str:
    r"""Return a polynomial as LaTeX (`style` "cdot": `2 \cdot x`, "ascii": `2*x^2`)."""
    powers = sorted(poly, reverse=True) if order is None else order
    return signed([term(poly[power], name, power, style) for power in powers]) or "0"


def term(value: int, name: str, power: int, style: str = "") -> str:
    """Return one term with its sign, such as `-3x^{2}`."""
    if power == 0:
        return str(value)
    letter = name if power == 1 else f"{name}^{power}" if style == "ascii" else (
        f"{name}^{{{power}}}" if power > 9 or style != "short" else f"{name}^{power}")
    sign = {"ascii": "*", "cdot": " \\cdot "}.get(style, "")
    if abs(value) == 1:
        return ("-" if value < 0 else "") + letter
    return f"{value}{sign}{letter}"


def signed(terms: list[str]) -> str:
    """Join terms that may start with a minus sign."""
    return "".join(t if t.startswith("-") or not place else "+" + t
                   for place, t in enumerate(terms))


def shuffled(poly: Poly, name: str, draw: random.Random) -> str:
    """Return the polynomial with its terms in another order."""
    powers = sorted(poly)
    if len(powers) > 2:
        draw.shuffle(powers)
    return write(poly, name, order=powers)


def horner(poly: Poly, name: str) -> str:
    """Return the polynomial in Horner's form, `(3x-2)x+1`."""
    top = max(poly)
    text = {1: "", -1: "-"}.get(poly[top], str(poly[top]))
    for power in range(top - 1, -1, -1):
        text = f"({text}){name}" if power < top - 1 else f"{text}{name}"
        value = poly.get(power, 0)
        text += f"{value:+d}" if value else ""
    return text


def nudged(poly: Poly, draw: random.Random) -> Poly:
    """Return the polynomial with one coefficient changed, never to 0 terms at all."""
    power = draw.choice(sorted(poly))
    other = dict(poly)
    other[power] += draw.choice([-1, 1]) * draw.choice([1, 1, 2])
    return {p: v for p, v in other.items() if v} or {0: 1 if poly != {0: 1} else 2}


def slips(poly: Poly, name: str, draw: random.Random) -> list[tuple[str, str]]:
    """Return written slips: a coefficient, a sign, a power, a term, the letter."""
    power = draw.choice(sorted(poly))
    flipped = {**poly, power: -poly[power]}
    raised = {**poly, max(poly) + 1: poly[max(poly)]}
    del raised[max(poly)]
    found = [("coefficient off", write(nudged(poly, draw), name)),
             ("one sign", write(flipped, name)), ("all signs", write(scale(poly, -1), name)),
             ("power more", write(raised, name)), ("twice", write(scale(poly, 2), name)),
             ("constant added", write(add(poly, {0: draw.randint(1, 9)}), name))]
    if len(poly) > 1:
        fewer = {p: v for p, v in poly.items() if p != power}
        found.append(("term dropped", write(fewer, name)))
    if max(poly) > 0:
        other = draw.choice([n for n in ("x", "y", "t", "n") if n != name])
        found.append(("other letter", write(poly, other)))
    return found
