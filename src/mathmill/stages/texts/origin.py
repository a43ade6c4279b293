"""What a recipe may write of its sources, and what of it decides the step.

Why: a source may need no more than its name, or a weight, a kind, a licence and a field map;
wrong words should be refused when the recipe is read. A file's identity is its content and
short name, so that a corpus that moves is no new step.

Used as: `literals, paths = listed({"pages/": 1, "papers/": {"weight": 2, "kind": "paper"}})`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mathmill.errors import UsageError
from mathmill.stages.seeds.place import plain_name
from mathmill.stages.texts.fields import OURS
from mathmill.stages.texts.mix import weights_of
from mathmill.stages.texts.places import digest
from mathmill.texts import KINDS

Sources = str | Sequence[str] | Mapping[str, float | Mapping[str, Any] | None]
OPTIONS = ("weight", "kind", "licence", "fields", "limit")


def listed(sources: Sources) -> tuple[list[dict[str, Any]], list[str]]:
    """Return each source as literals, and the places to read in the same order.

    `sources`: a name, several, or names with a weight or a mapping of `OPTIONS` each. Raises
    UsageError for what cannot be right, InputError for a path where nothing can be read.
    """
    if isinstance(sources, str):
        sources = [sources]
    named: dict[str, Any] = (dict(sources) if isinstance(sources, Mapping)
                             else dict.fromkeys(sources))
    if not named:
        raise UsageError("texts without a source; name one, such as shipped: or a folder")
    if len(named) < len(sources):
        raise UsageError("a source is listed twice; name each once, and give it more weight")
    literals = [_literals(name, options) for name, options in named.items()]
    weights_of(list(named), [entry["weight"] for entry in literals])
    return literals, list(named)


def _literals(source: str, options: float | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what decides the texts of one source."""
    given: dict[str, Any] = (dict(options) if isinstance(options, Mapping)
                             else {"weight": options})
    if unknown := set(given) - set(OPTIONS):
        raise UsageError(f"{source} has the option {sorted(unknown)[0]!r}, which there is not; "
                         f"there are {', '.join(OPTIONS)}")
    weight, fields = given.get("weight"), given.get("fields")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float)):
        raise UsageError(f"{source} has weight {weight!r}; give a number above 0")
    if given.get("kind") not in (None, *KINDS):
        raise UsageError(f"{source} has kind {given['kind']!r}; say one of {', '.join(KINDS)}")
    if fields is not None and not (set(fields) <= set(OURS) and {"text", "question"} & set(fields)):
        raise UsageError(f"{source} has the field map {sorted(fields)}; map text, or question and "
                         "answer, and if there title, licence, language, kind")
    limit = given.get("limit")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise UsageError(f"{source} has limit {limit!r}; give 1 or more texts")
    if source.startswith("symbolic:"):
        made_options(source)  # refused now, not when it is its turn
    content = digest(source)
    local = content is not None and not source.startswith("shipped:")
    return {"source": plain_name(source) if local else source, "content": content,
            **{name: given.get(name) for name in OPTIONS}}


def made_options(source: str) -> dict[str, Any]:
    """Read `symbolic:count=4000,seed=1,plain=0.3,kinds=web+book,families=bakery+shop`.

    Raises UsageError for an option that is unknown or cannot be read.
    """
    readers: dict[str, Callable[[str], Any]] = {
        "count": int, "seed": int, "plain": float,
        "kinds": lambda text: tuple(text.split("+")),
        "families": lambda text: tuple(text.split("+"))}
    options: dict[str, Any] = {"count": 0, "seed": 0}
    for part in filter(None, source.partition(":")[2].split(",")):
        name, _, value = part.strip().partition("=")
        try:
            options[name] = readers[name](value)
        except (KeyError, ValueError):
            raise UsageError(f"{source}: cannot read {part!r}; write symbolic:count=4000,seed=1,"
                             "plain=0.3,kinds=web+book,families=bakery+shop") from None
    if options["count"] < 1:
        raise UsageError(f"{source}: not one text; say how many, as in symbolic:count=4000")
    return options
