"""MetaMath's four ways to more training rows from one solved problem.

- `answer_augmentation`: the same question, another solution;
- `rephrase`: the same problem in other words, then solved;
- `fobar`: one number hidden, the answer told, the number asked for;
- `self_verification`: the same, with question and answer made into a statement.

Why these: they keep a known right answer, so `verify` can check every row by agreement.
Source: MetaMath (Yu et al. 2023), section 3, as Skywork-Math uses it (section 3.1); the
masking (`masking`) is deterministic, attempt number n hiding the next number in turn.

Used as: `metamath.fobar.attempt(seed, number)`, by `synthesize`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mathmill.identity import draw
from mathmill.methods.attempt import Attempting, Trail, Working, check_problem
from mathmill.methods.masking import Mask, free_letter, hide, masks, split_question
from mathmill.methods.replies import Unusable, section
from mathmill.types import Problem

KNOWN = {
    "en": " If we know the answer to the above question is {answer}, "
          "what is the value of unknown variable {letter}?",
    "zh": "如果我们知道上述问题的答案是{answer}，未知数{letter}的值是多少？",
}
ASKED = {
    "en": " What is the value of unknown variable {letter}?",
    "zh": "未知数{letter}的值是多少？",
}


def known_answer(seed: Problem) -> str:
    """Return the seed's answer, or raise `Unusable`: nothing could be checked without it."""
    answer = (seed.answer or "").strip()
    if not answer:
        raise Unusable("seed has no answer")
    return answer


def pick(found: list[Mask], seed: Problem, number: int) -> tuple[Mask, int]:
    """Return the number to hide in this attempt, and which sample of its solution to ask.

    A rotation from a start drawn by the seed: attempts 0 to k-1 hide each of k numbers
    once, attempts k to 2k-1 ask for second solutions of the same, and so on.
    """
    if not found:
        raise Unusable("no number to mask")
    start = draw("mask", seed.id).randrange(len(found))
    return found[(start + number) % len(found)], number // len(found)


def letter_for(text: str) -> str:
    """Return the letter to put for a number of `text`, or raise `Unusable`."""
    letter = free_letter(text)
    if letter is None:
        raise Unusable("no letter is free")
    return letter


@dataclass(frozen=True)
class AnswerAugmentation(Attempting):
    """Solve the question again; the row is right if it reaches the seed's answer."""

    name: str = "metamath.answer_augmentation"

    def prompts(self) -> tuple[str, ...]:
        """Return the one prompt."""
        return ("solve",)

    def work(self, seed: Problem, number: int) -> Working:
        """Ask for sample `number` of a solution."""
        trail = Trail(number, seed.language)
        return (yield from self.solved(
            trail, seed.question, seed, expected=known_answer(seed), level=seed.level,
            subject=seed.subject, signature=seed.signature))


@dataclass(frozen=True)
class Rephrase(Attempting):
    """Tell the problem in other words, then solve that; the seed's answer must come out."""

    name: str = "metamath.rephrase"

    def prompts(self) -> tuple[str, ...]:
        """Return both prompts."""
        return ("metamath/rephrase", "solve")

    def work(self, seed: Problem, number: int) -> Working:
        """Ask for rewording `number` and for its solution."""
        expected = known_answer(seed)
        trail = Trail(number, seed.language)
        reply = yield from self.ask(trail, "metamath/rephrase", problem=seed.question)
        text = section(reply, "Rephrased problem", "Rephrased question", "改写后的题目", "新题目")
        question = check_problem(text, seed.question)
        return (yield from self.solved(
            trail, question, seed, expected=expected, level=seed.level, subject=seed.subject,
            signature=seed.signature))


@dataclass(frozen=True)
class Fobar(Attempting):
    """Hide a number, tell the answer, ask for the number (Jiang et al. 2023)."""

    name: str = "metamath.fobar"

    def prompts(self) -> tuple[str, ...]:
        """Return the one prompt."""
        return ("solve_unknown",)

    def work(self, seed: Problem, number: int) -> Working:
        """Hide the number whose turn it is and ask for it."""
        answer = known_answer(seed)
        mask, sample = pick(masks(seed.question, seed.language), seed, number)
        letter = letter_for(seed.question)
        told = KNOWN.get(seed.language, KNOWN["en"]).format(answer=answer, letter=letter)
        question = hide(seed.question, mask, letter).rstrip() + told
        return (yield from self.solved(
            Trail(sample, seed.language), question, seed, prompt="solve_unknown",
            values={"variable": letter}, expected=mask.gold, subject=seed.subject))


@dataclass(frozen=True)
class SelfVerification(Attempting):
    """Hide a number in what is told, state the answer as a fact, ask for the number.

    Source of the form: Weng et al. 2023. The statement is the teacher's; it is the same for
    all numbers of a seed, so it is asked for once per rotation.
    """

    name: str = "metamath.self_verification"

    def prompts(self) -> tuple[str, ...]:
        """Return both prompts."""
        return ("metamath/declarative", "solve_unknown")

    def work(self, seed: Problem, number: int) -> Working:
        """Hide the number whose turn it is, have the statement written, ask for the number."""
        answer = known_answer(seed)
        told, asked = split_question(seed.question, seed.language)
        mask, sample = pick(masks(told, seed.language), seed, number)
        letter = letter_for(seed.question)
        trail = Trail(sample, seed.language)
        reply = yield from self.ask(trail, "metamath/declarative", question=asked,
                                    answer=answer)
        statement = " ".join(section(reply, "Statement", "陈述句", "陈述").split())
        if statement.endswith(("?", "？")):
            raise Unusable("statement still asks", reply)
        if len(statement) > 2 * len(asked) + 200:
            raise Unusable("too long", reply)
        chinese = seed.language == "zh"
        if not statement.endswith((".", "!", "。", "！")):
            statement += "。" if chinese else "."
        ending = ASKED.get(seed.language, ASKED["en"]).format(letter=letter)
        gap = "" if chinese else " "
        question = hide(told, mask, letter) + gap + statement + ending
        return (yield from self.solved(
            trail, question, seed, prompt="solve_unknown", values={"variable": letter},
            expected=mask.gold, subject=seed.subject))


answer_augmentation = AnswerAugmentation()
rephrase = Rephrase()
fobar = Fobar()
self_verification = SelfVerification()
