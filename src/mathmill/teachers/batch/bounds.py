"""How batches are made and looked after: sizes, pauses, tries.

Used as: `Bounds.of("quiet=2,first=5,last=60")`, from the variable MATHMILL_BATCH.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mathmill.errors import UsageError

VARIABLE = "MATHMILL_BATCH"


@dataclass(frozen=True)
class Bounds:
    """Seconds, lines, bytes and tries."""

    quiet: float = 2.0
    "Seconds without a new request after which those that came are sent."
    first: float = 5.0
    "Seconds to the first look at a batch; each pause is half as long again as the one before."
    last: float = 60.0
    "Seconds of the longest pause."
    again: int = 3
    "Times that a request goes into another batch where one left it undone."
    lines: int = 50_000
    "Requests of a file: what OpenAI takes."
    bytes: int = 195_000_000
    "Size of a file: OpenAI takes 200 MB."
    seen: float = 15.0
    "Seconds within which a batch that was asked for stands in the provider's list."
    patience: float = 86_400.0
    "Seconds for which a provider that cannot be reached, or takes no more, is borne."

    @classmethod
    def of(cls, text: str, where: str = VARIABLE) -> Bounds:
        """Read `key=number,key=number`; raises UsageError for what is none."""
        given: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            key, _, value = part.partition("=")
            given[key.strip()] = value
        return cls.read(given, where)

    @classmethod
    def read(cls, given: Mapping[str, Any], where: str) -> Bounds:
        """Return the bounds with those that are given; raises UsageError for what is none."""
        kinds: dict[str, Any] = {each.name: type(each.default) for each in fields(cls)}
        values: dict[str, Any] = {}
        for key, value in given.items():
            try:
                number = float(value)
                whole = kinds[key] is float or number == int(number)
                if isinstance(value, bool) or not whole or not 0 < number < float("inf"):
                    raise ValueError
            except (KeyError, ValueError, TypeError, OverflowError):
                known = ", ".join(f"{name}=NUMBER" for name in kinds)
                raise UsageError(f"{where}: {key} = {value!r} is no bound of batches; write "
                                 f"some of {known}") from None
            values[key] = kinds[key](number)
        return cls(**values)
