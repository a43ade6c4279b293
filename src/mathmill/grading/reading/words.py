"""Read numbers that are written in words: English and Chinese.

Why: `twenty`, `three quarters`, `十二` and `百分之三十` are exact values; an algebra system
reads them as products of letters. What is not wholly a number in words is None.

Used as: `in_words("twenty-five")` -> `Fraction(25)`.
"""

from __future__ import annotations

import re
from fractions import Fraction

_ONES = {word: value for value, word in enumerate(
    re.findall(r"\S+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"))}
_TENS = {word: 10 * value for value, word in enumerate(
    re.findall(r"\S+", "twenty thirty forty fifty sixty seventy eighty ninety"), start=2)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
          "eighth": 8, "ninth": 9, "tenth": 10, "twelfth": 12, "twentieth": 20, "hundredth": 100}
_PARTS |= {word + "s": value for word, value in _PARTS.items()} | {"halves": 2}
_STOPS = frozenset(re.findall(r"\S+", "or of to than the not no is are more less by in on at plus "
                              "minus times over squared cubed out pi point percent"))
_WORD = re.compile(r"[a-z]+")
_ENGLISH = re.compile(r"[A-Za-z]+(?:[ -]+[A-Za-z]+){0,15}")
_MIXED = re.compile(r"([0-9]{1,9}) (?:and )?((?:an?|one|two|three|[0-9]) )?([a-z]+)")
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {
    "〇": 0, "两": 2, "壹": 1, "贰": 2, "叁": 3}
_TIMES = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_CHINESE = re.compile(
    r"(负)?([零〇一二三四五六七八九两壹贰叁十百千万亿分之半点又]{1,30}?)"
    r"(?:个|只|元|角|米|厘米|分米|毫米|千米|公里|千克|克|公斤|斤|吨|升|毫升|小时|分钟|秒|天|周|年|岁|月|人|次"
    r"|本|支|张|条|件|块|棵|头|朵|辆|页|道|题|度|倍|种|名|位|袋|箱|盒|瓶|双|套|平方米|立方米|平方厘米)?")


def in_words(text: str) -> Fraction | None:
    """Return the value that words write, or None for any other text."""
    if text and "\u3400" <= text[0] <= "\u9fff":
        found = _CHINESE.fullmatch(text)
        if found is None:
            return None
        value = _chinese(found[2])
        return -value if value is not None and found[1] else value
    if len(text) > 120:
        return None
    if _ENGLISH.fullmatch(text):
        words = [word for word in _WORD.findall(text.lower()) if word != "and"]
        if words[:1] in (["minus"], ["negative"]):
            value = _english(words[1:])
            return None if value is None else -value
        value = _english(words)
        for count in (1, 2):  # a unit or two behind: `sixteen apples`, `six square metres`
            if value is None and len(words) > count and not _STOPS & set(words):
                value = _english(words[:-count])
        return value
    mixed = _MIXED.fullmatch(text.lower())
    if mixed is not None and mixed[3] in _PARTS:
        over = (mixed[2] or "1").strip()
        count = int(over) if over.isdigit() else _ONES.get(over, 1)
        return int(mixed[1]) + Fraction(count, _PARTS[mixed[3]])
    return None


def _english(words: list[str]) -> Fraction | None:
    """Return the value of English words, or None."""
    if not words:
        return None
    if words[-1] in _PARTS and words != ["second"]:
        before = words[:-1]
        if not before or before in (["a"], ["an"]):
            return Fraction(1, _PARTS[words[-1]])
        if before[-1] in ("a", "an"):
            whole = _whole(before[:-1])
            return None if whole is None else whole + Fraction(1, _PARTS[words[-1]])
        over = _whole(before)
        if over is None:
            return None
        if len(before) > 1 and _whole(before[-1:]) is not None and before[-1] == "one":
            whole = _whole(before[:-1])  # five and one half
            return None if whole is None else whole + Fraction(1, _PARTS[words[-1]])
        return Fraction(over, _PARTS[words[-1]])
    whole = _whole(words)
    return None if whole is None else Fraction(whole)


def _whole(words: list[str]) -> int | None:
    """Return the whole number of English words, or None."""
    if words == ["a", "dozen"] or words == ["dozen"]:
        return 12
    if words[:1] == ["a"] and words[1:2] and words[1] in {"hundred", *_SCALES}:
        words = ["one", *words[1:]]
    total, part, last = 0, 0, ""
    for word in words:
        if word in _ONES and (last == "" or last in _TENS or last in _SCALES or last == "hundred"):
            if last in _TENS and not 0 < _ONES[word] < 10:
                return None
            part += _ONES[word]
        elif word in _TENS and (last == "" or last in _SCALES or last == "hundred"):
            part += _TENS[word]
        elif word == "hundred" and 0 < part < 100:
            part *= 100
        elif word in _SCALES and part:
            total, part = total + part * _SCALES[word], 0
        elif word == "dozen" and part:
            part *= 12
        else:
            return None
        last = word
    return total + part if words else None


def _chinese(text: str) -> Fraction | None:
    """Return the value of Chinese numerals, or None."""
    if text in ("一半", "半"):
        return Fraction(1, 2)
    if "分之" in text:
        whole, again, rest = text.partition("又")
        under, _, over = (rest if again else text).partition("分之")
        bottom = Fraction(100) if under == "百" else _chinese(under)
        top, before = _chinese(over), _chinese(whole) if again else Fraction(0)
        if not bottom or top is None or before is None:
            return None
        return before + top / bottom
    if "点" in text:
        whole, _, digits = text.partition("点")
        front = _chinese(whole)
        if front is None or not digits or any(sign not in _DIGITS for sign in digits):
            return None
        return front + Fraction(int("".join(str(_DIGITS[sign]) for sign in digits)),
                                10 ** len(digits))
    half = text.endswith("半") and len(text) > 1
    value = _chinese_whole(text[:-1] if half else text)
    return None if value is None else Fraction(value) + (Fraction(1, 2) if half else 0)


def _chinese_whole(text: str) -> int | None:
    """Return the whole number of Chinese numerals, or None."""
    if not text:
        return None
    if all(sign in _DIGITS for sign in text):
        return int("".join(str(_DIGITS[sign]) for sign in text))
    total = section = digit = 0
    for sign in text:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _TIMES:
            section += (digit or 1) * _TIMES[sign]
            digit = 0
        elif sign in _LARGE:
            total = (total + section + digit) * _LARGE[sign] if sign == "亿" else (
                total + (section + digit) * _LARGE[sign])
            section = digit = 0
        else:
            return None
    return total + section + digit
