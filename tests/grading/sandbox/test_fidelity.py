"""Random arithmetic programs give on each engine what CPython gives: same type, same `repr`."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mathmill.grading.sandbox.outcome import Limits, Outcome, Program

PROGRAMS = 3_000
# The generator's own programs are trusted: a plain process tells what CPython makes of them.
CPYTHON = """
import json, sys
for line in sys.stdin:
    names = {}
    try:
        exec(json.loads(line), names)
        value = names["simple_math_problem"]()
        said = ["value", type(value).__name__, repr(value)]
    except Exception as error:
        said = ["error", type(error).__name__, None]
    print(json.dumps(said))
"""


class Writer:
    """Writes one random program about numbers, from a seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.names: list[str] = []
        self.lines: list[str] = []

    def program(self) -> str:
        self.lines = ["import math", "def simple_math_problem():"]
        for _ in range(self.dice.randint(2, 7)):
            self.statement(1)
        self.lines.append(f"    return {self.ending()}")
        return "\n".join(self.lines)

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def new(self) -> str:
        name = f"{self.dice.choice(['cost', 'total', 'apples', 'rate', 'days'])}_{len(self.names)}"
        self.names.append(name)
        return name

    def statement(self, depth: int) -> None:
        kind = self.dice.choice(["set", "set", "set", "change", "for", "while", "if", "list",
                                 "text", "swap"])
        if kind == "set" or not self.names:
            value = self.number(2)
            self.line(depth, f"{self.new()} = {value}")
        elif kind == "change":
            sign = self.dice.choice(["+=", "-=", "*=", "/=", "//=", "%="])
            self.line(depth, f"{self.dice.choice(self.names)} {sign} {self.number(1)}")
        elif kind == "for":
            held = self.dice.choice(self.names)
            step = self.dice.choice(["i", "i * 2", "i / 4", "i ** 2", "-i"])
            self.line(depth, f"for i in range({self.dice.randint(1, 9)}):")
            self.line(depth + 1, f"{held} += {step}")
            if self.dice.random() < 0.3:
                self.line(depth + 1, f"if {held} > {self.literal()}:")
                self.line(depth + 2, self.dice.choice(["break", "continue"]))
        elif kind == "while":
            held, count = self.dice.choice(self.names), self.new()
            self.line(depth, f"{count} = {self.dice.randint(1, 8)}")
            self.line(depth, f"while {count} > 0:")
            self.line(depth + 1, f"{held} = {held} {self.dice.choice('+-*')} {count}")
            self.line(depth + 1, f"{count} -= 1")
        elif kind == "if":
            held = self.dice.choice(self.names)
            self.line(depth, f"if {self.test()}:")
            self.line(depth + 1, f"{held} = {self.number(1)}")
            self.line(depth, f"elif {self.test()}:")
            self.line(depth + 1, f"{held} -= {self.literal()}")
            self.line(depth, "else:")
            self.line(depth + 1, f"{held} += {self.literal()}")
        elif kind == "list":
            inside = self.dice.choice(["i", "i * i", "i / 3", f"i + {self.dice.choice(self.names)}",
                                       "(i * 7) % 5", "round(i / 7, 2)"])
            which = self.dice.choice(["", " if i % 2", " if i > 2"])
            items = f"[{inside} for i in range({self.dice.randint(1, 8)}){which}]"
            fold = self.dice.choice(["sum", "len", "max", "min", "sorted", "math.prod"])
            value = f"{fold}({items})" + ("[0]" if fold == "sorted" else "")
            self.line(depth, f"{self.new()} = {value}")
        elif kind == "text":
            held = self.dice.choice(self.names)
            form = self.dice.choice([":.2f", ":.0f", ":.3e", ":,", ":,.1f", ":.1%", ""])
            text = f"f\"{{{held}{form}}}\""
            use = self.dice.choice([f"len({text})", f"float({text})", f"len({text} + 'x')"])
            self.line(depth, f"{self.new()} = {use}")
        else:
            left, right = (self.dice.choice(self.names) for _ in range(2))
            self.line(depth, f"{left}, {right} = {right}, {left}")

    def test(self) -> str:
        sign = self.dice.choice(["<", "<=", ">", ">=", "==", "!="])
        both = f"{self.number(1)} {sign} {self.number(1)}"
        joint = self.dice.choice(["and", "or"])
        return both if self.dice.random() < 0.7 else f"{both} {joint} not {self.literal()} > 3"

    def literal(self) -> str:
        kind = self.dice.random()
        if kind < 0.6:
            return str(self.dice.randint(0, 30))
        if kind < 0.7:
            return str(self.dice.randint(10**3, 10**14))
        return repr(round(self.dice.uniform(0, 100), self.dice.randint(0, 4)))

    def number(self, depth: int) -> str:
        if depth == 0 or self.dice.random() < 0.2:
            return (self.dice.choice(self.names) if self.names and self.dice.random() < 0.6
                    else self.literal())
        a, b = self.number(depth - 1), self.number(depth - 1)
        sign = self.dice.choice(["+", "-", "*", "/", "//", "%", "+", "-", "*"])
        part = self.dice.randint(0, 1)
        return self.dice.choice([
            f"({a} {sign} {b})", f"({a} {sign} {b})", f"({a} {sign} {b})", f"({a} {sign} {b})",
            f"round({a}, {self.dice.randint(0, 3)})", f"round({a})", f"min({a}, {b})",
            f"max({a}, {b}, 1)", f"abs({a})", f"-{a}", f"int({a})", f"float({a})",
            f"(({a}) % 97) ** {self.dice.randint(0, 5)}", f"2 ** -{self.dice.randint(0, 9)}",
            f"({a} if {b} > 5 else {self.literal()})", f"divmod({a}, {b})[{part}]",
            f"math.floor({a})", f"math.ceil({a})", f"math.sqrt({a})", f"sum([{a}, {b}])",
            f"math.gcd(int({a}), int({b}))", f"({a} + {b}) / 2", f"bool({a}) * {b}"])

    def ending(self) -> str:
        a = self.dice.choice(self.names)
        return self.dice.choice([a, a, a, a, f"round({a}, 2)", f"int({a})", f"{self.number(2)}",
                                 f"({a}, {self.literal()})", f"[{a}, {self.literal()}]",
                                 f"f'{{{a}:.2f}}'", f"str({a})", f"{a} > {self.literal()}",
                                 f"{{'x': {a}}}"])


@pytest.fixture(scope="module")
def truth() -> list[tuple[str, list[Any]]]:
    codes = [Writer(seed).program() for seed in range(PROGRAMS)]
    lines = "".join(json.dumps(code) + "\n" for code in codes)
    done = subprocess.run([sys.executable, "-I", "-c", CPYTHON], input=lines, text=True,
                          capture_output=True, check=True, timeout=100)
    return list(zip(codes, map(json.loads, done.stdout.splitlines()), strict=True))


def engines() -> Iterator[Any]:
    yield pytest.param("monty", id="engine 1")
    yield pytest.param("zygote", id="engine 2", marks=pytest.mark.slow)


def opened(name: str) -> Any:
    if name == "monty":
        pytest.importorskip("pydantic_monty", reason="engine 1 needs mathmill[sandbox]")
        from mathmill.grading.sandbox.monty import MontyEngine

        return MontyEngine()
    from mathmill.grading.sandbox.zygote import ZygoteEngine

    return ZygoteEngine()


def respelled(value: str | None) -> str:
    """Write each float as CPython does: 735783327403838.25 has two shortest spellings, .2 and .3,
    and Monty takes the other one where it writes it inside a text or a list."""
    return re.sub(r"\d+\.\d+", lambda found: repr(float(found[0])), value or "")


def test_the_programs_are_varied(truth: list[tuple[str, list[Any]]]) -> None:
    kinds = [said[1] for _, said in truth]
    assert {"int", "float", "str", "bool", "tuple", "list", "dict", "ZeroDivisionError",
            "ValueError"} <= set(kinds)
    assert sum(said[0] == "value" for _, said in truth) > PROGRAMS / 2
    assert len({code for code, _ in truth}) > PROGRAMS * 0.99


@pytest.mark.parametrize("name", engines())
def test_random_programs_agree_with_cpython(name: str, truth: list[tuple[str, list[Any]]]) -> None:
    engine = opened(name)
    try:
        found: list[Outcome] = engine.run([Program(code) for code, _ in truth], Limits())
    finally:
        engine.close()
    apart, spelled = [], 0
    for (code, (kind, type_, value)), outcome in zip(truth, found, strict=True):
        said = [outcome.kind, outcome.type if kind == "value" else outcome.error, outcome.value]
        if said == [kind, type_, value] or outcome.kind == "refused":
            continue
        if said[:2] == [kind, type_] and respelled(outcome.value) == respelled(value):
            spelled += 1
        else:
            apart.append((code, [kind, type_, value], said))
    refused = sum(outcome.kind == "refused" for outcome in found)
    assert apart == []
    assert spelled <= 3
    assert refused <= PROGRAMS - 2_965, f"{refused} programs were refused"
