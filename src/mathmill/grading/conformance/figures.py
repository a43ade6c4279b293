r"""Kinds of answers that are one written number: integers to percentages, money and units.

Why: nine answers in ten are of these kinds, and here the graders of others accept most
wrong ones (off by one above 20,000, x100, a dropped digit).

Used as: `KINDS["fractions"](draw)` -> `Answer(r"\frac{3}{4}", ...)`.
"""

from __future__ import annotations

import random
from fractions import Fraction
from math import gcd

from mathmill.grading.conformance.pair import Answer, Maker, Variant


def tex(value: Fraction | int) -> str:
    r"""Return a fraction as LaTeX writes it: `-\frac{3}{4}`, or an integer."""
    value = Fraction(value)
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def decimal(units: int, places: int) -> str:
    """Return `units / 10**places` written with that many places, exactly."""
    digits = str(abs(units)).rjust(places + 1, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def misdigit(digits: str, draw: random.Random) -> list[Variant]:
    """Return slips of the pen in a row of digits (first one not 0): none keeps the value."""
    place = draw.randrange(len(digits))
    wrong = draw.choice([d for d in "123456789" if d != digits[place]])
    found = [("digit changed", digits[:place] + wrong + digits[place + 1:]),
             ("digit added", digits + draw.choice("0123456789"))]
    if len(digits) > 1 and digits[1] != "0":
        found.append(("digit dropped", digits[1:]))
    if len(digits) > 2 and digits[-1] != digits[-2]:
        found.append(("digits swapped", digits[:-2] + digits[-1] + digits[-2]))
    return found


def integers(draw: random.Random) -> Answer:
    """Whole numbers of one to nine digits and both signs."""
    n = draw.choice([draw.randint(2, 99), draw.randint(100, 9999), draw.randint(-500, -2),
                     draw.randint(10**5, 10**9)])
    k, sign, digits = draw.randint(2, 9), "-" if n < 0 else "", str(abs(n))
    same = [("decimal point", f"{n}.0"), ("two zeros", f"{n}.00"), ("thousands", f"{n:,}"),
            ("named", f"x = {n}"), ("text", f"\\text{{{n}}}"), ("braces", f"{{{n}}}"),
            ("quotient", f"\\frac{{{n * k}}}{{{k}}}"), ("sum", f"{n - k}+{k}"),
            ("over one", f"{n}/1"), ("chain", f"{n - k} + {k} = {n}")]
    other = [("one more", str(n + 1)), ("one less", str(n - 1)), ("sign", str(-n)),
             ("times ten", f"{n}0"), ("times a hundred", f"{n}00"),
             ("half", decimal(5 * n, 1)), ("reciprocal", f"\\frac{{1}}{{{n}}}"),
             ("a hundredth", decimal(n, 2)), ("a letter", f"{n}x")]
    return Answer(str(n), same, other + [(how, sign + slip) for how, slip in
                                         misdigit(digits, draw)], "number")


def thousands(draw: random.Random) -> Answer:
    """Whole numbers whose digits are grouped."""
    n = draw.choice([draw.randint(1000, 99999), draw.randint(10**6, 10**10)])
    same = [("no comma", str(n)), ("braced commas", f"{n:,}".replace(",", "{,}")),
            ("thin spaces", f"{n:,}".replace(",", "\\,")), ("decimals", f"{n:,}.00"),
            ("comma space", f"{n:,}".replace(",", "{,}\\!")),
            ("spaces", f"{n:,}".replace(",", " ")), ("plus sign", f"+{n}"), ("sum", f"{n - 1}+1")]
    other = [("one more", f"{n + 1:,}"), ("one less", str(n - 1)), ("sign", f"-{n:,}"),
             ("a thousand times", f"{n * 1000:,}"), ("a decimal point", f"{n / 10**3:.3f}"),
             ("last group dropped", f"{n // 1000:,}"), ("twice", f"{n * 2:,}")]
    other += [(how, f"{int(slip):,}") for how, slip in misdigit(str(n), draw)]
    return Answer(f"{n:,}", same, other, "number")


def decimals(draw: random.Random) -> Answer:
    """Decimals of one to five places, that is exact fractions."""
    places = draw.randint(1, 5)
    units = draw.choice([draw.randint(1, 9 * 10**places), draw.randint(1, 10**6)])
    units = -(units | 1) if draw.random() < 0.25 else units | 1  # odd: no trailing zero
    value = Fraction(units, 10**places)
    text = decimal(units, places)
    same = [("zero added", text + "0"), ("fraction", tex(value)), ("slash", str(value)),
            ("powers of ten", f"\\frac{{{units}}}{{{10**places}}}"), ("named", f"y={text}"),
            ("scientific", f"{units} \\times 10^{{-{places}}}"), ("letter e", f"{units}e-{places}"),
            ("percent",
            f"{decimal(units, max(places - 2, 0)) if places > 2 else units * 10**(2 - places)}\\%")]
    if text.startswith("0."):
        same.append(("no zero", text[1:]))
    sign, digits = "-" if units < 0 else "", str(abs(units))
    other = [("sign", decimal(-units, places)), ("point left", decimal(units, places + 1)),
             ("point right", decimal(units, places - 1)),
             ("last place", decimal(units + 1, places)),
             ("times a hundred", decimal(units * 100, places)),
             ("reciprocal", tex(1 / value)), ("fraction off", tex(value + Fraction(1, 10**places)))]
    other += [(how, sign + decimal(int(slip), places)) for how, slip in misdigit(digits, draw)
              if how != "digit added" or slip[-1] != "0"]
    other = [(how, text) for how, text in other if not (how == "reciprocal" and value**2 == 1)]
    return Answer(text, same, other, "number")


def fractions(draw: random.Random) -> Answer:
    """Fractions in lowest terms, some negative, some over 1."""
    value = Fraction(draw.randint(1, 60), draw.randint(2, 60))
    while value.denominator == 1:
        value = Fraction(draw.randint(1, 99), draw.randint(2, 99))
    value = -value if draw.random() < 0.25 else value
    p, q, k = value.numerator, value.denominator, draw.randint(2, 12)
    part = Fraction(draw.randint(1, 9), draw.randint(2, 9))
    same = [("slash", f"{p}/{q}"), ("unreduced", f"\\frac{{{p * k}}}{{{q * k}}}"),
            ("unreduced slash", f"{p * k}/{q * k}"), ("dfrac", tex(value).replace("frac", "dfrac")),
            ("tfrac", tex(value).replace("frac", "tfrac")), ("named", f"x = {tex(value)}"),
            ("sum", f"{tex(value - part)}+{tex(part)}"), ("sign moved", f"\\frac{{{-p}}}{{{-q}}}"),
            ("half of twice", f"\\frac{{1}}{{2}} \\cdot {tex(2 * value)}"
             if value > 0 else f"-\\frac{{1}}{{2}} \\cdot {tex(-2 * value)}"),
            ("spaced", f"\\frac {{{p}}} {{{q}}}"), ("quotient", f"{p} \\div {q}")]
    if 0 < p < 10 and q < 10:
        same.append(("short", f"\\frac{p}{q}"))
    if p < 0:
        same.append(("minus on top", f"\\frac{{{p}}}{{{q}}}"))
    ten = next((d for d in range(1, 6) if 10**d % q == 0), 0)
    if ten:
        same.append(("decimal", decimal(p * 10**ten // q, ten)))
    whole = abs(p) // q
    if whole:
        rest = Fraction(abs(p) % q, q)
        same.append(("mixed", f"{'-' if p < 0 else ''}{whole}{tex(rest)}"))
    other = [("sign", tex(-value)), ("top off", f"\\frac{{{p + 1}}}{{{q}}}"),
             ("bottom off", f"\\frac{{{p}}}{{{q + 1}}}"), ("digit added", f"\\frac{{{p}1}}{{{q}}}"),
             ("times a hundred", f"\\frac{{{p}00}}{{{q}}}"), ("only the top", str(p)),
             ("product", str(p * q)), ("off by a bit", tex(value + Fraction(1, 10**4)))]
    if abs(p) != q:
        other += [("swapped", f"\\frac{{{q}}}{{{p}}}"), ("swapped slash", f"{q}/{p}")]
    if not ten:
        other.append(("two places", f"{p / q:.2f}"))
    return Answer(tex(value), same, other)


def mixed(draw: random.Random) -> Answer:
    """Mixed numbers."""
    q = draw.randint(2, 16)
    p = draw.choice([n for n in range(1, q) if gcd(n, q) == 1])
    whole, k = draw.randint(1, 99), draw.randint(2, 5)
    rest, top = tex(Fraction(p, q)), whole * q + p
    same = [("improper", f"\\frac{{{top}}}{{{q}}}"), ("slash", f"{top}/{q}"),
            ("plain", f"{whole} {p}/{q}"), ("sum", f"{whole}+{rest}"),
            ("unreduced part", f"{whole}\\frac{{{p * k}}}{{{q * k}}}"),
            ("dfrac", f"{whole}\\dfrac{{{p}}}{{{q}}}"), ("and", f"{whole} and {p}/{q}"),
            ("space", f"{whole} {rest}"), ("thin space", f"{whole}\\,{rest}"),
            ("tilde", f"{whole}~{rest}"), ("unreduced", f"\\frac{{{top * k}}}{{{q * k}}}")]
    if q in (2, 4, 5, 8, 10, 16):
        same.append(("decimal", str(top / q)))
    other = [("one more", f"{whole + 1}{rest}"), ("sign", f"-{whole}{rest}"),
             ("whole dropped", rest), ("rest dropped", str(whole)),
             ("improper off", f"\\frac{{{top + 1}}}{{{q}}}"),
             ("part off", f"{whole}\\frac{{{p}}}{{{q + 1}}}"), ("run together", f"{whole}{p}/{q}"),
             ("product", f"{whole} \\cdot {rest}"), ("upside down", f"\\frac{{{q}}}{{{top}}}")]
    if p > 1:
        other.append(("part swapped", f"{whole}\\frac{{{q}}}{{{p}}}"))
    alike = {"product": whole * p == top, "run together": int(f"{whole}{p}") == top}
    other = [each for each in other if not alike.get(each[0])]
    return Answer(f"{whole}{rest}", same, other)


def percent(draw: random.Random) -> Answer:
    """Percentages; under the tolerant policy the bare figure passes too, and is left out."""
    tenths = draw.choice([draw.randint(1, 99) * 10, draw.randint(5, 2500)])
    value = Fraction(tenths, 1000)
    text = str(tenths // 10) if tenths % 10 == 0 else decimal(tenths, 1)
    same = [("bare sign", f"{text}%"), ("space", f"{text} \\%"), ("word", f"{text} percent"),
            ("two words", f"{text} per cent"), ("decimal", decimal(tenths, 3)),
            ("fraction", tex(value)), ("over a hundred", f"\\frac{{{tenths}}}{{1000}}"),
            ("in text", f"{text}\\text{{ percent}}"), ("wide sign", f"{text}％"),
            ("zero", f"{decimal(tenths * 10, 2)}\\%")]
    other = [("one more", f"{decimal(tenths + 10, 1)}\\%"), ("tenfold", f"{text}0\\%"
             if "." not in text else f"{tenths}\\%"), ("a tenth", f"{decimal(tenths, 2)}\\%"),
             ("sign", f"-{text}\\%"), ("last place", f"{decimal(tenths + 1, 1)}\\%"),
             ("a hundredth", decimal(tenths, 5)), ("decimal off", decimal(tenths + 3, 3)),
             ("hundredfold", f"{tenths * 10}\\%"),
             ("of hundred", f"{decimal(10000 - tenths, 1)}\\%")]
    return Answer(f"{text}\\%", same, [o for o in other if o[0] != "of hundred" or tenths != 5000])


def money(draw: random.Random) -> Answer:
    """Amounts of money."""
    whole, cents = draw.choice([draw.randint(1, 99), draw.randint(1000, 99999)]), draw.choice(
        [0, 0, 50, 25, draw.randint(1, 99)])
    plain = f"{whole}.{cents:02d}" if cents else str(whole)
    total = whole * 100 + cents
    same = [("dollar sign", f"${plain}"), ("no sign", plain), ("word", f"{plain} dollars"),
            ("escaped", f"\\${plain}"), ("cents", f"\\${whole:,}.{cents:02d}"),
            ("in text", f"{plain}\\text{{ dollars}}"), ("code", f"{plain} USD"),
            ("per", f"${plain} per day"), ("thousands", f"{whole:,}.{cents:02d}")]
    other = [("cent more", decimal(total + 1, 2)), ("dollar more", f"\\${decimal(total + 100, 2)}"),
             ("in cents", f"\\${total}") if total != whole else ("tenfold", f"${whole}0"),
             ("point moved", f"${decimal(total, 3)}"), ("tenfold", f"${decimal(total * 10, 2)}"),
             ("half", f"{decimal(total * 5, 3)} dollars"), ("sign", f"-{plain}")]
    if cents:
        other.append(("cents dropped", f"${whole}"))
    other += [(how, f"{slip}.{cents:02d}") for how, slip in misdigit(str(whole), draw)]
    return Answer(f"\\${plain}", same, other, "text")


_UNITS = (("cm", "centimeters"), ("km", "kilometers"), ("kg", "kilograms"),
            ("m/s", "meters per second"),
          ("cm^2", "square centimeters"), ("m^3", "cubic meters"), ("minutes", "min"),
          ("hours", "hours"), ("miles", "miles"), ("square units", "units^2"), ("apples", "apples"),
          ("feet", "ft"), ("km/h", "kilometers per hour"), ("students", "students"))


def units(draw: random.Random) -> Answer:
    """Quantities with a unit, which is set aside; another number is another answer."""
    short, long = draw.choice(_UNITS)
    n = draw.choice([str(draw.randint(2, 999)), decimal(draw.randint(11, 999) | 1, 1)])
    value = Fraction(n)
    spelled = short.replace("^2", "$^2$").replace("^3", "$^3$") if "^" in short else short
    same = [("plain", f"{n} {short}"), ("long", f"{n} {long}"), ("no unit", n),
            ("text", f"{n}\\text{{ {spelled}}}"), ("text long", f"{n} \\text{{ {long}}}"),
            ("mbox", f"{n}\\mbox{{ {long}}}"), ("decimals",
            f"{n}{'0' if '.' in n else '.0'} {short}"),
            ("fraction", f"{tex(value)} \\text{{ {long}}}"), ("about", f"exactly {n} {long}")]
    if "^" in short:
        head, power = short.split("^")
        same += [("outer power", f"{n}\\text{{ {head}}}^{power}"),
                ("rm", f"{n}\\,\\mathrm{{{head}}}^{power}"),
                 ("sup", f"{n} {head}{'²' if power == '2' else '³'}")]
    elif " " not in short:
        same += [("rm", f"{n} \\mathrm{{~{short}}}"), ("rm tight", f"{n}\\mathrm{{{short}}}")]
    tenths = int(value * 10)
    other = [("one more", f"{decimal(tenths + 10, 1)} {short}"), ("sign", f"-{n} {short}"),
             ("tenfold", f"{tenths} {long}"), ("a tenth", f"{decimal(tenths, 2)}\\text{{ {long}}}"),
             ("hundredfold", f"{tenths * 10}\\text{{ {spelled}}}"),
             ("no unit, more", decimal(tenths + 10, 1)),
             ("twice", f"{decimal(tenths * 2, 1)} {long}"),
             ("reciprocal", f"{tex(1 / value)} {short}")]
    return Answer(f"{n}\\text{{ {spelled}}}" if draw.random() < 0.6 else f"{n} {short}",
                  same, other, "text")


def degrees(draw: random.Random) -> Answer:
    """Angles in degrees."""
    n = draw.choice([str(draw.randint(1, 359)), decimal(draw.randint(11, 1799) | 1, 1)])
    tenths = int(Fraction(n) * 10)
    same = [("braced", f"{n}^{{\\circ}}"), ("sign", f"{n}°"), ("word", f"{n} degrees"), ("bare", n),
            ("in text", f"{n}\\text{{ degrees}}"), ("command", f"{n}\\degree"),
            ("named", f"\\theta = {n}^\\circ"), ("decimals",
            f"{n}{'0' if '.' in n else '.0'}^\\circ"), ("fraction", f"{tex(Fraction(n))}^\\circ")]
    other = [("one more", f"{decimal(tenths + 10, 1)}^\\circ"), ("sign", f"-{n}^\\circ"),
             ("tenfold", f"{tenths}^\\circ"), ("a tenth", f"{decimal(tenths, 2)}°"),
             ("half", f"{decimal(tenths * 5, 2)} degrees"), ("rest to 360",
             f"{decimal(3600 - tenths, 1)}^\\circ"), ("twice", f"{decimal(2 * tenths, 1)}^\\circ")]
    return Answer(f"{n}^\\circ", same,
            [o for o in other if o[0] != "rest to 360" or tenths != 1800])



def recurring(draw: random.Random) -> Answer:
    """Recurring decimals, written with a bar, against the fraction they are."""
    size = draw.randint(1, 3)
    block = draw.randint(1, 10**size - 2)
    value, whole = Fraction(block, 10**size - 1), draw.choice([0, 0, draw.randint(1, 20)])
    digits = str(block).rjust(size, "0")
    value += whole
    same = [("fraction", tex(value)), ("slash", str(value)),
            ("bar over two", f"{whole}.\\overline{{{digits * 2}}}"),
            ("unrolled", f"{whole}.{digits}\\overline{{{digits}}}"),
            ("bar", f"{whole}.\\bar{{{digits}}}"),
            ("unreduced", f"\\frac{{{value.numerator * 3}}}{{{value.denominator * 3}}}")]
    other = [("no bar", f"{whole}.{digits}"), ("bar off", f"{whole}.0\\overline{{{digits}}}"),
             ("whole off", f"{whole + 1}.\\overline{{{digits}}}"), ("fraction off",
             f"\\frac{{{value.numerator + 1}}}{{{value.denominator}}}"), ("sign", tex(-value)),
             ("over ten", tex(whole + Fraction(block, 10**size))), ("upside down", tex(1 / value))]
    return Answer(f"{whole}.\\overline{{{digits}}}", same,
                  [o for o in other if o[0] != "upside down" or value != 1])


KINDS: dict[str, Maker] = {
    "integers": integers, "thousands": thousands, "decimals": decimals, "fractions": fractions,
    "mixed numbers": mixed, "percent": percent, "money": money, "units": units,
    "degrees": degrees, "recurring decimals": recurring,
}
