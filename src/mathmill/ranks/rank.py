"""What every rank does: know its number, end with its parent, say in one line why it ends.

Why: a rank whose torchrun is gone would train on into a folder that the next run believes its
own; and what the user must mend must reach them from whichever process meets it.

Used as: `if __name__ == "__main__": serve(work)` with `work(settings, rank)`, in the modules that
a launch line names.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.errors import MathmillError
from mathmill.io import read_json, write_json
from mathmill.ranks.launch import PIDS, birth


@dataclass(frozen=True, slots=True)
class Rank:
    """One of several processes that do one piece of work."""

    number: int = 0
    "Among all of them, from 0."
    of: int = 1
    "How many they are."
    local: int = 0
    "Among those of this machine: its GPU."
    split: bool = False
    "Whether the model is split over them (FSDP) rather than whole in each (DDP)."

    @classmethod
    def here(cls) -> Rank:
        """Return what torchrun says of this process."""
        return cls(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)),
                   int(os.environ.get("LOCAL_RANK", 0)))

    def take_device(self) -> None:
        """Have torch use this process's own GPU, where there are some."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.set_device(self.local)


ALONE = Rank()


def serve(work: Callable[[dict[str, Any], Rank], None]) -> None:
    """Do a rank's work with the settings in the file that the command line names, and leave.

    Leaves at once: taking a lost group of processes down in order can take for ever.
    """
    settings, rank, code = Path(sys.argv[1]), Rank.here(), 0
    end_with(os.getppid(), signal.SIGKILL)
    folder = Path(os.environ.get("MATHMILL_RANKS", settings.parent))
    if (folder / PIDS).is_dir():
        (folder / PIDS / str(os.getpid())).write_text(birth(os.getpid()), encoding="utf-8")
    try:
        work(read_json(settings), rank)
    except MathmillError as error:
        code = 2
        print(f"mathmill: {error}", file=sys.stderr)
        if "MATHMILL_RANKS" in os.environ:
            write_json(folder / f"error-{rank.number:05d}.json",
                       {"kind": type(error).__name__, "line": str(error)})
    except BaseException:
        code = 1
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def end_with(parent: int, how: signal.Signals) -> None:
    """Have this process end once `parent` is not its parent any more."""
    if sys.platform == "linux":
        death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None, use_errno=True).prctl(death_signal, how)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), how)
        time.sleep(20.0)  # where it does not listen
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
