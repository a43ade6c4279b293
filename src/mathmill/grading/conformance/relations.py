r"""Kinds of answers that relate: equations, inequalities, intervals and their unions, `\pm`.

Why: graders drop what stands left of the last `=`, or ignore which bracket closes an
interval; every change here is one of those.

Used as: `KINDS["intervals"](draw)` -> `Answer("[1,5)", ...)`.
"""

from __future__ import annotations

import random
from fractions import Fraction

from mathmill.grading.conformance.constants import FREE, times
from mathmill.grading.conformance.figures import tex
from mathmill.grading.conformance.pair import Answer, Maker
from mathmill.grading.conformance.polynomial import signed, term


def _end(draw: random.Random) -> Fraction:
    """Return an end of an interval or a bound."""
    return Fraction(draw.randint(-20, 20), draw.choice([1, 1, 1, 2, 3]))


def _line(a: int, b: int, c: int) -> str:
    """Return `ax+by+c` without its zero terms."""
    return signed([text for text, value in ((term(a, "x", 1), a), (term(b, "y", 1), b),
            (str(c), c)) if value])


def equations(draw: random.Random) -> Answer:
    """Equations of lines and circles; the same set of points is the same answer."""
    if draw.random() < 0.7:
        a, b, c = (draw.choice([-1, 1]) * draw.randint(1, 9) for _ in range(3))
        k, slope, height = draw.randint(2, 5), Fraction(-a, b), Fraction(-c, b)
        gold = f"{_line(a, b, c)}=0"
        steep = {"1": "", "-1": "-"}.get(tex(slope), tex(slope))
        solved = f"{steep}x{'+' if height > 0 else ''}{tex(height)}"
        same = [("sides swapped", f"0={_line(a, b, c)}"),
                ("constant moved", f"{_line(a, b, 0)}={-c}"),
                ("letter moved", f"{term(a, 'x', 1)}={_line(0, -b, -c)}"),
                ("multiple", f"{_line(k * a, k * b, k * c)}=0"),
                ("all signs", f"{_line(-a, -b, -c)}=0"), ("solved for y", f"y={solved}"),
                ("reordered", f"{signed([term(b, 'y', 1), term(a, 'x', 1), str(c)])}=0"),
                ("solved, swapped", f"{solved}=y"),
                ("spaced", gold.replace("+", " + ").replace("=", " = "))]
        other = [("constant off", f"{_line(a, b, c + 1 or 2)}=0"),
                ("one sign", f"{_line(a, -b, c)}=0"), ("constant's sign", f"{_line(a, b, 0)}={c}"),
                ("coefficient off", f"{_line(a + 1 or 2, b, c)}=0"),
                 ("right side off", f"{_line(a, b, c)}=1"),
                 ("letters swapped", f"{_line(b, a, c)}=0"),
                 ("constant dropped", f"{_line(a, b, 0)}=0"), ("solved, off", f"y={solved}+1"),
                 ("nought", "0")]
        return Answer(gold, same, [o for o in other if o[0] != "letters swapped" or a != b])
    h, v, r = draw.choice([-1, 1]) * draw.randint(1, 9), draw.choice([-1, 1]) * draw.randint(1,
            9), draw.randint(2, 9)
    left, right, rest = f"(x{-h:+d})^2", f"(y{-v:+d})^2", h * h + v * v - r * r
    flat = signed([t for t in ("x^2", "y^2", term(-2 * h, "x", 1), term(-2 * v, "y", 1), str(rest)
            if rest else "") if t])
    same = [("reordered", f"{right}+{left}={r * r}"), ("expanded", f"{flat}=0"),
            ("radius as a power", f"{left}+{right}={r}^2"),
            ("sides swapped", f"{r * r}={left}+{right}"),
            ("to one side", f"{left}+{right}-{r * r}=0"),
            ("braced", f"{left}+{right}={r * r}".replace("^2", "^{2}"))]
    other = [("radius not squared", f"{left}+{right}={r}"),
            ("one sign", f"(x{h:+d})^2+{right}={r * r}"), ("difference", f"{left}-{right}={r * r}"),
            ("radius off", f"{left}+{right}={(r + 1) ** 2}"),
             ("power off", f"(x{-h:+d})^3+{right}={r * r}"),
             ("square dropped", f"{left}+y{-v:+d}={r * r}"),
             ("centre off", f"(x{-h:+d})^2+(y{-v - 10:+d})^2={r * r}")]
    return Answer(f"{left}+{right}={r * r}", same, other)


_TURNED = {"<": ">", ">": "<", "\\le ": "\\ge ", "\\ge ": "\\le "}
_STRICT = {"<": "\\le ", ">": "\\ge ", "\\le ": "<", "\\ge ": ">"}
_SIGNS = {"<": ("<", " \\lt "), ">": (">", " \\gt "), "\\le ": ("\\leqslant ", "≤", "<="),
            "\\ge ": ("\\geqslant ", "≥", ">=")}


def inequalities(draw: random.Random) -> Answer:
    """Bounds on a letter, one-sided or on both sides."""
    name, a, sign = draw.choice("xxatk"), _end(draw), draw.choice(list(_TURNED))
    if draw.random() < 0.6:
        k, other_name = draw.randint(2, 5), "y" if name != "y" else "x"
        same = [("turned", f"{tex(a)}{_TURNED[sign]}{name}"), ("spaced", f"{name} {sign} {tex(a)}"),
                ("other sign", f"{name}{draw.choice(_SIGNS[sign])}{tex(a)}"),
                ("multiple", f"{k}{name}{sign}{tex(k * a)}"),
                ("to one side", f"{name}{'-' if a > 0 else '+'}{tex(abs(a))}{sign}0" if a
                else f"2{name}{sign}0"),
                ("slash", f"{name}{sign}{a}"), ("signs turned", f"-{name}{_TURNED[sign]}{tex(-a)}")]
        other = [("strictness", f"{name}{_STRICT[sign]}{tex(a)}"),
                ("direction", f"{name}{_TURNED[sign]}{tex(a)}"),
                ("bound off", f"{name}{sign}{tex(a + 1)}"), ("equation", f"{name}={tex(a)}"),
                ("other letter", f"{other_name}{sign}{tex(a)}"),
                 ("turned, sign not", f"{tex(a)}{sign}{name}"),
                 ("bound less", f"{name}{sign}{tex(a - 1)}"),
                 ("not equal", f"{name}\\ne {tex(a)}")] + ([("sign", f"{name}{sign}{tex(-a)}")]
                 if a else [])
        return Answer(f"{name}{sign}{tex(a)}", same, other)
    b = a + abs(_end(draw)) + 1
    low, high = draw.choice(["<", "\\le "]), draw.choice(["<", "\\le "])
    same = [("turned", f"{tex(b)}{_TURNED[high]}{name}{_TURNED[low]}{tex(a)}"),
            ("spaced", f"{tex(a)} {low} {name} {high} {tex(b)}"),
            ("slash", f"{a}{low}{name}{high}{b}"),
            ("other signs", f"{tex(a)}{_SIGNS[low][1]}{name}{_SIGNS[high][-1]}{tex(b)}"),
            ("unicode", f"{tex(a)}{low}{name}{high}{tex(b)}".replace("\\le ", "≤")),
            ("slanted", f"{tex(a)}{low}{name}{high}{tex(b)}".replace("\\le ", "\\leqslant "))]
    other = [("low strictness", f"{tex(a)}{_STRICT[low]}{name}{high}{tex(b)}"),
            ("high strictness", f"{tex(a)}{low}{name}{_STRICT[high]}{tex(b)}"),
            ("low off", f"{tex(a - 1)}{low}{name}{high}{tex(b)}"),
             ("high off", f"{tex(a)}{low}{name}{high}{tex(b + 1)}"),
             ("low dropped", f"{name}{high}{tex(b)}"), ("high dropped", f"{tex(a)}{low}{name}"),
             ("shifted", f"{tex(a + 1)}{low}{name}{high}{tex(b + 1)}")]
    return Answer(f"{tex(a)}{low}{name}{high}{tex(b)}", same, other)


def intervals(draw: random.Random) -> Answer:
    """Intervals: brackets and ends both count."""
    a = _end(draw)
    b = a + abs(_end(draw)) + 1
    opening, closing = draw.choice("[("), draw.choice("])")
    low, high = tex(a), tex(b)
    if draw.random() < 0.25:
        high, closing = "\\infty", ")"
    other_open, other_close = "(" if opening == "[" else "[", ")" if closing == "]" else "]"
    gold = f"{opening}{low},{high}{closing}"
    same = [("space", f"{opening}{low}, {high}{closing}"),
            ("sized", f"\\left{opening}{low},{high}\\right{closing}"),
            ("slash", gold.replace(low, str(a), 1)), ("member", f"x\\in{gold}"),
            ("member, spaced", f"x \\in {opening}{low}, {high}{closing}"),
            ("unreduced",
            f"{opening}\\frac{{{2 * a.numerator}}}{{{2 * a.denominator}}},{high}{closing}"),
            ("big", f"\\big{opening}{low},{high}\\big{closing}"),
            ("infinity sign", gold.replace("\\infty", "∞")),
            ("plus infinity", gold.replace("\\infty", "+\\infty"))]
    if high == "\\infty":
        other = [("finite", f"{opening}{low},{b}{other_close}"),
                ("turned", f"(-\\infty,{low}{')' if opening == '(' else ']'}")]
    else:
        other = [("closing", f"{opening}{low},{high}{other_close}"),
                ("high off", f"{opening}{low},{tex(b + 1)}{closing}"),
                ("unbounded", f"{opening}{low},\\infty)"),
                ("swapped", f"{opening}{high},{low}{closing}"),
                 ("signs", f"{opening}{tex(-b)},{tex(-a)}{closing}"),
                 ("a set", f"\\{{{low},{high}\\}}"),
                 ("both brackets", f"{other_open}{low},{high}{other_close}")]
    other += [("opening", f"{other_open}{low},{high}{closing}"),
            ("low off", f"{opening}{tex(a - 1)},{high}{closing}"), ("end dropped", low),
            ("part", f"{opening}{low},{tex(a + Fraction(1, 2))}{closing}"),
            ("unbounded below", f"(-\\infty,{high}{closing}")]
    keep = [o for o in other if o[0] != "signs" or a != -b]
    return Answer(gold, same, keep)


def unions(draw: random.Random) -> Answer:
    """Unions of two or three intervals, in any order."""
    ends = sorted(draw.sample(range(-20, 21), draw.choice([4, 4, 6])))
    spans = [[draw.choice("[("), str(low), str(high), draw.choice("])")] for low,
            high in zip(ends[::2], ends[1::2], strict=True)]
    if draw.random() < 0.6:
        spans[0][:2] = ["(", "-\\infty"]
    if draw.random() < 0.5:
        spans[-1][2:] = ["\\infty", ")"]
    def join(parts: list[list[str]], sign: str = "\\cup ", comma: str = ",") -> str:
        return sign.join(f"{s[0]}{s[1]}{comma}{s[2]}{s[3]}" for s in parts)
    def change(place: int, part: int, text: str) -> str:
        return join([[*s[:part], text, *s[part + 1:]] if n == place else s for n,
                s in enumerate(spans)])
    first_close = spans[0][3]
    cut = spans[0][2]
    same = [("reordered", join(spans[::-1])), ("spaced", join(spans, " \\cup ")),
            ("sign", join(spans, "∪")), ("comma space", join(spans, comma=", ")),
            ("member", f"x\\in {join(spans)}"),
            ("sized", join([[f"\\left{s[0]}", s[1], s[2], f"\\right{s[3]}"] for s in spans])),
            ("reordered, spaced", join(spans[::-1], " \\cup ", ", "))]
    other = [("one bracket", change(0, 3, ")" if first_close == "]" else "]")),
            ("one end off", change(0, 2, str(int(cut) - 1) if cut != spans[0][1] else cut)),
            ("part dropped", join(spans[:-1])), ("part dropped, first", join(spans[1:])),
             ("intersection", join(spans, "\\cap ")),
             ("second bracket", change(1, 0, "(" if spans[1][0] == "[" else "[")),
             ("second end off", change(1, 1, str(int(spans[1][1]) - 100))),
             ("part added", f"{join(spans)}\\cup (100,101)"),
             ("filled up", f"{spans[0][0]}{spans[0][1]},{spans[-1][2]}{spans[-1][3]}")]
    if spans[-1][2] == "\\infty":  # (100,101) lies in it already
        other = [each for each in other if each[0] != "part added"]
    if spans[0][1] == str(int(cut) - 1):  # the shortened interval would be empty
        other.pop(1)
    return Answer(join(spans), same, other)


def plus_minus(draw: random.Random) -> Answer:
    r"""Answers of both signs, `\pm 3`, against the two written out."""
    r, b = draw.choice(FREE), draw.randint(1, 9)
    root = draw.choice([f"\\sqrt{{{r}}}", times(b + 1, f"\\sqrt{{{r}}}"), str(b),
            f"\\frac{{{b}}}{{{b + draw.randint(1, 5)}}}"])
    a = draw.choice([0, 0, draw.randint(1, 15)])
    head = str(a) if a else ""
    gold, up, down = f"{head}\\pm {root}", f"{head}+{root}" if a else root, f"{head}-{root}"
    same = [("list", f"{up}, {down}"), ("list reordered", f"{down}, {up}"),
            ("set", f"\\{{{down}, {up}\\}}"), ("and", f"{up} and {down}"),
            ("or", f"{up} or {down}"), ("in text", f"{up}\\text{{ and }}{down}"),
            ("named", f"x={gold}"),
            ("minus plus", f"{head}\\mp {root}"), ("unicode", f"{head}±{root}"),
            ("named twice", f"x={up}, x={down}"), ("in text, or", f"x={up}\\text{{ or }}x={down}")]
    other = [("only plus", up), ("only minus", down), ("root off", f"{head}\\pm ({root}+1)"),
            ("whole off", f"{a + 1}\\pm {root}"), ("plus twice", f"{up}, {up}"),
            ("minus twice", f"{down}, {down}"), ("one more", f"{up}, {down}, {a + 100}"),
             ("list off", f"{up}, {a - 100}"), ("whole dropped",
             f"\\pm {root}" if a else f"\\pm {root} \\cdot 2"),
             ("one off", f"{a + 1}+{root}, {down}")]
    return Answer(gold, same, other)


KINDS: dict[str, Maker] = {"equations": equations, "inequalities": inequalities,
            "intervals": intervals,
                           "unions of intervals": unions, "plus and minus": plus_minus}
