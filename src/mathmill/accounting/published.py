"""What papers told of their cost, as they told it: nothing is filled in.

JiuZhang3.0 (arXiv 2405.14365, appendix A) counts the calls of its teacher by their mean tokens,
and hours on 8 machines of 8 A100 each. Its unit prices, and the sums of its table, were not
found; the $8,480 is a secondary source's. GPU-hours are derived: hours x 64.

Used as: `for each in PUBLISHED: each.line.cells, each.said`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mathmill.accounting.lines import (
    API,
    SELECTION,
    SYNTHESIS,
    SYNTHESIZER,
    TRAINING,
    Calls,
    Line,
    Time,
    added,
)

GPU, GPUS = "A100", 64
READ, WRITTEN = 300, 877  # mean tokens of a call: prompt with text, and reply
CALLS = 9_335
WALL = 24  # hours on the clock: 4 of selection, 10 of synthesis, 10 of training
TEACHER = "openai:gpt-4"
ROWS = 5_984_584
VALUED = 200_000  # pairs whose worth was estimated, in both settings


@dataclass(frozen=True)
class Published:
    """What one paper's model cost."""

    name: str
    "The model."
    lines: tuple[Line, ...]
    "The parts that were told."
    said: str
    "The money, as it was told."
    rows: int | None = None
    "Rows that its synthesizer wrote and that were kept."

    @property
    def line(self) -> Line:
        """Return all parts as one."""
        return added(self.lines, self.name)


def at_prices(tokens: tuple[float, float] | None, hour: int | None) -> tuple[Line, Line]:
    """Return the paper's sum, and its rows all by the teacher, at prices that are not its own.

    `tokens`: picodollars a token in and out; `hour`: of a GPU's hour; None where nobody knows.
    """
    once = Calls(CALLS, CALLS * READ, CALLS * WRITTEN)
    all_of_them = Calls(ROWS, ROWS * READ, ROWS * WRITTEN)
    held = Time.held(GPU, WALL, GPUS, hour)
    return (Line(f"{JIUZHANG.name}, at prices of mathmill's table (GPT-4, A100)", "",
                 once.at(*tokens) if tokens else once, (held,)),
            Line(f"its {ROWS:,} rows all by GPT-4, a call of that length each", "",
                 all_of_them.at(*tokens) if tokens else all_of_them))


def _held(hours: float) -> tuple[Time, ...]:
    return (Time.held(GPU, hours, GPUS),)


JIUZHANG = Published(
    "JiuZhang3.0", (
        Line("GPT-4's pairs", API, Calls(CALLS, CALLS * READ, CALLS * WRITTEN)),
        Line("training of the synthesizers", SYNTHESIZER, times=(Time(GPU, None),)),
        Line("selection, both settings", SELECTION, times=_held(4)),
        Line("synthesis", SYNTHESIS, times=_held(10)),
        Line("training of the 7B model, synthetic and SFT data", TRAINING, times=_held(10))),
    "about $8,480 (a secondary source)", ROWS)
"Its 24 hours on 64 GPUs are 1,536 GPU-hours; whether they hold the synthesizers' is not told."
PUBLISHED = (
    JIUZHANG,
    Published("DeepSeekMath-7B-RL", (
        Line("training on 120B tokens; RL not counted", TRAINING, times=_held(160)),),
        "above $40,000 (JiuZhang3.0's estimate)"),
    Published("KPMath-DSMath-7B", (
        Line("calls, their lengths borrowed from MetaMathQA", API, Calls(None, None, None)),
        Line("training", TRAINING, times=(Time(GPU, None),))),
        "above $40,000 (JiuZhang3.0's estimate)"))
