"""The columns of every record on disk: one entry a record, one a field.

Why: a schema that is inferred changes with the first null that comes along; here each is
declared, and the file that reads and writes them (`mathmill.io`) need not know the records.

Used as: `SCHEMAS[Sample]["level"]` -> `int32?`.
"""

from __future__ import annotations

from mathmill.candidates import Candidate, Choice, Rated, Scored
from mathmill.texts import Text, Valued
from mathmill.types import Drop, Problem, Reply, Sample, Score

# One entry a field, in the order of the record; `?` marks what may be null.
SCHEMAS: dict[type, dict[str, str]] = {
    Problem: {
        "id": "string", "question": "string", "answer": "string?", "solution": "string?",
        "level": "int32?", "subject": "string?", "language": "string", "source": "string",
        "signature": "string?", "seed": "string?",
    },
    Sample: {
        "id": "string", "question": "string", "solution": "string", "answer": "string?",
        "expected": "string?", "seed": "string", "parent": "string", "method": "string",
        "prompts": "strings", "requests": "strings", "teacher": "string", "level": "int32?",
        "subject": "string?", "language": "string", "signature": "string?",
        "verdict": "string", "verdict_by": "string", "checks": "strings",
    },
    Reply: {
        "request": "string", "text": "string", "teacher": "string", "finish": "string",
        "prompt_tokens": "int64", "completion_tokens": "int64", "seconds": "float64",
        "error": "string", "reasoning": "string", "cached_tokens": "int64", "cost": "float64?",
        "logprob": "float64?", "found": "bool",
    },
    Score: {
        "item": "string", "suite": "string", "question": "string", "gold": "string",
        "response": "string", "answer": "string?", "strict": "string", "tolerant": "string",
        "finish": "string", "tokens": "int32", "level": "int32?", "subject": "string?",
    },
    Candidate: {
        "id": "string", "item": "string", "suite": "string", "question": "string",
        "gold": "string", "response": "string", "program": "string", "answer": "string?",
        "kind": "string", "error": "string", "verdict": "string", "model": "string",
        "temperature": "float64", "sample": "int32", "tokens": "int32", "finish": "string",
        "logprob": "float64?", "level": "int32?", "subject": "string?", "signature": "string?",
    },
    Scored: {"candidate": "string", "verifier": "string", "score": "float64"},
    Choice: {
        "model": "string", "suite": "string", "item": "string", "way": "string",
        "verifier": "string", "n": "int32", "value": "float64", "exact": "bool",
    },
    Rated: {
        "id": "string", "how": "string", "level": "int32?", "right": "int32?",
        "samples": "int32?", "rate": "float64?", "low": "float64?", "high": "float64?",
        "by": "string",
    },
    Drop: {
        "id": "string", "reason": "string", "detail": "string", "row": "string",
        "method": "string",
    },
    Text: {
        "id": "string", "text": "string", "kind": "string", "source": "string",
        "licence": "string?", "language": "string", "whole": "string", "part": "int32",
        "title": "string?",
    },
    Valued: {
        "id": "string", "seed": "string", "value": "float64", "how": "string",
        "target": "string",
    },
}
