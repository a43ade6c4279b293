r"""Kinds of answers of several parts: sets, tuples, lists, matrices, vectors, ratios, bases.

Why: what a grader does with order, number and brackets of parts decides between right and
wrong: sets and bare lists in any order, tuples, matrices and ratios in the one written.

Used as: `KINDS["sets"](draw)` -> `Answer(r"\{1,2,3\}", ...)`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from mathmill.grading.conformance.figures import misdigit, tex
from mathmill.grading.conformance.pair import Answer, Maker, Variant


def _elements(draw: random.Random, count: int) -> list[str]:
    """Return that many different values: whole numbers, fractions, a root at times."""
    values = draw.sample(range(-30, 60), count)
    texts = [str(value) for value in values]
    if draw.random() < 0.4:
        texts[0] = tex(Fraction(2 * draw.randint(0, 40) + 1, 2))
    if draw.random() < 0.2:
        texts[-1] = f"\\sqrt{{{draw.choice([2, 3, 5, 7])}}}"
    return texts


def _changes(parts: list[str], draw: random.Random) -> dict[str, list[str]]:
    """Return what is wrong about a row of parts, whatever its brackets."""
    place = draw.randrange(len(parts))
    off = f"{parts[place]}+1" if "\\" in parts[place] else str(int(parts[place]) + draw.choice([-1,
            1]) * 100)
    sign = parts[place][1:] if parts[place].startswith("-") else "-" + parts[place]
    found = {"element off": [*parts[:place], off, *parts[place + 1:]],
            "element dropped": parts[:-1], "element added": [*parts, "77"],
            "element for another": [*parts[:-1], "99"], "first dropped": parts[1:]}
    if parts[place] != "0" and sign not in parts:
        found["element's sign"] = [*parts[:place], sign, *parts[place + 1:]]
    return found


def _other_order(parts: list[str], draw: random.Random) -> list[str]:
    """Return the parts in another order."""
    mixed = parts[:]
    while mixed == parts:
        draw.shuffle(mixed)
    return mixed


def sets(draw: random.Random) -> Answer:
    """Sets in braces."""
    parts = _elements(draw, draw.randint(2, 5))
    mixed = _other_order(parts, draw)
    same = [("reordered", f"\\{{{','.join(mixed)}\\}}"), ("spaced", f"\\{{{', '.join(parts)}\\}}"),
            ("lbrace", f"\\lbrace {', '.join(parts)} \\rbrace"),
            ("sized", f"\\left\\{{{', '.join(mixed)}\\right\\}}"),
            ("bare braces", "{" + ", ".join(parts) + "}"),
            ("bare", ", ".join(mixed)), ("named", f"S = \\{{{','.join(mixed)}\\}}"),
            ("padded", f"\\{{ {', '.join(parts)} \\}}")]
    other = [(how, f"\\{{{', '.join(wrong)}\\}}") for how, wrong in _changes(parts, draw).items()]
    return Answer(f"\\{{{','.join(parts)}\\}}", same, other)


def tuples(draw: random.Random) -> Answer:
    """Points and tuples: order counts."""
    parts = _elements(draw, draw.randint(2, 4))
    mixed = _other_order(parts, draw)
    halves = [tex(Fraction(part) * 2).join(("\\frac{", "}{2}")) if part.lstrip("-").isdigit()
            else part for part in parts]
    same = [("space", f"({', '.join(parts)})"), ("sized", f"\\left({', '.join(parts)}\\right)"),
            ("decimals",
            f"({', '.join(p + '.0' if p.lstrip('-').isdigit() else p for p in parts)})"),
            ("unreduced", f"({','.join(halves)})"),
            ("named", f"(x,y)=({','.join(parts)})" if len(parts) == 2
            else f"({', '.join(parts)} )"), ("big", f"\\bigl({', '.join(parts)}\\bigr)"),
            ("thin", "(" + ",\\,".join(parts) + ")")]
    other = [(how, f"({', '.join(wrong)})") for how,
            wrong in _changes(parts, draw).items()
            if how not in ("element dropped", "first dropped") or len(wrong) > 1]
    other += [("order", f"({', '.join(mixed)})"), ("a set of others",
            f"\\{{{', '.join(mixed[:-1])}\\}}"), ("doubled", f"({', '.join([*parts, parts[-1]])})")]
    return Answer(f"({','.join(parts)})", same, other)


def lists(draw: random.Random) -> Answer:
    """Bare comma lists: order is free."""
    parts = _elements(draw, draw.randint(2, 5))
    mixed = _other_order(parts, draw)
    same = [("reordered", ", ".join(mixed)), ("tight", ",".join(parts)),
            ("and", ", ".join(mixed[:-1]) + " and " + mixed[-1]),
            ("in text", ", ".join(parts[:-1]) + "\\text{ and }" + parts[-1]),
            ("or", ", ".join(mixed[:-1]) + " or " + mixed[-1]),
            ("set", f"\\{{{', '.join(mixed)}\\}}"), ("named", ", ".join(f"x={p}" for p in parts)),
            ("comma and", ", ".join(mixed[:-1]) + ", and " + mixed[-1]),
            ("named once", f"x = {', '.join(parts)}")]
    other = [(how, ", ".join(wrong)) for how, wrong in _changes(parts, draw).items()]
    return Answer(", ".join(parts), same, [*other, ("doubled", ", ".join([*parts, parts[0]])),
            ("first twice", ", ".join([parts[0], *parts[:-1]]))])


def points(draw: random.Random) -> Answer:
    """Lists of pairs: the pairs in any order, each in its own."""
    pairs = [tuple(draw.sample(range(-20, 30), 2)) for _ in range(draw.randint(2, 4))]
    if len(set(pairs)) < len(pairs):
        return points(draw)
    def join(some: Sequence[tuple[int, ...]], comma: str = ",", between: str = ",") -> str:
        return between.join(f"({a}{comma}{b})" for a, b in some)
    turned = [pairs[0][::-1], *pairs[1:]]
    moved = [(p[0], q[1]) for p, q in zip(pairs, [*pairs[1:], pairs[0]], strict=True)]
    same = [("reordered", join(pairs[::-1])), ("spaced", join(pairs, ", ", ", ")),
            ("set", f"\\{{{join(pairs[::-1])}\\}}"),
            ("and", f"{join(pairs[:-1], between=', ')} and {join(pairs[-1:])}"),
            ("sized", join(pairs).replace("(", "\\left(").replace(")", "\\right)")),
            ("in text", f"{join(pairs[:-1], between=', ')}\\text{{ and }}{join(pairs[-1:])}"),
            ("semicolons", join(pairs, between="; "))]
    other = [("one turned", join(turned)), ("one off",
            join([(pairs[0][0] + 50, pairs[0][1]), *pairs[1:]])), ("one dropped", join(pairs[:-1])),
            ("one added", join([*pairs, (88, 99)])),
            ("flat", ", ".join(f"{a}, {b}" for a, b in pairs)),
             ("seconds moved", join(moved)),
             ("sign", join([(-p[0] - 70, p[1]) for p in pairs]))]
    alike = {"seconds moved": sorted(moved) == sorted(pairs), "one turned": turned[0] in pairs}
    return Answer(join(pairs), same, [o for o in other if not alike.get(o[0])])


def _grid(rows: list[list[str]], name: str = "pmatrix", gap: str = " & ",
        end: str = " \\\\ ") -> str:
    """Return rows as a LaTeX matrix."""
    return f"\\begin{{{name}}} {end.join(gap.join(row) for row in rows)} \\end{{{name}}}"


def _array(rows: list[list[str]], opening: str, closing: str) -> str:
    """Return rows as a LaTeX array within brackets of its own."""
    inner = " \\\\ ".join(" & ".join(row) for row in rows)
    return (f"\\left{opening}\\begin{{array}}{{{'c' * len(rows[0])}}} {inner} "
            f"\\end{{array}}\\right{closing}")


def matrices(draw: random.Random) -> Answer:
    """Matrices of two or three rows."""
    height, width = draw.choice([(2, 2), (2, 2), (3, 3), (2, 3), (3, 2)])
    values = draw.sample([n for n in range(-20, 40) if n], height * width)
    rows = [[str(v) for v in values[r * width:(r + 1) * width]] for r in range(height)]
    rows[0][0] = tex(Fraction(draw.randint(-9, 9) * 2 + 1,
            2)) if draw.random() < 0.3 else rows[0][0]
    across = [list(column) for column in zip(*rows, strict=True)]
    near = [row[:] for row in rows]
    near[-1][0] = str(int(near[-1][0]) + 100)
    flipped = [row[:] for row in rows]
    flipped[-1][-1] = str(-int(flipped[-1][-1]))
    halves = [[f"\\frac{{{2 * int(v)}}}{{2}}" if v.lstrip("-").isdigit() else v for v in row]
            for row in rows]
    same = [("brackets", _grid(rows, "bmatrix")), ("tight", _grid(rows, gap="&", end="\\\\")),
            ("lines", _grid(rows, end=" \\\\\n")),
            ("last end", _grid(rows).replace(" \\end", " \\\\ \\end")),
            ("unreduced", _grid(halves)),
            ("decimals",
            _grid([[v + ".0" if v.lstrip("-").isdigit() else v for v in row] for row in rows])),
            ("array", _array(rows, "(", ")")),
            ("named", f"A = {_grid(rows)}"), ("dfrac",
            _grid(rows, "bmatrix").replace("\\frac", "\\dfrac"))]
    other = [("entry off", _grid(near)), ("entry's sign", _grid(flipped, "bmatrix")),
            ("transposed", _grid(across)), ("rows swapped", _grid(rows[::-1])),
            ("row dropped", _grid(rows[:-1])), ("columns swapped",
            _grid([row[::-1] for row in rows])),
             ("column dropped", _grid([row[:-1] for row in rows])),
             ("row doubled", _grid([*rows, rows[0]])),
             ("one row", _grid([[v for row in rows for v in row]]))]
    return Answer(_grid(rows), same, other)


def vectors(draw: random.Random) -> Answer:
    """Column vectors."""
    parts = [str(v) for v in draw.sample(range(-20, 40), draw.choice([2, 3, 3]))]
    if draw.random() < 0.3:
        parts[0] = tex(Fraction(draw.randint(-9, 9) * 2 + 1, 2))
    column = [[part] for part in parts]
    k = draw.randint(2, 5)
    off = [*parts[:-1], str(int(parts[-1]) + 100)]
    same = [("brackets", _grid(column, "bmatrix")), ("tight", _grid(column, end="\\\\")),
            ("lines", _grid(column, end=" \\\\\n")),
            ("decimals", _grid([[p + ".0" if "\\" not in p else p] for p in parts])),
            ("named", f"\\mathbf{{v}} = {_grid(column)}"),
            ("unreduced",
            _grid([[f"\\frac{{{int(p) * k}}}{{{k}}}" if "\\" not in p else p] for p in parts])),
            ("array", _array(column, "[", "]")), ("last end",
            _grid(column).replace(" \\end", " \\\\ \\end"))]
    other = [("entry off", _grid([[p] for p in off])), ("order", _grid(column[::-1])),
            ("entry dropped", _grid(column[:-1])), ("entry added", _grid([*column, ["5"]])),
            ("entry added, brackets", _grid([*column, ["0"]], "bmatrix")),
             ("first off", _grid([[f"{parts[0]}+1"], *column[1:]])),
             ("added to all", _grid([[f"{p}+{k}"] for p in parts]))]
    if parts[-1] != "0":
        other.append(("entry's sign", _grid([*column[:-1], [str(-int(parts[-1]))]])))
    return Answer(_grid(column), same, other)


def ratios(draw: random.Random) -> Answer:
    """Ratios of two or three numbers."""
    parts = draw.sample(range(1, 40), draw.choice([2, 2, 3]))
    shared = gcd(*parts)
    texts = [str(part // shared) for part in parts]
    same = [("spaced", " : ".join(texts)), ("ratio sign", "∶".join(texts)),
            ("to", " to ".join(texts)), ("command", "\\colon ".join(texts)),
            ("wide", "：".join(texts)), ("space after", ": ".join(texts)),
            ("in text", "\\text{ to }".join(texts))]
    other = [("turned", ":".join(texts[::-1])), ("part off",
            ":".join([*texts[:-1], str(int(texts[-1]) + 1)])),
            ("first off", ":".join([str(int(texts[0]) + 1), *texts[1:]])),
            ("one more", ":".join([*texts, "41"])), ("turned, spaced", " : ".join(texts[::-1])),
             ("tenfold part", ":".join([texts[0] + "0", *texts[1:]])),
             ("sum", str(sum(map(int, texts)))), ("to, off",
             " to ".join([*texts[:-1], str(int(texts[-1]) + 2)]))]
    one_all = texts == texts[::-1]
    return Answer(":".join(texts), same,
            [o for o in other
            if not (one_all and "turned" in o[0]) and (o[0] != "sum" or len(texts) > 1)])


def bases(draw: random.Random) -> Answer:
    """Numbers in a written base; both sides write it."""
    base = draw.choice([2, 2, 3, 4, 5, 6, 7, 8, 9])
    value = draw.randint(base**3, base**8)
    digits = _in_base(value, base)
    plus, minus = _in_base(value + 1, base), _in_base(value - 1, base)
    same = [("short", f"{digits}_{base}"), ("brackets", f"({digits})_{{{base}}}"),
            ("brackets, short", f"({digits})_{base}"), ("roman", f"{digits}_{{\\text{{{base}}}}}"),
            ("spaced", f"{digits} _{{{base}}}"), ("named", f"n = {digits}_{{{base}}}")]
    other: list[Variant] = [("base more", f"{digits}_{{{base + 1}}}"),
            ("base two more", f"{digits}_{base + 2}" if base < 8 else f"{digits}_{{{base + 2}}}"),
            ("one more", f"{plus}_{{{base}}}"), ("one less", f"{minus}_{base}"),
            ("base ten", f"{digits}_{{10}}"),
                            ("digit added", f"{digits}0_{{{base}}}"),
                            ("sign", f"-{digits}_{{{base}}}"),
                            ("other base", f"{_in_base(value, base + 1)}_{{{base}}}")]
    if digits != digits[::-1] and digits[-1] != "0":
        other.append(("turned", f"{digits[::-1]}_{{{base}}}"))
    other += [(how, f"{slip}_{{{base}}}") for how,
            slip in misdigit(digits, draw) if max(slip) < str(base)]
    return Answer(f"{digits}_{{{base}}}", same,
            [o for o in other if o[0] != "other base" or max(o[1][:-4]) < str(base)])


def _in_base(value: int, base: int) -> str:
    """Return the digits of a whole number in a base up to 10."""
    digits = ""
    while value:
        value, digit = divmod(value, base)
        digits = str(digit) + digits
    return digits or "0"


KINDS: dict[str, Maker] = {
    "sets": sets, "tuples": tuples, "bare lists": lists, "lists of points": points,
            "matrices": matrices,
    "vectors": vectors, "ratios": ratios, "bases": bases,
}
