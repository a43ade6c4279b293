from __future__ import annotations

import itertools
import re
import time
from fractions import Fraction

from mathmill.teachers.symbolic import passages, truth
from mathmill.teachers.symbolic.corpus import draw_fact


def _take(count: int, **given: object) -> list[str]:
    return list(itertools.islice(passages(0, **given), count))  # type: ignore[arg-type]


def test_nothing_is_asked_and_nothing_answered() -> None:
    for text in _take(4000):
        assert text
        assert not re.search(r"[?？]|answer is|Question|Problem", text), text


def test_the_same_seed_gives_the_same_text_and_another_another() -> None:
    assert _take(50) == _take(50)
    assert _take(50) != list(itertools.islice(passages(1), 50))


def test_about_an_eighth_is_chinese_or_whatever_is_asked() -> None:
    def share(texts: list[str]) -> float:
        return sum(bool(re.search("[\u4e00-\u9fff]", text)) for text in texts) / len(texts)

    assert 0.08 < share(_take(2000)) < 0.15
    assert share(_take(300, chinese=0.0)) == 0


def test_the_mix_is_what_was_asked_for() -> None:
    facts = _take(300, mix={"facts": 1.0}, chinese=0.0)
    assert not [text for text in facts if re.search(r"\b(has|buys|trees)\b", text)]
    stories = _take(300, mix={"stories": 1.0}, chinese=0.0)
    assert all(" = " in text for text in stories)


def test_every_sum_in_the_corpus_is_true() -> None:
    pattern = r"(?<![\d.])([\d./]*\d) ([-+*/]) ([\d./]*\d)(%?) = ([\d./]*\d)"
    count = 0
    for text in _take(3000):
        for left, sign, right, percent, value in re.findall(pattern, text):
            second = Fraction(right) / (100 if percent else 1)
            first = Fraction(left)
            exact = {"+": first + second, "-": first - second, "*": first * second,
                     "/": first / second}[sign]
            assert exact == Fraction(value), text
            count += 1
    assert count > 5000


def test_facts_cover_every_operation_and_kind_of_number() -> None:
    import random

    rng = random.Random(0)
    drawn = [draw_fact(rng) for _ in range(3000)]
    assert {kind for kind, *_ in drawn} == {"i", "d", "q", "f", "%"}
    assert {fact[2] for fact in drawn} == set("+-*/")
    assert all(fact[4] > 0 for fact in drawn)


def test_no_passage_can_be_read_as_a_problem() -> None:
    assert not [text for text in _take(1000) if truth(text) is not None]


def test_thousands_of_passages_a_second() -> None:
    source = passages(2)
    next(source)
    started = time.process_time()
    for _ in range(3000):
        next(source)
    assert time.process_time() - started < 1.0
