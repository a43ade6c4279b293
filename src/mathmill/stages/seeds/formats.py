"""The usual shapes of a problem's row, each known by its fields.

Why: a person should be able to point at a downloaded file and go on. A shape is one entry
of `FORMATS`: the fields that give it away and a function from the row to a `Parts`.
Shapes are tried from the most telling to the plainest.

Used as: `read(row)` -> `Parts(question="...", answer="72", ...)`, or None where the row
has no question that any shape knows; `read_mapped(row, {"question": "body"})`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mathmill.grading.answers import extract

Row = Mapping[str, Any]

_CALCULATOR = re.compile(r"<<[^<>]*>>")
# What stands before the digit is a word: 12, 8.5 and -3 are levels of another scale.
_LEVEL = re.compile(r"(?:\D*[^\W\d_]\D*?)?([1-5])")
_ONE_FORMULA = re.compile(r"^\$([^$]+)\$$")
_THOUSANDS = re.compile(r"^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_TEXT_FORM = re.compile(r"\A\s*Question:\s*(.+?)\s*\n\s*Answer:\s*(.*)\Z", re.DOTALL)

QUESTION_NAMES = ("question", "problem", "input", "prompt", "query", "instruction",
                  "problem_text", "Question", "Problem")
ANSWER_NAMES = ("answer", "expected_answer", "final_answer", "golden", "gold", "ground_truth",
                "target", "label", "answer_number", "Answer")
SOLUTION_NAMES = ("solution", "generated_solution", "rationale", "explanation", "response",
                  "output", "Solution")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a row says of a problem, before its text is cleaned."""

    question: str
    "The question, with its choices and the unit that is asked for."
    answer: str | None = None
    "The answer known to be right."
    solution: str | None = None
    "The worked solution, without marks of the file format."
    level: int | None = None
    "1 to 5, where the set rates its problems so."
    subject: str | None = None
    "Topic as the set names it."
    language: str | None = None
    "Where the row itself says it."
    concluded: bool = False
    "Whether the answer is what the solution ends on, and stated nowhere else."


def plain(value: Any) -> str | None:
    """Return a cell as text (51.0 -> `51`, a list joined by commas), None where empty."""
    if isinstance(value, str):  # most are
        return value.strip() or None
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value != value:  # what a table library writes for an empty cell
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(plain, value))) or None
    return str(value).strip() or None


def level_of(value: Any) -> int | None:
    """Return 1 to 5 from `Level 3`, `3` or 3; None for `Level ?`, 12, 0.5 and the like."""
    text = plain(value) or ""
    found = _LEVEL.fullmatch(text) if len(text) <= 8 else None
    return int(found.group(1)) if found else None


def _first(row: Row, names: tuple[str, ...]) -> str | None:
    for name in names:  # a loop: a generator takes twice the time, four times a row
        if name in row and (text := plain(row[name])):
            return text
    return None


def _bare(answer: str | None) -> str | None:
    """Drop dollar signs around an answer that is one formula, and commas of thousands."""
    found = _ONE_FORMULA.match(answer or "")
    bare = found.group(1).strip() if found else answer
    return bare.replace(",", "") if bare and "," in bare and _THOUSANDS.match(bare) else bare


def _with_unit(question: str, unit: str | None) -> str:
    """Ask for the answer in its unit: without it a bare number could not be right."""
    return f"{question}\nGive the answer in {unit}." if unit and unit.strip("$ ") else question


def hash_marked(text: str) -> tuple[str | None, str]:
    """Return answer and solution of a GSM8K text: `... #### 1,080` -> `1080`, `...`."""
    solution, _, answer = text.rpartition("####")
    number = answer.strip().replace(",", "") or None
    return number, _CALCULATOR.sub("", solution).strip()


def _olympiad(row: Row) -> Parts:
    context, question = plain(row.get("context")), plain(row.get("question")) or ""
    return Parts(_with_unit(f"{context}\n{question}" if context else question,
                            plain(row.get("unit"))),
                 _bare(plain(row.get("final_answer"))),
                 "\n\n".join(row["solution"]) if isinstance(row.get("solution"), list)
                 else plain(row.get("solution")), subject=plain(row.get("subfield")))


def _scibench(row: Row) -> Parts:
    return Parts(_with_unit(plain(row["problem_text"]) or "", plain(row.get("unit"))),
                 plain(row["answer_number"]), plain(row.get("solution")),
                 subject=plain(row.get("source")))


def _jeebench(row: Row) -> Parts:
    return Parts(plain(row["question"]) or "", plain(row["gold"]),
                 subject=plain(row.get("subject")))


def _choices(row: Row) -> Parts:
    """AGIEval and AQuA: a passage, a question, lettered options, a letter or a text."""
    options, other = row.get("options") or [], row.get("other")
    lines = [plain(row.get("passage")), plain(row.get("question")),
             *(plain(option) for option in options)]
    worked = other.get("solution") if isinstance(other, dict) else row.get("rationale")
    answer = plain(row.get("label")) or plain(row.get("correct")) or plain(row.get("answer"))
    question = "\n".join(filter(None, lines)) if plain(row.get("question")) else ""
    return Parts(question, _bare(answer), plain(worked))


def _svamp(row: Row) -> Parts:
    body, question = plain(row["Body"]) or "", plain(row["Question"]) or ""
    if body and question and body[-1] not in ".?!,":
        if re.split(r"[.?!]\s+", body)[-1].startswith("If "):  # the question ends its sentence
            question = question[0].lower() + question[1:]
        body += "," if question[0].islower() else "."
    return Parts(f"{body} {question}".strip() if question else "", plain(row["Answer"]),
                 subject=plain(row.get("Type")))


def _cmath(row: Row) -> Parts:
    grade = plain(row.get("grade"))
    return Parts(plain(row.get("input")) or plain(row.get("question")) or "",
                 plain(row["golden"]), subject=f"grade {grade}" if grade else None)


def _math(row: Row) -> Parts:
    solution = plain(row["solution"])
    found = extract(solution or "", guess=False)
    stated = plain(row.get("answer"))
    answer = stated or (found.text if found.how == "boxed" else None)
    return Parts(plain(row["problem"]) or "", answer, solution, level_of(row.get("level")),
                 plain(row.get("type")) or plain(row.get("subject")), concluded=not stated)


def _text(row: Row) -> Parts:
    found = _TEXT_FORM.match(row["text"])
    assert found is not None, "the shape was recognised by this very pattern"
    answer, solution = hash_marked(found.group(2)) if "####" in found.group(2) else (
        found.group(2).strip() or None, "")
    return Parts(found.group(1), answer, solution or None)


def _plain_names(row: Row) -> Parts | None:
    """Any row with a field named like a question; GSM8K's marked answers among them."""
    question = _first(row, QUESTION_NAMES)
    if question is None:
        return None
    answer, solution = _first(row, ANSWER_NAMES), _first(row, SOLUTION_NAMES)
    concluded = False
    if answer and "####" in answer:
        answer, worked = hash_marked(answer)
        solution = worked or solution
    elif answer and "\n" in (worked := answer):  # a worked solution in the answer's place
        found = extract(answer, guess=False)
        answer, solution = found.text, solution or _CALCULATOR.sub("", worked)
        concluded = True
    passage = plain(row.get("passage"))
    return Parts(f"{passage} {question}" if passage else question, _bare(answer), solution,
                 level_of(row.get("level")), plain(row.get("subject")) or plain(row.get("type")),
                 plain(row.get("language")), concluded)


FORMATS: tuple[tuple[str, frozenset[str], Callable[[Row], Parts]], ...] = (
    ("OlympiadBench", frozenset({"question", "final_answer", "is_multiple_answer"}), _olympiad),
    ("SciBench", frozenset({"problem_text", "answer_number"}), _scibench),
    ("JEEBench", frozenset({"question", "gold", "type"}), _jeebench),
    ("AGIEval", frozenset({"question", "options", "label"}), _choices),
    ("AQuA", frozenset({"question", "options"}), _choices),
    ("SVAMP", frozenset({"Body", "Question", "Answer"}), _svamp),
    ("CMATH", frozenset({"input", "golden"}), _cmath),
    ("CMATH", frozenset({"question", "golden"}), _cmath),
    ("MATH", frozenset({"problem", "solution"}), _math),
)


def read(row: Row) -> tuple[str, Parts] | None:
    """Return (name of the shape, parts) of a row; None where it has no question."""
    for name, fields, reader in FORMATS:
        if row.keys() >= fields:
            parts = reader(row)
            return (name, parts) if parts.question.strip() else None
    if isinstance(row.get("text"), str) and _TEXT_FORM.match(row["text"]):
        return "text", _text(row)
    parts_or_none = _plain_names(row)
    if parts_or_none is None:
        return None
    marked = "####" in (_first(row, ANSWER_NAMES) or "")
    return ("GSM8K" if marked else "plain"), parts_or_none


def read_mapped(row: Row, fields: Mapping[str, str]) -> tuple[str, Parts] | None:
    """Read a row by a map from our field to its field; `a.b` reaches into nested rows.

    A value with GSM8K's `####`, given as the answer, is taken apart as in GSM8K.
    """
    found: dict[str, Any] = {}
    for ours, theirs in fields.items():
        value: Any = row
        for key in [theirs] if theirs in row else theirs.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        found[ours] = level_of(value) if ours == "level" else plain(value)
    if not found.get("question"):
        return None
    if "####" in (found.get("answer") or ""):
        found["answer"], worked = hash_marked(found["answer"])
        found.setdefault("solution", worked or None)
    return "field map", Parts(**found)
