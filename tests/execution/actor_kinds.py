"""Objects for workers: this module is imported by them."""

from __future__ import annotations

import os


class Counter:
    """Counts what it is told, and can be made to die or to fail."""

    def __init__(self, start: int) -> None:
        self.count = start

    def add(self, number: int) -> int:
        self.count += number
        return self.count

    def die(self, number: int) -> int:
        if self.count == number:
            os._exit(3)
        return self.count

    def fail(self) -> None:
        raise ValueError("as asked")

    def pid(self) -> int:
        return os.getpid()

    def threads(self) -> list[str | None]:
        return [os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")]
