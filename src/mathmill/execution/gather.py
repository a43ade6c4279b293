"""Finished shards become a step's rows, drops and facts, in the order of the rows.

Why: readers know a step's folder and nothing of shards; the files are linked, not written again,
so that ending a step of millions of rows takes no longer than naming its files.

Used as: `facts = gathered(bench, shelf, manifests, merge)`, by `mapping`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mathmill.errors import StepFailed
from mathmill.execution.part import POISONOUS
from mathmill.execution.shelf import Shelf
from mathmill.io import rows_in
from mathmill.words import counted
from mathmill.workbench import Facts, Merge, Workbench


def gathered(bench: Workbench, shelf: Shelf, manifests: Sequence[dict[str, Any]],
             merge: Merge) -> Facts:
    """Give the bench what the shards kept and dropped, in order; return the merged facts."""
    poisonous = [row for manifest in manifests for row in manifest["poisonous"]]
    gone = sorted({*poisonous, *bench.lost()})
    tables = list(dict.fromkeys(table for manifest in manifests for table in manifest["kept"]))
    for table in tables:
        _gather(bench.out, shelf, [manifest["files"][table] for manifest in manifests
                                   if table in manifest["files"]], table)
        bench.kept[table] = sum(manifest["kept"].get(table, 0) for manifest in manifests)
        bench.gone[table] = gone
    aside = bench.out / "drops.shard"
    for manifest in manifests:
        if "drops" in manifest["files"]:
            aside.unlink(missing_ok=True)
            shelf.fetch(manifest["files"]["drops"], aside)
            bench.drops.include(aside, manifest["dropped"])
    aside.unlink(missing_ok=True)
    facts = [each for manifest in manifests for each in manifest["facts"]]
    if poisonous and not facts:
        bench.drops.close()
        raise StepFailed(f"each of {counted(len(poisonous), 'row')} is a {POISONOUS}; see "
                         f"{rows_in(bench.out, 'drops').name} for what they hold")
    found = dict(merge(facts))
    if poisonous:
        found["poisonous"] = bench.facts.get("poisonous", 0) + len(poisonous)
        if "rows_in" in found:
            found["rows_in"] += len(poisonous)
    return found


def _gather(out: Path, shelf: Shelf, names: list[str], table: str) -> None:
    """Have the files of a table stand in a step's folder: one as a file, more in a folder."""
    file, many, aside = out / f"{table}.parquet", out / table, out / f"{table}.writing"
    for place in (file, many, aside):  # a killed run may have left a link to a shard
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    if len(names) == 1:
        shelf.fetch(names[0], aside)
        os.replace(aside, file)
        return
    aside.mkdir(parents=True)
    for number, name in enumerate(names):
        shelf.fetch(name, aside / f"{number:06d}.parquet")
    os.replace(aside, many)
