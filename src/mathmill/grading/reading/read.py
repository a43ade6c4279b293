r"""Read a tidied answer as a value: a number, words, several values, a formula, a relation.

Why: what can be read can be compared exactly, in microseconds, with no algebra system and
no evaluator near a text that a model wrote. What cannot be read is None, and the comparison
says `undecided` rather than guess.

Used as: `read(tidy(r"\frac{3}{4}"), TOLERANT)` -> `Number(Fraction(3, 4), ...)`.
"""

from __future__ import annotations

import re

from mathmill.grading.algebra.exact import rational
from mathmill.grading.algebra.matrices import grid
from mathmill.grading.algebra.parse import parse
from mathmill.grading.algebra.tree import has
from mathmill.grading.policy import Policy
from mathmill.grading.reading.clock import read_date, read_time
from mathmill.grading.reading.normal import ROW, SET_CLOSE, SET_OPEN
from mathmill.grading.reading.numbers import (
    Number,
    read_measured,
    read_number,
    starts_like_a_number,
)
from mathmill.grading.reading.relations import SIGNS, read_relation
from mathmill.grading.reading.values import Formula, Group, Matrix, Relation, Value, Words
from mathmill.grading.reading.words import in_words

DEPTH = 6  # brackets within brackets
_WORDS = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+){0,15}")
_CLOSING = {"(": ")", "[": "]", SET_OPEN: SET_CLOSE, "{": "}"}
_SAME_WORDS = {
    "∅": ("∅", "empty set", "the empty set", "no solution", "no solutions", "none",
          "no real solution", "no real solutions", "no real roots", "there is no solution",
          "no such", "null set", "无解", "空集", "不存在解"),
    "does not exist": ("dne", "does not exist", "undefined", "not defined", "no limit", "不存在",
                       "doesn't exist", "nonexistent"),
    "∞": ("∞", "+∞", "infinity", "positive infinity", "inf", "+inf", "无穷大", "无穷"),
    "-∞": ("-∞", "-infinity", "negative infinity", "minus infinity", "-inf"),
    "ℝ": ("ℝ", "all real numbers", "all reals", "real numbers", "the real numbers",
          "all real numbers x", "any real number"),
    "true": ("true", "yes", "t"), "false": ("false", "no", "f"),
}
_SIGNS_OF_WORDS = {word: sign for sign, words in _SAME_WORDS.items() for word in words
                   if len(word) > 1 or not word.isascii()}
_PLAIN_UNIT = re.compile(
    r"(?<=[0-9 )}!°])(?:(?:square|cubic|sq\.?|cu\.?) ?)?(?:cm|mm|km|inch(?:es)?|in|feet|foot|ft|"
    r"met(?:er|re)s?|units?|yards?|miles?|degrees?|deg|rad(?:ian)?s?|dollars?|cents?|hours?|hrs?|"
    r"minutes?|seconds?|sec|days?|weeks?|years?|kg|grams?|lit(?:er|re)s?|mph|"
    r"centimet(?:er|re)s?|kilomet(?:er|re)s?)(?: ?\^ ?\{?[23]\}?)?"
    r"(?:(?: per |/)(?:hour|second|minute|day|h|s|sec|hr|unit)(?: ?\^ ?\{?2\}?)?)?$")
_THOUSANDS = re.compile(r"(?<![0-9,.])([1-9][0-9]{0,2})((?:,[0-9]{3})+)(?![0-9,])")
_ARTICLE = re.compile(r"(?:an?|the) (?=[a-z])", re.IGNORECASE)
_COMPOUND = re.compile(
    r"[0-9]+ ?(?:hours?|hrs?|h|feet|foot|ft|days?|weeks?|years?|minutes?|mins?|dollars?|pounds?|"
    r"lbs?|kg|m|km|meters?|小时|元|米|分|千克)(?:,? and|,)? ?[0-9]")
_PER_CENT = re.compile(r"(.+?) ?%")
_JOINERS = re.compile(r"^(?:and|or|和|或) |^(?:和|或)")
_BETWEEN = re.compile(r" (?:and|or) |和|或|\n")
_THINGS = re.compile(r"[0-9][0-9.,/]{0,12} ([a-z]{2,20}(?: [a-z]{2,20}){0,2})")
_DOTS = Words("…")


def read(text: str, policy: Policy, depth: int = 0) -> Value | None:
    """Return the value that a tidied text writes, or None where it cannot be read.

    Bounded in digits, exponents, tokens and depth of brackets. Never raises.
    """
    text = text.strip(" ;:")
    if not text or depth > DEPTH:
        return None
    number = read_number(text)
    if number is not None:
        return number
    words = _read_words(text, policy)
    if words is not None:
        return words
    if any(sign in text for sign in SIGNS) and not _lists_relations(text):
        relation = read_relation(text, lambda part: read(part, policy, depth + 1))
        if relation is not None:
            return relation
    if "," in text and text[0] not in _CLOSING:  # 1,000\pi: the commas of one number, no list
        whole = _THOUSANDS.search(text)
        if whole is not None and whole[2].count(",") == text.count(","):
            text = text[:whole.start()] + whole.group().replace(",", "") + text[whole.end():]
    if text.startswith("\\begin{cases}") and text.endswith("\\end{cases}"):
        rows = [row.strip() for row in text[13:-11].split(ROW)]
        return _group("", "", [row for row in rows if row], policy, depth)
    if _COMPOUND.match(text):
        return None  # 3 hours 20 minutes, 5 feet and 4 inches: one quantity in two units
    group = _read_group(text, policy, depth)
    if group is not None:
        return group
    if policy.units and starts_like_a_number(text):
        number = read_measured(text)
        if number is not None:
            return number
    if ("=" in text and "\\sum" not in text and "\\prod" not in text) or "<" in text or ">" in text:
        return None
    return _read_formula(text, policy)


def _lists_relations(text: str) -> bool:
    """Tell whether a text is a list of relations (`x=1, y=2`), and not `n = 1, 2`."""
    if not any(sign in text for sign in (",", ";", " or ", " and ", "或", "和")):
        return False
    parts = [piece for part in _split(text.replace(";", ","), ",")
             for piece in _BETWEEN.split(part)]
    return sum(any(sign in part for sign in SIGNS) for part in parts) > 1


def _read_words(text: str, policy: Policy) -> Value | None:
    """Read words: a number in words, a sign, a date or time, or just words."""
    if text[0].isdigit() or text[0].isalpha():
        exact = in_words(text)
        if exact is not None:
            return Number(exact)
        moment = read_time(text) if text[-1] in "mMk" else None
        moment = moment or (read_date(text) if " " in text and len(text) < 30 else None)
        if moment is not None:
            return Words(moment)
    if text in "ℤℕℚℂ":
        return Words(text)
    sign = _SIGNS_OF_WORDS.get(text.casefold())
    if sign is not None:
        return Words(sign)
    if text == "…":
        return _DOTS
    if (len(text) > 4 or not text.isascii() or " " in text) and _WORDS.fullmatch(text) and (
            "sqrt" not in text):
        text = _ARTICLE.sub("", text)
        return Words(text.casefold() if policy.fold_case else text)
    return None


def _read_formula(text: str, policy: Policy) -> Value | None:
    """Read a formula; one that is a single word or letter is words."""
    if _WORDS.fullmatch(text) and (len(text) > 1 or text not in "ei"):
        return Words(text.casefold() if policy.fold_case and len(text) > 1 else text)
    percent = _PER_CENT.fullmatch(text)
    if percent is not None:
        text = percent[1]
    if policy.units:
        unit = _PLAIN_UNIT.search(text)
        if unit is not None and unit.start() and (" " in text[unit.start() - 1:] or (
                unit.end() - unit.start() > 1)):
            text = text[:unit.start()].rstrip()
            number = read_number(text)
            if number is not None:
                return number
    tree = parse(text)
    if tree is None:
        return None
    if has(tree, "m"):
        rows = grid(tree)
        return Matrix(rows) if rows is not None else None
    if tree.kind == "n" or (tree.kind == "-" and tree.args[0].kind == "n"):
        exact = rational(tree)
        if exact is not None:
            return Number(exact, percent=percent is not None)
    return Formula(tree, percent is not None)


def _read_group(text: str, policy: Policy, depth: int) -> Value | None:
    """Read brackets, a union of intervals, a ratio or a bare list; None where it is none."""
    closing = _CLOSING.get(text[0])
    if closing is not None and _spans(text):
        return _read_brackets(text, policy, depth)
    if "∩" in text:
        return _group("cap", "", text.split("∩"), policy, depth)
    if "∪" in text:
        return _group("cup", "", text.split("∪"), policy, depth)
    if "∖" in text:
        return _group("∖", "", text.split("∖"), policy, depth)
    for sign in (";", ", ", ","):
        parts = _split(text, sign)
        if len(parts) > 1:
            if sign != ",":
                parts = [piece for part in parts for piece in _BETWEEN.split(part)
                         if piece.strip()] if "⏎" not in text else parts
            parts = [_JOINERS.sub("", part.strip()) for part in parts]
            return _group("", "", parts, policy, depth)
    parts = _BETWEEN.split(text)
    if 1 < len(parts) <= 50 and (
            text[0] in "+-.\\([0123456789±⦃" or any(sign in text for sign in SIGNS)
            or all(len(part) == 1 for part in parts)):
        return _group("", "", parts, policy, depth)
    parts = text.split(" to ") if " to " in text else text.split(":")
    if len(parts) > 1:
        return _group(":", "", parts, policy, depth)
    return None


def _read_brackets(text: str, policy: Policy, depth: int) -> Value | None:
    """Read what stands in one pair of brackets."""
    inside = text[1:-1].strip()
    opening = text[0]
    if opening == SET_OPEN:
        if not inside:
            return Words("∅")
        builder = re.fullmatch(r"([A-Za-z]) ?(?:∈ ?ℝ ?)?[|:] ?(.+)", inside)
        if builder is not None:
            found = read(builder[2], policy, depth + 1)
            return found if isinstance(found, Relation) else None
    parts = _split(inside, ";") if ";" in inside else _split(inside, ",")
    if len(parts) == 1 and opening in "({" and text[-1] in ")}":
        if opening == "(" or "=" in inside or not inside:
            return read(inside, policy, depth + 1)
        return read(inside, policy, depth + 1)
    if len(parts) == 1 and opening == "[":
        return None  # a formula in square brackets
    if opening == "{":  # LaTeX drops these braces: what was meant is a list
        return _group("", "", parts, policy, depth)
    return _group(opening, text[-1], parts, policy, depth)


def _group(opening: str, closing: str, parts: list[str], policy: Policy,
           depth: int) -> Group | None:
    """Return a group whose every part can be read, or None."""
    items: list[Value] = []
    for part in parts:
        item = read(part, policy, depth + 1)
        if item is None:
            return None
        items.append(item)
    # `6 red, 5 blue` is not `5 red, 6 blue`: of different things the words are the names.
    things = [_THINGS.fullmatch(part.strip()) for part in parts] if not opening else []
    told = {thing[1] for thing in things if thing is not None}
    if 1 < len(told) == len(items) and all(isinstance(item, Number) for item in items):
        items = [Relation(thing[1], item, ("=",), ())
                 for thing, item in zip(things, items, strict=True) if thing is not None]
    return Group(opening, closing, tuple(items))


def _spans(text: str) -> bool:
    """Tell whether the first bracket closes at the very end (an interval may mix them)."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{" or sign == SET_OPEN) - (sign in ")]}" or sign == SET_CLOSE)
        if depth == 0:
            return place == len(text) - 1 and text[-1] in ")]}" + SET_CLOSE
    return False


def _split(text: str, sign: str) -> list[str]:
    """Split at a separator that stands outside every bracket."""
    if sign not in text:
        return [text]
    parts, depth, start, place = [], 0, 0, 0
    while place < len(text):
        if text.startswith(sign, place) and depth == 0:
            parts.append(text[start:place])
            place += len(sign)
            start = place
            continue
        here = text[place]
        depth += (here in "([{" or here == SET_OPEN) - (here in ")]}" or here == SET_CLOSE)
        place += 1
    return [*parts, text[start:]]
