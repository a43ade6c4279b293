r"""Multiple choice: which letters a text names, and whether they are the right ones.

Why: one set of letters is written `B`, `(B)`, `\text{B}`, `B. 42`, `option B`, `故选：B`, and
several as `AC`, `A, C`, `A and C`; and a response may name the option's content and never
its letter. Read as a symbol or a word, most of these are lost.

Used as: `letters("A and C")` -> `AC`; `settle(response, "B", policy, options, equal)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mathmill.grading.answers import GUESSES, TAIL, extract
from mathmill.grading.ending import last_line, last_match
from mathmill.grading.policy import Policy
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

LONG = 600  # characters of a text that may name letters: a letter and its option's content

_WIDE = {**{0xFF21 + i: 0x41 + i for i in range(26)}, **{0xFF41 + i: 0x61 + i for i in range(26)},
         **dict.fromkeys(map(ord, "（【〔［["), "("), **dict.fromkeys(map(ord, "）】〕］]"), ")"),
         ord("，"): ",", ord("：") : ":", ord("．"): ".", ord("。"): "."}
_DRESS = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|boxed|fbox|bf|rm|operatorname)"
    r"(?![a-z])|\\[,;!: (){}]|\\q?quad|[${}*`~\"'“”]")
_LEAD = re.compile(
    r"(?:(?:the|correct|right|best|answers?|options?|choices?|letters?|are|is|both|only|so|thus|"
    r"statements?)(?![A-Za-z])|选项|选择|选|答案|应|故|为|是)[ :]{0,3}|[:,]", re.IGNORECASE)
_TRAIL = re.compile(
    r"(?:[ ,]{0,2}(?:only|is|are|correct|right|true|正确|都正确|项|的))+$|[ .,;:]+$", re.IGNORECASE)
_BETWEEN = r"(?:[ ]?(?:,|;|/|、|&|和|与|及|\band\b)[ ]?){1,2}"
_LISTED = re.compile(rf"\(?[A-J][).]?(?:{_BETWEEN}\(?[A-J][).]?){{1,9}}")
_SPACED = re.compile(r"[A-J](?:[ ][A-J]){1,9}|\([A-J]\)(?:[ ]?\([A-J]\)){1,9}")
_JOINED = re.compile(r"\(?[A-J]{2,10}\)?")
_ONE = re.compile(r"\(?[A-J]\)?|\([a-j]\)|[a-j]\)")
_LABELLED = re.compile(r"\(([A-Ja-j])\)|([a-j])\)|([A-J])(?:[).:]|[ ]?[-–—=][ ]|[ ](?=[0-9$\\(-]))")
_LABELS = re.compile(r"(?:^|[,;]| and )[ ]?\(?([A-J])[).:]")
_SIGNS = re.compile(r"[\s$.。]|\\[()]")
_OPTION = re.compile(r"[ ]{0,8}\(?([A-Ja-j])(?:\)|[.:：、．])[ ]{0,8}(.*)", re.DOTALL)

_SET = r"\(?([A-J](?:\)?(?:[ ]?(?:,|、|和|and|&)[ ]?){1,2}\(?[A-J]|[A-J]){0,9})\)?"
_KINDS = r"(?i:choices?|options?|answers?|statements?|选项)[ ]?"
_HELD = re.compile(  # `option C is correct`, `(C) is right`, `AD 正确`, `正确的是 AC`
    r"(?<![A-Za-z0-9])" + _SET + r"[ ](?:is|are)[ ](?:the[ ])?(?:only[ ])?"
    r"(?:correct|right|true|best)(?![a-z])"
    r"|(?:选项|所以|故|因此)[ ]?" + _SET + r"[ ]?(?:项|都)?(?:是)?正确"
    r"|正确的?(?:选项|结论|命题|说法)?(?:是|为|有)[ :]{0,2}" + _SET + r"(?![A-Za-z])"
    r"|(?:(?i:choose|select|pick|chose|corresponds to|matches|go with|is)[ ]|选)" + _KINDS +
    _SET + r"(?![A-Za-z])")
_AT_END = re.compile(r"(?<![0-9°+*/=^-])[ ]" + _SET.replace("|[A-J])", "|[ ]?[A-J])")
                     + r"[.!)]{0,2}$")
_NAMED = re.compile(r"(?:(?i:options?|choices?|选项?)[ ]?\(?([A-J])\)?(?![A-Za-z])|\(([A-J])\))")


def letters(text: str, *, joined: bool = True) -> str | None:
    r"""Return the letters A to J that a text names, sorted (`A and C` -> `AC`), or None.

    A letter may have brackets, LaTeX dress, words before it and its option's content after
    it (`(B) 42`). `joined`: whether `AC` is two choices; `A C`, `A, C` always are.
    """
    if len(text) > LONG:
        return None
    text = " ".join(_DRESS.sub(" ", text.translate(_WIDE)).split()).replace("( ", "(")
    text = text.replace(" )", ")")
    for _ in range(4):
        lead = _LEAD.match(text)
        if lead is None:
            break
        text = text[lead.end():].lstrip()
    for _ in range(2):
        text = _TRAIL.sub("", text)
    if _ONE.fullmatch(text) or (joined and len(text) == 1 and "a" <= text <= "j"):
        found = text.strip("()").upper()
    elif _LISTED.fullmatch(text) or _SPACED.fullmatch(text) or (
            joined and _JOINED.fullmatch(text)):
        found = "".join(sign for sign in text if "A" <= sign <= "J")
    else:
        label = _LABELLED.match(text)
        if label is None:
            return None
        found = (label[1] or label[2] or label[3]).upper()
        if len(labels := _LABELS.findall(text)) > 1:  # `(A) 5, (C) 7`
            found = "".join(labels)
    return "".join(sorted(found)) if len(set(found)) == len(found) else None


def compare(gold: str, answer: str, policy: Policy) -> Verdict | None:
    """Compare two texts as choices; None where they are not both choices under the policy."""
    right = _gold_letters(gold, policy)
    if right is None:
        return None
    always = policy.choice == "always"
    # `AB` against `A` is a product or a word, unless the set has choices for answers.
    given = letters(answer, joined=always)
    if given is None and right == answer.strip().upper():
        return Verdict(CORRECT, "choice")  # `b`: the right letter, if it is one
    if given is None and not always and letters(gold, joined=False) is None:
        return None
    if given is None or (not always and len(right) > 1 and len(given) == 1):
        return None
    return Verdict(CORRECT if right == given else WRONG, "choice")


def _gold_letters(gold: str, policy: Policy) -> str | None:
    """Return the letters of a gold answer that is a choice under the policy, or None."""
    if policy.choice == "never" or len(gold) > 40 or not any("A" <= s <= "J" for s in gold):
        return None
    right = letters(gold)
    if right is None or policy.choice == "always":
        return right
    if "=" in gold:  # D = (0, 1)
        return None
    bare = "".join(sign for sign in gold if sign.isalpha())
    return right if len(right) == 1 or bare == right else None


def options_of(question: str) -> tuple[str, ...]:
    """Return the options that a question lists at its end, one a line, or () for none.

    They are lines `(A) ...`, `A) ...` or `A. ...` in order, from A on.
    """
    found: list[str] = []
    for line in reversed(question.rstrip().split("\n")[-12:]):
        option = _OPTION.match(line)
        if option is None:
            break
        found.insert(0, line.strip())
        if option[1] in "Aa":
            break
    order = "".join(_OPTION.match(line)[1].upper() for line in found)  # type: ignore[index]
    return tuple(found) if len(found) > 1 and "ABCDEFGHIJ".startswith(order) else ()


def settle(response: str, gold: str, policy: Policy, options: Sequence[str] = (),
           same: Callable[[str, str], Verdict] | None = None) -> Verdict | None:
    """Return the verdict on a response to a multiple-choice question; None for another kind.

    The letters that the response declares are compared with the gold ones. With `options`
    (as the question lists them, labelled or in order from A), a response that declares an
    option's content chooses it, and a gold answer may be a content too; `same` compares two
    contents. Under `auto` only what is plainly a choice is settled here.
    """
    right = _gold_letters(gold, policy)
    if right is None and not options:
        return None
    known = _contents(options)
    found = extract(response)
    text, claimed = found.text, found.how not in GUESSES
    given = None
    if text and claimed:
        given = _quoted(text, known) or letters(text, joined=policy.choice == "always")
    if given is None and right is not None and (not claimed or text is None):
        stated = _stated(response[-TAIL:])
        given, how = stated if stated is not None else (None, "")
    else:
        how = found.how
    if right is None:  # the gold answer is a content, the response may name its letter
        content = known.get(given or "")
        if content is None or same is None:
            return None
        told = same(gold, content)
        return Verdict(told.value, f"choice: {told.how}; {how}")
    if given is not None:
        if policy.choice != "always" and len(right) > 1 and len(given) == 1:
            return None
        return Verdict(CORRECT if given == right else WRONG, f"choice; {how}")
    if text and known and same is not None and given is None:
        verdict = _by_content(text, right, known, same, claimed)
        if verdict is not None:
            return Verdict(verdict.value, f"{verdict.how}; {found.how}")
    if policy.choice != "always":
        return None
    stated = _stated(response[-TAIL:])
    if stated is not None:
        return Verdict(CORRECT if stated[0] == right else WRONG, f"choice; {stated[1]}")
    if text is None or (claimed and text.casefold() == "none"):
        return Verdict(WRONG, "no answer")
    return Verdict(UNDECIDED, f"choice: names no option; {found.how}")


def _contents(options: Sequence[str]) -> dict[str, str]:
    """Return each option's content by its letter; those without a label count from A."""
    known = {}
    for place, option in enumerate(options[:10]):
        label = _OPTION.fullmatch(option)
        letter = chr(ord("A") + place)
        known[label[1].upper() if label else letter] = label[2] if label else option
    return known


def _quoted(text: str, known: dict[str, str]) -> str | None:
    """Return the one option whose content a text repeats to the letter: `a` is not option A."""
    bare = _SIGNS.sub("", text)
    found = [letter for letter, content in known.items() if _SIGNS.sub("", content) == bare]
    return found[0] if len(found) == 1 and bare not in "ABCDEFGHIJ" else None


def _by_content(text: str, right: str, known: dict[str, str],
                same: Callable[[str, str], Verdict], claimed: bool) -> Verdict | None:
    """Return the verdict on an answer that may be the content of one of the options.

    One that is no option's content is wrong if the response claimed it, else not settled.
    """
    verdicts = {letter: same(content, text).value for letter, content in known.items()}
    chosen = {letter for letter, value in verdicts.items() if value == CORRECT}
    # Some sets list one content twice: then the gold one of the two is taken.
    if len(right) == 1 and chosen:
        return Verdict(CORRECT if right in chosen else WRONG, "choice by content")
    decided = UNDECIDED not in verdicts.values() and verdicts.get(right) == WRONG
    if claimed and len(right) == 1 and decided:
        return Verdict(WRONG, "choice by content: none of the options")
    return None


def _stated(tail: str) -> tuple[str, str] | None:
    """Return (letters, way) of a response that declares no answer in the usual forms."""
    tail = _DRESS.sub("", tail.translate(_WIDE))
    held = last_match(_HELD, tail)
    if held is not None:
        given = letters(next(filter(None, held.groups())))
        if given is not None:
            return given, "option is"
    line = last_line(tail)
    given = letters(line)
    if given is not None:
        return given, "last line"
    named = last_match(_NAMED, line)
    if named is not None:
        return named[1] or named[2], "last option"
    ends = _AT_END.search(line[-60:])
    given = letters(ends[1]) if ends else None
    return (given, "last letters") if given is not None else None
