"""The conformance sheet on paper: what `--self-test` prints and what docs/conformance.md says.

Why: a page of figures that nobody can renew goes stale; this one is written by a command
and a test holds it against a fresh run, up to the seconds.

Used as: `self_test()`; `python -m mathmill.grading.conformance > docs/conformance.md`.
"""

from __future__ import annotations

from importlib.util import find_spec

from mathmill.grading.conformance.pairs import EACH, generated, written
from mathmill.grading.conformance.sheet import ACCEPTED, MISSED, Row, Sheet, limits, measure

_TOP = f"""# Conformance of the grader

This page is written by `python -m mathmill.grading.conformance > docs/conformance.md`; `mathmill
grade --self-test` prints the same sheet for your machine and leaves with code 1 where a limit is
broken.

Each kind of answer has {EACH} labelled pairs, half of them alike, drawn from answers of our own
making: a rewrite keeps the value (spelling, another fraction, other order, factored or expanded),
a change does not (off by one, a sign, a bracket, a part dropped). The label comes from how the
pair was made, never from a grader. Most answers wear what models put around them (dollars, a box,
a sentence, other spacing), so extraction is measured too. The last kinds are tables of cases
written by hand: the known errors of other graders, identities, parts, plain numbers, sequences,
wording.

**missed**: pairs alike that were not called correct; an undecided one is missed. **accepted**:
pairs unlike that were called correct. **undecided**: pairs of both labels. Everything is judged
under the `tolerant` policy; pairs on which policies differ are left out. Limits: {MISSED:.0%}
missed, {ACCEPTED:.1%} accepted.

The grader was mended on these pairs while it was built: they show that the limits are kept, not
how it fares on cases that nobody has seen. `generated(seed="...")` draws other pairs of the same
kinds, and a test grades some of them; of what is wrong below nothing is left out.
"""


def self_test() -> bool:
    """Print the sheet over all pairs; return whether it keeps the limits."""
    sheet = measure(generated() + written())
    print(sheet.text())
    if find_spec("math_verify") is None:
        print("measured without math-verify; with it: pip install 'mathmill[grade]'")
    return sheet.within_limits()


def page(with_algebra: Sheet, without: Sheet) -> str:
    """Return docs/conformance.md: the sheet with math-verify beside the one without."""
    lines = [_TOP, "| kind | pairs | missed | accepted | undecided | missed without math-verify "
             "| undecided without |", "|---|---|---|---|---|---|---|"]
    lines += [_row(kind, row, without.rows[kind]) for kind, row in with_algebra.rows.items()]
    whole, bare = with_algebra.total(), without.total()
    lines += [_row("**all**", whole, bare), "", "With math-verify:", ""]
    lines += [f"- {line}" for line in limits(whole)]
    lines += ["", "Without it:", "", *(f"- {line}" for line in limits(bare)), "",
              "## What settled the pairs", "", "| tier | pairs | without math-verify |",
              "|---|---|---|"]
    tiers = sorted({*with_algebra.tiers, *without.tiers},
                   key=lambda how: (-with_algebra.tiers[how], how))
    lines += [f"| {how} | {with_algebra.tiers[how]:,} | {without.tiers[how]:,} |" for how in tiers]
    return "\n".join([*lines, "", *_errors(with_algebra)]) + "\n"


def _row(kind: str, row: Row, bare: Row) -> str:
    """Return one line of the table."""
    return (f"| {kind} | {row.alike + row.unlike:,} | {_of(row.missed, row.alike)} "
            f"| {_of(row.accepted, row.unlike)} | {_of(row.undecided, row.alike + row.unlike)} "
            f"| {_of(bare.missed, bare.alike)} "
            f"| {_of(bare.undecided, bare.alike + bare.unlike)} |")


def _of(count: int, whole: int) -> str:
    """Return a share in per cent; 0 stands out."""
    return f"{count / whole:.1%}" if count else "0"


def _errors(sheet: Sheet) -> list[str]:
    """Return every pair that the grader gets wrong, as a table."""
    lines = ["## Every pair that it gets wrong", "",
             "| kind | label | gold | answer | verdict |", "|---|---|---|---|---|"]
    for pair, verdict in sorted(sheet.errors, key=lambda error: (error[0].same, error[0].kind)):
        gold, answer = (text.replace("|", "\\|").replace("\n", " ").replace("`", "'")
                        for text in (pair.gold, pair.answer))
        how = verdict.how.replace("|", "\\|")
        lines.append(f"| {pair.kind} | {'alike' if pair.same else 'UNLIKE'} | `{gold}` "
                     f"| `{answer}` | {verdict.value}: {how} |")
    return lines
