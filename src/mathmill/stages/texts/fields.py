"""What a row of a corpus says: its text, or a question with its answer, and terms of use.

Why: public corpora name their columns as they please; a person should be able to point at one
and go on. Fields are looked for by name, in the row and in its `meta` or `metadata`.

Used as: `document_of(row, source, "pages.jsonl:12")` -> `Document`, or None where no field
holds text; `fields={"text": "page.body"}` of the source says where a name is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mathmill.stages.texts.language import code_of
from mathmill.texts import KINDS

TEXT = ("text", "content", "body", "document", "passage", "markdown", "article", "snippet")
QUESTION = ("question", "problem", "problem_text", "query", "instruction", "prompt", "Question",
            "Problem", "body")
ANSWER = ("answer", "answers", "accepted_answer", "solution", "generated_solution", "rationale",
          "response", "output", "Answer", "Solution")
TITLE = ("title", "heading", "name")
LICENCE = ("licence", "license", "licenses", "licence_name", "license_name", "rights")
LANGUAGE = ("language", "lang")
OURS = {"text": TEXT, "question": QUESTION, "answer": ANSWER, "title": TITLE, "licence": LICENCE,
        "language": LANGUAGE, "kind": ("kind",)}
"What a field map may name, and where each is looked for without one."
NESTED = ("meta", "metadata")


@dataclass(frozen=True, slots=True)
class Document:
    """A document before it is cut."""

    text: str
    "The text as it stands; of a thread, the question."
    source: str
    "Place and row."
    answer: str | None = None
    "The answer, where the document is a thread."
    kind: str = "other"
    "One of `texts.KINDS`."
    licence: str | None = None
    "As the row, or else the recipe, says."
    language: str | None = None
    "As the row says; None where it does not."
    title: str | None = None
    "As the row says."


def roots(fields: Mapping[str, str] | None) -> set[str]:
    """Return the columns that may be read: others of a wide table need not be."""
    named = {name for names in OURS.values() for name in names} | set(NESTED)
    theirs = set((fields or {}).values())
    return named | theirs | {name.partition(".")[0] for name in theirs}


def document_of(row: Mapping[str, Any], where: str, *, fields: Mapping[str, str] | None = None,
                kind: str | None = None, licence: str | None = None,
                hint: str | None = None) -> Document | None:
    """Return the document of a row, or None where it has no text.

    `kind` goes before what the row says, `hint` (of the file) after it; `licence` is for
    rows that name none. A text goes before a question with an answer; a question alone is a
    text. A row of a thread is of kind `qa` where nothing says another.
    """
    text, question, answer = (_text(row, fields, name) for name in ("text", "question", "answer"))
    thread = answer is not None and question is not None
    # In dumps of forums the question is the `body`, which is a name of texts too.
    if text is not None and not (thread and question == text):
        question, answer, thread = text, None, False
    if question is None or not question.strip():
        return None
    said = _one(row, fields, "kind")
    known = kind or (said if said in KINDS else None) or hint or ("qa" if thread else "other")
    title = _one(row, fields, "title")
    if thread and title and title not in question:
        question = f"{title}\n\n{question}"
    return Document(question, where, answer if thread else None, known,
                    _one(row, fields, "licence") or licence,
                    code_of(_one(row, fields, "language")), title[:200] if title else None)


def _values(row: Mapping[str, Any], fields: Mapping[str, str] | None, name: str
            ) -> Iterator[Any]:
    """Yield the cells in which a field of ours may stand, the likeliest first."""
    if fields and name in fields:
        value: Any = row
        theirs = fields[name]
        for key in [theirs] if theirs in row else theirs.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        yield value
        return
    if fields and name in ("text", "question", "answer"):
        return  # a map that says where the text is says all about it
    for place in (row, *(row.get(nest) for nest in NESTED)):
        if isinstance(place, Mapping):
            yield from (place[name] for name in OURS[name] if name in place)


def _text(row: Mapping[str, Any], fields: Mapping[str, str] | None, name: str) -> str | None:
    """Return a cell of text; of several answers the best rated, of paragraphs all."""
    for value in _values(row, fields, name):
        if isinstance(value, list | tuple):
            value = _best(value) if name == "answer" else "\n\n".join(
                part for part in value if isinstance(part, str))
        if isinstance(value, str) and value.strip():
            return value
    return None


def _best(answers: list[Any] | tuple[Any, ...]) -> str | None:
    """Return the answer with the highest score, the first of equals; plain texts have none."""
    best, most = None, float("-inf")
    for answer in answers:
        score: Any = 0
        if isinstance(answer, Mapping):
            score = answer.get("score", answer.get("pm_score", 0))
            answer = next((answer[name] for name in TEXT + ANSWER if isinstance(
                answer.get(name), str)), None)
        score = score if isinstance(score, int | float) and score == score else 0  # NaN: unrated
        if isinstance(answer, str) and answer.strip() and score > most:
            best, most = answer, score
    return best


def _one(row: Mapping[str, Any], fields: Mapping[str, str] | None, name: str) -> str | None:
    """Return a short cell as text: a licence, a title, a language."""
    for value in _values(row, fields, name):
        if isinstance(value, list | tuple):
            value = ", ".join(part for part in value if isinstance(part, str))
        if isinstance(value, str) and value.strip():
            return " ".join(value.split()).encode("utf-8", "replace").decode()
    return None
