"""The few HTML shapes of which the report is made, every text escaped on its way in.

Why: a report shows what models wrote, and models write anything; escaping in one place,
by default, is the only way in which none of it is forgotten.

Used as: `section("cost", "Cost", table(head, rows))`; `Html` marks what is already markup.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

PERCENT = 100
TIED = "\u00a0"  # a figure and its unit, or the ends of an interval, stay on one line


class Html(str):
    """Text that is markup already; everything else is escaped where it enters the page."""

    __slots__ = ()


def safe(value: object) -> Html:
    """Return a value as markup: escaped, unless it is markup already."""
    if isinstance(value, Html):
        return value
    # A lone surrogate cannot be written as UTF-8 and would cost the whole page.
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return Html(html.escape(text, quote=True))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Return parts, each escaped if need be, one after another."""
    return Html(between.join(safe(part) for part in parts))


def tag(name: str, *children: object, **attributes: object) -> Html:
    """Return an element; `class_` is written `class`, underscores become hyphens."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{safe(value)}"'
                      for key, value in attributes.items() if value is not None)
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def section(anchor: str, title: str, *children: object) -> Html:
    """Return a section of the page with its heading."""
    return tag("section", tag("h2", title), *children, id=anchor)


def para(*children: object, class_: str | None = None) -> Html:
    """Return a paragraph."""
    return tag("p", *children, class_=class_)


def table(head: Sequence[object], rows: Iterable[Sequence[object]], words: int = 1,
          caption: str | None = None) -> Html:
    """Return a table in a box of its own, within which it scrolls on a narrow screen.

    The first `words` columns hold words, the others figures, which are set right.
    """
    def line(cells: Sequence[object], name: str) -> Html:
        return tag("tr", *(tag(name, cell, class_=None if i < words else "n")
                           for i, cell in enumerate(cells)))

    return tag("div", tag(
        "table", tag("caption", caption) if caption else "",
        tag("thead", line(head, "th")), tag("tbody", *(line(row, "td") for row in rows))),
        class_="scroll", tabindex="0", role="region", aria_label=caption or "table")


def details(summary: object, *children: object, open_: bool = False) -> Html:
    """Return a part that unfolds, without any script."""
    return Html(f"<details{' open' if open_ else ''}>{tag('summary', summary)}"
                f"{join(children)}</details>")


def tile(figure: object, words: object, note: object = "") -> Html:
    """Return one key figure with what it means."""
    return tag("div", tag("b", figure), tag("span", words), tag("small", note), class_="tile")


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a percentage: `0.3 %`."""
    return f"{share * PERCENT:.{digits}f}{TIED}%"


def points(share: float) -> str:
    """Return a difference of shares in points, with its sign: `+1.2`."""
    return f"{share * PERCENT:+.1f}".replace("-", "−")


def span(low: float, high: float, signed: bool = False) -> str:
    """Return an interval of shares: `[0.1, 0.8]`, in per cent or, signed, in points."""
    if signed:
        return f"[{points(low)},{TIED}{points(high)}]"
    return f"[{low * PERCENT:.1f},{TIED}{high * PERCENT:.1f}]"


def count(number: float) -> str:
    """Return a whole number with thousands set apart: `1,319`."""
    return f"{number:,.0f}"


def seconds(value: float) -> str:
    """Return a time as people say it: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if value < 60:  # seconds in a minute
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"
