"""Finding the answer in a response: tables of cases, laws on random texts, and its limits."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mathmill.grading import answers, choice, ending
from mathmill.grading.answers import GUESSES, extract, printed
from mathmill.grading.policy import for_suite

CASES = Path(__file__).resolve().parents[1] / "cases"
WAYS = {"boxed", "####", "<answer>", "answer is", "A:", "nothing found", "too long", *GUESSES}


def cases(*names: str) -> list[dict[str, str | None]]:
    return [json.loads(line) for name in names
            for line in (CASES / name).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("case", cases("grading_extract.jsonl", "answers_prose.jsonl"),
                         ids=lambda c: c["text"][:30])
def test_the_answer_and_the_way_it_was_found(case: dict[str, str | None]) -> None:
    found = extract(str(case["text"]))
    assert (found.text, found.how) == (case["answer"], case["how"])


@pytest.mark.parametrize(("output", "answer"), [
    ("5\n", "5"), ("3\n4\n\n", "4"), ("Total: 5", "5"), ("x = 5", "5"), ("The answer is 5", "5"),
    ("[1, 2]", "[1, 2]"), ("(1, 2)\n", "(1, 2)"), ("ans: 3.5 cm", "3.5 cm"), ("3:45", "3:45"),
    ("x == 5", "x == 5"), ("-1e-07", "-1e-07"), ("sqrt(2)", "sqrt(2)"), ("", None), (" \n ", None),
    ("result: x**2 - 1", "x**2 - 1"), ("\\boxed{7}", "7"), ("答案：8", "8"),
])
def test_what_a_program_printed_last_is_its_answer(output: str, answer: str | None) -> None:
    found = printed(output)
    assert found.text == answer
    assert found.how == ("output" if answer else "nothing found")


def test_only_the_tail_is_read() -> None:
    assert extract("\\boxed{1}" + " " * 20_000).text is None


def test_an_answer_longer_than_two_thousand_characters_is_not_one() -> None:
    assert extract("\\boxed{" + "1" * 2_001 + "}").how == "too long"
    assert extract("#### " + "1" * 2_001).how == "too long"
    assert extract("The answer is " + "1" * 2_001).how == "too long"
    assert extract("it makes " + "1" * 2_001).how == "too long"


def test_a_guess_can_be_forbidden() -> None:
    assert extract("it makes 5", guess=False).text is None
    assert extract("it makes 5").text == "5"
    for text in ("5", "so $x=\\frac12$", "she has **5** eggs", "```output\n5\n```"):
        assert extract(text, guess=False).text is None
        assert extract(text).how in GUESSES


texts = st.text(alphabet=st.one_of(
    st.sampled_from("\\{}()[]$#*_^,.;:/%=+-!? \n0123456789eExABCD答案是选"), st.characters()),
    max_size=120)
pieces = st.lists(st.one_of(texts, st.sampled_from([
    "\\boxed{", "\\fbox{", "}", "####", "The answer is ", "Answer:", "答案是", "故选", "**", "$",
    "\\[", "\\)", "\\(", "<answer>", "</answer>", "</think>", "```output\n", "```", "A:", " and ",
    "\\text{", "\\approx", ", where ", "option B", "\\frac{1}{2}", "5", "x = "])), max_size=12)


@settings(max_examples=400)
@given(pieces.map("".join))
@example("\x00")
@example("\ud800")
@example("\\boxed{" * 50)
@example("٣٤")
@example("$" * 99)
def test_no_text_raises_and_what_is_found_stands_in_it(text: str) -> None:
    for guess in (True, False):
        found = extract(text, guess=guess)
        assert found.how in WAYS
        if found.text is None:
            assert found.how in ("nothing found", "too long")
            continue
        assert found.text == found.text.strip()
        assert guess or found.how not in GUESSES
        # A list of boxes or formulas is joined by commas; each of its parts stands in the text.
        assert found.text in text or all(
            part in text for part in found.text.split(", ")), (found, text)
    printed(text)
    choice.letters(text)
    choice.options_of(text)


simple = st.from_regex(r"-?[1-9][0-9]{0,5}(\.[0-9]{1,3})?|\\frac\{[1-9]\}\{[2-9]\}"
                       r"|[1-9]\\sqrt\{[2-9]\}|\([0-9], -?[0-9]\)|x\^2[+-][1-9]x", fullmatch=True)
FORMS = ("\\boxed{%s}", "\\boxed{ %s }.", "\n#### %s\n", "\nThe answer is %s.", "\nAnswer: **%s**",
         "\nThe answer is $%s$. I hope it is correct.", "\n**Final Answer:** %s",
         "\n所以答案是%s。", "\n故答案为：$%s$。", "\n<answer>%s</answer>",
         "\nThe final answer is:\n\n\\[\n%s\n\\]\n", "\nThus the correct answer is \\(%s\\).")
leads = st.text(alphabet="abc def ghi\n", max_size=60)


@given(leads, simple)
def test_every_declared_form_gives_the_answer_back(lead: str, answer: str) -> None:
    for form in FORMS:
        found = extract(lead + form % answer)
        assert found.text == answer, form
        assert found.how not in GUESSES


@given(st.lists(simple, min_size=2, max_size=5, unique=True))
def test_boxes_joined_by_commas_and_words_are_one_list(items: list[str]) -> None:
    boxes = [f"\\boxed{{{item}}}" for item in items]
    for text in (", ".join(boxes), "$ and $".join(boxes), "$ or $x = ".join(boxes),
                 "、".join(boxes), " 和 ".join(boxes), ",\\quad ".join(boxes)):
        assert extract(f"So ${text}$.").text == ", ".join(items)
    assert extract(" so then ".join(boxes)).text == items[-1]
    assert extract(". ".join(boxes)).text == items[-1]


ALWAYS = for_suite("jeebench")
PATTERNS = {f"{module.__name__.rpartition('.')[2]}.{name}": value
            for module in (answers, ending, choice)
            for name, value in vars(module).items() if isinstance(value, re.Pattern)}

REPEATED = [
    "\\boxed{", "{", "}", "\\boxed{5},", "$", "$x", "\\(", "\\[x", "#### ", "#### Step\n",
    "answer (", "The answer is ", "answer to ", "答案是", "答：", "故选", "A: ", "A: x\nB",
    "A\n", "1", "1,", "选", "1,111", "1/", "1 ", "1:", "1.", ".", "**", "**a", "__",
    "```output\n", "-", "(A", "(A)", "A,", "A and ", "option A ", "A is ", " ", "\n", "\\text{",
    "a ", "\\approx", ", where", "<answer>", "</think>", "\\", "x = ", "^{1", "10^{", "1 1/1",
    '"', "$$", "a", "2x+", "1+a",
]


def cost(work: Callable[[], object], enough: float = 0.0) -> float:
    """Return this thread's own processor seconds, the least of three or the first below enough."""
    spent = []
    for _ in range(3):
        start = time.thread_time()
        work()
        spent.append(time.thread_time() - start)
        if spent[-1] < enough:
            break
    return min(spent)


@pytest.mark.slow
@pytest.mark.parametrize("piece", REPEATED, ids=ascii)
def test_eight_times_the_text_takes_nothing_like_sixty_four_times_the_work(piece: str) -> None:
    short, long = (piece * (size // len(piece)) for size in (2_500, 20_000))

    def search(text: str) -> None:
        extract(text)
        printed(text)
        choice.letters(text)
        choice.settle(text, "A", ALWAYS)

    took = cost(lambda: search(long), enough=0.1)
    assert took <= 0.1 or took <= 24 * cost(lambda: search(short))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_each_pattern_alone_is_linear_too(name: str) -> None:
    def search(text: str) -> float:
        start = time.thread_time()
        deque(PATTERNS[name].finditer(text), maxlen=0)
        return time.thread_time() - start

    for piece in REPEATED:
        short, long = (piece * (size // len(piece)) for size in (1_250, 10_000))
        if search(long) > 0.02:
            one, eight = (min(search(text) for _ in range(3)) for text in (short, long))
            assert eight <= max(0.02, 24 * one), piece
