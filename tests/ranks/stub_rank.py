"""A rank that does what its settings say: ends, asks for something to be mended, dies, stays."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from mathmill.errors import UsageError
from mathmill.ranks.rank import Rank, serve


def work(settings: dict[str, Any], rank: Rank) -> None:
    """Leave a sign, and do as told."""
    (Path(settings["signs"]) / f"{rank.number} of {rank.of}").touch()
    if settings["do"] == "refuse" and rank.number == 1:
        raise UsageError("no such thing; give another")
    if settings["do"] == "die" and rank.number == 1:
        print("one last word", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if settings["do"] != "end":
        time.sleep(600)


if __name__ == "__main__":
    serve(work)
