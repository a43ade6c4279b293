"""Features made up on the spot, for the tests of what is done with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathmill.train.influence.features import Features, Writer
from mathmill.train.influence.header import RADEMACHER, Header, Space

HEADER = Header(Space(RADEMACHER, 16, 0, 4, (("factor", (4, 8)),), "m"))


def names(count: int, first: int = 0) -> list[str]:
    return [f"{number:032x}" for number in range(first, first + count)]


def seeds_of(ids: list[str]) -> list[str]:
    return [each[::-1] for each in ids]


def write(folder: Path, rows: Any, header: Header = HEADER, ids: list[str] | None = None
          ) -> Features:
    ids = ids if ids is not None else names(len(rows))
    with Writer(folder, header) as writer:
        writer.append(ids, seeds_of(ids), rows, len(rows))
    return Features(folder)
