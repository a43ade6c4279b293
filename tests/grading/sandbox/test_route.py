"""Which engine is believed: canaries, crashes, the drawn share, when two results are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.grading.sandbox.outcome import Limits, Outcome, Program
from mathmill.grading.sandbox.route import Router, agree, canary

HERE = Path(__file__).parent
QUICK = Limits(seconds=0.2)


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


def words(*sources: str) -> list[Program]:
    return [Program(source, "x") for source in sources]


def test_a_poisoned_worker_is_found_by_its_canary_and_the_batch_runs_again() -> None:
    import stand_ins

    engine = stand_ins.First()
    router = Router([engine], QUICK)
    found = router.run(words("value 1", "poison 2", "value 3"))
    assert [one.value for one in found] == ["1", None, "3"]
    assert found[1].kind == "crashed"
    assert router.facts["canary: wrong, worker retired"] >= 2
    assert engine.seen.count("value 3") == 2


def test_an_engine_that_raises_loses_only_the_program_it_raised_on() -> None:
    import stand_ins

    found = Router([stand_ins.First()], QUICK).run(words("value 1", "raise 2", "value 3"))
    assert [one.kind for one in found] == ["value", "crashed", "value"]


def test_what_crashed_once_is_run_once_more() -> None:
    import stand_ins

    engine = stand_ins.First()
    found = Router([engine], QUICK).run(words("value 1", "stumble 2", "crash 3", "value 4"))
    assert [one.kind for one in found] == ["value", "value", "crashed", "value"]
    assert [one.value for one in found] == ["1", "2", None, "4"]
    assert engine.seen.count("crash 3") == 2
    assert engine.seen.count("value 1") == 1


def test_an_engine_with_a_process_a_program_is_proved_at_first_and_then_now_and_then() -> None:
    import stand_ins

    engine = stand_ins.Second()
    engine.apart = True
    router = Router([engine], QUICK)
    for n in range(200):
        assert router.run(words(f"value {n}"))[0].value == str(n)
    assert 3 <= router.facts["canary: right"] <= 5


def test_the_poison_of_an_engine_with_a_process_a_program_is_still_found() -> None:
    import stand_ins

    engine = stand_ins.Second()
    engine.apart = True
    router = Router([engine], QUICK)
    router.run(words("value 1"))
    router.run(words("poison 1"))
    for n in range(100):
        router.run(words(f"value {n}"))
    assert router.facts["canary: wrong, worker retired"] >= 1
    assert not engine.poisoned


def test_the_share_that_both_run_is_drawn_from_the_text_alone() -> None:
    import stand_ins

    programs = words(*(f"value {n}" for n in range(4000)))
    drawn = [Router([stand_ins.First()], QUICK, 0.02).drawn(one) for one in programs]
    assert drawn == [Router([stand_ins.First()], QUICK, 0.02).drawn(one) for one in programs]
    assert 40 < sum(drawn) < 130
    assert not any(Router([stand_ins.First()], QUICK, 0.0).drawn(one) for one in programs)


@pytest.mark.parametrize(("one", "other", "same"), [
    (("value", "5", "int"), ("value", "5", "int"), True),
    (("value", "5", "int"), ("value", "5.0", "float"), False),
    (("value", "5", "int"), ("value", "6", "int"), False),
    (("value", "0.30000000000000004", "float"), ("value", "0.3", "float"), True),
    (("value", "0.3000000000000001", "float"), ("value", "0.3", "float"), False),
    (("value", "[0.30000000000000004, 'a']", "list"), ("value", "[0.3, 'a']", "list"), True),
    (("value", "nan", "float"), ("value", "nan", "float"), True),
    (("value", "inf", "float"), ("value", "-inf", "float"), False),
    (("value", "1e+308", "float"), ("value", "inf", "float"), False),
    (("value", "{1, 2, 3}", "set"), ("value", "{3, 1, 2}", "set"), True),
    (("value", "{1, 2, 3}", "set"), ("value", "{3, 1}", "set"), False),
    (("value", "<A object at 0x1f>", "A"), ("value", "<A object at 0x2e>", "A"), True),
    (("value", "12345678901234567890", "int"), ("value", "12345678901234567891", "int"), False),
    (("value", "5", "int"), ("error", None, ""), False),
    (("error", None, ""), ("error", None, ""), True),
])
def test_results_agree_to_the_last_bit_of_a_float(
        one: tuple[str, str | None, str], other: tuple[str, str | None, str], same: bool) -> None:
    assert agree(Outcome(*one), Outcome(*other)) is same
    assert agree(Outcome(*other), Outcome(*one)) is same


@given(st.text(max_size=30), st.text(max_size=30))
def test_comparing_results_never_raises(one: str, other: str) -> None:
    assert agree(Outcome("value", one, "str"), Outcome("value", one, "str"))
    agree(Outcome("value", one, "set"), Outcome("value", other, "set"))


@given(st.integers(0, 10**6))
def test_a_canary_is_worth_what_python_says(number: int) -> None:
    program, value = canary(number)
    space: dict[str, object] = {}
    exec(program.code, space)  # our own text, not a model's
    assert repr(eval("canary()", space)) == value
