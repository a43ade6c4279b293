"""Numbers as questions state them: digits, words and Chinese signs, all as one exact value.

Why: who rephrases a question keeps its numbers and changes how they stand there: `0.5`, `1/2`,
`half`; `twice`, `2 times`; `1,080`, `a thousand and eighty`, `一千零八十`. Equal values must be
equal keys. What a number counts (per cent, dollars) is a word beside it, not part of it.

Used as: `value_of("1,080")` -> `1080`; `WORDS["twice"]` -> `2`; `chinese("两百零五")` -> `205`.
"""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST = 40  # signs of a number that are read exactly; longer ones are compared as written

_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
         "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
         "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
TENS = {word: 10 * place for place, word in enumerate(_TENS, 2)}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9}
WORDS = {
    **{word: str(place) for place, word in enumerate(_ONES)},
    "single": "1", "once": "1", "both": "2", "twice": "2", "double": "2", "doubled": "2",
    "doubles": "2", "pair": "2", "pairs": "2", "couple": "2", "twofold": "2", "thrice": "3",
    "triple": "3", "tripled": "3", "triples": "3", "threefold": "3", "quadruple": "4",
    "decade": "10", "dozen": "12", "dozens": "12", "century": "100",
    "half": "1/2", "halves": "1/2", "halved": "1/2", "third": "1/3", "thirds": "1/3",
    "quarter": "1/4", "quarters": "1/4", "fourth": "1/4", "fourths": "1/4", "fifth": "1/5",
    "fifths": "1/5", "sixth": "1/6", "eighth": "1/8", "tenth": "1/10", "tenths": "1/10",
}
"Words that stand for a number by themselves, `TENS` and `SCALES` apart."

_DIGITS = {sign: place for place, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1_000}
_SIGNS = "零〇一二两三四五六七八九十百千"
CHINESE = re.compile(
    rf"(?P<digits>[0-9][0-9,]*(?:\.[0-9]+)?(?:/[0-9]+)?)(?P<scale>[百千万亿])?"
    rf"|(?P<whole>[{_SIGNS}]+)分之(?P<parts>[{_SIGNS}0-9]+)"
    rf"|(?P<signs>[{_SIGNS}]+(?:万[{_SIGNS}]*)?)|(?P<half>半)")
"A number in a Chinese text: digits with or without a scale, a share, signs, or a half."


def value_of(text: str) -> str:
    """Return a number in digits as one exact key: `1,080` -> `1080`, `0.50` -> `1/2`."""
    if len(text) > LONGEST:
        return text
    try:
        return str(Fraction(text.replace(",", "")))
    except (ValueError, ZeroDivisionError):
        return text


def chinese(signs: str) -> int:
    """Return the value of Chinese number signs: `十五` -> 15, `一万二千` -> 12000."""
    myriads, _, rest = signs.partition("万")
    if rest or "万" in signs:
        return (chinese(myriads) or 1) * 10_000 + (chinese(rest) if rest else 0)
    if not any(sign in _UNITS for sign in signs):  # read out digit by digit, such as a year
        return int("".join(str(_DIGITS[sign]) for sign in signs) or 0)
    total = digit = 0
    for sign in signs:
        if sign in _UNITS:
            total += (digit or 1) * _UNITS[sign]
            digit = 0
        else:
            digit = _DIGITS[sign]
    return total + digit


def chinese_value(found: re.Match[str]) -> str:
    """Return the key of a number that `CHINESE` found."""
    if len(found[0]) > LONGEST:
        return found[0]
    if found["half"]:
        return "1/2"
    if found["whole"]:
        parts = found["parts"]
        share = int(parts) if parts.isdecimal() else chinese(parts)
        # 百分之二十 is 20 per cent: the number that is stated is 20, as in English.
        return str(share) if found["whole"] == "百" else str(
            Fraction(share, chinese(found["whole"]) or 1))
    if found["signs"]:
        return str(chinese(found["signs"]))
    value = value_of(found["digits"])
    scale = {"百": 100, "千": 1_000, "万": 10_000, "亿": 10**8}.get(found["scale"] or "")
    if scale is None:
        return value
    try:
        return str(Fraction(value) * scale)
    except (ValueError, ZeroDivisionError):
        return value
