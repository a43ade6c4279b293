"""What each student cost, part by part, and what its rows would have cost from the teacher.

Why: a synthesizer pays where the rows that it wrote would have cost more had its teacher written
them; so beside each model stands that sum, at the tokens which the teacher takes for a row.

Used as: `for made in models(works, lines, accepted, price_of): made.whole.money()`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mathmill.accounting.chain import Student, Work, students
from mathmill.accounting.lines import API, DIGITS, PARTS, Calls, Line, Money, Time, added, total

Prices = Callable[[Sequence[str]], tuple[float, float] | None]
"Takes ids of steps; returns picodollars a token in and out, of the one teacher that they ask."


@dataclass(frozen=True)
class Made:
    """What one student cost, and what its rows would have cost from the teacher."""

    student: Student
    "The model, or several that rest on the same steps."
    rows: int
    "Rows written for it: accepted ones, before later checks."
    by_part: Mapping[str, Line]
    "What each part came to; training is the mean of its models."
    whole: Line
    "All parts together."
    a_row: tuple[float, float]
    "Tokens in and out that the teacher takes for an accepted row, failed attempts too."
    by_teacher: Line | None
    "The same rows, all by the teacher; None where it wrote them all."

    @property
    def name(self) -> str:
        """Return what it is called: the first of several, with the number of the others."""
        more = len(self.student.names) - 1
        return self.student.names[0] + (f" and {more} more" if more else "")

    @property
    def arithmetic(self) -> str:
        """Return how rows come to tokens, had the teacher written them all."""
        calls = self.by_teacher.calls if self.by_teacher else None
        if calls is None or calls.read is None or calls.written is None:
            return ""
        return (f"{self.rows:,} rows x {self.a_row[0]:,.1f} = {calls.read:,.0f} tokens in; "
                f"x {self.a_row[1]:,.1f} = {calls.written:,.0f} tokens out")

    @property
    def of_tokens(self) -> float | None:
        """Return the teacher's tokens of this model over those of all its rows by the teacher."""
        return _share(_tokens(self.by_part[API]), _tokens(self.by_teacher))

    @property
    def of_money(self) -> tuple[float, bool] | None:
        """Return this model's money over that, and whether it is all of it, not the least.

        None where the teacher's money is not told.
        """
        other = self.by_teacher.money() if self.by_teacher else Money(0, whole=False)
        mine = self.whole.money()
        if not other.whole or not other.pico:
            return None
        return mine.pico / other.pico, mine.whole


@dataclass(frozen=True)
class Account:
    """What the models of a run cost, or what those of a recipe will."""

    steps: tuple[Line, ...]
    "Every step that takes calls or time, in order; of a plan, those that count in the paper."
    by_part: tuple[Line, ...]
    "What each part comes to over all models."
    whole: Line
    "All of them, but for what the paper does not count."
    models: tuple[Made, ...]
    "By student."
    priced: tuple[Line, ...] = ()
    "The paper's figures at prices of our table."
    notes: tuple[str, ...] = ()
    "When and where the prices of hours were read."


def models(works: Sequence[Work], lines: Mapping[str, Line], accepted: Mapping[str, float],
           price_of: Prices) -> tuple[Made, ...]:
    """Return what every student cost; `accepted`: rows that each `synthesize` step gave."""
    verbs = {work.id: work.verb for work in works}
    return tuple(_made(student, verbs, lines, accepted, price_of) for student in students(works))


def _made(student: Student, verbs: Mapping[str, str], lines: Mapping[str, Line],
          accepted: Mapping[str, float], price_of: Prices) -> Made:
    """Return what a student cost, with the mean of its trainings."""
    mean = _mean([lines[step] for step in student.trainings])
    behind = [*(lines[step] for step in student.rests_on), mean]
    by_part = {name: added([line for line in behind if line.part == name], name, name)
               for name in PARTS}
    rows = round(sum(accepted[step] for step in student.rows_of))
    asking = [step for step in student.rests_on
              if lines[step].part == API and verbs[step] == "synthesize"]
    written = max(1.0, sum(accepted[step] for step in asking))
    asked = added([lines[step] for step in asking], "teacher", API).calls
    a_row = (0.0, 0.0) if asked is None else (round((asked.read or 0) / written, 1),
                                              round((asked.written or 0) / written, 1))
    instead = None
    if student.synthetic and asked is not None:
        pico = None if asked.pico is None else round(asked.pico / written * rows)
        calls = Calls(round((asked.number or 0) / written * rows), round(rows * a_row[0]),
                      round(rows * a_row[1]), pico, own=asked.own)
        prices = price_of(asking)
        instead = Line("all by the teacher", API, calls.at(*prices) if prices else calls)
    return Made(student, rows, by_part, total(by_part.values(), "all of these"), a_row,
                instead)


def _mean(trained: Sequence[Line]) -> Line:
    """Return the mean of some trainings as one line."""
    whole, n = added(trained, "training"), len(trained)
    times = tuple(Time(time.device, None if time.hours is None else
                       round(time.hours / n, DIGITS), price=time.price,
                       note="; ".join(filter(None, [f"mean of {n}", time.note])) if n > 1
                       else time.note) for time in whole.times)
    return Line(whole.name, trained[0].part, None, times)


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _tokens(line: Line | None) -> float | None:
    calls = line.calls if line else None
    if calls is None or calls.read is None or calls.written is None:
        return None
    return calls.read + calls.written
