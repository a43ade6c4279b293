"""The hostile matrix: no text slows, fattens, breaks or drives any function of the grader.

Each text goes through extraction, equality (both orders and against itself), grading and
voting, without the algebra system (fast, every text) and with it (slow, in threads). The
bounds are the issue's: 3 seconds and 300 MB in the calling process.
"""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from clocks import quiet
from mathmill.grading.answers import extract
from mathmill.grading.choice import letters, options_of
from mathmill.grading.equal import equal, grade
from mathmill.grading.files.response import judge
from mathmill.grading.policy import BY_NAME, TOLERANT
from mathmill.grading.symbolic import close, settle
from mathmill.grading.voting import vote
from mathmill.types import CORRECT, UNDECIDED, WRONG

CASES = Path(__file__).resolve().parents[1] / "cases"
SECONDS, MEGABYTES = 3.0, 300
EXACT = replace(TOLERANT, symbolic=False)


def _table() -> object:
    """Return the module of hostile texts (tests are no package, so it is read by its path)."""
    spec = importlib.util.spec_from_file_location("hostile_texts", CASES / "hostile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOSTILE = _table()
TEXTS: dict[str, Callable[[], str]] = HOSTILE.TEXTS  # type: ignore[attr-defined]
ALGEBRA = [name for name in TEXTS if "run of" not in name]

ON_RESPONSES: dict[str, Callable[[str], object]] = {
    "extract": extract,
    "extract a marked answer": lambda text: extract(f"So it is.\nThe answer is {text}"),
    "extract a boxed answer": lambda text: extract(rf"So \boxed{{{text}}}."),
    "grade": lambda text: grade(text, "42", EXACT),
    "grade a choice": lambda text: grade(text, "B", EXACT, ["A) 1", f"B) {text[:500]}"]),
    "grade strictly": lambda text: grade(f"The answer is: {text}", text, "strict"),
    "judge": lambda text: judge(text, "42", EXACT),
    "letters": letters, "options": options_of,
}
ON_ANSWERS: dict[str, Callable[[str], object]] = {
    "equal to a number": lambda text: equal("42", text, EXACT),
    "a formula equal to it": lambda text: equal(text, r"\frac{x+1}{2}", EXACT),
    "a list equal to it": lambda text: equal(text, r"\{1, 2\}", EXACT),
    "equal to an equation": lambda text: equal("y = 2x + 1", text, EXACT),
    "equal to itself but for a space": lambda text: equal(text, text + " ", EXACT),
    "equal to itself and one": lambda text: equal(text, text + "+1", EXACT),
    "grade with it as gold": lambda text: grade("The answer is 42.", text, EXACT),
    "letters": letters,
    "vote": lambda text: vote([text, "42", text + " ", None, "x"], EXACT),
}


def _measured(call: Callable[[], object]) -> tuple[object, float, float]:
    """Return a result, the seconds it took and the megabytes by which the peak grew."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = quiet()  # what else the machine does is not the text's fault
    result = call()
    took = quiet() - start
    return result, took, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024


# A text is nothing to wait for, but there are hundreds of runs: one in five is for every day.
RUNS = [name for name in TEXTS if "run of" in name]
DAILY = [*ALGEBRA, *RUNS[::5]]


def daily(names: list[str]) -> list[object]:
    return [name if name in DAILY else pytest.param(name, marks=pytest.mark.slow)
            for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("name", daily(list(TEXTS)))
def test_no_text_slows_or_fattens_or_breaks_what_runs_in_this_process(name: str) -> None:
    text = TEXTS[name]()
    calls = ON_RESPONSES if name.startswith("run of") else ON_ANSWERS if "run of" in name else {
        **ON_RESPONSES, **ON_ANSWERS}
    for what, call in calls.items():
        result, took, grown = _measured(lambda call=call: call(text))  # type: ignore[misc]
        assert took < SECONDS, f"{what} took {took:.1f} s"
        assert grown < MEGABYTES, f"{what} took {grown:.0f} MB"
        value = getattr(result, "value", None)
        assert value is None or value in (CORRECT, WRONG, UNDECIDED)


@pytest.mark.parametrize("name", daily([name for name in TEXTS if len(TEXTS[name]()) > 500]))
def test_what_is_too_long_for_the_algebra_system_is_refused_at_once(name: str) -> None:
    text = TEXTS[name]()
    for pair in ((text, "42"), ("42", text), (text, text)):
        verdict, took, _ = _measured(lambda pair=pair: settle(*pair))  # type: ignore[misc]
        assert verdict.how.startswith("pre-screened")  # type: ignore[attr-defined]
        assert verdict.value == UNDECIDED  # type: ignore[attr-defined]
        assert took < 0.5


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(importlib.util.find_spec("math_verify") is None,
                    reason="needs math-verify: pip install 'mathmill[grade]'")
def test_no_text_holds_a_caller_for_three_seconds_with_the_algebra_system_on() -> None:
    def calls(text: str) -> list[tuple[str, Callable[[], object]]]:
        return [("equal", lambda: equal("42", text)), ("turned", lambda: equal(text, "x+1")),
                ("settle", lambda: settle("42", text)),
                ("settle turned", lambda: settle(text, "x"))]

    def worst(name: str) -> list[str]:
        text, late = TEXTS[name](), []
        for what, call in calls(text):
            result, took, grown = _measured(call)
            if took > SECONDS or grown > MEGABYTES:
                late.append(f"{name}, {what}: {took:.1f} s, {grown:.0f} MB")
            if result.value not in (CORRECT, WRONG, UNDECIDED):  # type: ignore[attr-defined]
                late.append(f"{name}, {what}: {result}")
        return late

    # One thread a worker: a caller that queues for a worker waits for another's pair too.
    close()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(settle, "xx", "yz"))  # both started, as in any run of more than one pair
        late = [line for lines in threads.map(worst, ALGEBRA) for line in lines]
    left = settle(r"\sqrt{12}", r"2\sqrt{3}").value
    close()
    assert not late, "\n".join(late)
    assert left == CORRECT


# What a hostile answer must never be taken for, whoever is asked.
@pytest.mark.parametrize(("gold", "answer"), [
    ("42", "٤٣"), ("", ""), ("42", ""), ("42", "\x00"), ("nan", "inf"), ("42", "24"),
    (r"\frac{1}{0}", "0"), (r"\frac{1}{2004!}", r"\frac{1}{2006!}"), ("9^{9^{9^9}}", "9^{9^{9^8}}"),
    ("1011_2", "1011_3"), (r"1-\frac{1}{e}", r"1+\frac{1}{e}"), ("(10^9)!", "(10^9)!+1"),
    (r"1,2,\ldots,n", r"1,3,\ldots,2n-1"), ("x^2+1=0", "x^2+2=0"), ("(3,1)", "(5,2)"),
])
@pytest.mark.parametrize("policy", ["tolerant", "strict-math"])
def test_a_hostile_pair_is_never_called_equal(gold: str, answer: str, policy: str) -> None:
    assert policy in BY_NAME
    assert equal(gold, answer, policy).value != CORRECT
    assert equal(answer, gold, policy).value != CORRECT


WATCH = """
import sys
sys.path.insert(0, {cases!r})
from hostile import payloads
from pathlib import Path
from mathmill.grading.answers import extract
from mathmill.grading.equal import equal, grade
from mathmill.grading.policy import TOLERANT
from mathmill.grading.files.response import judge
from mathmill.grading.symbolic import settle
from mathmill.grading.voting import vote

settle("x", "y")  # its process is started before the watch begins
def every(text):
    extract(text); equal("42", text); equal(text, "x+1"); equal(text, text + "1")
    grade(text, "42"); grade("The answer is " + text, r"\\frac{{1}}{{2}}")
    judge(text, "42", TOLERANT)
    vote([text, "42", text + " "])

for text in ("1/2", r"\\sqrt{{2}}+x", "a+b", "x=5", r"\\boxed{{\\text{{B}}}}", "42 cm", "(1, 2]",
             "f(x)"):
    every(text)
seen = []
watched = ("exec", "compile", "open", "import", "os.system", "os.exec", "os.posix_spawn",
           "subprocess.Popen", "os.fork", "shutil", "socket", "ctypes", "pickle", "os.remove")
def hook(event, arguments):
    if event.startswith(watched) and armed:
        seen.append((event, str(arguments)[:200]))
armed = False
sys.addaudithook(hook)
armed = True
for text in payloads(Path({canary!r})).values():
    every(text)
armed = False
print(*seen, sep="\\n")
"""


@pytest.mark.slow
def test_no_payload_is_executed_compiled_opened_or_imported(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    code = WATCH.format(cases=str(CASES), canary=str(canary))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
    assert not canary.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(importlib.util.find_spec("math_verify") is None,
                    reason="needs math-verify: pip install 'mathmill[grade]'")
def test_no_payload_is_executed_by_the_parser_itself(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    code = ("import sys; sys.path.insert(0, sys.argv[1])\nfrom hostile import payloads\n"
            "from pathlib import Path\n"
            "from mathmill.grading.symbolic.judge import Asked, judge\n"
            "for text in payloads(Path(sys.argv[2])).values():\n"
            "    judge(text, 'x', Asked()) if len(text) < 500 else None\n")
    # The screen is passed over: what it lets through by mistake must be harmless as well.
    done = subprocess.run([sys.executable, "-c", code, str(CASES), str(canary)], check=False,
                          capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not canary.exists()
