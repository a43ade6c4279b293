r"""What a response says last: the statement after `The answer is`, or what it ends on.

Why: half of all responses declare no answer in a form of their own; then the end of the
text is the best witness: a printed line, bold print, the last formula, the last number.
And what is declared is a sentence more often than a value. Every pattern is linear in the
text that it reads, and bounded wherever it could look ahead.

Used as: `statement("**$18** per day.")` -> `$18`, `guess("so she has 5 apples")` ->
`("5", "last number")`.
"""

from __future__ import annotations

import re
from collections import deque

_DRESS = r"[*_`\"”'’ ]{0,5}"
_ENGLISH = (
    r"(?i:\b(?:answers?(?:[ ](?:choice|option)s?)?|ans\b\.?|"
    r"(?:correct|right|best)[ ](?:options?|choices?|alternative|letter))"
    r"(?:[ ](?:to|for|of|in|as)\b[^.:：\n]{0,60}?)?" + _DRESS + r"(?:\([^()\n]{0,30}\))?" + _DRESS +
    r"(?:(?:is|are|was|would[ ]be|should[ ]be|must[ ]be|will[ ]be|equals)\b|[:：=]{1,2}>?)"
    # What is said of an answer is not the answer.
    r"(?![ ](?:not|correct|right|wrong|incorrect|reasonable|consistent|valid|clear|obvious|"
    r"as[ ]follows\.|supposed|expected|known|given\b(?![ ]by)|in[ ]the[ ]form|unique)\b))")
_LETTER_NEXT = r"(?=[ :：(（【$\\*{a-z]{0,14}[A-ZＡ-Ｚ])"
_CHINESE = (
    r"(?:答案|结果)(?:应该|应当|应)?" + _DRESS + r"(?:就?是|为|等于|[:：=】])|"
    r"(?:故|应)填[ ]?[:：]?|"
    r"(?:^|(?<=[\s。，,；;\n]))答[ ]?[:：]|"
    r"(?:故|应|应该|因此|所以|本题|答案|正确|正确的|可|则)选(?:择|项)?(?:是|为)?" + _LETTER_NEXT +
    r"|(?:^|(?<=[\s，,。；;]))选" + _LETTER_NEXT)
DECLARES = re.compile(
    # A heading of its own line, `**Final Answer**`, declares what follows it.
    r"(?P<says>^[ \t#*]{0,12}(?:(?i:(?:the )?(?:final )?answer)|(?:最终)?答案)[ \t:：*]{0,6}\n"
    f"|{_ENGLISH}|{_CHINESE})"
    r"|^[ \t]{0,8}(?P<line>[Aa])[ \t]{0,3}[:：]", re.MULTILINE)

_DIGIT = "[0-9０-９]"
NUMBER = re.compile(
    r"(?P<aside>[\^_]\{?[-−+]?[0-9]{1,20}\}?)"  # an exponent or index: no number of its own
    r"|[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}(?![0-9])"  # a date
    r"|(?<![0-9:])[0-9]{1,6}:[0-9]{1,6}(?::[0-9]{1,6})?(?![0-9])(?:[ ]?[AaPp]\.?[Mm]\b)?"  # 3:45
    r"|(?:(?<![\w)\]}])[-−－])?(?:\\?[$￥¥€£][ ]?[-−－]?)?"
    r"(?:[0-9]{1,3}[ ](?=[0-9]{1,3}/[0-9]))?"  # 1 3/4
    r"(?:" + _DIGIT + r"+(?:(?:[,，]|\{,\})[0-9]{3}(?![0-9]))*(?:[.．]" + _DIGIT + r"+)?"
    r"|(?<![\w.])\.[0-9]+|[½¼¾⅓⅔⅛])"
    r"(?:[½¼¾⅓⅔⅛]|/[0-9]+|_\{?(?:[2-9]|1[0-6])\}?(?![0-9}]))?"
    r"(?:[eE][-+]?[0-9]{1,3}(?![0-9A-Za-z])|[ ]?(?:×|\\times|\*)[ ]?10\^\{?[-−]?[0-9]{1,4}\}?)?"
    r"(?:[%％]|\\%|[ ]?[万亿])?")
_MATHS = re.compile(
    r"\$\$([^$]{1,500})\$\$|\$([^$\n]{1,300})\$|\\\(((?:[^\\]|\\(?![()])){1,300})\\\)"
    r"|\\\[((?:[^\\]|\\(?![\[\]])){1,500})\\\]")
_LISTS = re.compile(r"[ ]?(?:[,;、，；]|and|or|和|或|,[ ]and|,[ ]or)[ ]?")
_ENDS = re.compile(r"\b(?:between|from|of|both)[ ]{0,3}$|(?:在|从)[ ]?$")
# A word of a formula: no two letters in a row but in a LaTeX command.
_MATHSY = re.compile(r"(?![aIA]$)(?:\\[A-Za-z]+|[A-Za-z](?![A-Za-z])|\\[^A-Za-z]"
                     r"|[^A-Za-z\\\u4e00-\u9fff:])+")
_WORDED = re.compile(  # words or punctuation that a formula by itself does not have
    r"(?<![\\A-Za-z{])(?!(?:and|or|sin|cos|tan|sec|csc|cot|log|ln|lg|sqrt|exp|mod|gcd|lcm|max|min|"
    r"pi|inf)(?![A-Za-z]))[A-Za-z]{2,}|[\u4e00-\u9fff]|[.!?;:][ ]|\$[^$]*\$|#|`|\*\*|\?")
_TERMS = re.compile(  # a letter next to a sign, or on the right of `=`
    r"[A-Za-z)][ ]?[-+*^][ ]?[0-9A-Za-z({]|[0-9)][ ]?[-+*^][ ]?[A-Za-z(]|=[^=]{0,40}[A-Za-z]")
_A_NAME = re.compile(r"\\?[A-Za-z]{1,12}(?:_\{?\w{1,5}\}?)?'?(?:\(\w{1,3}\))?")
_TWO_LETTERS = re.compile(r"[a-z]{2}")
_POWER = re.compile(r"[0-9)}]\^")
_PROSE = re.compile(r"(?<![A-Za-z])[A-Za-z]{3,40}[ ,]{1,3}[A-Za-z]{3}")
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*(?![ ]?[:：])|__([^_\n]{1,200})__(?![ ]?[:：])")
_OUTPUT = re.compile(r"```[ ]?(?:output|stdout|result|text|plaintext|console)[ ]*\n")

_SENTENCE_END = re.compile(
    r"[.?](?=[\s)\"”*]|$)|!(?=[)\"”*]|$|\s+[A-Z])|[。！？]|；(?![ ]?[$0-9\\(-])"
    r"|(?<=[0-9$})])[.](?=[A-Z])")
_AFTERTHOUGHT = re.compile(
    r",?[ ](?:which|because|since|so|where|as[ ](?:required|desired|expected)|or[ ](?:about|"
    r"approximately|roughly|around)|after|given[ ]that)\b"
    r"|,[ ]?(?=\"\w{1,20}\":)|，(?=因为|所以|即|其中)", re.IGNORECASE)
_BOLD_END = re.compile(r"\*\*(?![\w(])|(?<![\w)])\*\*")  # but 2**3 is a power
_FILLER = re.compile(
    r"(?:(?:simply|just|therefore|thus|then|indeed|hence|now|given[ ]by|equal[ ]to|exactly|"
    r"as[ ]follows|clearly|that|also|是|为)(?![A-Za-z])[,:：]?[ ]{0,3})", re.IGNORECASE)
_COMPARES = re.compile(
    r"\b(?:most|least|more|less|fewer|than|between|plus|minus|times|over|root|square|negative|"
    r"from|option|choice|and|or|to|base|divided|point|hundred|thousand|million|billion|half|"
    r"above|below|no|not|dozen)\b|至少|至多|不|大于|小于|比|和|或|到", re.IGNORECASE)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the last match of a pattern in a text, in one pass."""
    last = deque(pattern.finditer(text), maxlen=1)
    return last[0] if last else None


def last_number(text: str) -> re.Match[str] | None:
    """Return the last number of a text that is no exponent or index, in one pass."""
    last = None
    for last_found in NUMBER.finditer(text):
        last = last if last_found["aside"] else last_found
    return last


def last_line(text: str) -> str:
    """Return the last line with something on it, stripped."""
    return text.rstrip().rsplit("\n", 1)[-1].strip()


def statement(rest: str) -> str:
    r"""Return the first statement of the text that follows `The answer is`.

    One maths span (`$...$`, `\(...\)`, `\[...\]`) or quotation if it starts with one, else
    the first line up to the end of its sentence; marks of emphasis and the full stop are
    dropped, and so are the words before the only number of a sentence (`she has 5 apples`).
    """
    rest = rest.lstrip(" \t\r\n:：*_`>")
    for _ in range(3):
        filler = _FILLER.match(rest)
        if filler is None:
            break
        rest = rest[filler.end():].lstrip(" \t\r\n:：*")
    span = _leading_span(rest)
    if span is not None:
        return span
    line = rest.split("\n", 1)[0]
    for stop in (_BOLD_END, _SENTENCE_END, _AFTERTHOUGHT):
        end = stop.search(line)
        if end is not None:
            line = line[:end.start()]
    line = line.strip(" \t*`").removesuffix(".")
    if line.endswith("}") and "{" not in line:  # the end of a JSON object
        line = line.rstrip("} ")
    return _without_lead(line.strip(" \t*_`.").strip())


def _leading_span(rest: str) -> str | None:
    """Return the maths span or quotation that a text starts with, or None."""
    for opening, closing in (("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"), ("$", "$")):
        if rest.startswith(opening):
            inside, found, after = rest[len(opening):].partition(closing)
            # `$5 to $6` is money, not a maths span: its second `$` comes before a digit.
            if found and inside.strip() and "\n\n" not in inside and not after[:1].isdigit():
                tail = after.split("\n", 1)[0]
                if not _more_maths(tail):
                    return inside.strip()
            return None
    if rest[:1] == '"':
        inside, found, _ = rest[1:].partition('"')
        return inside.strip() if found and inside.strip() and "\n" not in inside else None
    return None


def _more_maths(tail: str) -> bool:
    """Tell whether a list of maths spans goes on (`$1$, $2$ and $3$`) or a unit follows."""
    end = _SENTENCE_END.search(tail)
    rest = tail[:end.start()] if end else tail
    return ("$" in rest or "\\(" in rest) and not _AFTERTHOUGHT.match(rest)


def _without_lead(line: str) -> str:
    """Drop the words before the only number of a sentence: `she has 5 apples`, `吃了5条鱼`."""
    subject, verb, told = line.rpartition(" is ")
    told = told.strip("$ ")
    # `The largest $n$ is 34`, `the area of $ABC$ is $\frac{5}{2}$`
    if verb and _PROSE.match(subject) and "$" not in told and (
            NUMBER.fullmatch(told) or (told[:1] == "\\" and not _PROSE.search(told))):
        return told
    if line[:1].isdigit() or "\\" in line or "=" in line or line.count("$") > 1 or (
            len(line) > 200):
        return line
    number = NUMBER.search(line)
    if number is None or not number.start():
        return line
    lead, after = line[:number.start()], line[number.end():]
    if NUMBER.search(after) or lead.rstrip()[-1:] in "([{+*/^-,&":
        return line
    if _COMPARES.search(lead) or any(sign in after for sign in "+*/^(){}["):
        return line
    if _HAN.search(lead) or len(_WORD.findall(lead)) >= 2:
        return line[number.start():].strip()
    return line


def guess(text: str) -> tuple[str, str] | None:
    """Return (answer, way) of a text that declares none, or None where it has no number.

    The ways: `whole`, a text that is one word or one formula; `output`, the last line of an
    output block that ends the text; `bold`, bold print with a number in the last line;
    `last maths`, the formula that the last number stands in; `last number`.
    """
    ended = text.rstrip()
    whole = _whole(ended)
    if whole is not None:
        return whole, "whole"
    if ended.endswith("```"):
        block = last_match(_OUTPUT, ended)
        inside = ended[block.end():-3] if block else ""
        if inside.strip() and "```" not in inside:
            return last_line(inside), "output"
    line = last_line(ended[-2_000:])
    bold = last_match(_BOLD, line) if "**" in line or "__" in line else None
    if bold is not None:
        inside = statement(bold[1] or bold[2])
        if NUMBER.search(inside) and not inside.endswith((":", "：")):
            return inside, "bold"
    number = last_number(text)
    closing = last_match(_MATHS, line)
    if closing is not None and last_number(line[closing.start():]) is None:
        inside = next(filter(None, closing.groups())).strip()  # `so it is $(-\infty, \infty)$`
        if any(sign in inside for sign in "\\=([") and not _PROSE.search(inside):
            return inside, "last maths"
    if number is None:
        return None
    formula = _formula(text, number)
    return (formula, "last maths") if formula else (number.group(), "last number")


def _whole(text: str) -> str | None:
    """Return a text that is nothing but an answer: one word, or a formula without prose."""
    text = text.strip(" \t\r\n*`").removesuffix(".")
    if not text or len(text) > 300 or "\n" in text:
        return None
    span = _leading_span(text + "\n")
    if span is not None and len(span) + 4 >= len(text):
        return span
    if text.isalpha() and len(text) <= 40 and not DECLARES.search(text):
        return text
    has_value = any(sign.isdigit() or sign in "\\=^" for sign in text) or text[0] in "([{"
    return text if has_value and not _WORDED.search(text) else None


def _formula(text: str, number: re.Match[str]) -> str | None:
    """Return the formula that a number stands in, with those listed before it, or None."""
    spans = list(_MATHS.finditer(text, max(0, number.start() - 500)))
    holds = [place for place, span in enumerate(spans)
             if span.start() <= number.start() and number.end() <= span.end()]
    if not holds:
        return _bare_formula(text, number)
    first = last = holds[0]
    while first and _LISTS.fullmatch(text, spans[first - 1].end(), spans[first].start()):
        first -= 1
    if _ENDS.search(text, max(0, spans[first].start() - 30), spans[first].start()):
        first = last  # `between $1$ and $5$`: the last alone
    found = [next(filter(None, span.groups())).strip() for span in spans[first:last + 1]]
    told = len(found) > 1 or any(sign in found[0] for sign in "\\=^(") or (
        _TWO_LETTERS.search(found[0]) is None)  # not the `5 and ` of `$5 and $6`
    if not told or any(map(_PROSE.search, found)):
        return None
    return ", ".join(found) if len(found) > 1 else _concluded(found[0])


def _bare_formula(text: str, number: re.Match[str]) -> str | None:
    r"""Return the formula around a number where no signs mark it: `we find \frac{1}{2}`."""
    line = text.rfind("\n", 0, number.start()) + 1
    before = text[max(line, number.start() - 300):number.start()].split(" ")
    after = text[number.end():number.end() + 300].split("\n", 1)[0].split(" ")
    left, right = len(before) - 1, 0
    while left and _MATHSY.fullmatch(before[left - 1]):
        left -= 1
    while right < len(after) - 1 and _MATHSY.fullmatch(after[right + 1]):
        right += 1
    run = " ".join(before[left:]) + number.group() + " ".join(after[:right + 1])
    run = run.strip(" ,;:*=").removesuffix(".")
    if run == number.group() or _PROSE.search(run):
        return None
    if run[:1] in "([" and run[-1:] in ")]" and "," in run:
        return run
    if "\\" in run or _POWER.search(run) or ("," not in run and _TERMS.search(run)):
        concluded = _concluded(run)
        return concluded if concluded != number.group() else None
    return None


def _concluded(formula: str) -> str:
    """Return 12 of `A + B = 12`; a named value (`x = 12`) and an equation (`= 0`) stay whole."""
    first, equals, rest = formula.partition("=")
    last = rest.rpartition("=")[2].strip()
    if not equals or first[-1:] in ("<", ">", "!") or "," in formula or (
            _A_NAME.fullmatch(first.strip()) or last == "0"):
        return formula
    return last if NUMBER.fullmatch(last) else formula
