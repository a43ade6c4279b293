r"""Compare two measures that name different units: `10 cm` is not `10 m`, `2 hours` is `120 min`.

Why: a unit word around a number is set aside (most gold answers have none), but where both
texts name one and the two differ, setting both aside would call a kilometre a metre.

Used as: `compare_units("10 cm", "0.1 m", TOLERANT)` -> correct; None where it has no say.
"""

from __future__ import annotations

import re
from fractions import Fraction

from mathmill.grading.policy import Policy
from mathmill.grading.reading.normal import tidy
from mathmill.grading.reading.numbers import read_number
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

ROUNDED = Fraction(1, 100)  # a mile is 1.6 km to most people: neither right nor wrong

# dimension: how many of its first unit each spelling is.
_SIZES = {
    "length": {"mm millimeter millimetre 毫米": "1", "cm centimeter centimetre 厘米": "10",
               "dm decimeter decimetre 分米": "100", "m meter metre 米": "1000",
               "km kilometer kilometre 千米 公里": "1000000", "in inch inche": "254/10",
               "ft foot feet": "3048/10", "yd yard": "9144/10", "mi mile": "1609344"},
    "time": {"s sec second 秒": "1", "min minute 分钟": "60", "h hr hour 小时": "3600",
             "day 天": "86400", "week 周": "604800"},
    "calendar": {"month 个月": "1", "year 年": "12"},
    "mass": {"mg milligram 毫克": "1", "g gram 克": "1000", "kg kilogram 千克 公斤": "1000000",
             "ton tonne 吨": "1000000000", "oz ounce": "28349523125/1000000",
             "lb": "45359237/100"},
    "volume": {"ml milliliter millilitre 毫升": "1", "cl": "10", "dl": "100",
               "l liter litre 升": "1000", "pint": "473176473/1000000",
               "quart": "946352946/1000000", "gallon": "3785411784/1000000"},
    "speed": {"km/h kmh kph": "1", "m/s": "36/10", "mph": "1609344/1000000"},
    "money": {"cent": "1", "dollar": "100"},
}
_UNITS = {word: (dimension, Fraction(size)) for dimension, sizes in _SIZES.items()
          for words, size in sizes.items() for word in words.split()}
_METRIC = {"mm", "cm", "dm", "m", "km"}
_IMPERIAL = set(re.findall(r"\S+", "in inch inche ft foot feet yd yard mi mile oz ounce lb pint "
                           "quart gallon mph"))
_DRESS = re.compile(r"\\(?:text|mathrm|textrm|mbox|rm)[ ]?|\\[ ,;:!]|[{}$~]")
_MEASURE = re.compile(
    r"(.*?[0-9)])[ ]?((?:sq\.?|square|cubic)[ ])?(km/h|m/s|[A-Za-z]{1,11}|[\u4e00-\u9fff]{1,2})"
    r"(?:[ ]?\^[ ]?([23])|([²³])|[ ](squared|cubed))?")
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "squared": 2, "cubed": 3, "²": 2, "³": 3}
_LONGEST = 60  # characters of a measure


def compare_units(gold: str, answer: str, policy: Policy) -> Verdict | None:
    """Compare two numbers whose units differ by what they amount to.

    None where either names no unit known here, or both the same, or one of another power
    (an area told as a length is a slip that graders overlook): the units are then set aside.
    """
    ours = _measure(gold)
    theirs = _measure(answer) if ours is not None else None
    if ours is None or theirs is None or ours[1:] == theirs[1:] or ours[2] != theirs[2]:
        return None
    (left, unit, power), (right, other, _) = ours, theirs
    if "m" in (unit, other) and not {unit, other} <= _METRIC:
        return None  # 5 m may be 5 minutes, miles or million
    (dimension, size), (its, other_size) = _UNITS[unit], _UNITS[other]
    if (dimension, size) == (its, other_size):
        return None
    if dimension != its:
        return Verdict(WRONG, "units of another kind")
    one, two = left * size ** power, right * other_size ** power
    if one == two or abs(one - two) <= Fraction(policy.relative) * max(abs(one), abs(two)):
        return Verdict(CORRECT, "units converted")
    if (unit in _IMPERIAL) != (other in _IMPERIAL) and (
            abs(one - two) <= ROUNDED * max(abs(one), abs(two))):
        return Verdict(UNDECIDED, "units converted and rounded")
    return Verdict(WRONG, "units differ")


def _measure(text: str) -> tuple[Fraction, str, int] | None:
    """Return (number, unit, power) of a text that is a number and a unit, or None."""
    text = text.strip(" .$")
    if len(text) > _LONGEST or not text or (text[-1].isdigit() and "^" not in text[-3:]):
        return None  # most texts are a bare number
    found = _MEASURE.fullmatch(" ".join(_DRESS.sub(" ", text).split()))
    if found is None:
        return None
    word = found[3] if found[3] in _UNITS else found[3].lower()
    word = word if word in _UNITS else word.removesuffix("s")
    number = read_number(tidy(found[1])) if word in _UNITS else None
    if number is None or number.percent or number.base:
        return None
    raised = found[4] or found[5] or found[6] or (found[2] or "").strip(" .")
    return number.value, word, _POWERS.get(raised) or int(raised or 1)
