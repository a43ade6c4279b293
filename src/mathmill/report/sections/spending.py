"""Tokens, time and money: by verb, by teacher, and for an accepted row of every method.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mathmill.dollars import in_words
from mathmill.report.cost import Bought, bought
from mathmill.report.markup import Html, count, details, para, percent, seconds, section, table, tag
from mathmill.report.material import Material

WORTH = ("replies", "found", "tokens read", "tokens written", "worth", "of it found")


def render(material: Material) -> Html:
    """Return what the run cost."""
    spent = material.cost
    rows = [(tag("b", s.verb), count(s.steps), seconds(s.seconds), *_worth(s.bought))
            for s in spent.by_verb]
    rows.append((tag("b", "all"), count(len(material.graph.steps)), seconds(spent.seconds),
                 *_worth(spent.bought)))
    each = table(("step", "verb", "time"), [(node.name, node.verb, seconds(node.seconds))
                                            for node in material.graph.steps], words=2)
    return section("cost", "Tokens, time and money",
                   table(("verb", "steps", "time", *WORTH), rows), _said(material),
                   _paid(material), _teachers(material), _accepted(material), _methods(material),
                   details("Time of every step", each))


def _worth(found: Bought) -> tuple[str, ...]:
    """Return the cells about replies; those about money say so where no price is known."""
    money = (found.money(), in_words(found.pico_found)) if found.calls else ("–", "–")
    return (count(found.calls), count(found.found), count(found.tokens.read),
            count(found.tokens.written), money[0], "–" if found.unpriced else money[1])


def _said(material: Material) -> Html:
    """Return what the columns mean, in this run's figures."""
    if not material.cost.bought.calls:
        return para(f"Money: {material.cost.money}.")
    return para(f"Money: {material.cost.money}. Worth is what the replies cost when they were "
                "bought; found are those that were in the journal already when a step asked, "
                "bought by an earlier invocation or by another run.")


def _paid(material: Material) -> Html:
    """Return what this run's folder paid, from its account."""
    if not material.paid:
        return para("This run paid nobody: it has no account of bought calls.")
    rows = [(tag("b", p.teacher), count(p.invocations), count(p.calls), count(p.tokens.read),
             count(p.tokens.written), in_words(p.pico), count(p.assumed),
             in_words(p.pico_assumed)) for p in material.paid]
    return table(("teacher", "invocations", "calls", "tokens read", "tokens written", "paid",
                  "calls at their worst case", "these"), rows,
                 caption="What this run paid, over all its invocations: also for calls whose "
                         "reply was lost. Where nobody told what a call cost, it is counted at "
                         "the most that it can cost")


def _teachers(material: Material) -> Html:
    """Return what each teacher's replies were worth."""
    rows = [(tag("b", name), *_worth(found)) for name, found in material.cost.by_teacher.items()]
    return table(("teacher", *WORTH), rows,
                 caption="What each teacher's replies were worth") if rows else Html("")


def _accepted(material: Material) -> Html:
    """Return what an accepted row of each method cost."""
    rows = [(tag("b", a.method), a.check, count(a.rows), a.made.money(),
             a.voted.money() if a.voted.calls else "–",
             "–" if a.all.unpriced else in_words(a.all.pico_found), a.all.money(a.rows),
             _share(a.all.calls, a.rows), _share(a.all.tokens.all, a.rows))
            for a in material.cost.per_row]
    if not rows:
        return Html("")
    return table(("method", "kept by", "accepted rows", "attempts worth", "votes worth",
                  "of it found", "money an accepted row", "replies a row", "tokens a row"),
                 rows, words=2,
                 caption="What an accepted row cost: with all attempts that failed and all votes "
                         "about its method's rows. Accepted are the rows that the last check "
                         "which looked at them kept")


def _share(number: int, rows: int) -> str:
    return f"{number / rows:,.1f}" if rows else "–"


def _methods(material: Material) -> Html:
    """Return attempts, rows and tokens of every method."""
    rows = []
    for node in material.graph.verbs("synthesize"):
        methods = node.facts.get("methods")
        for name, found in (methods.items() if isinstance(methods, Mapping) else ()):
            if isinstance(found, Mapping):
                tried, passed = int(found.get("attempts", 0)), int(found.get("accepted", 0))
                tokens = bought(found).tokens.all
                rows.append((tag("b", name), node.name, count(tried), count(passed),
                             percent(passed / tried) if tried else "–", count(tokens),
                             count(tokens / passed) if passed else "–"))
    if not rows:
        return Html("")
    return table(("method", "step", "attempts", "rows", "yield", "tokens", "tokens a row"),
                 rows, words=2, caption="What each method took and gave, before any check")
