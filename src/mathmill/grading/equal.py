"""Decide whether an answer equals the gold one: correct, wrong, or undecided with why.

Why: this is the one grader, used by `verify`, by `evaluate` and by `mathmill grade`. Tiers
run from cheap to dear and each verdict names the tier that settled it: spellings made one,
exact values, formulas at points (`reading`, `comparing`, `algebra`), and only then an algebra
system in a process that can be killed (`symbolic`). What none settles is `undecided`; no text
that a model wrote is ever evaluated here.

Used as: `equal("1/2", "0.5")`, `grade("... The answer is 5.", "5", "strict")`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mathmill.errors import UsageError
from mathmill.grading import choice
from mathmill.grading.answers import LONGEST, TAIL, extract, without_clause
from mathmill.grading.comparing.compare import compare
from mathmill.grading.comparing.papers import papers_equal
from mathmill.grading.comparing.units import compare_units
from mathmill.grading.ending import last_match
from mathmill.grading.policy import Policy, named
from mathmill.grading.reading.normal import tidy, without_units
from mathmill.grading.reading.numbers import Number, has_number_words, names_a_quantity
from mathmill.grading.reading.read import read
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

PLAIN = re.compile(r"0|-?[1-9][0-9]{0,30}")
_WORDY = re.compile(r"[^\W\d_]{2,}+(?:[ .,'-]{1,2}[^\W\d_]{2,}+){0,20}")
_PRODUCT = re.compile(r"\*[ ]?[0-9]")  # `E*2`: the letter is a symbol, no choice
# A letter alone behind a formula: `2\pi m` may be a length or a product.
_LOOSE_UNIT = re.compile(r"(.*(?:[0-9})]|\\pi)) (?:[mgslLhNJVWAKCF])", re.DOTALL)
_DECIMAL_COMMA = re.compile(r"-?[0-9]{1,9},[0-9]{2,9}")
_ASKED = 500  # characters; an algebra system profits nobody on a longer answer
_MATHS = re.compile(r"[0-9\\+*/^=<>≤≥]")
_PROSE = re.compile(r"(?:(?<![\\A-Za-z])[A-Za-z]{4,} ){2}")
_LOOSE_SPACE = re.compile(r"(?<![0-9]) | (?![0-9])")
_PREFIX = re.compile(r"The answer is[ ]?:?")
SAME, OTHER = Verdict(CORRECT, "number"), Verdict(WRONG, "number")


def grade(response: str, gold: str, policy: str | Policy = "tolerant",
          options: Sequence[str] = ()) -> Verdict:
    """Return the verdict on a whole response: find its answer, compare it with `gold`.

    Under the papers' policies only text after `The answer is` counts and nothing is
    undecided; under the others every form that `answers.extract` knows counts. `options`
    are those of a multiple-choice question, from A on: with them an answer may name an
    option's content (see `choice.settle`). None is no text; raises UsageError for other types.
    """
    response, gold = _text(response, "response"), _text(gold, "gold answer")
    policy = named(policy)
    if policy.rule != "value":
        tail = response[-TAIL:]
        place = last_match(_PREFIX, tail)
        if place is None:
            return Verdict(WRONG, "no prefix")
        return papers_equal(gold, tail[place.end():], policy)
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
    any text, never evaluates one, and is symmetric under `tolerant`. None is no text: nothing
    to compare with is undecided, no answer wrong. Raises UsageError for other types.
    """
    if not (isinstance(gold, str) and isinstance(answer, str)):
        gold, answer = _text(gold, "gold answer"), _text(answer, "answer")
    policy = named(policy)
    if policy.rule != "value":
        return papers_equal(gold, answer, policy)
    if PLAIN.fullmatch(gold) and PLAIN.fullmatch(answer):  # half of all real pairs
        return SAME if gold == answer else OTHER
    if len(gold) > LONGEST or len(answer) > LONGEST:
        return Verdict(UNDECIDED, "unparsed: too long")
    chosen = choice.compare(gold, answer, policy)
    if chosen is not None and not (_PRODUCT.search(gold) or _PRODUCT.search(answer)):
        return chosen
    measured = compare_units(gold, answer, policy) if policy.units else None
    if measured is not None:
        return measured
    ours, theirs = tidy(gold), tidy(answer)
    if not ours or not theirs:
        return Verdict(WRONG if ours else UNDECIDED, "no answer" if ours else "no gold answer")
    if _folded(ours, policy) == _folded(theirs, policy):
        if ours.casefold() == "nan":
            return Verdict(UNDECIDED, "no number")
        return Verdict(CORRECT, "string")
    if policy.units and (bare := (without_units(gold), without_units(answer))) != (gold, answer):
        ours, theirs = tidy(bare[0]) or ours, tidy(bare[1]) or theirs
        if _folded(ours, policy) == _folded(theirs, policy):
            return Verdict(CORRECT, "string before the unit")
    try:
        verdict = _compare_values(ours, theirs, policy)
    except (RecursionError, ValueError, ArithmeticError, LookupError) as error:
        # No text may stop a run of millions; the tests hold that none of theirs comes here.
        return Verdict(UNDECIDED, f"unparsed: {type(error).__name__}")
    if verdict.value == UNDECIDED and policy.symbolic and _worth_asking(verdict, ours, theirs):
        return _asked(gold, answer, policy, verdict)
    return verdict


def _text(given: object, what: str) -> str:
    """Return a text; None is an empty one. Raises UsageError for what is no text."""
    if given is None:
        return ""
    if not isinstance(given, str):
        raise UsageError(f"the {what} {str(given)[:40]!r} is no text but of type "
                         f"{type(given).__name__}; give a text, such as str() makes of a number")
    return given


def _folded(text: str, policy: Policy) -> str:
    """Return the text as strings are compared: no spaces, case folded if it does not count."""
    text = _LOOSE_SPACE.sub("", text)  # `3 1/2` is not `31/2`
    # Case counts where it tells two symbols apart: only texts of words are folded.
    return text.casefold() if policy.fold_case and _WORDY.fullmatch(text) else text


def _compare_values(ours: str, theirs: str, policy: Policy) -> Verdict:
    """Compare what two tidied texts write."""
    gold, answer = read(ours, policy), read(theirs, policy)
    if gold is None or answer is None:
        known, unread = (gold, theirs) if answer is None else (answer, ours)
        if isinstance(known, Number) and names_a_quantity(unread):
            return Verdict(WRONG, "a quantity in words")
        if has_number_words(unread) and "\\" not in unread:
            return Verdict(UNDECIDED, "number in words")
        return Verdict(UNDECIDED, "needs algebra: unread")
    verdict = compare(gold, answer, policy)
    if verdict.value == WRONG and isinstance(gold, Number) != isinstance(answer, Number):
        # 1000,99 is a decimal where the comma is one: only ever read so when it fits.
        number, text = (gold, theirs) if isinstance(gold, Number) else (answer, ours)
        comma = read(text.replace(",", "."), policy) if _DECIMAL_COMMA.fullmatch(text) else None
        if comma is not None and isinstance(number, Number) and number.places > 0:
            return compare(number, comma, policy)
    if verdict.value == WRONG and policy.units and "\\" in ours + theirs:
        bare = [found[1] if (found := _LOOSE_UNIT.fullmatch(text)) else text
                for text in (ours, theirs)]
        if bare != [ours, theirs] and _compare_values(bare[0], bare[1], policy).value == CORRECT:
            return Verdict(UNDECIDED, "a unit or a factor")
    return verdict


def _worth_asking(verdict: Verdict, ours: str, theirs: str) -> bool:
    """Tell whether an algebra system may settle what the exact tiers left."""
    if not verdict.how.startswith("needs algebra") or len(ours) > _ASKED or len(theirs) > _ASKED:
        return False
    return all(_MATHS.search(text) and not _PROSE.search(text) for text in (ours, theirs))


def _asked(gold: str, answer: str, policy: Policy, verdict: Verdict) -> Verdict:
    """Return the algebra system's verdict, or the one before where it has none."""
    from mathmill.grading.symbolic import settle
    told = settle(gold, answer, policy)
    return told if told.value != UNDECIDED else Verdict(UNDECIDED, f"{verdict.how}; {told.how}")
