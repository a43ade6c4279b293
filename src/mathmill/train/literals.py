"""Literals of a recipe, checked against the record that they are to fill.

Why: a misspelt setting must be refused when the recipe is read, with the names that there are,
and every record of settings in this room says so in the same words.

Used as: `known(cls, literals, "a verifier has no setting")`, `one_of(made, CHOICES)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mathmill.errors import UsageError


def known(record: Any, literals: Iterable[str], lacking: str) -> None:
    """Raise UsageError for names that are no fields of a record; `lacking` opens its line."""
    fields = record.__dataclass_fields__
    unknown = set(literals) - set(fields)
    if unknown:
        raise UsageError(f"{lacking} {', '.join(sorted(unknown))}; it has {', '.join(fields)}")


def one_of(made: Any, choices: Mapping[str, Iterable[Any]]) -> None:
    """Raise UsageError for the first setting that is none of its choices."""
    for name, allowed in choices.items():
        if getattr(made, name) not in allowed:
            raise UsageError(f"{name} is {getattr(made, name)!r}; "
                             f"it is one of {', '.join(map(str, allowed))}")
