"""The words by which a recipe names checks, read and made ready.

Why: a recipe is read by people and compared by machines, so a check is a plain word, with a
number where it takes one: `majority(5)`, `long_enough(20)`.

Used as: `named(["runs", "majority(3)"], votes=5)` -> `[Named("runs", 0), Named("majority", 3)]`;
`with ready(bench, checks, ...) as hand: hand.checks[0].find(rows)`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from mathmill.errors import UsageError
from mathmill.stages.asking import Asking, Usage, open_asking
from mathmill.stages.verify.answers import KnownAnswer
from mathmill.stages.verify.finding import Check
from mathmill.stages.verify.programs import Deterministic, Runner, Runs, runner_at
from mathmill.stages.verify.questions import WORDS, HasDigits, LongEnough
from mathmill.stages.verify.tools import ToolRuns
from mathmill.stages.verify.votes import Votes, programs, prose
from mathmill.workbench import Workbench

TAKES_NUMBER = ("long_enough", "majority", "programs_agree")
CHECKS = ("answer_agrees", "deterministic", "has_digits", "long_enough", "majority",
          "programs_agree", "prose_agrees", "runs", "tool_runs")
ASK = ("majority", "programs_agree", "prose_agrees")
EXECUTE = ("deterministic", "programs_agree", "runs", "tool_runs")
_FORM = re.compile(r"([a-z_]+)(?:\((\d{1,9})\))?")


@dataclass(frozen=True, slots=True)
class Named:
    """A check as the recipe asks for it."""

    name: str
    "One of `CHECKS`."
    number: int = 0
    "Votes, or words; 0 where the check takes none."


def named(by: Sequence[str], votes: int) -> list[Named]:
    """Read the names of checks; raises UsageError for one that there is not."""
    checks = []
    for text in by:
        found = _FORM.fullmatch(text)
        if (found is None or found[1] not in CHECKS
                or (found[2] is not None and found[1] not in TAKES_NUMBER)):
            forms = [f"{name} or {name}(n)" if name in TAKES_NUMBER else name for name in CHECKS]
            raise UsageError(f"no check is called {text!r}; there are: {', '.join(forms)}")
        usual = {"long_enough": WORDS, "majority": votes, "programs_agree": votes,
                 "prose_agrees": 1}.get(found[1], 0)
        number = usual if found[2] is None else int(found[2])
        if found[1] in TAKES_NUMBER and number < 1:
            what = "words" if found[1] == "long_enough" else "votes"
            raise UsageError(f"{text} with {number} {what} decides nothing; ask for 1 or more")
        checks.append(Named(found[1], number))
    if not checks:
        raise UsageError("verify without a check gives no verdict; name one in `by`")
    return checks


@dataclass
class Hand:
    """The checks that are ready, and what they hold open."""

    checks: list[Check]
    asking: Asking | None = None
    runner: Runner | None = None
    costs: dict[str, Usage] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return what asking and executing came to: `votes` and `programs`, where there were."""
        facts: dict[str, Any] = {}
        if self.runner is not None:
            facts["programs"] = dict(self.runner.kinds)
        if self.asking is not None:
            tallies = {check.name: check.tally.facts() for check in self.checks
                       if isinstance(check, Votes)}
            counts: Counter[str] = Counter()
            for tally in tallies.values():
                counts.update(tally)
            facts["votes"] = {**counts, **self.asking.usage.facts(), "by_check": tallies,
                              "methods": {name: usage.facts()
                                          for name, usage in self.costs.items()}}
        return facts


@contextmanager
def ready(bench: Workbench, checks: Sequence[Named], *, teacher: str, policy: str,
          temperature: float, seconds: float, whole: float) -> Iterator[Hand]:
    """Make the checks ready: open the teacher and the sandbox only where one needs them."""
    names = {check.name for check in checks}
    costs: dict[str, Usage] = {}
    with ExitStack() as held:
        asking = (held.enter_context(open_asking(bench, teacher))
                  if names & set(ASK) else None)
        runner = runner_at(bench, seconds, whole) if names & set(EXECUTE) else None

        def made(check: Named) -> Check:
            if check.name == "answer_agrees":
                return KnownAnswer(policy)
            if check.name == "long_enough":
                return LongEnough(check.number)
            if check.name == "has_digits":
                return HasDigits()
            if check.name == "runs":
                assert runner is not None, "runs executes"
                return Runs(runner)
            if check.name == "deterministic":
                assert runner is not None, "deterministic executes"
                return Deterministic(runner)
            if check.name == "tool_runs":
                assert runner is not None, "tool_runs executes"
                return ToolRuns(runner)
            assert asking is not None, "the other checks ask"
            if check.name == "programs_agree":
                assert runner is not None, "programs_agree executes"
                ballot = programs(bench, temperature, runner.answers)
            else:
                ballot = prose(bench, temperature)
            return Votes(check.name, check.number, ballot, asking, policy, bench.show, costs)

        yield Hand([made(check) for check in checks], asking, runner, costs)
