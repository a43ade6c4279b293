"""Figures that the pages in docs/ give and no other benchmark prints, each made anew.

Why: a figure without the command that made it cannot be believed, nor mended when it is old.
Times are processor time of this process, which a busy machine changes less than the clock.

Used as: `python benchmarks/pages.py select symbolic texts scaling journal account samples` (any
of them; about two minutes together); `generate` (its prompts go to a local server) takes one more.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for each other burn seconds
HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
sys.path[:0] = [str(HERE), str(TESTS), str(TESTS / "teachers"), str(TESTS / "report"),
                str(TESTS / "stages" / "select" / "coreset")]
SWEEPS = 40  # simulated, of each law at each noise
DATA = HERE.parents[1] / "shared" / "data"


def told(name: str, value: str) -> None:
    """Print a figure."""
    print(f"  {name:<66} {value}", flush=True)


@contextmanager
def clocked(took: list[float]) -> Iterator[None]:
    """Add the processor seconds of a block to a list."""
    began = time.process_time()
    yield
    took.append(time.process_time() - began)


def select() -> None:
    """Print what a core-set of GSM8K costs, beside the plain loop (docs/select.md)."""
    from test_greedy import plain_loop

    from mathmill.stages.select.coreset import k_center
    from mathmill.stages.select.embed import embed

    lines = (DATA / "gsm8k" / "train.jsonl").read_text("utf-8").splitlines()
    points = embed([json.loads(line)["question"] for line in lines])
    quick: list[float] = []
    with clocked(quick):
        ours = k_center(points, 1_500)
    plain: list[float] = []
    with clocked(plain):  # each of its choices looks at every point, so it takes as long
        assert plain_loop(points, 100, 0)[0] == ours[0][:100]
    told(f"1,500 of {len(lines):,} questions: seconds, and of the plain loop",
         f"{quick[0]:.2f}, {plain[0] * 15:.1f}")


def symbolic() -> None:
    """Print the size of the symbolic world, and how often meanings meet (docs/symbolic.md)."""
    from mathmill.grading.equal import equal
    from mathmill.grading.sandbox.form import answer_of, program_of
    from mathmill.grading.sandbox.run import Sandbox
    from mathmill.programs import make_function
    from mathmill.teachers.symbolic import make_problems, program_for
    from mathmill.teachers.symbolic.tables import families

    beats = [beat for family in families().values() for beat in family.beats]
    told("families, beats", f"{len(families())}, {len(beats)}")
    for level in (1, 2):
        seen = {each.signature for each in make_problems(20_000, 0, levels=(level,))}
        fresh = [each.signature for each in make_problems(1_000, 1, levels=(level,))]
        told(f"level {level}: fresh problems with a meaning among 20,000 others'",
             f"{sum(each in seen for each in fresh) / len(fresh):.1%}")
    rng, right, graded = random.Random(0), 0, 0
    made = [(each.question, program_for(each.question, rng)) for each in make_problems(1_000, 2)]
    with Sandbox(crosscheck=0) as sandbox:
        ran = sandbox.run(program_of(make_function(question, each.body))
                          for question, each in made)
        for (_, each), outcome in zip(made, ran, strict=True):
            right += abs(Fraction(outcome.value) - Fraction(each.answer)) < Fraction(1, 10**9)
            graded += equal(each.answer, answer_of(outcome)).value == "correct"
    told(f"right of {len(made):,} programs, to nine places; and as `equal` says",
         f"{right:,}, {graded:,}")


def texts() -> None:
    """Print what texts of the symbolic world are, and what comes of them (docs/symbolic.md)."""
    from importlib.resources import files

    from tokenizers import Tokenizer

    from mathmill.methods import FROM_TEXT
    from mathmill.teachers.symbolic import SymbolicTeacher, truth
    from mathmill.teachers.symbolic.insight import look
    from mathmill.teachers.symbolic.reader import read
    from mathmill.teachers.symbolic.texts import texts as written

    encoder = Tokenizer.from_file(str(files("mathmill.train") / "embedded" / "tokenizer.json"))
    took: list[float] = []
    with clocked(took):
        rich = list(written(2_000, 3, plain=0.0))
    lengths = sorted(len(encoder.encode(text.text).ids) for text in rich)
    told("2,000 texts: ms each; tokens on average, of the middle 95 in 100",
         f"{took[0] / 2:.2f}; {sum(lengths) / 2_000:.0f}, {lengths[50]} to {lengths[-50]}")
    plain = [look(text.text).family for text in written(2_000, 3, plain=1.0)]
    told("with a family: of 2,000 texts, of 2,000 plain ones",
         f"{sum(look(text.text).family is not None for text in rich):,}, "
         f"{len(plain) - plain.count(None):,}")
    for teacher in (SymbolicTeacher(), SymbolicTeacher(compact=True)):
        right, begun, able, sizes, spent = 0, 0, 0, 0, list[float]()
        for number, text in enumerate(rich):
            request = FROM_TEXT[number % len(FROM_TEXT)].asked(text)
            with clocked(spent):
                reply = asyncio.run(teacher.answer(request)).text
            question = reply.removeprefix("Problem: ").partition("\nSolution:")[0]
            right += reply.endswith(f"The answer is {truth(question)}")
            sizes += len(encoder.encode(reply).ids)
            seen, reading = look(text.text), read(question)
            if seen.told and reading:
                able += 1
                begun += reading.story.events[0] == seen.told[0].event
        told(f"compact={int(teacher.compact)}: right of 2,000; begin as the text; ms, tokens each",
             f"{right:,}; {begun / able:.1%}; {sum(spent) / 2:.1f}, {sizes / 2_000:.0f}")


def scaling() -> None:
    """Print how often the right law is found and its interval holds (docs/scaling.md)."""
    import numpy as np
    from test_scaling import ITEMS, TRUTHS, simulate

    from mathmill.report.scaling import fit

    for law, truth in TRUTHS.items():
        for noise in (0.0, 0.015):
            found = held = 0
            widths, dice = [], np.random.default_rng(5)
            for number in range(SWEEPS):
                fits = fit(simulate(law, number, noise), draws=100)
                found += fits.chosen.name == law
                ahead = fits.next[0]
                share = min(1.0, max(0.0, truth(ahead.rows) + noise * dice.standard_normal()))
                held += ahead.low <= dice.binomial(ITEMS, share) / ITEMS <= ahead.high
                widths.append(ahead.high - ahead.low)
            told(f"{law}, noise {noise * 100:g} points: found, next size held, width",
                 f"{found / SWEEPS:.0%}, {held / SWEEPS:.0%}, {np.mean(widths) * 100:.1f} points")


def journal() -> None:
    """Print what keeping and finding replies costs (docs/teachers.md, the journal)."""
    from mathmill.teachers.journal import Journaled
    from mathmill.teachers.journal.index import Index
    from mathmill.types import Message, Reply, Request

    class Instant:
        name = "openai:instant"

        async def answer(self, request: Request) -> Reply:
            return Reply(request.id, "x" * 1_000, self.name, prompt_tokens=100)

    async def ask(teacher: Any, count: int) -> None:
        for number in range(count):
            await teacher.answer(Request((Message("user", f"{number} " + "y" * 1_000),)))

    count, costs = 20_000, []
    with tempfile.TemporaryDirectory() as folder:
        for teacher in (Instant(), Journaled(Instant(), Path(folder)),
                        Journaled(Instant(), Path(folder))):
            with clocked(costs):
                asyncio.run(ask(teacher, count))
            if isinstance(teacher, Journaled):
                teacher.close()
    bare, kept, found = (cost / count * 1e6 for cost in costs)
    told("to ask nobody, with the request's id: microseconds", f"{bare:.0f}")
    told("to keep a reply of 1 KB, to find one, besides", f"{kept - bare:.0f}, {found - bare:.0f}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    index, draw = Index(), random.Random(0)
    for place in range(2_500_000):
        index.add(draw.getrandbits(63), place * 2_300, 2_300)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    told(f"memory of an index of {len(index):,} replies, MB at its peak", f"{peak / 1024:.0f}")


def account() -> None:
    """Print what the account of what is spent costs a call (docs/money.md)."""
    from mathmill.teachers.money.amount import Amount, Caps
    from mathmill.teachers.money.ledger import Account

    worst, actual, count = Amount(10**9, 1, 500, 1024), Amount(10**8, 1, 100, 60), 20_000
    for caps in (Caps(), Caps(cost=10**18)):
        costs: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            book = Account(Path(folder) / "spent.jsonl", "openai:x")
            with clocked(costs):
                for _ in range(count):
                    assert not book.hold(worst, caps)
                    book.settle(worst, actual, False)
            book.close()
        told(f"a call in the account, {'with' if caps else 'without'} caps: microseconds",
             f"{costs[0] / count * 1e6:.0f}")


def samples() -> None:
    """Print what eight samples a prompt take (docs/teachers.md, samples in one call)."""
    from hostile_makers import engine, request
    from hostile_server import HostileServer
    from mathmill.stages.asking import Asking
    from mathmill.teachers.journal import Journaled

    with HostileServer(latency="uniform:0.2,0.6") as server, \
            tempfile.TemporaryDirectory() as folder, \
            Asking(Journaled(engine(server), Path(folder)), 4096) as asking:
        replies = asking.all([request(f"q {number}", sample=sample)
                              for number in range(500) for sample in range(8)])
    once = 11 * len(replies)  # this server counts 11 tokens a prompt
    read = sum(reply.prompt_tokens for reply in replies)
    told(f"{len(replies):,} samples of 500 prompts: calls, share of the tokens read singly",
         f"{server.requests:,}, {read / once:.0%}")


def generate() -> None:
    """Print what `mathmill generate` takes a prompt (docs/teachers.md)."""
    from hostile_server import hostile_process
    from mathmill.stages.generate import generate as ask
    from mathmill.teachers.registry import open_teacher
    from mathmill.workbench import Terms

    count = 2_000
    with hostile_process(latency="0.3") as server, tempfile.TemporaryDirectory() as folder:
        prompts, home = Path(folder) / "p.jsonl", Path(folder) / "run"
        prompts.write_text("".join(json.dumps({"prompt": f"{number} " + "y" * 1_000}) + "\n"
                                   for number in range(count)))
        for tried in ("asked", "found in the journal"):
            costs: list[float] = []
            with clocked(costs):
                ask(prompts, Path(folder) / "o.jsonl", open_teacher(
                    f"openai:tiny@{server.url}", home, Terms(no_cost=True, journal=home)))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            told(f"{count:,} prompts of 1 KB, {tried}: ms of CPU a prompt, peak MB",
                 f"{costs[0] / count * 1e3:.2f}, {peak:.0f}")


PAGES: dict[str, Callable[[], None]] = {
    "select": select, "symbolic": symbolic, "texts": texts, "scaling": scaling,
    "journal": journal, "account": account, "samples": samples, "generate": generate}

if __name__ == "__main__":
    for page in sys.argv[1:] or [name for name in PAGES if name != "generate"]:
        print(page)
        PAGES[page]()
