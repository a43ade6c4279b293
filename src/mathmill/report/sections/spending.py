"""Tokens, time and money, by verb; and every method's yield.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mathmill.report.cost import NO_PRICE, tokens
from mathmill.report.markup import Html, count, details, para, percent, seconds, section, table, tag
from mathmill.report.material import Material


def render(material: Material) -> Html:
    """Return what the run cost."""
    spent = material.cost
    rows = [(tag("b", s.verb), count(s.steps), seconds(s.seconds), count(s.tokens.read),
             count(s.tokens.written)) for s in spent.by_verb]
    rows.append((tag("b", "all"), count(len(material.graph.steps)), seconds(spent.seconds),
                 count(spent.tokens.read), count(spent.tokens.written)))
    money = ("Money: no price known for these tokens." if spent.money == NO_PRICE
             else "Money: nothing was bought.")
    each = table(("step", "verb", "time"), [(node.name, node.verb, seconds(node.seconds))
                                            for node in material.graph.steps], words=2)
    return section("cost", "Tokens, time and money",
                   table(("verb", "steps", "time", "tokens read", "tokens written"), rows),
                   para(money), _methods(material), details("Time of every step", each))


def _methods(material: Material) -> Html:
    """Return attempts, accepted rows and tokens of every method."""
    rows = []
    for node in material.graph.verbs("synthesize"):
        methods = node.facts.get("methods")
        for name, found in (methods.items() if isinstance(methods, Mapping) else ()):
            if isinstance(found, Mapping):
                tried, passed = int(found.get("attempts", 0)), int(found.get("accepted", 0))
                bought = tokens(found)
                rows.append((tag("b", name), node.name, count(tried), count(passed),
                             percent(passed / tried) if tried else "–",
                             count(bought.read + bought.written),
                             count((bought.read + bought.written) / passed) if passed else "–"))
    if not rows:
        return Html("")
    return table(("method", "step", "attempts", "accepted", "yield", "tokens", "tokens a row"),
                 rows, words=2, caption="What each method took and gave")
