"""Plain text of the symbolic world for pre-training: facts, stories told to their end, scenes.

Why: the embedded base model should know this world's words and sums and no question-answer
form, so that what fine-tuning teaches is what the fine-tuning data holds. No passage asks
anything and none holds `The answer is`.

Used as: `for text in passages(seed=0): ...` (endless; take what you need).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from fractions import Fraction

from mathmill.identity import draw
from mathmill.teachers.symbolic.quantities import (
    PERCENTS,
    SHARES,
    compute,
    write_number,
    write_share,
)
from mathmill.teachers.symbolic.solution import step_lines
from mathmill.teachers.symbolic.story import Story
from mathmill.teachers.symbolic.tables import families
from mathmill.teachers.symbolic.writer import (
    draw_story,
    draw_words,
    event_text,
    extend,
    fill,
    join,
)

MIX: dict[str, float] = {"facts": 0.35, "stories": 0.5, "scenes": 0.15}
CHINESE = 0.12
"Share of passages in Chinese."

_SAYINGS = {
    "en": {
        "+": ("The sum of {l} and {r} is {v}.", "{l} plus {r} is {v}.",
              "{r} more than {l} is {v}.", "Together {l} and {r} make {v}."),
        "-": ("{l} minus {r} is {v}.", "{r} less than {l} is {v}.",
              "The difference of {l} and {r} is {v}.", "{l} without {r} leaves {v}."),
        "*": ("{l} times {r} is {v}.", "The product of {l} and {r} is {v}.",
              "{l} groups of {r} make {v}.", "{l} multiplied by {r} is {v}."),
        "/": ("{l} divided by {r} is {v}.", "{l} shared by {r} gives {v} each.",
              "{l} in {r} equal parts makes parts of {v}.", "{r} goes {v} times into {l}."),
        "%": ("{r} of {l} is {v}.", "{v} is {r} of {l}."),
        "f": ("{r} of {l} is {v}.", "{v} is {r} of {l}."),
    },
    "zh": {
        "+": ("{l}加{r}等于{v}。", "{l}与{r}的和是{v}。", "比{l}多{r}的数是{v}。"),
        "-": ("{l}减{r}等于{v}。", "{l}与{r}的差是{v}。", "比{l}少{r}的数是{v}。"),
        "*": ("{l}乘{r}等于{v}。", "{l}与{r}的积是{v}。", "{l}的{r}倍是{v}。"),
        "/": ("{l}除以{r}等于{v}。", "把{l}平均分成{r}份，每份是{v}。"),
        "%": ("{l}的{r}是{v}。",),
        "f": ("{l}的{r}是{v}。",),
    },
}


def passages(seed: int, mix: Mapping[str, float] | None = None,
             chinese: float = CHINESE) -> Iterator[str]:
    """Yield passages of 1 to 10 sentences without end, the same for the same arguments.

    `mix` weighs `facts` (sums of every operation), `stories` (told to their end with their
    equations) and `scenes` (unconnected sentences); `chinese` is the share in Chinese.
    """
    weights = dict(MIX if mix is None else mix)
    assert set(weights) <= set(MIX), f"unknown kinds of passage: {set(weights) - set(MIX)}"
    kinds, shares = list(weights), list(weights.values())
    rng = draw("symbolic passages", seed)
    write = {"facts": _facts, "stories": _narrative, "scenes": _scene}
    while True:
        kind = rng.choices(kinds, shares)[0]
        language = "zh" if rng.random() < chinese else "en"
        yield write[kind](language, rng)


def _facts(language: str, rng: random.Random) -> str:
    """Return 3 to 6 sums; a third of them said in words."""
    sentences = []
    for _ in range(rng.randint(3, 6)):
        kind, left, sign, right, value = draw_fact(rng)
        text = _operand(right, kind)
        if rng.random() < 0.67:
            stop = "。" if language == "zh" else "."
            sentences.append(f"{_write(left, kind)} {sign} {text} = {_write(value, kind)}{stop}")
        else:
            form = kind if kind in "%f" else sign
            sentences.append(rng.choice(_SAYINGS[language][form]).format(
                l=_write(left, kind), r=text, v=_write(value, kind)))
    return join(sentences, language)


def _write(value: Fraction, kind: str) -> str:
    return write_share(value) if kind == "q" else write_number(value)


def _operand(value: Fraction, kind: str) -> str:
    if kind == "%":
        return f"{write_number(value)}%"
    return write_share(value) if kind in "fq" else write_number(value)


def draw_fact(rng: random.Random) -> tuple[str, Fraction, str, Fraction, Fraction]:
    """Return kind, left, sign, right and value of one sum in the ranges that stories use.

    Kinds: `i` whole, `d` decimal, `q` fractions, `f` a share of a number, `%` a percentage.
    """
    luck = rng.random()
    if luck < 0.12:
        right = Fraction(rng.choice(PERCENTS))
        left = Fraction(rng.randint(1, 30) * rng.choice((2, 4, 5, 10, 10, 20)))
        return "%", left, "*", right, left * right / 100
    if luck < 0.24:
        right = rng.choice(SHARES)
        left = Fraction(right.denominator * rng.randint(1, 30))
        return "f", left, "*", right, left * right
    if luck < 0.32:
        return _fraction_fact(rng)
    sign = rng.choice("++--**/")
    kind, scale = ("d", rng.choice((2, 10, 10))) if luck < 0.47 else ("i", 1)
    if sign in "+-":
        top = rng.choice((30, 100, 100, 300))
        left = Fraction(rng.randint(2, top * scale), scale)
        right = Fraction(rng.randint(1, min(top, 100) * scale), scale)
        if sign == "-" and left <= right:
            left, right = right + left, right
    else:
        right = Fraction(rng.randint(2, 15))
        left = Fraction(rng.randint(2, rng.choice((12, 20, 60)) * scale), scale)
        if sign == "/":
            left = left * right
        elif kind == "i" and rng.random() < 0.5:
            left, right = right, left
    return kind, left, sign, right, compute(left, sign, right)


def _fraction_fact(rng: random.Random) -> tuple[str, Fraction, str, Fraction, Fraction]:
    """Return a sum, difference or multiple of small fractions."""
    below = rng.choice((2, 3, 4, 5, 6, 8, 10))
    left = Fraction(rng.randint(1, below * 2), below)
    right = Fraction(rng.randint(1, below), below * rng.choice((1, 1, 2)))
    sign = rng.choice("+-*")
    if sign == "*":
        right = Fraction(rng.randint(2, 8))
    elif sign == "-" and left <= right:
        left = left + right
    return "q", left, sign, right, compute(left, sign, right)


def _narrative(language: str, rng: random.Random) -> str:
    """Return a story told to its end: equations after each beat, or all of them after it."""
    story = draw_story(rng.choice((1, 1, 2, 2, 3, 3, 4)), language, rng)
    _, value = story.run()
    woven = rng.random() < 0.5
    told: list[str] = []
    worked: list[str] = []
    for event, lines in zip(story.events, step_lines(story), strict=True):
        told.append(event_text(event, story, rng))
        (told if woven else worked).extend(lines)
    told += worked
    if rng.random() < 0.5:
        _, statement = rng.choice(story.family.asks[story.state].phrasings[language])
        told.append(fill(statement, story.words, {"ans": story.show(value)}, language))
    return join(told, language)


def _scene(language: str, rng: random.Random) -> str:
    """Return sentences of one family with nothing to reckon: openings of several people."""
    family = rng.choice(list(families().values()))
    openings = [beat for beat in family.beats if not beat.before]
    sentences = []
    for _ in range(rng.randint(1, 4)):
        beat = rng.choice(openings)
        found = extend(family, beat, None, rng)
        if found is not None:
            story = Story(family, (found[0],), draw_words(family, language, rng), language)
            sentences.append(event_text(found[0], story, rng))
    return join(sentences, language) or _facts(language, rng)
