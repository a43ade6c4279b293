"""Read one exact rational number out of a tidied text: in figures, as a fraction, with units.

Why: most answers are one number in one of a dozen spellings. Reading them exactly takes
microseconds and needs no evaluator near a text that a model wrote.

Used as: `read_number("3 1/2")` -> `Number(Fraction(7, 2))`; None for what is no number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

DIGITS = 2_000  # as long as an answer may be; Python itself refuses to read above 4,300
EXPONENT = 400  # digits that a power may have, so that exact arithmetic stays instant


@dataclass(frozen=True, slots=True)
class Number:
    """An exact rational number with what its writing says about it."""

    value: Fraction
    "The value; that of `24%` is 24 here, with `percent` set."
    places: int = -1
    "Written decimal places; -1 for an integer or a fraction."
    percent: bool = False
    "Whether a percent sign was written."
    base: str = ""
    "Number base, where one was written as a subscript."


_PLAIN = re.compile(r"([+-]?)([1-9][0-9]{0,2}(?:,[0-9]{3})+(?!,?[0-9])|[0-9]+)?(?:\.([0-9]+))?")
_RATIO = re.compile(r"([+-]?[0-9.,]+) ?/ ?(-?[0-9.,]+)")
_LATEX = re.compile(r"([+-]?) ?([0-9]+)? ?\\frac\{([^{}]*)\}\{([^{}]*)\}")
_MIXED = re.compile(r"([+-]?)([0-9]+|[1-9][0-9]{0,2}(?: [0-9]{3})+) (?:and )?"
                    r"([0-9]+) ?/ ?([0-9]+)")
_REPEATING = re.compile(r"([+-]?)([0-9]*)\.([0-9]{0,40})"
                        r"\\(?:overline|bar|dot)[ ]?\{([0-9]{1,40})\}")
_POWER = re.compile(r"(?:([+-]?[0-9]+(?:\.[0-9]+)?) ?\* ?)?([+-]?[0-9]+)"
                    r"\^ ?\{? ?([+-]?[0-9]{1,4}) ?\}?")
_SCIENTIFIC = re.compile(
    r"([+-]?([0-9]+)(?:\.([0-9]+))?)(?:[eE]([+-]?[0-9]{1,4})"
    r"| ?\* ?10 ?\^ ?\{? ?([+-]?[0-9]{1,4}) ?\}?)")
_UNKNOWN = re.compile(r"[+*] ?[A-Za-z]{3,}|[A-Za-z]{3,} ?[+*]")
_BASE = re.compile(r"([+-]?\(?[0-9A-Fa-f]+)\)?_ ?\{? ?([0-9]{1,2}) ?\}?")
_SPACED = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+")
_PARTS_OF = re.compile(r"(?:([0-9]{1,9}) ?又 ?)?([0-9]+) ?分之 ?([0-9]+)")
_UNIT = r"(?:[^\W\d_]+|[\"'])(?: ?\^ ?\{? ?[23] ?\}?)?"
_UNITS = re.compile(rf"(.*?[0-9}}%])( ?){_UNIT}(?:(?: ?/ ?|[ *.-]){_UNIT})*", re.DOTALL)
_LEAD = re.compile(
    r"(?:about|approximately|exactly|roughly|around|only|just|equal to|equals|a total of|"
    r"total|is|are|to|约|大约|共|一共|等于|为|是|有) ?(?=[+\-0-9.\\])", re.IGNORECASE)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9,
           "trillion": 10**12, "dozen": 12, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_NOT_UNITS = frozenset(re.findall(
    r"\S+", "half quarter third thirds fourth fourths fifth fifths squared cubed plus minus times "
    "over or and to pi sqrt sin cos tan log ln e i tens tenths hundreds hundredths thousands "
    "thousandths millions billions ones 又 分 半 百 千 万 亿 十"))
_THOUSAND_UNITS = frozenset(["千克", "千米", "千瓦", "千卡", "千焦", "百分"])
_SHORT_UNITS = frozenset(re.findall(
    r"\S+", "cm mm km dm nm ml cl dl kl kg mg ft in yd mi hr hrs min sec ms lb lbs oz pt qt gal "
    "mph kph kmh khz hz kw mw kwh pa kpa mol am pm usd eur gbp rs deg rad day cal kj mb gb kb "
    "tb ev kn hp db"))
_LINKS = frozenset(re.findall(r"\S+", "is of as at by on so he we if it no or us"))
# Of units with two or three letters only these are no product behind a LaTeX number.
_LENGTHS = _LINKS | frozenset(re.findall(r"\S+", "cm mm km in ft yd mi kg lb hr"))
_SHORT_WORDS = _SHORT_UNITS | _LINKS
_COUNTING = frozenset(re.findall(
    r"\S+", "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand million half third quarter fourth fifth none nothing once twice pi "
    "sqrt infinity e i"))


def read_number(text: str) -> Number | None:
    """Return the number that a tidied text writes without units, or None."""
    if text.startswith("百分之"):
        text = text[3:] + "%"
    percent = text.endswith("%")
    if percent:
        text = text[:-1].rstrip()
    if not text or len(text) > DIGITS or not ("0" <= text[-1] <= "9" or text[-1] in "})F"
                                              or text[-1].isalpha()):
        return None
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        if plain[2] is None and plain[3] is None:
            return None
        digits = (plain[2] or "0").replace(",", "")
        decimals = plain[3] or ""
        value = Fraction(int(plain[1] + digits + decimals), 10 ** len(decimals))
        return Number(value, len(decimals) if decimals else -1, percent)
    if _SPACED.fullmatch(text):
        return Number(Fraction(int(text.replace(" ", ""))), percent=percent)
    if "e" in text or "E" in text or "10^" in text:
        scientific = _read_scientific(text)
        if scientific is not None:
            return Number(*scientific, percent)
    value_ = _read_fraction(text) if "/" in text or "frac" in text or "分" in text else (
        _read_power(text))
    if value_ is not None:
        return Number(value_, percent=percent)
    based = _BASE.fullmatch(text)
    if based is not None and 2 <= int(based[2]) <= 16:
        try:
            return Number(Fraction(int(based[1].replace("(", ""), int(based[2]))), base=based[2])
        except ValueError:  # a digit that the base does not have
            return None
    return None


def _read_fraction(text: str) -> Fraction | None:
    r"""Read `a/b`, `1 3/4`, `\frac{a}{b}`, `2\frac{1}{3}` or `4分之1`."""
    found = _RATIO.fullmatch(text)
    if found is not None:
        return _divide(found[1], found[2])
    found = _LATEX.fullmatch(text)
    if found is not None:
        part = _divide(found[3].strip(), found[4].strip())
        if part is None or (found[2] and part < 0):
            return None
        whole = int(found[2] or 0) + part
        return -whole if found[1] == "-" else whole
    found = _MIXED.fullmatch(text)
    if found is not None:
        part = _divide(found[3], found[4])
        if part is None or part >= 1:  # 11 7/6 is no mixed number
            return None
        part += int(found[2].replace(" ", ""))
        return -part if found[1] == "-" else part
    found = _PARTS_OF.fullmatch(text)
    part = _divide(found[3], found[2]) if found is not None else None
    return part + int(found[1] or 0) if found is not None and part is not None else None


def _divide(over: str, under: str) -> Fraction | None:
    """Return the quotient of two written decimals, or None."""
    top, bottom = _PLAIN.fullmatch(over), _PLAIN.fullmatch(under)
    if top is None or bottom is None:
        return None
    upper, lower = read_number(over), read_number(under)
    if upper is None or lower is None or lower.value == 0:
        return None
    return upper.value / lower.value


def _read_scientific(text: str) -> tuple[Fraction, int] | None:
    """Read `3.5e-7`, `3.5*10^{-7}`: its value, and the decimal places that it states."""
    found = _SCIENTIFIC.fullmatch(text)
    if found is None or len(text) > EXPONENT or abs(int(found[4] or found[5])) > EXPONENT:
        return None
    exponent = int(found[4] or found[5])
    places = max(0, len(found[3] or "") - exponent) if found[3] else -1
    return Fraction(found[1]) * Fraction(10) ** exponent, places or -1


def _repeating(text: str) -> Fraction | None:
    r"""Read `0.1\overline{6}`."""
    found = _REPEATING.fullmatch(text)
    if found is None:
        return None
    shift = 10 ** len(found[3])
    value = Fraction(int((found[2] or "0") + found[3]), shift) + Fraction(
        int(found[4]), shift * (10 ** len(found[4]) - 1))
    return -value if found[1] == "-" else value


def _read_power(text: str) -> Fraction | None:
    """Read `3*2^5` or `2^{10}`, as long as the value stays short; and repeating decimals."""
    found = _POWER.fullmatch(text)
    if found is None:
        return _repeating(text)
    base, exponent = int(found[2]), int(found[3])
    mantissa = Fraction(found[1]) if found[1] else Fraction(1)
    if base < 0 and text.startswith("-") and not found[1]:
        base, mantissa = -base, Fraction(-1)  # -2^4 is -(2^4)
    if base == 0 or len(text) > EXPONENT or abs(exponent) * len(str(abs(base))) > EXPONENT:
        return None
    return mantissa * Fraction(base) ** exponent


def starts_like_a_number(text: str) -> bool:
    """Tell whether a text starts with a figure, or with words like `about` before one."""
    return text[0] in "+-.\\" or text[0].isdigit() or _LEAD.match(text) is not None


def read_measured(text: str) -> Number | None:
    """Read a number with unit words around it: `10 cm^2`, `about 3.5 miles per hour`, `3万`."""
    lead = _LEAD.match(text)
    while lead is not None:
        text = text[lead.end():]
        lead = _LEAD.match(text)
    number = read_number(text)
    if number is not None:
        return number
    # Trying every digit as the number's end is quadratic, so long texts are left alone.
    found = _UNITS.fullmatch(text) if len(text) <= 120 else None
    if found is None:
        return None
    number = read_number(found[1])
    unit = text[found.end(1):].strip()
    if number is None or (number.base and not found[2]):
        return None
    words = re.findall(r"[^\W\d_]+", unit)
    scale = _SCALES.get(words[0].lower() if words else "")
    if scale is None and unit[:1] in _SCALES and unit[:2] not in _THOUSAND_UNITS:
        scale = _SCALES[unit[0]]
        words = [unit[1:]]
    elif scale is not None:
        words = words[1:]
    if any(word.lower() in _NOT_UNITS or (
            word[:1] in _NOT_UNITS and word[:2] not in _THOUSAND_UNITS) for word in words):
        return None
    if words and words[0].lower() == "of" and number.percent:  # 30% of x
        return None
    # `2ab`, `3 mn` and `\frac{1}{2}mg` are products; `10cm`, `5 men` and `10weeks` are not.
    known = _LENGTHS if "\\" in found[1] else _SHORT_WORDS if found[2] else _SHORT_UNITS
    if words and words[0].isascii() and 1 < len(words[0]) < (3 if found[2] else 4) and (
            words[0].lower() not in known):
        return None
    # `5x` is a product; `5 m`, `5m^2` and `5cm` are measures.
    letter = words[0] if words and len(words[0]) == 1 and words[0].isascii() else ""
    if letter == "m" and "^" in unit and "\\" not in found[1]:
        letter = ""
    if letter and (not found[2] or letter in "xyzabnkt" or "\\" in found[1]):
        return None
    return Number(number.value * (scale or 1), number.places, number.percent, number.base)


def names_a_quantity(text: str) -> bool:
    """Tell whether a text is a sum or product with a worded quantity (`10+John's age`).

    Such a text is no number, whatever the words stand for.
    """
    return "\\" not in text and _UNKNOWN.search(text) is not None and not has_number_words(text)


def has_number_words(text: str) -> bool:
    """Tell whether words write a number (`twenty`), so that they cannot be called no number."""
    return any(word in _COUNTING for word in re.findall(r"[a-z]+", text.lower())) or any(
        sign in text for sign in "零一二两三四五六七八九十百千万半∞")
