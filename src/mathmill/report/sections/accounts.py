"""What each model cost, in the parts of JiuZhang3.0's own account, beside what papers told.

Shown for runs in which a model that was trained there wrote rows. Every sum can be followed in
its own table: calls and tokens with their prices, hours with theirs.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Iterable

from mathmill.accounting import API, NOT_TOLD, PARTS, PUBLISHED, REST, Account, Line, Made
from mathmill.report.markup import Html, count, details, para, percent, section, table, tag
from mathmill.report.material import Material

HEAD = ("teacher's calls", "their money", "machine", "its money", "money in all")


def render(material: Material) -> Html:
    """Return what the models cost; nothing where no trained model wrote rows."""
    account = material.account
    if account is None:
        return Html("")
    return section(
        "account", "What a model cost", para(
            "Reckoned as JiuZhang3.0's paper does: calls of a teacher by their tokens, and hours "
            "of machines, each at its price. A model that was trained here is asked for nothing "
            "but time. GPUs count by hours held, processor cores by the time that they worked; "
            "what nobody told is not told, and never counted as nothing. A core has no price "
            "unless a table of your own gives one ([core-hour])."),
        _parts(account), *(para(f"{note}.") for note in account.notes), _models(account.models),
        _instead(account.models), _published(account.priced),
        details("Every step", table(
            ("step", "part", *HEAD), [(tag("b", line.name), line.part, *line.cells)
                                      for line in account.steps], words=7)))


def _parts(account: Account) -> Html:
    """Return the account of the whole run, with all its models."""
    rows = [_row(line) for line in account.by_part if line.part != REST]
    rows.append(_row(account.whole))
    rows += [_row(line) for line in account.by_part if line.part == REST]
    return table(("the whole run", *HEAD), rows, words=6,
                 caption="By part, over the whole run with all its models. The paper counts no "
                         "checks and no evaluation")


def _row(line: Line) -> tuple[Html | str, ...]:
    return (tag("b", line.name), *line.cells)


def _models(models: Iterable[Made]) -> Html:
    """Return what each model rests on, part by part."""
    rows = []
    for made in models:
        hours = ["; ".join(time.words for time in made.by_part[part].times) or "–"
                 for part in PARTS if part != API]
        asked = made.by_part[API]
        rows.append((tag("b", made.name), count(made.rows), *asked.cells[:2], *hours,
                     *made.whole.cells[2:]))
    head = ("model", "rows written for it", "teacher's calls", "their money",
            *(part for part in PARTS if part != API), "hours together", *HEAD[3:])
    return table(head, rows, words=len(head),
                 caption="By model: all that it rests on; what two models share is in both "
                         "lines") if rows else Html("")


def _instead(models: Iterable[Made]) -> Html:
    """Return what the same rows would have cost, had the teacher written them all."""
    rows = [(tag("b", made.name), made.arithmetic, made.by_teacher.calls.bill,
             _percent(made.of_tokens), made.whole.money().words, _least(made.of_money))
            for made in models if made.by_teacher is not None and made.by_teacher.calls]
    return table(("model", "all by the teacher", "its money", "the model took, of those tokens",
                  "the model's money", "of that money"), rows, words=3,
                 caption="The same number of rows, all by the teacher, at the tokens that it took "
                         "for an accepted row here") if rows else Html("")


def _published(priced: Iterable[Line]) -> Html:
    """Return what papers told, and what that comes to at prices of our table."""
    rows = []
    for each in PUBLISHED:
        rows += [(f"{each.name}: {line.name}", *line.cells[:4], "") for line in each.lines]
        rows.append((tag("b", f"{each.name}, in all"), *each.line.cells[:4], each.said))
    rows += [_row(line) for line in priced]
    return table(("as published", *HEAD), rows, words=6,
                 caption="What papers told of theirs (arXiv 2405.14365, appendix A; GPU-hours "
                         "derived: hours x 64). Whether the training of the synthesizers is "
                         f"among its hours is {NOT_TOLD}")


def _percent(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _least(value: tuple[float, bool] | None) -> str:
    """Return a share of which it is known whether it is whole."""
    return "–" if value is None else ("" if value[1] else "at least ") + percent(value[0])
