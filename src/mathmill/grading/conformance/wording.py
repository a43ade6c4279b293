r"""Kinds of answers in words: names, yes and no, choices, times, dates, numbers in words.

Why: graders that hand everything to an algebra system read `no` as a product of two
letters; and a grader for models in two languages must read Chinese forms too.

Used as: `KINDS["choices"](draw)` -> `Answer(r"\text{(B)}", ...)`.
"""

from __future__ import annotations

import random
from fractions import Fraction

from mathmill.grading.conformance.figures import tex
from mathmill.grading.conformance.pair import Answer, Maker

_NAMES = (
    "Alice", "Thursday", "isosceles triangle", "rhombus", "blue", "even", "odd", "parabola",
            "hyperbola", "ellipse", "Mount Park",
    "decreasing", "convergent", "red marble", "Anna and Ben", "right triangle", "Saturday",
            "Monday", "the second box", "east", "northwest",
    "prime", "composite", "acute", "obtuse", "circle", "line segment", "kite", "Carla", "Dmitri",
            "quadrilateral", "green", "violet",
    "linear function", "constant", "Train B", "neither", "both", "undefined", "divergent", "July",
            "winter", "the tortoise", "spade")


def names(draw: random.Random) -> Answer:
    """Words and names."""
    word, other_word, third = draw.sample(_NAMES, 3)
    same = [("text", f"\\text{{{word}}}"), ("capitals", word.upper()), ("small", word.lower()),
            ("bold", f"\\textbf{{{word}}}"), ("quotes", f'"{word}"'),
            ("spaced text", f"\\text{{ {word} }}"),
            ("roman", f"\\mathrm{{{word}}}".replace(" ", "\\ ")), ("mbox", f"\\mbox{{{word}}}")]
    other = [("another", other_word), ("another, text", f"\\text{{{third}}}"),
            ("not", f"not {word}"), ("a number", str(draw.randint(1, 99))),
            ("another, capitals", other_word.upper()), ("with another", f"{word} and {third}")]
    return Answer(word if draw.random() < 0.5 else f"\\text{{{word}}}", same, other, "text")


def yes_no(draw: random.Random) -> Answer:
    """Yes and no, true and false."""
    gold, wrong = draw.choice([("Yes", "No"), ("No", "Yes"), ("True", "False"), ("False", "True"),
            ("yes", "no"), ("no", "yes"), ("true", "false"), ("false", "true")])
    gold_form, wrong_form = draw.choice([("%s", "%s"), ("\\text{%s}", "\\text{%s}"),
            ("%s", "\\text{%s}")])
    def spell(word: str) -> list[tuple[str, str]]:
        return [("small", word.lower()), ("capitals", word.upper()), ("text", f"\\text{{{word}}}"),
                ("bold", f"\\textbf{{{word}}}"), ("quotes", f'"{word}"'),
                ("mathrm", f"\\mathrm{{{word}}}"), ("title", word.title())]
    return Answer(gold_form % gold, spell(gold), [*spell(wrong),
            ("a number", "1" if gold.lower() in ("no", "false") else "0"),
            ("written", wrong_form % wrong)], "text")


def choices(draw: random.Random) -> Answer:
    """Letters of a multiple choice, also several at once."""
    letter, wrong = draw.sample("ABCDE", 2)
    if draw.random() < 0.25:
        some = sorted(draw.sample("ABCD", draw.choice([2, 2, 3])))
        gold = "".join(some)
        less = [one for one in "ABCD" if one not in some]
        same = [("commas", ",".join(some)), ("spaced", ", ".join(some)),
                ("text", f"\\text{{{gold}}}"), ("brackets", ", ".join(f"({one})" for one in some)),
                ("and", " and ".join(some) if len(some) == 2
                else f"{some[0]}, {some[1]} and {some[2]}"), ("reordered", ", ".join(some[::-1]))]
        other = [("one dropped", "".join(some[:-1])),
                ("one added", "".join(sorted([*some, less[0]]))),
                ("one for another", "".join(sorted([*some[:-1], less[0]]))),
                ("only the last", some[-1]), ("commas, one dropped", ", ".join(some[1:])),
                ("all others", ", ".join(less))]
        return Answer(gold, same, [o for o in other if o[1] != gold], "text")
    gold = draw.choice([letter, f"({letter})", f"\\text{{({letter})}}", f"\\textbf{{({letter})}}",
            f"\\text{{{letter}}}"])
    value = draw.choice([f"{draw.randint(2, 99)}", tex(Fraction(draw.randint(1, 9), 10)),
            f"{draw.randint(2, 9)}\\sqrt{{2}}"])
    def spell(one: str) -> list[tuple[str, str]]:
        return [("bare", one), ("brackets", f"({one})"), ("text", f"\\text{{({one})}}"),
                ("bold", f"\\textbf{{({one})}}"), ("one bracket", f"{one})"),
                ("roman", f"\\mathrm{{({one})}}"),
                ("bold, value", f"\\textbf{{({one})}}\\ {value}"),
                ("with value", f"({one}) ${value}$"), ("bold, bare", f"\\mathbf{{{one}}}")]
    return Answer(gold, spell(letter), spell(wrong), "text")


def times(draw: random.Random) -> Answer:
    """Times of day."""
    hour, minute, half = draw.randint(1, 12), draw.choice([draw.randint(1, 59),
            draw.randint(10, 59)]), draw.choice(["AM", "PM"])
    clock, dots = f"{hour}:{minute:02d}", {"AM": "a.m.", "PM": "p.m."}[half]
    same = [("dots", f"{clock} {dots}"), ("tight", f"{clock}{half}"),
            ("small", f"{clock} {half.lower()}"), ("in text", f"{clock}\\text{{ {half}}}"),
            ("text", f"\\text{{{clock} {half}}}"), ("small, tight", f"{clock}{half.lower()}"),
            ("dots in text", f"{clock}\\text{{ {dots}}}")]
    swapped = {"AM": "PM", "PM": "AM"}[half]
    other = [("other half", f"{clock} {swapped}"),
            ("minute more", f"{hour}:{(minute + 1) % 60:02d} {half}"),
            ("hour more", f"{hour % 12 + 1}:{minute:02d} {half}"),
            ("ten minutes", f"{hour}:{(minute + 10) % 60:02d} {half}"),
            ("only the hour", f"{hour} {half}"), ("other half, dots",
            f"{clock} {swapped[0].lower()}.m."), ("quotient", f"\\frac{{{hour}}}{{{minute}}}")]
    return Answer(f"{clock} {half}", same, other, "text")


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
            "October", "November", "December")


def dates(draw: random.Random) -> Answer:
    """Days of a year."""
    month, day, year = draw.randint(0, 11), draw.randint(1, 28), draw.randint(1950, 2040)
    name, wrong = _MONTHS[month], _MONTHS[(month + draw.randint(1, 11)) % 12]
    if draw.random() < 0.5:
        same = [("text", f"\\text{{{name} {day}}}"), ("small", f"{name.lower()} {day}"),
                ("in text", f"\\text{{{name} }} {day}"), ("capitals", f"{name.upper()} {day}"),
                ("ordinal", f"{name} {day}{_ordinal(day)}"), ("day first", f"{day} {name}")]
        other = [("day off", f"{name} {day + 1}"), ("month off", f"{wrong} {day}"),
                ("day dropped", name), ("month off, text", f"\\text{{{wrong} {day}}}"),
                ("day tenfold", f"{name} {day}0"), ("only the day", str(day)),
                ("day off, day first", f"{day + 2} {name}")]
        return Answer(f"{name} {day}", same, other, "text")
    same = [("text", f"\\text{{{name} {day}, {year}}}"), ("no comma", f"{name} {day} {year}"),
            ("day first", f"{day} {name} {year}"),
            ("ordinal", f"{name} {day}{_ordinal(day)}, {year}"),
            ("small", f"{name.lower()} {day}, {year}"), ("tight", f"{name} {day},{year}")]
    other = [("day off", f"{name} {day + 1}, {year}"), ("month off", f"{wrong} {day}, {year}"),
            ("year off", f"{name} {day}, {year + 1}"), ("year dropped", f"{name} {day}"),
            ("only the year", str(year)), ("day off, day first", f"{day + 1} {name} {year}"),
            ("year off, text", f"\\text{{{name} {day}, {year - 10}}}")]
    return Answer(f"{name} {day}, {year}", same, other, "text")


def _ordinal(day: int) -> str:
    """Return the ending of an ordinal number."""
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
            "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
            "eighteen", "nineteen"]
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_words(n: int, joint: str = "-", link: str = " ") -> str:
    """Return a number below a million in English words."""
    if n < 20:
        return _SMALL[n]
    if n < 100:
        return _TENS[n // 10] + (joint + _SMALL[n % 10] if n % 10 else "")
    size, name = (100, "hundred") if n < 1000 else (1000, "thousand")
    rest = n % size
    return f"{in_words(n // size, joint, link)} {name}" + (
        (link if rest < 100 else " ") + in_words(rest, joint, link) if rest else "")


def number_words(draw: random.Random) -> Answer:
    """Whole numbers in English words, against figures."""
    n = draw.choice([draw.randint(2, 20), draw.randint(21, 99), draw.randint(100, 999),
            draw.randint(1000, 9999)])
    word = in_words(n)
    same = [("words", word), ("title", word.capitalize()), ("no hyphen", in_words(n, " ")),
            ("and", in_words(n, "-", " and ")), ("text", f"\\text{{{word}}}"),
            ("unit", f"{word} apples"), ("figures", str(n))]
    other = [("one more", in_words(n + 1)), ("one less", in_words(n - 1)),
            ("tenfold", in_words(n * 10)), ("figures off", str(n + 1)),
            ("one more, text", f"\\text{{{in_words(n + 1)}}}"), ("figures tenfold", f"{n}0"),
            ("ten more", in_words(n + 10))]
    if draw.random() < 0.7:
        return Answer(str(n), same, other, "text")
    return Answer(word, same, other, "text")


_HAN = "零一二三四五六七八九"


def in_han(n: int) -> str:
    """Return a number below ten thousand in Chinese numerals."""
    if n < 10:
        return _HAN[n]
    text, gap = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, n = divmod(n, size)
        if digit:
            text += ("零" if gap and text else "") + _HAN[digit] + name
        gap = digit == 0
        if not n:
            break
    return text[1:] if text.startswith("一十") else text


def chinese(draw: random.Random) -> Answer:
    """Chinese forms: units, numerals, fractions and percentages in words."""
    what = draw.random()
    if what < 0.4:
        n = draw.randint(2, 2000)
        unit = draw.choice(["元", "个", "米", "人", "千克", "平方米", "小时"])
        same = [("unit", f"{n}{unit}"), ("space", f"{n} {unit}"),
                ("wide", f"{n}".translate({ord("0") + d: 0xFF10 + d for d in range(10)})),
                ("numerals", in_han(n)), ("numerals, unit", in_han(n) + unit),
                ("in text", f"{n}\\text{{{unit}}}"), ("about", f"共{n}{unit}")]
        other = [("one more", f"{n + 1}{unit}"), ("numerals off", in_han(n + 1)),
                ("tenfold", f"{n}0{unit}"), ("ten thousand", f"{n}万{unit}"),
                ("numerals off, unit", in_han(n + 10) + unit),
                ("half", f"{n * 5 / 10 + 0.25}{unit}")]
        return Answer(str(n), same, other, "text")
    if what < 0.7:
        q = draw.randint(3, 12)
        p = draw.choice([k for k in range(1, q) if Fraction(k, q).denominator == q])
        same = [("in words", f"{in_han(q)}分之{in_han(p)}"), ("figures", f"{q}分之{p}"),
                ("slash", f"{p}/{q}"), ("dfrac", f"\\dfrac{{{p}}}{{{q}}}"),
                ("unreduced", f"{2 * p}/{2 * q}")]
        other = [("turned", f"{p + q}分之{q}"), ("top off", f"{q}分之{p + 1}"),
                ("in words, off", f"{in_han(q + 1)}分之{in_han(p)}"), ("slash off", f"{p + 1}/{q}"),
                ("mixed", f"1又{q}分之{p}"), ("in words, top", f"{in_han(q)}分之{in_han(p + 1)}")]
        return Answer(tex(Fraction(p, q)), same, other, "text")
    if what < 0.85:
        n = draw.randint(1, 99)
        same = [("in words", f"百分之{in_han(n)}"), ("figures", f"百分之{n}"),
                ("wide sign", f"{n}％"),
                ("decimal", f"{n / 100:.2f}"), ("fraction", f"\\frac{{{n}}}{{100}}")]
        other = [("one more", f"百分之{in_han(n + 1)}"), ("thousandths", f"千分之{in_han(n)}"),
                ("tenfold", f"{n * 10}%"), ("figures off", f"百分之{n + 1}"),
                ("decimal off", f"{n / 100 + 0.003:.3f}")]
        return Answer(f"{n}\\%", same, other, "text")
    n = draw.randint(1, 300)
    same = [("ten thousands", f"{n}万"), ("figures", f"{n}0000"), ("grouped", f"{n * 10000:,}"),
            ("unit", f"{n}万元"), ("decimals", f"{n}.0万")]
    other = [("mark dropped", str(n)), ("hundred millions", f"{n}亿"), ("one more", f"{n + 1}万"),
            ("a tenth", f"{n * 1000}"), ("tenfold", f"{n}0万")]
    return Answer(f"{n}万", same, other, "text")


def special(draw: random.Random) -> Answer:
    """Infinity, the empty set, and statements that nothing is there."""
    kinds = {
        "infinity": ["\\infty", "∞", "infinity", "+\\infty", "\\text{infinity}", "Infinity"],
        "minus infinity": ["-\\infty", "-∞", "-infinity", "− \\infty".replace(" ", "")],
        "empty set": ["\\emptyset", "\\varnothing", "∅", "\\{\\}", "\\text{empty set}", "\\{ \\}"],
        "no solution": ["no solution", "No solution", "\\text{no solution}", "No Solution",
        "no solutions", "\\text{No solutions}"],
        "undefined": ["undefined", "Undefined", "\\text{undefined}"],
        "all reals": ["\\mathbb{R}", "(-\\infty,\\infty)", "(-\\infty, +\\infty)", "\\mathbf{R}",
        "ℝ"],
        "does not exist": ["does not exist", "\\text{does not exist}", "Does not exist", "DNE",
        "\\text{DNE}"],
    }
    name = draw.choice(list(kinds))
    gold = draw.choice(kinds[name])
    apart = [key for key in kinds if key != name and not {key, name} <= {"empty set", "no solution",
            "undefined", "does not exist"}]
    others = [("another", draw.choice(kinds[key])) for key in draw.sample(apart, 3)]
    return Answer(gold, [("spelling", text) for text in kinds[name]],
            [*others, ("a number", str(draw.randint(0, 30))), ("a letter", "x")],
            "text" if gold.replace(" ", "").isalpha() else "plain")


KINDS: dict[str, Maker] = {
    "names": names, "yes and no": yes_no, "choices": choices, "times": times, "dates": dates,
            "number words": number_words,
    "Chinese forms": chinese, "special values": special,
}
