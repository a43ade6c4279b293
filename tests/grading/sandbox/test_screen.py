"""The look at a program's source: what it imports, and that no source hurts the caller."""

from __future__ import annotations

import threading

import pytest

from mathmill.grading.sandbox.outcome import Limits
from mathmill.grading.sandbox.screen import BROKEN, OPAQUE, OTHER, PURE, first_cannot, look, unfit

HOSTILE = {
    "parentheses": "(" * 5000 + ")" * 5000,
    "brackets without an end": "[" * 19_999,
    "minus": "-" * 19_999 + "1",
    "not": "not " * 4_900 + "1",
    "additions": "1" + "+1" * 9_900,
    "powers": "1" + "**1" * 6_600,
    "attributes": "x" + ".a" * 9_900,
    "calls": "f" + "()" * 9_900,
    "subscripts": "x" + "[0]" * 6_000,
    "conditions": "1 if 1 else " * 1_600 + "1",
    "lambdas": "lambda:" * 2_800 + "1",
    "indentation": "\n".join(" " * i + "if 1:" for i in range(150)),
    "elif": "if 1:\n 1\n" + "elif 1:\n 1\n" * 1_800,
    "f-strings": 'f"{' * 200,
    "a number": "9" * 19_000,
    "joined lines": "\\\n" * 9_000,
    "a NUL": "x = 1\0",
    "a lone surrogate": 'x = "\ud800"',
    "a megabyte": "x = 1\n" * 200_000,
}


@pytest.mark.parametrize(("code", "kind", "modules"), [
    ("x = 5", PURE, ()),
    ("import math\nfrom fractions import Fraction\nx = 1", PURE, ("fractions", "math")),
    ("def f():\n    import sympy as sp\n    return sp.pi", OTHER, ("sympy",)),
    ("import os.path", OTHER, ("os",)),
    ("x = open('/etc/passwd')", OTHER, ()),
    ("x = ().__class__", OTHER, ()),
    ("x = 5 5", BROKEN, ()),
    ("def f(:", BROKEN, ()),
    ("if 1:\nx = 2", BROKEN, ()),
    ("from . import x", OTHER, ("",)),
    ("", PURE, ()),
])
def test_a_program_is_classified(code: str, kind: str, modules: tuple[str, ...]) -> None:
    found = look(code)
    assert (found.kind, found.modules) == (kind, modules)


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE)
def test_hostile_source_is_classified_without_an_exception(code: str) -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(look(code)))  # a thread's stack is small
    thread.start()
    thread.join(10)
    assert found
    assert found[0].kind in {PURE, OTHER, BROKEN, OPAQUE}


def test_what_the_parser_finds_too_much_is_not_called_broken() -> None:
    assert look(HOSTILE["parentheses"]).kind == OPAQUE
    assert look(HOSTILE["a number"]).kind == OPAQUE
    assert look(HOSTILE["indentation"]).kind == OPAQUE


def test_no_engine_reads_what_is_too_long_or_no_text() -> None:
    assert unfit("x" * 20_001) == "source too long"
    assert unfit("x" * 101, Limits(source=100)) == "source too long"
    assert unfit("x" * 20_000) == ""
    assert "NUL" in unfit("\0")
    assert "surrogate" in unfit("\udfff")


def test_escapes_of_lone_surrogates_are_not_for_the_first_engine() -> None:
    assert first_cannot(r"x = '\ud800'")
    assert first_cannot(r"x = '\U0000DFFF'")
    assert not first_cannot(r"x = '\u00e9'")
