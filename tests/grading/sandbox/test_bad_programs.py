"""Every kind of bad program gets an outcome, and a reason in plain words; run twice, as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mathmill.grading.sandbox import confine
from mathmill.grading.sandbox.determinism import both, compared
from mathmill.grading.sandbox.form import WHOLE, answer_of, program_of
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program
from mathmill.grading.sandbox.reason import reason
from mathmill.grading.sandbox.run import Sandbox

pytest.importorskip("pydantic_monty", reason="the sandbox needs mathmill[sandbox]")
pytestmark = pytest.mark.skipif(bool(confine.report()["missing"]), reason="the kernel lacks a part")
LIMITS = Limits(seconds=1.0, memory_mb=128)
HEAD = "def simple_math_problem():\n"
DOWN = "def down(n):\n    return 0 if n == 0 else 1 + down(n - 1)\nreturn down({0})"


def function(body: str) -> str:
    """Return TinyGSM's function of a body."""
    return HEAD + "".join(f"    {line}\n" for line in body.split("\n"))


def script(code: str) -> str:
    """Return code that is no function, as it is."""
    return code


ABSENT = "imports {0}, which the sandbox does not have"
LATE = "did not end in 1 s"
LONG = "gives more than 10,000 characters"
NOTHING = "holds no code that leaves a result"
CASES = [  # form, text, outcome, answer, reason
    (script, "while True: pass", "timeout", None, LATE),
    (script, "for n in range(3):\n    n", "error", None, "leaves no result and prints nothing"),
    (script, "print('y' * 1_000_000)", "refused", None, LONG),
    (function, "for _ in range(2000):\n    print('y' * 5000)\nreturn 7", "value", "7", ""),
    (function, "return 'y' * 1_000_000", "refused", None, LONG),
    (function, "return 10 ** 20_000", "refused", None, LONG),
    (function, "return 1 / 0", "error", None, "raises ZeroDivisionError"),
    (function, "if 1: raise ValueError('no')\nreturn 5", "error", None, "raises ValueError"),
    (function, "return None", "value", None, "returns None"),
    (function, "return 'five apples'", "value", "five apples", ""),
    (function, "return ''", "value", None, "returns nothing: ''"),
    (function, "return 3 + 4j", "value", "3+4i", ""),
    (function, "return float('nan')", "value", None, "returns NaN"),
    (function, "return [float('nan')]", "value", None, "returns NaN"),
    (function, "return float('inf')", "value", r"\infty", ""),
    (function, "return [1, 2]", "value", "1, 2", ""),
    (function, "return []", "value", None, "returns nothing: []"),
    (function, "return {'a': 1, 'b': 2}", "value", None, "returns a table"),
    (function, "return lambda: 5", "value", None, "returns a function, not called"),
    (function, "return object", "value", None, "returns a class"),
    (function, "return 0.1 * 3 * 10", "value", "3", ""),
    (function, "return 18 + 1e-14", "value", "18", ""),
    (function, "return 18.001", "value", "18.001", ""),
    (function, "import requests\nreturn 5 + len(requests.get('/').text)", "refused", None,
     ABSENT.format("requests")),
    (function, "import socket\nreturn socket.socket().fileno()", "refused", None,
     ABSENT.format("socket")),
    (function, "import subprocess\nreturn subprocess.run(['true']).returncode", "refused", None,
     ABSENT.format("subprocess")),
    (function, "return len(open('/etc/passwd').read())", "error", None, "raises PermissionError"),
    (function, "import os\nreturn os.fork()", "error", None, "raises PermissionError"),
    (function, "return int(input())", "error", None, "raises EOFError"),
    (function, "return 1\n\ndef simple_math_problem():\n    return 2", "value", "1", ""),
    (script, function("return 1") + function("return 2"), "value", "2", ""),
    (function, "import random\nreturn random.randint(1, 10**6)", "refused", None,
     "is not deterministic: 885441, then 140892"),
    (function, "import datetime\nreturn datetime.date(2025, 1, 1) < datetime.date.today()"
     " < datetime.date(2033, 8, 1)", "refused", None, "is not deterministic: True, then False"),
    (function, "import time\nreturn time.time() > 2_000_000_000", "refused", None,
     "is not deterministic: False, then True"),
    (function, "def now():\n    yield time.time() > 2_000_000_000\nimport time\nreturn sum(now())",
     "refused", None, "is not deterministic: 0, then 1"),
    (function, "return list({'a', 'b', 'c', 'd', 'e', 'f'})[0]", "refused", None,
     "is not deterministic: 'a', then 'd'"),
    (script, "apples = 5\nreturn apples * 2", "value", "10", ""),
    (function, DOWN.format(700), "value", "700", ""),
    (function, DOWN.format(10**6), "error", None, "raises RecursionError"),
    (function, "return 5 5", "error", None, "is no Python: SyntaxError"),
    (script, "The answer is five apples, of course.", "no program", None, NOTHING),
    (script, "", "no program", None, NOTHING),
    (script, HEAD.replace("()", "(n)") + "    return n", "no program", None, NOTHING),
    (function, "return len([0] * 10**9)", "memory", None, "needed more than 128 MiB of memory"),
    (function, "import ctypes\nreturn ctypes.string_at(0)", "crashed", None,
     "ended its process: SIGSEGV"),
    (function, "return 5\0", "refused", None, "cannot be run here: source with a NUL"),
]
ENDLESS = [
    (function, "while True:\n    pass\nreturn 1", "timeout", None, LATE),
    (function, "while True:\n    print('y' * 5000)\nreturn 1", "timeout", None, LATE),
    (function, "def ones():\n    while True:\n        yield 1\nreturn sum(ones())", "timeout",
     None, LATE),
    (function, "import itertools\nreturn sum(itertools.count())", "timeout", None, LATE),
    (function, "import time\ntime.sleep(60)\nreturn 1", "timeout", None, LATE),
    (function, "import time\nbegun = time.time()\nwhile time.time() < begun + 0.01:\n    pass\n"
     "return 1", "timeout", None, LATE),  # a clock that stands: it read the clock
]


def told(cases: list[tuple[object, ...]]) -> list[tuple[str, str, str | None, str]]:
    """Return text, outcome, answer and reason of each case, as the sandbox has them."""
    texts = [form(text) for form, text, *_ in cases]  # type: ignore[operator]
    programs = [program_of(text) for text in texts]
    with Sandbox(LIMITS, jobs=1, crosscheck=0.0) as sandbox:
        ran = sandbox.run([one for one in programs if one is not None], twice=True)
        ended = [Outcome("no program") if one is None else next(ran) for one in programs]
    answers = [answer_of(one, whole=WHOLE) for one in ended]
    return [(text, one.kind, answer, reason(one, answer, LIMITS))
            for text, one, answer in zip(texts, ended, answers, strict=True)]


@pytest.mark.slow
def test_each_kind_of_bad_program_has_its_outcome_and_its_reason() -> None:
    assert told(CASES) == [(form(text), *rest) for form, text, *rest in CASES]


@pytest.mark.slow
def test_programs_that_do_not_end_are_stopped_and_say_so() -> None:
    assert told(ENDLESS) == [(form(text), *rest) for form, text, *rest in ENDLESS]


@pytest.mark.parametrize(("first", "second", "said"), [
    (Outcome("value", "3", "int"), Outcome("value", "3", "int"), "value 3"),
    (Outcome("value", "3", "int"), Outcome("value", "5", "int"),
     "refused not deterministic: 3, then 5"),
    (Outcome("value", "3", "int"), Outcome("value", "3.0", "float"),
     "refused not deterministic: 3, then 3.0"),
    (Outcome("value", "<A object at 0x7f1>", "A"), Outcome("value", "<A object at 0x7f2>", "A"),
     "value <A object at 0x7f1>"),
    (Outcome("value", "{'a', 'b'}", "set"), Outcome("value", "{'b', 'a'}", "set"),
     "value {'a', 'b'}"),
    (Outcome("error", error="KeyError"), Outcome("error", error="KeyError"), "error KeyError"),
    (Outcome("error", error="KeyError"), Outcome("error", error="IndexError"),
     "refused not deterministic: KeyError, then IndexError"),
    (Outcome("value", "3", "int"), Outcome("error", error="KeyError"),
     "refused not deterministic: 3, then KeyError"),
    (Outcome("value", "3", "int"), Outcome("timeout"), "timeout "),
    (Outcome("refused", error="no"), Outcome("value", "3", "int"), "refused no"),
])
def test_two_runs_that_end_otherwise_are_told_with_both_ends(
        first: Outcome, second: Outcome, said: str) -> None:
    found = compared(first, second)
    assert f"{found.kind} {found.value or found.error}" == said


def test_programs_without_end_may_be_run_twice() -> None:
    states: list[int] = []

    def run(programs: Iterator[Program]) -> Iterator[Outcome]:
        for program in programs:
            states.append(program.state)
            yield Outcome("value", program.code, "int")

    found = both(run, (Program(str(n)) for n in iter(int, 1)))  # type: ignore[arg-type]
    assert [next(found).value for _ in range(3)] == ["0"] * 3
    assert states == [0, 1] * 3


@pytest.mark.parametrize(("outcome", "said"), [
    (Outcome("crashed"), "ended its process"),
    (Outcome("refused", error="source too long"), "is longer than 20,000 characters"),
    (Outcome("refused", error="engines differ: a against b"),
     "cannot be run here: engines differ: a against b"),
    (Outcome("unreadable", error="not JSON"), "not JSON"),
    (Outcome("value", "<Banana>", "Banana"), "returns no number: Banana"),
    (Outcome("value", "3", "int"), "returns no number: int"),
])
def test_what_is_left_has_words_too(outcome: Outcome, said: str) -> None:
    assert reason(outcome, None) == said
    assert reason(outcome, "3") == ""
