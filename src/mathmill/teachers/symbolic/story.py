"""A story: the meaning of a problem (family, beats, numbers) and the words it is told with.

Why: writer, reader, solver and every rewriting task meet in this one record; a question's
text is only one way to tell it, and its signature is what all tellings share.

Used as: `story.run()`, `story.signature()`, `with_number(story, 0, "a", Fraction(7))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from mathmill.teachers.symbolic.quantities import (
    Step,
    is_possible,
    run_moves,
    write_number,
    write_share,
)
from mathmill.teachers.symbolic.tables import Beat, Family

SHARE_KINDS = "fq"
"Kinds of numbers that are told as fractions."


@dataclass(frozen=True)
class Event:
    """A beat that happened, with its numbers (None: the unknown `x`)."""

    beat: Beat
    numbers: Mapping[str, Fraction | None]


@dataclass(frozen=True)
class Story:
    """The meaning of a problem, and the words it is told with."""

    family: Family
    events: tuple[Event, ...]
    words: Mapping[str, str]
    "`name`, `other`, `item`, `place`: words of `language`."
    language: str

    @property
    def state(self) -> str:
        """State that the question asks about."""
        return self.events[-1].beat.after

    @property
    def level(self) -> int:
        """Number of reasoning steps."""
        return sum(len(event.beat.moves) for event in self.events)

    def run(self) -> tuple[list[list[Step]], Fraction]:
        """Return the steps of each event and the final value.

        Raises Impossible where it divides by nothing; asserts that nothing is unknown.
        """
        value: Fraction | None = None
        steps: list[list[Step]] = []
        for event in self.events:
            done, value = run_moves(event.beat.moves, known(event), value)
            steps.append(done)
        assert value is not None, "a story has at least its opening"
        return steps, value

    def happens(self) -> bool:
        """Tell whether every value on the way could occur: nothing negative, no half apples."""
        steps, value = self.run()
        return is_possible(value, self.family.rule) and all(
            is_possible(step.value, self.family.rule) for done in steps for step in done)

    def unknown(self) -> tuple[int, str] | None:
        """Return the event and slot of the unknown; None where all is known."""
        for place, event in enumerate(self.events):
            for slot, number in event.numbers.items():
                if number is None:
                    return place, slot
        return None

    def show(self, value: Fraction) -> str:
        """Return a value as this family writes values (`3/4` or `0.75`)."""
        return write_share(value) if self.family.rule == "share" else write_number(value)

    def signature(self) -> str:
        """Return family, question and program with numbers, whatever the words."""
        parts = [f"{self.family.name}/{self.state}"]
        for event in self.events:
            moves = event.beat.moves
            parts.append(";".join(
                f"{_operand(m.left, event)}{m.sign}{_operand(m.right, event)}"
                f"{'%' if m.percent else ''}" for m in moves) if moves else _operand("a", event))
        return "|".join(parts)


def known(event: Event) -> dict[str, Fraction]:
    """Return the numbers of an event that are told."""
    return {slot: number for slot, number in event.numbers.items() if number is not None}


def show_slot(event: Event, slot: str) -> str:
    """Return one number of an event as a sentence tells it; the unknown is `x`."""
    value = event.numbers[slot]
    if value is None:
        return "x"
    kind = dict(event.beat.slots)[slot]
    return write_share(value) if kind[0] in SHARE_KINDS else write_number(value)


def with_number(story: Story, place: int, slot: str, value: Fraction | None) -> Story:
    """Return the story with one number changed (None makes it the unknown)."""
    events = list(story.events)
    events[place] = Event(events[place].beat, {**events[place].numbers, slot: value})
    return replace(story, events=tuple(events))


def _operand(name: str, event: Event) -> str:
    value = event.numbers.get(name)
    return name if value is None else str(value)
