"""Where a run keeps its steps: folders, manifests and the lock.

Why: a step is done when its manifest exists, and the manifest is written last and
atomically; two runs in one folder would break that promise, so the second is refused.

Used by the runner: `with Store(out).locked() as store: store.manifest(step)`.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.errors import BusyDirectory, UsageError
from mathmill.execution.step import Step
from mathmill.io import read_json, write_json

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Store:
    """The folder of a run."""

    home: Path
    "Holds `steps/`, the teachers' journal and the lock."

    def folder(self, step: Step) -> Path:
        """Return the folder of a step, done or not.

        A step is found by its id: a recipe that only relabels a finished step finds it again.
        """
        for done in sorted((self.home / "steps").glob(f"*-{step.id[:12]}")):
            return done
        return self.home / "steps" / step.folder

    def manifest(self, step: Step) -> dict[str, Any] | None:
        """Return the manifest of a finished step, None where it is not finished."""
        path = self.folder(step) / MANIFEST
        return read_json(path) if path.exists() else None

    def earlier(self, step: Step) -> list[dict[str, Any]]:
        """Return the manifests of other finished steps with the same verb and label."""
        found = []
        for path in sorted((self.home / "steps").glob(f"*/{MANIFEST}")):
            manifest = read_json(path)
            same = (manifest["name"], manifest["label"]) == (step.name, step.title)
            if same and manifest["id"] != step.id:
                found.append(manifest)
        return sorted(found, key=lambda m: m["started"])

    def commit(self, step: Step, tally: Mapping[str, Any], started: float,
               seconds: float, machine: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        """Write the manifest: from now on the step is done."""
        folder = self.folder(step)
        write_json(folder / MANIFEST, {
            "id": step.id, "label": step.title, "name": step.name,
            "literals": dict(step.literals),
            "inputs": {name: {"id": given.id,
                              "folder": str(self.folder(given).relative_to(self.home))}
                       for name, given in step.inputs.items()},
            "tally": tally, "started": started, "seconds": seconds,
            "machine": dict(machine), "versions": versions,
        })

    @contextmanager
    def locked(self) -> Iterator[Store]:
        """Hold the run folder for this process; the system frees it however the process ends.

        Raises BusyDirectory where another run holds it, UsageError where it cannot be made.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UsageError(f"{self.home}: {error.strerror}; choose another folder with "
                             "--out") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.pread(handle, 64, 0).decode(errors="replace").strip()
                raise BusyDirectory(
                    f"{self.home}: another run holds this folder (process {holder or 'unknown'}); "
                    "wait for it, stop it, or choose another folder with --out") from error
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield self
        finally:
            os.close(handle)


def now() -> float:
    """Return seconds since the epoch (in one place, so that tests can replace it)."""
    return time.time()
