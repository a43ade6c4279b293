"""What models write becomes a program with one result, and its value an answer text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.grading.equal import equal
from mathmill.grading.sandbox.form import WHOLE, answer_of, program_of
from mathmill.grading.sandbox.outcome import Outcome

TABLE = Path(__file__).resolve().parents[2] / "cases" / "programs.jsonl"
CASES = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]
# The cases are our own, so a plain process may run them.
RUN = """
import contextlib, io, json, sys
for line in sys.stdin:
    program, out, value = json.loads(line), io.StringIO(), None
    try:
        with contextlib.redirect_stdout(out):
            names = {"__name__": "sandbox"}
            exec(program["code"], names)
            value = repr(eval(program["result"], names)) if program["result"] else None
        if not program["result"]:
            value = out.getvalue().rstrip().rsplit("\\n", 1)[-1]
    except BaseException:
        value = None
    print(json.dumps(value))
"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_result_of_a_text_stands_where_the_table_says(case: dict[str, str]) -> None:
    program = program_of(case["text"])
    assert (program.result if program else None) == case["result"]


def test_the_programs_of_the_table_give_their_values() -> None:
    programs = [(case, program_of(case["text"])) for case in CASES]
    given = [(case, p) for case, p in programs if p is not None]
    lines = "".join(json.dumps({"code": p.code, "result": p.result}) + "\n" for _, p in given)
    done = subprocess.run([sys.executable, "-I", "-c", RUN], input=lines, text=True,
                          capture_output=True, check=True, timeout=60)
    values = [json.loads(line) for line in done.stdout.splitlines()]
    assert ([(case["name"], value) for (case, _), value in zip(given, values, strict=True)]
            == [(case["name"], case["value"]) for case, _ in given])


PIECES = st.sampled_from(["```", "```python\n", "~~~", "\n", "\n\n", "def f():", "    ", "\t",
                          "return 5", "x = 3", "print(x)", ">>> ", "...", "if __name__ == 0:",
                          '"""', "'", "(", "]", "The answer is 5.", "\x00", "\ud800", "\u00a0",
                          "<code>", "</code>", "[PYTHON]", "#", "ans = ", "for i in", ";", "\\"])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=6), max_size=25).map("".join))
def test_any_text_gives_a_program_or_none_and_never_an_error(text: str) -> None:
    program = program_of(text)
    assert program is None or isinstance(program.code, str)


@pytest.mark.parametrize("text", [
    "-" * 19_000 + "1", "(" * 19_000, "a" + ".a" * 9_000, "f" + "()" * 9_000, "not " * 4_000 + "1",
    "x = 1\n" * 30_000, "```python\n" * 20_000, "`" * 300_000, "# a\n" * 100_000,
    "x = (\n" * 3_000, "def f(:\n" * 2_000, ">>> \n" * 50_000, "{" * 1_000_000],
    ids=lambda text: text[:6].strip())
def test_hostile_texts_cost_less_than_two_seconds(text: str) -> None:
    import time

    begun = time.process_time()
    for form in (text, f"```python\n{text}\n```"):
        program_of(form)
    assert time.process_time() - begun < 2


VALUES = [  # repr, type, answer
    ("18", "int", "18"), ("18.0", "float", "18"), ("18.000000000000004", "float", "18"),
    ("17.9999999995", "float", "18"), ("17.99999", "float", "17.99999"), ("-3.0", "float", "-3"),
    ("2.0999999999999996", "float", "2.1"), ("0.30000000000000004", "float", "0.3"),
    ("1e-10", "float", "1e-10"), ("-0.0", "float", "0"), ("1e+22", "float", "1e+22"),
    ("12345678901234.01", "float", "12345678901234.01"), ("0.3333333333333333", "float",
                                                          "0.3333333333333333"),
    ("inf", "float", r"\infty"), ("-inf", "float", r"-\infty"), ("nan", "float", None),
    ("True", "bool", "True"), ("None", "NoneType", None), ("Fraction(1, 3)", "Fraction", "1/3"),
    ("Fraction(-4, 1)", "Fraction", "-4"), ("Decimal('2.50')", "Decimal", "2.50"),
    ("Decimal('NaN')", "Decimal", None), ("(3+4j)", "complex", "3+4i"),
    ("(3-1j)", "complex", "3-i"), ("(3+0j)", "complex", "3"), ("-1j", "complex", "-i"),
    ("[5]", "list", "5"), ("[1, 2.0]", "list", "1, 2"), ("(1, 2)", "tuple", "(1, 2)"),
    ("{1, 2}", "set", r"\{1, 2\}"), ("frozenset({1, 2})", "frozenset", r"\{1, 2\}"),
    ("[]", "list", None), ("{}", "dict", None), ("{x: 5}", "dict", "5"),
    ("{x: 5, y: 3}", "dict", None), ("'B'", "str", "B"), ("''", "str", None),
    ("'The answer is 42 apples'", "str", "42 apples"), ("np.float64(3.5)", "float64", "3.5"),
    ("array([1., 2.])", "ndarray", "1, 2"), ("1/2", "Half", r"\frac{1}{2}"),
    ("sqrt(3)/2", "Mul", r"\frac{\sqrt{3}}{2}"), ("x**2 + pi", "Add", r"x^{2}+\pi"),
    ("-(x + 1)", "Mul", "-(x+1)"), ("exp(2)", "exp", "e^{2}"), ("oo", "Infinity", r"\infty"),
    ("78.2142857142857", "Float", "78.2142857142857"), ("<function f at 0x1>", "function", None),
    ("42", "printed", "42"), ("42.0", "printed", "42"), ("odd", "printed", "odd"),
    ("The total is $42.50.", "printed", "$42.50"), ("x = 5", "printed", "x = 5"),
    ("The answer is 42 apples.", "printed", "42 apples"), ("1,234", "printed", "1,234"),
    ("[1, 2, 3]", "printed", "1, 2, 3"), ("3/4", "printed", "3/4"), ("None", "printed", None),
    ("10:30", "printed", "10:30"), ("50%", "printed", "50%"), ("7.00 dollars", "printed", "7.00"),
]


@pytest.mark.parametrize(("value", "kind", "answer"), VALUES)
def test_a_value_becomes_the_answer_text_of_the_table(
        value: str, kind: str, answer: str | None) -> None:
    assert answer_of(Outcome("value", value, kind), whole=WHOLE) == answer


@pytest.mark.parametrize(("value", "kind", "gold"), [
    ("18.000000000000004", "float", "18"), ("Fraction(1, 3)", "Fraction", r"\frac{1}{3}"),
    ("[2, 1]", "list", "1, 2"), ("{2, 1}", "set", r"\{1, 2\}"), ("(1, 2)", "tuple", "(1,2)"),
    ("5e-07", "float", "0.0000005"), ("'B'", "str", "(B)"), ("1,234", "printed", "1234")])
def test_answers_meet_their_gold_in_the_grader(value: str, kind: str, gold: str) -> None:
    answer = answer_of(Outcome("value", value, kind), whole=WHOLE)
    assert answer is not None
    assert equal(gold, answer).value == "correct"


def test_without_the_switch_every_float_is_taken_exactly() -> None:
    assert answer_of(Outcome("value", "18.000000000000004", "float")) == "18.000000000000004"
    assert answer_of(Outcome("value", "18.0", "float")) == "18"


@given(st.floats())
def test_the_switch_moves_no_float_by_more_than_it_says(number: float) -> None:
    import math

    answer = answer_of(Outcome("value", repr(number), "float"), whole=WHOLE)
    if math.isnan(number):
        assert answer is None
    elif not math.isinf(number):
        assert answer is not None
        assert abs(float(answer) - number) <= max(WHOLE, 4 * math.ulp(number))


@given(st.text(max_size=60), st.sampled_from(["printed", "str", "Add", "list", "float64"]))
def test_any_value_gives_an_answer_or_none(value: str, kind: str) -> None:
    answer = answer_of(Outcome("value", value, kind), whole=WHOLE)
    assert answer is None or answer


@pytest.mark.parametrize("value", ["[" * 9_000, "-" * 9_000 + "1", "9" * 9_999, "(" * 50 + ")" * 50,
                                   "x" + "**2" * 3_000, "[1" + ", 1" * 3_000 + "]"])
def test_hostile_values_give_none(value: str) -> None:
    assert answer_of(Outcome("value", value, "list"), whole=WHOLE) is None


@pytest.mark.parametrize("kind", ["error", "timeout", "memory", "refused", "crashed"])
def test_what_returned_no_value_has_no_answer(kind: str) -> None:
    assert answer_of(Outcome(kind, None, error="NameError")) is None


def test_imports_that_nothing_uses_are_left_out_and_no_others() -> None:
    program = program_of("import math\nimport numpy as np\nfrom sympy import Symbol, solve\n"
                         "x = math.floor(3.9)\ny = Symbol('y')\nans = x")
    assert program is not None
    assert [line for line in program.code.split("\n") if "import" in line] == [
        "import math", "from sympy import Symbol, solve"]
