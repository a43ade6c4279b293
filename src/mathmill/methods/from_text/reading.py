r"""From a reply to a problem with its solution, and from a row back to the reply.

Why: a teacher strays from the form in a few ways that are harmless (bold labels, headings, a
greeting before, a rule between), and a synthesizer of a few million weights in many that are
not: it repeats its prompt, copies its text, writes two problems or the same twice. The first
are read, each of the second is a drop of its own name. Nothing here takes more than linear time,
and what is written down by `written` is read back by `read_pair` as it was.

Used as: `pair = read_pair(reply, instruction, text)`; `written(row.question, row.solution)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mathmill.grading.sandbox.printing import answer_in
from mathmill.methods.attempt import same_text
from mathmill.methods.replies import Unusable, unwrap
from mathmill.methods.solve import ENDING, find_answer, finish_solution
from mathmill.transcripts import OUTPUT, PYTHON, WORDS, parts

LONGEST = 60_000  # characters of a reply: 5,000 tokens have a third of that
SHORTEST_PROBLEM, LONGEST_PROBLEM = 20, 4_000  # characters
ECHO = 25  # characters from which a line of the prompt in a reply is no accident
NO_ANSWER = ("nan", "null", "n/a")  # what code prints, and models write, where there is none
RUN, COPIED = 8, 0.8  # words a run, and the share of runs that stand in the text: then it is copied

_EDGE = r"[ \t>*_#~-]{0,10}"
_CLOSE = (r"(?:[ \t]{0,3}[*_]{0,3}[ \t]{0,3}[:：][*_]{0,3}|[\]】]{1,2}[*_]{0,3}[ \t]{0,3}[:：]?"
          r"|[*_]{0,3}(?=[ \t]*$))[ \t]*")
_LABEL = re.compile(
    rf"^{_EDGE}[\[【]{{0,2}}(?:the |your |a )?(?:new |generated |inspired |maths? |word ){{0,2}}"
    rf"(?:(?P<problem>problem|question)(?: statement)?|(?:step-by-step |worked )?solution)"
    rf"(?:[ ]?#?[0-9]{{1,3}})?{_CLOSE}", re.IGNORECASE)
_FENCE = re.compile(r"[ \t]{0,3}(?:`{3,}|~{3,})")
_RULE = re.compile(r"(?:-{3,}|\*{3,}|_{3,}|={3,}|#{1,6})?")
_PARTING = re.compile(r"[*_ ]{0,3}(?:(?:i )?hope (?:this|that) |(?:please )?let me know\b"
                      r"|feel free\b|would you like\b|happy to )(?!.*\d)", re.IGNORECASE)
_MARKS = " \t\n*_#`"
_STATED = re.compile(r"\\boxed|####|\bthe (?:final )?answer is (?!an?\b|the\b|to\b|of\b"
                     r"|in\b|not\b|written\b|expressed\b)", re.IGNORECASE)
_POINTS = re.compile(
    r"(?:\b(?:given|provided|above|following|this) (?:text|passage|excerpt|snippet)\b"
    r"|\b(?:text|passage|excerpt|snippet|article) (?:above|below)\b"
    r"|\b(?:according to|mentioned in|described in|as in|from|in) the (?:text|passage|excerpt"
    r"|snippet)\b)(?! (?:message|book|file|box|editor|field))", re.IGNORECASE)
_PICTURE = re.compile(
    r"\b(?:figure|diagram|graph|illustration)s?,? (?:below|above|shown|provided|here)\b"
    r"(?! (?:the )?[^\s-]{1,4}[- ]ax[ei]s\b)"  # where a part of a curve lies
    r"|\b(?:picture|image|drawing)s?,? (?:shown|provided)\b"
    r"|\b(?:shown|seen|depicted|illustrated|pictured) in the (?:figure|diagram|picture|image"
    r"|drawing|graph|illustration)\b|\[asy\]|!\[|\\includegraphics"
    r"|\\begin\{tikzpicture\}", re.IGNORECASE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Pair:
    """A problem with its solution, as a row keeps them."""

    question: str
    "The problem."
    solution: str
    "The solution: ends in `The answer is X` in prose, in a sentence with a box after code."
    answer: str | None
    "What it concludes; None where that is allowed."


def written(question: str, solution: str) -> str:
    """Return the reply that says this problem and this solution: what a synthesizer learns."""
    return f"Problem: {question}\nSolution:{' ' if _inline(solution) else chr(10)}{solution}"


def read_pair(reply: str, instruction: str, text: str, *, tool: bool = False,
              answers: bool = True) -> Pair:
    """Return the problem and the solution of a reply (`replies.clean`ed).

    `instruction`: the prompt without the text; `text`: that text. `tool`: the solution must
    hold code and its output. `answers`: it must conclude with an answer. Raises Unusable; the
    reasons stand in docs/methods.md.
    """
    if len(reply) > LONGEST:
        raise Unusable("too long", reply)
    if _echoes(reply, instruction):
        raise Unusable("prompt repeated", reply)
    question, solution = _sections(reply)
    question = unwrap(_trimmed(question))
    _check_problem(question)
    solution = _trimmed(solution)
    if not solution.strip(_MARKS):
        raise Unusable("empty solution", reply)
    pair = (_tool if tool else _prose)(question, solution, answers)
    if any(first for first, _, _ in _labels(pair.solution)):  # bared where an ending was cut
        raise Unusable("two problems", reply)
    if same_text(_without_ending(pair.solution), question):
        raise Unusable("solution is the problem", reply)
    known = _runs(text)
    for piece in (question, pair.solution):
        if _copied(piece, known, text):
            raise Unusable("text copied", piece)
    return pair


def _sections(reply: str) -> tuple[str, str]:
    """Return the problem's and the solution's text; raises Unusable where they are not clear."""
    marks = _labels(reply)
    if not marks:
        raise Unusable("sections missing", reply)
    ends = [begin for _, begin, _ in marks[1:]] + [len(reply)]
    # A heading over a label (`## Problem`, then `Problem:`) holds nothing of its own.
    full = [(first, begin, end) for (first, _, begin), end in zip(marks, ends, strict=True)
            if reply[begin:end].strip(_MARKS)]
    problems = [place for place, (first, _, _) in enumerate(full) if first]
    solutions = [place for place, (first, _, _) in enumerate(full) if not first]
    if problems and solutions:
        (_, begin, end), (_, solved, _) = full[problems[0]], full[solutions[0]]
        if solved < begin and len(problems) == 1:
            raise Unusable("sections reversed", reply)
        if len(problems) > 1 or any(first and at > solved for first, at, _ in marks):
            raise Unusable("two problems", reply)
        return reply[begin:end], reply[solved:]
    if len(problems) > 1:
        raise Unusable("two problems", reply)
    named = {first for first, _, _ in marks}
    if named == {True, False}:
        raise Unusable("empty solution" if problems else "empty problem", reply)
    raise Unusable("no solution section" if True in named else "no problem section", reply)


def _labels(reply: str) -> list[tuple[bool, int, int]]:
    """Return for each label outside of fences: is it the problem's, its begin, its end."""
    found: list[tuple[bool, int, int]] = []
    place, fenced = 0, False
    for line in reply.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (label := _LABEL.match(line[:120])) is not None:
            found.append((label["problem"] is not None, place, place + label.end()))
            fenced = _FENCE.match(line[label.end():]) is not None
        place += len(line) + 1
    return found


def _trimmed(section: str) -> str:
    """Return a section without what closes it: blank lines, rules (`---`), parting words."""
    lines = section.strip().split("\n")
    while lines and (_RULE.fullmatch(last := lines[-1].strip()) or _PARTING.match(last)):
        lines.pop()
    return "\n".join(lines).strip()


def _check_problem(question: str) -> None:
    """Raise Unusable for a text that can be no problem, or not one for itself."""
    if not question:
        raise Unusable("empty problem", question)
    if not any(letter.isalpha() for letter in question):
        raise Unusable("no words", question)
    if len(question) < SHORTEST_PROBLEM:
        raise Unusable("too short", question)
    if len(question) > LONGEST_PROBLEM:
        raise Unusable("too long", question)
    if "```" in question:
        raise Unusable("code inside the problem", question)
    if _STATED.search(question):
        raise Unusable("answer inside the problem", question)
    if _POINTS.search(question):
        raise Unusable("speaks of the text", question)
    if _PICTURE.search(question):
        raise Unusable("needs a picture", question)


def _prose(question: str, solution: str, answers: bool) -> Pair:
    """Return the pair of a solution in words, brought to the one ending where it has an answer."""
    finished = finish_solution(solution)
    if finished is not None and finished[0] != solution:
        # What states two answers (`#### 5.` before the ending) may read otherwise once finished.
        again = finish_solution(finished[0])
        finished = again if again == finished else None
    if finished is None or not _says(finished[1]):
        if answers:
            raise Unusable("no answer", solution)
        return Pair(question, solution, None)
    whole, answer = finished
    if not _without_ending(whole):
        raise Unusable("no working", solution)
    return Pair(question, whole, answer)


def _says(answer: str) -> bool:
    """Tell whether an answer holds any sign that means something, and is not said to be none."""
    return answer.strip().casefold() not in NO_ANSWER and any(
        sign.isalnum() or sign in "∞∅" for sign in answer)


def _tool(question: str, solution: str, answers: bool) -> Pair:
    """Return the pair of a solution in code: its answer is that of the last box, or the output."""
    found = parts(solution)
    if not all(part.closed for part in found):
        raise Unusable("fence not closed", solution)
    kinds = [part.kind for part in found]
    if PYTHON not in kinds:
        raise Unusable("no Python", solution)
    last = len(kinds) - 1 - kinds[::-1].index(PYTHON)
    outputs = [part.text for part in found[last:] if part.kind == OUTPUT]
    if not outputs:
        raise Unusable("no output", solution)
    words = "\n".join(part.text for part in found[last:] if part.kind == WORDS)
    answer = find_answer(words) or answer_in(outputs[-1])
    answer = answer if answer is not None and _says(answer) else None
    if answer is None and answers:
        raise Unusable("no answer", solution)
    return Pair(question, solution, answer)


def _without_ending(solution: str) -> str:
    """Return a solution without its last line, where that only tells the answer."""
    body, _, last = solution.rstrip().rpartition("\n")
    return (body if last.startswith(ENDING) else solution).strip()


def _inline(solution: str) -> bool:
    """Tell whether a solution may begin beside its label: code must stand on its own lines."""
    return not _FENCE.match(solution)


def _echoes(reply: str, instruction: str) -> bool:
    """Tell whether a reply holds a line of its instruction, outside of what that shows as code."""
    fenced = False
    for line in instruction.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and len(line) >= ECHO and line in reply:
            return True
    return False


def _runs(text: str) -> set[tuple[str, ...]]:
    """Return every run of `RUN` words of a text, in one case."""
    words = _WORD.findall(text.casefold())
    return {tuple(words[at:at + RUN]) for at in range(len(words) - RUN + 1)}


def _copied(piece: str, known: set[tuple[str, ...]], text: str) -> bool:
    """Tell whether nearly all of a piece stands in the text, word for word."""
    words = _WORD.findall(piece.casefold())
    if len(words) < RUN:
        return bool(words) and " ".join(words) in " ".join(_WORD.findall(text.casefold()))
    runs = [tuple(words[at:at + RUN]) for at in range(len(words) - RUN + 1)]
    return sum(run in known for run in runs) >= COPIED * len(runs)
