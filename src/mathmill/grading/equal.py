"""Decide whether an answer equals the gold one: correct, wrong, or undecided with why.

Why: this is the one grader, used by `verify`, by `evaluate` and by `mathmill grade`. Tiers
run from cheap to dear and each verdict names the tier that settled it. Nothing here
evaluates text: what exact rational arithmetic cannot settle is `undecided`.

Used as: `equal("1/2", "0.5")`, `grade("... The answer is 5.", "5", "strict")`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from mathmill.grading import choice
from mathmill.grading.answers import LONGEST, TAIL, extract, without_clause
from mathmill.grading.ending import last_match
from mathmill.grading.normal import papers_form, tidy
from mathmill.grading.numbers import Number, has_number_words, names_a_quantity
from mathmill.grading.policy import Policy, named
from mathmill.grading.values import Group, Value, Words, read
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

_INTEGER = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,400})(?:\.0{1,20})?")
_PLAIN = re.compile(r"0|-?[1-9][0-9]{0,30}")
_LOOSE_SPACE = re.compile(r"(?<![0-9]) | (?![0-9])")
_PREFIX = re.compile(r"The answer is[ ]?:?")
_PAPER_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)(?:/[0-9]+)?")
_NAME = re.compile(r"\\?[A-Za-z]{1,20}(?:_\{?\w{1,5}\}?)?'?(?:\(\w{1,3}\))?")


def grade(response: str, gold: str, policy: str | Policy = "tolerant",
          options: Sequence[str] = ()) -> Verdict:
    """Return the verdict on a whole response: find its answer, compare it with `gold`.

    Under the papers' policies only text after `The answer is` counts and nothing is
    undecided; under the others every form that `answers.extract` knows counts. `options`
    are those of a multiple-choice question, from A on: with them an answer may name an
    option's content (see `choice.settle`).
    """
    policy = named(policy)
    if policy.rule != "value":
        tail = response[-TAIL:]
        place = last_match(_PREFIX, tail)
        if place is None:
            return Verdict(WRONG, "no prefix")
        return _papers_equal(gold, tail[place.end():], policy)
    chosen = choice.settle(response, gold, policy, options,
                           lambda one, other: equal(one, other, policy))
    if chosen is not None:
        return chosen
    found = extract(response)
    if found.text is None:
        if found.how == "too long":
            return Verdict(UNDECIDED, "unparsed: too long")
        return Verdict(WRONG, "no answer")
    verdict = equal(without_clause(gold), found.text, policy)
    return Verdict(verdict.value, f"{verdict.how}; {found.how}")


def equal(gold: str, answer: str, policy: str | Policy = "tolerant") -> Verdict:
    """Return whether `answer` equals `gold`, and which tier settled it.

    Both are short texts (at most 2,000 characters; longer is undecided). Never raises for
    any text, never evaluates one, and is symmetric under `tolerant`.
    """
    policy = named(policy)
    if policy.rule != "value":
        return _papers_equal(gold, answer, policy)
    if _PLAIN.fullmatch(gold) and _PLAIN.fullmatch(answer):  # half of all real pairs
        return Verdict(CORRECT if gold == answer else WRONG, "number")
    if len(gold) > LONGEST or len(answer) > LONGEST:
        return Verdict(UNDECIDED, "unparsed: too long")
    chosen = choice.compare(gold, answer, policy)
    if chosen is not None:
        return chosen
    ours, theirs = tidy(gold), tidy(answer)
    if not ours or not theirs:
        return Verdict(WRONG if ours else UNDECIDED, "no answer" if ours else "no gold answer")
    if _folded(ours, policy) == _folded(theirs, policy):
        return Verdict(CORRECT, "string")
    if policy.names and ("=" in ours or "=" in theirs):
        names = _name(ours), _name(theirs)
        if names[0] and names[1] and names[0] != names[1]:
            return Verdict(UNDECIDED, "needs algebra: different names")
        ours, theirs = _right_side(ours), _right_side(theirs)
        if _folded(ours, policy) == _folded(theirs, policy):
            return Verdict(CORRECT, "string after the name")
    return _compare_values(ours, theirs, policy)


def _folded(text: str, policy: Policy) -> str:
    """Return the text as strings are compared: no spaces, case folded if it does not count."""
    text = _LOOSE_SPACE.sub("", text)  # `3 1/2` is not `31/2`
    # Case counts where it tells two symbols apart: only texts of words are folded.
    return text.casefold() if policy.fold_case and "\\" not in text and len(text) > 1 else text


def _name(text: str) -> str:
    """Return the name on the left of `x = 5`, or an empty text."""
    left = text.split("=", 1)[0].strip() if "=" in text else ""
    return left if _NAME.fullmatch(left) else ""


def _right_side(text: str) -> str:
    """Return what `x = 24/10 = 2.4` concludes, or the text where it is another equation."""
    if "=" not in text or any(sign in text for sign in "<>≤≥"):
        return text
    *before, last = text.split("=")
    for place, part in enumerate(before):
        part = part.strip()
        named_first = place == 0 and _NAME.fullmatch(part)
        if not named_first and re.search(r"[A-Za-z]", part.replace("\\frac", "")):
            return text
    return last.strip() if not before[0].strip() or last.strip() else text


def _compare_values(ours: str, theirs: str, policy: Policy) -> Verdict:
    """Compare what two tidied texts write, as exact values."""
    gold, answer = read(ours, policy), read(theirs, policy)
    if gold is None or answer is None:
        known, unread = (gold, theirs) if answer is None else (answer, ours)
        if isinstance(known, Number) and names_a_quantity(unread):
            return Verdict(WRONG, "a quantity in words")
        return Verdict(UNDECIDED, _why(unread))
    return _compare(gold, answer, policy)


def _why(text: str) -> str:
    """Return why a text could not be read as a value."""
    if has_number_words(text) and "\\" not in text:
        return "number in words"
    return "needs algebra"


def _compare(gold: Value, answer: Value, policy: Policy) -> Verdict:
    """Compare two values; the verdict names the kind of comparison."""
    if isinstance(gold, Number) and isinstance(answer, Number):
        return Verdict(CORRECT if _same_number(gold, answer, policy) else WRONG, "number")
    if isinstance(gold, Words) and isinstance(answer, Words):
        if gold.text == answer.text:
            return Verdict(CORRECT, "words")
        if " " in gold.text or " " in answer.text or sorted(gold.text) == sorted(answer.text):
            return Verdict(UNDECIDED, "words differ")
        return Verdict(WRONG, "words")
    if isinstance(gold, Group) and isinstance(answer, Group):
        return _compare_groups(gold, answer, policy)
    kinds = {type(gold), type(answer)}
    if kinds == {Number, Words}:
        return Verdict(WRONG, "a number against words")
    return Verdict(WRONG, "one value against several")


def _same_number(gold: Number, answer: Number, policy: Policy) -> bool:
    """Tell whether two written numbers are the same under the policy."""
    if gold.base != answer.base and gold.base and answer.base:
        return False
    if gold.percent == answer.percent:
        return _near(gold, answer, Fraction(1), Fraction(1), policy)
    ours = Fraction(1, 100) if gold.percent else Fraction(1)
    theirs = Fraction(1, 100) if answer.percent else Fraction(1)
    if _near(gold, answer, ours, theirs, policy):
        return True
    return policy.percent == "either" and _near(gold, answer, Fraction(1), Fraction(1), policy)


def _near(gold: Number, answer: Number, ours: Fraction, theirs: Fraction,
          policy: Policy) -> bool:
    """Compare two numbers scaled, exactly but for long decimals of fractions."""
    left, right = gold.value * ours, answer.value * theirs
    if left == right:
        return True
    gap = abs(left - right)
    if policy.relative and gap <= Fraction(policy.relative) * max(abs(left), abs(right)):
        return True
    if policy.absolute and gap <= Fraction(policy.absolute):
        return True
    # 0.333333 may stand for 1/3, but never for another decimal or an integer.
    for decimal, other, scale in ((gold, answer, ours), (answer, gold, theirs)):
        if decimal.places >= policy.places and other.places < 0 and other.value.denominator > 1:
            return gap < Fraction(1, 10 ** decimal.places) * scale
    return False


def _compare_groups(gold: Group, answer: Group, policy: Policy) -> Verdict:
    """Compare tuples and intervals in order, sets and bare lists in any order."""
    brackets = {(gold.open, gold.close), (answer.open, answer.close)}
    bare = ("", "") in brackets
    if len(brackets) > 1 and not bare:
        if ":" in (gold.open, answer.open) or "cup" in (gold.open, answer.open):
            return Verdict(UNDECIDED, "needs algebra")
        return Verdict(WRONG, "brackets differ")
    if "cup" in (gold.open, answer.open) and len(gold.items) != len(answer.items):
        return Verdict(UNDECIDED, "needs algebra: unions may be written in several ways")
    if len(gold.items) != len(answer.items):
        return Verdict(WRONG, "number of elements")
    anyhow = {"⦃", "cup"} | ({""} if not policy.ordered_lists else set())
    free = gold.open in anyhow and answer.open in anyhow
    match = _matched if free else _in_order
    value = match(gold.items, answer.items, policy)
    if gold.open == ":" == answer.open and value == WRONG:
        return Verdict(UNDECIDED, "needs algebra: a ratio or a time")
    return Verdict(value, "set" if free else "elements in order")


def _in_order(gold: Sequence[Value], answer: Sequence[Value], policy: Policy) -> str:
    """Return the verdict on two sequences compared place by place."""
    values = {_compare(left, right, policy).value
              for left, right in zip(gold, answer, strict=True)}
    return WRONG if WRONG in values else UNDECIDED if UNDECIDED in values else CORRECT


def _matched(gold: Sequence[Value], answer: Sequence[Value], policy: Policy) -> str:
    """Return the verdict on two multisets: every element needs a partner of its own."""
    if len(gold) > 60:
        return UNDECIDED
    left, unsure = list(answer), False
    for item in gold:
        verdicts = [_compare(item, other, policy).value for other in left]
        if CORRECT in verdicts:
            left.pop(verdicts.index(CORRECT))
        elif UNDECIDED in verdicts:
            unsure = True
        else:
            return WRONG
    return UNDECIDED if unsure else CORRECT


def _papers_equal(gold: str, text: str, policy: Policy) -> Verdict:
    r"""Compare as MetaMath and Skywork-Math do (papers.md 5.2); never undecided.

    A whole gold number: the first number of the text, commas removed, fractions divided,
    rounded to an integer (so 3.5 passes for 4, as in the paper), is compared with it. Any
    other gold answer: the text up to `.\n`, final stop removed, is compared as a string
    after the papers' normalisation.
    """
    whole = gold.strip()
    if policy.rule == "papers" and _INTEGER.fullmatch(whole):
        found = _PAPER_NUMBER.search(text[:LONGEST])
        number = _paper_number(found.group()) if found else None
        if number is None:
            return Verdict(WRONG, "papers: no number")
        right = Fraction(whole.replace(",", "")) == round(number)
        return Verdict(CORRECT if right else WRONG, "papers: rounded number")
    answer = text[:LONGEST].split(".\n", 1)[0].strip()
    answer = answer[:-1] if answer.endswith(".") else answer
    right = papers_form(whole[:LONGEST]) == papers_form(answer)
    return Verdict(CORRECT if right else WRONG, "papers: string")


def _paper_number(text: str) -> Fraction | None:
    """Return the number the papers' pattern found, or None for a division by zero."""
    over, _, under = text.replace(",", "").partition("/")
    if len(over) > 400 or len(under) > 400:
        return None
    try:
        return Fraction(over) / Fraction(under or 1)
    except (ValueError, ZeroDivisionError):
        return None
