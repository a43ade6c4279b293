"""Which rows a stage trains on, and in which order: by ids and the seed alone.

Why: the first 500 rows of a subset lie within its first 1,000, a row that is added elsewhere
moves no other, and a training that was killed goes on with the batch it would have had. A row
costs 18 bytes here, for there may be millions: its text is not read yet.

Used as: `picked = pick({"rows": table(ids_and_levels, seed)}, stage)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mathmill.errors import StepFailed
from mathmill.identity import content_id
from mathmill.train.data import StagePlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_LEVEL = -1


@dataclass(frozen=True, slots=True)
class Table:
    """One input's rows by what decides the choice; places are those in its file."""

    ranks: NDArray[Any]
    "Where each stands in the permutation that the seed draws of this input."
    mixed: NDArray[Any]
    "Where each stands in the permutation of a mixture; empty where nothing is mixed."
    levels: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Picked:
    """The chosen rows of one input."""

    places: NDArray[Any]
    "In its file, ascending."
    ranks: NDArray[Any]
    "Of each: among all chosen rows of all inputs, lower ones are learned first."


def table(rows: Iterable[tuple[str, int | None]], seed: int, mixed: bool = False) -> Table:
    """Return the table of (id, level) of an input; `mixed`: it will be mixed with others."""
    import numpy as np

    ranks, among, levels = [], [], []
    for name, level in rows:
        ranks.append(_rank("subset", seed, name))
        if mixed:
            among.append(_rank("mix", seed, name))
        levels.append(NO_LEVEL if level is None else level)
    return Table(np.array(ranks, dtype=np.uint64), np.array(among, dtype=np.uint64),
                 np.array(levels, dtype=np.int16))


def join(tables: Iterable[Table]) -> Table:
    """Return tables of parts of a file, in order, as one."""
    import numpy as np

    parts = list(tables)
    ranks = [np.zeros(0, dtype=np.uint64), *(part.ranks for part in parts)]
    mixed = [np.zeros(0, dtype=np.uint64), *(part.mixed for part in parts)]
    levels = [np.zeros(0, dtype=np.int16), *(part.levels for part in parts)]
    return Table(np.concatenate(ranks), np.concatenate(mixed), np.concatenate(levels))


def pick(tables: Mapping[str, Table], stage: StagePlan) -> dict[str, Picked]:
    """Return the stage's rows of each of its inputs.

    Of inputs mixed in ratios each gives the first rows of its own permutation, and the one that
    would run out first sets the size. Raises StepFailed where no row is left or fewer than
    `first` are there.
    """
    import numpy as np

    fit = {}
    for name, one in tables.items():
        there = (np.arange(len(one.levels)) if stage.levels is None
                 else np.flatnonzero(np.isin(one.levels, stage.levels)))
        if not len(there):
            raise StepFailed("no row is left to train on; see the drops of the steps before"
                             if stage.levels is None else
                             f"no row has level {' or '.join(map(str, stage.levels))}; "
                             "choose other levels or rate the rows' difficulty first")
        fit[name] = there[np.argsort(one.ranks[there], kind="stable")]
    if stage.ratios:
        unit = min(len(fit[name]) / ratio for name, ratio in stage.ratios.items())
        fit = {name: fit[name][:int(unit * ratio + 1e-9)] for name, ratio in stage.ratios.items()}
    names = sorted(fit)
    ranks = {name: (tables[name].ranks if len(names) == 1 else tables[name].mixed)[fit[name]]
             for name in names}
    count = sum(map(len, fit.values()))
    if stage.first is not None and stage.first > count:
        raise StepFailed(f"{stage.first} rows are asked for, but there are {count}; "
                         "make more rows or ask for fewer")
    if stage.first is not None:
        order = np.argsort(np.concatenate([ranks[name] for name in names]), kind="stable")
        chosen = np.zeros(count, dtype=bool)
        chosen[order[:stage.first]] = True
        ends = np.cumsum([len(fit[name]) for name in names])
        for name, mask in zip(names, np.split(chosen, ends[:-1]), strict=True):
            fit[name], ranks[name] = fit[name][mask], ranks[name][mask]
    return {name: _in_file_order(fit[name], ranks[name]) for name in names}


def _in_file_order(places: NDArray[Any], ranks: NDArray[Any]) -> Picked:
    import numpy as np

    order = np.argsort(places)
    return Picked(places[order].astype(np.uint32), ranks[order])


def _rank(kind: str, seed: int, name: str) -> int:
    """Return a row's place in a permutation: 64 bits, so that equal ones are the same row."""
    return int(content_id(kind, seed, name)[:16], 16)
